/** The network, in a thread of its own, so that the page answers while it computes. */

import wasmModule from "onnxruntime-web/ort-wasm-simd-threaded.mjs?url";
import wasm from "onnxruntime-web/ort-wasm-simd-threaded.wasm?url";
import gpuModule from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.mjs?url";
import gpuWasm from "onnxruntime-web/ort-wasm-simd-threaded.asyncify.wasm?url";
import type { InferenceSession } from "onnxruntime-web";

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
      runtime = (await import("onnxruntime-web/webgpu")) as unknown as Runtime;
      runtime.env.wasm.wasmPaths = { mjs: gpuModule, wasm: gpuWasm };
      session = await runtime.InferenceSession.create(bytes, { executionProviders: ["webgpu"] });
      await warmUp();
      return "WebGPU";
    } catch (error) {
      console.warn("WebGPU does not run this model; taking WebAssembly instead.", error);
    }
  }
  runtime = await import("onnxruntime-web/wasm");
  // Threads need memory that they share, which browsers give to isolated pages only.
  const threads = self.crossOriginIsolated ? Math.min(navigator.hardwareConcurrency, 8) : 1;
  runtime.env.wasm.numThreads = threads;
  runtime.env.wasm.wasmPaths = { mjs: wasmModule, wasm };
  session = await runtime.InferenceSession.create(bytes, { executionProviders: ["wasm"] });
  await warmUp();
  return `WebAssembly, ${threads} ${threads > 1 ? "threads" : "thread"}`;
}

/** Threads start and code is compiled at the first run: better before there is an image. */
async function warmUp() {
  await run(new Float32Array(2 * 64 * 64), 64, 64);
}

async function run(input: Float32Array<ArrayBuffer>, width: number, height: number) {
  if (!session) throw new Error("no model is loaded");
  const tensor = new runtime.Tensor("float32", input, [1, 2, height, width]);
  const { output } = await session.run({ input: tensor });
  return (await output.getData()) as Float32Array<ArrayBuffer>;
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
