import type { Readable, Writable } from 'node:stream';

/** The three streams of a tool. Writing never throws: who reads no more is found by `isGone`. */
export class Terminal {
  readonly #input: () => Readable;
  /** Standard input is a person at a keyboard. */
  readonly isInteractive: boolean;
  readonly #output: Writable;
  readonly #errors: Writable;
  #isGone = false;
  #waiters: (() => void)[] = [];

  constructor(input: () => Readable, output: Writable, errors: Writable, isInteractive: boolean) {
    this.#input = input;
    this.isInteractive = isInteractive;
    this.#output = output;
    this.#errors = errors;
    // the reader of a pipe has left (EPIPE), or the disk under a file is full
    output.on('error', () => this.#lose());
    output.on('close', () => this.#lose());
    output.on('drain', () => this.#wake());
    errors.on('error', () => {});
  }

  /** Opened at the first use. */
  get input(): Readable {
    return this.#input();
  }

  /** Nobody takes the output any more. */
  get isGone(): boolean {
    return this.#isGone;
  }

  /** Writes to standard output. Resolves when there is room for more (or nobody reads). */
  async print(text: string | Uint8Array): Promise<void> {
    if (this.#isGone || text.length === 0) return;
    if (this.#output.write(text)) return;
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** A line on standard error. */
  complain(line: string): void {
    this.#errors.write(`${line}\n`);
  }

  /** Resolves when all output was handed to the system. */
  async flush(): Promise<void> {
    const streams = [this.#output, this.#errors].filter((stream) => stream.writableLength > 0 && !stream.destroyed);
    await Promise.all(streams.map((stream) => new Promise<void>((resolve) => {
      stream.once('close', resolve);
      stream.once('error', () => resolve());
      stream.write('', () => resolve());
    })));
  }

  #lose(): void {
    this.#isGone = true;
    this.#wake();
  }

  #wake(): void {
    for (const resolve of this.#waiters.splice(0)) resolve();
  }
}
