/** What became of an append: three promises, each made when it is asked for, so that nobody has to care for those that do not matter. */
import type { LogError } from '../types.ts';

export interface AppendedRange {
  readonly firstOffset: number;
  readonly lastOffset: number;
}

/** What an append has reached. */
export const Stage = { accepted: 0, readable: 1, durable: 2 } as const;
export type Stage = (typeof Stage)[keyof typeof Stage];

interface Waiter {
  resolve(range: AppendedRange): void;
  reject(error: LogError): void;
}

export class Appended {
  #range: AppendedRange | null = null;
  readonly #reached = [false, false, false];
  #error: LogError | null = null;
  readonly #waiters: [Waiter[], Waiter[], Waiter[]] = [[], [], []];
  readonly #wantDurable: (appended: Appended) => void;
  /** Somebody asked for durability. */
  isDurabilityWanted = false;

  /** `wantDurable` is called when somebody asks for durability, each time. */
  constructor(wantDurable: (appended: Appended) => void) {
    this.#wantDurable = wantDurable;
  }

  /** The records have their offsets and are in the log; a crash of the machine may still lose them, and readers need not see them yet. */
  get accepted(): Promise<AppendedRange> {
    return this.#when(Stage.accepted);
  }

  /** Readers see them. */
  get readable(): Promise<AppendedRange> {
    return this.#when(Stage.readable);
  }

  /** They survive a crash of the machine. Asking makes the log sync now, with all others that ask. */
  get durable(): Promise<AppendedRange> {
    this.isDurabilityWanted = true;
    this.#wantDurable(this);
    return this.#when(Stage.durable);
  }

  #when(stage: Stage): Promise<AppendedRange> {
    return new Promise((resolve, reject) => {
      if (this.#reached[stage] === true && this.#range !== null) resolve(this.#range);
      else if (this.#error !== null) reject(this.#error);
      else this.#waiters[stage].push({ resolve, reject });
    });
  }

  /** For the log. */
  settle(stage: Stage, range: AppendedRange): void {
    this.#range ??= range;
    this.#reached[stage] = true;
    for (const { resolve } of this.#waiters[stage].splice(0)) resolve(this.#range);
  }

  /** For the log: what was not reached never will be. */
  fail(error: LogError): void {
    this.#error ??= error;
    for (const waiters of this.#waiters) for (const { reject } of waiters.splice(0)) reject(error);
  }

  get range(): AppendedRange | null {
    return this.#range;
  }
}
