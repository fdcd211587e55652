// Delimited text in and out: quotes as in RFC 4180, the delimiter that the header shows, UTF-8 or what Excel writes.

const DELIMITERS = [",", ";", "\t", "|"];

/** { text, bom } of a file's bytes: UTF-16 with its mark, UTF-8, else Windows-1252. */
export function decodeText(bytes) {
  const [a, b] = bytes;
  if ((a === 0xff && b === 0xfe) || (a === 0xfe && b === 0xff)) {
    return { text: new TextDecoder(a === 0xff ? "utf-16le" : "utf-16be").decode(bytes), bom: true };
  }
  const bom = a === 0xef && b === 0xbb && bytes[2] === 0xbf;
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes), bom };
  } catch {
    return { text: new TextDecoder("windows-1252").decode(bytes), bom: false };
  }
}

/** The rows of a text, each an array of cells; lines with nothing in them are passed over. */
export function* parseRows(text, delimiter) {
  let at = 0;
  while (at < text.length) {
    const cells = [];
    let more = true;
    while (more) {
      let cell;
      [cell, at] = text[at] === '"' ? quotedCell(text, at) : bareCell(text, at, delimiter);
      cells.push(cell);
      more = text[at] === delimiter;
      if (more) at += 1;
    }
    if (text[at] === "\r") at += 1;
    if (text[at] === "\n") at += 1;
    if (cells.length > 1 || cells[0] !== "") yield cells;
  }
}

function bareCell(text, from, delimiter) {
  let to = from;
  while (to < text.length && text[to] !== delimiter && text[to] !== "\n" && text[to] !== "\r") to += 1;
  return [text.slice(from, to), to];
}

function quotedCell(text, from) {
  let cell = "";
  let at = from + 1;
  for (;;) {
    const end = text.indexOf('"', at);
    if (end < 0) throw new Error("A quote in the file is never closed.");
    cell += text.slice(at, end);
    if (text[end + 1] !== '"') return [cell, end + 1];
    cell += '"';
    at = end + 2;
  }
}

/** The delimiter under which the header holds most of the wanted names. */
export function findDelimiter(text, wanted) {
  const hits = (delimiter) => {
    const names = new Set(parseRows(text.slice(0, 1_000_000), delimiter).next().value ?? []);
    return wanted.filter((name) => names.has(name)).length;
  };
  return DELIMITERS.map((delimiter) => [delimiter, hits(delimiter)]).sort((a, b) => b[1] - a[1])[0][0];
}

/** One line of delimited text. */
export function formatRow(cells, delimiter) {
  const quoted = (cell) => (cell.includes(delimiter) || /["\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  return `${cells.map((cell) => quoted(String(cell))).join(delimiter)}\r\n`;
}
