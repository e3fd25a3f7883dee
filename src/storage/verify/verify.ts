/** Looks a whole store over, batch by batch, and on demand repairs what a recovery can repair. */
import { DiskError } from '../../base/disk.ts';
import type { Disk, DirectoryLock, ScannedBatch } from '../../base/disk.ts';
import { CHECKPOINT_SIZE_MAX_BYTES, parseEpochCheckpoint, readOffsetCheckpoint } from '../checkpoints.ts';
import type { OffsetsRead } from '../checkpoints.ts';
import { DirectoryChecksums } from '../checksums.ts';
import { FileName, Suffix, folderKind, offsetStem, segmentFileName } from '../fileNames.ts';
import { readMetaProperties } from '../metaProperties.ts';
import { readPartitionMetadata } from '../partitionMetadata.ts';
import { SNAPSHOT_SIZE_MAX_BYTES, decodeProducerSnapshot } from '../producerSnapshot.ts';
import { StoreError } from '../storeError.ts';
import { TRANSACTION_INDEX_SIZE_MAX_BYTES, TransactionIndex } from '../transactionIndex.ts';

export type ProblemKind =
  /** A batch is torn or corrupt: what follows it in the log cannot be trusted to be in order. */
  | 'batch'
  /** Offsets of a segment do not follow those before. */
  | 'offsets'
  /** An index does not fit its segment. */
  | 'index'
  /** A small file beside the segments is malformed. */
  | 'sideFile'
  /** A checkpoint at the root is malformed. */
  | 'checkpoint'
  /** A file could not be read. */
  | 'unreadable';

export interface Problem {
  readonly kind: ProblemKind;
  readonly path: string;
  /** Where in the file, -1 where that says nothing. */
  readonly position: number;
  readonly message: string;
}

export interface VerifyProgress {
  readonly log: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
}

export interface VerifyReport {
  readonly logs: number;
  readonly segments: number;
  readonly batches: number;
  readonly records: number;
  readonly bytes: number;
  readonly problems: readonly Problem[];
  /** Somebody has the store open: the newest segment of each log may be in the middle of a write, and was not held to its end. */
  readonly isInUse: boolean;
}

export interface VerifyOptions {
  readonly disk: Disk;
  readonly onProgress?: (progress: VerifyProgress) => void;
  readonly onProblem?: (problem: Problem) => void;
}

interface LogFolder {
  readonly name: string;
  readonly segments: readonly { readonly baseOffset: number; readonly sizeBytes: number }[];
}

const CHECKPOINTS = [FileName.recoveryPoints, FileName.highWatermarks, FileName.logStarts, FileName.cleanedOffsets];

/** Throws StoreError notFound, newer, corrupt (a malformed meta.properties); DiskError where the folder cannot be listed. */
export async function verifyStore(folder: string, options: VerifyOptions): Promise<VerifyReport> {
  return new Verification(folder, options).run();
}

class Verification {
  readonly #folder: string;
  readonly #disk: Disk;
  readonly #options: VerifyOptions;
  readonly #problems: Problem[] = [];
  #segments = 0;
  #batches = 0;
  #records = 0;
  #doneBytes = 0;
  #totalBytes = 0;
  #isInUse = false;
  #cleaned: ReadonlySet<string> = new Set();

  constructor(folder: string, options: VerifyOptions) {
    this.#folder = folder;
    this.#disk = options.disk;
    this.#options = options;
  }

  async run(): Promise<VerifyReport> {
    const meta = await readMetaProperties(this.#disk, this.#folder);
    if (meta === null) throw new StoreError('notFound', this.#folder, `there is no store in ${this.#folder}: it has no meta.properties`);
    const lock = await this.#lockOrNull();
    try {
      this.#isInUse = lock === null;
      await this.#checkpoints();
      const logs = await this.#logs();
      this.#totalBytes = logs.reduce((sum, { segments }) => sum + segments.reduce((bytes, { sizeBytes }) => bytes + sizeBytes, 0), 0);
      for (const log of logs) await this.#log(log);
      return {
        logs: logs.length, segments: this.#segments, batches: this.#batches, records: this.#records, bytes: this.#doneBytes, problems: this.#problems, isInUse: this.#isInUse,
      };
    } finally {
      await lock?.release();
    }
  }

  async #lockOrNull(): Promise<DirectoryLock | null> {
    try {
      return await this.#disk.lock(`${this.#folder}/${FileName.lock}`);
    } catch (error) {
      if (error instanceof DiskError && error.code === 'ELOCKED') return null;
      throw error;
    }
  }

  #report(kind: ProblemKind, path: string, message: string, position = -1): void {
    const problem: Problem = { kind, path, position, message };
    this.#problems.push(problem);
    this.#options.onProblem?.(problem);
  }

  async #checkpoints(): Promise<void> {
    const checksums = new DirectoryChecksums({ disk: this.#disk, folder: this.#folder });
    if (!(await checksums.load())) this.#report('checkpoint', checksums.path, 'is no list of checksums');
    for (const name of CHECKPOINTS) {
      const { entries, state } = await this.#checkpoint(checksums, name);
      if (state !== 'right') this.#report('checkpoint', `${this.#folder}/${name}`, 'is not what was written');
      if (name === FileName.cleanedOffsets) this.#cleaned = new Set(entries?.map(({ topic, partition }) => `${topic}-${partition}`));
    }
  }

  /** Looks again where the store is in use: it may have been written between the reads. */
  async #checkpoint(checksums: DirectoryChecksums, name: string): Promise<OffsetsRead> {
    for (let tries = this.#isInUse ? 5 : 1; ; tries -= 1) {
      const read = await readOffsetCheckpoint(checksums, name);
      if (read.state === 'right' || tries === 1) return read;
      await checksums.load();
    }
  }

