/** Lookups by timestamp, exact to the record. */
import { Located } from '../base/disk.ts';
import type { BatchPosition, RecordPosition, Segment, SegmentView } from '../base/disk.ts';
import { Codec, attributesOf, codecIn, isLogAppendTime, maxTimestampOf } from '../record/batchHeader.ts';
import { RecordCursor } from '../record/iterate.ts';
import { RecordError } from '../record/recordError.ts';
import { readRecords, recordFailure } from './inflation.ts';
import { checkIndexes, checkLatest } from './indexChecksums.ts';
import type { LogState } from './logState.ts';
import type { SegmentSlot } from './segments.ts';
import { LogError } from './types.ts';
import type { TimestampOffset } from './types.ts';

const NONE: TimestampOffset = { timestampMs: -1, offset: -1, leaderEpoch: -1 };

const newPosition = (): BatchPosition => ({ position: 0, sizeBytes: 0, baseOffset: 0, lastOffset: 0, maxTimestampMs: -1 });

/** Log.offsetForTimestamp. */
export async function offsetForTimestamp(state: LogState, timestampMs: number, maxOffset: number): Promise<TimestampOffset> {
  state.checkUsable();
  if (state.mustCheckLatest) await checked(state, () => checkLatest(state));
  const lookup = new Lookup();
  let fromOffset = state.logStartOffset;
  for (;;) {
    const located = lookup.next(state, timestampMs, fromOffset);
    const { segment, place, record, unchecked } = lookup;
    if (unchecked !== null) {
      await checked(state, () => checkIndexes(state, unchecked));
      continue;
    }
    if (segment === null || place.baseOffset >= maxOffset) return NONE;
    const hit = located === Located.record ? answer(state, record) : await firstRecord(state, segment, place, (recordTimestampMs) => recordTimestampMs >= timestampMs, fromOffset);
    if (hit !== null) return hit.offset < maxOffset ? hit : NONE;
    // Its late records lie below the log's start: the next batch.
    fromOffset = place.lastOffset + 1;
  }
}

async function checked(state: LogState, check: () => Promise<void>): Promise<void> {
  try {
    await check();
  } catch (error) {
    throw state.diskFailure(error, 'checking an index');
  }
  state.checkUsable();
}

const answer = (state: LogState, { offset, timestampMs }: RecordPosition): TimestampOffset => ({ timestampMs, offset, leaderEpoch: state.epochs.epochAt(offset) });

class Lookup {
  segment: Segment | null = null;
  /** Its indexes have to be looked at first. */
  unchecked: SegmentSlot | null = null;
  readonly place: BatchPosition = newPosition();
  readonly record: RecordPosition = { offset: -1, timestampMs: -1 };

  /** The first batch at or after `fromOffset` that has a timestamp this late, and its segment. */
  next(state: LogState, timestampMs: number, fromOffset: number): Located {
    const { segments } = state;
    this.unchecked = null;
    for (let index = firstIndex(state, timestampMs, fromOffset); index < segments.count; index += 1) {
      const segment = openOrFail(state, index);
      if (segment.sizeBytes === 0 || segment.maxTimestampMs < timestampMs) continue;
      if (segments.at(index).mustCheckIndexes) {
        this.unchecked = segments.at(index);
        return Located.nothing;
      }
      const located = locateIn(segment, timestampMs, fromOffset, this.place, this.record);
      if (located === Located.nothing) continue;
      this.segment = segment;
      return located;
    }
    this.segment = null;
    return Located.nothing;
  }
}

function firstIndex(state: LogState, timestampMs: number, fromOffset: number): number {
  try {
    return Math.max(state.segments.indexFor(fromOffset), state.segments.indexForTimestamp(timestampMs));
  } catch (error) {
    throw state.diskFailure(error, 'looking up a timestamp');
  }
}

function locateIn(segment: Segment, timestampMs: number, fromOffset: number, place: BatchPosition, record: RecordPosition): Located {
  if (segment.locateRecord !== undefined) return segment.locateRecord(timestampMs, fromOffset, place, record);
  return segment.locateTimestamp(timestampMs, fromOffset, place) ? Located.batch : Located.nothing;
}

function openOrFail(state: LogState, index: number): Segment {
  try {
    return state.segments.open(state.segments.at(index));
  } catch (error) {
    throw state.diskFailure(error, 'looking up a timestamp');
  }
}

