/**
 * The Disk contract: the only road from `storage` to files. Three implementations: native (C++ addon), portable
 * (node:fs + WASM or TypeScript compute) and memory (for tests and simulation: keeps synced and unsynced bytes apart and injects faults).
 * One suite in test/contract holds all three to the same behaviour.
 *
 * Division of labour: a Disk owns descriptors, mappings, the sparse indexes, the checks of every batch's bytes, and
 * fsync. It knows the batch v2 format, but no policy: rolling, retention, truncation points, epochs, producer state
 * and watermarks are decided in `storage`.
 */

/** Outcome of an append. Everything but `ok` leaves the segment unchanged (a torn write is cut before returning). */
export const AppendStatus = {
  ok: 0,
  /** The batch header lies: length past the buffer, length < 49, negative deltas, trailing bytes, zero batches. */
  corruptHeader: -1,
  /** CRC32C differs. */
  corruptChecksum: -2,
  /** Magic is not 2. */
  unsupportedMagic: -3,
  /** Record framing, record count, offset deltas or varints are wrong (uncompressed batches only; `badRecordIndex` says which). */
  invalidRecord: -4,
  /** A record's timestamp is outside [timestampMin, timestampMax] (`badRecordIndex` says which). */
  invalidTimestamp: -5,
  /** `requireKeys` and a record has none (uncompressed; `badRecordIndex` says which). */
  missingKey: -6,
  /** A batch is larger than `batchSizeMaxBytes`. */
  batchTooLarge: -7,
  /** Offsets in the bytes do not continue the segment (with `keepOffsets`), or relative offset/position would pass int32. */
  offsetOutOfOrder: -8,
  /** No space left (ENOSPC, EDQUOT). The segment is unchanged and stays usable. */
  diskFull: -9,
  /** Another I/O error: the segment is failed, its log directory must go offline. `errno` in the result. */
  ioError: -10,
  /** The segment was closed, sealed or failed before. */
  closed: -11,
} as const;
export type AppendStatus = (typeof AppendStatus)[keyof typeof AppendStatus];

/** How the bytes of one append are to be checked and patched. Reused by the caller between appends: read it at once. */
export interface AppendPlan {
  /** Offset for the first record; batches that follow in the same buffer continue it. Ignored with `keepOffsets`. */
  baseOffset: number;
  /** Written into each batch header (outside the CRC). Ignored with `keepOffsets`. */
  leaderEpoch: number;
  /** Batches already carry their offsets and epochs (replication, compaction): check that they ascend, patch nothing. */
  keepOffsets: boolean;
  /** Check the CRC. False only where the same bytes were checked just before. */
  checkCrc: boolean;
  /** Walk every record of uncompressed batches (framing, counts, offset deltas 0..n-1, keys, timestamps). */
  checkRecords: boolean;
  /** Compact topics: each record must have a key. */
  requireKeys: boolean;
  /** -1: CreateTime. Otherwise LogAppendTime: set attribute bit 3 and maxTimestamp to this and renew the CRC. */
  logAppendTimeMs: number;
  /** Bounds for record timestamps under CreateTime; timestamp -1 (none) is always allowed. */
  timestampMin: number;
  timestampMax: number;
  batchSizeMaxBytes: number;
}

/** What one append did. One object per caller, overwritten by each append. */
export interface AppendResult {
  /** Where the bytes start in the segment. */
  position: number;
  /** Offset after the last record appended. */
  nextOffset: number;
  batches: number;
  records: number;
  /** Largest record timestamp in the bytes, -1 if none; under CreateTime a wrong maxTimestamp in an uncompressed header is put right (and the CRC renewed). */
  maxTimestampMs: number;
  /** Offset of the (first) record that has it; of the batch's last record where records were not walked; of its first under LogAppendTime. */
  offsetOfMaxTimestamp: number;
  badRecordIndex: number;
  errno: number;
}

export interface SegmentOptions {
  /** Folder of the partition; must exist. */
  readonly directory: string;
  readonly baseOffset: number;
  readonly indexIntervalBytes: number;
  /** segment.index.bytes: `indexFull` turns true when either index has no room for one more entry. */
  readonly indexSizeMaxBytes: number;
  /** Largest size this segment will reach; what native reserves a mapping for. */
  readonly segmentSizeMaxBytes: number;
  /** Blocks to reserve ahead of the valid end with KEEP_SIZE, in the background; 0 for none. */
  readonly preallocateBytes: number;
  /** Open for reading only: no lock, no index writes. */
  readonly readOnly?: boolean;
  /** File name ends with this after `.log`/`.index`/`.timeindex` (for `.cleaned`, `.swap`); default ''. */
  readonly suffix?: string;
}

