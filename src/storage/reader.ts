/** Reads of one log: which bytes answer an offset, bounded by a watermark. */
import { definite } from '../base/assert.ts';
import type { BatchPosition, Segment, SegmentView } from '../base/disk.ts';
import { LOG_OVERHEAD_BYTES, nextBatch } from '../record/batchHeader.ts';
import type { LogState } from './logState.ts';
import { LogError } from './types.ts';
import type { ReadResult } from './types.ts';

const NOTHING: ReadResult = { bytes: Buffer.alloc(0), intact: true, release() {} };

/** Where the last `locate` found its range. Numbers of one call, used at once. */
class Range {
  segment: Segment | null = null;
  position = 0;
  /** Up to the bound; may be more than was asked for. */
  endPosition = 0;
  firstBatchBytes = 0;
}

const newPosition = (): BatchPosition => ({ position: 0, sizeBytes: 0, baseOffset: 0, lastOffset: 0, maxTimestampMs: -1 });
const range = new Range();
const found = newPosition();
const bound = newPosition();

/** A view cut at the end of its last whole batch. */
class CutView implements ReadResult {
  readonly bytes: Buffer;
  readonly #view: SegmentView;

  constructor(view: SegmentView, lengthBytes: number) {
    this.#view = view;
    this.bytes = view.bytes.subarray(0, lengthBytes);
  }

  get intact(): boolean {
    return this.#view.intact;
  }

  release(): void {
    this.#view.release();
  }
}

/** Throws LogError offsetOutOfRange. */
function checkInRange(state: LogState, offset: number): void {
  if (offset >= state.logStartOffset && offset <= state.logEndOffset) return;
  throw new LogError('offsetOutOfRange', `offset ${offset} of ${state.name} is outside ${state.logStartOffset}..${state.logEndOffset}`);
}

/** Finds the first batch that reaches `offset` and the end of what may be read after it in the same segment. False when there is nothing. */
function locate(state: LogState, offset: number, maxOffset: number): boolean {
  const { segments } = state;
  let index = Math.max(segments.indexFor(offset), 0);
  for (; index < segments.count; index += 1) {
    const slot = segments.at(index);
    if (slot.baseOffset >= maxOffset) return false;
    if (slot.sizeBytes === 0) continue;
    const segment = segments.open(slot);
    const isFound = !segment.failed && segment.locateOffset(offset, found);
    if (segment.failed) throw new LogError('storage', `a page of ${state.name} at ${slot.baseOffset} cannot be read`);
    if (!isFound) continue;
    if (found.baseOffset >= maxOffset) return false;
    range.segment = segment;
    range.position = found.position;
    range.firstBatchBytes = found.sizeBytes;
    range.endPosition = endOf(segment, maxOffset, segments.endOffset(index, state.logEndOffset));
    return range.endPosition > range.position;
  }
  return false;
}

/** Where the batch begins that holds `maxOffset`; the segment's end when that is at or after it. */
function endOf(segment: Segment, maxOffset: number, segmentEndOffset: number): number {
  if (maxOffset >= segmentEndOffset) return segment.sizeBytes;
  return segment.locateOffset(maxOffset, bound) ? bound.position : segment.sizeBytes;
}

/** Bytes of whole batches at the start of `bytes`. */
function wholeBatches(bytes: Buffer): number {
  let at = 0;
  for (let next = nextBatch(bytes, 0); next !== -1; next = nextBatch(bytes, at)) at = next;
  return at;
}

/** Log.read. */
export function read(state: LogState, offset: number, maxBytes: number, maxOffset: number, atLeastOneBatch: boolean): ReadResult {
  if (!isWorthLocating(state, offset, maxOffset) || !locateOrFail(state, offset, maxOffset)) return NOTHING;
  const lengthBytes = lengthToRead(maxBytes, atLeastOneBatch);
  return lengthBytes === 0 ? NOTHING : viewOf(state, lengthBytes);
}

/** Checks the offset; false when nothing can be there without looking. */
function isWorthLocating(state: LogState, offset: number, maxOffset: number): boolean {
  state.checkUsable();
  checkInRange(state, offset);
  return offset < maxOffset && offset < state.logEndOffset;
}