/** The first record at or after `fromOffset` of the batch at `place` whose timestamp matches. */
async function firstRecord(
  state: LogState, segment: Segment, place: BatchPosition, matches: (timestampMs: number) => boolean, fromOffset: number,
): Promise<TimestampOffset | null> {
  const view = segment.view(place.position, place.sizeBytes);
  let batch: Buffer;
  try {
    checkWhole(state, view, place);
    const attributes = attributesOf(view.bytes, 0);
    if (isLogAppendTime(attributes)) {
      const offset = Math.max(place.baseOffset, fromOffset);
      const timestampMs = maxTimestampOf(view.bytes, 0);
      return matches(timestampMs) ? { timestampMs, offset, leaderEpoch: state.epochs.epochAt(offset) } : null;
    }
    if (codecIn(attributes) === Codec.none) return walkInPlace(state, view, place, matches, fromOffset);
    // Looked at across turns of the event loop.
    batch = Buffer.from(view.bytes);
  } finally {
    view.release();
  }
  const records = await readRecords(state.environment.inflater, batch, state.environment.inflatedBatchMaxBytes);
  state.checkUsable();
  return scanRecords(state, batch, records, matches, fromOffset);
}

function walkInPlace(
  state: LogState, view: SegmentView, place: BatchPosition, matches: (timestampMs: number) => boolean, fromOffset: number,
): TimestampOffset | null {
  try {
    return scanRecords(state, view.bytes, null, matches, fromOffset);
  } finally {
    // A page that was lost while it was walked reads as zeros.
    checkWhole(state, view, place);
  }
}

function checkWhole(state: LogState, view: SegmentView, place: BatchPosition): void {
  if (view.bytes.length !== place.sizeBytes || !view.intact) throw new LogError('storage', `offset ${place.baseOffset} of ${state.name} cannot be read`);
}

function scanRecords(state: LogState, batch: Buffer, records: Buffer | null, matches: (timestampMs: number) => boolean, fromOffset: number): TimestampOffset | null {
  const cursor = new RecordCursor();
  try {
    cursor.open(batch, 0, records);
    while (cursor.next()) {
      if (cursor.offset < fromOffset || !matches(cursor.timestampMs)) continue;
      return { timestampMs: cursor.timestampMs, offset: cursor.offset, leaderEpoch: state.epochs.epochAt(cursor.offset) };
    }
    return null;
  } catch (error) {
    if (error instanceof RecordError) throw recordFailure(error);
    throw error;
  }
}

/** Log.offsetOfMaxTimestamp: the first record with the largest timestamp among the readable ones. */
export async function offsetOfMaxTimestamp(state: LogState, maxOffset: number): Promise<TimestampOffset> {
  state.checkUsable();
  if (state.mustCheckLatest) await checked(state, () => checkLatest(state));
  const { segments } = state;
  let largest = -1;
  for (let index = 0; index < segments.count; index += 1) {
    if (segments.at(index).baseOffset >= maxOffset) break;
    const isWhole = segments.at(index).baseOffset >= state.logStartOffset && segments.endOffset(index, state.logEndOffset) <= maxOffset;
    const segment = openOrFail(state, index);
    const own = segment.sizeBytes === 0 || segment.maxTimestampMs <= largest ? -1 : segment.maxTimestampMs;
    if (own > largest) largest = Math.max(largest, isWhole ? own : await largestBetween(state, segment, maxOffset));
  }
  return largest < 0 ? NONE : offsetForTimestamp(state, largest, maxOffset);
}

/** The largest record timestamp of a segment that is readable in part only. */
async function largestBetween(state: LogState, segment: Segment, maxOffset: number): Promise<number> {
  const from = state.logStartOffset;
  let largest = -1;
  const partly: BatchPosition[] = [];
  await segment.scan(0, (batch) => {
    if (batch.lastOffset < from || batch.baseOffset >= maxOffset || batch.maxTimestampMs <= largest) return;
    if (batch.baseOffset >= from && batch.lastOffset < maxOffset) largest = batch.maxTimestampMs;
    else partly.push({ position: batch.position, sizeBytes: batch.sizeBytes, baseOffset: batch.baseOffset, lastOffset: batch.lastOffset, maxTimestampMs: batch.maxTimestampMs });
  });
  for (const place of partly) largest = Math.max(largest, await largestInBatch(state, segment, place, maxOffset));
  return largest;
}

async function largestInBatch(state: LogState, segment: Segment, place: BatchPosition, maxOffset: number): Promise<number> {
  let largest = -1;
  let offset = state.logStartOffset;
  for (;;) {
    const better = await firstRecord(state, segment, place, (timestampMs) => timestampMs > largest, offset);
    if (better === null || better.offset >= maxOffset) return largest;
    largest = better.timestampMs;
    offset = better.offset;
  }
}
