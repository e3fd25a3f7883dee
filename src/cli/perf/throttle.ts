import type { Clock } from '../../base/ports.ts';

/** Longer than this and sockets would wait for their turn. */
const TURN_MS = 2;

/** Holds work to so many pieces a second (below 0: as fast as can be), and lets the process breathe meanwhile. */
export class Throttle {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #startMs: number;
  #turnMs: number;

  constructor(clock: Clock, perSecond: number) {
    this.#clock = clock;
    this.#perSecond = perSecond;
    this.#startMs = clock.monotonicMs();
    this.#turnMs = this.#startMs;
  }

  /** Before piece number `done`: how long to wait; null: not at all. */
  wait(done: number): Promise<void> | null {
    const now = this.#clock.monotonicMs();
    if (this.#perSecond >= 0) {
      const dueMs = this.#perSecond === 0 ? Infinity : this.#startMs + (done * 1000) / this.#perSecond;
      if (dueMs > now) return this.#pause(Math.min(dueMs - now, 1000));
    }
    if (now - this.#turnMs < TURN_MS) return null;
    this.#turnMs = now;
    return new Promise((resolve) => void setImmediate(resolve));
  }

  #pause(delayMs: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.setTimer(delayMs, resolve));
  }
}
