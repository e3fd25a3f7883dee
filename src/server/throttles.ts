/** Connections that wait because they are over a quota: one timer for each, the longest of the times that were asked for. */
import type { Clock, Timer } from '../base/ports.ts';

export interface Throttled {
  throttleEnded(): void;
}

interface Wait {
  untilMs: number;
  timer: Timer;
}

export class Throttles {
  readonly #clock: Clock;
  readonly #waits = new Map<Throttled, Wait>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get count(): number {
    return this.#waits.size;
  }

  add(connection: Throttled, durationMs: number): void {
    const untilMs = this.#clock.monotonicMs() + durationMs;
    const known = this.#waits.get(connection);
    if (known !== undefined && known.untilMs >= untilMs) return;
    known?.timer.cancel();
    const timer = this.#clock.setTimer(durationMs, () => {
      this.#waits.delete(connection);
      connection.throttleEnded();
    });
    this.#waits.set(connection, { untilMs, timer });
  }

  remove(connection: Throttled): void {
    this.#waits.get(connection)?.timer.cancel();
    this.#waits.delete(connection);
  }
}
