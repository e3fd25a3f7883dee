import type { Clock, Logger, Ports, Random, Timer } from '../../../src/base/ports.ts';

/** A clock that stands still until it is told. */
export class FakeClock implements Clock {
  wallMs: number;
  #monotonicMs = 0;
  #timers: { readonly dueMs: number; readonly fire: () => void; readonly order: number }[] = [];
  #order = 0;

  constructor(wallMs = 1_700_000_000_000) {
    this.wallMs = wallMs;
  }

  now(): number {
    return this.wallMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { dueMs: this.#monotonicMs + Math.max(0, delayMs), fire, order: this.#order++ };
    this.#timers.push(timer);
    return { cancel: () => void (this.#timers = this.#timers.filter((other) => other !== timer)) };
  }

  /** Lets time pass and fires what is due, letting promises settle between. */
  async advance(ms: number): Promise<void> {
    const end = this.#monotonicMs + ms;
    for (;;) {
      await settle();
      const next = this.#timers.filter((timer) => timer.dueMs <= end).sort((left, right) => left.dueMs - right.dueMs || left.order - right.order)[0];
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.wallMs += next.dueMs - this.#monotonicMs;
      this.#monotonicMs = next.dueMs;
      next.fire();
    }
    this.wallMs += end - this.#monotonicMs;
    this.#monotonicMs = end;
    await settle();
  }
}

/** Lets promises that wait for nothing outside run to their end. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise((resolve) => setImmediate(resolve));
}

/** Seeded: the same seed, the same numbers. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0 || 1;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    next,
    below: (bound) => Math.floor(next() * bound),
    bytes: (count) => Uint8Array.from({ length: count }, () => Math.floor(next() * 256)),
  };
}

/** For a disk whose syncs take a few turns of the event loop, so that the power can go between a write and its sync. Its time stands still. */
export class TurnsClock extends FakeClock {
  readonly #random: Random;

  constructor(random: Random) {
    super();
    this.#random = random;
  }

  override setTimer(turnsMax: number, fire: () => void): Timer {
    let left = this.#random.below(turnsMax + 1);
    let turn: NodeJS.Immediate;
    const step = (): void => {
      if (left === 0) return fire();
      left -= 1;
      turn = setImmediate(step);
    };
    turn = setImmediate(step);
    return { cancel: () => clearImmediate(turn) };
  }
}

/** Keeps what was logged. */
export class RecordingLogger implements Logger {
  readonly lines: string[] = [];
  debug(): void {}
  info(message: string): void {
    this.lines.push(`info ${message}`);
  }
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push(`warn ${message} ${JSON.stringify(fields ?? {})}`);
  }
  error(message: string, fields?: Readonly<Record<string, unknown>>): void {
    this.lines.push(`error ${message} ${JSON.stringify(fields ?? {})}`);
  }
  child(): Logger {
    return this;
  }
}

export interface FakePorts extends Ports {
  readonly clock: FakeClock;
  readonly logger: RecordingLogger;
}

export const fakePorts = (seed = 1): FakePorts => ({ clock: new FakeClock(), random: seededRandom(seed), logger: new RecordingLogger() });
