/** Surfaces as digital propagation matrices in µm; the twin of `deepz_zoo.dpm`. */

import { extent, four, UserError } from "./image";

export type Axis = "x" | "y";
export interface Surface {
  kind: "plane" | "tilt" | "cylinder";
  /** Distance of the plane, at the center of a tilt or at the apex of a cylinder. */
  depthUm: number;
  degrees: number;
  diameterUm: number;
  axis: Axis;
}

// The paper, Supplementary Fig. S7: the shortest period that is refocused reliably, over 8 µm.
const SHORTEST_PERIOD_UM = 32.5;
const STEEPEST_SLOPE = (Math.PI * 8) / SHORTEST_PERIOD_UM;

export function dpm(surface: Surface, width: number, height: number, pixelUm: number) {
  const profile = across(surface, surface.axis === "y" ? width : height, pixelUm);
  const matrix = new Float32Array(width * height);
  for (let y = 0, i = 0; y < height; y++)
    for (let x = 0; x < width; x++, i++) matrix[i] = profile[surface.axis === "y" ? x : y];
  return matrix;
}

/** The surface across the axis along which it does not change. */
function across(surface: Surface, length: number, pixelUm: number): Float64Array {
  const { kind, depthUm, degrees, diameterUm } = surface;
  const radius = Math.abs(diameterUm) / 2;
  const half = ((length - 1) / 2) * pixelUm;
  if (kind === "cylinder" && radius <= half)
    throw new UserError(
      `a cylinder of diameter ${four(diameterUm)} µm does not span the image, which is ` +
        `${four(2 * half)} µm wide: choose a larger diameter`,
    );
  const slope = Math.tan((degrees * Math.PI) / 180);
  return Float64Array.from({ length }, (_, i) => {
    const distance = (i - (length - 1) / 2) * pixelUm;
    if (kind === "plane") return depthUm;
    if (kind === "tilt") return depthUm + slope * distance;
    const sagitta = distance ** 2 / (radius + Math.sqrt(radius ** 2 - distance ** 2));
    return depthUm - Math.sign(diameterUm) * sagitta;
  });
}

/** The matrix inside of the trained range, with a line for what the user should know. */
export function inRange(
  matrix: Float32Array<ArrayBuffer>,
  rangeUm: number,
  clip: boolean,
): { matrix: Float32Array<ArrayBuffer>; warning?: string } {
  const [low, high] = extent(matrix);
  const most = rangeUm * (1 + 1e-5);
  if (low >= -most && high <= most) return { matrix };
  const from = `from ${signed(low)} to ${signed(high)} µm`;
  if (!clip)
    throw new UserError(
      `the wanted surface goes ${from}, the model was trained from ${signed(-rangeUm)} to ` +
        `${signed(rangeUm)} µm: stay inside, or tick “Clip to the trained range”`,
    );
  const outside = matrix.filter((z) => Math.abs(z) > most).length / matrix.length;
  return {
    matrix: matrix.map((z) => Math.min(Math.max(z, -rangeUm), rangeUm)),
    warning:
      `${(outside * 100).toFixed(1)}% of the wanted surface (${from}) lay outside the trained ` +
      `range and was set to ±${rangeUm} µm`,
  };
}

/** Where a surface is steeper than any that the paper found reliable. */
export function steepnessWarning(surface: Surface, width: number, height: number, um: number) {
  if (surface.kind === "plane") return undefined;
  const profile = across(surface, surface.axis === "y" ? width : height, um);
  let steepest = 0;
  for (let i = 1; i < profile.length; i++)
    steepest = Math.max(steepest, Math.abs(profile[i] - profile[i - 1]) / um);
  if (steepest <= STEEPEST_SLOPE) return undefined;
  return (
    `the DPM is as steep as ${Number(steepest.toPrecision(2))} µm per µm; periods below ` +
    `${SHORTEST_PERIOD_UM} µm (${(SHORTEST_PERIOD_UM / um).toFixed(0)} px here) are unreliable: ` +
    "expect artifacts, and smooth the DPM if you can"
  );
}

export function signed(um: number): string {
  return `${um < 0 ? "-" : "+"}${four(Math.abs(um))}`;
}
