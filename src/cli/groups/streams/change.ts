import { alterConsumerGroupOffsets, deleteConsumerGroupOffsets, listConsumerGroupOffsets } from '../../../client/admin/groupOffsets.ts';
import { throwFirst, valueOf } from '../../../client/admin/outcome.ts';
import { comparePartitions, PartitionMap } from '../../../client/admin/partitionMap.ts';
import { describeStreamsGroups, type StreamsGroupDescription } from '../../../client/admin/streamsGroups.ts';
import { deleteTopics, listTopics } from '../../../client/admin/topics.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { printJson } from '../../adminTool.ts';
import { deleteGroups } from '../consumer/change.ts';
import { javaException } from '../../javaErrors.ts';
import type { Options } from '../../options.ts';
import { row, widthOf } from '../../table.ts';
import type { ToolEnvironment } from '../../tool.ts';
import { ToolError } from '../../toolError.ts';
import { writeCsv, type Plan } from '../csv.ts';
import { plansText, planReset } from '../reset.ts';
import { allPartitions, parseTopicArguments } from '../topicArguments.ts';

const MIN = 15;

export async function changeStreams(cluster: Cluster, action: 'delete' | 'reset-offsets' | 'delete-offsets', groupIds: readonly string[], options: Options, environment: ToolEnvironment): Promise<void> {
  if (action === 'delete') return deleteStreams(cluster, groupIds, environment);
  if (action === 'delete-offsets') return deleteOffsets(cluster, groupIds[0] as string, options, environment);
  const plans = new Map<string, Plan>();
  for (const groupId of groupIds) plans.set(groupId, await reset(cluster, groupId, options, environment));
  if (options.has('json')) return printJson(environment, [...plans].flatMap(([group, plan]) => plan.map(([key, newOffset]) => ({ group, ...key, newOffset }))));
  await environment.terminal.print(options.has('export') ? `${writeCsv(plans, options.values('group').length !== 1)}\n` : plansText(plans));
}

const describeOne = async (cluster: Cluster, groupId: string): Promise<StreamsGroupDescription> => valueOf((await describeStreamsGroups(cluster, [groupId])).get(groupId));

/** Changelogs and repartition topics of the group's topology. */
function internalTopics({ topology }: StreamsGroupDescription): string[] {
  return [...new Set((topology?.subtopologies ?? []).flatMap(({ stateChangelogTopics, repartitionSourceTopics }) => [...stateChangelogTopics, ...repartitionSourceTopics].map(({ name }) => name)))];
}

async function partitionsOf(cluster: Cluster, group: StreamsGroupDescription, options: Options): Promise<ReturnType<typeof allPartitions>> {
  const inputs = new Set((group.topology?.subtopologies ?? []).flatMap(({ sourceTopics }) => sourceTopics));
  const given = parseTopicArguments(options.values('input-topic'));
  const foreign = [...given.topics, ...given.partitions.map(({ topic }) => topic)].filter((topic) => inputs.size > 0 && !inputs.has(topic));
  if (foreign.length > 0) throw new ToolError(`One or more topics are not part of the group '${group.groupId}'.`);
  return allPartitions(cluster, options.has('all-input-topics') ? { topics: [...inputs], partitions: [] } : given);
}

async function reset(cluster: Cluster, groupId: string, options: Options, environment: ToolEnvironment): Promise<Plan> {
  const group = await describeOne(cluster, groupId);
  if (group.groupState !== 'Empty' && group.groupState !== 'Dead') {
    await environment.terminal.print(`\nError: Assignments can only be reset if the group '${groupId}' is inactive, but the current state is ${group.groupState}.\n`);
    return [];
  }
  const committed = new PartitionMap([...valueOf((await listConsumerGroupOffsets(cluster, new Map([[groupId, null]]))).get(groupId))].map(([key, outcome]) => [key, valueOf(outcome)] as const));
  const partitions = await partitionsOf(cluster, group, options);
  const plan = await planReset(cluster, options, { groupId, partitions, committed }, environment);
  if (!options.has('execute')) return plan;
  throwFirst(new Map(await alterConsumerGroupOffsets(cluster, groupId, plan.map(([key, offset]) => [key, { offset, leaderEpoch: -1, metadata: '' }] as const))));
  const internal = internalTopics(group);
  const unknown = options.values('delete-internal-topic').filter((topic) => !internal.includes(topic));
  if (unknown.length > 0) throw new ToolError(`The internal topic '${unknown[0]}' is not inferred as internal and thus will not be deleted with the group '${groupId}'.`);
  await deleteInternal(cluster, options.has('delete-all-internal-topics') ? internal : options.values('delete-internal-topic'));
  return plan;
}

async function deleteInternal(cluster: Cluster, topics: readonly string[]): Promise<void> {
  if (topics.length === 0) return;
  const present = new Set((await listTopics(cluster)).map(({ name }) => name));
  throwFirst(await deleteTopics(cluster, topics.filter((topic) => present.has(topic))));
}

async function deleteStreams(cluster: Cluster, groupIds: readonly string[], environment: ToolEnvironment): Promise<void> {
  const described = await describeStreamsGroups(cluster, groupIds);
  const topics = [...described.values()].flatMap(({ value }) => (value === undefined ? [] : internalTopics(value)));
  await deleteGroups(cluster, groupIds, 'streams', environment);
  await deleteInternal(cluster, topics);
}

async function deleteOffsets(cluster: Cluster, groupId: string, options: Options, environment: ToolEnvironment): Promise<void> {
  const partitions = await partitionsOf(cluster, await describeOne(cluster, groupId), options);
  const results = [...await deleteConsumerGroupOffsets(cluster, groupId, partitions)].sort(([a], [b]) => comparePartitions(a, b));
  if (options.has('json')) return printJson(environment, results.map(([key, { error }]) => ({ ...key, error: error === undefined ? null : javaException(error) })));
  const isWhole = results.every(([, { error }]) => error === undefined);
  const widths = [widthOf(results.map(([{ topic }]) => topic), MIN), 10, MIN];
  const cells = [['TOPIC', 'PARTITION', 'STATUS'], ...results.map(([{ topic, partition }, { error }]) => [topic, String(partition), error === undefined ? 'Successful' : `Error: ${javaException(error)}`])];
  const headline = isWhole ? `Request succeeded for deleting offsets from group ${groupId}.` : '\nError: Encountered some partition-level error, see the follow-up details.';
  await environment.terminal.print(`${headline}\n${cells.map((each) => `\n${row(each, widths)}`).join('')}\n`);
}
