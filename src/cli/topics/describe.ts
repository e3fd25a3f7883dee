import { ConfigResourceType, describeConfigs, type ConfigResource } from '../../client/admin/configs.ts';
import { describeTopics as askForTopics, type PartitionDescription, type TopicDescription } from '../../client/admin/describeTopics.ts';
import { isUnsupported } from '../../client/admin/listOffsets.ts';
import { valueOf } from '../../client/admin/outcome.ts';
import { PartitionMap } from '../../client/admin/partitionMap.ts';
import { listReassignments, type Reassignment } from '../../client/admin/reassignments.ts';
import { brokerIds } from '../../client/admin/routes.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import type { DescribeConfigsResourceResult } from '../../protocol/generated/describeConfigs.ts';
import { zeroUuid } from '../../protocol/types.ts';
import type { Options } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { PARTITION_REPORTS } from './options.ts';

/** DescribeConfigs' source of a value that is the built-in default. */
const DEFAULT_CONFIG = 5;

interface Described {
  readonly topic: TopicDescription;
  readonly configs: readonly DescribeConfigsResourceResult[];
  readonly reassignments: PartitionMap<Reassignment>;
  readonly liveBrokers: ReadonlySet<number>;
}

/** Prints topics and partitions in the lines that Kafka's tool prints. */
export async function describeTopics(cluster: Cluster, names: readonly string[], options: Options, terminal: Terminal): Promise<void> {
  const showsTopics = !PARTITION_REPORTS.some((report) => options.has(report));
  const found = (names.length === 0 ? [] : await describedTopics(cluster, names, options)).filter((each) => !options.has('topics-with-overrides') || overridesOf(each).length > 0);
  const shownOf = (described: Described) => described.topic.partitions.filter((partition) => showsTopics || isReported(partition, described, options));
  if (options.has('json')) return terminal.print(`${JSON.stringify(found.map((each) => topicJson(each, shownOf(each))).filter(({ partitions }) => showsTopics || partitions.length > 0))}\n`);
  for (const described of found) {
    if (showsTopics) await terminal.print(`${topicLine(described)}\n`);
    if (options.has('topics-with-overrides')) continue;
    await terminal.print(shownOf(described).map((partition) => `${partitionLine(partition, described)}\n`).join(''));
  }
}

async function describedTopics(cluster: Cluster, names: readonly string[], options: Options): Promise<Described[]> {
  const topics = await askForTopics(cluster, names, options.number('partition-size-limit-per-response'));
  const configs = await topicConfigs(cluster, names);
  const liveBrokers = new Set(await brokerIds(cluster));
  const reassignments = await reassignmentsIfTold(cluster);
  return topics.map((topic) => ({ topic, configs: configs.get(topic.name) ?? [], reassignments, liveBrokers }));
}

const overridesOf = ({ configs }: Described): DescribeConfigsResourceResult[] => configs.filter((config) => config.configSource !== DEFAULT_CONFIG);

function topicLine(described: Described): string {
  const { topic } = described;
  const [first] = topic.partitions;
  const id = topic.topicId === zeroUuid ? '' : `\tTopicId: ${topic.topicId}`;
  const overrides = overridesOf(described).map(({ name, value }) => `${name}=${value ?? 'null'}`).join(',');
  const replicationFactor = first === undefined ? 0 : replicationFactorOf(first, described);
  return `Topic: ${topic.name}${id}\tPartitionCount: ${topic.partitions.length}\tReplicationFactor: ${replicationFactor}\tConfigs: ${overrides}`;
}

const topicJson = (described: Described, partitions: readonly PartitionDescription[]) => ({
  topic: described.topic.name,
  topicId: described.topic.topicId === zeroUuid ? null : described.topic.topicId,
  configs: Object.fromEntries(overridesOf(described).map(({ name, value }) => [name, value])),
  partitions: partitions.map((partition) => ({
    partition: partition.partition, leader: partition.leader < 0 ? null : partition.leader, replicas: partition.replicas, isr: partition.inSyncReplicas,
    addingReplicas: reassignmentOf(partition, described)?.addingReplicas ?? [], removingReplicas: reassignmentOf(partition, described)?.removingReplicas ?? [],
    elr: partition.eligibleLeaderReplicas, lastKnownElr: partition.lastKnownEligibleLeaderReplicas,
  })),
});

function partitionLine(partition: PartitionDescription, described: Described): string {
  const moving = reassignmentOf(partition, described);
  const changes = moving === undefined ? '' : `\tAdding Replicas: ${moving.addingReplicas.join(',')}\tRemoving Replicas: ${moving.removingReplicas.join(',')}`;
  const listed = (ids: readonly number[] | null) => (ids === null ? 'N/A' : ids.join(','));
  return [
    `\tTopic: ${described.topic.name}\tPartition: ${partition.partition}\tLeader: ${partition.leader < 0 ? 'none' : partition.leader}`,
    `\tReplicas: ${partition.replicas.join(',')}\tIsr: ${partition.inSyncReplicas.join(',')}${changes}`,
    `\tElr: ${listed(partition.eligibleLeaderReplicas)}\tLastKnownElr: ${listed(partition.lastKnownEligibleLeaderReplicas)}`,
  ].join('');
}

function isReported(partition: PartitionDescription, described: Described, options: Options): boolean {
  const hasLeader = partition.leader >= 0;
  const inSync = partition.inSyncReplicas.length;
  const inSyncMin = Number(described.configs.find(({ name }) => name === 'min.insync.replicas')?.value ?? 1);
  return (options.has('under-replicated-partitions') && replicationFactorOf(partition, described) > inSync)
    || (options.has('unavailable-partitions') && !(hasLeader && described.liveBrokers.has(partition.leader)))
    || (options.has('under-min-isr-partitions') && (!hasLeader || inSync < inSyncMin))
    || (options.has('at-min-isr-partitions') && inSync === inSyncMin);
}

const reassignmentOf = ({ partition }: PartitionDescription, { topic, reassignments }: Described): Reassignment | undefined =>
  reassignments.get({ topic: topic.name, partition });

/** While replicas move, the ones that are added do not count yet. */
function replicationFactorOf(partition: PartitionDescription, described: Described): number {
  const moving = reassignmentOf(partition, described);
  const isMoving = moving !== undefined && partition.replicas.some((id) => moving.addingReplicas.includes(id) || moving.removingReplicas.includes(id));
  return isMoving ? moving.replicas.length - moving.addingReplicas.length : partition.replicas.length;
}

async function topicConfigs(cluster: Cluster, names: readonly string[]): Promise<Map<string, readonly DescribeConfigsResourceResult[]>> {
  const resources = names.map((name): ConfigResource => ({ type: ConfigResourceType.topic, name }));
  return new Map([...await describeConfigs(cluster, resources)].map(([{ name }, outcome]) => [name, valueOf(outcome)]));
}

/** Empty where the cluster cannot tell, or may not tell us. */
async function reassignmentsIfTold(cluster: Cluster): Promise<PartitionMap<Reassignment>> {
  try {
    return await listReassignments(cluster);
  } catch (error) {
    const isForbidden = error instanceof KafkaError && error.code === ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
    if (!isForbidden && !isUnsupported(error)) throw error;
    return new PartitionMap();
  }
}
