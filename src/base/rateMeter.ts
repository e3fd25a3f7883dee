/**
 * A rate over sliding windows, as Kafka measures quotas (its Rate of SampledStats): the sum of what was recorded in the last windows, by the time that they span;
 * fewer windows than there should be count as if they had been there, so that a burst after a rest is not taken for a high rate.
 */
export class RateMeter {
  /** Units a second. */
  limit: number;
  readonly #windowMs: number;
  readonly #totals: Float64Array;
  readonly #startsMs: Float64Array;
  #current = 0;
  /** When something was last recorded. */
  lastMs: number;

  /** `windows`: how many of `windowMs` each; 2 or more make sense. */
  constructor(limit: number, windows: number, windowMs: number, nowMs: number) {
    this.limit = limit;
    this.#windowMs = windowMs;
    this.#totals = new Float64Array(windows);
    // The first window begins with what is recorded first.
    this.#startsMs = new Float64Array(windows).fill(-Infinity);
    this.lastMs = nowMs;
  }

  /** `value` may be negative, to take back. */
  record(value: number, nowMs: number): void {
    this.lastMs = nowMs;
    if (nowMs - this.#startsMs[this.#current]! >= this.#windowMs) {
      this.#current = (this.#current + 1) % this.#totals.length;
      this.#totals[this.#current] = 0;
      this.#startsMs[this.#current] = nowMs;
    }
    this.#totals[this.#current] = this.#totals[this.#current]! + value;
  }

  /** Units a second. */
  rate(nowMs: number): number {
    return this.#total(nowMs) / (this.#spanMs(nowMs) / 1000);
  }

  /** How long nothing must be recorded so that the rate is within its limit again; 0 when it is. */
  throttleMs(nowMs: number): number {
    const rate = this.rate(nowMs);
    return rate > this.limit ? Math.round(((rate - this.limit) / this.limit) * this.#spanMs(nowMs)) : 0;
  }

  /** The same, if `value` were recorded. */
  throttleMsWith(value: number, nowMs: number): number {
    this.record(value, nowMs);
    const throttleMs = this.throttleMs(nowMs);
    if (throttleMs > 0) this.record(-value, nowMs);
    return throttleMs;
  }

  #isLive(index: number, nowMs: number): boolean {
    return nowMs - this.#startsMs[index]! < this.#windowMs * this.#totals.length;
  }

  #total(nowMs: number): number {
    let total = 0;
    for (let index = 0; index < this.#totals.length; index++) if (this.#isLive(index, nowMs)) total += this.#totals[index]!;
    return total;
  }

  #spanMs(nowMs: number): number {
    let oldestMs = nowMs;
    for (let index = 0; index < this.#totals.length; index++) {
      if (this.#isLive(index, nowMs) && this.#startsMs[index]! < oldestMs) oldestMs = this.#startsMs[index]!;
    }
    const elapsedMs = nowMs - oldestMs;
    const missing = this.#totals.length - 1 - Math.floor(elapsedMs / this.#windowMs);
    return Math.max(elapsedMs + Math.max(missing, 0) * this.#windowMs, this.#windowMs);
  }
}
