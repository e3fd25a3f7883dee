/**
 * The producers of one partition: sequence checks of idempotent producers and the bookkeeping of transactions, as Kafka's
 * ProducerStateManager does it, but for one thing: a producer is as old as its last append by the broker's clock, not as its records claim, so that
 * one that sends historic records is not forgotten between a batch and its retry. It holds no bytes and does no I/O; `endOffset` says up to where the log is
 * reflected.
 */
import { NO_EPOCH, NO_OFFSET, ProducerEntry, SEQUENCE_MAX } from './producerEntry.ts';
import { encodeProducerSnapshot } from './producerSnapshot.ts';
import type { ProducerView, Verification } from './types.ts';
import { Verifications } from './verifications.ts';

/** What the state says about a batch that wants to be appended. */
export const ProducerVerdict = { ok: 0, duplicate: 1, outOfOrderSequence: 2, staleEpoch: 3, notTransactional: 4, coordinatorFenced: 5, notVerified: 6 } as const;
export type ProducerVerdict = (typeof ProducerVerdict)[keyof typeof ProducerVerdict];

/** A transaction that a marker ended. */
export interface CompletedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
  /** Offset of the marker. */
  readonly lastOffset: number;
  readonly isAborted: boolean;
  /** Where the first transaction begins that was still open then, else the offset after the marker. */
  readonly lastStableOffset: number;
}

export class ProducerStates {
  readonly #producers = new Map<number, ProducerEntry>();
  /** Open transactions: first offset, in ascending order, to producer id. */
  readonly #open = new Map<number, number>();
  /** Ended, but the marker may still be above the high watermark: first offset to offset of the marker. */
  readonly #unreplicated = new Map<number, number>();
  readonly verifications = new Verifications();
  /** Offset after the last batch that was noted. */
  endOffset = 0;
  /** First offset of the batch that `check` found to be a duplicate. */
  duplicateFirstOffset = NO_OFFSET;

  get size(): number {
    return this.#producers.size;
  }

  get hasOpenTransactions(): boolean {
    return this.#open.size > 0;
  }

