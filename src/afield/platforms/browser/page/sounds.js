// A sound for the model: from a file or from the microphone, as samples at the rate that the schema states. Whatever
// comes after that, such as a spectrum, happens inside the model.
import { onDrop } from "./batch.js";
import { el, shownNumber } from "./elements.js";

const MOST_SECONDS = 60;
const BLOCK = 4096;

/** One channel at another rate. */
export async function resampled(samples, from, to) {
  if (from === to || !samples.length) return samples;
  const context = new OfflineAudioContext(1, Math.ceil((samples.length * to) / from), to);
  const buffer = context.createBuffer(1, samples.length, from);
  buffer.copyToChannel(samples, 0);
  const source = new AudioBufferSourceNode(context, { buffer });
  source.connect(context.destination);
  source.start();
  return (await context.startRendering()).getChannelData(0);
}

/** The samples of a sound file, its channels averaged. */
export async function decodeSound(bytes, rate) {
  const buffer = await new OfflineAudioContext(1, 1, rate).decodeAudioData(bytes); // decodes to the context's rate
  const samples = new Float32Array(buffer.length);
  for (let channel = 0; channel < buffer.numberOfChannels; channel++) {
    const data = buffer.getChannelData(channel);
    for (let i = 0; i < samples.length; i++) samples[i] += data[i] / buffer.numberOfChannels;
  }
  return samples;
}

/** Records from the microphone; `stop()` ends it and gives the samples. */
async function record(rate, onSamples) {
  const quiet = { echoCancellation: false, noiseSuppression: false, autoGainControl: false };
  const stream = await navigator.mediaDevices.getUserMedia({ audio: quiet });
  const context = new AudioContext();
  const source = context.createMediaStreamSource(stream);
  // Not an AudioWorklet: browsers load no worklet into a page that was opened from the disk.
  const tap = context.createScriptProcessor(BLOCK, 1, 1);
  const blocks = [];
  tap.onaudioprocess = ({ inputBuffer }) => {
    blocks.push(inputBuffer.getChannelData(0).slice());
    onSamples((blocks.length * BLOCK) / context.sampleRate);
  };
  source.connect(tap);
  tap.connect(context.destination); // it hears nothing: the output stays silent
  return async function stop() {
    tap.onaudioprocess = null;
    for (const track of stream.getTracks()) track.stop();
    await context.close();
    const samples = new Float32Array(blocks.length * BLOCK);
    blocks.forEach((block, i) => samples.set(block, i * BLOCK));
    return resampled(samples, context.sampleRate, rate);
  };
}

function drawWave(canvas, samples) {
  const { width, height } = Object.assign(canvas, { width: 640, height: 96 });
  const context = canvas.getContext("2d");
  context.fillStyle = getComputedStyle(canvas).color;
  const step = samples.length / width;
  const loudest = samples.reduce((most, sample) => Math.max(most, Math.abs(sample)), 1e-4);
  for (let x = 0; x < width; x++) {
    const part = samples.subarray(Math.floor(x * step), Math.max(Math.floor(x * step) + 1, Math.floor((x + 1) * step)));
    const size = part.reduce((most, sample) => Math.max(most, Math.abs(sample)), 0) / loudest;
    context.fillRect(x, (height / 2) * (1 - size), 1, Math.max(1, height * size));
  }
}

/** The control of an audio column; see form.js. */
export function soundControl(spec, id) {
  const { rate, seconds = 0 } = spec;
  let value = null;
  let stop = null;
  const input = el("input", { id, type: "file", accept: "audio/*" });
  const canvas = el("canvas", { class: "wave", hidden: true, role: "img", "aria-label": `${spec.name}: the sound` });
  const microphone = el("button", { type: "button", class: "microphone", onclick: () => (stop ? finish() : begin()) }, labelOf());
  const progress = el("progress", { max: seconds || MOST_SECONDS, value: 0, hidden: true, "aria-label": "seconds recorded" });
  const trouble = el("span", { class: "note wrong", role: "status" });
  const zone = el("div", { class: "drop" }, el("span", { class: "hint" }, "A file, dropped here or chosen, or the microphone"), input, el("p", { class: "buttons" }, microphone), progress, canvas, trouble);

  function labelOf() {
    return seconds ? `Record ${shownNumber(seconds)} s` : "Record";
  }

  function set(samples, changed = true) {
    value = samples?.length ? (seconds ? samples.slice(0, Math.round(seconds * rate)) : samples) : null;
    canvas.hidden = !value;
    if (value) drawWave(canvas, value);
    if (changed) input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  async function open(file) {
    trouble.textContent = "";
    try {
      set(await decodeSound(await file.arrayBuffer(), rate));
    } catch {
      set(null);
      trouble.textContent = "This file is not a sound that the browser can read.";
    }
  }

  async function begin() {
    trouble.textContent = "";
    try {
      stop = await record(rate, (done) => {
        progress.value = done;
        if (done >= (seconds || MOST_SECONDS)) finish();
      });
    } catch (error) {
      trouble.textContent = `The microphone cannot be used: ${error.message}`;
      return;
    }
    progress.value = 0;
    progress.hidden = false;
    microphone.textContent = "Stop";
  }

  async function finish() {
    const end = stop;
    stop = null;
    if (!end) return;
    microphone.textContent = labelOf();
    progress.hidden = true;
    set(await end());
  }

  input.addEventListener("change", (event) => {
    if (!input.files.length) return;
    event.stopPropagation(); // the answer follows when the sound is read
    const [file] = input.files;
    input.value = "";
    open(file);
  });
  onDrop(zone, open);
  return {
    element: zone,
    input,
    read: () => value,
    describe: () => (value ? `${shownNumber(value.length / rate)} s at ${shownNumber(rate)} Hz` : ""),
    write: (samples) => set(samples || null, false),
  };
}
