/** Log lines that anybody on the network can provoke: some of each kind in a while, the rest counted. */
import type { Clock, Logger } from './ports.ts';

const LINES_MAX = 10;
const WINDOW_MS = 10_000;

interface Kind {
  windowStartMs: number;
  lines: number;
  dropped: number;
}

export class LimitedLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** `kind` is one of a few constants of the program, never input. */
  warn(kind: string, message: string, fields: Readonly<Record<string, unknown>>): void {
    const dropped = this.#admit(kind);
    if (dropped < 0) return;
    this.#logger.warn(message, dropped === 0 ? fields : { ...fields, notLoggedBefore: dropped });
  }

  /** -1 when the line is one too many; else how many were dropped in the window before. */
  #admit(name: string): number {
    const nowMs = this.#clock.monotonicMs();
    let kind = this.#kinds.get(name);
    if (kind === undefined) {
      kind = { windowStartMs: nowMs, lines: 0, dropped: 0 };
      this.#kinds.set(name, kind);
    }
    let droppedBefore = 0;
    if (nowMs - kind.windowStartMs >= WINDOW_MS) {
      droppedBefore = kind.dropped;
      kind.windowStartMs = nowMs;
      kind.lines = 0;
      kind.dropped = 0;
    }
    kind.lines += 1;
    if (kind.lines <= LINES_MAX) return droppedBefore;
    kind.dropped += 1;
    return -1;
  }
}
