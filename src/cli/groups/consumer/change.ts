/** What kafka-consumer-groups changes: offsets reset or deleted, groups deleted. */
import { describeConsumerGroups } from '../../../client/admin/describeGroups.ts';
import { alterConsumerGroupOffsets, deleteConsumerGroupOffsets, listConsumerGroupOffsets, type CommittedOffset } from '../../../client/admin/groupOffsets.ts';
import { deleteGroups as askToDelete } from '../../../client/admin/groups.ts';
import { throwFirst, valueOf } from '../../../client/admin/outcome.ts';
import { comparePartitions, PartitionMap, type TopicPartition } from '../../../client/admin/partitionMap.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import { printJson } from '../../adminTool.ts';
import { javaException, javaMessage } from '../../javaErrors.ts';
import type { Options } from '../../options.ts';
import { row, widthOf } from '../../table.ts';
import type { ToolEnvironment } from '../../tool.ts';
import { writeCsv, type Plan } from '../csv.ts';
import { plansText, planReset } from '../reset.ts';
import { allPartitions, describeNamed, parseTopicArguments } from '../topicArguments.ts';

const MIN = 15;

export async function resetOffsets(cluster: Cluster, groupIds: readonly string[], options: Options, environment: ToolEnvironment): Promise<void> {
  const plans = new Map<string, Plan>();
  const topics = parseTopicArguments(options.values('topic'));
  for (const groupId of groupIds) {
    const state = await stateOf(cluster, groupId);
    const isIdle = state === 'Empty' || state === 'Dead';
    if (!isIdle) await environment.terminal.print(`\nError: Assignments can only be reset if the group '${groupId}' is inactive, but the current state is ${state}.\n`);
    plans.set(groupId, isIdle ? await resetOne(cluster, groupId, topics, options, environment) : []);
  }
  if (options.has('json')) return printJson(environment, [...plans].flatMap(([group, plan]) => plan.map(([{ topic, partition }, newOffset]) => ({ group, topic, partition, newOffset }))));
  await environment.terminal.print(options.has('export') ? `${writeCsv(plans, options.values('group').length !== 1)}\n` : plansText(plans));
}

/** A group that nobody has heard of may be given offsets, too. */
async function stateOf(cluster: Cluster, groupId: string): Promise<string> {
  const outcome = (await describeConsumerGroups(cluster, [groupId])).get(groupId);
  if (outcome?.error instanceof KafkaError && outcome.error.code === ErrorCode.GROUP_ID_NOT_FOUND) return 'Dead';
  return valueOf(outcome).state;
}

async function resetOne(cluster: Cluster, groupId: string, topics: ReturnType<typeof parseTopicArguments>, options: Options, environment: ToolEnvironment): Promise<Plan> {
  const committed = await committedOffsets(cluster, groupId);
  const partitions = options.has('all-topics') ? committed.keys() : await allPartitions(cluster, topics);
  const plan = await planReset(cluster, options, { groupId, partitions, committed }, environment);
  if (options.has('execute') && plan.length > 0) {
    const outcomes = await alterConsumerGroupOffsets(cluster, groupId, plan.map(([key, offset]) => [key, { offset, leaderEpoch: -1, metadata: '' }] as const));
    throwFirst(new Map(outcomes));
  }
  return plan;
}

async function committedOffsets(cluster: Cluster, groupId: string): Promise<PartitionMap<CommittedOffset | null>> {
  const offsets = valueOf((await listConsumerGroupOffsets(cluster, new Map([[groupId, null]]))).get(groupId));
  return new PartitionMap([...offsets].map(([key, outcome]) => [key, valueOf(outcome)] as const));
}

