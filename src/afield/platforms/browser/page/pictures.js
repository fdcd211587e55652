// A picture for the model: from a file, by drag and drop, or from the camera. The model gets its pixels as they are;
// resizing happens inside the model.
import { el } from "./elements.js";
import { mediaHolder } from "./media.js";

const FRAMES_TO_SKIP = 3; // the first frames of a camera are black or dim

/** { width, height, data } of a bitmap or video: 3 bytes a pixel, what is transparent on white. */
export function pixelsOf(source, width, height, canvas = new OffscreenCanvas(width, height)) {
  Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.fillStyle = "#fff";
  context.fillRect(0, 0, width, height);
  context.drawImage(source, 0, 0);
  const { data } = context.getImageData(0, 0, width, height);
  const pixels = new Uint8Array(width * height * 3);
  for (let from = 0, to = 0; from < data.length; from += 4) {
    pixels[to++] = data[from];
    pixels[to++] = data[from + 1];
    pixels[to++] = data[from + 2];
  }
  return { width, height, data: pixels };
}

function draw(canvas, { width, height, data }) {
  Object.assign(canvas, { width, height });
  const image = new ImageData(width, height);
  for (let from = 0, to = 0; from < data.length; to += 4) {
    image.data.set([data[from++], data[from++], data[from++], 255], to);
  }
  canvas.getContext("2d").putImageData(image, 0, 0);
}

/** Waits until the camera shows something. */
function settled(video) {
  return new Promise((resolve) => {
    let seen = 0;
    const next = () => (++seen > FRAMES_TO_SKIP ? resolve() : video.requestVideoFrameCallback(next));
    if ("requestVideoFrameCallback" in video) video.requestVideoFrameCallback(next);
    else setTimeout(resolve, 500);
  });
}

async function decodePicture(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const picture = pixelsOf(bitmap, bitmap.width, bitmap.height);
  bitmap.close();
  return picture;
}

/** The control of an image column; see form.js. */
export function pictureControl(spec, id) {
  let stream = null;
  const words = { noun: "picture", device: "camera", accept: "image/*", look: "picture" };
  const holder = mediaHolder(spec, id, words, decodePicture, draw);
  const video = el("video", { class: "picture", hidden: true, playsinline: true, "aria-label": "what the camera sees" });
  const shutter = el("button", { type: "button", class: "shutter", hidden: true, onclick: take }, "Take the picture");
  const camera = el("button", { type: "button", class: "camera", onclick: () => (stream ? stop() : start()) }, "Use the camera");
  holder.canvas.before(el("p", { class: "buttons" }, camera, shutter), video);
  video.muted = true;

  async function start() {
    holder.tell("");
    try {
      stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment" } });
    } catch (error) {
      holder.tell(`The camera cannot be used: ${error.message}`);
      return;
    }
    video.srcObject = stream;
    video.hidden = false;
    holder.canvas.hidden = true;
    camera.textContent = "Stop the camera";
    await video.play();
    await settled(video);
    shutter.hidden = !stream;
  }

  function stop() {
    for (const track of stream?.getTracks() ?? []) track.stop();
    stream = null;
    video.srcObject = null;
    video.hidden = shutter.hidden = true;
    holder.canvas.hidden = !holder.read();
    camera.textContent = "Use the camera";
  }

  function take() {
    const picture = pixelsOf(video, video.videoWidth, video.videoHeight);
    stop();
    holder.set(picture);
  }

  return {
    element: holder.zone,
    input: holder.input,
    read: holder.read,
    describe: () => (holder.read() ? `${holder.read().width} × ${holder.read().height} pixels` : ""),
    write(picture) {
      stop();
      holder.set(picture || null, false);
    },
  };
}
