/** What the tags and descriptions of TIFF files state; the twin of `deepz_zoo.images.calibration`. */

import { type Calibration, UserError } from "./image";

const MICROMETERS: Record<string, number> = {
  m: 1e6,
  cm: 1e4,
  mm: 1e3,
  µm: 1,
  um: 1,
  micron: 1,
  microns: 1,
  micrometer: 1,
  micrometers: 1,
  nm: 1e-3,
  å: 1e-4,
  pm: 1e-6,
  inch: 25400,
  in: 25400,
};
const RESOLUTION_UNITS: Record<number, string> = { 2: "inch", 3: "cm" };
const MAX_PIXEL_FROM_DPI_UM = 20; // more describes paper and screens

/** The tags of a TIFF image that say how large its pixels are: pixels per unit. */
export interface Tags {
  description: string;
  resolution: [number | undefined, number | undefined];
  resolutionUnit: number;
}

export function readCalibration(tags: Tags): Calibration {
  if (/<(\w+:)?OME[\s>]/.test(tags.description)) return fromOme(tags.description);
  const imagej = tags.description.startsWith("ImageJ=");
  const unit = imagej
    ? (tags.description.match(/^unit=(.*)$/m)?.[1] ?? "")
    : (RESOLUTION_UNITS[tags.resolutionUnit] ?? "");
  const [x, y] = tags.resolution.map((perUnit) =>
    perUnit ? micrometers(1 / perUnit, unit) : undefined,
  );
  return { pixelSizeUm: square(x, y) };
}

function fromOme(xml: string): Calibration {
  const root = new DOMParser().parseFromString(xml.replace(/\0+$/, ""), "application/xml");
  const pixels = root.getElementsByTagNameNS("*", "Pixels")[0];
  if (!pixels) return {};
  const lens = root.getElementsByTagNameNS("*", "Objective");
  const channel = pixels.getElementsByTagNameNS("*", "Channel");
  const size = (name: string) => stated(pixels, name, "µm");
  return {
    pixelSizeUm: square(size("PhysicalSizeX"), size("PhysicalSizeY")),
    numericalAperture: lens.length === 1 ? Number(lens[0].getAttribute("LensNA")) : undefined,
    immersion: lens.length === 1 ? (lens[0].getAttribute("Immersion") ?? undefined) : undefined,
    emissionUm: channel.length === 1 ? stated(channel[0], "EmissionWavelength", "nm") : undefined,
  };
}

function stated(element: Element, name: string, unit: string): number | undefined {
  const value = element.getAttribute(name);
  return value === null
    ? undefined
    : micrometers(Number(value), element.getAttribute(`${name}Unit`) ?? unit);
}

function micrometers(value: number, unit: string): number | undefined {
  // ImageJ writes six characters for µ, or one that is no UTF-8; Greek mu looks like the micro sign.
  const name = unit.trim().replace(/\\u00B5|\u03bc|\ufffd/g, "µ").toLowerCase();
  const length = Number((value * (MICROMETERS[name] ?? NaN)).toPrecision(9));
  if (!Number.isFinite(length) || length <= 0) return undefined;
  const fromDpi = ["inch", "in", "cm"].includes(name) && length > MAX_PIXEL_FROM_DPI_UM;
  return fromDpi ? undefined : length;
}

function square(x: number | undefined, y: number | undefined): number | undefined {
  if (x && y && Math.abs(x - y) > 0.01 * x)
    throw new UserError(
      `pixels are ${x} × ${y} µm (x × y); expected square ones: rescale the image, or correct ` +
        "its calibration",
    );
  return x ?? y;
}
