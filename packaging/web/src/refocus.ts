/** An image onto a surface: sampling, range, network, and back; the twin of `deepz_zoo.refocus`. */

import { four, type Image, refuseSize, UserError } from "./image";
import type { Model } from "./models";
import type { Network } from "./network";
import { resize } from "./resample";
import { dpm, inRange, steepnessWarning, type Surface } from "./surface";
import { imageWarnings, TOLERANCE } from "./warnings";

export type Mismatch = "refuse" | "resample" | "ignore";

/** An image on the grid on which a model sees it. */
export interface Prepared {
  image: Image;
  pixelUm: number;
  pixels: Float32Array;
  size: [number, number];
  warnings: string[];
}

export function prepare(image: Image, model: Model, mismatch: Mismatch): Prepared {
  const pixelUm = image.pixelSizeUm ?? model.pixelSizeUm;
  const zoom = pixelUm / model.pixelSizeUm;
  const shape: [number, number] = [image.height, image.width];
  const differs = Math.abs(zoom - 1) > TOLERANCE;
  if (differs && mismatch === "refuse")
    throw new UserError(
      `the image has pixels of ${four(pixelUm)} µm, the model's are ${four(model.pixelSizeUm)} ` +
        "µm: choose below whether to resample it or to go on as it is, or correct its pixel size",
    );
  const resampled = differs && mismatch === "resample";
  const scaled = (n: number) => Math.max(Math.round(n * zoom), 1);
  const size: [number, number] = resampled ? [scaled(shape[0]), scaled(shape[1])] : shape;
  refuseSize(size[1], size[0], model.maxPixels, resampled ? " after resampling" : "");
  const warnings = imageWarnings(image, model, resampled);
  if (!resampled) return { image, pixelUm, pixels: image.pixels, size, warnings };
  const pixels = resize(image.pixels, shape, size, 3);
  return {
    image,
    pixelUm,
    size,
    // Integers stay integers, for the triangle threshold.
    pixels: image.integers ? pixels.map(Math.round) : pixels,
    warnings: [
      ...warnings,
      `resampled from ${four(pixelUm)} to ${four(model.pixelSizeUm)} µm per pixel (${shape[0]} × ` +
        `${shape[1]} to ${size[0]} × ${size[1]} px) for the network, and back`,
    ],
  };
}

export interface Target {
  matrix: Float32Array<ArrayBuffer>;
  warnings: string[];
}

/** The surface on the grid of the image, inside of the model's range. */
export function aim(prepared: Prepared, surface: Surface, model: Model, clip: boolean): Target {
  const { width, height } = prepared.image;
  const wanted = dpm(surface, width, height, prepared.pixelUm);
  const { matrix, warning } = inRange(wanted, model.zRangeUm, clip);
  const steep = steepnessWarning(surface, width, height, prepared.pixelUm);
  return { matrix, warnings: [steep, warning].filter((line) => line !== undefined) };
}

export async function refocus(network: Network, prepared: Prepared, target: Target) {
  const { image, pixels, size } = prepared;
  const shape: [number, number] = [image.height, image.width];
  const resampled = size[0] !== shape[0] || size[1] !== shape[1];
  const matrix = resampled ? resize(target.matrix, shape, size, 1) : target.matrix;
  const output = await network.run(pixels, matrix, size[1], size[0]);
  if (!output.every(Number.isFinite))
    throw new UserError("the refocused image holds NaN or infinity; are the values sane?");
  return resampled ? resize(output, size, shape, 3) : output;
}
