import { constants } from 'node:os';
import { assert } from '../../base/assert.ts';
import { AppendStatus, DiskError } from '../../base/disk.ts';
import type {
  AppendPlan, AppendResult, BatchPosition, ScanResult, ScannedBatch, Segment, SegmentOptions, SegmentView,
} from '../../base/disk.ts';
import type { Compute } from '../../binding/compute.ts';
import type { AppendCheck } from './appendCheck.ts';
import { BatchWalk } from './batchWalk.ts';
import type { FileHost, OpenFile } from './fileHost.ts';
import { scanBatches } from './scan.ts';
import { SegmentIndexes } from './segmentIndexes.ts';
import { segmentPaths } from './segmentPaths.ts';

/** What a FileSegment shares with its siblings of the same disk. */
export interface SegmentContext {
  readonly host: FileHost;
  readonly compute: Compute;
  readonly check: AppendCheck;
  readonly copies: CopyLimits;
  /** The segment will never be used again. */
  onClosed(segment: FileSegment): void;
}

/** What all views of a disk may hold: they are copies. */
export class CopyLimits {
  /** Of one view. */
  readonly viewBytesMax: number;
  /** Of all that are not released. */
  readonly bytesMax: number;
  bytes = 0;

  constructor(viewBytesMax: number, bytesMax: number) {
    this.viewBytesMax = viewBytesMax;
    this.bytesMax = bytesMax;
  }
}

/** Bytes copied out of the file: nothing to lease. */
class CopiedView implements SegmentView {
  readonly bytes: Buffer;
  readonly intact: boolean;
  readonly #context: { released(bytes: number): void };
  #released = false;

  constructor(bytes: Buffer, intact: boolean, context: { released(bytes: number): void }) {
    this.bytes = bytes;
    this.intact = intact;
    this.#context = context;
  }

  release(): void {
    assert(!this.#released, 'a view is released once');
    this.#released = true;
    this.#context.released(this.bytes.length);
  }
}

/**
 * A segment over plain file calls: what the portable and the memory disk use. Everything that the native segment does in C++ is done
 * here in TypeScript, but for the checks of record bytes, which are `compute`'s.
 */
export class FileSegment implements Segment {
  readonly baseOffset: number;
  readonly options: SegmentOptions;
  /** Views not yet released. */
  openViews = 0;
  failed = false;
  readonly #context: SegmentContext;
  readonly #log: OpenFile;
  readonly #indexes: SegmentIndexes;
  readonly #walk: BatchWalk;
  readonly #lease = { released: (bytes: number): void => this.#released(bytes) };
  #directory: string;
  #suffix: string;
  #sizeBytes: number;
  #tailKnown = false;
  #nextOffset: number;
  #maxTimestampMs = -1;
  #offsetOfMaxTimestamp = -1;
  #firstBatchTimestampMs = -1;
  #sealed = false;
  #closed = false;
  #busy = false;

