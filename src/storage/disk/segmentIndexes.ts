import { DiskError } from '../../base/disk.ts';
import type { BatchHeader } from './batchHeader.ts';
import type { FileHost, OpenFile } from './fileHost.ts';
import type { SegmentPaths } from './segmentPaths.ts';
import { OFFSET_ENTRY_BYTES, SparseIndex, TIME_ENTRY_BYTES } from './sparseIndex.ts';

/** Entries kept back before they are written behind the append. */
const UNWRITTEN_ENTRIES_MAX = 256;

/** One index file: how much of it is right, and whether it changed since it was last synced. */
class IndexFile {
  readonly file: OpenFile;
  /** The file starts with this many bytes of the entries in memory. */
  writtenBytes: number;
  dirty = false;
  #fileBytes: number;

  constructor(file: OpenFile) {
    this.file = file;
    this.#fileBytes = file.sizeBytes();
    this.writtenBytes = this.#fileBytes;
  }

  readWhole(): Uint8Array {
    const bytes = Buffer.alloc(this.#fileBytes);
    return bytes.subarray(0, this.file.read(bytes, 0));
  }

  /** Entries from `sizeBytes` on differ from the file. */
  keep(sizeBytes: number): void {
    this.writtenBytes = Math.min(this.writtenBytes, sizeBytes);
  }

  /** Makes the file hold exactly `sizeBytes` of entries; `tail(from)` gives their bytes. */
  write(sizeBytes: number, tail: (fromBytes: number) => Uint8Array): void {
    if (this.#fileBytes > this.writtenBytes) {
      this.file.cut(this.writtenBytes);
      this.#fileBytes = this.writtenBytes;
      this.dirty = true;
    }
    if (this.writtenBytes >= sizeBytes) return;
    this.file.write([tail(this.writtenBytes)], this.writtenBytes);
    this.writtenBytes = sizeBytes;
    this.#fileBytes = sizeBytes;
    this.dirty = true;
  }
}

/**
 * The indexes of one segment and their files. Entries live in memory and are written behind the appends; the files hold exactly the
 * entries (docs/decisions/0002-index-files.md). Loaded at the first use of a segment that existed before.
 */
export class SegmentIndexes {
  readonly entries: SparseIndex;
  readonly #offsetFile: IndexFile;
  readonly #timeFile: IndexFile;
  readonly #intervalBytes: number;
  readonly #baseOffset: number;
  readonly #isWritable: boolean;
  #loaded = false;
  #filesLookSane = true;

  constructor(host: FileHost, paths: SegmentPaths, baseOffset: number, intervalBytes: number, sizeMaxBytes: number, isWritable: boolean) {
    this.#baseOffset = baseOffset;
    this.#isWritable = isWritable;
    this.#intervalBytes = intervalBytes;
    this.entries = new SparseIndex(sizeMaxBytes);
    this.#offsetFile = new IndexFile(host.open(paths.index, isWritable, isWritable));
    this.#timeFile = new IndexFile(host.open(paths.timeIndex, isWritable, isWritable));
  }

  /** Reads the files; entries that cannot be right for a log of `logBytes` are ignored (the segment then looks up by walking). */
  load(logBytes: number): void {
    if (this.#loaded) return;
    this.#loaded = true;
    // Too short for entries but the latest time, which the walk to its end tells too: a bit that turned over there must not be believed.
    if (this.#isWritable && logBytes <= this.#intervalBytes) return this.#keepEntries();
    const wholeEntries =
      this.#offsetFile.writtenBytes % OFFSET_ENTRY_BYTES === 0 && this.#timeFile.writtenBytes % TIME_ENTRY_BYTES === 0;
    this.entries.loadOffsets(this.#offsetFile.readWhole());
    this.entries.loadTimes(this.#timeFile.readWhole());
    this.#filesLookSane = wholeEntries && this.entries.endsLookSane(logBytes);
    if (!this.#filesLookSane) this.distrust();
  }

  get filesLookSane(): boolean {
    return this.#filesLookSane;
  }

  /** The entries contradict the log: forget them and write the files anew. */
  distrust(): void {
    this.#filesLookSane = false;
    this.reset();
  }

  /** Empties the entries, before they are built anew. */
  reset(): void {
    this.#loaded = true;
    this.entries.clear();
    this.#keepEntries();
  }

  /** Drops the entries of batches from `position` on, and of times whose batch ends at or after `offsetEnd`. */
  cutPositions(position: number): void {
    this.entries.cutPositions(position);
    this.#keepEntries();
  }

  cutTimes(offsetEnd: number): void {
    this.entries.cutTimes(offsetEnd - this.#baseOffset);
    this.#keepEntries();
  }

  #keepEntries(): void {
    this.#offsetFile.keep(this.entries.offsetBytes);
    this.#timeFile.keep(this.entries.timeBytes);
  }

  /** After a rebuild: what is in memory is right. */
  trust(): void {
    this.#filesLookSane = true;
  }

  /** Whether the batch at `position` is due an entry: more than the interval lies between it and the last indexed one. */
  isDue(position: number): boolean {
    const last = this.entries.lastPosition;
    return position - (last < 0 ? 0 : last) > this.#intervalBytes;
  }

  /** Kafka's rule for one batch that lies at `position`; `maxTimestampMs` and its offset count this batch in. */
  add(position: number, lastOffset: number, maxTimestampMs: number, offsetOfMaxTimestamp: number): void {
    if (!this.isDue(position)) return;
    this.entries.addOffset(lastOffset - this.#baseOffset, position);
    this.entries.addTime(maxTimestampMs, offsetOfMaxTimestamp - this.#baseOffset, false);
  }

  addLastTime(maxTimestampMs: number, offsetOfMaxTimestamp: number): void {
    this.entries.addTime(maxTimestampMs, offsetOfMaxTimestamp - this.#baseOffset, true);
  }

  /** The header found at the position of an entry must be that entry's batch. */
  agreesWith(header: BatchHeader, position: number): boolean {
    return position === 0 || this.entries.hasEntry(header.lastOffset - this.#baseOffset, position);
  }

  get hasManyUnwritten(): boolean {
    return this.entries.offsetBytes - this.#offsetFile.writtenBytes >= UNWRITTEN_ENTRIES_MAX * OFFSET_ENTRY_BYTES;
  }

  /** Brings the files up to the entries. A full disk is no error: the entries stay in memory, and a restart rebuilds them. */
  write(): void {
    try {
      this.#offsetFile.write(this.entries.offsetBytes, (from) => this.entries.offsetTail(from));
      this.#timeFile.write(this.entries.timeBytes, (from) => this.entries.timeTail(from));
    } catch (error) {
      if (!(error instanceof DiskError && (error.code === 'ENOSPC' || error.code === 'EDQUOT'))) throw error;
    }
  }

  /** Makes durable what has been written. */
  async sync(): Promise<void> {
    for (const index of [this.#offsetFile, this.#timeFile]) {
      if (!index.dirty) continue;
      index.dirty = false;
      await index.file.sync();
    }
  }

  movedTo(paths: SegmentPaths): void {
    this.#offsetFile.file.movedTo(paths.index);
    this.#timeFile.file.movedTo(paths.timeIndex);
  }

  close(): void {
    this.#offsetFile.file.close();
    this.#timeFile.file.close();
  }
}
