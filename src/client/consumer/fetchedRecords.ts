import { baseOffsetOf, attributesOf, isControl, isTransactional, lastOffsetOf, magicOf, MAGIC, nextBatch, producerIdOf, codecIn, Codec } from '../../record/batchHeader.ts';
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

/**
 * Visits the records of a fetched partition at and after `fromOffset`, without control batches and, where `aborted` is given, without what was
 * aborted. Returns the offset after the last one. Return false from the visitor to stop after that record. Throws RecordError.
 */
export function forEachFetchedRecord(bytes: Buffer, fromOffset: number, aborted: readonly AbortedProducer[] | null, visit: (record: RecordCursor) => boolean | void): number {
  const cursor = new RecordCursor();
  const openAborts = [...(aborted ?? [])].sort((a, b) => a.firstOffset - b.firstOffset);
  const abortedNow = new Set<number>();
  let next = fromOffset;
  for (let at = 0, end = nextBatch(bytes, 0); end !== -1; at = end, end = nextBatch(bytes, at)) {
    if (magicOf(bytes, at) !== MAGIC) throw new RecordError('UNSUPPORTED_MAGIC', `message format ${magicOf(bytes, at)} is not read by this client`);
    const lastOffset = lastOffsetOf(bytes, at);
    if (lastOffset < fromOffset) continue;
    while (openAborts[0] !== undefined && openAborts[0].firstOffset <= lastOffset) abortedNow.add((openAborts.shift() as AbortedProducer).producerId);
    if (!isWanted(bytes, at, abortedNow, aborted !== null)) {
      next = lastOffset + 1;
      continue;
    }
    const isCompressed = codecIn(attributesOf(bytes, at)) !== Codec.none;
    cursor.open(bytes, at, isCompressed ? recordsOf(bytes, at, INFLATED_MAX_BYTES) : null);
    while (cursor.next()) {
      if (cursor.offset < fromOffset) continue;
      next = cursor.offset + 1;
      if (visit(cursor) === false) return next;
    }
    next = lastOffset + 1;
  }
  return next;
}

/** Whether the batch at `at` holds records for the application; keeps `abortedNow` in step with markers. */
function isWanted(bytes: Buffer, at: number, abortedNow: Set<number>, readsCommitted: boolean): boolean {
  const attributes = attributesOf(bytes, at);
  if (isControl(attributes)) {
    const cursor = new RecordCursor();
    cursor.open(bytes, at, null);
    if (cursor.next() && controlTypeOf(cursor.key()) === ControlType.abort) abortedNow.delete(producerIdOf(bytes, at));
    return false;
  }
  return !(readsCommitted && isTransactional(attributes) && abortedNow.has(producerIdOf(bytes, at)) && baseOffsetOf(bytes, at) >= 0);
}
