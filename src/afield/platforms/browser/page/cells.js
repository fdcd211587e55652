// One cell becomes a value, by the rules that every reader of the model file follows (docs/cells.md states them).
import { canonicalDatetime, readDatetime } from "./datetimes.js";

const BLANK = "\\t\\n\\v\\f\\r \\u00a0\\u2007\\u2009\\u202f\\ufeff";
const SPACE_MARKS = "[ \\u00a0\\u2007\\u2009\\u202f]";
const BLANKS_AT_ENDS = new RegExp(`^[${BLANK}]+|[${BLANK}]+$`, "g");
const HALF_PAIR = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
const WHOLE = /^([+-]?)0*([0-9]{1,21})$/;
const MAX_EXACT = 10n ** 21n;

/** Texts that mean "missing" where a column names none. */
export const DEFAULT_MISSING = ["", "na", "n/a", "nan", "null", "none", "#n/a", "<na>"];

/** A cell cannot be read as its column demands. The message is a short reason without the cell. */
export class CellError extends Error {}

export const stripBlanks = (text) => text.replace(BLANKS_AT_ENDS, "");

/** A to Z in lower case and nothing else, as missing tokens are compared. */
export const fold = (text) => text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());

const isMissing = (spec, text) => (spec.missing ?? DEFAULT_MISSING).includes(text);

/** The canonical text of a number or a BigInt. */
export function canonicalNumber(value) {
  if (typeof value === "bigint" && value < MAX_EXACT && value > -MAX_EXACT) return String(value);
  const number = Number(value);
  return Number.isFinite(number) ? String(number) : String(number).replace("Infinity", "inf");
}

/**
 * The value of one cell: a number for a number column (NaN = missing), else a string ("" = missing).
 * @param {object} spec a column of the schema
 * @param {string|number|bigint|boolean|Date|null|undefined} cell
 */
export function readCell(spec, cell) {
  if (cell === null || cell === undefined || (typeof cell === "number" && Number.isNaN(cell))) {
    return spec.kind === "number" ? NaN : "";
  }
  if (typeof cell === "string") {
    const text = stripBlanks(cell);
    if (!text || isMissing(spec, fold(text))) return spec.kind === "number" ? NaN : "";
    return readText(spec, text);
  }
  if (cell instanceof Date) return readDate(spec, cell);
  if (["number", "bigint", "boolean"].includes(typeof cell)) return readTyped(spec, cell);
  throw new CellError(`a ${Array.isArray(cell) ? "list" : typeof cell} is not a value`);
}

function readText(spec, text) {
  if (spec.kind === "number") return missingOr(spec, readNumber(spec, text));
  if (spec.kind === "datetime") return readAsDatetime(spec, text);
  if (HALF_PAIR.test(text)) throw new CellError("half a surrogate pair: not valid Unicode");
  return spec.kind === "category" ? canonicalText(spec, text) : text;
}

function readDate(spec, date) {
  if (spec.kind === "number") throw new CellError("a date, not a number");
  if (Number.isNaN(date.getTime())) return "";
  const text = canonicalDatetime(date);
  if (text === null) throw new CellError("outside the years 1 to 9999");
  return text;
}

function readTyped(spec, cell) {
  if (spec.kind === "number") return missingOr(spec, asDouble(cell));
  if (typeof cell === "boolean") {
    if (spec.kind === "datetime") throw new CellError("a boolean, not a date");
    return String(cell);
  }
  const text = canonicalNumber(cell);
  if (isMissing(spec, text)) return "";
  if (spec.kind === "datetime") return readAsDatetime(spec, text);
  return spec.kind === "category" ? canonicalText(spec, text) : text;
}

/** The number that stripped text stands for by the marks of the column; missing tokens are not looked at. */
export function readNumber(spec, text) {
  const match = numberPattern(spec).exec(text);
  if (!match) throw new CellError("not a number" + (text.includes(",") ? ` with decimal mark '${spec.decimal ?? "."}'` : ""));
  const [, first, second, whole, fraction, bare, exponent] = match;
  if (first && second) throw new CellError("two signs");
  const sign = (first || second || "+") === "+" ? "" : "-";
  const value = Number(`${sign}${(whole ?? "").replace(/[^0-9]/g, "") || "0"}.${fraction || bare || "0"}${exponent ?? ""}`);
  if (!Number.isFinite(value)) throw new CellError("too large for a double");
  return value;
}

const escaped = (text) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
const patterns = new Map();

function numberPattern({ decimal = ".", thousands = "", prefix = "", suffix = "" }) {
  const key = JSON.stringify([decimal, thousands, prefix, suffix]);
  if (!patterns.has(key)) {
    const blanks = `[${BLANK}]*`;
    let whole = "[0-9]+";
    if (thousands) {
      const mark = { "'": "['\\u2019]", " ": SPACE_MARKS }[thousands] ?? escaped(thousands);
      whole = `[1-9][0-9]{0,2}(?:${mark}[0-9]{3})+|[0-9]+`;
    }
    const point = escaped(decimal);
    const sign = "([+\\-\\u2212])?";
    const head = prefix ? `${sign}${blanks}(?:${escaped(prefix)})?${blanks}${sign}` : `${sign}()`;
    const tail = suffix ? `${blanks}(?:${escaped(suffix)})?` : "";
    const body = `(?:(${whole})(?:${point}([0-9]*))?|${point}([0-9]+))([eE][+-]?[0-9]+)?`;
    patterns.set(key, new RegExp(`^(?:${head}${body}${tail})$`));
  }
  return patterns.get(key);
}

function missingOr(spec, value) {
  if (Number.isNaN(value) || isMissing(spec, canonicalNumber(value))) return NaN;
  if (!Number.isFinite(value)) throw new CellError("an infinite number");
  return value;
}

function asDouble(cell) {
  const value = Number(cell);
  if (typeof cell === "bigint" && !Number.isFinite(value)) throw new CellError("too large for a double");
  return value;
}

function canonicalText(spec, text) {
  if (spec.canonical === "boolean") {
    return { true: "true", 1: "true", false: "false", 0: "false" }[fold(text)] ?? text;
  }
  if (spec.canonical !== "number") return text;
  const whole = WHOLE.exec(text);
  if (whole) return canonicalNumber(BigInt((whole[1] === "-" ? "-" : "") + whole[2]));
  try {
    return canonicalNumber(readNumber(spec, text));
  } catch (error) {
    if (error instanceof CellError) return text; // not a number: a level of its own, unseen in training
    throw error;
  }
}

function readAsDatetime(spec, text) {
  for (const form of spec.formats ?? []) {
    const value = readDatetime(text, form);
    if (value !== null) return value;
  }
  throw new CellError(`not a date of the form ${(spec.formats ?? []).join(" or ") || "(none)"}`);
}
