/** Counts of latencies by whole milliseconds: exact percentiles in little memory. */
export class Latencies {
  readonly #counts: number[] = [];
  #count = 0;
  #sumMs = 0;
  #maxMs = 0;

  add(ms: number, count = 1): void {
    const whole = Math.max(Math.round(ms), 0);
    this.#counts[whole] = (this.#counts[whole] ?? 0) + count;
    this.#count += count;
    this.#sumMs += whole * count;
    this.#maxMs = Math.max(this.#maxMs, whole);
  }

  get count(): number {
    return this.#count;
  }

  get averageMs(): number {
    return this.#count === 0 ? 0 : this.#sumMs / this.#count;
  }

  get maxMs(): number {
    return this.#maxMs;
  }

  /** The latency that this share of all does not exceed. */
  percentile(share: number): number {
    let left = Math.max(Math.ceil(this.#count * share), 1);
    for (const [ms, count] of Object.entries(this.#counts)) {
      left -= count;
      if (left <= 0) return Number(ms);
    }
    return this.#maxMs;
  }
}
