/** When a new segment begins, and how. */
import type { Segment } from '../base/disk.ts';
import { noteIndexChecksums } from './indexChecksums.ts';
import type { LogState } from './logState.ts';
import { RELATIVE_MAX, SegmentSlot } from './segments.ts';
import { saveProducerSnapshot, saveTransactionIndex } from './sideFiles.ts';

/** Kafka's rule: size, age by the timestamps of the records (else by the time since it was begun), full index, int32 overflow. */
export function mustRoll(state: LogState, moreBytes: number, maxTimestampMs: number, lastOffset: number): boolean {
  const { config } = state;
  const slot = state.segments.activeSlot;
  const segment = state.segments.active;
  const sizeBytes = segment.sizeBytes;
  // What it was opened for counts too: the setting may have grown since.
  if (sizeBytes > Math.min(config.segmentBytes, segment.options.segmentSizeMaxBytes) - moreBytes) return sizeBytes > 0;
  if (lastOffset - slot.baseOffset > RELATIVE_MAX) return true;
  if (sizeBytes === 0) return false;
  if (segment.indexFull) return true;
  const limitMs = config.segmentMs - state.rollJitterMs;
  const firstTimestampMs = segment.firstBatchTimestampMs;
  const ageMs = firstTimestampMs >= 0 && maxTimestampMs >= 0 ? maxTimestampMs - firstTimestampMs : state.environment.ports.clock.monotonicMs() - slot.bornMs;
  return ageMs > limitMs;
}

/** The active segment is old although nobody appends. Historic timestamps do not make a segment old. */
export function isIdleTooLong(state: LogState): boolean {
  const slot = state.segments.activeSlot;
  const waitedMs = state.environment.ports.clock.monotonicMs() - slot.bornMs;
  return slot.sizeBytes > 0 && waitedMs > state.config.segmentMs - state.rollJitterMs;
}

/** The largest jitter allowed keeps segment.ms positive. */
export function drawRollJitter(state: LogState): void {
  const { segmentJitterMs, segmentMs } = state.config;
  const boundMs = Math.min(segmentJitterMs, segmentMs);
  state.rollJitterMs = boundMs > 0 ? Math.floor(state.environment.ports.random.next() * boundMs) : 0;
}

/**
 * Seals the active segment and begins one at `baseOffset` (at least the log's end). Nothing has changed when it throws DiskError. The old one
 * is synced in the background.
 */
export function roll(state: LogState, baseOffset: number): void {
  if (baseOffset === state.segments.activeSlot.baseOffset) return;
  const old = state.segments.activeSlot;
  const sealed = state.segments.active;
  state.segments.append(new SegmentSlot(baseOffset, 0, state.environment.ports.clock.monotonicMs()));
  drawRollJitter(state);
  state.folderDirty = true;
  finishSegment(state, old, sealed);
}

function finishSegment(state: LogState, slot: SegmentSlot, sealed: Segment): void {
  sealed.seal();
  noteIndexChecksums(state, slot);
  saveTransactionIndex(state, slot);
  saveProducerSnapshot(state);
  state.flush.noteSealed(sealed);
}