export async function deleteOffsets(cluster: Cluster, groupId: string, options: Options, environment: ToolEnvironment): Promise<void> {
  const { partitions, topics } = parseTopicArguments(options.values('topic'));
  const results = new PartitionMap<Error | null>();
  const wanted: TopicPartition[] = [...partitions];
  for (const topic of topics) {
    try {
      const [found] = await describeNamed(cluster, [topic]);
      wanted.push(...(found?.partitions ?? []).map(({ partition }) => ({ topic, partition })));
    } catch (error) {
      results.set({ topic, partition: -1 }, error as Error);
    }
  }
  const whole = await deleteWanted(cluster, groupId, wanted, results);
  const lines = [...results].sort(([a], [b]) => comparePartitions(a, b));
  const text = headline(whole, groupId, lines.some(([{ partition }, error]) => error !== null && partition >= 0));
  if (options.has('json')) return printJson(environment, lines.map(([{ topic, partition }, error]) => ({ group: groupId, topic, partition: partition < 0 ? null : partition, error: error === null ? null : javaException(error) })));
  const widths = [widthOf(lines.map(([{ topic }]) => topic), MIN), 10, MIN];
  const cells = [['TOPIC', 'PARTITION', 'STATUS'], ...lines.map(([{ topic, partition }, error]) => [topic, partition < 0 ? '-' : String(partition), error === null ? 'Successful' : `Error: ${javaException(error)}`])];
  await environment.terminal.print(`${text}\n${cells.map((each) => `\n${row(each, widths)}`).join('')}\n`);
}

/** Returns why the request as a whole was refused. */
async function deleteWanted(cluster: Cluster, groupId: string, wanted: readonly TopicPartition[], results: PartitionMap<Error | null>): Promise<unknown> {
  if (wanted.length === 0) return null;
  try {
    for (const [key, outcome] of await deleteConsumerGroupOffsets(cluster, groupId, wanted)) results.set(key, outcome.error ?? null);
    return null;
  } catch (error) {
    for (const key of wanted) results.set(key, error as Error);
    return error;
  }
}

function headline(error: unknown, groupId: string, hasPartitionErrors: boolean): string {
  const codes: readonly number[] = [ErrorCode.INVALID_GROUP_ID, ErrorCode.GROUP_ID_NOT_FOUND, ErrorCode.GROUP_AUTHORIZATION_FAILED, ErrorCode.NON_EMPTY_GROUP];
  if (error instanceof KafkaError && codes.includes(error.code)) return `\nError: ${javaMessage(error)}`;
  if (error !== null) return `\nError: Encountered some unknown error: ${javaException(error)}`;
  if (hasPartitionErrors) return '\nError: Encountered some partition-level error, see the follow-up details.';
  return `Request succeeded for deleting offsets from group ${groupId}.`;
}

const isUnknownGroup = (error: unknown): boolean => error instanceof KafkaError && error.code === ErrorCode.GROUP_ID_NOT_FOUND;

export async function deleteGroups(cluster: Cluster, groupIds: readonly string[], kind: 'consumer' | 'share' | 'streams', environment: ToolEnvironment): Promise<void> {
  const outcomes = await askToDelete(cluster, groupIds);
  const named = (ids: readonly string[]) => ids.map((id) => `'${id}'`).join(', ');
  const failed = [...outcomes].filter(([, { error }]) => error !== undefined);
  const reasonOf = (id: string, error: unknown) => (kind === 'streams' && isUnknownGroup(error) ? `java.lang.IllegalArgumentException: Group '${id}' does not exist or is not a streams group.` : javaException(error));
  const deleted = [...outcomes].filter(([, { error }]) => error === undefined).map(([id]) => id);
  if (failed.length === 0) return environment.terminal.print(`Deletion of requested ${kind} groups (${deleted.length === 0 ? "''" : named(deleted)}) was successful.\n`);
  await environment.terminal.print(`\nError: Deletion of some ${kind} groups failed:\n`);
  for (const [id, { error }] of failed) await environment.terminal.print(`* Group '${id}' could not be deleted due to: ${reasonOf(id, error)}\n`);
  if (deleted.length > 0) await environment.terminal.print(`\nThese ${kind} groups were deleted successfully: ${named(deleted)}\n`);
}
