/** What `models.json` says of the models that are served with the page. */

export interface Model {
  name: string;
  /** Addresses of the ONNX file and of the example, relative to the page. */
  onnx: string;
  example: string;
  pixelSizeUm: number;
  zRangeUm: number;
  zStepUm: number;
  numericalAperture: number;
  immersion: string;
  emissionBandUm: [number, number];
  /** How many times larger or smaller than the model's pixels may be; null where no limit is known. */
  pixelSizes: [number | null, number | null];
  minSignalToNoise: number;
  minSignalToNoiseReason: string;
  maxPixels: number;
  provenance: string;
}

export async function loadModels(): Promise<Model[]> {
  const answer = await fetch("models.json");
  if (!answer.ok) throw new Error(`models.json: ${answer.status} ${answer.statusText}`);
  return (await answer.json()).models;
}