  async #logs(): Promise<LogFolder[]> {
    const logs: LogFolder[] = [];
    for (const { name, isDirectory } of await this.#disk.list(this.#folder)) {
      if (!isDirectory || folderKind(name).kind !== 'partition') continue;
      const segments = (await this.#disk.list(`${this.#folder}/${name}`)).flatMap((entry) => {
        const parsed = segmentFileName(entry.name);
        return parsed !== null && parsed.type === Suffix.log && parsed.state === '' ? [{ baseOffset: parsed.baseOffset, sizeBytes: entry.sizeBytes }] : [];
      });
      logs.push({ name, segments: segments.sort((left, right) => left.baseOffset - right.baseOffset) });
    }
    return logs;
  }

  async #log(log: LogFolder): Promise<void> {
    const folder = `${this.#folder}/${log.name}`;
    await this.#sideFiles(folder);
    let endOffset = log.segments[0]?.baseOffset ?? 0;
    for (const [index, { baseOffset, sizeBytes }] of log.segments.entries()) {
      const path = `${folder}/${offsetStem(baseOffset)}${Suffix.log}`;
      const isLast = index === log.segments.length - 1;
      // Compaction leaves gaps, and nothing else does.
      if (endOffset >= 0 && (baseOffset < endOffset || (baseOffset > endOffset && !this.#cleaned.has(log.name)))) {
        this.#report('offsets', path, `begins at ${baseOffset}, the segment before it ends at ${endOffset}`, 0);
      }
      endOffset = await this.#orUnreadable(path, () => this.#segment(folder, path, baseOffset, isLast));
      this.#segments += 1;
      this.#doneBytes += sizeBytes;
      this.#options.onProgress?.({ log: log.name, doneBytes: this.#doneBytes, totalBytes: this.#totalBytes });
    }
  }

  async #orUnreadable(path: string, work: () => Promise<number>): Promise<number> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      this.#report('unreadable', path, error.message);
      return -1;
    }
  }

  /** Returns the segment's end offset, -1 where it cannot be told. */
  async #segment(folder: string, path: string, baseOffset: number, isLast: boolean): Promise<number> {
    const isBeingWritten = isLast && this.#isInUse;
    const segment = this.#disk.openSegment({
      directory: folder, baseOffset, indexIntervalBytes: 4096, indexSizeMaxBytes: 0x7fffffff, segmentSizeMaxBytes: 0x7fffffff, preallocateBytes: 0, readOnly: true,
    });
    try {
      const { sizeBytes } = segment;
      const result = await segment.scan(0, (batch: ScannedBatch) => void (this.#records += batch.records));
      this.#batches += result.batches;
      // Space that was kept ahead of appends: a start cuts it off.
      const isCut = result.validBytes < sizeBytes && !(isLast && result.stopReason === 'zeros');
      if (isCut && !isBeingWritten) {
        this.#report('batch', path, `the batch after offset ${result.nextOffset - 1} is ${result.stopReason}; ${sizeBytes - result.validBytes} bytes from there on`, result.validBytes);
        return -1;
      }
      if (!isBeingWritten && !segment.indexesLookSane()) {
        this.#report('index', path.slice(0, -Suffix.log.length), 'the index files do not fit the log');
      }
      return Math.max(result.nextOffset, baseOffset);
    } finally {
      await segment.close();
    }
  }

  async #sideFiles(folder: string): Promise<void> {
    const epochs = await this.#disk.readFile(`${folder}/${FileName.leaderEpochs}`, CHECKPOINT_SIZE_MAX_BYTES);
    if (epochs !== null && parseEpochCheckpoint(epochs.toString('utf8')) === null) this.#report('sideFile', `${folder}/${FileName.leaderEpochs}`, 'is no list of leader epochs');
    await readPartitionMetadata(this.#disk, folder).catch((error: unknown) => {
      if (!(error instanceof StoreError)) throw error;
      this.#report('sideFile', error.path, error.message);
    });
    for (const { name } of await this.#disk.list(folder)) {
      const parsed = segmentFileName(name);
      if (parsed === null || parsed.state !== '') continue;
      if (parsed.type === Suffix.snapshot) await this.#producerSnapshot(`${folder}/${name}`);
      else if (parsed.type === Suffix.transactionIndex) await this.#transactionIndex(`${folder}/${name}`, parsed.baseOffset);
    }
  }

  async #producerSnapshot(path: string): Promise<void> {
    const bytes = await this.#disk.readFile(path, SNAPSHOT_SIZE_MAX_BYTES);
    if (bytes !== null && decodeProducerSnapshot(bytes) === null) this.#report('sideFile', path, 'is no snapshot of producers');
  }

  async #transactionIndex(path: string, baseOffset: number): Promise<void> {
    const bytes = await this.#disk.readFile(path, TRANSACTION_INDEX_SIZE_MAX_BYTES);
    if (bytes !== null && !new TransactionIndex().decode(bytes, baseOffset)) this.#report('sideFile', path, 'is no index of aborted transactions');
  }
}
