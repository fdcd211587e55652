// Shows one answer: the label with a bar for each class, or the value with its interval.
import { el, shownNumber, shownShare, withUnit } from "./elements.js";

const MOST_BARS = 12;

/** The answer in one line, as a screen reader says it. */
export function sentenceOf(schema, answer) {
  const { name, task, unit } = schema.target;
  if (task === "regression") return `${name}: ${withUnit(shownNumber(answer.prediction), unit)}${intervalOf(answer, unit)}`;
  return `${name}: ${answer.label} (${shownShare(answer.probabilities[answer.label])})`;
}

const intervalOf = ({ lower, upper }, unit) =>
  lower === undefined || upper === undefined ? "" : `, between ${shownNumber(lower)} and ${withUnit(shownNumber(upper), unit)}`;

/** Elements that show the answer. */
export function answerElements(schema, answer) {
  const { task, unit, classes } = schema.target;
  if (task === "regression") {
    const value = el("p", { class: "value" }, shownNumber(answer.prediction), unit ? el("span", { class: "unit" }, ` ${unit}`) : null);
    const interval = intervalOf(answer, unit);
    return [value, interval ? el("p", { class: "interval" }, interval.slice(2)) : null];
  }
  const order = classes.length > 4 ? [...classes].sort((a, b) => answer.probabilities[b] - answer.probabilities[a]) : classes;
  const bars = order.slice(0, MOST_BARS).map((name) => barOf(name, answer.probabilities[name], name === answer.label));
  const rest = order.length > MOST_BARS ? el("p", { class: "hint" }, `and ${order.length - MOST_BARS} less likely`) : null;
  return [el("p", { class: "value" }, answer.label), el("ul", { class: "bars" }, bars), rest];
}

function barOf(name, share, chosen) {
  const size = { "aria-valuemin": 0, "aria-valuemax": 1, "aria-valuenow": share.toFixed(8), "aria-valuetext": shownShare(share) };
  const meter = el("span", { class: "bar", role: "meter", "aria-label": name, ...size }, el("span", {}));
  meter.firstChild.style.width = `${100 * share}%`;
  const text = [el("span", { class: "name" }, name), el("span", { class: "share" }, shownShare(share))];
  return el("li", { class: chosen ? "chosen" : null }, text, meter);
}