  constructor(context: SegmentContext, options: SegmentOptions) {
    this.#context = context;
    this.options = options;
    this.baseOffset = options.baseOffset;
    this.#directory = options.directory;
    this.#suffix = options.suffix ?? '';
    const paths = segmentPaths(this.#directory, this.baseOffset, this.#suffix);
    const writable = options.readOnly !== true;
    this.#log = context.host.open(paths.log, writable, writable);
    this.#indexes = new SegmentIndexes(context.host, paths, this.baseOffset, options.indexIntervalBytes, options.indexSizeMaxBytes, writable);
    this.#walk = new BatchWalk(this.#log, this.baseOffset);
    this.#sizeBytes = this.#log.sizeBytes();
    this.#nextOffset = this.baseOffset;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get nextOffset(): number {
    this.#learnTail();
    return this.#nextOffset;
  }

  get maxTimestampMs(): number {
    this.#learnTail();
    return this.#maxTimestampMs;
  }

  get offsetOfMaxTimestamp(): number {
    this.#learnTail();
    return this.#offsetOfMaxTimestamp;
  }

  get firstBatchTimestampMs(): number {
    this.#learnTail();
    return this.#firstBatchTimestampMs;
  }

  get indexFull(): boolean {
    this.#learnTail();
    return this.#indexes.entries.isFull;
  }

  get logFile(): OpenFile {
    return this.#log;
  }

  get directory(): string {
    return this.#directory;
  }

  get isSealed(): boolean {
    return this.#sealed;
  }

  append(bytes: Uint8Array, plan: AppendPlan, result: AppendResult, done: (status: AppendStatus) => void): void {
    done(this.#append(bytes, plan, result));
  }

  #append(bytes: Uint8Array, plan: AppendPlan, result: AppendResult): AppendStatus {
    result.errno = 0;
    if (this.#closed || this.#sealed || this.failed || this.#busy || this.options.readOnly === true) return AppendStatus.closed;
    const position = this.#sizeBytes;
    const check = this.#context.check;
    const status = check.run(bytes, plan, this, result);
    if (status !== AppendStatus.ok) return status;
    try {
      this.#log.write(check.pieces, position);
    } catch (error) {
      return this.#writeFailed(error, position, result);
    }
    this.#sizeBytes = position + bytes.length;
    this.#index(position);
    return AppendStatus.ok;
  }

  /** Cuts what was written before the error; a full disk leaves the segment usable. */
  #writeFailed(error: unknown, position: number, result: AppendResult): AppendStatus {
    if (!(error instanceof DiskError)) throw error;
    result.errno = errnoOf(error.code);
    try {
      this.#log.cut(position);
      if (error.code === 'ENOSPC' || error.code === 'EDQUOT') return AppendStatus.diskFull;
    } catch {
      // The tail is unknown now: the segment fails below.
    }
    this.failed = true;
    return AppendStatus.ioError;
  }

  #index(start: number): void {
    let position = start;
    for (const batch of this.#context.check.batches) {
      if (position === 0) this.#firstBatchTimestampMs = batch.maxTimestampMs;
      this.#count(position, batch.lastOffset, batch.maxTimestampMs);
      position += batch.sizeBytes;
    }
    if (this.#indexes.hasManyUnwritten) this.#writeIndexes();
  }

  /** Takes one batch into the running figures and, where due, into the indexes. */
  #count(position: number, lastOffset: number, maxTimestampMs: number): void {
    if (maxTimestampMs > this.#maxTimestampMs) {
      this.#maxTimestampMs = maxTimestampMs;
      this.#offsetOfMaxTimestamp = lastOffset;
    }
    this.#nextOffset = lastOffset + 1;
    this.#indexes.add(position, lastOffset, this.#maxTimestampMs, this.#offsetOfMaxTimestamp);
  }

  /** Finds out, once, what a segment that existed before holds at its end: from its last index entries on. */
  #learnTail(): void {
    if (this.#tailKnown) return;
    this.#tailKnown = true;
    this.#guard(() => {
      this.#indexes.load(this.#sizeBytes);
      this.#firstBatchTimestampMs = -1;
      if (this.#walkFrom(0) && this.#walk.next()) this.#firstBatchTimestampMs = this.#walk.header.maxTimestampMs;
      this.#walkTail(this.#sizeBytes);
    });
  }

  /** Sets the running figures from the indexes and the batches from the last entry to `end`; returns where the walk stopped. */
  #walkTail(end: number): number {
    const entries = this.#indexes.entries;
    this.#nextOffset = this.baseOffset;
    this.#maxTimestampMs = entries.lastTimestampMs;
    this.#offsetOfMaxTimestamp = entries.lastTimeRelativeOffset < 0 ? -1 : this.baseOffset + entries.lastTimeRelativeOffset;
    this.#walk.start(this.#trusted(entries.lastPosition), end);
    const header = this.#walk.header;
    while (this.#walk.next()) {
      this.#nextOffset = header.lastOffset + 1;
      if (header.maxTimestampMs <= this.#maxTimestampMs) continue;
      this.#maxTimestampMs = header.maxTimestampMs;
      this.#offsetOfMaxTimestamp = header.lastOffset;
    }
    return this.#walk.position;
  }

  /** The position of an index entry if its batch is there; otherwise 0, and the indexes are no longer believed. */
  #trusted(position: number): number {
    if (position <= 0) return 0;
    this.#walk.start(position, this.#sizeBytes);
    if (this.#walk.next() && this.#indexes.agreesWith(this.#walk.header, position)) return position;
    this.#indexes.distrust();
    this.#maxTimestampMs = -1;
    this.#offsetOfMaxTimestamp = -1;
    return 0;
  }

