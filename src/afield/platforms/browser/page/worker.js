// The model lives here, beside the page, so that the page never waits for it. Messages: { id, verb, ...arguments };
// answers: { id, value }, { id, error } or { id, progress }.
import { fromBase64, unpacked } from "./arrays.js";
import { openModel } from "./engine.js";
import { readMetadata } from "./metadata.js";
import { answerTable } from "./table.js";

let model = null;

const VERBS = {
  /** Opens the model from gzip in base64; `told` is called with what the file says before the slow part begins. */
  async open({ library, wasm, file }, told) {
    const [code, binary, bytes] = await Promise.all([library, wasm, file].map((text) => unpacked(fromBase64(text))));
    told(readMetadata(bytes));
    const url = URL.createObjectURL(new Blob([code], { type: "text/javascript" }));
    const ort = await import(url);
    URL.revokeObjectURL(url);
    model = await openModel(ort, bytes, { wasm: binary });
    return model.selfTest();
  },
  run: ({ feed }) => model.run(feed),
  async table({ file }, told) {
    return answerTable(model, new Uint8Array(await file.arrayBuffer()), told);
  },
};

self.onmessage = async ({ data: { id, verb, ...given } }) => {
  try {
    self.postMessage({ id, value: await VERBS[verb](given, (progress) => self.postMessage({ id, progress })) });
  } catch (error) {
    self.postMessage({ id, error: String(error?.message ?? error) });
  }
};
