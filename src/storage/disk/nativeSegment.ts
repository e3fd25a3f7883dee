import { dirname } from 'node:path';
import { performance } from 'node:perf_hooks';
import { assert } from '../../base/assert.ts';
import { AppendStatus, Located } from '../../base/disk.ts';
import type {
  AppendPlan, AppendResult, BatchPosition, RecordPosition, ScanResult, ScannedBatch, Segment, SegmentOptions, SegmentView,
} from '../../base/disk.ts';
import { NumberField, OptionField } from '../../binding/abi.ts';
import type { NativeCore } from '../../binding/addon.ts';
import { moveFile, removeFile } from './segmentFiles.ts';
import { PENDING, passPlan, takeResult } from './nativeAppend.ts';
import { errorFromErrno } from './nativeErrors.ts';
import { NativeScan } from './nativeScan.ts';
import { segmentPaths } from './segmentPaths.ts';
import type { SegmentPaths } from './segmentPaths.ts';
import { SegmentWindows } from './windows.ts';
import type { Window, WindowCache } from './windows.ts';

/** Smaller reads are copied while the segment has no window: cheaper than a mapping's first page faults. */
const COPIED_READ_MAX_BYTES = 16 * 1024;
/** After this many copied reads a segment gets its window after all. */
const COPIED_READS_MAX = 8;
const RESIDENCY_CHUNK_BYTES = 1024 * 1024;
/** How long a chunk found in the page cache is believed to stay there. */
const RESIDENCY_BELIEVED_SECONDS = 5;
const NOTHING = Buffer.alloc(0);

export interface NativeSegmentContext {
  readonly core: NativeCore;
  readonly windows: WindowCache;
  onClosed(segment: NativeSegment): void;
}

/** Bytes of a window on the mapping, shared with it. */
class LeasedView implements SegmentView {
  readonly bytes: Buffer;
  readonly #segment: NativeSegment;
  readonly #windows: SegmentWindows;
  readonly #window: Window;
  readonly #faults: number;
  #released = false;

  constructor(segment: NativeSegment, windows: SegmentWindows, window: Window, position: number, lengthBytes: number, faults: number) {
    this.bytes = Buffer.from(window.buffer, position - window.start, lengthBytes);
    this.#segment = segment;
    this.#windows = windows;
    this.#window = window;
    this.#faults = faults;
  }

  get intact(): boolean {
    return this.#segment.isWindowIntact(this.#window, this.#faults);
  }

  release(): void {
    assert(!this.#released, 'a view is released once');
    this.#released = true;
    this.#windows.release(this.#window);
  }
}

class CopiedView implements SegmentView {
  readonly bytes: Buffer;
  readonly intact: boolean;
  #released = false;

  constructor(bytes: Buffer, intact: boolean) {
    this.bytes = bytes;
    this.intact = intact;
  }

  release(): void {
    assert(!this.#released, 'a view is released once');
    this.#released = true;
  }
}

/** A segment in the addon (native/segment/openSegment.h): numbers in, numbers out. */
export class NativeSegment implements Segment {
  readonly baseOffset: number;
  readonly options: SegmentOptions;
  readonly group: string;
  readonly #core: NativeCore;
  readonly #context: NativeSegmentContext;
  readonly #windows: SegmentWindows;
  readonly #handle: number;
  #directory: string;
  #suffix: string;
  #sizeBytes: number;
  #learned = false;
  #nextOffset: number;
  #maxTimestampMs = -1;
  #offsetOfMaxTimestamp = -1;
  #firstBatchTimestampMs = -1;
  #indexFull = false;
  #sealed = false;
  #closed = false;
  #busy = false;
  /** An append is being written on another thread. */
  #writing = false;
  #failed = false;
  /** Page faults of the process when this segment was last known to be whole. */
  #faultsSeen = 0;
  #copiedReads = 0;
  /** Second at which each chunk was last found in the page cache. */
  #residentAt = new Uint32Array(0);

