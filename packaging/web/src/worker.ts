/** The network, in a thread of its own, so that the page answers while it computes. */

import wasmModule from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import gpuModule from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import gpuWasm from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import type { InferenceSession } from "onnxruntime-web";
import { extent } from "./image";

export type Question =
  | { id: number; onnx: string; engine: string }
  | { id: number; input: Float32Array<ArrayBuffer>; width: number; height: number };
export type Answer =
  | { id: number; engine: string }
  | { id: number; output: Float32Array<ArrayBuffer> }
  | { id: number; error: string };

type Runtime = typeof import("onnxruntime-web/wasm");

let runtime: Runtime;
let session: InferenceSession | undefined;

async function load(onnx: string, wanted: string): Promise<string> {
  await session?.release();
  session = undefined;
  const answer = await fetch(onnx);
  if (!answer.ok) throw new Error(`${onnx}: ${answer.status} ${answer.statusText}`);
  const bytes = new Uint8Array(await answer.arrayBuffer());
  if (wanted !== "wasm" && (await navigator.gpu?.requestAdapter())) {
    try {
      session = await gpuSession(bytes);
      return "WebGPU";
    } catch (error) {
      console.warn("WebGPU does not run this model; taking WebAssembly instead.", error);
    }
  }
  runtime = await import("onnxruntime-web/wasm");
  const threads = prepare(wasmModule, wasm);
  session = await runtime.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  // Threads start and code is compiled at the first run: better before there is an image.
  await outputOf(session, ...testImage());
  return `WebAssembly, ${threads} ${threads > 1 ? "threads" : "thread"}`;
}

/** Say where the files of ONNX Runtime are; return how many threads it has. */
function prepare(mjs: string, wasm: string): number {
  // Threads need memory that they share, which browsers give to isolated pages only.
  const threads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, 8) : 1;
  runtime.env.wasm.numThreads = threads;
  runtime.env.wasm.wasmPaths = { mjs, wasm };
  return threads;
}

/** A session on the graphics card, which must give what the processor gives: drivers have faults. */
async function gpuSession(bytes: Uint8Array): Promise<InferenceSession> {
  runtime = (await import("onnxruntime-web/webgpu")) as unknown as Runtime;
  prepare(gpuModule, gpuWasm);
  const open = (provider: InferenceSession.ExecutionProviderConfig) =>
    runtime.InferenceSession.create(bytes, { executionProviders: [provider] });
  const processor = await open("wasm");
  const expected = await outputOf(processor, ...testImage());
  await processor.release();
  // With channels last, ONNX Runtime 1.30 pads the wrong axis.
  const card = await open({ name: "webgpu", preferredLayout: "NCHW" });
  const found = await outputOf(card, ...testImage());
  const [low, high] = extent(expected);
  const wrong = found.some((value, i) => !(Math.abs(value - expected[i]) <= 1e-4 * (high - low)));
  if (!wrong) return card;
  await card.release();
  throw new Error("it gives other values than WebAssembly");
}

/** Spots on a slope, refocused onto a slope. */
function testImage(): [Float32Array<ArrayBuffer>, number, number] {
  const [width, height] = [56, 40];
  const input = new Float32Array(2 * width * height);
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const spot = Math.exp(-(((x % 14) - 7) ** 2 + ((y % 10) - 5) ** 2) / 8);
    input[i] = Math.round(100 + x + 900 * spot);
    input[i + width * height] = (y - height / 2) / 20;
  }
  return [input, width, height];
}

async function outputOf(
  session: InferenceSession,
  input: Float32Array<ArrayBuffer>,
  width: number,
  height: number,
) {
  const tensor = new runtime.Tensor("float32", input, [1, 2, height, width]);
  const { output } = await session.run({ input: tensor });
  return (await output.getData()) as Float32Array<ArrayBuffer>;
}

async function run(input: Float32Array<ArrayBuffer>, width: number, height: number) {
  if (!session) throw new Error("no model is loaded");
  return outputOf(session, input, width, height);
}

self.onmessage = async ({ data }: MessageEvent<Question>) => {
  const { id } = data;
  let answer: Answer;
  try {
    answer =
      "onnx" in data
        ? { id, engine: await load(data.onnx, data.engine) }
        : { id, output: await run(data.input, data.width, data.height) };
  } catch (error) {
    answer = { id, error: (error as Error)?.message ?? `${error}` };
  }
  postMessage(answer);
};
