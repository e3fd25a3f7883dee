import type { Clock } from '../base/ports.ts';
import type { Terminal } from './terminal.ts';

const SHOWN_EVERY_MS = 250;

/** How far a long work has come, on a line of standard error that it keeps to itself; nothing where that is no terminal. */
export class Progress {
  readonly #terminal: Terminal;
  readonly #clock: Clock;
  readonly #total: number;
  readonly #unit: string;
  #shownMs: number;

  /** `unit`: what is counted, as `records`. */
  constructor(terminal: Terminal, clock: Clock, total: number, unit: string) {
    this.#terminal = terminal;
    this.#clock = clock;
    this.#total = total;
    this.#unit = unit;
    this.#shownMs = clock.monotonicMs();
  }

  /** Cheap: most calls show nothing. */
  at(done: number): void {
    if (!this.#terminal.showsProgress) return;
    const now = this.#clock.monotonicMs();
    if (now - this.#shownMs < SHOWN_EVERY_MS) return;
    this.#shownMs = now;
    this.#terminal.progress(`${Math.floor((100 * Math.min(done, this.#total)) / Math.max(this.#total, 1))} % (${done} of ${this.#total} ${this.#unit})`);
  }
}
