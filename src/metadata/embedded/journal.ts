import type { AppendPlan, AppendResult, Disk, DirectoryLock, ScanResult, Segment } from '../../base/disk.ts';
import { AppendStatus, DiskError } from '../../base/disk.ts';
import { compute } from '../../binding/load.ts';
import { BatchBuilder } from '../../record/build.ts';
import { Field, HEADER_BYTES, MAGIC, baseOffsetOf, crcOf, headerDefect, lastOffsetOf, nextBatch, sizeOf } from '../../record/batchHeader.ts';
import { RecordCursor } from '../../record/iterate.ts';
import { RecordError } from '../../record/recordError.ts';
import { MetadataError } from '../types.ts';

/** Largest change, and most bytes between two snapshots before an append. */
const BATCH_BYTES_MAX = 64 * 1024 * 1024;
const SEGMENT_BYTES_MAX = 512 * 1024 * 1024;
const SNAPSHOT_BYTES_MAX = 2 ** 31 - 1;
const INDEX_BYTES_MAX = 1024 * 1024;
const INDEX_INTERVAL_BYTES = 4096;
/** Records of one batch of a snapshot. */
const SNAPSHOT_BATCH_RECORDS = 1000;
/** The journal is summed up once it is this long and longer than the last snapshot. */
const DEFAULT_SNAPSHOT_AFTER_BYTES = 4 * 1024 * 1024;
/** Room that is kept for the changes that free some, or without which the node could not start, on a disk that is full. */
const RESERVE_BYTES = 256 * 1024;
const RESERVE_NAME = '.reserve';
const OFFSET_DIGITS = 20;
const SEGMENT_NAME = /^(\d{20})\.log$/;
const SNAPSHOT_NAME = /^(\d{20})\.checkpoint$/;

export interface JournalOptions {
  readonly disk: Disk;
  /** Created when missing. */
  readonly directory: string;
  readonly now: () => number;
  readonly snapshotAfterBytes?: number;
  /** Called for each batch of records, oldest first; `nextOffset` is the offset after the last. The bytes are views: copy what must live on. */
  readonly onBatch: (values: readonly Buffer[], nextOffset: number) => void;
}

/**
 * Records in order, each change one batch, durable before it is answered. On disk: `<base offset>.log`, a segment as any partition has, and
 * `<offset>.checkpoint`, the sum of everything below that offset, as batches too. One writer at a time: `append` and `snapshot` must not overlap.
 */
