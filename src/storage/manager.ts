/** All logs of one node: finds, makes, loads and deletes them, and keeps the directories' duties going. */
import { assert } from '../base/assert.ts';
import { DiskError } from '../base/disk.ts';
import type { Disk } from '../base/disk.ts';
import type { Ports } from '../base/ports.ts';
import type { Compactor } from '../record/compact/compactor.ts';
import type { Inflater } from '../record/inflater.ts';
import { Cleaner } from './compaction/cleaner.ts';
import type { CleanerSettings } from './compaction/settings.ts';
import { DeferredWork } from './deferredWork.ts';
import { agreeOnIdentity, claimDirectory, forgetCleanStop, identifyDirectory } from './directoryOpening.ts';
import type { DirectoryIdentity } from './directoryOpening.ts';
import { diskTrouble } from './diskErrors.ts';
import { Duties } from './duties.ts';
import type { DutySettings } from './duties.ts';
import { detachedFolder, isTopicName, partitionFolder } from './fileNames.ts';
import { PartitionFolder } from './folderReading.ts';
import { randomHex } from './ids.ts';
import { loadDirectory } from './loading.ts';
import type { FolderReport } from './loading.ts';
import { PartitionLog } from './log.ts';
import { LogDirectory } from './logDirectory.ts';
import { LogState } from './logState.ts';
import type { LogEnvironment } from './logState.ts';
import { LogTable } from './logTable.ts';
import { Moves } from './moves.ts';
import type { LogInMove } from './move.ts';
import type { MetaProperties } from './metaProperties.ts';
import { beginNaming } from './naming.ts';
import { ZERO_TOPIC_ID, readTopicId, writePartitionMetadata } from './partitionMetadata.ts';
import { NO_CHECKPOINTS, loadLog } from './recovery.ts';
import { removeFolderLater } from './removal.ts';
import type { TopicConfigView } from './settings.ts';
import { sideFilesWritten } from './sideFiles.ts';
import { stopOrderly } from './shutdown.ts';
import { StoreError } from './storeError.ts';
import { LogError } from './types.ts';
import type { Log, LogManager, StoreSettings } from './types.ts';

export interface LogManagerOptions {
  readonly disk: Disk;
  /** Closed with the store. */
  readonly ownsDisk: boolean;
  readonly ports: Ports;
  readonly inflater: Inflater;
  /** Closed with the store. */
  readonly ownsInflater: boolean;
  readonly inflatedBatchMaxBytes: number;
  /** log.dirs; at least one. */
  readonly directories: readonly string[];
  readonly nodeId: number;
  /** Null: what the directories say, or a new one. */
  readonly clusterId: string | null;
  readonly adoptKafkaData: boolean;
  readonly duties: DutySettings;
  /** Closed with the store. */
  readonly compactor: Compactor;
  readonly cleaner: CleanerSettings;
  readonly producerIdExpirationMs: number;
  /** num.recovery.threads.per.data.dir. */
  readonly recoveryThreads: number;
  readonly reserveAheadBytes: number;
  readonly highWatermarkFollowsEnd: boolean;
  readonly logsAreListedElsewhere: boolean;
}

/** A thread mostly waits for the disk: this many logs are loaded at the same time for each. A recovery reads more. */
const CLEAN_LOGS_PER_THREAD = 8;
const DIRTY_LOGS_PER_THREAD = 4;
interface StartOptions {
  readonly onProgress?: (done: number, total: number, path: string) => void;
}

const TOPIC_ID = /^[A-Za-z0-9_-]{22}$/;

