/** Which segments a log may let go of: by age, by size, and below its start offset. */
import type { LogState } from './logState.ts';
import { discardSegments } from './removal.ts';
import { roll } from './roll.ts';

/** The largest record timestamp of the segment, -1 without one. Opens it where it is not open. */
function newestTimestamp(state: LogState, index: number): number {
  return state.segments.open(state.segments.at(index)).maxTimestampMs;
}

/** Segments from the start that nobody can need: wholly below the high watermark, and not an empty active one. */
function deletableCount(state: LogState): number {
  const { segments } = state;
  let count = 0;
  while (count < segments.count && segments.endOffset(count, state.logEndOffset) <= state.highWatermark) count += 1;
  return count === segments.count && segments.activeSlot.sizeBytes === 0 ? count - 1 : count;
}

function isTooOld(state: LogState, index: number, nowMs: number): boolean {
  const { retentionMs } = state.config;
  if (retentionMs < 0) return false;
  const newestMs = newestTimestamp(state, index);
  if (newestMs >= 0) return nowMs - newestMs > retentionMs;
  return state.environment.ports.clock.monotonicMs() - state.segments.at(index).bornMs > retentionMs;
}

/** How many segments from the start break a rule. */
function expiredCount(state: LogState, nowMs: number): number {
  const { segments, config, logStartOffset, logEndOffset } = state;
  const limit = deletableCount(state);
  let count = 0;
  while (count < limit && count + 1 < segments.count && segments.endOffset(count, logEndOffset) <= logStartOffset) count += 1;
  if (!config.cleanupPolicy.delete) return count;
  let excessBytes = config.retentionBytes < 0 ? -1 : segments.sizeBytes - config.retentionBytes;
  for (let index = 0; index < count; index += 1) excessBytes -= segments.at(index).sizeBytes;
  while (count < limit) {
    const sizeBytes = segments.at(count).sizeBytes;
    const isTooMuch = config.retentionBytes >= 0 && excessBytes - sizeBytes >= 0;
    if (!isTooMuch && !isTooOld(state, count, nowMs)) break;
    excessBytes -= sizeBytes;
    count += 1;
  }
  return count;
}

/** Log.applyRetention. */
export function applyRetention(state: LogState, nowMs: number): number {
  // A compaction under way holds the segments that it reads; it ends.
  if (state.refusal !== null || state.segments.isEmpty || state.cleaning !== null || state.cleaningHolds > 0) return 0;
  try {
    const count = expiredCount(state, nowMs);
    if (count === 0) return 0;
    // A log always has an active segment: its place is taken by an empty one, unless it is being appended to.
    if (count === state.segments.count && !state.isAppending) roll(state, state.logEndOffset);
    const removed = state.segments.removeFirst(Math.min(count, state.segments.count - 1));
    moveStart(state, state.segments.first.baseOffset);
    discardSegments(state, removed);
    return removed.length;
  } catch (error) {
    state.environment.ports.logger.warn(state.diskFailure(error, 'retention').message);
    return 0;
  }
}

/** The log now starts at `offset`, unless it started later already. */
export function moveStart(state: LogState, offset: number): void {
  if (offset <= state.logStartOffset) return;
  state.logStartOffset = offset;
  state.epochs.truncateFromStart(offset);
  // Setting it moves it up to the start and lets go of transactions below it.
  state.highWatermark = Math.max(state.highWatermark, offset);
}