  constructor(context: NativeSegmentContext, options: SegmentOptions) {
    this.#context = context;
    this.#core = context.core;
    this.options = options;
    this.baseOffset = options.baseOffset;
    this.group = dirname(options.directory);
    this.#directory = options.directory;
    this.#suffix = options.suffix ?? '';
    this.#windows = new SegmentWindows(context.windows);
    this.#nextOffset = options.baseOffset;
    this.#handle = this.#open();
    this.#sizeBytes = this.#core.numbers[NumberField.segmentSizeBytes]!;
    this.#faultsSeen = this.#faults();
  }

  #open(): number {
    const { numbers, exports } = this.#core;
    const { options } = this;
    numbers[OptionField.baseOffset] = options.baseOffset;
    numbers[OptionField.indexIntervalBytes] = options.indexIntervalBytes;
    numbers[OptionField.indexSizeMaxBytes] = options.indexSizeMaxBytes;
    numbers[OptionField.segmentSizeMaxBytes] = options.segmentSizeMaxBytes;
    numbers[OptionField.preallocateBytes] = options.preallocateBytes;
    numbers[OptionField.readOnly] = options.readOnly === true ? 1 : 0;
    const paths = this.#paths();
    const handle = exports.segmentOpen(paths.log, paths.index, paths.timeIndex, this.group);
    if (handle < 0) throw errorFromErrno(-handle, paths.log, 'cannot open');
    return handle;
  }

  get handle(): number {
    return this.#handle;
  }

  get directory(): string {
    return this.#directory;
  }

