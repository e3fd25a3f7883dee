/** Which part of a log may be cleaned, and how much it needs it: Kafka's rules. */
import type { LogState } from '../logState.ts';
import type { SegmentSlot } from '../segments.ts';

export interface LogToClean {
  /** Everything below was cleaned before. */
  readonly firstDirtyOffset: number;
  /** A segment's base offset: cleaning ends below it. */
  readonly firstUncleanableOffset: number;
  readonly cleanableBytes: number;
  /** Share of the cleanable bytes in what a cleaning would read, 0 to 1. */
  readonly cleanableRatio: number;
  /** By how much records have passed max.compaction.lag.ms; 0 when none has. */
  readonly compactionDelayMs: number;
}

/** Timestamps of sealed segments, which do not change. */
const firstTimestamps = new WeakMap<SegmentSlot, number>();
const lastTimestamps = new WeakMap<SegmentSlot, number>();

function firstTimestampOf(state: LogState, slot: SegmentSlot): number {
  const known = firstTimestamps.get(slot);
  if (known !== undefined) return known;
  const timestampMs = slot.sizeBytes === 0 ? -1 : state.segments.open(slot).firstBatchTimestampMs;
  firstTimestamps.set(slot, timestampMs);
  return timestampMs;
}

function lastTimestampOf(state: LogState, slot: SegmentSlot): number {
  const known = lastTimestamps.get(slot);
  if (known !== undefined) return known;
  const timestampMs = slot.sizeBytes === 0 ? -1 : state.segments.open(slot).maxTimestampMs;
  lastTimestamps.set(slot, timestampMs);
  return timestampMs;
}

/** Indexes [from, to) of the segments that may hold an offset of [fromOffset, toOffset). */
export function segmentsBetween(state: LogState, fromOffset: number, toOffset: number): { readonly from: number; readonly to: number } {
  const { segments } = state;
  if (toOffset <= fromOffset) return { from: 0, to: 0 };
  const from = Math.max(segments.indexFor(fromOffset), 0);
  let to = from;
  while (to < segments.count && segments.at(to).baseOffset < toOffset) to += 1;
  return { from, to };
}

function bytesBetween(state: LogState, fromOffset: number, toOffset: number): number {
  const { from, to } = segmentsBetween(state, fromOffset, toOffset);
  let bytes = 0;
  for (let index = from; index < to; index += 1) bytes += state.segments.at(index).sizeBytes;
  return bytes;
}

/** Where cleaning begins: after what was cleaned, where that still makes sense. */
export function firstDirtyOffset(state: LogState): number {
  const { cleanedOffset, logStartOffset, logEndOffset } = state;
  return cleanedOffset < logStartOffset || cleanedOffset > logEndOffset ? logStartOffset : cleanedOffset;
}

/** Not past the last stable offset, into the active segment, or into records younger than min.compaction.lag.ms. */
function firstUncleanableOffset(state: LogState, firstDirty: number, nowMs: number): number {
  const activeBase = state.segments.activeSlot.baseOffset;
  const lagMs = state.config.minCompactionLagMs;
  const youngest = lagMs > 0 ? firstTooYoung(state, firstDirty, nowMs - lagMs) : activeBase;
  return Math.max(firstDirty, Math.min(state.lastStableOffset, activeBase, youngest));
}

function firstTooYoung(state: LogState, firstDirty: number, limitMs: number): number {
  const { segments } = state;
  const activeBase = segments.activeSlot.baseOffset;
  const { from, to } = segmentsBetween(state, firstDirty, activeBase);
  for (let index = from; index < to; index += 1) if (lastTimestampOf(state, segments.at(index)) > limitMs) return segments.at(index).baseOffset;
  return activeBase;
}

/** The base of the segment that holds `offset`: a segment is cleaned as a whole. */
function segmentBaseAt(state: LogState, offset: number): number {
  const { segments } = state;
  const index = Math.min(Math.max(segments.indexFor(offset), 0), segments.count - 1);
  return segments.at(index).baseOffset;
}

/** By how much the oldest dirty segment has passed max.compaction.lag.ms. */
function compactionDelayMs(state: LogState, firstDirty: number, nowMs: number): number {
  const lagMs = state.config.maxCompactionLagMs;
  if (lagMs >= nowMs) return 0;
  const { from, to } = segmentsBetween(state, firstDirty, state.segments.activeSlot.baseOffset);
  let earliestMs = Infinity;
  for (let index = from; index < to; index += 1) {
    const timestampMs = firstTimestampOf(state, state.segments.at(index));
    if (timestampMs > 0) earliestMs = Math.min(earliestMs, timestampMs);
  }
  return Math.max(nowMs - lagMs - earliestMs, 0);
}

/** Throws DiskError. */
export function logToClean(state: LogState, nowMs: number): LogToClean {
  const firstDirty = firstDirtyOffset(state);
  const firstUncleanable = segmentBaseAt(state, firstUncleanableOffset(state, firstDirty, nowMs));
  const cleanBytes = bytesBetween(state, -1, firstDirty);
  const cleanableBytes = bytesBetween(state, Math.min(firstDirty, firstUncleanable), firstUncleanable);
  const totalBytes = cleanBytes + cleanableBytes;
  return {
    firstDirtyOffset: firstDirty,
    firstUncleanableOffset: firstUncleanable,
    cleanableBytes,
    cleanableRatio: totalBytes === 0 ? 0 : cleanableBytes / totalBytes,
    compactionDelayMs: compactionDelayMs(state, firstDirty, nowMs),
  };
}

/** Is it dirty enough, or has something in it waited for too long? */
export function needsCleaning(state: LogState, candidate: LogToClean): boolean {
  if (candidate.cleanableBytes === 0) return false;
  return candidate.compactionDelayMs > 0 || candidate.cleanableRatio > state.config.minCleanableDirtyRatio;
}
