/** One root data directory: its lock, its identity, its checkpoints, its rounds of group commit, and whether it still works. */
import type { DirectoryLock, Disk } from '../base/disk.ts';
import type { Logger } from '../base/ports.ts';
import { CHECKPOINT_SIZE_MAX_BYTES, CheckpointFile, formatOffsetCheckpoint, parseOffsetCheckpoint } from './checkpoints.ts';
import type { PartitionOffset } from './checkpoints.ts';
import { FileName, partitionFolder } from './fileNames.ts';
import { SharedRun } from './concurrently.ts';
import { FlushGroup } from './flush.ts';
import type { PartitionLog } from './log.ts';
import type { LogHost, LogState } from './logState.ts';
import type { LogCheckpoints } from './recovery.ts';
import { LogError } from './types.ts';

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
  readonly flushes: FlushGroup;
  readonly #disk: Disk;
  readonly #logger: Logger;
  readonly #onOffline: (directory: LogDirectory, reason: string) => void;
  readonly #recoveryPoints: CheckpointFile;
  readonly #highWatermarks: CheckpointFile;
  readonly #logStarts: CheckpointFile;
  readonly #cleanedOffsets: CheckpointFile;
  #hasNewDurableSegments = false;
  readonly #rootSyncs: SharedRun;

  constructor(disk: Disk, path: string, logger: Logger, onOffline: (directory: LogDirectory, reason: string) => void) {
    this.path = path;
    this.#disk = disk;
    this.#logger = logger;
    this.#onOffline = onOffline;
    this.flushes = new FlushGroup(disk, (error) => this.fail(`fsync failed: ${error.message}`));
    this.#rootSyncs = new SharedRun(() => disk.syncDirectory(path));
    const file = (name: string, offsetOf: (state: LogState) => number): CheckpointFile => new CheckpointFile(disk, `${path}/${name}`, () => this.#entries(offsetOf));
    this.#recoveryPoints = file(FileName.recoveryPoints, (state) => state.recoveryPoint);
    this.#highWatermarks = file(FileName.highWatermarks, (state) => state.highWatermark);
    this.#cleanedOffsets = file(FileName.cleanedOffsets, (state) => state.cleanedOffset);
    this.#logStarts = file(FileName.logStarts, (state) => (state.logStartOffset > state.segments.first.baseOffset ? state.logStartOffset : -1));
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

  noteSegmentDurable(): void {
    this.#hasNewDurableSegments = true;
  }

  /** True once after each time that segments became durable. */
  takeNewDurableSegments(): boolean {
    const had = this.#hasNewDurableSegments;
    this.#hasNewDurableSegments = false;
    return had;
  }

  requestSync(state: LogState): void {
    this.flushes.request(state.flush);
  }

  /** Recovery points and start offsets. Rejects with DiskError. */
  async saveOffsets(): Promise<void> {
    if (this.online) await Promise.all([this.#recoveryPoints.write(), this.#logStarts.write()]);
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

  /** What the checkpoint files say; a file that is corrupt counts as absent. */
  async readCheckpoints(): Promise<(folder: string) => LogCheckpoints> {
    const recoveryPoints = await this.#readOffsets(this.#recoveryPoints.path);
    const highWatermarks = await this.#readOffsets(this.#highWatermarks.path);
    const cleanedOffsets = await this.#readOffsets(this.#cleanedOffsets.path);
    const logStarts = await this.#readOffsets(this.#logStarts.path);
    return (folder) => ({
      recoveryPoint: recoveryPoints?.get(folder) ?? 0,
      highWatermark: highWatermarks?.get(folder) ?? 0,
      logStartOffset: logStarts?.get(folder) ?? 0,
      cleanedOffset: cleanedOffsets?.get(folder) ?? -1,
      isTrusted: recoveryPoints !== null,
    });
  }

  /** Null when the file is corrupt. */
  async #readOffsets(path: string): Promise<Map<string, number> | null> {
    const bytes = await this.#disk.readFile(path, CHECKPOINT_SIZE_MAX_BYTES);
    const entries = bytes === null ? [] : parseOffsetCheckpoint(bytes.toString('utf8'));
    if (entries !== null) return new Map(entries.map((entry) => [partitionFolder(entry.topic, entry.partition), entry.offset]));
    this.#logger.warn('a checkpoint is corrupt and is passed over', { path });
    return null;
  }
}