  get isClosed(): boolean {
    return this.#closed;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get nextOffset(): number {
    if (!this.#learned) this.#learn();
    return this.#nextOffset;
  }

  get maxTimestampMs(): number {
    if (!this.#learned) this.#learn();
    return this.#maxTimestampMs;
  }

  get offsetOfMaxTimestamp(): number {
    if (!this.#learned) this.#learn();
    return this.#offsetOfMaxTimestamp;
  }

  get firstBatchTimestampMs(): number {
    if (!this.#learned) this.#learn();
    return this.#firstBatchTimestampMs;
  }

  get indexFull(): boolean {
    if (!this.#learned) this.#learn();
    return this.#indexFull;
  }

  get failed(): boolean {
    const faults = this.#faults();
    if (faults !== this.#faultsSeen && !this.#closed) {
      this.#faultsSeen = faults;
      this.#askWhetherFailed();
    }
    return this.#failed;
  }

  /** A sync or another background call failed. */
  markFailed(): void {
    this.#failed = true;
  }

  #askWhetherFailed(): void {
    if (!this.#closed && this.#core.exports.segmentFailed(this.#handle)) this.#failed = true;
  }

  #faults(): number {
    return this.#core.faults === null ? 0 : this.#core.faults[0]!;
  }

  #learn(): void {
    this.#learned = true;
    if (this.#closed) return;
    if (!this.#core.exports.segmentLearn(this.#handle)) this.#failed = true;
    this.#takeFigures();
  }

  #takeFigures(): void {
    const { numbers } = this.#core;
    this.#learned = true;
    this.#sizeBytes = numbers[NumberField.segmentSizeBytes]!;
    this.#nextOffset = numbers[NumberField.segmentNextOffset]!;
    this.#maxTimestampMs = numbers[NumberField.segmentMaxTimestampMs]!;
    this.#offsetOfMaxTimestamp = numbers[NumberField.segmentOffsetOfMaxTimestamp]!;
    this.#firstBatchTimestampMs = numbers[NumberField.segmentFirstBatchTimestampMs]!;
    this.#indexFull = numbers[NumberField.segmentIndexFull] !== 0;
  }

  append(bytes: Uint8Array, plan: AppendPlan, result: AppendResult, done: (status: AppendStatus) => void): void {
    result.errno = 0;
    if (this.#closed || this.#sealed || this.#busy || this.#writing || this.#failed) {
      done(AppendStatus.closed);
      return;
    }
    const { numbers } = this.#core;
    passPlan(plan, numbers);
    const status = this.#core.exports.segmentAppend(this.#handle, bytes);
    takeResult(result, numbers, status);
    if (status === PENDING) this.#writeElsewhere(result, done);
    else done(this.#appended(status as AppendStatus));
  }

  #appended(status: AppendStatus): AppendStatus {
    if (status === AppendStatus.ok) this.#takeFigures();
    else if (status === AppendStatus.ioError) this.#failed = true;
    return status;
  }

  /** The kernel takes writes slowly at present: a thread waits for it. */
  #writeElsewhere(result: AppendResult, done: (status: AppendStatus) => void): void {
    this.#writing = true;
    const token = this.#core.begin((error) => {
      this.#writing = false;
      result.errno = error;
      if (this.#closed) done(AppendStatus.closed);
      else done(this.#appended(this.#core.exports.segmentWritten(this.#handle, error) as AppendStatus));
    });
    this.#core.exports.segmentWrite(this.#handle, token);
  }

  locateOffset(offset: number, found: BatchPosition): boolean {
    if (this.#closed || offset >= this.nextOffset) return false;
    return this.#takeFound(this.#core.exports.segmentLocateOffset(this.#handle, offset), found);
  }

  locateTimestamp(timestampMs: number, fromOffset: number, found: BatchPosition): boolean {
    if (this.#closed || timestampMs > this.maxTimestampMs || fromOffset >= this.#nextOffset) return false;
    return this.#takeFound(this.#core.exports.segmentLocateTimestamp(this.#handle, timestampMs, fromOffset), found);
  }

  locateRecord(timestampMs: number, fromOffset: number, found: BatchPosition, record: RecordPosition): Located {
    if (this.#closed || timestampMs > this.maxTimestampMs || fromOffset >= this.#nextOffset) return Located.nothing;
    const located = this.#core.exports.segmentLocateRecord(this.#handle, timestampMs, fromOffset) as Located;
    this.#takeFound(located !== Located.nothing, found);
    const { numbers } = this.#core;
    record.offset = numbers[NumberField.foundRecordOffset]!;
    record.timestampMs = numbers[NumberField.foundRecordTimestampMs]!;
    return located;
  }

  #takeFound(hit: boolean, found: BatchPosition): boolean {
    if (!hit) {
      this.#askWhetherFailed();
      return false;
    }
    const { numbers } = this.#core;
    found.position = numbers[NumberField.foundPosition]!;
    found.sizeBytes = numbers[NumberField.foundSizeBytes]!;
    found.baseOffset = numbers[NumberField.foundBaseOffset]!;
    found.lastOffset = numbers[NumberField.foundLastOffset]!;
    found.maxTimestampMs = numbers[NumberField.foundMaxTimestampMs]!;
    return true;
  }

  view(position: number, lengthBytes: number): SegmentView {
    assert(!this.#closed, 'no views of a closed segment');
    assert(position >= 0 && lengthBytes >= 0, 'a view lies within the segment');
    const end = Math.min(position + lengthBytes, this.#sizeBytes);
    if (end <= position) return new CopiedView(NOTHING, true);
    const window = this.#windows.find(position, end);
    if (window !== null) return this.#leased(window, position, end);
    if (end - position <= COPIED_READ_MAX_BYTES && this.#copiedReads < COPIED_READS_MAX) {
      this.#copiedReads++;
      return this.#copied(position, end);
    }
    this.#copiedReads = 0;
    const opened = this.#windows.open(this.#handle, position, end);
    return opened === null ? this.#copied(position, end) : this.#leased(opened, position, end);
  }

  #leased(window: Window, position: number, end: number): SegmentView {
    return new LeasedView(this, this.#windows, window, position, end - position, this.#faults());
  }

  #copied(position: number, end: number): SegmentView {
    const bytes = Buffer.allocUnsafe(end - position);
    const intact = this.#core.exports.segmentRead(this.#handle, position, bytes) === bytes.length;
    if (!intact) this.#failed = true;
    return new CopiedView(bytes, intact);
  }

  /** Whether every page that a view of this window touched could be read; `faultsBefore` is the count when it was made. */
  isWindowIntact(window: Window, faultsBefore: number): boolean {
    if (this.#faults() === faultsBefore || this.#core.exports.windowIntact(window.handle)) return true;
    this.#failed = true;
    if (!this.#closed) this.#core.exports.segmentMarkFailed(this.#handle);
    return false;
  }

  get viewBytesMax(): number {
    return Infinity;
  }

  isResident(position: number, lengthBytes: number): boolean {
    const end = Math.min(position + lengthBytes, this.#sizeBytes);
    if (this.#closed || end <= position) return true;
    const now = secondNow();
    const last = Math.floor((end - 1) / RESIDENCY_CHUNK_BYTES);
    for (let chunk = Math.floor(position / RESIDENCY_CHUNK_BYTES); chunk <= last; chunk++) {
      if (!this.#isChunkResident(chunk, now)) return false;
    }
    return true;
  }

  #isChunkResident(chunk: number, now: number): boolean {
    if (this.#isBelievedResident(chunk, now)) return true;
    const start = chunk * RESIDENCY_CHUNK_BYTES;
    const length = Math.min(RESIDENCY_CHUNK_BYTES, this.#sizeBytes - start);
    if (!this.#core.exports.segmentIsResident(this.#handle, start, length)) return false;
    if (chunk >= this.#residentAt.length) this.#growResidency(chunk);
    this.#residentAt[chunk] = now;
    return true;
  }

  #growResidency(chunk: number): void {
    const larger = new Uint32Array(Math.max(8, chunk + 1, this.#residentAt.length * 2));
    larger.set(this.#residentAt);
    this.#residentAt = larger;
  }

  load(position: number, lengthBytes: number, done: () => void): void {
    const end = Math.min(position + lengthBytes, this.#sizeBytes);
    const start = this.#firstToLoad(position, end);
    if (this.#closed || end <= start) {
      queueMicrotask(done);
      return;
    }
    const lastEnd = Math.min(Math.ceil(end / RESIDENCY_CHUNK_BYTES) * RESIDENCY_CHUNK_BYTES, this.#sizeBytes);
    const token = this.#core.begin((error) => {
      if (error !== 0) this.#failed = true;
      else this.#noteResident(start, lastEnd);
      done();
    });
    this.#core.exports.segmentLoad(this.#handle, start, lastEnd - start, token);
  }

  /** Where the chunks begin that are not known to be there: a reader goes on in the chunk that its last read ended in. */
  #firstToLoad(position: number, end: number): number {
    const now = secondNow();
    let start = Math.floor(position / RESIDENCY_CHUNK_BYTES) * RESIDENCY_CHUNK_BYTES;
    while (start < end && this.#isBelievedResident(start / RESIDENCY_CHUNK_BYTES, now)) start += RESIDENCY_CHUNK_BYTES;
    return start;
  }

  #isBelievedResident(chunk: number, now: number): boolean {
    const seen = this.#residentAt[chunk] ?? 0;
    return seen !== 0 && now - seen < RESIDENCY_BELIEVED_SECONDS;
  }

  #noteResident(start: number, end: number): void {
    const now = secondNow();
    const last = Math.floor((end - 1) / RESIDENCY_CHUNK_BYTES);
    if (last >= this.#residentAt.length) this.#growResidency(last);
    this.#residentAt.fill(now, start / RESIDENCY_CHUNK_BYTES, last + 1);
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#checkWritable();
    assert(sizeBytes >= 0 && sizeBytes <= this.#sizeBytes, 'truncate only cuts');
    this.#busy = true;
    try {
      this.#windows.retireAll();
      let refused = 0;
      const ended = this.#core.operation((token) => {
        refused = this.#core.exports.segmentTruncate(this.#handle, sizeBytes, token);
        if (refused !== 0) this.#core.abandon(token);
      });
      this.#takeFigures();
      const error = refused === 0 ? await ended : refused;
      if (error !== 0 && refused === 0) this.#failed = true;
      if (error !== 0) throw errorFromErrno(error, this.#paths().log, `cannot cut to ${sizeBytes} bytes`);
      this.#sealed = false;
    } finally {
      this.#busy = false;
    }
  }

  seal(): void {
    if (this.#sealed || this.#closed) return;
    assert(!this.#writing, 'a segment is sealed between appends');
    this.#sealed = true;
    this.#core.exports.segmentSeal(this.#handle);
    this.#askWhetherFailed();
  }

  scan(fromPosition: number, visit: (batch: ScannedBatch) => void): Promise<ScanResult> {
    assert(!this.#closed, 'no scan of a closed segment');
    const nextOffset = fromPosition === 0 ? this.baseOffset : this.#core.exports.segmentNextOffsetAt(this.#handle, fromPosition);
    return new NativeScan(this.#core, this.#handle, this.#paths().log).run(fromPosition, nextOffset, visit);
  }

  async rebuildIndexes(): Promise<void> {
    this.#checkWritable();
    this.#busy = true;
    try {
      const error = await this.#core.operation((token) => this.#core.exports.segmentRebuild(this.#handle, token));
      if (error !== 0) throw errorFromErrno(error, this.#paths().log, 'cannot read');
      assert(!this.#closed, 'a segment is not closed while its indexes are rebuilt');
      this.#core.exports.segmentAdopt(this.#handle);
      this.#takeFigures();
    } finally {
      this.#busy = false;
    }
  }

  indexesLookSane(): boolean {
    return !this.#closed && this.#core.exports.segmentIndexesLookSane(this.#handle);
  }

  async close(): Promise<void> {
    const paths = this.#paths();
    const error = await this.#end(false);
    if (error !== 0) throw errorFromErrno(error, paths.log, 'cannot close');
  }

  async delete(): Promise<void> {
    const paths = this.#paths();
    if (!this.#closed) {
      const error = await this.#end(true);
      if (error !== 0) throw errorFromErrno(error, paths.log, 'cannot delete');
      return;
    }
    for (const path of [paths.log, paths.index, paths.timeIndex]) await removeFile(path);
  }

  async #end(remove: boolean): Promise<number> {
    if (this.#closed) return 0;
    if (!this.#learned && !remove) this.#learn();
    this.#closed = true;
    this.#windows.retireAll();
    const ended = this.#core.operation((token) => this.#core.exports.segmentClose(this.#handle, remove, token));
    this.#context.onClosed(this);
    return ended;
  }

  rename(suffix: string): void {
    const from = this.#paths();
    const to = segmentPaths(this.#directory, this.baseOffset, suffix);
    moveFile(from.log, to.log, true);
    moveFile(from.index, to.index, false);
    moveFile(from.timeIndex, to.timeIndex, false);
    this.#suffix = suffix;
    this.#moved();
  }

  /** The partition's folder was renamed. */
  movedTo(directory: string): void {
    this.#directory = directory;
    this.#moved();
  }

  #moved(): void {
    const { log, index, timeIndex } = this.#paths();
    if (!this.#closed) this.#core.exports.segmentMove(this.#handle, log, index, timeIndex);
  }

  #paths(): SegmentPaths {
    return segmentPaths(this.#directory, this.baseOffset, this.#suffix);
  }

  #checkWritable(): void {
    assert(!this.#closed && this.options.readOnly !== true && !this.#writing, 'the segment is open for writing');
  }
}

/** Never 0, which says that a chunk was not seen yet. */
const secondNow = (): number => Math.floor(performance.now() / 1000) + 1;
