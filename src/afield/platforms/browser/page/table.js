// A file of rows in, the same rows with answers out. A row that cannot be read says why and gets no answer.
import { CellError, DEFAULT_MISSING, readCell } from "./cells.js";
import { decodeText, findDelimiter, formatRow, parseRows } from "./csv.js";
import { answersOf, columnTensor, inputName } from "./tensors.js";

const ROWS_AT_ONCE = 500;
const TEXTS_AT_ONCE = 100; // a row of text takes up to a megabyte on its way
const MOST_SHOWN = 5;
const PROBLEM = "problem";

/**
 * @param model as `openModel` gives it
 * @param {Uint8Array} bytes the file
 * @param {(share: number) => void} told how far it is, 0 to 1
 * @returns {{csv: string, rows: number, unread: number, header: string[], first: string[][], problems: string[]}}
 */
export async function answerTable(model, bytes, told) {
  const { columns, target } = model.schema;
  const { text, bom } = decodeText(bytes);
  const names = columns.map((spec) => spec.name);
  const delimiter = findDelimiter(text, names);
  const [header, ...rows] = parseRows(text, delimiter);
  const at = placesOf(header ?? [], names);
  const answerNames = target.task === "regression" ? ["prediction"] : ["label", ...target.classes.map((name) => `probability_${name}`)];
  const bounds = new Set();
  const mark = delimiter !== "," && columns.some((spec) => spec.decimal === ",") ? "," : ".";
  const answered = new Array(rows.length);
  const problems = new Map();

  const step = columns.some((spec) => spec.kind === "text") ? TEXTS_AT_ONCE : ROWS_AT_ONCE;
  for (let from = 0; from < rows.length; from += step) {
    const part = [];
    rows.slice(from, from + step).forEach((cells, i) => {
      const reason = unreadable(columns, at, cells, header.length);
      if (reason) problems.set(from + i, reason);
      else part.push(from + i);
    });
    if (part.length) {
      const feed = Object.fromEntries(columns.map((spec, c) => [inputName(spec), columnTensor(spec, part.map((row) => rows[row][at[c]]))]));
      answersOf(model.schema, await model.run(feed)).forEach((answer, i) => {
        for (const name of ["lower", "upper"]) if (name in answer) bounds.add(name);
        answered[part[i]] = cellsOf(target, answer, mark);
      });
    }
    told(Math.min(1, (from + step) / rows.length));
  }

  const added = [...answerNames, ...bounds, ...(problems.size ? [PROBLEM] : [])];
  const taken = new Set(header);
  const full = [...header, ...added.map((name) => (taken.has(name) ? `${name}_of_model` : name))];
  const lines = rows.map((cells, row) => {
    const padded = header.map((_, c) => cells[c] ?? "");
    const answers = answered[row] ?? new Array(answerNames.length + bounds.size).fill("");
    return [...padded, ...answers, ...(problems.size ? [problems.get(row) ?? ""] : [])];
  });
  const csv = (bom ? "\ufeff" : "") + [full, ...lines].map((cells) => formatRow(cells, delimiter)).join("");
  return {
    csv,
    rows: rows.length,
    unread: problems.size,
    header: full.slice(header.length),
    first: lines.slice(0, MOST_SHOWN).map((cells) => cells.slice(header.length)),
    problems: [...problems].slice(0, MOST_SHOWN).map(([row, reason]) => `row ${row + 1}: ${reason}`),
  };
}

function placesOf(header, names) {
  const lacking = names.filter((name) => !header.includes(name));
  if (lacking.length) {
    throw new Error(`The file lacks ${lacking.length === 1 ? "the column" : "the columns"} ${lacking.slice(0, 8).join(", ")}. Its header has: ${header.slice(0, 12).join(", ")}.`);
  }
  return names.map((name) => header.indexOf(name));
}

function unreadable(columns, at, cells, width) {
  if (cells.length > width) return `${cells.length} cells, where the header has ${width}`;
  for (const [c, spec] of columns.entries()) {
    if (cells[at[c]] === undefined) return `${cells.length} cells, where the header has ${width}`;
    try {
      readCell(spec, cells[at[c]]);
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      return `column "${spec.name}": ${error.message}`;
    }
  }
  return "";
}

function cellsOf(target, answer, mark) {
  const number = (value) => String(value).replace(".", mark);
  const bounds = ["lower", "upper"].filter((name) => name in answer).map((name) => number(answer[name]));
  if (target.task === "regression") return [number(answer.prediction), ...bounds];
  return [answer.label, ...target.classes.map((name) => number(shortest(answer.probabilities[name]))), ...bounds];
}

/** The shortest decimal number that reads back as the same float32, so that 0.1 stays 0.1. */
function shortest(value) {
  for (let digits = 6; digits < 9; digits++) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === value) return short;
  }
  return value;
}

/** A file to fill in: the columns, and one made-up row. */
export function templateOf(schema, row) {
  const comma = schema.columns.some((spec) => spec.decimal === ",");
  const written = (spec) => {
    const value = row[spec.name];
    if (spec.kind !== "number") return value ?? "";
    return Number.isNaN(value) ? ((spec.missing ?? DEFAULT_MISSING).includes("") ? "" : "NA") : String(value).replace(".", spec.decimal ?? ".");
  };
  const delimiter = comma ? ";" : ",";
  return formatRow(schema.columns.map((spec) => spec.name), delimiter) + formatRow(schema.columns.map(written), delimiter);
}
