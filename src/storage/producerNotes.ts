/** Takes what batches say about producers and transactions into the state of a log: the same for appends, replicas and recovery. */
import type { ScannedBatch } from '../base/disk.ts';
import { attributesOf, baseOffsetOf, isControl, isTransactional, lastOffsetOf, lastSequenceOf, producerEpochOf, producerIdOf } from '../record/batchHeader.ts';
import { ControlType, controlTypeOf, coordinatorEpochOf } from '../record/control.ts';
import { RecordCursor } from '../record/iterate.ts';
import { RecordError } from '../record/recordError.ts';
import type { LogState } from './logState.ts';
import type { CompletedTransaction } from './producerState.ts';

/** What an end-transaction marker says. */
export interface Marker {
  readonly isAbort: boolean;
  readonly coordinatorEpoch: number;
}

const cursor = new RecordCursor();

/** The marker in the control batch at `position`; null for other control records and for a batch that compaction emptied. Throws RecordError. */
export function markerIn(bytes: Buffer, position: number): Marker | null {
  cursor.open(bytes, position, null);
  if (!cursor.next()) return null;
  const type = controlTypeOf(cursor.key());
  if (type !== ControlType.abort && type !== ControlType.commit) return null;
  return { isAbort: type === ControlType.abort, coordinatorEpoch: coordinatorEpochOf(cursor.value()) };
}

/** Notes the batch at `position` of `bytes`, whose offsets are right already. */
export function noteBatch(state: LogState, bytes: Buffer, position: number): void {
  const producerId = producerIdOf(bytes, position);
  if (producerId < 0) return;
  const attributes = attributesOf(bytes, position);
  const epoch = producerEpochOf(bytes, position);
  const firstOffset = baseOffsetOf(bytes, position);
  const lastOffset = lastOffsetOf(bytes, position);
  const nowMs = state.environment.ports.clock.now();
  if (!isControl(attributes)) {
    state.producers.noteData(producerId, epoch, lastSequenceOf(bytes, position), firstOffset, lastOffset, nowMs, isTransactional(attributes));
    return;
  }
  const marker = markerIn(bytes, position);
  if (marker !== null) noteMarker(state, state.producers.noteMarker(producerId, epoch, marker.coordinatorEpoch, marker.isAbort, firstOffset, nowMs));
}

/** Puts an aborted transaction into the index of the segment that has its marker. */
export function noteMarker(state: LogState, completed: CompletedTransaction | null): void {
  if (completed === null || !completed.isAborted) return;
  const slot = state.segments.at(state.segments.indexFor(completed.lastOffset));
  slot.transactionsToChange().add(completed);
}

/** As noteBatch, for a batch that recovery found; `read` gives its bytes and is called for control batches only. */
export function noteScannedBatch(state: LogState, batch: ScannedBatch, indexTransactions: boolean, read: () => Buffer): void {
  if (batch.producerId < 0) return;
  const { producers } = state;
  const nowMs = state.environment.ports.clock.now();
  if (!isControl(batch.attributes)) {
    const delta = batch.lastOffset - batch.baseOffset;
    const last = batch.baseSequence < 0 ? -1 : wrapSequence(batch.baseSequence + delta);
    producers.noteData(batch.producerId, batch.producerEpoch, last, batch.baseOffset, batch.lastOffset, nowMs, isTransactional(batch.attributes));
    return;
  }
  const marker = markerOrNull(read());
  if (marker === null) return;
  const completed = producers.noteMarker(batch.producerId, batch.producerEpoch, marker.coordinatorEpoch, marker.isAbort, batch.baseOffset, nowMs);
  if (indexTransactions) noteMarker(state, completed);
}

const wrapSequence = (sequence: number): number => (sequence > 0x7fffffff ? sequence - 0x80000000 : sequence);

/** A control batch whose CRC is right but whose content means nothing to us ends no transaction. */
function markerOrNull(bytes: Buffer): Marker | null {
  try {
    return bytes.length === 0 ? null : markerIn(bytes, 0);
  } catch (error) {
    if (error instanceof RecordError) return null;
    throw error;
  }
}
