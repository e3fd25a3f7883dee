import { attributesOf, baseOffsetOf, isControl, isTransactional, lastOffsetOf, nextBatch, producerIdOf } from '../../../record/batchHeader.ts';
import type { AbortedTransaction } from '../../../storage/types.ts';
import type { Acquired, Span } from '../partition/acquire.ts';

/** The offsets of all batches. */
export function spansOf(bytes: Buffer): Span[] {
  const spans: Span[] = [];
  for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
    spans.push({ first: baseOffsetOf(bytes, at), last: lastOffsetOf(bytes, at) });
  }
  return spans;
}

/** Batches of transactions that were aborted: their records are for nobody who reads what is committed. */
export function abortedSpans(bytes: Buffer, aborted: readonly AbortedTransaction[]): Span[] {
  const inOrder = aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
  const producers = new Set<number>();
  const spans: Span[] = [];
  let begun = 0;
  for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
    const last = lastOffsetOf(bytes, at);
    for (; begun < inOrder.length && inOrder[begun]!.firstOffset <= last; begun++) producers.add(inOrder[begun]!.producerId);
    const attributes = attributesOf(bytes, at);
    const producerId = producerIdOf(bytes, at);
    // The marker ends the transaction.
    if (isControl(attributes)) producers.delete(producerId);
    else if (isTransactional(attributes) && producers.has(producerId)) spans.push({ first: baseOffsetOf(bytes, at), last });
  }
  return spans;
}

/** What is left of `acquired` without `spans`, both in order. */
export function without(acquired: readonly Acquired[], spans: readonly Span[]): Acquired[] {
  const left: Acquired[] = [];
  for (const { firstOffset, lastOffset, deliveryCount } of acquired) {
    let from = firstOffset;
    for (const span of spans) {
      if (span.last < from || span.first > lastOffset) continue;
      if (span.first > from) left.push({ firstOffset: from, lastOffset: span.first - 1, deliveryCount });
      from = span.last + 1;
    }
    if (from <= lastOffset) left.push({ firstOffset: from, lastOffset, deliveryCount });
  }
  return left;
}

/** The whole batches that hold `first` to `last`: a view. */
export function sliceOf(bytes: Buffer, first: number, last: number): Buffer {
  let start = -1;
  let end = 0;
  for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
    if (lastOffsetOf(bytes, at) < first) continue;
    if (baseOffsetOf(bytes, at) > last) break;
    if (start === -1) start = at;
    end = next;
  }
  return start === -1 ? bytes.subarray(0, 0) : bytes.subarray(start, end);
}
