// A model in onnxruntime's wasm build: the one place that knows the runtime.
import { readMetadata } from "./metadata.js";
import { compareWithReference, sampleCount, sampleFeed } from "./selftest.js";

/**
 * Opens a model file.
 * @param ort the onnxruntime-web module
 * @param {Uint8Array} bytes the model file
 * @param {{wasm?: Uint8Array, wasmUrl?: string}} runtime
 */
export async function openModel(ort, bytes, { wasm, wasmUrl } = {}) {
  Object.assign(ort.env, { logLevel: "error" });
  Object.assign(ort.env.wasm, { numThreads: 1, proxy: false });
  if (wasm) ort.env.wasm.wasmBinary = wasm;
  if (wasmUrl) ort.env.wasm.wasmPaths = { wasm: wasmUrl };
  const metadata = readMetadata(bytes);
  const session = await ort.InferenceSession.create(bytes, { executionProviders: ["wasm"] });

  async function run(feed) {
    const entries = Object.entries(feed).map(([name, { type, dims, data }]) => [name, new ort.Tensor(type, data, dims)]);
    const results = await session.run(Object.fromEntries(entries));
    return Object.fromEntries(Object.entries(results).map(([name, { type, dims, data }]) => [name, { type, dims: [...dims], data }]));
  }

  async function selfTest() {
    const { schema, card, selftest } = metadata;
    if (!sampleCount(selftest)) return { rows: 0, largest: 0, tolerance: selftest.tolerance, labelsDifferent: 0, passed: true };
    return compareWithReference(schema, card, selftest, await run(await sampleFeed(schema, selftest)));
  }

  return { ...metadata, run, selfTest, release: () => session.release() };
}
