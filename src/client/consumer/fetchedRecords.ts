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
 * Visits the records of a fetched partition at and after `fromOffset`, without control batches and what was aborted. Returns the offset after the last
 * one looked at. Return false from the visitor to stop after that record. Throws RecordError.
 */
export function forEachFetchedRecord(bytes: Buffer, { fromOffset, aborted, checkCrcs }: ReadingOptions, visit: (record: RecordCursor) => boolean | void): number {
  const cursor = new RecordCursor();
  const transactions = aborted === null ? null : new AbortedTransactions(aborted);
  let next = fromOffset;
  for (let at = 0, end = nextBatch(bytes, 0); end !== -1; at = end, end = nextBatch(bytes, at)) {
    if (magicOf(bytes, at) !== MAGIC) throw new RecordError('UNSUPPORTED_MAGIC', `message format ${magicOf(bytes, at)} is not read by this client`);
    const lastOffset = lastOffsetOf(bytes, at);
    if (lastOffset < fromOffset) continue;
    if (checkCrcs && compute.crc32c(bytes.subarray(at + Field.attributes, end)) !== crcOf(bytes, at)) throw new RecordError('CORRUPT_CHECKSUM', `the checksum of the batch before offset ${lastOffset + 1} differs`);
    const isAborted = transactions !== null && transactions.enter(bytes, at, lastOffset);
    if (!isAborted && !isControl(attributesOf(bytes, at))) {
      const isCompressed = codecIn(attributesOf(bytes, at)) !== Codec.none;
      cursor.open(bytes, at, isCompressed ? recordsOf(bytes, at, INFLATED_MAX_BYTES) : null);
      while (cursor.next()) {
        if (cursor.offset < fromOffset) continue;
        if (visit(cursor) === false) return cursor.offset + 1;
      }
    }
    next = lastOffset + 1;
  }
  return next;
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
