declare module "gifenc" {
  interface Encoder {
    writeFrame(
      index: ArrayLike<number>,
      width: number,
      height: number,
      options: { palette: number[][]; delay: number },
    ): void;
    finish(): void;
    bytes(): Uint8Array<ArrayBuffer>;
  }
  export function GIFEncoder(): Encoder;
}
