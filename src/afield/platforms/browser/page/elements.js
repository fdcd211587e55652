// Makes elements: text is always text, never markup.

export function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

const plain = new Intl.NumberFormat(undefined, { maximumSignificantDigits: 6 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });

export const shownNumber = (value) => (Number.isFinite(value) ? plain.format(value) : String(value));
export function shownShare(value) {
  if (!Number.isFinite(value)) return "–";
  if (value > 0 && value < 0.001) return `< ${percent.format(0.001)}`;
  return value < 1 && value > 0.999 ? `> ${percent.format(0.999)}` : percent.format(value);
}
export const withUnit = (text, unit) => (unit ? `${text} ${unit}` : text);

/** Days since 1970 as a date that everybody reads alike. */
export function shownDay(days) {
  const date = new Date(days * 86_400_000);
  return Number.isNaN(date.getTime()) ? String(days) : date.toISOString().slice(0, 10);
}
