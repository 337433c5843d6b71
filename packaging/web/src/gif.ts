/** Writes planes as an animated GIF that goes up and down. */

import { GIFEncoder } from "gifenc";

const GREYS = Array.from({ length: 256 }, (_, i) => [i, i, i]);
const MS_PER_FRAME = 100;

export function writeGif(frames: Uint8ClampedArray[], width: number, height: number): Blob {
  const gif = GIFEncoder();
  for (const frame of [...frames, ...frames.slice(1, -1).reverse()])
    gif.writeFrame(frame, width, height, { palette: GREYS, delay: MS_PER_FRAME });
  gif.finish();
  return new Blob([gif.bytes()], { type: "image/gif" });
}