export class StoreManager implements LogManager {
  onDirectoryOffline: ((path: string, reason: string) => void) | null = null;
  /** A folder in a log directory that is no partition's, or whose partition cannot be: it was not touched. */
  onUnknownFolder: ((path: string, report: FolderReport) => void) | null = null;
  readonly #options: LogManagerOptions;
  readonly #environment: LogEnvironment;
  readonly #directories: LogDirectory[];
  readonly #table = new LogTable();
  readonly #deferred: DeferredWork;
  readonly #duties: Duties;
  /** Compacts the logs whose cleanup.policy asks for it. */
  readonly cleaner: Cleaner;
  /** By folder name: opens and deletes of one partition come one after the other. */
  readonly #changes = new Map<string, Promise<unknown>>();
  readonly #moves: Moves;
  #identity: DirectoryIdentity | null = null;
  readonly #adopting = new Map<LogDirectory, MetaProperties | null>();
  #starting: Promise<void> = Promise.resolve();
  #phase: 'new' | 'claimed' | 'starting' | 'open' | 'closed' = 'new';

  constructor(options: LogManagerOptions) {
    assert(options.directories.length > 0, 'a store has a directory');
    this.#options = options;
    const { disk, ports } = options;
    this.#deferred = new DeferredWork(ports.clock);
    this.#environment = {
      disk,
      ports,
      inflater: options.inflater,
      inflatedBatchMaxBytes: options.inflatedBatchMaxBytes,
      producerIdExpirationMs: options.producerIdExpirationMs,
      reserveAheadBytes: options.reserveAheadBytes,
      highWatermarkFollowsEnd: options.highWatermarkFollowsEnd,
      logsAreListedElsewhere: options.logsAreListedElsewhere,
      defer: (delayMs, work) => this.#deferred.after(delayMs, work),
    };
    this.#directories = options.directories.map((path) => new LogDirectory(disk, path, ports.logger, this.#directoryFailed));
    this.#duties = new Duties(this.#table, this.#directories, this.#environment, options.duties);
    this.#moves = new Moves({ table: this.#table, directories: this.#directories, environment: this.#environment, inTurn: (folder, work) => this.#inTurn(folder, work) });
    this.cleaner = new Cleaner(this.#table, this.#environment, options.compactor, options.cleaner);
  }

