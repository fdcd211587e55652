// A model as an ES module: see README.md beside it. Runs in browsers, and in Node from 20.16 on.
import * as ort from "./ort.mjs";
import { openModel } from "./engine.js";
import { answersOf, feedOf } from "./tensors.js";

const bytesOf = async (url) => {
  const files = url.protocol === "file:" && globalThis.process?.getBuiltinModule?.("node:fs/promises"); // Node
  if (files) return new Uint8Array(await files.readFile(url));
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url}: ${response.status}`);
  return new Uint8Array(await response.arrayBuffer());
};

/**
 * Opens the model. Files lie beside this one unless they are given as bytes.
 * @param {{ model?: Uint8Array, wasm?: Uint8Array }} given
 */
export async function open(given = {}) {
  const [model, wasm] = await Promise.all([
    given.model ?? bytesOf(new URL("./model.onnx", import.meta.url)),
    given.wasm ?? bytesOf(new URL("./ort.wasm", import.meta.url)),
  ]);
  const { schema, card, run, selfTest, release } = await openModel(ort, model, { wasm });
  return {
    schema,
    card,
    selfTest,
    release,
    /** The answers of the graph to raw tensors. */
    run,
    /** One answer for each row. */
    async predictMany(rows) {
      return rows.length ? answersOf(schema, await run(feedOf(schema, rows))) : [];
    },
  };
}

let opened = null;

/** The answer of one row; the model is opened at the first call. */
export async function predict(row) {
  const model = await (opened ??= open());
  return (await model.predictMany([row]))[0];
}

/** One answer for each row. */
export async function predictMany(rows) {
  return (await (opened ??= open())).predictMany(rows);
}
