/** The logs that are moving to other directories. */
import { detachedFolder, partitionFolder } from './fileNames.ts';
import { randomHex } from './ids.ts';
import type { PartitionLog } from './log.ts';
import type { LogDirectory } from './logDirectory.ts';
import type { LogEnvironment } from './logState.ts';
import type { LogTable } from './logTable.ts';
import { LogMove, markMoved } from './move.ts';
import type { LogInMove } from './move.ts';
import { removeFolderLater } from './removal.ts';
import { sideFilesWritten } from './sideFiles.ts';
import { LogError } from './types.ts';
import type { Log } from './types.ts';

export interface MovesOptions {
  readonly table: LogTable;
  readonly directories: readonly LogDirectory[];
  readonly environment: LogEnvironment;
  /** Runs work when earlier changes of the same partition have ended. */
  readonly inTurn: <T>(folder: string, work: () => Promise<T>) => Promise<T>;
}

export class Moves {
  readonly #options: MovesOptions;
  readonly #moves = new Map<string, LogMove>();
  readonly #ended = new Set<Promise<void>>();
  /** Copies run one after the other: the disks have enough to do with one. */
  #tail: Promise<unknown> = Promise.resolve();

  constructor(options: MovesOptions) {
    this.#options = options;
  }

  list(): Iterable<LogInMove> {
    return this.#moves.values();
  }

  /**
   * Resolves when the log is in the directory at `path`; `onMoved` is called in the moment in which it takes the place of the one before. Asked again for the same partition, the
   * newer wish counts. Rejects with LogError, `closed` when it was given up.
   */
  async move(topic: string, partition: number, path: string, onMoved: (log: Log) => void): Promise<void> {
    const { table, directories, environment } = this.#options;
    const source = table.get(topic, partition);
    const target = directories.find((directory) => directory.path === path);
    if (source === undefined || target === undefined) throw new LogError('invalidTopic', `${topic}-${partition} cannot be moved to ${path}`);
    if (!target.online) throw new LogError('storage', `log directory ${path} is offline`);
    this.cancel(topic, partition);
    if (source.logDirectory === path) return;
    const move = new LogMove(source, target, environment);
    const folder = partitionFolder(topic, partition);
    this.#moves.set(folder, move);
    const done = this.#tail.then(() => this.#run(move, onMoved)).finally(() => this.#moves.get(folder) === move && this.#moves.delete(folder));
    const settled = done.catch(() => {});
    this.#tail = settled;
    this.#ended.add(settled);
    void settled.then(() => this.#ended.delete(settled));
    await done;
  }

  cancel(topic: string, partition: number): void {
    this.#moves.get(partitionFolder(topic, partition))?.cancel();
  }

  async stop(): Promise<void> {
    for (const move of this.#moves.values()) move.cancel();
    await Promise.all(this.#ended);
  }

  async #run(move: LogMove, onMoved: (log: Log) => void): Promise<void> {
    await move.copy();
    await this.#options.inTurn(partitionFolder(move.topic, move.partition), async () => {
      const { source } = move;
      await source.quiesce();
      try {
        if (this.#options.table.get(move.topic, move.partition) !== source) throw new LogError('closed', 'the log is gone');
        await this.#takePlace(move, await move.finish(), onMoved);
      } catch (error) {
        await move.abandon();
        source.resume();
        throw error;
      }
    });
  }

  /** From the moment in which the new folder has its name the move is done, whatever comes. */
  async #takePlace(move: LogMove, moved: PartitionLog, onMoved: (log: Log) => void): Promise<void> {
    const { table, environment } = this.#options;
    const { disk } = environment;
    const { source, target } = move;
    const home = source.state.host as LogDirectory;
    await markMoved(disk, source.directory, target.path);
    const folder = `${target.path}/${partitionFolder(move.topic, move.partition)}`;
    await disk.rename(moved.directory, folder);
    moved.state.folder = folder;
    table.remove(source);
    home.logs.delete(source);
    table.add(moved);
    target.logs.add(moved);
    onMoved(moved);
    // Whoever waits asks again, and finds the new one.
    source.stop(new LogError('storage', `${source.state.name} has moved to ${target.path}`));
    await this.#discard(source, home, target).catch((error: unknown) => environment.ports.logger.warn('what a move left could not be removed', { folder: source.directory, reason: String(error) }));
  }

  async #discard(source: PartitionLog, home: LogDirectory, target: LogDirectory): Promise<void> {
    const { disk, ports } = this.#options.environment;
    const { state } = source;
    await target.syncRoot();
    await target.saveOffsets();
    await sideFilesWritten(state);
    const folder = `${home.path}/${detachedFolder(state.topic, state.partition, randomHex(ports.random), 'delete')}`;
    await disk.rename(state.folder, folder);
    state.folder = folder;
    await home.syncRoot();
    await home.saveOffsets();
    removeFolderLater(source);
  }
}
