// The page's side of the worker: each call is a promise.

/** Starts the worker from its source text. */
export function startWorker(source) {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const worker = new Worker(url, { name: "model" }); // a classic one: Chromium starts no module worker from file://
  const waiting = new Map();
  let last = 0;
  worker.onmessage = ({ data: { id, value, error, progress } }) => {
    const call = waiting.get(id);
    if (progress !== undefined) return call.onProgress?.(progress);
    waiting.delete(id);
    return error === undefined ? call.resolve(value) : call.reject(new Error(error));
  };
  worker.onerror = (event) => {
    const reason = new Error(event.message || "the worker could not start");
    for (const call of waiting.values()) call.reject(reason);
    waiting.clear();
  };
  return function ask(verb, given = {}, onProgress = undefined) {
    return new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject, onProgress });
      worker.postMessage({ id: last, verb, ...given });
    });
  };
}
