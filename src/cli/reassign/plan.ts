/** Files of kafka-reassign-partitions, and what they say. */
import type { TopicPartitionReplica } from '../../client/admin/logDirs.ts';
import { comparePartitions, PartitionMap, type TopicPartition } from '../../client/admin/partitionMap.ts';
import { checkVersion, fieldOf, partitionOf, readJsonFile, repeated } from '../json.ts';
import { ToolError } from '../toolError.ts';

const ANY = 'any';

export interface ReassignmentPlan {
  readonly partitions: PartitionMap<readonly number[]>;
  /** Directories by replica, where they are named. */
  readonly directories: ReadonlyMap<TopicPartitionReplica, string>;
}

export const nameOf = ({ topic, partition }: TopicPartition): string => `${topic}-${partition}`;

/** `{"version": 1, "partitions": [{"topic": "foo", "partition": 1, "replicas": [1,2,3], "log_dirs": ["any","any","any"]}]}` */
export function readPlan(file: string): ReassignmentPlan {
  const json = readJsonFile(file);
  checkVersion(json);
  const partitions = new PartitionMap<readonly number[]>();
  const directories = new Map<TopicPartitionReplica, string>();
  const entries = fieldOf(json, 'partitions', 'array');
  const twice = repeated(entries.map(partitionOf));
  if (twice.length > 0) throw new ToolError(`Partition reassignment contains duplicate topic partitions: ${twice.map(nameOf).join(',')}`);
  for (const entry of entries) readEntry(entry, partitions, directories);
  if (partitions.size === 0) throw new ToolError('Partition reassignment list cannot be empty');
  return { partitions, directories };
}

function readEntry(entry: unknown, partitions: PartitionMap<readonly number[]>, directories: Map<TopicPartitionReplica, string>): void {
  const key = partitionOf(entry);
  const replicas = fieldOf(entry, 'replicas', 'array').map(Number);
  if (replicas.length === 0) throw new ToolError('Partition replica list cannot be empty');
  if (replicas.some((id) => !Number.isSafeInteger(id) || id < 0)) throw new ToolError(`The replicas of ${nameOf(key)} must be broker ids`);
  if (new Set(replicas).size < replicas.length) throw new ToolError(`Partition replica lists may not contain duplicate entries: ${nameOf(key)} contains multiple entries for ${replicas.filter((id, at) => replicas.indexOf(id) !== at).join(',')}`);
  partitions.set(key, replicas);
  if ((entry as { log_dirs?: unknown }).log_dirs === undefined) return;
  const paths = fieldOf(entry, 'log_dirs', 'array').map(String);
  if (paths.length !== replicas.length) throw new ToolError(`Size of replicas list ${JSON.stringify(replicas)} is different from size of log dirs list ${JSON.stringify(paths)} for partition ${nameOf(key)}`);
  for (const [at, path] of paths.entries()) if (path !== ANY) directories.set({ ...key, brokerId: replicas[at] as number }, path);
}

/** `{"topics": [{"topic": "foo"}], "version": 1}` */
export function readTopics(file: string): string[] {
  const json = readJsonFile(file);
  checkVersion(json);
  const topics = fieldOf(json, 'topics', 'array').map((entry) => fieldOf(entry, 'topic', 'string'));
  const twice = topics.filter((topic, at) => topics.indexOf(topic) !== at);
  if (twice.length > 0) throw new ToolError(`List of topics to reassign contains duplicate entries: ${twice.join(',')}`);
  return topics;
}

/** A plan as a file holds it, with the directories of replicas where they are known. */
export function formatPlan(partitions: PartitionMap<readonly number[]>, directoryOf: (key: TopicPartition, brokerId: number) => string | null = () => null): string {
  const entries = [...partitions].sort(([a], [b]) => comparePartitions(a, b)).map(([key, replicas]) => ({
    topic: key.topic, partition: key.partition, replicas, log_dirs: replicas.map((id) => directoryOf(key, id) ?? ANY),
  }));
  return JSON.stringify({ version: 1, partitions: entries });
}

export interface PlacedBroker {
  readonly id: number;
  readonly rack: string | null;
}

/** Spreads partitions over brokers, and the replicas of each over racks as far as there are any. `start` is where the first one goes. */
export function assign(brokers: readonly PlacedBroker[], partitionCount: number, replicationFactor: number, start: number): number[][] {
  if (replicationFactor > brokers.length) throw new ToolError(`Replication factor: ${replicationFactor} larger than available brokers: ${brokers.length}.`);
  const ring = alternatingRacks(brokers);
  return Array.from({ length: partitionCount }, (_, partition) => {
    // each time around the ring, the followers stand one further from the leader
    const shift = Math.floor(partition / ring.length);
    const order = ring.map((_each, at) => ring[(start + partition + (at === 0 ? 0 : 1 + ((at - 1 + shift) % Math.max(ring.length - 1, 1)))) % ring.length] as PlacedBroker);
    return spread(order, replicationFactor);
  });
}

/** The first ones of racks that have none yet, then the others. */
function spread(order: readonly PlacedBroker[], count: number): number[] {
  const racks = new Set<string | null>();
  const fresh = order.filter(({ rack }) => rack === null || (!racks.has(rack) && racks.add(rack)));
  return [...fresh, ...order.filter((broker) => !fresh.includes(broker))].slice(0, count).map(({ id }) => id);
}

function alternatingRacks(brokers: readonly PlacedBroker[]): PlacedBroker[] {
  const sorted = [...brokers].sort((a, b) => a.id - b.id);
  const racks = [...new Set(sorted.map(({ rack }) => rack))].map((rack) => sorted.filter((broker) => broker.rack === rack));
  return sorted.flatMap((_, round) => racks.flatMap((rack) => rack[round] ?? []));
}
