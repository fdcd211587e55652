// Reads what a model file says beside its graph (schema, card, self-test) straight from its bytes: the page needs no
// second copy that could differ. Field numbers are those of onnx.proto: metadata_props is 14, key 1, value 2.

const PROPERTIES = 14;

/** The metadata_props of a serialised ONNX model, name to text. */
export function readProperties(bytes) {
  const found = {};
  for (const [number, content] of fieldsOf(bytes)) {
    if (number !== PROPERTIES) continue;
    const entry = Object.fromEntries(fieldsOf(content));
    const text = new TextDecoder("utf-8", { fatal: true });
    found[text.decode(entry[1] ?? new Uint8Array())] = text.decode(entry[2] ?? new Uint8Array());
  }
  return found;
}

/** Schema, card, self-test and provenance of a model file that afield wrote. */
export function readMetadata(bytes) {
  const properties = readProperties(bytes);
  if (!("afield.schema" in properties)) throw new Error("This ONNX file has no schema inside: afield did not make it.");
  const part = (name) => JSON.parse(properties[`afield.${name}`]);
  const [schema, card, selftest, provenance] = ["schema", "card", "selftest", "provenance"].map(part);
  return { schema, card, selftest, provenance };
}

function* fieldsOf(bytes) {
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (at >= bytes.length) throw new Error("The model file ends too early.");
      const byte = bytes[at++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (at < bytes.length) {
    const key = varint();
    const wire = key % 8;
    if (wire === 0) {
      varint();
      continue;
    }
    const length = { 1: 8, 2: wire === 2 ? varint() : 0, 5: 4 }[wire];
    if (length === undefined || at + length > bytes.length) throw new Error("The model file is damaged.");
    yield [Math.floor(key / 8), bytes.subarray(at, at + length)];
    at += length;
  }
}
