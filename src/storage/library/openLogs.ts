/** A store of logs, as an application has it. */
import type { Disk } from '../../base/disk.ts';
import type { Ports } from '../../base/ports.ts';
import type { Inflater } from '../../record/inflater.ts';
import { openInflater } from '../../record/workerInflater.ts';
import type { CleanerSettings } from '../compaction/settings.ts';
import { openDisk } from '../disk/index.ts';
import { folderKind } from '../fileNames.ts';
import { randomId } from '../ids.ts';
import type { PartitionLog } from '../log.ts';
import type { StoreManager } from '../manager.ts';
import { readMetaProperties } from '../metaProperties.ts';
import { createStore, systemPorts } from '../open.ts';
import { StoreError } from '../storeError.ts';
import { LogError } from '../types.ts';
import { checkName } from './names.ts';
import { OpenLog } from './openLog.ts';
import { ReadOnlyLog } from './readOnly.ts';
import type { ReadOnlyEnvironment } from './readOnly.ts';
import { configOf } from './settings.ts';
import type { LogSettings } from './settings.ts';
import { SNAPSHOT_FILE, takeSnapshot } from './snapshots.ts';
import type { SnapshotLog } from './snapshots.ts';

export interface OpenLogsOptions {
  /** Settings of every log that `open` is not told others of. Default: kept for ever, never synced before it is asked for. */
  readonly settings?: LogSettings;
  /** How logs with `cleanupPolicy.compact` are compacted. */
  readonly cleaner?: Partial<CleanerSettings>;
  /** Default: the machine's clock and randomness, no log output. */
  readonly ports?: Ports;
  /** Default: the best that this machine can run, closed with the store. */
  readonly disk?: Disk;
  /** The folder is a copy of a snapshot: its files are no other store's. */
  readonly isCopiedSnapshot?: boolean;
  /** Hears how far loading is. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** Kept for ever, where the application says nothing else. */
const FOR_EVER: LogSettings = { retentionMs: -1, retentionBytes: -1 };
const ONE_LOG = 'log';
const INFLATED_BATCH_MAX_BYTES = 2 ** 29;
const POLL_MS = 100;

/** Opens or makes the store in `folder`. Throws StoreError locked, foreignData, newer, snapshot, corrupt, offline; LogError invalidArgument. */
export async function openLogs(folder: string, options: OpenLogsOptions = {}): Promise<OpenLogs> {
  if (typeof folder !== 'string' || folder === '') throw new LogError('invalidArgument', 'a store has a folder');
  const settings = { ...FOR_EVER, ...options.settings };
  const config = configOf(settings);
  const disk = options.disk ?? openDisk();
  const ports = options.ports ?? systemPorts;
  const store = createStore({ directories: [folder], disk, ports, highWatermarkFollowsEnd: false, ...(options.cleaner === undefined ? {} : { cleaner: options.cleaner }) });
  try {
    await checkNoSnapshot(disk, folder, options.isCopiedSnapshot ?? false);
    const onProgress = options.onProgress;
    await store.start(() => config, onProgress === undefined ? {} : { onProgress: (done, total) => onProgress(done, total) });
  } catch (error) {
    if (options.disk === undefined) await disk.close();
    throw error;
  }
  return new OpenLogs(store, disk, options.disk === undefined, ports, settings, folder);
}

/** Opens or makes a store of one log; closing the log closes it. */
export async function openLog(folder: string, settings: LogSettings = {}, options: Omit<OpenLogsOptions, 'settings'> = {}): Promise<OpenLog> {
  const logs = await openLogs(folder, { ...options, settings });
  try {
    return await logs.openOwned(ONE_LOG);
  } catch (error) {
    await logs.close();
    throw error;
  }
}

async function checkNoSnapshot(disk: Disk, folder: string, isCopied: boolean): Promise<void> {
  const path = `${folder}/${SNAPSHOT_FILE}`;
  if ((await disk.readFile(path, 1 << 20)) === null) return;
  if (!isCopied) throw new StoreError('snapshot', folder, `${folder} is a snapshot that shares its files with a store: read it, or copy it and say so (isCopiedSnapshot)`);
  await disk.remove(path);
}

export class OpenLogs {
  readonly #store: StoreManager;
  readonly #disk: Disk;
  readonly #ownsDisk: boolean;
  readonly #ports: Ports;
  readonly #settings: LogSettings;
  readonly #folder: string;
  readonly #open = new Map<string, OpenLog>();
  #isClosed = false;

  /** Made by `openLogs`. */
  constructor(store: StoreManager, disk: Disk, ownsDisk: boolean, ports: Ports, settings: LogSettings, folder: string) {
    this.#store = store;
    this.#disk = disk;
    this.#ownsDisk = ownsDisk;
    this.#ports = ports;
    this.#settings = settings;
    this.#folder = folder;
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new LogError('closed', 'the store is closed');
  }

