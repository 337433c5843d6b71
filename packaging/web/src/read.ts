/** Opens TIFF and PNG files, and refuses what is no image of intensities. */

import { decode as decodePng } from "fast-png";
import { fromBlob, type GeoTIFF, type GeoTIFFImage } from "geotiff";
import { readCalibration } from "./calibration";
import { type Image, refuseSize, UserError } from "./image";

const FOREIGN: [number[], string][] = [
  [[0xff, 0xd8, 0xff], "a JPEG file, whose compression destroys intensities"],
  [[0x89, 0x48, 0x44, 0x46], "an HDF5 file"],
  [[0xda, 0xce, 0xbe, 0x0a], "a Nikon ND2 file"],
  [[0x5a, 0x49, 0x53, 0x52, 0x41, 0x57, 0x46, 0x49], "a Zeiss CZI file"],
  [[0x50, 0x4b, 0x03, 0x04], "a zip file"],
  [[0x47, 0x49, 0x46, 0x38], "a GIF file"],
  [[0x25, 0x50, 0x44, 0x46], "a PDF file"],
];
// Of pixels with one sample: what the photometric interpretation says that they are not.
const OTHER_MEANINGS: Record<number, string> = {
  0: "shows white where the value is 0; in Fiji: Image > Lookup Tables > Invert LUT, and save it",
  3: "has a palette of colors; in Fiji: Image > Lookup Tables > Grays, and save it",
  4: "is a mask; give the image itself",
  5: "has inks for colors (CMYK); convert it to grey levels",
  6: "has colors (YCbCr); convert it to grey levels",
  8: "has colors (CIE L*a*b*); convert it to grey levels",
  32803: "has the raw mosaic of a color camera; give one color",
};
const MAX_VALUE = 1e15; // squares of it, summed over an image, are finite in 32 bits

/** A file that is open; its planes are read one at a time. */
export interface Opened {
  name: string;
  planes: number;
  read(plane: number, maxPixels: number): Promise<Image>;
}

export async function openFile(file: File): Promise<Opened> {
  const start = new Uint8Array(await file.slice(0, 8).arrayBuffer());
  const begins = (magic: number[]) => magic.every((byte, i) => start[i] === byte);
  if (!start.length)
    throw new UserError(`${file.name} is empty (0 bytes); expected a TIFF or PNG image`);
  if (begins([0x89, 0x50, 0x4e, 0x47]))
    return { name: file.name, planes: 1, read: (_, max) => whole(file.name, readPng(file, max)) };
  if (![[73, 73, 42, 0], [77, 77, 0, 42], [73, 73, 43, 0], [77, 77, 0, 43]].some(begins)) {
    const found =
      FOREIGN.find(([magic]) => begins(magic))?.[1] ??
      "neither a TIFF nor a PNG file, whatever its name says";
    throw new UserError(
      `${file.name} is ${found}; save the image as TIFF or OME-TIFF (Fiji can) first`,
    );
  }
  const tiff = await whole(file.name, fromBlob(file));
  return {
    name: file.name,
    planes: await whole(file.name, tiff.getImageCount()),
    read: (plane, max) => whole(file.name, readTiff(file.name, tiff, plane, max)),
  };
}

/** Turn what a library says of a damaged file into a line. */
async function whole<T>(name: string, reading: Promise<T>): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (error instanceof UserError) throw new UserError(`${name}: ${error.message}`);
    throw new UserError(
      `${name} cannot be read whole (${(error as Error).message}); the file is truncated, ` +
        "damaged or compressed in an unknown way: copy or export it again",
    );
  }
}

async function readPng(file: File, maxPixels: number): Promise<Image> {
  const bytes = await file.arrayBuffer();
  const header = new DataView(bytes);
  if (bytes.byteLength > 24) refuseSize(header.getUint32(16), header.getUint32(20), maxPixels);
  const png = decodePng(bytes);
  if (png.channels !== 1 || png.palette) throw color(`${png.channels} channels`);
  if (png.depth < 8) throw new UserError(`has ${png.depth} bit per pixel; expected 8 or 16`);
  return checked({
    name: file.name,
    width: png.width,
    height: png.height,
    pixels: Float32Array.from(png.data),
    integers: true,
  });
}

async function readTiff(name: string, tiff: GeoTIFF, plane: number, maxPixels: number) {
  const page = await tiff.getImage(plane);
  refuseMeaning(page, await describe(tiff));
  refuseSize(page.getWidth(), page.getHeight(), maxPixels);
  const pixels = await page.readRasters({ interleave: true });
  return checked({
    name,
    width: page.getWidth(),
    height: page.getHeight(),
    pixels: Float32Array.from(pixels as ArrayLike<number>),
    integers: page.getSampleFormat() < 3,
    ...readCalibration({
      description: await describe(tiff),
      resolution: [await resolution(tiff, "XResolution"), await resolution(tiff, "YResolution")],
      resolutionUnit: (await tag(tiff, "ResolutionUnit")) ?? 1,
    }),
  });
}

// The first page describes all of them.
async function tag(tiff: GeoTIFF, name: any): Promise<any> {
  return (await tiff.getImage(0)).fileDirectory.loadValue(name);
}

async function describe(tiff: GeoTIFF): Promise<string> {
  return (await tag(tiff, "ImageDescription")) ?? "";
}

async function resolution(tiff: GeoTIFF, name: string): Promise<number | undefined> {
  const ratio = await tag(tiff, name);
  return ratio === undefined ? undefined : ratio[0] / ratio[1];
}

function refuseMeaning(page: GeoTIFFImage, description: string) {
  const samples = page.getSamplesPerPixel();
  if (samples > 1) throw color(`${samples} samples per pixel`);
  const photometric: number = page.fileDirectory.getValue("PhotometricInterpretation" as any) ?? 1;
  // ImageJ keeps intensities under its lookup tables.
  const imagej = photometric === 3 && description.startsWith("ImageJ=");
  if (OTHER_MEANINGS[photometric] && !imagej) throw new UserError(OTHER_MEANINGS[photometric]);
  if (page.getBitsPerSample() < 8)
    throw new UserError(`has ${page.getBitsPerSample()} bit per pixel; expected intensities`);
  if (page.getSampleFormat() > 4)
    throw new UserError("holds complex numbers; expected real intensities");
}

function color(found: string): UserError {
  return new UserError(
    `this is a color (RGB or alpha) image (${found}); expected one intensity per pixel: split the ` +
      "channels (in Fiji: Image > Color > Split Channels) and give one of them",
  );
}

function checked(image: Image): Image {
  const bad = image.pixels.filter((value) => !Number.isFinite(value)).length;
  if (bad)
    throw new UserError(
      `${bad} of ${image.pixels.length} pixels are NaN or infinite; replace them by numbers ` +
        "first (in Fiji: Process > Math > NaN Background or Macro)",
    );
  if (image.pixels.some((value) => Math.abs(value) > MAX_VALUE))
    throw new UserError("holds values above 1e15; expected intensities: divide by a constant");
  return image;
}
