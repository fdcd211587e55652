// Rows become tensors and tensors become answers, as the schema inside the model says.
import { CellError, readCell } from "./cells.js";

/** A row cannot be read: which column, and which row counted from 1. */
export class RowError extends Error {
  constructor(column, row, reason) {
    super(`row ${row}, column "${column}": ${reason}`);
    Object.assign(this, { column, row, reason });
  }
}

export const inputName = (spec) => spec.input || spec.name;
export const isMedia = (spec) => spec.kind === "image" || spec.kind === "audio";

/** One input tensor of the graph, as plain data: { type, dims, data }. */
export function columnTensor(spec, cells, firstRow = 1) {
  if (isMedia(spec)) return mediaTensor(spec, cells, firstRow);
  const data = spec.kind === "number" ? new Float64Array(cells.length) : new Array(cells.length);
  cells.forEach((cell, i) => {
    try {
      data[i] = readCell(spec, cell);
    } catch (error) {
      throw error instanceof CellError ? new RowError(spec.name, firstRow + i, error.message) : error;
    }
  });
  return { type: spec.kind === "number" ? "float64" : "string", dims: [cells.length], data };
}

/** The tensors of rows, each an object of column name to cell; a column that a row lacks is an error. */
export function feedOf(schema, rows) {
  const feed = {};
  for (const spec of schema.columns) {
    const cells = rows.map((row, i) => {
      if (!(spec.name in row)) throw new RowError(spec.name, i + 1, "the column is not there; give null where the value is not known");
      return row[spec.name];
    });
    feed[inputName(spec)] = columnTensor(spec, cells);
  }
  return feed;
}

// An image is { width, height, data } with 3 bytes a pixel; a sound is a Float32Array at the schema's rate.
function mediaTensor(spec, cells, firstRow) {
  const image = spec.kind === "image";
  const shapes = cells.map((cell, i) => {
    const fits = image ? cell?.data?.length === cell?.width * cell?.height * 3 : cell instanceof Float32Array;
    if (!fits) throw new RowError(spec.name, firstRow + i, image ? "not an image of 3 bytes a pixel" : "not a sound");
    return image ? [cell.height, cell.width, 3] : [cell.length];
  });
  const differs = shapes.findIndex((shape) => String(shape) !== String(shapes[0]));
  if (differs >= 0) throw new RowError(spec.name, firstRow + differs, "rows that go together must have one size");
  const size = shapes[0].reduce((a, b) => a * b);
  const data = new (image ? Uint8Array : Float32Array)(size * cells.length);
  cells.forEach((cell, i) => data.set(image ? cell.data : cell, i * size));
  return { type: image ? "uint8" : "float32", dims: [cells.length, ...shapes[0]], data };
}

/** One answer for each row: { label, probabilities: {class: p} } or { prediction }, with lower and upper where known. */
export function answersOf(schema, results) {
  const { task, classes } = schema.target;
  const rows = (results.prediction ?? results.label).dims[0];
  return Array.from({ length: rows }, (_, row) => {
    const answer = {};
    if (task === "regression") answer.prediction = Number(results.prediction.data[row]);
    else {
      const first = row * classes.length;
      answer.label = results.label.data[row];
      answer.probabilities = Object.fromEntries(classes.map((name, k) => [name, results.probabilities.data[first + k]]));
    }
    for (const name of ["lower", "upper"]) if (results[name]) answer[name] = Number(results[name].data[row]);
    return answer;
  });
}
