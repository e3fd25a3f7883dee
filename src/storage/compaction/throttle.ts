import type { Clock } from '../../base/ports.ts';

/** Waits shorter than this are put off to the next call. */
const WAIT_MS_MIN = 10;

/** Holds what passes to a rate. */
export class Throttle {
  readonly #clock: Clock;
  #bytesPerSecond: number;
  #freeAtMs = 0;

  constructor(clock: Clock, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerSecond = bytesPerSecond;
  }

  /** From now on this rate; what passed before is forgotten. */
  setRate(bytesPerSecond: number): void {
    this.#bytesPerSecond = bytesPerSecond;
    this.#freeAtMs = 0;
  }

  /** How long whoever let `bytes` pass has to wait, in milliseconds; 0 mostly. */
  waitFor(bytes: number): number {
    const nowMs = this.#clock.monotonicMs();
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (bytes / this.#bytesPerSecond) * 1000;
    const waitMs = this.#freeAtMs - nowMs;
    return waitMs < WAIT_MS_MIN ? 0 : waitMs;
  }
}
