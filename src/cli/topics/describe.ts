import type { Admin, PartitionDescription, TopicDescription } from '../../client/index.ts';
import type { DescribeConfigsResourceResult } from '../../protocol/generated/describeConfigs.ts';
import type { OngoingPartitionReassignment } from '../../protocol/generated/listPartitionReassignments.ts';
import { zeroUuid } from '../../protocol/types.ts';
import type { Options } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { PARTITION_REPORTS } from './options.ts';

/** DescribeConfigs' source of a value that is the built-in default. */
const DEFAULT_CONFIG = 5;

interface Described {
  readonly topic: TopicDescription;
  readonly configs: readonly DescribeConfigsResourceResult[];
  readonly reassignments: ReadonlyMap<string, OngoingPartitionReassignment>;
  readonly liveBrokers: ReadonlySet<number>;
}

/** Prints topics and partitions in the lines that Kafka's tool prints. */
export async function describeTopics(admin: Admin, names: readonly string[], options: Options, terminal: Terminal): Promise<void> {
  if (names.length === 0) return;
  const topics = await admin.describeTopics(names, options.number('partition-size-limit-per-response'));
  const configs = await admin.describeTopicConfigs(names);
  const liveBrokers = new Set(await admin.listBrokers());
  const reassignments = await admin.listReassignments();
  const showsTopics = !PARTITION_REPORTS.some((report) => options.has(report));
  for (const topic of topics) {
    const described: Described = { topic, configs: configs.get(topic.name) ?? [], reassignments, liveBrokers };
    if (showsTopics && (!options.has('topics-with-overrides') || overridesOf(described).length > 0)) await terminal.print(`${topicLine(described)}\n`);
    if (options.has('topics-with-overrides')) continue;
    const shown = topic.partitions.filter((partition) => showsTopics || isReported(partition, described, options));
    if (shown.length > 0) await terminal.print(shown.map((partition) => `${partitionLine(partition, described)}\n`).join(''));
  }
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

const reassignmentOf = ({ partition }: PartitionDescription, { topic, reassignments }: Described): OngoingPartitionReassignment | undefined =>
  reassignments.get(`${topic.name}/${partition}`);

/** While replicas move, the ones that are added do not count yet. */
function replicationFactorOf(partition: PartitionDescription, described: Described): number {
  const moving = reassignmentOf(partition, described);
  const isMoving = moving !== undefined && partition.replicas.some((id) => moving.addingReplicas.includes(id) || moving.removingReplicas.includes(id));
  return isMoving ? moving.replicas.length - moving.addingReplicas.length : partition.replicas.length;
}
