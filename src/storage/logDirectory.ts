/** One root data directory: its lock, its identity, its checkpoints, its rounds of group commit, and whether it still works. */
import type { DirectoryLock, Disk } from '../base/disk.ts';
import type { Logger } from '../base/ports.ts';
import { CheckpointFile, formatOffsetCheckpoint, readOffsetCheckpoint } from './checkpoints.ts';
import type { PartitionOffset } from './checkpoints.ts';
import { DirectoryChecksums } from './checksums.ts';
import { FileName, partitionFolder } from './fileNames.ts';
import { SharedRun } from './concurrently.ts';
import { FlushGroup } from './flush.ts';
import type { PartitionLog } from './log.ts';
import type { LogHost, LogState } from './logState.ts';
import type { LogCheckpoints } from './recovery.ts';
import { NamingQueue } from './naming.ts';
import { LogError } from './types.ts';

/** A log without an entry is read as having 0: those that nobody has written to take no place in the files. */
const whereAny = (offset: number): number => (offset > 0 ? offset : -1);

export class LogDirectory implements LogHost {
  readonly path: string;
  readonly logs = new Set<PartitionLog>();
  /** Logs being made here that are not in `logs` yet. */
  pendingLogs = 0;
  id = '';
  online = true;
  /** It was stopped in order the last time. */
  wasClean = false;
  /** It is Apache Kafka's until everything in it was loaded. */
  isForeign = false;
  lock: DirectoryLock | null = null;
  /** A whole segment became durable. */
  onSegmentDurable: (() => void) | null = null;
  readonly flushes: FlushGroup;
  readonly #logger: Logger;
  readonly #onOffline: (directory: LogDirectory, reason: string) => void;
  readonly #checksums: DirectoryChecksums;
  readonly #recoveryPoints: CheckpointFile;
  readonly #highWatermarks: CheckpointFile;
  readonly #logStarts: CheckpointFile;
  readonly #cleanedOffsets: CheckpointFile;
  readonly #rootSyncs: SharedRun;
  readonly #naming = new NamingQueue();

  constructor(disk: Disk, path: string, logger: Logger, onOffline: (directory: LogDirectory, reason: string) => void) {
    this.path = path;
    this.#logger = logger;
    this.#onOffline = onOffline;
    this.flushes = new FlushGroup(disk, (error) => this.fail(`fsync failed: ${error.message}`));
    this.#rootSyncs = new SharedRun(() => disk.syncDirectory(path));
    const checksums = new DirectoryChecksums({ disk, folder: path });
    this.#checksums = checksums;
    const file = (name: string, offsetOf: (state: LogState) => number): CheckpointFile =>
      // High watermarks are written often and made anew by whoever leads: those that are wrong cost nothing.
      new CheckpointFile(disk, `${path}/${name}`, () => this.#entries(offsetOf), name === FileName.highWatermarks ? null : { checksums, name });
    this.#recoveryPoints = file(FileName.recoveryPoints, (state) => whereAny(state.recoveryPoint));
    this.#highWatermarks = file(FileName.highWatermarks, (state) => whereAny(state.highWatermark));
    this.#cleanedOffsets = file(FileName.cleanedOffsets, (state) => state.cleanedOffset);
    // Also where the first segment begins just there: that the segments before it are gone may not be durable yet.
    this.#logStarts = file(FileName.logStarts, (state) => whereAny(state.logStartOffset));
  }

  #entries(offsetOf: (state: LogState) => number): Buffer {
    const entries: PartitionOffset[] = [];
    for (const { state } of this.logs) {
      const offset = offsetOf(state);
      if (offset >= 0) entries.push({ topic: state.topic, partition: state.partition, offset });
    }
    return formatOffsetCheckpoint(entries);
  }

  /** Takes all its logs offline. Only the first reason counts. */
  fail(reason: string): void {
    if (!this.online) return;
    this.online = false;
    this.#logger.error('a log directory failed and is offline', { directory: this.path, reason });
    const error = new LogError('storage', `log directory ${this.path} is offline: ${reason}`);
    for (const log of this.logs) log.stop(error);
    this.#onOffline(this, reason);
  }

  /** Makes the names of folders durable; many who ask at once share one sync. */
  syncRoot(): Promise<void> {
    return this.#rootSyncs.run();
  }

  nameSoon(state: LogState): void {
    this.#naming.add(state);
  }

  noteSegmentDurable(): void {
    this.onSegmentDurable?.();
  }

  requestSync(state: LogState): void {
    this.flushes.request(state.flush);
  }

  /** Recovery points and start offsets. Rejects with DiskError. */
  async saveOffsets(): Promise<void> {
    if (!this.online) return;
    const files = [this.#recoveryPoints, this.#logStarts];
    // The list of checksums was damaged, or there was none.
    if (!this.#checksums.knows(FileName.cleanedOffsets)) files.push(this.#cleanedOffsets);
    await Promise.all(files.map((file) => file.write()));
  }

  async saveStartOffsets(): Promise<void> {
    if (this.online) await this.#logStarts.write();
  }

  async saveCleanedOffsets(): Promise<void> {
    if (this.online) await this.#cleanedOffsets.write();
  }

  async saveHighWatermarks(): Promise<void> {
    if (this.online) await this.#highWatermarks.write();
  }

  /** What the checkpoint files say; one that is damaged is taken from its copy, and counts as absent where there is none. */
  async readCheckpoints(): Promise<(folder: string) => LogCheckpoints> {
    if (!(await this.#checksums.load())) this.#logger.warn('the checksums of the checkpoints are damaged: the checkpoints are believed', { path: this.#checksums.path });
    const recoveryPoints = await this.#readOffsets(FileName.recoveryPoints, this.#recoveryPoints);
    const highWatermarks = await this.#readOffsets(FileName.highWatermarks, this.#highWatermarks);
    const cleanedOffsets = await this.#readOffsets(FileName.cleanedOffsets, this.#cleanedOffsets);
    const logStarts = await this.#readOffsets(FileName.logStarts, this.#logStarts);
    if (logStarts === null) this.#logger.error('the start offsets are lost: records that were deleted may be there again', { directory: this.path });
    return (folder) => ({
      recoveryPoint: recoveryPoints?.get(folder) ?? 0,
      highWatermark: highWatermarks?.get(folder) ?? 0,
      logStartOffset: logStarts?.get(folder) ?? 0,
      cleanedOffset: cleanedOffsets?.get(folder) ?? -1,
      isTrusted: recoveryPoints !== null && cleanedOffsets !== null,
    });
  }

  /** Null when the file is damaged and nothing replaces it. */
  async #readOffsets(name: string, file: CheckpointFile): Promise<Map<string, number> | null> {
    const { path } = file;
    const { bytes, entries, state } = await readOffsetCheckpoint(this.#checksums, name);
    // What a kill left need not be durable; an ordered stop made it so, and a file that never was cannot be lost.
    const isKnown = this.#checksums.knows(name);
    if (state === 'right' && !this.#checksums.isDirty && (bytes === null ? !isKnown : isKnown && this.wasClean)) file.believe(bytes ?? formatOffsetCheckpoint([]));
    if (state === 'replaced') this.#logger.warn('a checkpoint is damaged or gone and its copy is taken', { path });
    else if (state === 'damaged') this.#logger.warn('a checkpoint is damaged and is passed over', { path });
    return entries === null ? null : new Map(entries.map((entry) => [partitionFolder(entry.topic, entry.partition), entry.offset]));
  }
}
