/** A camera image with what its file says of it. */

export interface Calibration {
  pixelSizeUm?: number;
  numericalAperture?: number;
  immersion?: string;
  emissionUm?: number;
}

export interface Image extends Calibration {
  name: string;
  width: number;
  height: number;
  pixels: Float32Array;
  /** Whether the file holds integers, whose grey levels are whole. */
  integers: boolean;
}

/** What a user did wrong, in one line: what was found, what was expected, what to do. */
export class UserError extends Error {}

const MIN_SIDE_PX = 16;

export function refuseSize(width: number, height: number, maxPixels: number, when = "") {
  const found = `the image is ${height} × ${width} px${when}`;
  if (Math.min(width, height) < MIN_SIDE_PX)
    throw new UserError(`${found}; expected ${MIN_SIDE_PX} × ${MIN_SIDE_PX} or more`);
  const side = Math.floor(Math.sqrt(maxPixels));
  if (width * height > maxPixels)
    throw new UserError(
      `${found}, more than a browser's memory takes with this model (${side} × ${side} px, or as ` +
        "many pixels): crop it, or use “deepz-zoo refocus”, which takes any size",
    );
}

export function extent(values: ArrayLike<number>): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < low) low = values[i];
    if (values[i] > high) high = values[i];
  }
  return [low, high];
}

/** Numbers of four digits, as the command line prints them. */
export function four(value: number): string {
  return String(Number(value.toPrecision(4)));
}