  /** Of all logs, open or not, sorted. */
  names(): string[] {
    this.#checkOpen();
    return [...this.#store.logs()].map(({ topic }) => topic).sort();
  }

  /** Opens a log, makes it where it is not there. The same log opened twice is one log. Throws LogError invalidArgument, closed, diskFull, storage. */
  async open(name: string, settings: LogSettings = {}): Promise<OpenLog> {
    return this.#openLog(name, settings, async () => {});
  }

  /** For openLog: closing the log closes the store. */
  openOwned(name: string): Promise<OpenLog> {
    return this.#openLog(name, {}, () => this.close());
  }

  async #openLog(name: string, settings: LogSettings, onClose: () => Promise<void>): Promise<OpenLog> {
    this.#checkOpen();
    checkName(name);
    const wanted = { durability: 'none' as const, ...this.#settings, ...settings };
    const config = configOf(wanted);
    const topicId = this.#store.get(name, 0)?.topicId ?? randomId(this.#ports.random);
    const log = (await this.#store.open(name, 0, topicId, config)) as PartitionLog;
    const known = this.#open.get(name);
    if (known !== undefined && !known.isClosed) {
      known.update(settings);
      return known;
    }
    const opened = new OpenLog(this.#store, log, wanted, onClose);
    this.#open.set(name, opened);
    return opened;
  }

  /** Deletes a log and everything in it. Throws StoreError notFound. */
  async delete(name: string): Promise<void> {
    this.#checkOpen();
    if (this.#store.get(name, 0) === undefined) throw new StoreError('notFound', this.#folder, `there is no log ${JSON.stringify(name)}`);
    this.#open.get(name)?.shut();
    this.#open.delete(name);
    await this.#store.delete(name, 0);
  }

  /**
   * A snapshot of all logs in a folder of its own on the same file system, by hard links, while they are written: each up to its end of some
   * moment of the call. It may be read by `openLogsReadOnly`, or copied elsewhere.
   */
  async snapshot(target: string): Promise<SnapshotLog[]> {
    this.#checkOpen();
    return takeSnapshot(this.#disk, this.#folder, [...this.#store.logs()], target, this.#ports.clock.now());
  }

  /** Syncs everything and marks a clean end; handles of logs are closed. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    for (const log of this.#open.values()) await log.drain();
    for (const log of this.#open.values()) log.shut();
    await this.#store.close();
    if (this.#ownsDisk) await this.#disk.close();
  }
}

export interface ReadOnlyOptions {
  readonly disk?: Disk;
  readonly ports?: Ports;
  /** How often a tail looks for what was appended; default 100. */
  readonly pollMs?: number;
}

/** Opens a store, or a snapshot, beside whoever writes it. Throws StoreError notFound, foreignData, newer, corrupt. */
export async function openLogsReadOnly(folder: string, options: ReadOnlyOptions = {}): Promise<ReadOnlyLogs> {
  const disk = options.disk ?? openDisk();
  try {
    const meta = await readMetaProperties(disk, folder);
    if (meta === null) throw new StoreError('notFound', folder, `there is no store in ${folder}`);
    if (meta.formatVersion === null) throw new StoreError('foreignData', folder, `${folder} holds data of Apache Kafka`);
  } catch (error) {
    if (options.disk === undefined) await disk.close();
    throw error;
  }
  const inflater = openInflater();
  const { clock } = options.ports ?? systemPorts;
  const environment = { disk, clock, inflater, inflatedBatchMaxBytes: INFLATED_BATCH_MAX_BYTES, pollMs: options.pollMs ?? POLL_MS };
  return new ReadOnlyLogs(environment, folder, inflater, options.disk === undefined);
}

export class ReadOnlyLogs {
  readonly #environment: ReadOnlyEnvironment;
  readonly #folder: string;
  readonly #inflater: Inflater;
  readonly #ownsDisk: boolean;
  readonly #open = new Set<ReadOnlyLog>();

  /** Made by `openLogsReadOnly`. */
  constructor(environment: ReadOnlyEnvironment, folder: string, inflater: Inflater, ownsDisk: boolean) {
    this.#environment = environment;
    this.#folder = folder;
    this.#inflater = inflater;
    this.#ownsDisk = ownsDisk;
  }

  async names(): Promise<string[]> {
    const names: string[] = [];
    for (const { name, isDirectory } of await this.#environment.disk.list(this.#folder)) {
      const kind = isDirectory ? folderKind(name) : null;
      if (kind?.kind === 'partition' && kind.partition === 0) names.push(kind.topic);
    }
    return names.sort();
  }

  /** Throws StoreError notFound. */
  async open(name: string): Promise<ReadOnlyLog> {
    if (!(await this.names()).includes(name)) throw new StoreError('notFound', this.#folder, `there is no log ${JSON.stringify(name)} in ${this.#folder}`);
    const log = new ReadOnlyLog(this.#environment, this.#folder, name);
    await log.refresh();
    this.#open.add(log);
    return log;
  }

  async close(): Promise<void> {
    for (const log of this.#open) await log.close();
    this.#open.clear();
    await this.#inflater.close();
    if (this.#ownsDisk) await this.#environment.disk.close();
  }
}