  views(): readonly ProducerView[] {
    return [...this.#producers.values()];
  }

  view(producerId: number): ProducerView | undefined {
    return this.#producers.get(producerId);
  }

  /** First offset that a transaction keeps from being stable; NO_OFFSET when there is none. */
  get firstUnstableOffset(): number {
    let first = NO_OFFSET;
    for (const offset of this.#open.keys()) {
      first = offset;
      break;
    }
    if (this.#unreplicated.size === 0) return first;
    for (const offset of this.#unreplicated.keys()) {
      if (first === NO_OFFSET || offset < first) first = offset;
    }
    return first;
  }

  /** May a data batch of a client be appended? `firstSequence` is at least 0. */
  check(producerId: number, epoch: number, firstSequence: number, lastSequence: number, isTransactional: boolean): ProducerVerdict {
    const entry = this.#producers.get(producerId);
    if (entry === undefined) return ProducerVerdict.ok;
    const duplicate = entry.findBatch(epoch, firstSequence, lastSequence);
    if (duplicate !== NO_OFFSET) {
      this.duplicateFirstOffset = duplicate;
      return ProducerVerdict.duplicate;
    }
    if (epoch < entry.epoch) return ProducerVerdict.staleEpoch;
    if (!this.#isInSequence(entry, epoch, firstSequence)) return ProducerVerdict.outOfOrderSequence;
    if (entry.transactionFirstOffset !== NO_OFFSET && !isTransactional) return ProducerVerdict.notTransactional;
    return ProducerVerdict.ok;
  }

  #isInSequence(entry: ProducerEntry, epoch: number, firstSequence: number): boolean {
    if (epoch !== entry.epoch) return firstSequence === 0 || entry.epoch === NO_EPOCH;
    const last = entry.lastSequence;
    return firstSequence === last + 1 || (firstSequence === 0 && last === SEQUENCE_MAX);
  }

  /** May a batch of a coordinator be appended? It has no sequence. */
  checkCoordinated(producerId: number, epoch: number, isTransactional: boolean, verification: Verification | undefined): ProducerVerdict {
    const entry = this.#producers.get(producerId);
    if (entry !== undefined && epoch < entry.epoch) return ProducerVerdict.staleEpoch;
    const isOpen = entry !== undefined && entry.transactionFirstOffset !== NO_OFFSET;
    if (!isTransactional) return isOpen ? ProducerVerdict.notTransactional : ProducerVerdict.ok;
    if (isOpen && entry.epoch === epoch) return ProducerVerdict.ok;
    return verification !== undefined && !this.verifications.holds(verification) ? ProducerVerdict.notVerified : ProducerVerdict.ok;
  }

  /** May a transactional client batch that `check` has let pass open a transaction, if none is open? */
  checkOpening(producerId: number, epoch: number, firstSequence: number, verification: Verification | undefined, transactionVersion: number): ProducerVerdict {
    const entry = this.#producers.get(producerId);
    if (entry !== undefined && entry.transactionFirstOffset !== NO_OFFSET && entry.epoch === epoch) return ProducerVerdict.ok;
    if (verification !== undefined && !this.verifications.holds(verification)) return ProducerVerdict.notVerified;
    if (entry !== undefined && entry.hasBatches) return ProducerVerdict.ok;
    if (transactionVersion >= 2 && entry === undefined && firstSequence !== 0) return ProducerVerdict.outOfOrderSequence;
    return verification !== undefined && this.verifications.isAhead(verification, firstSequence) ? ProducerVerdict.outOfOrderSequence : ProducerVerdict.ok;
  }

  /** May an end-transaction marker be appended? */
  checkMarker(producerId: number, epoch: number, coordinatorEpoch: number, transactionVersion: number): ProducerVerdict {
    const entry = this.#producers.get(producerId);
    if (entry === undefined) return ProducerVerdict.ok;
    if (epoch < entry.epoch) return ProducerVerdict.staleEpoch;
    // The marker of a transaction that is over already, sent again, is let pass; one that would end the next transaction of its epoch is not.
    if (transactionVersion >= 2 && epoch === entry.epoch && entry.transactionFirstOffset !== NO_OFFSET) return ProducerVerdict.staleEpoch;
    return coordinatorEpoch < entry.coordinatorEpoch ? ProducerVerdict.coordinatorFenced : ProducerVerdict.ok;
  }

  /** Why `check` refused, for people. */
  explain(producerId: number, epoch: number, firstSequence: number): string {
    const entry = this.#producers.get(producerId);
    if (entry === undefined) return `producer ${producerId} is unknown`;
    return `producer ${producerId}: got epoch ${epoch} and first sequence ${firstSequence}, known are epoch ${entry.epoch} and last sequence ${entry.lastSequence}`;
  }

  /** Notes a data batch that has been appended; refuses nothing (replicas and recovery note what a leader accepted). */
  noteData(producerId: number, epoch: number, lastSequence: number, firstOffset: number, lastOffset: number, nowMs: number, isTransactional: boolean): void {
    const entry = this.#entryOf(producerId);
    entry.addBatch(epoch, lastSequence, lastOffset, lastOffset - firstOffset, nowMs);
    if (isTransactional && entry.transactionFirstOffset === NO_OFFSET) {
      entry.transactionFirstOffset = firstOffset;
      this.#open.set(firstOffset, producerId);
      if (this.verifications.size > 0) this.verifications.end(producerId);
    }
  }

  /** Notes an end-transaction marker that has been appended. Null when the transaction had written nothing here. */
  noteMarker(producerId: number, epoch: number, coordinatorEpoch: number, isAbort: boolean, offset: number, nowMs: number): CompletedTransaction | null {
    const entry = this.#entryOf(producerId);
    const firstOffset = entry.transactionFirstOffset;
    entry.moveToEpoch(epoch);
    entry.coordinatorEpoch = coordinatorEpoch;
    entry.lastTimestampMs = nowMs;
    entry.transactionFirstOffset = NO_OFFSET;
    this.verifications.end(producerId);
    if (firstOffset === NO_OFFSET) return null;
    this.#open.delete(firstOffset);
    this.#unreplicated.set(firstOffset, offset);
    let lastStableOffset = offset + 1;
    for (const openOffset of this.#open.keys()) {
      lastStableOffset = openOffset;
      break;
    }
    return { producerId, firstOffset, lastOffset: offset, isAborted: isAbort, lastStableOffset };
  }

  #entryOf(producerId: number): ProducerEntry {
    let entry = this.#producers.get(producerId);
    if (entry === undefined) {
      entry = new ProducerEntry(producerId);
      this.#producers.set(producerId, entry);
    }
    return entry;
  }

  /** Markers below the high watermark no longer hold back the last stable offset. */
  onHighWatermark(highWatermark: number): void {
    if (this.#unreplicated.size === 0) return;
    for (const [firstOffset, lastOffset] of this.#unreplicated) {
      if (lastOffset < highWatermark) this.#unreplicated.delete(firstOffset);
    }
  }

  /** Forgets producers that have been silent; those with an open transaction stay. Returns how many went. */
  expire(nowMs: number, expirationMs: number): number {
    let expired = 0;
    this.verifications.expire(nowMs, expirationMs);
    for (const [producerId, entry] of this.#producers) {
      if (!isExpired(entry, nowMs, expirationMs)) continue;
      this.#producers.delete(producerId);
      expired += 1;
    }
    return expired;
  }

  snapshot(): Buffer {
    return encodeProducerSnapshot(this.#producers.values(), this.#producers.size);
  }

  /** Takes what a snapshot says in place of what is there. */
  load(entries: readonly ProducerEntry[], endOffset: number, nowMs: number, expirationMs: number): void {
    this.clear(endOffset);
    const open: ProducerEntry[] = [];
    for (const entry of entries) {
      if (isExpired(entry, nowMs, expirationMs)) continue;
      this.#producers.set(entry.producerId, entry);
      if (entry.transactionFirstOffset !== NO_OFFSET) open.push(entry);
    }
    open.sort((left, right) => left.transactionFirstOffset - right.transactionFirstOffset);
    for (const entry of open) this.#open.set(entry.transactionFirstOffset, entry.producerId);
  }

  clear(endOffset: number): void {
    this.#producers.clear();
    this.#open.clear();
    this.#unreplicated.clear();
    this.verifications.clear();
    this.endOffset = endOffset;
  }
}

function isExpired(entry: ProducerEntry, nowMs: number, expirationMs: number): boolean {
  return entry.transactionFirstOffset === NO_OFFSET && nowMs - entry.lastTimestampMs >= expirationMs;
}