/** Bytes of a segment, shared with the mapping (native) or copied (portable, memory). Released exactly once by the reader. */
export interface SegmentView {
  /** Valid until `release`. Empty when the range is past the end. */
  readonly bytes: Buffer;
  /** Gives the lease back. The view may be detached any time after. */
  release(): void;
  /** False when a page under this view could not be read (file cut behind our back, bad block): the bytes must not be used. Check after reading or sending. */
  readonly intact: boolean;
}

/** Position and meaning of one batch header found in a segment. */
export interface BatchPosition {
  position: number;
  sizeBytes: number;
  baseOffset: number;
  lastOffset: number;
  maxTimestampMs: number;
}

/** What a lookup by timestamp found: nothing, a batch whose records have to be looked at, or the record itself. */
export const Located = { nothing: 0, batch: 1, record: 2 } as const;
export type Located = (typeof Located)[keyof typeof Located];

/** One record found by its timestamp. */
export interface RecordPosition {
  offset: number;
  timestampMs: number;
}

/** One batch as recovery sees it, in order of position. Numbers only; one object reused between calls. */
export interface ScannedBatch extends BatchPosition {
  leaderEpoch: number;
  attributes: number;
  producerId: number;
  producerEpoch: number;
  baseSequence: number;
  records: number;
}

export interface ScanResult {
  /** End of the last batch that is whole and right: everything after it is torn or corrupt. */
  readonly validBytes: number;
  readonly nextOffset: number;
  readonly batches: number;
  /** Why the scan ended before the file did; '' when it reached the end. `zeros`: nothing else from there on, as where space was kept ahead of appends. */
  readonly stopReason: '' | 'torn' | 'corrupt' | 'zeros';
}

export interface Segment {
  readonly baseOffset: number;
  readonly options: SegmentOptions;
  /** Valid end: bytes appended (and not truncated). */
  readonly sizeBytes: number;
  /** Offset after the last record, baseOffset when empty. */
  readonly nextOffset: number;
  /** Largest record timestamp so far and the last offset of the (first) batch that has it, as in the time index; -1 when none. */
  readonly maxTimestampMs: number;
  readonly offsetOfMaxTimestamp: number;
  /** Timestamp of the first batch (its maxTimestamp), -1 when empty: age for time-based rolling. */
  readonly firstBatchTimestampMs: number;
  /** One more index entry would not fit: roll. */
  readonly indexFull: boolean;
  /** A page could not be read or a write failed: nothing of it may be trusted. */
  readonly failed: boolean;

  /**
   * Checks, patches and writes whole batches. `bytes` is borrowed for the call only and never modified (headers are patched in a
   * copy, gathered by pwritev). Adds sparse index entries as Kafka does (one per indexIntervalBytes). `done` may be called before `append` returns,
   * or once a thread has written: until then the segment takes no other append (`closed`) and is neither sealed nor cut. `result` is filled before `done`.
   */
  append(bytes: Uint8Array, plan: AppendPlan, result: AppendResult, done: (status: AppendStatus) => void): void;

  /**
   * The batch that holds `offset`, or the first batch after it (gaps from compaction). False when the segment ends before.
   * Costs no system call when the pages are resident.
   */
  locateOffset(offset: number, found: BatchPosition): boolean;
  /**
   * The first RECORD with timestamp >= `timestampMs` at or after `fromOffset` is in the batch returned (or, for a batch that was compressed, the
   * caller must inflate it). Returns the first batch whose maxTimestamp >= timestampMs. False when none.
   */
  locateTimestamp(timestampMs: number, fromOffset: number, found: BatchPosition): boolean;

  /**
   * As locateTimestamp, down to the first record at or after `fromOffset` with that timestamp where its batch is not compressed; batches whose late records lie before
   * `fromOffset` are passed over. `record` is filled where that is found. Absent where it would be no faster than reading the batch.
   */
  locateRecord?(timestampMs: number, fromOffset: number, found: BatchPosition, record: RecordPosition): Located;

  /** A view of [position, position + lengthBytes) cut to the valid end. */
  view(position: number, lengthBytes: number): SegmentView;
  /** True when the range is (probably) in the page cache; remembered for some seconds. */
  isResident(position: number, lengthBytes: number): boolean;
  /** Longest view to ask for in the service of others, one batch aside: where views are copies, readers that are slow would else hold much memory. */
  readonly viewBytesMax: number;
  /** Brings the range into memory on another thread. */
  load(position: number, lengthBytes: number, done: () => void): void;

