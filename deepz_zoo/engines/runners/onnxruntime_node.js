// Runs an ONNX file on tensors with the onnxruntime-node that NODE_PATH leads to.
// usage: node onnxruntime_node.js JOB.json; the job is written by deepz_zoo/engines/old_programs.py
"use strict";
const fs = require("fs");
const ort = require("onnxruntime-node");

async function main() {
  const job = JSON.parse(fs.readFileSync(process.argv[2], "utf8"));
  const session = await ort.InferenceSession.create(job.weights);
  for (const { shape, input, output } of job.tensors) {
    const bytes = fs.readFileSync(input);
    const values = new Float32Array(new Uint8Array(bytes).buffer);
    const feeds = { [session.inputNames[0]]: new ort.Tensor("float32", values, shape) };
    const result = (await session.run(feeds))[session.outputNames[0]];
    fs.writeFileSync(output, new Uint8Array(result.data.buffer, result.data.byteOffset, result.data.byteLength));
    fs.writeFileSync(`${output}.shape`, JSON.stringify(result.dims));
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exit(1);
});
