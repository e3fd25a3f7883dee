const CAPACITY_BYTES = 64 * 1024;

/** Gathers what is to be printed, so that a message costs no system call. */
export class OutputBuffer {
  #buffer: Buffer = Buffer.allocUnsafe(CAPACITY_BYTES);
  #length = 0;
  #mark = 0;
  readonly #log: (line: string) => void;

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  get lengthBytes(): number {
    return this.#length;
  }

  bytes(bytes: Buffer): void {
    this.range(bytes, 0, bytes.length);
  }

  range(bytes: Buffer, start: number, end: number): void {
    this.#reserve(end - start);
    bytes.copy(this.#buffer, this.#length, start, end);
    this.#length += end - start;
  }

  text(text: string): void {
    this.#reserve(text.length * 3);
    this.#length += this.#buffer.write(text, this.#length);
  }

  log(line: string): void {
    this.#log(line);
  }

  /** What is written from here on can be taken back. */
  mark(): void {
    this.#mark = this.#length;
  }

  takeBack(): void {
    this.#length = this.#mark;
  }

  /** All of it, its memory included. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafe(CAPACITY_BYTES);
    this.#length = 0;
    this.#mark = 0;
    return taken;
  }

  #reserve(moreBytes: number): void {
    const needed = this.#length + moreBytes;
    if (needed <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(larger, 0, 0, this.#length);
    this.#buffer = larger;
  }
}
