/**
 * Moves a log to another log directory while it is in use, as Kafka does: a second log, in a folder named `-future`, takes over all batches; when it has caught up,
 * appends wait for the moment in which it takes the first one's place.
 */
import type { Disk } from '../base/disk.ts';
import { baseOffsetOf } from '../record/batchHeader.ts';
import { FileName, detachedFolder } from './fileNames.ts';
import { randomHex } from './ids.ts';
import { PartitionLog } from './log.ts';
import type { LogDirectory } from './logDirectory.ts';
import { LogState } from './logState.ts';
import type { LogEnvironment } from './logState.ts';
import { writePartitionMetadata } from './partitionMetadata.ts';
import { NO_CHECKPOINTS, loadLog } from './recovery.ts';
import { sideFilesWritten } from './sideFiles.ts';
import { LogError } from './types.ts';

const CHUNK_BYTES = 1 << 20;
/** So far behind, the rest is copied while appends wait. */
const CAUGHT_UP_BYTES = 1 << 20;

/** A log under way to another directory. */
export interface LogInMove {
  readonly topic: string;
  readonly partition: number;
  /** Where it goes. */
  readonly logDirectory: string;
  readonly sizeBytes: number;
  readonly logEndOffset: number;
}

export class LogMove implements LogInMove {
  readonly source: PartitionLog;
  readonly target: LogDirectory;
  readonly #environment: LogEnvironment;
  #future: PartitionLog | null = null;
  #isCancelled = false;

  constructor(source: PartitionLog, target: LogDirectory, environment: LogEnvironment) {
    this.source = source;
    this.target = target;
    this.#environment = environment;
  }

  get topic(): string {
    return this.source.topic;
  }

  get partition(): number {
    return this.source.partition;
  }

  get logDirectory(): string {
    return this.target.path;
  }

  get sizeBytes(): number {
    return this.#future?.sizeBytes ?? 0;
  }

  get logEndOffset(): number {
    return this.#future?.logEndOffset ?? 0;
  }

  /** The move ends at its next step and removes what it made. */
  cancel(): void {
    this.#isCancelled = true;
  }

  /** Copies until little is missing. Rejects with DiskError or LogError, or when cancelled; then nothing is left of it. */
  async copy(): Promise<void> {
    try {
      this.#future = await this.#begin();
      do await this.#copyUntil(this.source.logEndOffset);
      while (this.#missingBytes() > CAUGHT_UP_BYTES);
    } catch (error) {
      await this.abandon();
      throw error;
    }
  }

  /** Removes what was copied. */
  async abandon(): Promise<void> {
    const future = this.#future;
    if (future === null) return;
    this.#future = null;
    future.stop(new LogError('closed', 'the move was given up'));
    await future.quiesce();
    await future.closeFiles().catch(() => {});
    await this.#environment.disk.remove(future.directory).catch(() => {});
  }

  async #begin(): Promise<PartitionLog> {
    const { source, target } = this;
    const { disk, ports } = this.#environment;
    const { topic, partition, topicId, config } = source.state;
    const folder = `${target.path}/${detachedFolder(topic, partition, randomHex(ports.random), 'future')}`;
    const state = new LogState({ topic, partition, topicId, folder }, config, target, this.#environment);
    const log = new PartitionLog(state);
    try {
      await disk.makeDirectory(folder);
      await loadLog(state, { isClean: false, checkpoints: NO_CHECKPOINTS });
      await writePartitionMetadata(disk, folder, topicId);
      return log;
    } catch (error) {
      await log.closeFiles().catch(() => {});
      await disk.remove(folder).catch(() => {});
      throw error;
    }
  }

  #missingBytes(): number {
    return this.source.sizeBytes - this.sizeBytes;
  }

  async #copyUntil(endOffset: number): Promise<void> {
    while (this.logEndOffset < endOffset) {
      this.#checkWanted();
      const future = this.#future!;
      // Retention may have taken away what was to be copied next.
      const from = Math.max(future.logEndOffset, this.source.logStartOffset);
      const bytes = from < endOffset ? await readChunk(this.source, from, endOffset) : null;
      if (bytes === null) return;
      const first = baseOffsetOf(bytes, 0);
      if (future.sizeBytes === 0 || first < future.logEndOffset) await future.truncateFullyAndStartAt(first);
      await appendCopy(future, bytes);
      // Others get a turn.
      await new Promise<void>((resolve) => void this.#environment.ports.clock.setTimer(0, resolve));
    }
  }

  #checkWanted(): void {
    if (this.#isCancelled) throw new LogError('closed', 'the move was cancelled');
    if (!this.target.online) throw new LogError('storage', `log directory ${this.target.path} is offline`);
    this.source.state.checkUsable();
  }

  /**
   * Copies what is missing and makes it durable; the caller has seen to it that nothing is appended. Returns the log that is ready to take the place.
   */
  async finish(): Promise<PartitionLog> {
    const { source } = this;
    await this.#copyUntil(source.logEndOffset);
    const future = this.#future!;
    if (future.logEndOffset < source.logEndOffset) await future.truncateFullyAndStartAt(source.logEndOffset);
    if (source.latestEpoch > future.latestEpoch) future.state.epochs.assign(source.latestEpoch, future.logEndOffset);
    future.state.cleanedOffset = Math.min(source.state.cleanedOffset, future.logEndOffset);
    future.highWatermark = source.highWatermark;
    if (source.logStartOffset > future.logStartOffset) await future.deleteRecordsBefore(source.logStartOffset);
    await flushed(future);
    await sideFilesWritten(future.state);
    return future;
  }
}

/** Whole batches from the one that holds `offset`; null where there is nothing before `endOffset`. */
function readChunk(log: PartitionLog, offset: number, endOffset: number): Promise<Buffer | null> {
  return new Promise((resolve, reject) => {
    log.readWarm(offset, CHUNK_BYTES, endOffset, true, (error, result) => {
      if (error !== null || result === null) return reject(error);
      const bytes = Buffer.from(result.bytes);
      const { intact } = result;
      result.release();
      if (intact) resolve(bytes.length === 0 ? null : bytes);
      else reject(new LogError('storage', `${log.directory} could not be read`));
    });
  });
}

function appendCopy(log: PartitionLog, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => log.append(bytes, { leaderEpoch: -1, origin: 'replica' }, (error) => (error === null ? resolve() : reject(error))));
}

function flushed(log: PartitionLog): Promise<void> {
  return new Promise((resolve, reject) => log.flush((error) => (error === null ? resolve() : reject(error))));
}

/** In the folder of a log whose place has been taken by one in another directory, until the folder is removed: the path of that directory. */
export async function markMoved(disk: Disk, folder: string, target: string): Promise<void> {
  await disk.writeFileAtomic(`${folder}/${FileName.movedTo}`, Buffer.from(target));
}

const PATH_BYTES_MAX = 8192;

/**
 * A crash may come between the moment in which the new folder has its name and the one in which the old folder has lost it. Removes the old one then. True when the
 * folder is gone.
 */
export async function removeIfMoved(disk: Disk, directory: string, name: string): Promise<boolean> {
  const folder = `${directory}/${name}`;
  const marker = await disk.readFile(`${folder}/${FileName.movedTo}`, PATH_BYTES_MAX);
  if (marker === null) return false;
  const entries = await disk.list(marker.toString('utf8')).catch(() => []);
  if (entries.some((entry) => entry.isDirectory && entry.name === name)) {
    await disk.remove(folder);
    return true;
  }
  await disk.remove(`${folder}/${FileName.movedTo}`);
  return false;
}
