/** Counts what the connections of one load did within the measured time. */
import { performance } from 'node:perf_hooks';
import { quantile } from '../../report/statistics.ts';

export class Tally {
  requests = 0;
  records = 0;
  bytes = 0;
  /** Outside of the measured time nothing counts. */
  isMeasuring = false;
  /** Resolves when `bytesMax` bytes were counted. */
  readonly full: Promise<void>;
  /** Resolves at the first answer, whether it counts or not. */
  readonly begun: Promise<void>;
  readonly #bytesMax: number;
  #onFull: () => void = () => {};
  #onBegun: () => void = () => {};
  readonly #latencies: number[] = [];
  readonly #commitLatencies: number[] = [];

  constructor(bytesMax = Infinity) {
    this.#bytesMax = bytesMax;
    this.full = new Promise((resolve) => (this.#onFull = resolve));
    this.begun = new Promise((resolve) => (this.#onBegun = resolve));
  }

  /** An answer came; `sentAt` is of performance.now(). */
  note(sentAt: number, records: number, bytes: number): void {
    if (!this.isMeasuring) return this.#onBegun();
    this.requests += 1;
    this.records += records;
    this.bytes += bytes;
    this.#latencies.push(performance.now() - sentAt);
    if (this.bytes >= this.#bytesMax) this.#onFull();
  }

  /** A transaction was committed; `sentAt` as above. */
  noteCommit(sentAt: number): void {
    if (this.isMeasuring) this.#commitLatencies.push(performance.now() - sentAt);
  }

  figures(seconds: number): Record<string, number> {
    if (this.requests === 0) throw new Error('no request was answered in the measured time');
    const latencies = Float64Array.from(this.#latencies).sort();
    const commits = Float64Array.from(this.#commitLatencies).sort();
    return {
      ...(commits.length === 0 ? {} : { commitsPerSecond: commits.length / seconds, commitMilliseconds: quantile(commits, 0.5) }),
      requestsPerSecond: this.requests / seconds,
      recordsPerSecond: this.records / seconds,
      bytesPerSecond: this.bytes / seconds,
      p50Milliseconds: quantile(latencies, 0.5),
      p99Milliseconds: quantile(latencies, 0.99),
      p999Milliseconds: quantile(latencies, 0.999),
    };
  }
}
