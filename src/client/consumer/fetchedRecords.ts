import { compute } from '../../binding/load.ts';
import { attributesOf, codecIn, Codec, crcOf, Field, isControl, isTransactional, lastOffsetOf, leaderEpochOf, MAGIC, magicOf, nextBatch, producerIdOf } from '../../record/batchHeader.ts';
import { recordsOf } from '../../record/codecs.ts';
import { controlTypeOf, ControlType } from '../../record/control.ts';
import { RecordCursor } from '../../record/iterate.ts';
import { RecordError } from '../../record/recordError.ts';

export interface AbortedProducer {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** Largest inflated batch that is taken from a broker. */
const INFLATED_MAX_BYTES = 256 * 1024 * 1024;

/** The offset after the last whole batch, or -1 when there is none. `onEpoch` hears under which leader it was written. */
export function offsetAfter(bytes: Buffer, onEpoch?: (leaderEpoch: number) => void): number {
  let last = -1;
  let lastAt = 0;
  for (let at = 0, end = nextBatch(bytes, 0); end !== -1; at = end, end = nextBatch(bytes, at)) {
    last = lastOffsetOf(bytes, at);
    lastAt = at;
  }
  if (last === -1) return -1;
  if (magicOf(bytes, lastAt) === MAGIC) onEpoch?.(leaderEpochOf(bytes, lastAt));
  return last + 1;
}

export interface ReadingOptions {
  readonly fromOffset: number;
  /** Transactions that were aborted, in any order; null: everything is read. */
  readonly aborted: readonly AbortedProducer[] | null;
  readonly checkCrcs: boolean;
}

/**
 * The records of a fetched partition at and after `fromOffset`, one by one, without control batches and what was aborted. `next` throws RecordError, and ends
 * there.
 */
export class FetchedRecords {
  /** Stands on the record after `next` returned true. */
  readonly cursor = new RecordCursor();
  readonly #bytes: Buffer;
  readonly #fromOffset: number;
  readonly #checkCrcs: boolean;
  readonly #transactions: AbortedTransactions | null;
  #nextAt = 0;
  #lastOffset = -1;
  #isInBatch = false;
  #position: number;

  constructor(bytes: Buffer, { fromOffset, aborted, checkCrcs }: ReadingOptions) {
    this.#bytes = bytes;
    this.#fromOffset = fromOffset;
    this.#checkCrcs = checkCrcs;
    this.#transactions = aborted === null ? null : new AbortedTransactions(aborted);
    this.#position = fromOffset;
  }

  /** Offset after what was looked at. */
  get position(): number {
    return this.#isInBatch ? this.cursor.offset + 1 : this.#position;
  }

  next(): boolean {
    const cursor = this.cursor;
    for (;;) {
      if (this.#isInBatch) {
        while (cursor.next()) if (cursor.offset >= this.#fromOffset) return true;
        this.#isInBatch = false;
        this.#position = this.#lastOffset + 1;
      }
      if (!this.#openNext()) return false;
    }
  }

  /** False after the last whole batch. */
  #openNext(): boolean {
    const bytes = this.#bytes;
    const at = this.#nextAt;
    const end = nextBatch(bytes, at);
    if (end === -1) return false;
    this.#nextAt = bytes.length;
    if (magicOf(bytes, at) !== MAGIC) throw new RecordError('UNSUPPORTED_MAGIC', `message format ${magicOf(bytes, at)} is not read by this client`);
    const lastOffset = lastOffsetOf(bytes, at);
    if (lastOffset >= this.#fromOffset) this.#open(at, end, lastOffset);
    this.#nextAt = end;
    return true;
  }

  #open(at: number, end: number, lastOffset: number): void {
    const bytes = this.#bytes;
    if (this.#checkCrcs && compute.crc32c(bytes.subarray(at + Field.attributes, end)) !== crcOf(bytes, at)) throw new RecordError('CORRUPT_CHECKSUM', `the checksum of the batch before offset ${lastOffset + 1} differs`);
    const isAborted = this.#transactions !== null && this.#transactions.enter(bytes, at, lastOffset);
    if (isAborted || isControl(attributesOf(bytes, at))) {
      this.#position = lastOffset + 1;
      return;
    }
    const isCompressed = codecIn(attributesOf(bytes, at)) !== Codec.none;
    this.cursor.open(bytes, at, isCompressed ? recordsOf(bytes, at, INFLATED_MAX_BYTES) : null);
    this.#lastOffset = lastOffset;
    this.#isInBatch = true;
  }
}

/** Visits the records. Returns the offset after the last one looked at. Return false from the visitor to stop after that record. Throws RecordError. */
export function forEachFetchedRecord(bytes: Buffer, options: ReadingOptions, visit: (record: RecordCursor) => boolean | void): number {
  const records = new FetchedRecords(bytes, options);
  while (records.next()) if (visit(records.cursor) === false) break;
  return records.position;
}

/** Which producers' batches belong to an aborted transaction at the place that is read. */
class AbortedTransactions {
  readonly #coming: AbortedProducer[];
  readonly #open = new Set<number>();

  constructor(aborted: readonly AbortedProducer[]) {
    this.#coming = [...aborted].sort((a, b) => b.firstOffset - a.firstOffset);
  }

  /** Moves on to the batch at `at`; true when it is part of an aborted transaction. */
  enter(bytes: Buffer, at: number, lastOffset: number): boolean {
    for (let coming = this.#coming.at(-1); coming !== undefined && coming.firstOffset <= lastOffset; coming = this.#coming.at(-1)) {
      this.#open.add(coming.producerId);
      this.#coming.pop();
    }
    const attributes = attributesOf(bytes, at);
    if (!isControl(attributes)) return isTransactional(attributes) && this.#open.has(producerIdOf(bytes, at));
    const cursor = new RecordCursor();
    cursor.open(bytes, at, null);
    if (cursor.next() && controlTypeOf(cursor.key()) === ControlType.abort) this.#open.delete(producerIdOf(bytes, at));
    return false;
  }
}
