import { deleteGroups as askToDelete, GroupType, listGroups } from '../../../client/admin/groups.ts';
import { OffsetSpec } from '../../../client/admin/listOffsets.ts';
import { throwFirst, valueOf } from '../../../client/admin/outcome.ts';
import { PartitionMap } from '../../../client/admin/partitionMap.ts';
import { alterShareGroupOffsets, deleteShareGroupOffsets, describeShareGroups, listShareGroupOffsets } from '../../../client/admin/shareGroups.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import { printJson } from '../../adminTool.ts';
import { javaException, javaMessage } from '../../javaErrors.ts';
import type { Options } from '../../options.ts';
import { row, widthOf } from '../../table.ts';
import type { ToolEnvironment } from '../../tool.ts';
import { ToolError, UsageError } from '../../toolError.ts';
import type { Plan } from '../csv.ts';
import { lookUp } from '../offsetLookup.ts';
import { planReset, plansText } from '../reset.ts';
import { allPartitions, parseTopicArguments } from '../topicArguments.ts';

export async function resetShareOffsets(cluster: Cluster, groupId: string, options: Options, environment: ToolEnvironment): Promise<void> {
  await checkIdle(cluster, groupId);
  const partitions = options.has('all-topics') ? valueOf((await listShareGroupOffsets(cluster, new Map([[groupId, null]]))).get(groupId)).keys() : await allPartitions(cluster, parseTopicArguments(options.values('topic')));
  const plan: Plan = options.has('to-latest') || options.has('to-earliest') ? await ends(cluster, partitions, options.has('to-latest')) : await planReset(cluster, options, { groupId, partitions, committed: new PartitionMap() }, environment);
  if (options.has('execute')) throwFirst(new Map(await alterShareGroupOffsets(cluster, groupId, plan)));
  if (options.has('json')) return printJson(environment, plan.map(([key, newOffset]) => ({ group: groupId, ...key, newOffset })));
  await environment.terminal.print(plansText(new Map([[groupId, plan]])));
}

async function ends(cluster: Cluster, partitions: Parameters<typeof lookUp>[1], isLatest: boolean): Promise<Plan> {
  const found = await lookUp(cluster, partitions, isLatest ? OffsetSpec.latest : OffsetSpec.earliest);
  return partitions.map((key) => [key, valueOf(found.get(key)).offset]);
}

/** A group that nobody has heard of may be given offsets, too. */
async function checkIdle(cluster: Cluster, groupId: string): Promise<void> {
  const outcome = (await describeShareGroups(cluster, [groupId])).get(groupId);
  if (outcome?.error instanceof KafkaError && outcome.error.code === ErrorCode.GROUP_ID_NOT_FOUND) return;
  const { state } = valueOf(outcome);
  if (state !== 'Empty' && state !== 'Dead') throw new ToolError(`Share group '${groupId}' is not empty.`);
}

export async function change(cluster: Cluster, action: 'delete' | 'delete-offsets', groupIds: readonly string[], options: Options, environment: ToolEnvironment): Promise<void> {
  if (action === 'delete') return deleteShareGroups(cluster, groupIds, environment);
  const topics = options.values('topic');
  if (topics.length === 0) throw new UsageError('Option [delete-offsets] takes the following options: [topic], [group]');
  const outcomes = [...await deletedOffsets(cluster, groupIds[0] as string, topics, environment)].sort(([a], [b]) => (a < b ? -1 : 1));
  if (options.has('json')) return printJson(environment, outcomes.map(([topic, { error }]) => ({ topic, error: error === undefined ? null : javaException(error) })));
  const widths = [widthOf(outcomes.map(([topic]) => topic), 15)];
  const cells = [['TOPIC', 'STATUS'], ...outcomes.map(([topic, { error }]) => [topic, error === undefined ? 'Successful' : `Error: ${javaMessage(error)}`])];
  await environment.terminal.print(`${cells.map((each) => `\n${row(each, widths)}`).join('')}\n`);
}

/** A request that is refused as a whole failed for each topic. */
async function deletedOffsets(cluster: Cluster, groupId: string, topics: readonly string[], { terminal }: ToolEnvironment): ReturnType<typeof deleteShareGroupOffsets> {
  try {
    return await deleteShareGroupOffsets(cluster, groupId, topics);
  } catch (error) {
    if (!(error instanceof KafkaError)) throw error;
    await terminal.print(`\nError: ${javaMessage(error)}\n`);
    return new Map(topics.map((topic) => [topic, { error }]));
  }
}

async function deleteShareGroups(cluster: Cluster, groupIds: readonly string[], { terminal }: ToolEnvironment): Promise<void> {
  const known = new Set((await listGroups(cluster, { types: [GroupType.share] })).map(({ groupId }) => groupId));
  const outcomes = await askToDelete(cluster, groupIds.filter((id) => known.has(id)));
  const failed = [
    ...groupIds.filter((id) => !known.has(id)).map((id) => [id, `java.lang.IllegalArgumentException: Group '${id}' is not a share group.`] as const),
    ...[...outcomes].flatMap(([id, { error }]) => (error === undefined ? [] : [[id, javaException(error)] as const])),
  ];
  const named = [...outcomes].filter(([, { error }]) => error === undefined).map(([id]) => `'${id}'`).join(', ');
  if (failed.length === 0) return terminal.print(`Deletion of requested share groups (${named}) was successful.\n`);
  await terminal.print(`\nError: Deletion of some share groups failed:\n${failed.map(([id, reason]) => `* Group '${id}' could not be deleted due to: ${reason}\n`).join('')}`);
  if (named !== '') await terminal.print(`\nThese share groups were deleted successfully: ${named}\n`);
}
