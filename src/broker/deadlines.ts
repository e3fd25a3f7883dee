import type { Clock, Timer } from '../base/ports.ts';

/** Deadlines are rounded up to this, so that thousands of them need one timer. */
const BUCKET_MS = 4;

/** Something that has a deadline. `deadlineBucket` belongs to `Deadlines`; -1 while none is set. */
export interface Expiring {
  deadlineBucket: number;
  onDeadline(): void;
}

/** Many deadlines that are mostly called off, behind a single timer of the clock. */
export class Deadlines {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Set<Expiring>>();
  #timer: Timer | null = null;
  /** Bucket for which the timer is set. */
  #timerBucket = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Calls `onDeadline` once, `delayMs` from now, unless removed before. */
  add(expiring: Expiring, delayMs: number): void {
    const bucket = Math.ceil((this.#clock.monotonicMs() + delayMs) / BUCKET_MS);
    expiring.deadlineBucket = bucket;
    const members = this.#buckets.get(bucket);
    if (members !== undefined) members.add(expiring);
    else this.#buckets.set(bucket, new Set([expiring]));
    if (bucket < this.#timerBucket) this.#setTimer(bucket);
  }

  remove(expiring: Expiring): void {
    const bucket = expiring.deadlineBucket;
    if (bucket === -1) return;
    expiring.deadlineBucket = -1;
    const members = this.#buckets.get(bucket);
    if (members === undefined) return;
    members.delete(expiring);
    if (members.size === 0) this.#buckets.delete(bucket);
  }

  /** Lets every deadline come now. */
  expireAll(): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#timerBucket = Infinity;
    for (const bucket of this.#buckets.keys()) this.#expire(bucket);
  }

  #setTimer(bucket: number): void {
    this.#timer?.cancel();
    this.#timerBucket = bucket;
    const delayMs = Math.max(bucket * BUCKET_MS - this.#clock.monotonicMs(), 0);
    this.#timer = this.#clock.setTimer(delayMs, () => this.#fire());
  }

  #fire(): void {
    this.#timer = null;
    this.#timerBucket = Infinity;
    const due = Math.floor(this.#clock.monotonicMs() / BUCKET_MS);
    let next = Infinity;
    for (const bucket of this.#buckets.keys()) {
      if (bucket > due) {
        if (bucket < next) next = bucket;
        continue;
      }
      this.#expire(bucket);
    }
    if (next < this.#timerBucket) this.#setTimer(next);
  }

  #expire(bucket: number): void {
    const members = this.#buckets.get(bucket) ?? [];
    this.#buckets.delete(bucket);
    for (const expiring of members) {
      if (expiring.deadlineBucket !== bucket) continue;
      expiring.deadlineBucket = -1;
      expiring.onDeadline();
    }
  }
}
