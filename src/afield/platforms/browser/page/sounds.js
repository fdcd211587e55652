// A sound for the model: from a file or from the microphone, as samples at the rate that the schema states. Whatever
// comes after that, such as a spectrum, happens inside the model.
import { el, shownNumber } from "./elements.js";
import { mediaHolder } from "./media.js";

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
  const words = { noun: "sound", device: "microphone", accept: "audio/*", look: "wave" };
  const fitting = (samples) => (!samples?.length ? null : seconds ? samples.slice(0, Math.round(seconds * rate)) : samples);
  const holder = mediaHolder(spec, id, words, async (file) => fitting(await decodeSound(await file.arrayBuffer(), rate)), drawWave);
  const label = seconds ? `Record ${shownNumber(seconds)} s` : "Record";
  const microphone = el("button", { type: "button", class: "microphone", onclick: () => (stop ? finish() : begin()) }, label);
  const progress = el("progress", { max: seconds || MOST_SECONDS, value: 0, hidden: true, "aria-label": "seconds recorded" });
  holder.canvas.before(el("p", { class: "buttons" }, microphone), progress);
  let stop = null;

  async function begin() {
    holder.tell("");
    try {
      stop = await record(rate, (done) => {
        progress.value = done;
        if (done >= (seconds || MOST_SECONDS)) finish();
      });
    } catch (error) {
      holder.tell(`The microphone cannot be used: ${error.message}`);
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
    microphone.textContent = label;
    progress.hidden = true;
    holder.set(fitting(await end()));
  }

  return {
    element: holder.zone,
    input: holder.input,
    read: holder.read,
    describe: () => (holder.read() ? `${shownNumber(holder.read().length / rate)} s at ${shownNumber(rate)} Hz` : ""),
    write: (samples) => holder.set(fitting(samples), false),
  };
}