  readonly #directoryFailed = (directory: LogDirectory, reason: string): void => {
    this.onDirectoryOffline?.(directory.path, reason);
  };

  get directories(): readonly LogDirectory[] {
    return this.#directories;
  }

  /** Known once claimed or started. */
  get clusterId(): string {
    assert(this.#identity !== null, 'the store is claimed');
    return this.#identity.clusterId;
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#table.get(topic, partition);
  }

  logs(): Iterable<PartitionLog> {
    return this.#table.all();
  }

  /** Throws StoreError. */
  async start(configOf: (topic: string) => TopicConfigView, options: StartOptions = {}): Promise<void> {
    assert(this.#phase === 'new' || this.#phase === 'claimed', 'a store starts once');
    const isClaimed = this.#phase === 'claimed';
    this.#phase = 'starting';
    const starting = this.#start(configOf, options, isClaimed);
    this.#starting = starting.catch(() => {});
    await starting;
  }

  async #start(configOf: (topic: string) => TopicConfigView, options: StartOptions, isClaimed: boolean): Promise<void> {
    try {
      if (!isClaimed) await this.#claimAll();
      await this.#loadAll(configOf, options.onProgress ?? (() => {}));
    } catch (error) {
      this.#phase = 'closed';
      await this.#releaseAll();
      throw error;
    }
    this.#phase = 'open';
    this.#duties.start();
    this.cleaner.start();
  }

  /** Locks the directories and settles whose they are, where `clusterId` is wanted before `start`, which else does it. */
  async claim(): Promise<void> {
    assert(this.#phase === 'new', 'a store is claimed once');
    this.#phase = 'claimed';
    try {
      await this.#claimAll();
    } catch (error) {
      this.#phase = 'closed';
      await this.#releaseAll();
      throw error;
    }
  }

  /** Locks every directory and settles whose they are; one that cannot be read is offline, as long as another one works. */
  async #claimAll(): Promise<void> {
    const { disk, ports } = this.#options;
    const found = new Map<LogDirectory, Awaited<ReturnType<typeof claimDirectory>>>();
    for (const directory of this.#directories) {
      await this.#orOffline(directory, async () => void found.set(directory, await claimDirectory(disk, directory, this.#options)));
    }
    const identity = agreeOnIdentity(found, this.#options, ports.random);
    this.#identity = identity;
    for (const [directory, meta] of found) {
      if (directory.isForeign) this.#adopting.set(directory, meta);
      else await this.#orOffline(directory, () => identifyDirectory(disk, directory, meta, identity, ports.random));
    }
    this.#checkAnyOnline();
  }

  /** Directories of Apache Kafka are among those claimed: they become ours at the end of `start`, so that whoever needs to can read them before. */
  get adoptsDirectories(): boolean {
    return this.#adopting.size > 0;
  }

  async #loadAll(configOf: (topic: string) => TopicConfigView, onProgress: (done: number, total: number, path: string) => void): Promise<void> {
    for (const directory of this.#directories) {
      if (!directory.online) continue;
      await this.#orOffline(directory, () =>
        loadDirectory({
          directory,
          environment: this.#environment,
          table: this.#table,
          hasSiblings: this.#directories.length > 1,
          configOf,
          concurrency: this.#options.recoveryThreads * (directory.wasClean ? CLEAN_LOGS_PER_THREAD : DIRTY_LOGS_PER_THREAD),
          onProgress,
          onFolder: (path, report) => this.onUnknownFolder?.(path, report),
        }),
      );
      if (!directory.online) for (const log of directory.logs) this.#table.remove(log);
    }
    this.#checkAnyOnline();
    for (const directory of this.#directories) {
      if (!directory.online) continue;
      await this.#orOffline(directory, async () => {
        await this.#adopt(directory);
        await forgetCleanStop(this.#options.disk, directory);
        await this.#saveFirstOffsets(directory);
      });
    }
    this.#checkAnyOnline();
  }

  /** A full disk is no reason not to start, since only a broker that runs can free it: the older offsets only mean more work after a crash. */
  async #saveFirstOffsets(directory: LogDirectory): Promise<void> {
    try {
      await directory.saveOffsets();
    } catch (error) {
      if (diskTrouble(error) !== 'full') throw error;
      this.#options.ports.logger.warn('no space is left: appends will be refused until there is', { directory: directory.path });
    }
  }

  async #adopt(directory: LogDirectory): Promise<void> {
    const meta = this.#adopting.get(directory);
    if (meta === undefined) return;
    const { disk, ports } = this.#options;
    await identifyDirectory(disk, directory, meta, this.#identity as DirectoryIdentity, ports.random);
    this.#adopting.delete(directory);
  }

  async #orOffline(directory: LogDirectory, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof DiskError)) throw error;
      directory.fail(error.message);
    }
  }

  #checkAnyOnline(): void {
    if (this.#directories.some((directory) => directory.online)) return;
    const paths = this.#directories.map((directory) => directory.path).join(', ');
    throw new StoreError('offline', paths, `no log directory can be used: ${paths}`);
  }

  #checkOpen(): void {
    if (this.#phase !== 'open') throw new LogError('closed', 'the store is not open');
  }

  /** Runs `work` when earlier changes of the same partition have ended. */
  #inTurn<T>(folder: string, work: () => Promise<T>): Promise<T> {
    const turn = (this.#changes.get(folder) ?? Promise.resolve()).then(work, work);
    this.#changes.set(folder, turn);
    const forget = (): void => {
      if (this.#changes.get(folder) === turn) this.#changes.delete(folder);
    };
    turn.then(forget, forget);
    return turn;
  }

  /** Throws LogError invalidTopic, inconsistentTopicId, diskFull, storage. */
  async open(topic: string, partition: number, topicId: string, config: TopicConfigView, leaderEpoch = -1): Promise<Log> {
    this.#checkOpen();
    if (!isTopicName(topic)) throw new LogError('invalidTopic', `${JSON.stringify(topic.slice(0, 300))} cannot be a topic's name`);
    if (!Number.isInteger(partition) || partition < 0 || partition > 0x7fffffff) throw new LogError('invalidTopic', `${partition} cannot be a partition`);
    if (!TOPIC_ID.test(topicId)) throw new LogError('inconsistentTopicId', `${JSON.stringify(topicId.slice(0, 100))} is no topic id`);
    const log = await this.#inTurn(partitionFolder(topic, partition), async () => {
      const existing = this.#table.get(topic, partition);
      return existing === undefined ? this.#create(topic, partition, topicId, config) : this.#reopen(existing, topicId, config);
    });
    if (leaderEpoch > log.latestEpoch) log.state.epochs.assign(leaderEpoch, log.logEndOffset);
    return log;
  }

  async #reopen(log: PartitionLog, topicId: string, config: TopicConfigView): Promise<PartitionLog> {
    const { state } = log;
    if (state.topicId === ZERO_TOPIC_ID && topicId !== ZERO_TOPIC_ID) {
      await this.#identify(state, topicId);
    }
    checkTopicId(state.name, state.topicId, topicId);
    log.updateConfig(config);
    return log;
  }

  /** A crash came before the id was written, or the folder is from before there were any. */
  async #identify(state: LogState, topicId: string): Promise<void> {
    if (!this.#options.logsAreListedElsewhere) {
      await this.#guarded(state, 'writing partition.metadata', () => writePartitionMetadata(this.#options.disk, state.folder, topicId));
    }
    state.topicId = topicId;
    if (!this.#options.logsAreListedElsewhere) return;
    beginNaming(state);
    if (state.segments.sizeBytes > 0) state.host.nameSoon(state);
  }

  async #create(topic: string, partition: number, topicId: string, config: TopicConfigView): Promise<PartitionLog> {
    this.#checkOpen();
    const directory = this.#emptiestDirectory();
    const folder = `${directory.path}/${partitionFolder(topic, partition)}`;
    const state = new LogState({ topic, partition, topicId, folder }, config, directory, this.#environment);
    directory.pendingLogs += 1;
    try {
      await this.#guarded(state, 'creating', () => this.#makeFiles(directory, state, topicId));
    } finally {
      directory.pendingLogs -= 1;
    }
    const log = new PartitionLog(state);
    if (!directory.online) log.stop(new LogError('storage', `log directory ${directory.path} is offline`));
    state.checkUsable();
    directory.logs.add(log);
    this.#table.add(log);
    return log;
  }

  async #makeFiles(directory: LogDirectory, state: LogState, topicId: string): Promise<void> {
    const { disk } = this.#options;
    try {
      await disk.makeDirectory(state.folder);
      // A new folder is empty: its list answers for every file that would be looked for.
      const folder = new PartitionFolder(disk, state.folder, { entries: await disk.list(state.folder), files: new Map() });
      const known = await readTopicId(folder);
      if (known !== ZERO_TOPIC_ID) checkTopicId(state.name, known, topicId);
      await loadLog(state, { isClean: false, checkpoints: NO_CHECKPOINTS, folder });
      beginNaming(state);
      if (this.#options.logsAreListedElsewhere) return;
      // The directory is synced with it: the names of the segment's files are durable too.
      await writePartitionMetadata(disk, state.folder, topicId);
      await directory.syncRoot();
      state.naming = 'durable';
    } catch (error) {
      // A full disk must not leave half a log behind; data that was there before stays.
      if (error instanceof DiskError && state.logEndOffset === 0) await disk.remove(state.folder).catch(() => {});
      throw error;
    }
  }

  async #guarded(state: LogState, doing: string, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (error instanceof StoreError) throw new LogError('storage', error.message);
      throw state.diskFailure(error, doing);
    }
  }

  #emptiestDirectory(): LogDirectory {
    const online = this.#directories.filter((directory) => directory.online);
    const [first, ...others] = online;
    if (first === undefined) throw new LogError('storage', 'every log directory is offline');
    const load = (directory: LogDirectory): number => directory.logs.size + directory.pendingLogs;
    return others.reduce((best, candidate) => (load(candidate) < load(best) ? candidate : best), first);
  }

  async delete(topic: string, partition: number): Promise<void> {
    const log = await this.#detach(topic, partition, 'delete');
    if (log !== null) removeFolderLater(log);
  }

  /** Puts the folder of a partition that the cluster does not know aside as `-stray`: it is never deleted. */
  async stray(topic: string, partition: number): Promise<void> {
    await (await this.#detach(topic, partition, 'stray'))?.closeFiles();
  }

  /** Renames the folder and forgets the log; null when there is none. */
  #detach(topic: string, partition: number, reason: 'delete' | 'stray'): Promise<PartitionLog | null> {
    this.#checkOpen();
    this.#moves.cancel(topic, partition);
    return this.#inTurn(partitionFolder(topic, partition), async () => {
      const log = this.#table.get(topic, partition);
      if (log === undefined) return null;
      const { state } = log;
      const directory = log.state.host as LogDirectory;
      log.stop(new LogError('closed', `${state.name} was deleted`));
      await log.quiesce();
      await sideFilesWritten(state);
      this.#table.remove(log);
      directory.logs.delete(log);
      const folder = `${directory.path}/${detachedFolder(topic, partition, randomHex(this.#options.ports.random), reason)}`;
      await this.#guarded(state, 'deleting', async () => {
        await this.#options.disk.rename(state.folder, folder);
        state.folder = folder;
        await directory.syncRoot();
      });
      // A new log of that name must not inherit its offsets. A full disk is no reason to keep it: the offsets are checked when they are read.
      await directory.saveOffsets().catch((error: unknown) => this.#options.ports.logger.warn('offsets could not be written', { reason: String(error) }));
      return log;
    });
  }

  /** See Moves. */
  async move(topic: string, partition: number, path: string, onMoved: (log: Log) => void): Promise<void> {
    this.#checkOpen();
    await this.#moves.move(topic, partition, path, onMoved);
  }

  inMove(): Iterable<LogInMove> {
    return this.#moves.list();
  }

  reconfigure({ producerIdExpirationMs, cleaner }: StoreSettings): void {
    this.#environment.producerIdExpirationMs = producerIdExpirationMs;
    void this.cleaner.reconfigure(cleaner);
  }

  async checkpoint(): Promise<void> {
    this.#checkOpen();
    await this.#duties.checkpointAll();
  }

  async close(): Promise<void> {
    await this.#starting;
    if (this.#phase === 'closed') return;
    const wasOpen = this.#phase === 'open';
    this.#phase = 'closed';
    this.#duties.stop();
    await this.cleaner.stop();
    await this.#moves.stop();
    await Promise.allSettled(this.#changes.values());
    this.#deferred.cancelAll();
    if (wasOpen) {
      for (const directory of this.#directories) await stopOrderly(directory, this.#environment);
    }
    await this.#releaseAll();
  }

  async #releaseAll(): Promise<void> {
    const reason = new LogError('closed', 'the store is closed');
    for (const log of this.#table.all()) {
      log.stop(reason);
      await log.closeFiles().catch(() => {});
    }
    for (const directory of this.#directories) {
      await directory.flushes.idle();
      await directory.lock?.release();
      directory.lock = null;
    }
    if (this.#options.ownsDisk) await this.#options.disk.close();
    if (this.#options.ownsInflater) await this.#options.inflater.close();
    await this.#options.compactor.close();
  }
}

function checkTopicId(name: string, known: string, asked: string): void {
  if (known === asked) return;
  throw new LogError('inconsistentTopicId', `${name} holds topic id ${known}, asked for ${asked}`);
}