function locateOrFail(state: LogState, offset: number, maxOffset: number): boolean {
  try {
    return locate(state, offset, maxOffset);
  } catch (error) {
    throw state.diskFailure(error, 'reading');
  }
}

/** How much of the located range goes out; 0 when not even one batch may. */
function lengthToRead(maxBytes: number, atLeastOneBatch: boolean): number {
  if (maxBytes < range.firstBatchBytes) return atLeastOneBatch ? range.firstBatchBytes : 0;
  const viewBytesMax = Math.max(definite(range.segment, 'the located segment').viewBytesMax, range.firstBatchBytes);
  return Math.min(maxBytes, viewBytesMax, range.endPosition - range.position);
}

function viewOf(state: LogState, lengthBytes: number): ReadResult {
  const view = openView(state, lengthBytes);
  const isToTheEnd = range.position + lengthBytes === range.endPosition || lengthBytes === range.firstBatchBytes;
  if (isToTheEnd || view.bytes.length < LOG_OVERHEAD_BYTES) return view;
  const whole = wholeBatches(view.bytes);
  return whole === view.bytes.length ? view : new CutView(view, whole);
}

function openView(state: LogState, lengthBytes: number): SegmentView {
  try {
    return definite(range.segment, 'the located segment').view(range.position, lengthBytes);
  } catch (error) {
    throw state.diskFailure(error, 'reading');
  }
}

/** Log.locate. */
export function locateBatch(state: LogState, offset: number, maxOffset: number, place: BatchPosition): boolean {
  if (!isWorthLocating(state, offset, maxOffset) || !locateOrFail(state, offset, maxOffset)) return false;
  place.position = found.position;
  place.sizeBytes = found.sizeBytes;
  place.baseOffset = found.baseOffset;
  place.lastOffset = found.lastOffset;
  place.maxTimestampMs = found.maxTimestampMs;
  return true;
}

/** Log.readWarm. */
export function readWarm(
  state: LogState, offset: number, maxBytes: number, maxOffset: number, atLeastOneBatch: boolean, done: (error: LogError | null, result: ReadResult | null) => void,
): void {
  let result: ReadResult | null = null;
  try {
    if (!isWorthLocating(state, offset, maxOffset) || !locateOrFail(state, offset, maxOffset)) return done(null, NOTHING);
    const lengthBytes = lengthToRead(maxBytes, atLeastOneBatch);
    const segment = definite(range.segment, 'the located segment');
    if (lengthBytes > 0 && !segment.isResident(range.position, lengthBytes)) {
      segment.load(range.position, lengthBytes, () => readNow(state, offset, maxBytes, maxOffset, atLeastOneBatch, done));
      return;
    }
    result = lengthBytes === 0 ? NOTHING : viewOf(state, lengthBytes);
  } catch (error) {
    return done(asLogError(error), null);
  }
  done(null, result);
}

function readNow(
  state: LogState, offset: number, maxBytes: number, maxOffset: number, atLeastOneBatch: boolean, done: (error: LogError | null, result: ReadResult | null) => void,
): void {
  let result: ReadResult;
  try {
    // The log may have been cut or closed while the pages were loaded.
    result = read(state, offset, maxBytes, Math.min(maxOffset, state.logEndOffset), atLeastOneBatch);
  } catch (error) {
    return done(asLogError(error), null);
  }
  done(null, result);
}

function asLogError(error: unknown): LogError {
  if (error instanceof LogError) return error;
  throw error;
}

/** Log.bytesAvailable. */
export function bytesAvailable(state: LogState, offset: number, maxOffset: number): number {
  const { segments } = state;
  if (state.refusal !== null || offset >= maxOffset || offset >= state.logEndOffset || offset < state.logStartOffset) return 0;
  if (!locateOrFail(state, offset, maxOffset)) return 0;
  let bytes = range.endPosition - range.position;
  const start = definite(range.segment, 'the located segment').baseOffset;
  for (let index = segments.indexFor(start) + 1; index < segments.count; index += 1) {
    const slot = segments.at(index);
    if (slot.baseOffset >= maxOffset) break;
    if (maxOffset >= segments.endOffset(index, state.logEndOffset)) bytes += slot.sizeBytes;
    else bytes += endOf(segments.open(slot), maxOffset, Number.MAX_SAFE_INTEGER);
  }
  return bytes;
}
