// The page: opens the model, says whether this browser answers as it should, and answers what the form holds.
import { cardElements } from "./about.js";
import { answerElements, sentenceOf } from "./answers.js";
import { batchElements } from "./batch.js";
import { startWorker } from "./client.js";
import { el } from "./elements.js";
import { makeFields } from "./form.js";
import { keepOffline } from "./installed.js";
import { sampleCount, sampleFeed } from "./selftest.js";
import { templateOf } from "./table.js";
import { answersOf, feedOf, inputName, isMedia } from "./tensors.js";

const WAIT_MS = 150; // typing pauses this long before the answer follows
const byId = (id) => document.getElementById(id);
const held = (id) => byId(id).textContent.trim();

const ask = startWorker(held("worker-source"));
const facts = JSON.parse(held("facts"));
const started = performance.now();

/** What tests and the proof talk to; `row` is what was asked last. */
const page = { ready: null, selfTest: null, ms: null, row: null, run: (feed) => ask("run", { feed }) };
globalThis.afield = page;

page.ready = ask("open", { library: held("library"), wasm: held("wasm"), file: held("model") }, render).then(
  (proof) => {
    page.ms = performance.now() - started;
    page.selfTest = proof;
    showProof(proof);
    document.body.dataset.state = "ready";
    if (document.querySelector("link[rel=manifest]")) keepOffline(byId("promise"));
    return proof;
  },
  (error) => {
    showState("wrong", `The model does not open in this browser: ${error.message}`);
    document.body.dataset.state = "failed";
    throw error;
  },
);
page.ready.catch(() => {}); // shown above

function showState(kind, text) {
  const state = byId("state");
  state.className = kind;
  state.textContent = text;
}

const shownDifference = (value) => (value ? value.toExponential(1) : "0");

function showProof({ rows, largest, tolerance, labelsDifferent, passed }) {
  if (!rows) return showState("unsure", "The model holds no samples, so nothing says whether this browser answers as it should.");
  if (passed) return showState("right", `Checked here: ${rows} of ${rows} sample answers agree with the reference (largest difference ${shownDifference(largest)}).`);
  const labels = labelsDifferent ? `, and ${labelsDifferent} labels differ` : "";
  showState(
    "wrong",
    `Do not use these answers: in this browser they are not those of the model. The largest difference is ${shownDifference(largest)}, ` +
      `where ${shownDifference(tolerance)} is allowed${labels}.`,
  );
}

async function renderBatch({ schema, selftest }) {
  const feed = sampleCount(selftest) ? await sampleFeed(schema, selftest) : {};
  const row = Object.fromEntries(schema.columns.map((spec) => [spec.name, roundedCell(spec, feed[inputName(spec)]?.data[0])]));
  const work = async (file, onProgress) => {
    await page.ready;
    return ask("table", { file }, onProgress);
  };
  byId("batch-body").replaceChildren(...batchElements(work, templateOf(schema, row)));
  byId("batch").hidden = false;
}

/** A made-up value of the samples inside the model. */
function sampleCell(spec, { dims, data }, at) {
  if (!isMedia(spec)) return roundedCell(spec, data[at]);
  const size = data.length / dims[0];
  const part = data.slice(at * size, (at + 1) * size);
  return spec.kind === "image" ? { height: dims[1], width: dims[2], data: part } : part;
}

/** A made-up value as a person would write it. */
const roundedCell = (spec, value) => (spec.kind === "number" && value !== undefined ? Number(value.toPrecision(4)) : value);

function render(model) {
  const { schema, selftest } = model;
  if (!schema.columns.some(isMedia)) renderBatch(model);
  const fields = makeFields(schema);
  byId("fields").replaceChildren(...fields.elements);
  byId("card").replaceChildren(...cardElements(model, facts.facts).flat().filter(Boolean));
  const form = byId("form");
  let asked = 0;
  let timer = 0;

  async function answer() {
    const { row, problems, filled, lacking } = fields.read();
    const mine = ++asked;
    if (lacking.length) return showAnswer([el("p", { class: "hint" }, `Give ${lacking.map((spec) => spec.name).join(" and ")}.`)], "");
    if (!filled) return showAnswer([el("p", { class: "hint" }, "Fill in what you know. What stays empty counts as not known.")], "");
    page.row = row;
    await page.ready;
    const [found] = answersOf(schema, await page.run(feedOf(schema, [row])));
    if (mine !== asked) return; // a newer question is on its way
    const left = problems ? el("p", { class: "note wrong" }, `${problems} ${problems === 1 ? "field was" : "fields were"} left out.`) : null;
    showAnswer([...answerElements(schema, found), left].filter(Boolean), sentenceOf(schema, found));
  }

  function soon() {
    clearTimeout(timer);
    timer = setTimeout(answer, WAIT_MS);
  }

  form.addEventListener("input", soon);
  form.addEventListener("change", soon);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    clearTimeout(timer);
    answer().then(() => byId("answer").scrollIntoView({ block: "nearest" }));
  });
  form.addEventListener("reset", () => setTimeout(() => {
    fields.write(Object.fromEntries(schema.columns.map((spec) => [spec.name, spec.kind === "number" ? NaN : ""])));
    answer();
  }));

  let shownSample = 0;
  const example = byId("example");
  example.hidden = !sampleCount(selftest);
  example.addEventListener("click", async () => {
    const feed = await sampleFeed(schema, selftest);
    const at = shownSample++ % sampleCount(selftest);
    fields.write(Object.fromEntries(schema.columns.map((spec) => [spec.name, sampleCell(spec, feed[inputName(spec)], at)])));
    answer();
  });
  answer();
}

function showAnswer(elements, sentence) {
  byId("answer-body").replaceChildren(...elements);
  const spoken = byId("answer-spoken");
  if (spoken.textContent !== sentence) spoken.textContent = sentence;
}
