/** Takes a log directory into use: makes it, locks it, and finds out or decides whose it is. */
import { DiskError } from '../base/disk.ts';
import type { Disk } from '../base/disk.ts';
import type { Random } from '../base/ports.ts';
import { FileName, folderKind } from './fileNames.ts';
import { randomId } from './ids.ts';
import type { LogDirectory } from './logDirectory.ts';
import { FORMAT_VERSION, readMetaProperties, writeMetaProperties } from './metaProperties.ts';
import type { MetaProperties } from './metaProperties.ts';
import { StoreError } from './storeError.ts';

export interface DirectoryIdentity {
  readonly clusterId: string;
  readonly nodeId: number;
}

export interface DirectoryRules {
  /** Null: what the directories say, or a new one. */
  readonly clusterId: string | null;
  readonly nodeId: number;
  /** Take over a directory that Apache Kafka wrote and stopped in order. */
  readonly adoptKafkaData: boolean;
}

/** Makes and locks the directory and reads whose it is. Throws StoreError locked, corrupt or foreignData, DiskError. */
export async function claimDirectory(disk: Disk, directory: LogDirectory, rules: DirectoryRules): Promise<MetaProperties | null> {
  const { path } = directory;
  await makeDurably(disk, path);
  await lockDirectory(disk, directory);
  const meta = await readMetaProperties(disk, path);
  const entries = await disk.list(path);
  directory.wasClean = entries.some((entry) => entry.name === FileName.cleanShutdown);
  const holdsPartitions = entries.some((entry) => entry.isDirectory && folderKind(entry.name).kind === 'partition');
  const isOurs = meta !== null && meta.formatVersion !== null;
  if (isOurs || (meta === null && !holdsPartitions)) return meta;
  if (!rules.adoptKafkaData) throw foreignData(path, meta !== null);
  if (holdsPartitions && !directory.wasClean) {
    throw new StoreError('foreignData', path, `${path} was not stopped in order by Apache Kafka: start and stop Kafka on it once, then adopt it`);
  }
  directory.isForeign = true;
  return meta;
}

/** A directory that is made here is still there after a power loss. */
async function makeDurably(disk: Disk, path: string): Promise<void> {
  try {
    await disk.list(path);
    return;
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'ENOENT') throw error;
  }
  await disk.makeDirectory(path);
  for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
    // Folders above that may not be opened were not made here.
    await disk.syncDirectory(end === 0 ? '/' : path.slice(0, end)).catch(() => {});
    if (end === 0) break;
  }
  if (!path.startsWith('/')) await disk.syncDirectory('.').catch(() => {});
}

function foreignData(path: string, isKafka: boolean): StoreError {
  const what = isKafka ? 'holds data of Apache Kafka' : 'holds partition folders but no meta.properties';
  return new StoreError('foreignData', path, `${path} ${what}: choose another directory, or adopt its data explicitly`);
}

async function lockDirectory(disk: Disk, directory: LogDirectory): Promise<void> {
  try {
    directory.lock = await disk.lock(`${directory.path}/${FileName.lock}`);
  } catch (error) {
    if (!(error instanceof DiskError) || error.code !== 'ELOCKED') throw error;
    throw new StoreError('locked', directory.path, `${directory.path} is in use by another process: ${error.message}`);
  }
}

/** The identity that all directories share. Throws StoreError mismatch or duplicate. */
export function agreeOnIdentity(found: ReadonlyMap<LogDirectory, MetaProperties | null>, rules: DirectoryRules, random: Random): DirectoryIdentity {
  let { clusterId } = rules;
  const ids = new Map<string, string>();
  for (const [directory, meta] of found) {
    if (meta === null) continue;
    const path = `${directory.path}/${FileName.metaProperties}`;
    clusterId ??= meta.clusterId;
    if (meta.clusterId !== clusterId) throw new StoreError('mismatch', path, `${path} belongs to cluster ${meta.clusterId}, expected ${clusterId}`);
    if (meta.nodeId !== rules.nodeId) throw new StoreError('mismatch', path, `${path} belongs to node ${meta.nodeId}, not to node ${rules.nodeId}: set node.id=${meta.nodeId}`);
    const twin = meta.directoryId === null ? undefined : ids.get(meta.directoryId);
    if (twin !== undefined) throw new StoreError('duplicate', path, `${path} has the same directory.id as ${twin}`);
    if (meta.directoryId !== null) ids.set(meta.directoryId, path);
  }
  return { clusterId: clusterId ?? randomId(random), nodeId: rules.nodeId };
}

/** Writes meta.properties where it is missing or Kafka's. */
export async function identifyDirectory(disk: Disk, directory: LogDirectory, meta: MetaProperties | null, identity: DirectoryIdentity, random: Random): Promise<void> {
  directory.id = meta?.directoryId ?? randomId(random);
  if (meta !== null && meta.formatVersion === FORMAT_VERSION && meta.directoryId !== null) return;
  await writeMetaProperties(disk, directory.path, { ...identity, directoryId: directory.id, formatVersion: FORMAT_VERSION });
}

/** From now on there may be a crash. Comes after everything was loaded, so that a start that fails costs nothing, and before the first append. */
export async function forgetCleanStop(disk: Disk, directory: LogDirectory): Promise<void> {
  if (!directory.wasClean) return;
  await disk.remove(`${directory.path}/${FileName.cleanShutdown}`);
  await disk.syncDirectory(directory.path);
}