export class Journal {
  readonly #options: JournalOptions;
  readonly #lock: DirectoryLock;
  #segment: Segment;
  #snapshotBytes: number;
  #hasReserve = false;
  /** Set once the state of the disk is not known: nothing may be written any more. */
  #failure: MetadataError | null = null;
  readonly #plan: AppendPlan = {
    baseOffset: 0, leaderEpoch: 0, keepOffsets: false, checkCrc: false, checkRecords: false, requireKeys: false,
    logAppendTimeMs: -1, timestampMin: -1, timestampMax: Number.MAX_SAFE_INTEGER, batchSizeMaxBytes: BATCH_BYTES_MAX,
  };
  readonly #result: AppendResult = {
    position: 0, nextOffset: 0, batches: 0, records: 0, maxTimestampMs: -1, offsetOfMaxTimestamp: -1, badRecordIndex: -1, errno: 0,
  };

  private constructor(options: JournalOptions, lock: DirectoryLock, segment: Segment, snapshotBytes: number) {
    this.#options = options;
    this.#lock = lock;
    this.#segment = segment;
    this.#snapshotBytes = snapshotBytes;
  }

  /**
   * Opens and replays. An unfinished last write (never acknowledged) is cut. Throws MetadataError `corrupt` with the path for anything else that does not
   * read back, DiskError ELOCKED when another process has it.
   */
  static async open(options: JournalOptions): Promise<Journal> {
    const { disk, directory } = options;
    await makeDurably(disk, directory);
    const lock = await disk.lock(`${directory}/.lock`);
    try {
      const entries = await disk.list(directory);
      const names = entries.map((entry) => entry.name);
      const snapshotOffset = newest(names, SNAPSHOT_NAME);
      const snapshotBytes = snapshotOffset < 0 ? 0 : await replaySnapshot(options, snapshotOffset);
      const start = Math.max(snapshotOffset, 0);
      const baseOffset = segmentToRead(options, names, start);
      const segment = disk.openSegment(segmentOptions(directory, baseOffset));
      await replaySegment(options, segment);
      await removeOlder(options, names, baseOffset, snapshotOffset);
      if (!names.includes(fileName(baseOffset, 'log'))) await disk.syncDirectory(directory);
      const journal = new Journal(options, lock, segment, snapshotBytes);
      journal.#hasReserve = entries.some((entry) => entry.name === RESERVE_NAME && entry.sizeBytes === RESERVE_BYTES);
      await journal.#keepReserve();
      return journal;
    } catch (error) {
      await lock.release();
      throw error;
    }
  }

  get nextOffset(): number {
    return this.#segment.nextOffset;
  }

  /** Nothing was ever written to it. */
  get isEmpty(): boolean {
    return this.nextOffset === 0;
  }

  get directory(): string {
    return this.#options.directory;
  }

  /** Whether `snapshot` is due. */
  get isLong(): boolean {
    const bytes = this.#segment.sizeBytes;
    return bytes > (this.#options.snapshotAfterBytes ?? DEFAULT_SNAPSHOT_AFTER_BYTES) && bytes > this.#snapshotBytes;
  }

  /**
   * Writes one batch and syncs it. On a full disk, one that may use the reserve is written all the same. Rejects with MetadataError:
   * unavailable (nothing was written) or unknown (and every later call is unavailable).
   */
  async append(values: readonly Uint8Array[], mayUseReserve = false): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    const batch = buildBatch(values, this.nextOffset, this.#options.now());
    let status = await this.#write(batch);
    if (status === AppendStatus.diskFull && mayUseReserve && (await this.#giveReserve())) status = await this.#write(batch);
    if (status === AppendStatus.ok) return this.#finish();
    if (status === AppendStatus.diskFull) throw new MetadataError('unavailable', `no space left for the metadata in ${this.directory}`);
    if (status === AppendStatus.batchTooLarge) throw new MetadataError('unavailable', 'the change is too large for one write');
    throw this.#fail(`the metadata in ${this.directory} cannot be written (status ${status}, errno ${this.#result.errno})`);
  }

  async #finish(): Promise<void> {
    await this.#sync();
    await this.#keepReserve();
  }

  /** Whether there was one. */
  async #giveReserve(): Promise<boolean> {
    if (!this.#hasReserve) return false;
    this.#hasReserve = false;
    await this.#options.disk.remove(`${this.directory}/${RESERVE_NAME}`).catch(() => {});
    return true;
  }

  /** Where there is no room for it now, the next change tries again. */
  async #keepReserve(): Promise<void> {
    if (this.#hasReserve) return;
    // Zeros would not take room on every file system. A power loss may take it: the next start sees that by its size.
    const bytes = Buffer.alloc(RESERVE_BYTES, 'reserve ');
    this.#hasReserve = await this.#options.disk.writeFile(`${this.directory}/${RESERVE_NAME}`, bytes).then(() => true, () => false);
  }

  #write(batch: Buffer): Promise<AppendStatus> {
    this.#plan.baseOffset = this.nextOffset;
    return new Promise((resolve) => {
      this.#segment.append(batch, this.#plan, this.#result, resolve);
    });
  }

  #sync(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#options.disk.sync([this.#segment], (error) => {
        if (error === null) resolve();
        else reject(this.#fail(`the metadata in ${this.directory} cannot be made durable: ${error.message}`));
      });
    });
  }

  #fail(message: string): MetadataError {
    this.#failure = new MetadataError('unavailable', message);
    return new MetadataError('unknown', message);
  }

  /** Sums everything up to now and starts a new segment. A failure leaves the journal as it was and is thrown as DiskError. */
  async snapshot(values: Iterable<Uint8Array>): Promise<void> {
    const { disk, directory } = this.#options;
    const offset = this.nextOffset;
    const old = this.#segment;
    const bytes = snapshotBytes(values, offset, this.#options.now());
    await disk.writeFileAtomic(`${directory}/${fileName(offset, 'checkpoint')}`, bytes);
    const next = disk.openSegment(segmentOptions(directory, offset));
    await disk.syncDirectory(directory);
    this.#segment = next;
    this.#snapshotBytes = bytes.length;
    await old.delete();
    const names = (await disk.list(directory)).map((entry) => entry.name);
    await removeOlder(this.#options, names, offset, offset);
  }

  /** Every acknowledged change is durable already: this only gives back what the process holds. */
  async close(): Promise<void> {
    await this.#segment.close();
    await this.#lock.release();
  }
}

/** The folder is still there after a power loss, and so are those above it that were made for it. */
async function makeDurably(disk: Disk, path: string): Promise<void> {
  const isThere = await disk.list(path).then(() => true, (error: unknown) => {
    if (error instanceof DiskError && error.code === 'ENOENT') return false;
    throw error;
  });
  if (isThere) return;
  await disk.makeDirectory(path);
  for (let end = path.lastIndexOf('/'); end > 0; end = path.lastIndexOf('/', end - 1)) await disk.syncDirectory(path.slice(0, end)).catch(() => {});
  // A root that may not be opened was not made here.
  await disk.syncDirectory(path.startsWith('/') ? '/' : '.').catch(() => {});
}

function segmentOptions(directory: string, baseOffset: number) {
  return {
    directory, baseOffset,
    indexIntervalBytes: INDEX_INTERVAL_BYTES, indexSizeMaxBytes: INDEX_BYTES_MAX, segmentSizeMaxBytes: SEGMENT_BYTES_MAX, preallocateBytes: 0,
  };
}

const fileName = (offset: number, extension: string): string => `${String(offset).padStart(OFFSET_DIGITS, '0')}.${extension}`;

const offsetsIn = (names: readonly string[], pattern: RegExp): number[] =>
  names.flatMap((name) => {
    const match = pattern.exec(name);
    return match === null ? [] : [Number(match[1])];
  });

const newest = (names: readonly string[], pattern: RegExp): number => Math.max(-1, ...offsetsIn(names, pattern));

/** The one segment that goes on from `start`. */
function segmentToRead(options: JournalOptions, names: readonly string[], start: number): number {
  const offsets = offsetsIn(names, SEGMENT_NAME);
  if (offsets.includes(start) || (start > 0 && offsets.every((offset) => offset < start))) return start;
  if (offsets.length === 0 && names.every((name) => name.startsWith('.'))) return start;
  throw new MetadataError('corrupt', `metadata at ${options.directory} cannot be read: ${fileName(start, 'log')} is missing`);
}

async function removeOlder(options: JournalOptions, names: readonly string[], baseOffset: number, snapshotOffset: number): Promise<void> {
  const isOld = (name: string): boolean => {
    const match = /^(\d{20})\.(log|index|timeindex|checkpoint)$/.exec(name);
    return match !== null && Number(match[1]) < (match[2] === 'checkpoint' ? snapshotOffset : baseOffset);
  };
  for (const name of names.filter(isOld)) await options.disk.remove(`${options.directory}/${name}`);
}

async function replaySnapshot(options: JournalOptions, offset: number): Promise<number> {
  const path = `${options.directory}/${fileName(offset, 'checkpoint')}`;
  const bytes = await options.disk.readFile(path, SNAPSHOT_BYTES_MAX);
  if (bytes === null) throw new MetadataError('corrupt', `metadata snapshot ${path} is missing`);
  let position = 0;
  for (let next = nextBatch(bytes, 0); next !== -1; position = next, next = nextBatch(bytes, position)) {
    if (!isWhole(bytes, position)) break;
    replayBatch(options, bytes, position, path, offset);
  }
  if (position !== bytes.length) throw new MetadataError('corrupt', `metadata snapshot ${path} is corrupt at byte ${position}`);
  return bytes.length;
}

function isWhole(bytes: Buffer, position: number): boolean {
  if (headerDefect(bytes, position) !== '') return false;
  return compute.crc32c(bytes.subarray(position + Field.attributes, position + sizeOf(bytes, position))) === crcOf(bytes, position);
}

async function replaySegment(options: JournalOptions, segment: Segment): Promise<void> {
  const path = `${options.directory}/${fileName(segment.baseOffset, 'log')}`;
  const scanned = await segment.scan(0, () => {});
  if (scanned.stopReason !== '') await cutUnfinished(segment, scanned.validBytes, scanned.stopReason, path);
  if (!segment.indexesLookSane()) await segment.rebuildIndexes();
  const view = segment.view(0, segment.sizeBytes);
  try {
    let expected = segment.baseOffset;
    for (let at = 0, next = nextBatch(view.bytes, 0); next !== -1; at = next, next = nextBatch(view.bytes, at)) {
      if (baseOffsetOf(view.bytes, at) !== expected) throw new MetadataError('corrupt', `metadata journal ${path} has a gap at byte ${at}`);
      expected = lastOffsetOf(view.bytes, at) + 1;
      replayBatch(options, view.bytes, at, path, expected);
    }
    if (!view.intact) throw new MetadataError('corrupt', `metadata journal ${path} cannot be read back`);
  } finally {
    view.release();
  }
}

/** A write that a crash cut short leaves half a batch or zeros; anything else was acknowledged once, and must not be lost in silence. */
async function cutUnfinished(segment: Segment, validBytes: number, reason: ScanResult['stopReason'], path: string): Promise<void> {
  const rest = segment.view(validBytes, segment.sizeBytes - validBytes);
  const isUnfinished = reason === 'zeros' || (reason === 'torn' && !holdsWholeBatch(rest.bytes));
  rest.release();
  if (!isUnfinished) throw new MetadataError('corrupt', `metadata journal ${path} is corrupt at byte ${validBytes}`);
  await segment.truncate(validBytes);
}

/** Whether the bytes only look torn: a length that was damaged hides the rest of its own batch, or whole batches behind it. */
function holdsWholeBatch(bytes: Buffer): boolean {
  if (bytes.length >= HEADER_BYTES && compute.crc32c(bytes.subarray(Field.attributes)) === crcOf(bytes, 0)) return true;
  for (let at = 1; at + HEADER_BYTES <= bytes.length; at++) {
    if (bytes[at + Field.magic] === MAGIC && nextBatch(bytes, at) !== -1 && isWhole(bytes, at)) return true;
  }
  return false;
}

function replayBatch(options: JournalOptions, bytes: Buffer, position: number, path: string, nextOffset: number): void {
  const values: Buffer[] = [];
  const cursor = new RecordCursor();
  try {
    cursor.open(bytes, position, null);
    while (cursor.next()) values.push(cursor.value() ?? Buffer.alloc(0));
    options.onBatch(values, nextOffset);
  } catch (error) {
    if (error instanceof MetadataError) throw error;
    const why = error instanceof RecordError || error instanceof Error ? error.message : String(error);
    throw new MetadataError('corrupt', `metadata ${path} is corrupt at byte ${position}: ${why}`);
  }
}

function buildBatch(values: readonly Uint8Array[], baseOffset: number, nowMs: number): Buffer {
  const builder = new BatchBuilder();
  for (const value of values) builder.append(null, value, null, nowMs);
  return builder.close({ baseOffset, leaderEpoch: 0 });
}

function snapshotBytes(values: Iterable<Uint8Array>, offset: number, nowMs: number): Buffer {
  const batches: Buffer[] = [];
  let pending: Uint8Array[] = [];
  let base = 0;
  const close = (): void => {
    batches.push(buildBatch(pending, base, nowMs));
    base += pending.length;
    pending = [];
  };
  for (const value of values) {
    pending.push(value);
    if (pending.length === SNAPSHOT_BATCH_RECORDS) close();
  }
  if (pending.length > 0) close();
  const bytes = Buffer.concat(batches);
  if (bytes.length > SNAPSHOT_BYTES_MAX) throw new DiskError('EFBIG', `offset ${offset}`, 'the metadata is too large for one snapshot');
  return bytes;
}
