// Runs ONNX models in one of onnxruntime's builds for JavaScript, because a graph that runs in Python need not run there.
//
// usage: node run.mjs RUNTIME JOBS ANSWERS
// RUNTIME: a folder with ort.mjs and ort.wasm, or the folder of the package onnxruntime-node
// JOBS: JSON list of { model: path, optimise: bool, feeds: { name: tensor } }
// ANSWERS: JSON list of { outputs: { name: tensor } } or { error: text }
// tensor: { type, dims, data }; data is a list of strings, or little-endian bytes in base64, so that NaN survives.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const [runtime, jobsPath, answersPath] = process.argv.slice(2);
const ort = await openRuntime(runtime);
ort.env.logLevel = "error";

async function openRuntime(folder) {
  if (!existsSync(join(folder, "ort.wasm"))) return createRequire(import.meta.url)(resolve(folder));
  const web = await import(pathToFileURL(join(folder, "ort.mjs")));
  web.env.wasm.wasmBinary = readFileSync(join(folder, "ort.wasm"));
  web.env.wasm.numThreads = 1;
  return web;
}

const ARRAYS = {
  float32: Float32Array, float64: Float64Array, int8: Int8Array, uint8: Uint8Array, int32: Int32Array,
  int64: BigInt64Array, bool: Uint8Array,
};

function read({ type, dims, data }) {
  if (type === "string") return new ort.Tensor("string", data, dims);
  const bytes = Uint8Array.from(Buffer.from(data, "base64")); // a copy, so that it is aligned
  return new ort.Tensor(type, new ARRAYS[type](bytes.buffer), dims);
}

function write({ type, dims, data }) {
  if (type === "string") return { type, dims, data: [...data] };
  return { type, dims, data: Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64") };
}

async function answer({ model, optimise, feeds }) {
  let session;
  try {
    const graphOptimizationLevel = optimise ? "all" : "disabled";
    const options = { graphOptimizationLevel, intraOpNumThreads: 1, interOpNumThreads: 1 };
    session = await ort.InferenceSession.create(readFileSync(model), options);
    const tensors = Object.fromEntries(Object.entries(feeds).map(([name, tensor]) => [name, read(tensor)]));
    const results = await session.run(tensors);
    return { outputs: Object.fromEntries(Object.entries(results).map(([name, tensor]) => [name, write(tensor)])) };
  } catch (error) {
    return { error: String(error?.message ?? error) };
  } finally {
    await session?.release();
  }
}

const answers = [];
for (const job of JSON.parse(readFileSync(jobsPath, "utf8"))) answers.push(await answer(job));
writeFileSync(answersPath, JSON.stringify(answers));
