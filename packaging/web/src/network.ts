/** The page's side of the network in `worker.ts`. */

import type { Answer, Question } from "./worker";

type Asked = Question extends infer Q ? (Q extends { id: number } ? Omit<Q, "id"> : never) : never;
type Answered = Extract<Answer, { engine: string }> & Extract<Answer, { output: unknown }>;

export class Network {
  private worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
  private waiting = new Map<number, (answer: Answer) => void>();
  private asked = 0;

  constructor() {
    this.worker.onmessage = ({ data }: MessageEvent<Answer>) => {
      this.waiting.get(data.id)?.(data);
      this.waiting.delete(data.id);
    };
  }

  /** Load an ONNX file; return what runs it. */
  async load(onnx: string, engine: string): Promise<string> {
    return (await this.ask({ onnx, engine })).engine;
  }

  /** Refocus an image onto a matrix of distances in µm. */
  async run(pixels: Float32Array, matrix: Float32Array, width: number, height: number) {
    const input = new Float32Array(2 * pixels.length);
    input.set(pixels);
    input.set(matrix, pixels.length);
    return (await this.ask({ input, width, height }, [input.buffer])).output;
  }

  private ask(question: Asked, transfer: Transferable[] = []): Promise<Answered> {
    const id = this.asked++;
    this.worker.postMessage({ id, ...question }, transfer);
    return new Promise((resolve, reject) =>
      this.waiting.set(id, (answer) =>
        "error" in answer ? reject(new Error(answer.error)) : resolve(answer as Answered),
      ),
    );
  }
}
