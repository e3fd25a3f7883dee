/** Limits on what moving replicas may take of the network and the disks. */
import { ConfigOperation, ConfigResourceType, incrementalAlterConfigs, type ConfigChange, type ConfigResource } from '../../client/admin/configs.ts';
import { throwFirst } from '../../client/admin/outcome.ts';
import type { PartitionMap } from '../../client/admin/partitionMap.ts';
import type { Reassignment } from '../../client/admin/reassignments.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import type { Terminal } from '../terminal.ts';

const RATES = ['leader.replication.throttled.rate', 'follower.replication.throttled.rate'] as const;
const DIRECTORY_RATE = 'replica.alter.log.dirs.io.max.bytes.per.second';
const REPLICAS = ['leader.replication.throttled.replicas', 'follower.replication.throttled.replicas'] as const;

const set = (name: string, value: string): ConfigChange => ({ name, operation: ConfigOperation.set, value });
const remove = (name: string): ConfigChange => ({ name, operation: ConfigOperation.delete, value: '' });
const brokerResource = (id: number): ConfigResource => ({ type: ConfigResourceType.broker, name: String(id) });
const topicResource = (name: string): ConfigResource => ({ type: ConfigResourceType.topic, name });

/** Who has the replicas now, and who shall have them. */
interface Move {
  readonly partition: number;
  readonly sources: readonly number[];
  readonly destinations: readonly number[];
}

/** Limits what goes from broker to broker, in bytes a second. */
export async function limitMoves(cluster: Cluster, proposed: PartitionMap<readonly number[]>, present: PartitionMap<readonly number[]>, ongoing: PartitionMap<Reassignment>, bytesPerSecond: number, terminal: Terminal): Promise<void> {
  const topics = new Map<string, Move[]>();
  const add = (topic: string, move: Move) => void topics.set(topic, [...(topics.get(topic) ?? []).filter(({ partition }) => partition !== move.partition), move]);
  for (const [{ topic, partition }, { replicas, addingReplicas }] of ongoing) add(topic, { partition, sources: replicas.filter((id) => !addingReplicas.includes(id)), destinations: addingReplicas });
  for (const [key, replicas] of proposed) {
    const sources = ongoing.get(key)?.replicas.filter((id) => !(ongoing.get(key)?.addingReplicas ?? []).includes(id)) ?? present.get(key) ?? [];
    add(key.topic, { partition: key.partition, sources, destinations: replicas.filter((id) => !sources.includes(id)) });
  }
  const changes = new Map<ConfigResource, readonly ConfigChange[]>();
  for (const [topic, moves] of topics) {
    const listed = (ids: (move: Move) => readonly number[]) => moves.flatMap((move) => ids(move).map((id) => `${move.partition}:${id}`)).sort().join(',');
    changes.set(topicResource(topic), [set(REPLICAS[0], listed(({ sources }) => sources)), set(REPLICAS[1], listed(({ destinations }) => destinations))]);
  }
  const brokers = new Set([...topics.values()].flat().flatMap(({ sources, destinations }) => [...sources, ...destinations]));
  for (const id of brokers) changes.set(brokerResource(id), RATES.map((name) => set(name, String(bytesPerSecond))));
  throwFirst(await incrementalAlterConfigs(cluster, changes));
  await terminal.print(`The inter-broker throttle limit was set to ${bytesPerSecond} B/s\n`);
}

/** Limits what goes from directory to directory of these brokers. */
export async function limitDirectoryMoves(cluster: Cluster, brokerIds: readonly number[], bytesPerSecond: number, terminal: Terminal): Promise<void> {
  throwFirst(await incrementalAlterConfigs(cluster, new Map([...new Set(brokerIds)].map((id) => [brokerResource(id), [set(DIRECTORY_RATE, String(bytesPerSecond))]]))));
  await terminal.print(`The replica-alter-dir throttle limit was set to ${bytesPerSecond} B/s\n`);
}

/** Takes all limits away that a reassignment of these topics may have set. */
export async function clearLimits(cluster: Cluster, brokerIds: readonly number[], topics: readonly string[], terminal: Terminal): Promise<void> {
  const plural = (list: readonly unknown[]) => (list.length === 1 ? '' : 's');
  await terminal.print(`Clearing broker-level throttles on broker${plural(brokerIds)} ${brokerIds.join(',')}\n`);
  throwFirst(await incrementalAlterConfigs(cluster, new Map(brokerIds.map((id) => [brokerResource(id), [...RATES, DIRECTORY_RATE].map(remove)]))));
  await terminal.print(`Clearing topic-level throttles on topic${plural(topics)} ${topics.join(',')}\n`);
  throwFirst(await incrementalAlterConfigs(cluster, new Map(topics.map((topic) => [topicResource(topic), REPLICAS.map(remove)]))));
}
