// Dates and times in text, read the same way on every platform: no locale, no guess (docs/cells.md lists directives).

const MONTHS = [
  "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
  "december",
];
const DAYS = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MONTH = new Map(MONTHS.flatMap((name, i) => [[name, i + 1], [name.slice(0, 3), i + 1]]).concat([["sept", 9]]));
const B = "[\\t\\n\\v\\f\\r \\u00a0\\u2007\\u2009\\u202f\\ufeff]";
const OFFSET = "(?<z>[Zz]|[+-][0-9]{2}(?::?[0-9]{2})?)";
const anyCase = (word) => word.replace(/[a-z]/g, (letter) => `[${letter}${letter.toUpperCase()}]`);
const anyOf = (words) => [...words].sort((a, b) => b.length - a.length).map(anyCase).join("|");
const DIRECTIVES = {
  Y: "(?<Y>[0-9]{4})",
  y: "(?<y>[0-9]{2})",
  m: "(?<m>[0-9]{1,2})",
  d: "(?<d>[0-9]{1,2})",
  H: "(?<H>[0-9]{1,2})",
  I: "(?<I>[0-9]{1,2})",
  M: "(?<M>[0-9]{1,2})",
  S: "(?<S>[0-9]{1,2})",
  f: "(?:[0-9]{1,9})",
  p: "(?<p>[AaPp][Mm])",
  b: `(?<b>${anyOf(MONTH.keys())})`,
  a: `(?:${anyOf([...DAYS, ...DAYS.map((day) => day.slice(0, 3))])})`,
  z: OFFSET,
  "%": "%",
};
const ISO =
  "(?<Y>[0-9]{4})-(?<m>[0-9]{2})(?:-(?<d>[0-9]{2})" +
  `(?:(?:[Tt]|${B}+)(?<H>[0-9]{2}):(?<M>[0-9]{2})(?::(?<S>[0-9]{2})(?:[.,][0-9]+)?)?(?:${B}*${OFFSET})?)?)?`;
const formats = new Map();

function formatPattern(form) {
  if (!formats.has(form)) {
    const tokens = form === "iso" ? [] : form.match(new RegExp(`%.|${B}+|[^%]|%$`, "gs")) ?? [];
    const parts = tokens.map((token) => {
      if (token[0] !== "%") return new RegExp(`^${B}+$`).test(token) ? `${B}+` : token.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
      const directive = DIRECTIVES[{ B: "b", A: "a" }[token.slice(1)] ?? token.slice(1)];
      if (!directive) throw new Error(`'${token}' is not a directive of a date format`);
      return directive;
    });
    formats.set(form, new RegExp(`^(?:${form === "iso" ? ISO : parts.join("")})$`));
  }
  return formats.get(form);
}

/** The canonical text of a date that has this format, else null. */
export function readDatetime(text, form) {
  const match = formatPattern(form).exec(text);
  if (!match) return null;
  const part = match.groups;
  const year = part.Y ? Number(part.Y) : century(Number(part.y));
  const month = part.b ? MONTH.get(part.b.toLowerCase()) : Number(part.m ?? 1);
  const day = Number(part.d ?? 1);
  let hour = Number(part.H ?? 0);
  if (part.p) {
    const twelve = Number(part.I);
    if (twelve < 1 || twelve > 12) return null;
    hour = (twelve % 12) + (part.p.toLowerCase() === "pm" ? 12 : 0);
  }
  const minute = Number(part.M ?? 0);
  const second = Number(part.S ?? 0);
  if (year < 1 || hour > 23 || minute > 59 || second > 59) return null;
  const when = new Date(0);
  when.setUTCFullYear(year, month - 1, day);
  if (when.getUTCFullYear() !== year || when.getUTCMonth() !== month - 1 || when.getUTCDate() !== day) return null;
  const offset = offsetMinutes(part.z ?? "Z");
  if (offset === null) return null;
  when.setUTCHours(hour, minute - offset, second);
  return canonicalDatetime(when);
}

/** YYYY-MM-DDTHH:MM:SS in UTC; null outside the years 1 to 9999. */
export function canonicalDatetime(date) {
  const year = date.getUTCFullYear();
  if (year < 1 || year > 9999) return null;
  const two = (value) => String(value).padStart(2, "0");
  const day = `${String(year).padStart(4, "0")}-${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}`;
  return `${day}T${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())}`;
}

const century = (two) => two + (two >= 69 ? 1900 : 2000);

function offsetMinutes(text) {
  if (text === "Z" || text === "z") return 0;
  const hours = Number(text.slice(1, 3));
  const minutes = Number(text.slice(3).replace(":", "") || 0);
  if (hours > 23 || minutes > 59) return null;
  return (text[0] === "-" ? -1 : 1) * (hours * 60 + minutes);
}
