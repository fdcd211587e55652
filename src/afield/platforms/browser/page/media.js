// What the controls of pictures and sounds have in common: a file that is chosen or dropped, and what is held drawn.
import { onDrop } from "./batch.js";
import { el } from "./elements.js";

/**
 * Holds the value of a media column.
 * @param {{ noun: string, device: string, accept: string, look: string }} words what it is, where else it comes from
 * @param {(file: File) => Promise<any>} decode gives the value in a file, null where there is none
 * @param {(canvas: HTMLCanvasElement, value: any) => void} draw
 */
export function mediaHolder(spec, id, { noun, device, accept, look }, decode, draw) {
  let value = null;
  const input = el("input", { id, type: "file", accept });
  const canvas = el("canvas", { class: look, hidden: true, role: "img", "aria-label": `${spec.name}: the ${noun}` });
  const trouble = el("span", { class: "note wrong", role: "status" });
  const hint = el("span", { class: "hint" }, `A file, dropped here or chosen, or the ${device}`);
  const zone = el("div", { class: "drop" }, hint, input, canvas, trouble);
  const tell = (text) => (trouble.textContent = text);

  function set(given, changed = true) {
    value = given;
    canvas.hidden = !value;
    if (value) draw(canvas, value);
    if (changed) input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  async function open(file) {
    tell("");
    try {
      set(await decode(file));
    } catch {
      set(null);
      tell(`This file is not a ${noun} that the browser can read.`);
    }
  }

  input.addEventListener("change", (event) => {
    if (!input.files.length) return;
    event.stopPropagation(); // the answer follows when the file is read
    const [file] = input.files;
    input.value = "";
    open(file);
  });
  onDrop(zone, open);
  return { zone, input, canvas, tell, set, read: () => value };
}
