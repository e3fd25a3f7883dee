/** Loads every log of one directory, several at a time. */
import { concurrently } from './concurrently.ts';
import { folderKind } from './fileNames.ts';
import { FolderReader } from './folderReading.ts';
import type { PartitionFolder } from './folderReading.ts';
import { beginNaming } from './naming.ts';
import { removeIfMoved } from './move.ts';
import { PartitionLog } from './log.ts';
import type { LogDirectory } from './logDirectory.ts';
import { LogState } from './logState.ts';
import type { LogEnvironment } from './logState.ts';
import type { LogTable } from './logTable.ts';
import { readTopicId } from './partitionMetadata.ts';
import { loadLog } from './recovery.ts';
import type { LogCheckpoints } from './recovery.ts';
import type { TopicConfigView } from './settings.ts';
import { StoreError } from './storeError.ts';

/** Why a folder was left alone. */
export type FolderReport = 'stray' | 'future' | 'kafkaMetadata' | 'unknown';

export interface LoadingJob {
  readonly directory: LogDirectory;
  readonly environment: LogEnvironment;
  readonly table: LogTable;
  /** There are other directories: a crash in a move may have left a partition in two. */
  readonly hasSiblings: boolean;
  readonly configOf: (topic: string) => TopicConfigView;
  readonly concurrency: number;
  readonly onProgress: (done: number, total: number, path: string) => void;
  readonly onFolder: (path: string, report: FolderReport) => void;
}

/** A partition of a Raft log: Apache Kafka's metadata, not records. */
const QUORUM_STATE = 'quorum-state';
const METADATA_TOPIC = '__cluster_metadata';

interface FoundPartition {
  readonly topic: string;
  readonly partition: number;
  readonly name: string;
}

/** Throws DiskError, StoreError corrupt and duplicate. */
export async function loadDirectory(job: LoadingJob): Promise<void> {
  const partitions = await findPartitions(job);
  const checkpointsOf = await job.directory.readCheckpoints();
  const configs = new Map<string, TopicConfigView>();
  const configOf = (topic: string): TopicConfigView => {
    const config = configs.get(topic) ?? job.configOf(topic);
    configs.set(topic, config);
    return config;
  };
  const ownJob = { ...job, configOf };
  const folders = new FolderReader(job.environment.disk, partitions.map(({ name }) => `${job.directory.path}/${name}`));
  let done = 0;
  await concurrently(partitions.entries(), job.concurrency, async ([index, found]) => {
    await loadPartition(ownJob, found, checkpointsOf(found.name), await folders.at(index));
    done += 1;
    job.onProgress(done, partitions.length, `${job.directory.path}/${found.name}`);
  });
}

async function findPartitions(job: LoadingJob): Promise<FoundPartition[]> {
  const { disk } = job.environment;
  const { path } = job.directory;
  const partitions: FoundPartition[] = [];
  for (const entry of await disk.list(path)) {
    if (!entry.isDirectory) continue;
    const folder = `${path}/${entry.name}`;
    const kind = folderKind(entry.name);
    // A copy that a move had not finished: the log itself is where it was.
    const isOurCopy = kind.kind === 'future' && !job.directory.isForeign;
    if (kind.kind === 'delete' || isOurCopy) await disk.remove(folder);
    else if (kind.kind !== 'partition') job.onFolder(folder, kind.kind);
    else if (kind.topic === METADATA_TOPIC && (await isRaftLog(job, folder))) job.onFolder(folder, 'kafkaMetadata');
    else if (!job.hasSiblings || !(await removeIfMoved(disk, path, entry.name))) partitions.push({ topic: kind.topic, partition: kind.partition, name: entry.name });
  }
  return partitions;
}

async function isRaftLog(job: LoadingJob, folder: string): Promise<boolean> {
  return (await job.environment.disk.list(folder)).some((entry) => entry.name === QUORUM_STATE);
}

async function loadPartition(job: LoadingJob, found: FoundPartition, checkpoints: LogCheckpoints, content: PartitionFolder): Promise<void> {
  const { directory, environment, table } = job;
  const folder = `${directory.path}/${found.name}`;
  const twin = table.get(found.topic, found.partition);
  if (twin !== undefined) throw new StoreError('duplicate', folder, `${folder} and ${twin.directory} hold the same partition: move one of them away`);
  const topicId = await readTopicId(content);
  const state = new LogState({ topic: found.topic, partition: found.partition, topicId, folder }, job.configOf(found.topic), directory, environment);
  const log = new PartitionLog(state);
  table.add(log);
  directory.logs.add(log);
  await loadLog(state, { checkpoints, isClean: directory.wasClean, folder: content });
  // A recovery point was written once the log had been synced, which needs its name.
  if (environment.logsAreListedElsewhere && checkpoints.recoveryPoint === 0) beginNaming(state);
  if (state.durableOffset < state.logEndOffset) state.flush.requestAll();
}
