const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** `bytes` is borrowed for the call; null for a line that is longer than the limit, of which only the length is known. */
export type LineListener = (bytes: Buffer | null, lengthBytes: number) => void;

/**
 * Cuts a byte stream into lines as Java's readLine does: at \n, \r\n and \r; what is left at the end is a line too. Bytes are not decoded, so that
 * what is no UTF-8 comes through as it is. A line takes no more memory than `lengthMaxBytes`.
 */
export class LineSplitter {
  readonly #lengthMaxBytes: number;
  #parts: Buffer[] = [];
  #lengthBytes = 0;
  /** The last line ended in \r: a \n now belongs to it. */
  #skipsLineFeed = false;

  constructor(lengthMaxBytes: number) {
    this.#lengthMaxBytes = lengthMaxBytes;
  }

  /** Hands out the lines that end in this chunk. */
  push(chunk: Buffer, onLine: LineListener): void {
    let start = 0;
    if (this.#skipsLineFeed && chunk.length > 0) {
      if (chunk[0] === LINE_FEED) start = 1;
      this.#skipsLineFeed = false;
    }
    const hasReturns = chunk.includes(CARRIAGE_RETURN, start);
    while (start < chunk.length) {
      const end = hasReturns ? nextEnd(chunk, start) : chunk.indexOf(LINE_FEED, start);
      if (end === -1) break;
      this.#finish(chunk.subarray(start, end), onLine);
      start = end + 1;
      if (chunk[end] !== CARRIAGE_RETURN) continue;
      if (start === chunk.length) this.#skipsLineFeed = true;
      else if (chunk[start] === LINE_FEED) start += 1;
    }
    if (start < chunk.length) this.#keep(Buffer.from(chunk.subarray(start)));
  }

  /** The stream has ended. */
  end(onLine: LineListener): void {
    if (this.#lengthBytes > 0) this.#finish(Buffer.alloc(0), onLine);
  }

  #keep(part: Buffer): void {
    this.#lengthBytes += part.length;
    if (this.#lengthBytes > this.#lengthMaxBytes) this.#parts = [];
    else this.#parts.push(part);
  }

  #finish(last: Buffer, onLine: LineListener): void {
    const lengthBytes = this.#lengthBytes + last.length;
    const parts = this.#parts;
    this.#parts = [];
    this.#lengthBytes = 0;
    if (lengthBytes > this.#lengthMaxBytes) onLine(null, lengthBytes);
    else onLine(parts.length === 0 ? last : Buffer.concat([...parts, last]), lengthBytes);
  }
}

function nextEnd(chunk: Buffer, start: number): number {
  for (let at = start; at < chunk.length; at++) {
    const byte = chunk[at];
    if (byte === LINE_FEED || byte === CARRIAGE_RETURN) return at;
  }
  return -1;
}
