import type { Readable, Writable } from 'node:stream';

/** What a screen can show beside plain text. */
export interface Screen {
  /** Standard error shows colours. */
  readonly hasColours: boolean;
  /** Standard error shows a line that changes. */
  readonly showsProgress: boolean;
}

const NO_SCREEN: Screen = { hasColours: false, showsProgress: false };
const COLOURS = { failure: '\u001b[31m', warning: '\u001b[33m' } as const;
const NO_COLOUR = '\u001b[39m';
/** Back to where the line begins, and nothing behind it. */
const CLEARED = '\r\u001b[K';

/** The three streams of a tool. Writing never throws: who reads no more is found by `isGone`. */
export class Terminal {
  readonly #input: () => Readable;
  /** Standard input is a person at a keyboard. */
  readonly isInteractive: boolean;
  readonly #output: Writable;
  readonly #errors: Writable;
  readonly #screen: Screen;
  #hasProgress = false;
  #isGone = false;
  #waiters: (() => void)[] = [];

  constructor(input: () => Readable, output: Writable, errors: Writable, isInteractive: boolean, screen: Screen = NO_SCREEN) {
    this.#input = input;
    this.isInteractive = isInteractive;
    this.#output = output;
    this.#errors = errors;
    this.#screen = screen;
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
    this.#clearProgress();
    if (this.#output.write(text)) return;
    await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** A line on standard error, in a colour where there are colours. */
  complain(line: string, tone?: keyof typeof COLOURS): void {
    this.#clearProgress();
    this.#errors.write(tone === undefined || !this.#screen.hasColours ? `${line}\n` : `${COLOURS[tone]}${line}${NO_COLOUR}\n`);
  }

  get showsProgress(): boolean {
    return this.#screen.showsProgress;
  }

  /** Shows a short text on standard error until there is something else to show; nothing where that is no terminal. */
  progress(text: string): void {
    if (!this.#screen.showsProgress) return;
    this.#errors.write(`${CLEARED}${text}`);
    this.#hasProgress = true;
  }

  #clearProgress(): void {
    if (this.#hasProgress) this.#errors.write(CLEARED);
    this.#hasProgress = false;
  }

  /** Resolves when all output was handed to the system. */
  async flush(): Promise<void> {
    this.#clearProgress();
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
