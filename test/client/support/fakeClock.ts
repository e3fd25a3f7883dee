import type { Clock, Timer } from '../../../src/base/ports.ts';

interface SetTimer {
  readonly dueMs: number;
  readonly fire: () => void;
}

/** Time stands still until it is advanced. */
export class FakeClock implements Clock {
  readonly #timers = new Set<SetTimer>();
  #elapsedMs = 0;

  now(): number {
    return 1_700_000_000_000 + this.#elapsedMs;
  }

  monotonicMs(): number {
    return this.#elapsedMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { dueMs: this.#elapsedMs + Math.max(delayMs, 0), fire };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  get timerCount(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const untilMs = this.#elapsedMs + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ dueMs }) => dueMs <= untilMs).sort((a, b) => a.dueMs - b.dueMs)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#elapsedMs = Math.max(this.#elapsedMs, due.dueMs);
      due.fire();
    }
    this.#elapsedMs = untilMs;
  }
}

/** Lets everything happen that needs no time. */
export async function turns(count = 12): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
}

/** Advances time, whenever nothing else happens, until `work` has settled. Fails when that takes more than `limitMs` of it. */
export async function settle<T>(clock: FakeClock, work: Promise<T>, limitMs = 900_000, stepMs = 25): Promise<T> {
  const state = { isSettled: false };
  const note = () => {
    state.isSettled = true;
  };
  work.then(note, note);
  await turns();
  for (let spentMs = 0; !state.isSettled; spentMs += stepMs) {
    if (spentMs > limitMs) throw new Error(`nothing came of it within ${limitMs} ms`);
    clock.advance(stepMs);
    await turns();
  }
  return work;
}
