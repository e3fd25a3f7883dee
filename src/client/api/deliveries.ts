import type { DeliverySink } from '../producer/delivery.ts';

export interface RecordDelivery {
  readonly topic: string;
  readonly partition: number;
  /** -1 with acks 0, and where only a repetition was acknowledged. */
  readonly offset: number;
}

export interface BatchDelivery {
  readonly topic: string;
  readonly count: number;
  /** Runs of records that lie one after the other: `index` is the place of the first one in what was sent. */
  readonly parts: readonly { readonly partition: number; readonly offset: number; readonly index: number; readonly count: number }[];
}

/** One record, one promise. */
export class SingleDelivery implements DeliverySink {
  readonly #resolve: (delivery: RecordDelivery) => void;
  readonly #reject: (error: Error) => void;

  constructor(resolve: (delivery: RecordDelivery) => void, reject: (error: Error) => void) {
    this.#resolve = resolve;
    this.#reject = reject;
  }

  settle(error: Error | null, topic: string, partition: number, offset: number): void {
    if (error === null) this.#resolve({ topic, partition, offset });
    else this.#reject(error);
  }
}

/** Many records, one promise. */
export class GroupedDelivery implements DeliverySink {
  readonly #topic: string;
  readonly #count: number;
  readonly #resolve: (delivery: BatchDelivery) => void;
  readonly #reject: (error: Error) => void;
  readonly #parts: { partition: number; offset: number; index: number; count: number }[] = [];
  #left: number;
  #error: Error | null = null;

  constructor(topic: string, count: number, resolve: (delivery: BatchDelivery) => void, reject: (error: Error) => void) {
    this.#topic = topic;
    this.#count = count;
    this.#left = count;
    this.#resolve = resolve;
    this.#reject = reject;
    if (count === 0) this.#finish();
  }

  settle(error: Error | null, _topic: string, partition: number, offset: number, index: number, count: number): void {
    this.#error ??= error;
    if (error === null) this.#parts.push({ partition, offset, index, count });
    this.#left -= count;
    if (this.#left <= 0) this.#finish();
  }

  #finish(): void {
    if (this.#error === null) this.#resolve({ topic: this.#topic, count: this.#count, parts: this.#parts.sort((a, b) => a.index - b.index) });
    else this.#reject(this.#error);
  }
}
