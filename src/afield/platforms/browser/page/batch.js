// Many rows at once: a CSV in, a CSV out, worked on beside the page.
import { el, shownNumber } from "./elements.js";

/** Elements of the panel. `work(file, onProgress)` answers a file; `template` is the text of a file to fill in. */
export function batchElements(work, template) {
  const file = el("input", { id: "batch-file", type: "file", accept: ".csv,.tsv,.txt,text/csv", "aria-describedby": "batch-hint" });
  const progress = el("progress", { max: 1, value: 0, hidden: true, "aria-label": "rows answered" });
  const result = el("div", { id: "batch-result", role: "status", "aria-live": "polite" });
  const hint = el(
    "p",
    { class: "hint", id: "batch-hint" },
    "A CSV with the columns of the form; others stay as they are. It is read here and goes nowhere. ",
    download("template.csv", template, "A file to fill in, with a made-up row"),
  );

  async function answer(given) {
    progress.hidden = false;
    result.replaceChildren();
    try {
      const done = await work(given, (share) => (progress.value = share));
      result.replaceChildren(...resultElements(done, given.name));
    } catch (error) {
      result.replaceChildren(el("p", { class: "note wrong" }, error.message));
    }
    progress.hidden = true;
  }

  file.addEventListener("click", () => (file.value = "")); // else the same file, corrected, would change nothing
  file.addEventListener("change", () => file.files.length && answer(file.files[0]));
  const zone = el("div", { class: "drop" }, el("label", { for: file.id }, "Choose a CSV, or drop it here"), file);
  onDrop(zone, answer);
  return [zone, hint, progress, result];
}

function resultElements({ csv, rows, unread, header, first, problems }, name) {
  const left = unread ? `, ${shownNumber(unread)} could not be read and ${unread === 1 ? "has" : "have"} no answer` : "";
  return [
    el("p", {}, `${shownNumber(rows)} ${rows === 1 ? "row" : "rows"}${left}. `, download(name.replace(/(\.\w+)?$/, "_answers.csv"), csv, "Save the answers")),
    problems.length ? el("ul", { class: "note outside" }, problems.map((text) => el("li", {}, text))) : null,
    el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": "first answers" },
      el(
        "table",
        {},
        el("thead", {}, el("tr", {}, el("th", { scope: "col" }, "row"), header.map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, first.map((cells, i) => el("tr", {}, el("td", {}, String(i + 1)), cells.map((cell) => el("td", {}, cell))))),
      ),
    ),
  ].filter(Boolean);
}

function download(name, text, label) {
  const link = el("a", { download: name, href: URL.createObjectURL(new Blob([text], { type: "text/csv" })) }, label);
  return link;
}

/** Takes a file that is dropped onto an element. */
export function onDrop(zone, take) {
  zone.addEventListener("dragover", (event) => {
    event.preventDefault();
    zone.classList.add("over");
  });
  zone.addEventListener("dragleave", () => zone.classList.remove("over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("over");
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
}
