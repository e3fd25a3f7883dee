/** What one partition remembers of one idempotent producer. */

export const SEQUENCE_MAX = 0x7fffffff;
/** Batches remembered for finding duplicates: a producer has at most five requests in flight. */
export const CACHED_BATCHES = 5;

export const NO_SEQUENCE = -1;
export const NO_EPOCH = -1;
export const NO_OFFSET = -1;

/** The sequence `delta` before `sequence`; sequences wrap from 2^31-1 to 0. */
export function sequenceBefore(sequence: number, delta: number): number {
  return sequence >= delta ? sequence - delta : SEQUENCE_MAX - (delta - sequence) + 1;
}

export class ProducerEntry {
  readonly producerId: number;
  epoch = NO_EPOCH;
  coordinatorEpoch = -1;
  lastTimestampMs = -1;
  /** First offset of the open transaction, NO_OFFSET without one. */
  transactionFirstOffset = NO_OFFSET;
  readonly #lastSequences: number[] = [];
  readonly #lastOffsets: number[] = [];
  readonly #offsetDeltas: number[] = [];

  constructor(producerId: number) {
    this.producerId = producerId;
  }

  get hasBatches(): boolean {
    return this.#lastSequences.length > 0;
  }

  get lastSequence(): number {
    return this.#lastSequences.at(-1) ?? NO_SEQUENCE;
  }

  get lastOffset(): number {
    return this.#lastOffsets.at(-1) ?? NO_OFFSET;
  }

  get lastOffsetDelta(): number {
    return this.#offsetDeltas.at(-1) ?? 0;
  }

  /** First offset of the remembered batch with exactly these sequences, NO_OFFSET when there is none. */
  findBatch(epoch: number, firstSequence: number, lastSequence: number): number {
    if (epoch !== this.epoch) return NO_OFFSET;
    for (let index = this.#lastSequences.length - 1; index >= 0; index -= 1) {
      const delta = this.#offsetDeltas[index] as number;
      if (this.#lastSequences[index] !== lastSequence || sequenceBefore(lastSequence, delta) !== firstSequence) continue;
      return (this.#lastOffsets[index] as number) - delta;
    }
    return NO_OFFSET;
  }

  /** A new epoch forgets the batches of the old one. */
  moveToEpoch(epoch: number): void {
    if (epoch === this.epoch) return;
    this.epoch = epoch;
    this.#lastSequences.length = 0;
    this.#lastOffsets.length = 0;
    this.#offsetDeltas.length = 0;
  }

  addBatch(epoch: number, lastSequence: number, lastOffset: number, offsetDelta: number, timestampMs: number): void {
    this.moveToEpoch(epoch);
    if (this.#lastSequences.length === CACHED_BATCHES) {
      this.#lastSequences.shift();
      this.#lastOffsets.shift();
      this.#offsetDeltas.shift();
    }
    this.#lastSequences.push(lastSequence);
    this.#lastOffsets.push(lastOffset);
    this.#offsetDeltas.push(offsetDelta);
    this.lastTimestampMs = timestampMs;
  }
}
