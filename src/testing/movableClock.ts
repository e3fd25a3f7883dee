import type { Clock, Timer } from '../base/ports.ts';
import { systemClock } from '../base/systemPorts.ts';

interface PendingTimer {
  readonly dueMs: number;
  readonly order: number;
  readonly fire: () => void;
  real: Timer | null;
}

/** The machine's clock, which a test can move ahead: what would be due in seven days is due at once. Never moves back. */
export class MovableClock implements Clock {
  readonly #real: Clock;
  readonly #timers = new Set<PendingTimer>();
  #aheadMs = 0;
  #order = 0;

  constructor(real: Clock = systemClock) {
    this.#real = real;
  }

  now(): number {
    return this.#real.now() + this.#aheadMs;
  }

  monotonicMs(): number {
    return this.#real.monotonicMs() + this.#aheadMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer: PendingTimer = { dueMs: this.monotonicMs() + Math.max(delayMs, 0), order: this.#order++, fire, real: null };
    this.#timers.add(timer);
    this.#arm(timer);
    return { cancel: () => this.#drop(timer) };
  }

  #arm(timer: PendingTimer): void {
    timer.real = this.#real.setTimer(Math.max(timer.dueMs - this.monotonicMs(), 0), () => this.#run(timer));
  }

  #drop(timer: PendingTimer): void {
    timer.real?.cancel();
    this.#timers.delete(timer);
  }

  #run(timer: PendingTimer): void {
    if (!this.#timers.has(timer)) return;
    this.#drop(timer);
    timer.fire();
  }

  /**
   * Moves ahead by `ms`, in a hundred steps at most: timers fire in their order at the end of the step in which they are due, and what they start gets turns of the
   * event loop before the next step. So seven days pass in milliseconds, and what is chained to what comes in its order.
   */
  async advance(ms: number): Promise<void> {
    if (!(ms >= 0)) throw new RangeError(`a clock moves ahead, not by ${ms} ms`);
    const endMs = this.monotonicMs() + ms;
    const stepMs = Math.max(ms / STEPS_MAX, 1);
    for (;;) {
      await turns();
      const next = this.#nextUntil(endMs);
      if (next === null) break;
      this.#moveTo(Math.min(Math.max(next.dueMs, this.monotonicMs() + stepMs), endMs));
      this.#runDue();
    }
    this.#moveTo(endMs);
    for (const timer of this.#timers) {
      timer.real?.cancel();
      this.#arm(timer);
    }
    await turns();
  }

  #moveTo(atMs: number): void {
    // Whole milliseconds: wall time has no fractions.
    this.#aheadMs += Math.ceil(Math.max(atMs - this.monotonicMs(), 0));
  }

  #runDue(): void {
    const nowMs = this.monotonicMs();
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= nowMs).sort((a, b) => a.dueMs - b.dueMs || a.order - b.order);
    for (const timer of due) this.#run(timer);
  }

  #nextUntil(endMs: number): PendingTimer | null {
    let next: PendingTimer | null = null;
    for (const timer of this.#timers) if (timer.dueMs <= endMs && (next === null || timer.dueMs < next.dueMs)) next = timer;
    return next;
  }
}

const STEPS_MAX = 100;
const TURNS = 3;

async function turns(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn++) await new Promise((resolve) => setImmediate(resolve));
}
