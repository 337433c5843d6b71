/** What `models.json` says of the models that are served with the page. */

export interface Model {
  name: string;
  /** Addresses of the ONNX file and of the example. */
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
  const { models } = (await answer.json()) as { models: Model[] };
  // Whole addresses: the worker's own are relative to its script.
  const whole = (name: string) => new URL(name, document.baseURI).href;
  return models.map((model) => ({ ...model, onnx: whole(model.onnx), example: whole(model.example) }));
}
