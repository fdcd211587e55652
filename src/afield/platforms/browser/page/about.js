// The model card: what the model predicts, from what, how well, and how honest that figure is.
import { el, shownNumber, shownShare } from "./elements.js";

const table = (heads, rows) =>
  el(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": heads.join(", ") },
    el(
      "table",
      {},
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell))))),
    ),
  );

const section = (title, ...content) => el("section", {}, el("h3", {}, title), content);
const list = (items) => el("ul", {}, items.map((item) => el("li", {}, item)));

/** Elements of the card. `facts` are [name, text] pairs that the export wrote down. */
export function cardElements({ schema, card, provenance }, facts) {
  const metric = card.score?.metric ?? card.metric;
  const notes = new Map((card.columns ?? []).map((note) => [note.name, note]));
  const columns = schema.columns.map((spec) => {
    const missing = notes.get(spec.name)?.share_missing ?? 0;
    return [spec.name, spec.kind, spec.unit ?? "", missing ? shownShare(missing) : "none"];
  });
  const findings = (card.findings ?? []).map((finding) => `${finding.what}${finding.column ? ` (${finding.column})` : ""}`);
  const parity = card.parity
    ? `${card.parity.rows + card.parity.hostile_rows} rows, largest difference ${card.parity.largest.toExponential(1)}`
    : "";
  return [
    el("dl", {}, facts.map(([name, text]) => [el("dt", {}, name), el("dd", {}, text)])),
    card.score?.text ? el("p", {}, card.score.text) : null,
    card.baselines?.length
      ? section("Compared with simple rules", table(["rule", metric], card.baselines.map((b) => [b.name, b.value === null ? "–" : shownNumber(b.value)])))
      : null,
    findings.length ? section("What checks found in the data", list(findings)) : null,
    card.notes?.length ? section("Notes", list(card.notes)) : null,
    section("Columns", table(["column", "kind", "unit", "missing in training"], columns)),
    card.members?.length
      ? section("Inside", table(["learner", "recipe", "weight"], card.members.map((m) => [m.learner, m.recipe, shownShare(m.weight)])))
      : null,
    parity ? el("p", {}, `The file was held to the learners' own libraries: ${parity}.`) : null,
    card.parts?.length ? el("p", {}, `Licences of parts: ${card.parts.map((part) => `${part.name} ${part.licence}`).join(", ")}.`) : null,
    el("p", { class: "hint" }, `afield ${provenance.afield}, data ${provenance.data_name || "unnamed"}, seed ${provenance.seed}`),
  ];
}