  /** Cuts to `sizeBytes` (a batch boundary): no new views, waits for or copies out those in flight, ftruncate, fsync, indexes cut too. A sealed segment takes appends again. EINVAL where no batch ends. */
  truncate(sizeBytes: number): Promise<void>;
  /** No more appends: last time index entry, indexes trimmed and written out. Does not sync. */
  seal(): void;
  /** Scans batches from `fromPosition` on a background thread: CRC and framing. `visit` comes on the caller's thread, in order. */
  scan(fromPosition: number, visit: (batch: ScannedBatch) => void): Promise<ScanResult>;
  /** Throws the indexes away and builds them anew from the batches (used after a scan). */
  rebuildIndexes(): Promise<void>;
  /** Cheap check of the index files against the size of the log (multiple of entry size, last entry within, monotonic ends). */
  indexesLookSane(): boolean;

  /** Writes indexes, releases descriptors and maps once the last view is released. */
  close(): Promise<void>;
  /** Renames log and index files to the suffix (`.deleted`), keeps serving existing views. The directory is not synced. */
  rename(suffix: string): void;
  /** Unlinks the files, off the JS thread. Existing views stay valid until released. */
  delete(): Promise<void>;
}

export interface DirectoryLock {
  release(): Promise<void>;
}

export interface DirectoryEntry {
  readonly name: string;
  readonly isDirectory: boolean;
  readonly sizeBytes: number;
}

/** A folder that was read in one go. */
export interface FolderContent {
  /** As `list` gives them. */
  readonly entries: readonly DirectoryEntry[];
  /** Bytes of the files that were asked for, where they are there, small enough and readable. */
  readonly files: ReadonlyMap<string, Buffer>;
}

/** Error of a Disk call, with the system's code. */
export class DiskError extends Error {
  override readonly name = 'DiskError';
  /** ENOSPC, EIO, EMFILE, EACCES, EROFS, ENOENT, ELOCKED (held by someone else), EINVAL, ... */
  readonly code: string;
  readonly path: string;
  constructor(code: string, path: string, message: string) {
    super(message);
    this.code = code;
    this.path = path;
  }
}

export interface Disk {
  readonly kind: 'native' | 'portable' | 'memory';
  /** One line for people: "native (x86-64, crc32c pclmul)". */
  readonly description: string;

  /**
   * Opens or creates the segment's files and reads its indexes. The descriptors and maps may open lazily and be closed
   * under a limit. `sizeBytes` of an existing segment is its file size: call `scan` and `truncate` where it may be torn.
   * Synchronous: meant for the roll. Throws DiskError.
   */
  openSegment(options: SegmentOptions): Segment;

  /** Makes everything appended so far to these segments durable (with their directories' groups: one round serves all). `done` on the caller's thread; error = fsync failed, the data's state is unknown. */
  sync(segments: readonly Segment[], done: (error: DiskError | null) => void): void;

  makeDirectory(path: string): Promise<void>;
  /** Names sorted. Throws ENOENT. */
  list(path: string): Promise<DirectoryEntry[]>;
  /**
   * Many folders at once: what `list` and `readFile` would give, in the order of `paths`, a DiskError for a folder that cannot be listed. `names`: the files whose
   * bytes are wanted, where they have at most `sizeMaxBytes`; `*x` stands for all names that end with x. Absent where it would be no faster.
   */
  readFolders?(paths: readonly string[], names: readonly string[], sizeMaxBytes: number): Promise<(FolderContent | DiskError)[]>;
  rename(from: string, to: string): Promise<void>;
  /** A second name for a file, on the same file system; EEXIST where the name is taken, EXDEV or ENOTSUP where that cannot be. Not synced. */
  link(from: string, to: string): Promise<void>;
  /** With everything in it; no error when absent. */
  remove(path: string): Promise<void>;
  syncDirectory(path: string): Promise<void>;
  /** null when absent. At most `sizeMaxBytes`, else DiskError EFBIG. */
  readFile(path: string, sizeMaxBytes: number): Promise<Buffer | null>;
  /** Temporary file, write, fsync, rename, directory fsync. Never leaves a half-written file under `path`. */
  writeFileAtomic(path: string, bytes: Uint8Array): Promise<void>;
  /** As writeFileAtomic without the fsyncs (hints such as snapshots that can be rebuilt). */
  writeFile(path: string, bytes: Uint8Array): Promise<void>;
  /** Exclusive, across processes (`.lock`). DiskError ELOCKED names the holder where known. */
  lock(path: string): Promise<DirectoryLock>;
  freeBytes(path: string): Promise<number>;
  /** Size of the file system; what an unbounded one says is the largest safe integer. */
  totalBytes(path: string): Promise<number>;
  /** Stops background threads after finishing what is queued. */
  close(): Promise<void>;
}
