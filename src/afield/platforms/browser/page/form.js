// The form that the schema asks for: one field for each column, each with what it takes and what was understood.
import { CellError, canonicalNumber, readCell, stripBlanks } from "./cells.js";
import { el, shownDay, shownNumber, withUnit } from "./elements.js";
import { pictureControl } from "./pictures.js";
import { soundControl } from "./sounds.js";
import { isMedia } from "./tensors.js";

const OTHER = "\u0000other";
const DAY_MS = 86_400_000;
const MOST_OPTIONS = 200; // longer lists are typed, with suggestions

/**
 * A number as people write it: by the column's marks, else with a single comma or point as the decimal mark.
 * Throws CellError.
 */
export function readTypedNumber(spec, text) {
  try {
    return readCell(spec, text);
  } catch (error) {
    const marks = text.match(/[.,]/g) ?? [];
    if (!(error instanceof CellError) || marks.length !== 1) throw error;
    return readCell({ ...spec, decimal: marks[0], thousands: "" }, text);
  }
}

/** { input, read, write } for each kind; `read` gives the value or throws CellError. */
const CONTROLS = {
  number(spec, id) {
    const input = el("input", { id, type: "text", inputmode: "decimal", autocomplete: "off", placeholder: "not known" });
    return { element: input, input, read: () => readTypedNumber(spec, input.value), write: (v) => (input.value = shown(spec, v)) };
  },

  category(spec, id) {
    const levels = spec.levels ?? [];
    if (!levels.length || levels.length > MOST_OPTIONS) return typedCategory(spec, id, levels);
    const options = levels.map((level) => el("option", { value: level }, level));
    const select = el("select", { id }, el("option", { value: "" }, "not known"), options, el("option", { value: OTHER }, "other …"));
    const other = el("input", { type: "text", hidden: true, autocomplete: "off", "aria-label": `${spec.name}: other value` });
    const show = () => (other.hidden = select.value !== OTHER);
    select.addEventListener("change", () => {
      show();
      if (!other.hidden) other.focus();
    });
    return {
      element: el("span", { class: "pair" }, select, other),
      input: select,
      read: () => (select.value === OTHER ? readCell(spec, other.value) : select.value),
      write(value) {
        select.value = value === "" || levels.includes(value) ? value : OTHER;
        other.value = value;
        show();
      },
    };
  },

  text(spec, id) {
    const input = el("textarea", { id, rows: 3, placeholder: "not known" });
    return { element: input, input, read: () => readCell(spec, input.value), write: (v) => (input.value = v) };
  },

  datetime(spec, id) {
    const formats = [...new Set([...(spec.formats ?? []), "iso"])];
    const hasTime = formats.some((form) => /%[HIMS]/.test(form));
    const input = el("input", { id, type: "text", autocomplete: "off", placeholder: hasTime ? "YYYY-MM-DD HH:MM" : "YYYY-MM-DD" });
    const picker = el("input", { type: hasTime ? "datetime-local" : "date", class: "picker", "aria-label": `${spec.name}: choose a date` });
    picker.addEventListener("input", () => {
      input.value = picker.value.replace("T", " ");
      input.dispatchEvent(new Event("input", { bubbles: true }));
    });
    const read = () => {
      try {
        return readCell({ ...spec, formats }, input.value);
      } catch (error) {
        throw error instanceof CellError ? new CellError(`not a date; write it as ${formats.map(wordsOf).join(" or ")}`) : error;
      }
    };
    return { element: el("span", { class: "pair" }, input, picker), input, read, write: (v) => (input.value = v.replace("T00:00:00", "").replace("T", " ")) };
  },

  image: pictureControl,
  audio: soundControl,
};

/** A date format as people write it. */
function wordsOf(form) {
  const words = { Y: "YYYY", y: "YY", m: "MM", d: "DD", H: "hh", I: "hh", M: "mm", S: "ss", b: "Jan", B: "January", a: "Mon", A: "Monday", p: "AM", z: "+00:00" };
  return form === "iso" ? "YYYY-MM-DD" : form.replace(/%(.)/g, (_, directive) => words[directive] ?? directive);
}

