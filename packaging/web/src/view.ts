/** Shows a plane beside its input, with one contrast for both, and their histogram. */

import { extent } from "./image";

export type Contrast = [black: number, white: number];

/** Grey levels from 0 to 255 under a contrast. */
export function greys(plane: Float32Array, [black, white]: Contrast): Uint8ClampedArray {
  const scale = 255 / Math.max(white - black, 1e-12);
  return Uint8ClampedArray.from(plane, (value) => (value - black) * scale);
}

export function draw(canvas: HTMLCanvasElement, plane: Float32Array, width: number, contrast: Contrast) {
  canvas.width = width;
  canvas.height = plane.length / width;
  const picture = new ImageData(width, canvas.height);
  greys(plane, contrast).forEach((grey, i) => picture.data.set([grey, grey, grey, 255], 4 * i));
  canvas.getContext("2d")!.putImageData(picture, 0, 0);
}

/** From the 1st percentile to the 99.8th. */
export function autoContrast(plane: Float32Array): Contrast {
  const sorted = plane.slice().sort();
  const rank = (fraction: number) => sorted[Math.floor(fraction * (sorted.length - 1))];
  const [black, white] = [rank(0.01), rank(0.998)];
  return white > black ? [black, white] : [black, black + 1];
}

/** Counts, on a logarithmic scale, with a line for black and one for white. */
export function drawHistogram(canvas: HTMLCanvasElement, plane: Float32Array, range: Contrast, contrast: Contrast) {
  const { width, height } = canvas;
  const bins = new Float64Array(width);
  const [low, high] = range;
  const place = (value: number) => ((value - low) / Math.max(high - low, 1e-12)) * (width - 1);
  for (const value of plane) bins[Math.min(Math.max(Math.round(place(value)), 0), width - 1)]++;
  const tallest = Math.log1p(extent(bins)[1]);
  const ink = canvas.getContext("2d")!;
  ink.clearRect(0, 0, width, height);
  ink.fillStyle = "#8fb3c9";
  bins.forEach((count, x) => {
    const tall = (Math.log1p(count) / tallest) * height;
    ink.fillRect(x, height - tall, 1, tall);
  });
  ink.fillStyle = "#ffb454";
  for (const value of contrast) ink.fillRect(place(value) - 1, 0, 2, height);
}
