/** Signal and noise of a camera image; the twin of `deepz_zoo.intensities`. */

import { extent, type Image } from "./image";

const LEVELS = 65536;

/** The paper's intensity scale over the noise between neighbors; undefined without noise. */
export function signalToNoise(image: Image): number | undefined {
  const noise = noiseLevel(image);
  return noise > 0 ? intensityScale(image.pixels) / noise : undefined;
}

function noiseLevel({ pixels, width, height }: Image): number {
  const differences = new Float64Array(height * (width - 1));
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 1; x < width; x++, i++)
      differences[i] = pixels[y * width + x] - pixels[y * width + x - 1];
  const middle = median(differences);
  return (1.4826 * median(differences.map((d) => Math.abs(d - middle)))) / Math.SQRT2;
}

function median(values: Float64Array): number {
  const sorted = values.slice().sort();
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/** Steps (1) to (3) of the paper: 1 % of the foreground is brighter than background + scale. */
function intensityScale(pixels: Float32Array): number {
  const [low, high] = extent(pixels);
  const whole = pixels.every(Number.isInteger);
  const finest = whole ? 1 : (high - low) / 255;
  const width = Math.max(Math.min(1, finest), (high - low) / (LEVELS - 1));
  const level = (value: number) => Math.round((value - low) / width);
  const histogram = new Uint32Array(level(high) + 1);
  for (const value of pixels) histogram[level(value)]++;
  const threshold = triangle(histogram);
  let sum = 0;
  let foreground = 0;
  for (const value of pixels) level(value) > threshold ? foreground++ : (sum += value);
  let brightest = histogram.length - 1;
  for (let above = 0; above + histogram[brightest] <= Math.floor(0.01 * foreground); brightest--)
    above += histogram[brightest];
  return low + width * brightest - sum / (pixels.length - foreground);
}

/** Triangle threshold (Zack 1977): farthest from the line from the peak to the longer tail's end. */
function triangle(histogram: Uint32Array): number {
  const last = histogram.length - 1;
  const height = histogram.reduce((a, b) => Math.max(a, b));
  const peak = histogram.indexOf(height);
  const brightTail = peak < last - peak;
  const place = (fromEnd: number) => (brightTail ? last - fromEnd : fromEnd);
  const length = brightTail ? last - peak : peak;
  let farthest = 0;
  let most = -1;
  for (let fromEnd = 0; fromEnd < length; fromEnd++) {
    const distance = height * fromEnd - length * histogram[place(fromEnd)];
    if (distance > most) [most, farthest] = [distance, fromEnd];
  }
  return length ? place(farthest) : last;
}
