async (feed) => {
  const arrays = { float64: Float64Array, float32: Float32Array, uint8: Uint8Array };
  const read = ({ type, dims, data }) => {
    if (type === "string") return { type, dims, data };
    const binary = atob(data);
    const bytes = Uint8Array.from({ length: binary.length }, (_, i) => binary.charCodeAt(i));
    return { type, dims, data: new arrays[type](bytes.buffer) };
  };
  const write = ({ type, dims, data }) => {
    if (type === "string") return { type, dims, data: [...data] };
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    let binary = "";
    for (let at = 0; at < bytes.length; at += 32768) binary += String.fromCharCode(...bytes.subarray(at, at + 32768));
    return { type, dims, data: btoa(binary) };
  };
  const results = await globalThis.afield.run(Object.fromEntries(Object.entries(feed).map(([n, t]) => [n, read(t)])));
  return Object.fromEntries(Object.entries(results).map(([n, t]) => [n, write(t)]));
}
