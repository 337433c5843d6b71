/** Writes planes as a calibrated OME-TIFF of 32-bit floating-point numbers. */

const TAGS = {
  width: 256,
  height: 257,
  bits: 258,
  compression: 259,
  photometric: 262,
  description: 270,
  strip: 273,
  samples: 277,
  rows: 278,
  bytes: 279,
  sampleFormat: 339,
};
const [ASCII, SHORT, LONG] = [2, 3, 4];
const ENTRY_BYTES = 12;

export interface Stack {
  planes: Float32Array<ArrayBuffer>[];
  width: number;
  height: number;
  pixelSizeUm: number;
  /** The distance of each plane; none for one surface that is no plane. */
  zUm?: number[];
  description: string;
}

export function writeOmeTiff(stack: Stack): Blob {
  const { planes, width, height } = stack;
  const xml = new TextEncoder().encode(`${omeXml(stack)}\0`);
  const planeBytes = 4 * width * height;
  const textAt = 8;
  const pixelsAt = textAt + xml.length + (-xml.length & 3);
  const pagesAt = pixelsAt + planes.length * planeBytes;
  const pages = planes.map((_, i) =>
    page([
      [TAGS.width, LONG, 1, width],
      [TAGS.height, LONG, 1, height],
      [TAGS.bits, SHORT, 1, 32],
      [TAGS.compression, SHORT, 1, 1],
      [TAGS.photometric, SHORT, 1, 1],
      ...(i ? [] : [[TAGS.description, ASCII, xml.length, textAt]]),
      [TAGS.strip, LONG, 1, pixelsAt + i * planeBytes],
      [TAGS.samples, SHORT, 1, 1],
      [TAGS.rows, LONG, 1, height],
      [TAGS.bytes, LONG, 1, planeBytes],
      [TAGS.sampleFormat, SHORT, 1, 3],
    ]),
  );
  let end = pagesAt;
  pages.forEach((made, i) => {
    end += made.byteLength;
    const next = i + 1 < pages.length ? end : 0;
    new DataView(made).setUint32(made.byteLength - 4, next, true);
  });
  const header = new DataView(new ArrayBuffer(8));
  header.setUint32(0, 0x002a4949, true);
  header.setUint32(4, pagesAt, true);
  const parts = [header, xml, new Uint8Array(-xml.length & 3), ...planes, ...pages];
  return new Blob(parts, { type: "image/tiff" });
}

function page(entries: number[][]): ArrayBuffer {
  const made = new DataView(new ArrayBuffer(2 + ENTRY_BYTES * entries.length + 4));
  made.setUint16(0, entries.length, true);
  entries.forEach(([tag, type, count, value], i) => {
    const at = 2 + ENTRY_BYTES * i;
    made.setUint16(at, tag, true);
    made.setUint16(at + 2, type, true);
    made.setUint32(at + 4, count, true);
    made.setUint32(at + 8, value, true);
  });
  return made.buffer;
}

function omeXml({ planes, width, height, pixelSizeUm, zUm, description }: Stack): string {
  const step = zUm && zUm.length > 1 ? Number((zUm[1] - zUm[0]).toFixed(6)) : undefined;
  const positions = (zUm ?? [])
    .map((z, i) => `<Plane TheC="0" TheT="0" TheZ="${i}" PositionZ="${z}" PositionZUnit="µm"/>`)
    .join("");
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    '<OME xmlns="http://www.openmicroscopy.org/Schemas/OME/2016-06">' +
    `<Image ID="Image:0"><Description>${escape(description)}</Description>` +
    '<Pixels ID="Pixels:0" DimensionOrder="XYZCT" Type="float" BigEndian="false" ' +
    `SizeX="${width}" SizeY="${height}" SizeZ="${planes.length}" SizeC="1" SizeT="1" ` +
    `PhysicalSizeX="${pixelSizeUm}" PhysicalSizeXUnit="µm" ` +
    `PhysicalSizeY="${pixelSizeUm}" PhysicalSizeYUnit="µm"` +
    (step ? ` PhysicalSizeZ="${step}" PhysicalSizeZUnit="µm">` : ">") +
    `<Channel ID="Channel:0:0" SamplesPerPixel="1"/><TiffData PlaneCount="${planes.length}"/>` +
    `${positions}</Pixels></Image></OME>`
  );
}

function escape(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
}
