/** Cutting a log at its end, or emptying it. Appends wait meanwhile. */
import { assert } from '../base/assert.ts';
import type { BatchPosition } from '../base/disk.ts';
import type { LogState } from './logState.ts';
import { rebuildProducers } from './producerRebuild.ts';
import { discardSegments } from './removal.ts';
import { drawRollJitter } from './roll.ts';
import { SegmentSlot } from './segments.ts';
import { deleteSnapshots, saveBelowRecoveryPoint } from './sideFiles.ts';

/** Log.truncateTo: cuts before the batch that holds `offset`; the caller holds the appender. */
export async function truncateTo(state: LogState, offset: number): Promise<void> {
  if (offset >= state.logEndOffset) return;
  if (offset <= state.segments.first.baseOffset) return truncateFully(state, offset);
  const index = state.segments.indexFor(offset);
  const removed = state.segments.removeFrom(index + 1);
  const active = await state.segments.openForWriting(state.segments.activeSlot);
  const found: BatchPosition = { position: 0, sizeBytes: 0, baseOffset: 0, lastOffset: 0, maxTimestampMs: -1 };
  const isInside = active.locateOffset(offset, found);
  const endOffset = isInside ? Math.min(offset, found.baseOffset) : offset;
  // First of all: a sync that is under way must not vouch for what goes.
  state.flush.onTruncate(endOffset);
  // A cut that fails halfway may leave anything behind the end: a start must look at it, and not believe the recovery point of before.
  await state.host.saveOffsets();
  discardSegments(state, removed);
  if (isInside) await active.truncate(found.position);
  for (const slot of state.segments.slots) slot.transactions?.truncate(endOffset);
  state.epochs.truncateFromEnd(endOffset);
  deleteSnapshots(state, (snapshotOffset) => snapshotOffset > endOffset);
  await rebuildProducers(state, endOffset);
  if (endOffset < state.logStartOffset) state.logStartOffset = endOffset;
  state.moveEnd(endOffset);
  state.flush.onTruncate(endOffset);
  await settle(state);
}

/** Log.truncateFullyAndStartAt; the caller holds the appender. */
export async function truncateFully(state: LogState, offset: number): Promise<void> {
  assert(Number.isSafeInteger(offset) && offset >= 0, `offset ${offset} is out of range`);
  // No turn of the event loop comes between: a log always has an active segment.
  discardSegments(state, state.segments.removeFrom(0));
  state.segments.append(new SegmentSlot(offset, 0, state.environment.ports.clock.monotonicMs()));
  state.flush.onTruncate(0);
  drawRollJitter(state);
  state.folderDirty = true;
  state.epochs.clear();
  deleteSnapshots(state, () => true);
  state.producers.clear(offset);
  state.logStartOffset = offset;
  state.logEndOffset = offset;
  state.durableOffset = offset;
  state.syncRequestedOffset = offset;
  state.recoveryPoint = offset;
  state.highWatermark = offset;
  await settle(state);
}

/** Whoever starts after a crash must not believe offsets that were cut. */
async function settle(state: LogState): Promise<void> {
  await saveBelowRecoveryPoint(state);
  await state.disk.syncDirectory(state.folder);
  await state.host.saveOffsets();
  if (state.cleanedOffset <= state.logEndOffset) return;
  state.cleanedOffset = state.logEndOffset;
  await state.host.saveCleanedOffsets();
}
