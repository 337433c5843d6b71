/** Whether an image lies inside what a model was trained on: the lines of the command line. */

import { extent, four, type Image } from "./image";
import { signalToNoise } from "./intensity";
import type { Model } from "./models";

export const TOLERANCE = 0.03; // between the pixel size of an image and that of a model

const MAX_SATURATED = 1e-3;
const APERTURE_TOLERANCE = 0.05;
const BAND_MARGIN_UM = 0.02;
const IMMERSIONS: Record<string, string> = {
  air: "air",
  water: "water",
  waterdipping: "water",
  oil: "oil",
};

export function imageWarnings(image: Image, model: Model, resampled: boolean): string[] {
  const found = [
    resampled ? undefined : pixelSizeWarning(image.pixelSizeUm, model),
    ...opticsWarnings(image, model),
    ...cameraWarnings(image, model),
  ];
  return found.filter((line) => line !== undefined);
}

function pixelSizeWarning(um: number | undefined, model: Model): string | undefined {
  if (um === undefined)
    return (
      `the image does not say its pixel size; assuming the model's ${model.pixelSizeUm} µm ` +
      "(type it under “Pixel size” if it is another)"
    );
  const zoom = um / model.pixelSizeUm;
  const [low, high] = model.pixelSizes;
  const small = low !== null && zoom < low;
  if (!small && (high === null || zoom <= high)) return undefined;
  return (
    `the pixels are ${Number(zoom.toPrecision(3))} times the model's; on simulated images it ` +
    `failed ${small ? `below ${low}` : `above ${high}`} times, so resample`
  );
}

function opticsWarnings(image: Image, model: Model): string[] {
  const found = [];
  const { numericalAperture: na, emissionUm: emission } = image;
  if (na && Math.abs(na / model.numericalAperture - 1) > APERTURE_TOLERANCE)
    found.push(`NA ${na}, the model is for ${model.numericalAperture}`);
  const medium = IMMERSIONS[image.immersion?.toLowerCase() ?? ""];
  if (medium && medium !== model.immersion)
    found.push(`immersion in ${medium}, the model is for ${model.immersion}`);
  const [low, high] = model.emissionBandUm;
  if (emission && !(emission >= low - BAND_MARGIN_UM && emission <= high + BAND_MARGIN_UM))
    found.push(
      `emission at ${nm(emission)} nm, the model is for ${nm(low)} to ${nm(high)} nm`,
    );
  return found.map((line) => `the file says ${line}: expect artifacts`);
}

function nm(um: number): string {
  return (um * 1e3).toFixed(0);
}

function cameraWarnings(image: Image, model: Model): string[] {
  const [low, high] = extent(image.pixels);
  if (low === high) return [`every pixel of the image is ${four(high)}: there is nothing to refocus`];
  const found = [];
  const saturated = image.pixels.filter((value) => value === high).length / image.pixels.length;
  if (image.integers && saturated > MAX_SATURATED && isCeiling(high))
    found.push(
      `${(saturated * 100).toFixed(1)}% of the pixels are saturated at ${high}; no simulated ` +
        "camera of the training was, and what they hide cannot be refocused",
    );
  const ratio = signalToNoise(image);
  if (ratio !== undefined && ratio < model.minSignalToNoise)
    found.push(
      `the signal is only ${ratio.toFixed(1)} times the noise; ${model.minSignalToNoiseReason}`,
    );
  return found;
}

/** Whether a grey level is the highest of a camera with 8 to 16 bits. */
function isCeiling(level: number): boolean {
  const bits = Math.log2(level + 1);
  return Number.isInteger(bits) && bits >= 8 && bits <= 16;
}
