import type { Clock, Timer } from '../base/ports.ts';

/** Work that is due later, unless the store closes before. */
export class DeferredWork {
  readonly #clock: Clock;
  readonly #waiting = new Map<() => void, Timer>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  after(delayMs: number, work: () => void): void {
    const run = (): void => {
      this.#waiting.delete(run);
      work();
    };
    this.#waiting.set(run, this.#clock.setTimer(delayMs, run));
  }

  /** Forgets what waits: leftovers are removed at the next start. */
  cancelAll(): void {
    for (const timer of this.#waiting.values()) timer.cancel();
    this.#waiting.clear();
  }
}
