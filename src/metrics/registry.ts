/** Counters and histograms that cost an addition on the hot path; whoever serves metrics reads them by name. */

export class Counter {
  value = 0;

  add(amount = 1): void {
    this.value += amount;
  }
}

/** Four buckets for each power of two: an error of at most a fifth. */
const STEPS_PER_DOUBLING = 4;
const BUCKETS = 64 * STEPS_PER_DOUBLING;

/** A distribution of numbers >= 0 in logarithmic buckets from 2^-10 up. */
export class Histogram {
  count = 0;
  sum = 0;
  max = 0;
  readonly #buckets = new Float64Array(BUCKETS);

  record(value: number): void {
    this.count++;
    this.sum += value;
    if (value > this.max) this.max = value;
    const index = value <= 0 ? 0 : Math.floor((Math.log2(value) + 10) * STEPS_PER_DOUBLING);
    const bucket = Math.min(Math.max(index, 0), BUCKETS - 1);
    this.#buckets[bucket] = this.#buckets[bucket]! + 1;
  }

  /** Upper bound of the bucket that holds the quantile; 0 when nothing was recorded. */
  quantile(fraction: number): number {
    if (this.count === 0) return 0;
    let left = fraction * this.count;
    // The last bucket has no upper bound.
    for (let index = 0; index < BUCKETS - 1; index++) {
      left -= this.#buckets[index]!;
      if (left <= 0) return Math.min(2 ** ((index + 1) / STEPS_PER_DOUBLING - 10), this.max);
    }
    return this.max;
  }
}

export type Labels = Readonly<Record<string, string>>;

export interface Measured<Value> {
  readonly name: string;
  readonly labels: Labels;
  readonly value: Value;
}

/** Makes each metric once and lists them all. */
export class MetricsRegistry {
  readonly #counters = new Map<string, Measured<Counter>>();
  readonly #histograms = new Map<string, Measured<Histogram>>();
  readonly #gauges = new Map<string, Measured<() => number>>();

  counter(name: string, labels: Labels = {}): Counter {
    return once(this.#counters, name, labels, () => new Counter());
  }

  histogram(name: string, labels: Labels = {}): Histogram {
    return once(this.#histograms, name, labels, () => new Histogram());
  }

  /** `read` is asked when metrics are listed. */
  gauge(name: string, read: () => number, labels: Labels = {}): void {
    this.#gauges.set(keyOf(name, labels), { name, labels, value: read });
  }

  counters(): Iterable<Measured<Counter>> {
    return this.#counters.values();
  }

  histograms(): Iterable<Measured<Histogram>> {
    return this.#histograms.values();
  }

  gauges(): Iterable<Measured<() => number>> {
    return this.#gauges.values();
  }
}

function once<Value>(map: Map<string, Measured<Value>>, name: string, labels: Labels, make: () => Value): Value {
  const key = keyOf(name, labels);
  const known = map.get(key);
  if (known !== undefined) return known.value;
  const value = make();
  map.set(key, { name, labels, value });
  return value;
}

const keyOf = (name: string, labels: Labels): string =>
  `${name}|${Object.entries(labels).map(([label, value]) => `${label}=${value}`).join(',')}`;
