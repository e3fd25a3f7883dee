import { GroupType, listGroups } from '../../../client/admin/groups.ts';
import { ClientError } from '../../../client/core/clientError.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { KafkaError } from '../../../protocol/errors.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster } from '../../adminTool.ts';
import { javaException, javaMessage } from '../../javaErrors.ts';
import type { Options } from '../../options.ts';
import { row, widthOf } from '../../table.ts';
import type { Tool, ToolEnvironment } from '../../tool.ts';
import { UsageError } from '../../toolError.ts';
import { parseNames } from '../consumer/list.ts';
import { groupListOptions, resetOptions } from '../consumer/options.ts';
import { checkScenario } from '../reset.ts';

const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets'] as const;
type Action = (typeof ACTIONS)[number];
const STATES = ['NotReady', 'Assigning', 'Reconciling', 'Stable', 'Dead', 'Empty'] as const;

export const streamsGroupsTool: Tool = {
  name: 'kafka-streams-groups',
  purpose: 'This tool helps to list, describe, delete and reset streams groups.',
  options: [
    bootstrapOption, commandConfigOption,
    { name: 'group', argument: 'group', isList: true, description: 'The streams group to act on. May be repeated.' },
    { name: 'input-topic', argument: 'topic', isList: true, description: "The input topic whose offsets are reset or deleted; with partitions as 'topic:0,1,2'. May be repeated." },
    { name: 'all-input-topics', description: 'Every input topic of the group.' },
    { name: 'delete-all-internal-topics', description: 'With --reset-offsets, delete the internal topics of the group, too.' },
    { name: 'delete-internal-topic', argument: 'topic', isList: true, description: 'With --reset-offsets, delete this internal topic, too. May be repeated.' },
    { name: 'list', description: 'List all streams groups.' },
    { name: 'describe', description: 'Describe groups: their partitions with offsets and lag.' },
    { name: 'delete', description: 'Delete groups with their internal topics.' },
    { name: 'delete-offsets', description: 'Delete what a group has committed for input topics.' },
    ...groupListOptions, ...resetOptions, jsonOption,
  ],
  run,
};

/** Unlike the tools of other groups, Kafka's ends with 1 when an action failed. */
async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const actions = ACTIONS.filter((action) => options.has(action));
  const [action] = actions;
  if (action === undefined || actions.length > 1) throw new UsageError(`Command must include exactly one action: ${ACTIONS.map((name) => `--${name}`).join(', ')}.`);
  check(action, options);
  try {
    await withCluster(options, environment, (cluster) => act(cluster, action, options, environment), { timeoutMs: options.number('timeout') });
    return 0;
  } catch (error) {
    if (error instanceof UsageError || environment.interrupted.aborted) throw error;
    const isFromCluster = error instanceof KafkaError || error instanceof ClientError;
    await environment.terminal.print(`\nError: Executing streams group command failed due to ${isFromCluster ? javaException(error) : javaMessage(error)}\n`);
    return 1;
  }
}

function check(action: Action, options: Options): void {
  if (action !== 'list' && !options.has('group') && !options.has('all-groups')) throw new UsageError(`Option [${action}] takes one of these options: [group], [all-groups]`);
  if (options.has('group') && options.has('all-groups')) throw new UsageError(`Option [${action}] takes either [group] or [all-groups], not both.`);
  const views = ['members', 'offsets', 'state'].filter((view) => options.has(view));
  if (action === 'describe' && views.length > 1) throw new UsageError('Option [describe] takes at most one of these options: [members], [offsets], [state]');
  const hasTopics = options.has('input-topic') || options.has('all-input-topics');
  if (action === 'delete-offsets' && !hasTopics) throw new UsageError('Option [delete-offsets] takes one of these options: [input-topic], [all-input-topics]');
  if (action !== 'reset-offsets') return;
  checkScenario(options);
  if (options.has('dry-run') && options.has('execute')) throw new UsageError('Option [reset-offsets] only accepts one of [execute] and [dry-run]');
  if (!hasTopics && !options.has('from-file')) throw new UsageError('One of the reset scopes should be defined: --all-input-topics, --input-topic.');
}

async function act(cluster: Cluster, action: Action, options: Options, environment: ToolEnvironment): Promise<void> {
  if (action === 'list') return list(cluster, options, environment);
  const groupIds = options.has('all-groups') ? (await listGroups(cluster, { types: [GroupType.streams] })).map(({ groupId }) => groupId) : [...new Set(options.values('group'))];
  if (action === 'describe') return (await import('./describe.ts')).describeStreams(cluster, groupIds, options, environment);
  return (await import('./change.ts')).changeStreams(cluster, action, groupIds, options, environment);
}

async function list(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const states = parseNames(options.value('state') ?? '', STATES, 'state');
  const groups = (await listGroups(cluster, { types: [GroupType.streams], states })).filter(({ type }) => type === GroupType.streams);
  if (options.has('json')) return printJson(environment, groups.map(({ groupId, state }) => ({ group: groupId, state })));
  if (!options.has('state')) return environment.terminal.print(groups.map(({ groupId }) => `${groupId}\n`).join(''));
  const widths = [widthOf(groups.map(({ groupId }) => groupId), 15)];
  await environment.terminal.print([['GROUP', 'STATE'], ...groups.map(({ groupId, state }) => [groupId, state])].map((cells) => `${row(cells, widths)}\n`).join(''));
}
