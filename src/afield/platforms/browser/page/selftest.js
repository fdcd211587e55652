// Holds this browser's answers to the samples inside the file against the reference answers inside the file.
import { decodeArray } from "./arrays.js";
import { marginOf } from "./decision.js";
import { inputName, isMedia } from "./tensors.js";

const restored = (value) => (value === null ? NaN : Number(value === "inf" ? Infinity : value === "-inf" ? -Infinity : value));
const isSame = (a, b) => a === b || (Number.isNaN(a) && Number.isNaN(b));

export const sampleCount = (selftest) => selftest.labels.length || selftest.prediction.length;

/** The sample rows as tensors of the graph. */
export async function sampleFeed(schema, selftest) {
  const feed = {};
  for (const spec of schema.columns) {
    const values = selftest.inputs[inputName(spec)] ?? [];
    if (isMedia(spec)) {
      const arrays = await Promise.all(values.map(decodeArray));
      const data = new arrays[0].data.constructor(arrays.length * arrays[0].data.length);
      arrays.forEach((array, i) => data.set(array.data, i * array.data.length));
      feed[inputName(spec)] = { type: arrays[0].type, dims: [arrays.length, ...arrays[0].dims], data };
    } else if (spec.kind === "number") {
      feed[inputName(spec)] = { type: "float64", dims: [values.length], data: Float64Array.from(values, restored) };
    } else feed[inputName(spec)] = { type: "string", dims: [values.length], data: [...values] };
  }
  return feed;
}

/** { rows, largest, tolerance, labelsDifferent, passed } of the graph's outputs for the sample rows. */
export function compareWithReference(schema, card, selftest, results) {
  const { task, classes } = schema.target;
  const tolerance = selftest.tolerance;
  let largest = 0;
  let labelsDifferent = 0;
  const hold = (wanted, got, scale = 1) => {
    const off = isSame(wanted, got) ? 0 : Math.abs(wanted - got) / scale;
    if (!(off <= largest) && !Number.isNaN(largest)) largest = off; // NaN stays
  };
  if (task === "regression") {
    selftest.prediction.map(restored).forEach((wanted, row) => {
      const size = Number.isFinite(wanted) ? Math.abs(wanted) : 1;
      hold(wanted, Number(results.prediction.data[row]), Math.max(size, selftest.scale || 1));
    });
  } else {
    selftest.probabilities.forEach((stored, row) => {
      const wanted = stored.map(restored);
      wanted.forEach((p, k) => hold(p, results.probabilities.data[row * classes.length + k]));
      const differs = results.label.data[row] !== selftest.labels[row];
      if (differs && marginOf(card.decision, classes, wanted) > 2 * tolerance) labelsDifferent += 1;
    });
  }
  const passed = largest <= tolerance && labelsDifferent === 0;
  return { rows: sampleCount(selftest), largest, tolerance, labelsDifferent, passed };
}