  #walkFrom(position: number): boolean {
    this.#walk.start(position, this.#sizeBytes);
    return this.#sizeBytes > position;
  }

  /** Reads that fail mark the segment instead of throwing at whoever looked something up. */
  #guard(read: () => void): boolean {
    try {
      read();
      return true;
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.failed = true;
      return false;
    }
  }

  locateOffset(offset: number, found: BatchPosition): boolean {
    this.#learnTail();
    if (this.#closed || offset >= this.#nextOffset) return false;
    return this.#find(offset - this.baseOffset, found, (header) => header.lastOffset >= offset);
  }

  locateTimestamp(timestampMs: number, fromOffset: number, found: BatchPosition): boolean {
    this.#learnTail();
    if (this.#closed || timestampMs > this.#maxTimestampMs || fromOffset >= this.#nextOffset) return false;
    const start = Math.max(this.#indexes.entries.relativeOffsetForTime(timestampMs), fromOffset - this.baseOffset);
    return this.#find(start, found, (header) => header.lastOffset >= fromOffset && header.maxTimestampMs >= timestampMs);
  }

  #find(relativeOffset: number, found: BatchPosition, matches: (header: { lastOffset: number; maxTimestampMs: number }) => boolean): boolean {
    let hit = false;
    this.#guard(() => {
      this.#walk.start(this.#trusted(this.#indexes.entries.positionFor(relativeOffset)), this.#sizeBytes);
      while (!hit && this.#walk.next()) hit = matches(this.#walk.header);
    });
    if (hit) this.#walk.header.copyPosition(found);
    return hit;
  }

  get viewBytesMax(): number {
    return this.#context.copies.viewBytesMax;
  }

  #released(bytes: number): void {
    this.openViews--;
    this.#context.copies.bytes -= bytes;
  }

  view(position: number, lengthBytes: number): SegmentView {
    assert(!this.#closed, 'no views of a closed segment');
    assert(position >= 0 && lengthBytes >= 0, 'a view lies within the segment');
    const { copies } = this.#context;
    if (copies.bytes > copies.bytesMax) throw new DiskError('ENOMEM', this.#directory, 'too much of what was read is still to be sent');
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(lengthBytes, this.#sizeBytes - position)));
    let readBytes = 0;
    this.#guard(() => {
      readBytes = this.#log.read(bytes, position);
    });
    if (readBytes < bytes.length) this.failed = true;
    this.openViews++;
    copies.bytes += bytes.length;
    return new CopiedView(bytes, readBytes === bytes.length, this.#lease);
  }

  isResident(): boolean {
    return true;
  }

  load(position: number, lengthBytes: number, done: () => void): void {
    const bytes = Buffer.allocUnsafe(Math.max(0, Math.min(lengthBytes, this.#sizeBytes - position)));
    this.#log.readAsync(bytes, position).then(done, done);
  }

  async truncate(sizeBytes: number): Promise<void> {
    this.#learnTail();
    this.#checkWritable();
    assert(sizeBytes >= 0 && sizeBytes <= this.#sizeBytes, 'truncate only cuts');
    this.#cutTo(sizeBytes);
    await this.#exclusively(async () => {
      await this.#log.cutAsync(sizeBytes);
      this.#writeIndexes();
      await this.#log.sync();
      await this.#indexes.sync();
    });
    this.#sealed = false;
  }

  /** Figures and index entries as if nothing had ever been appended after `sizeBytes`. */
  #cutTo(sizeBytes: number): void {
    const before = this.#sizeBytes;
    this.#sizeBytes = sizeBytes;
    this.#indexes.cutPositions(sizeBytes);
    this.#walk.start(this.#trusted(this.#indexes.entries.lastPosition), sizeBytes);
    let nextOffset = this.baseOffset;
    while (this.#walk.next()) nextOffset = this.#walk.header.lastOffset + 1;
    if (this.#walk.position !== sizeBytes) {
      this.#sizeBytes = before;
      throw new DiskError('EINVAL', this.#log.path, `cannot cut ${this.#log.path} to ${sizeBytes} bytes: no batch ends there`);
    }
    this.#indexes.cutTimes(nextOffset);
    this.#walkTail(sizeBytes);
    if (sizeBytes === 0) this.#firstBatchTimestampMs = -1;
  }

  seal(): void {
    if (this.#sealed || this.#closed) return;
    this.#learnTail();
    this.#sealed = true;
    this.#finishIndexes();
  }

  #finishIndexes(): void {
    if (this.options.readOnly === true || this.failed) return;
    if (this.#maxTimestampMs >= 0) this.#indexes.addLastTime(this.#maxTimestampMs, this.#offsetOfMaxTimestamp);
    this.#writeIndexes();
  }

  #writeIndexes(): void {
    this.#guard(() => this.#indexes.write());
  }

  scan(fromPosition: number, visit: (batch: ScannedBatch) => void): Promise<ScanResult> {
    assert(!this.#closed, 'no scan of a closed segment');
    const fromOffset = this.#nextOffsetAt(fromPosition);
    return scanBatches(this.#log, this.baseOffset, fromPosition, fromOffset, this.#sizeBytes, this.#context.compute, visit);
  }

  /** Offset after the last batch before `position`. */
  #nextOffsetAt(position: number): number {
    if (position === 0) return this.baseOffset;
    this.#learnTail();
    let nextOffset = this.baseOffset;
    this.#guard(() => {
      this.#walk.start(this.#trusted(this.#indexes.entries.lastPositionBefore(position)), position);
      while (this.#walk.next()) nextOffset = this.#walk.header.lastOffset + 1;
    });
    return nextOffset;
  }

  async rebuildIndexes(): Promise<void> {
    this.#checkWritable();
    await Promise.resolve();
    this.#tailKnown = true;
    this.#indexes.reset();
    this.#nextOffset = this.baseOffset;
    this.#maxTimestampMs = -1;
    this.#offsetOfMaxTimestamp = -1;
    this.#firstBatchTimestampMs = -1;
    this.#walk.start(0, this.#sizeBytes);
    const header = this.#walk.header;
    while (this.#walk.next()) {
      if (header.position === 0) this.#firstBatchTimestampMs = header.maxTimestampMs;
      this.#count(header.position, header.lastOffset, header.maxTimestampMs);
    }
    this.#indexes.trust();
    this.#finishIndexes();
  }

  indexesLookSane(): boolean {
    this.#learnTail();
    if (!this.#indexes.filesLookSane) return false;
    const entries = this.#indexes.entries;
    const start = this.#trusted(entries.lastPosition);
    if (!this.#indexes.filesLookSane) return false;
    this.#walk.start(start, this.#sizeBytes);
    let first = true;
    while (this.#walk.next()) {
      const header = this.#walk.header;
      if (!first && this.#indexes.isDue(header.position)) return false;
      if (first && start > 0 && header.maxTimestampMs > entries.lastTimestampMs) return false;
      first = false;
    }
    return true;
  }

  /** What `sync` of the disk does for this segment: the log, and once sealed its indexes too. */
  async syncFiles(): Promise<void> {
    if (this.failed) throw new DiskError('EIO', this.#log.path, `${this.#log.path} failed before: what of it is durable is unknown`);
    if (this.#closed) return;
    try {
      await this.#log.sync();
      if (this.#sealed) await this.#indexes.sync();
    } catch (error) {
      this.failed = true;
      throw error;
    }
  }

  close(): Promise<void> {
    if (!this.#closed) {
      if (this.options.readOnly !== true && this.#tailKnown) this.#finishIndexes();
      this.#shut();
    }
    return Promise.resolve();
  }

  #shut(): void {
    this.#closed = true;
    this.#log.close();
    this.#indexes.close();
    this.#context.onClosed(this);
  }

  rename(suffix: string): void {
    const from = segmentPaths(this.#directory, this.baseOffset, this.#suffix);
    const to = segmentPaths(this.#directory, this.baseOffset, suffix);
    const host = this.#context.host;
    host.rename(from.log, to.log);
    if (host.exists(from.index)) host.rename(from.index, to.index);
    if (host.exists(from.timeIndex)) host.rename(from.timeIndex, to.timeIndex);
    this.#suffix = suffix;
    this.#moved();
  }

  /** The partition's folder was renamed. */
  movedTo(directory: string): void {
    this.#directory = directory;
    this.#moved();
  }

  #moved(): void {
    const paths = segmentPaths(this.#directory, this.baseOffset, this.#suffix);
    this.#log.movedTo(paths.log);
    this.#indexes.movedTo(paths);
  }

  async delete(): Promise<void> {
    const paths = segmentPaths(this.#directory, this.baseOffset, this.#suffix);
    if (!this.#closed) this.#shut();
    for (const path of [paths.log, paths.index, paths.timeIndex]) await this.#context.host.unlink(path);
  }

  #checkWritable(): void {
    assert(!this.#closed && this.options.readOnly !== true, 'the segment is open for writing');
  }

  async #exclusively(work: () => Promise<void>): Promise<void> {
    this.#busy = true;
    try {
      await work();
    } catch (error) {
      this.failed = true;
      throw error;
    } finally {
      this.#busy = false;
    }
  }
}

function errnoOf(code: string): number {
  return (constants.errno as Record<string, number>)[code] ?? 0;
}