function typedCategory(spec, id, levels) {
  const list = levels.length ? el("datalist", { id: `${id}-levels` }, levels.map((level) => el("option", { value: level }))) : null;
  const input = el("input", { id, type: "text", autocomplete: "off", placeholder: "not known", list: list ? list.id : null });
  return { element: el("span", { class: "pair" }, input, list), input, read: () => readCell(spec, input.value), write: (v) => (input.value = v) };
}

const shown = (spec, value) => (spec.kind !== "number" ? value : Number.isNaN(value) ? "" : canonicalNumber(value).replace(".", spec.decimal ?? "."));

/** What the field takes, in words. */
function hintOf(spec) {
  if (spec.low === undefined || spec.low === null || spec.kind === "category") return "";
  const write = spec.kind === "datetime" ? shownDay : shownNumber;
  return `in training: ${withUnit(`${write(spec.low)} to ${write(spec.high)}`, spec.unit)}`;
}

/** What was understood, where that is not what stands there; and whether training saw such a value. */
function noteOf(spec, value, typed) {
  if (value === "" || Number.isNaN(value)) return stripBlanks(typed) ? { text: "counts as not known" } : { text: "" };
  const isDate = spec.kind === "datetime";
  const size = isDate ? Date.parse(`${value}Z`) / DAY_MS : value;
  const understood = isDate ? value.replace("T00:00:00", "").replace("T", " ") : spec.kind === "number" ? shownNumber(value) : "";
  const same = !understood || stripBlanks(typed) === understood || stripBlanks(typed) === shown(spec, value) || Number(typed) === value;
  const parts = same ? [] : [`understood as ${understood}`];
  const outside = spec.low !== undefined && spec.low !== null && ["number", "datetime"].includes(spec.kind) && (size < spec.low || size > spec.high);
  if (outside) parts.push("outside what training saw: the answer is a guess beyond the data");
  if (spec.kind === "category" && spec.levels?.length && !spec.levels.includes(value)) parts.push("not among the values that training saw often");
  return { text: parts.join("; "), outside: outside || (spec.kind === "category" && parts.length > 0) };
}

function makeField(spec, number) {
  const id = `field-${number}`;
  const control = CONTROLS[spec.kind](spec, id);
  const hint = el("span", { class: "hint", id: `${id}-hint` }, hintOf(spec));
  const note = el("span", { class: "note", id: `${id}-note`, role: "status" });
  control.input.setAttribute("aria-describedby", `${hint.id} ${note.id}`);
  const unit = spec.unit && !spec.name.includes(spec.unit) ? el("span", { class: "unit" }, ` ${spec.unit}`) : null;
  const element = el("div", { class: `field ${spec.kind}` }, el("label", { for: id }, spec.name, unit), control.element, hint, note);

  /** { value } or { problem }; shows either beside the field. */
  function read() {
    let state;
    try {
      const value = control.read();
      if (isMedia(spec)) state = { value, text: control.describe() };
      else state = { value, ...noteOf(spec, value, control.input.value === OTHER ? "" : control.input.value) };
    } catch (error) {
      if (!(error instanceof CellError)) throw error;
      state = { problem: error.message, text: `${error.message}: left out` };
    }
    if (note.textContent !== state.text) note.textContent = state.text;
    note.className = `note${state.problem ? " wrong" : state.outside ? " outside" : ""}`;
    control.input.setAttribute("aria-invalid", String(Boolean(state.problem)));
    return state;
  }
  return { spec, element, read, write: control.write };
}

/** The fields of a schema: `read` gives { row, problems, filled, lacking }, the last being media that are not there. */
export function makeFields(schema) {
  const fields = schema.columns.map(makeField);
  return {
    elements: fields.map((field) => field.element),
    read() {
      const row = {};
      let problems = 0;
      let filled = 0;
      for (const { spec, read } of fields) {
        const { value, problem } = read();
        problems += problem ? 1 : 0;
        row[spec.name] = problem ? null : value;
        filled += problem || value === "" || value === null || Number.isNaN(value) ? 0 : 1;
      }
      const lacking = schema.columns.filter((spec) => isMedia(spec) && row[spec.name] === null);
      return { row, problems, filled, lacking };
    },
    write(row) {
      for (const { spec, write } of fields) write(row[spec.name]);
    },
  };
}
