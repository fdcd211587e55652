// Bytes in text: base64, gzip, and the arrays of media samples inside a model file.

export function fromBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/** The bytes that were packed with "gzip" or "deflate" (zlib). */
export async function unpacked(bytes, format = "gzip") {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream(format));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

const ARRAYS = { uint8: Uint8Array, float32: Float32Array };

/** { type, dims, data } of a text such as "uint8 2x3x3 <base64 of zlib>". */
export async function decodeArray(text) {
  const [type, dims, packed] = text.split(" ");
  const bytes = await unpacked(fromBase64(packed), "deflate");
  return { type, dims: dims.split("x").map(Number), data: new ARRAYS[type](bytes.buffer) };
}
