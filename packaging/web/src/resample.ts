/** Resampling as `skimage.transform.resize` does it, along which the command line works. */

import { extent } from "./image";

/** A cubic (3) or linear (1) spline through the pixels, from outer edge to outer edge. */
export function resize(
  pixels: Float32Array,
  [height, width]: [number, number],
  [rows, columns]: [number, number],
  order: 1 | 3,
): Float32Array<ArrayBuffer> {
  const narrow = alongRows(pixels, height, width, columns, order);
  const turned = transpose(narrow, height, columns);
  const resized = transpose(alongRows(turned, columns, height, rows, order), columns, rows);
  // Splines overshoot; the result stays within the values of the image.
  const [low, high] = extent(pixels);
  return resized.map((value) => Math.min(Math.max(value, low), high));
}

function alongRows(pixels: Float32Array, rows: number, from: number, to: number, order: 1 | 3) {
  const resized = new Float32Array(rows * to);
  const scale = from / to;
  const kernel = gaussian(Math.max(0, (scale - 1) / 2));
  for (let row = 0; row < rows; row++) {
    const line = smooth(pixels.subarray(row * from, (row + 1) * from), kernel);
    const spline = order === 3 ? cubicCoefficients(line) : line;
    for (let i = 0; i < to; i++)
      resized[row * to + i] = interpolate(spline, (i + 0.5) * scale - 0.5, order);
  }
  return resized;
}

function gaussian(sigma: number): Float64Array {
  const radius = Math.floor(4 * sigma + 0.5);
  const kernel = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    sigma ? Math.exp(-0.5 * ((i - radius) / sigma) ** 2) : 1,
  );
  const sum = kernel.reduce((a, b) => a + b);
  return kernel.map((weight) => weight / sum);
}

/** Beyond the ends lie copies of the last values. */
function at(line: ArrayLike<number>, i: number): number {
  return line[i < 0 ? 0 : i >= line.length ? line.length - 1 : i];
}

function smooth(line: Float32Array, kernel: Float64Array): Float64Array {
  const radius = (kernel.length - 1) / 2;
  return Float64Array.from(line, (_, i) => {
    let sum = 0;
    for (let k = -radius; k <= radius; k++) sum += kernel[k + radius] * at(line, i + k);
    return sum;
  });
}

const PAD = 12; // beyond this, a cubic spline does not feel its ends
const POLE = Math.sqrt(3) - 2;

/** Coefficients of the cubic B-spline through a line, with PAD more at either end. */
function cubicCoefficients(line: Float64Array): Float64Array {
  const n = line.length + 2 * PAD;
  const c = Float64Array.from({ length: n }, (_, i) => at(line, i - PAD) * 6);
  c[0] /= 1 - POLE;
  for (let i = 1; i < n; i++) c[i] += POLE * c[i - 1];
  c[n - 1] *= POLE / (POLE - 1);
  for (let i = n - 2; i >= 0; i--) c[i] = POLE * (c[i + 1] - c[i]);
  return c;
}

function interpolate(spline: Float64Array, x: number, order: 1 | 3): number {
  const first = Math.floor(x);
  const t = x - first;
  if (order === 1) return at(spline, first) * (1 - t) + at(spline, first + 1) * t;
  const i = first + PAD;
  return (
    (at(spline, i - 1) * (1 - t) ** 3 +
      at(spline, i) * (4 - 6 * t ** 2 + 3 * t ** 3) +
      at(spline, i + 1) * (1 + 3 * t + 3 * t ** 2 - 3 * t ** 3) +
      at(spline, i + 2) * t ** 3) /
    6
  );
}

function transpose(pixels: Float32Array, rows: number, columns: number): Float32Array {
  const turned = new Float32Array(pixels.length);
  for (let y = 0, i = 0; y < rows; y++)
    for (let x = 0; x < columns; x++, i++) turned[x * rows + y] = pixels[i];
  return turned;
}
