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
import { change, resetShareOffsets } from './change.ts';
import { describeShare } from './describe.ts';

const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets'] as const;
const SCENARIOS = ['to-datetime', 'to-earliest', 'to-latest'] as const;
const STATES = ['Dead', 'Empty', 'Stable'] as const;

export const shareGroupsTool: Tool = {
  name: 'kafka-share-groups',
  purpose: 'This tool helps to list, describe, reset offsets and delete share groups.',
  options: [
    bootstrapOption, commandConfigOption,
    { name: 'group', argument: 'group', isList: true, description: 'The share group to act on. May be repeated.' },
    { name: 'topic', argument: 'topic', isList: true, description: 'The topic whose offsets are reset or deleted. May be repeated.' },
    { name: 'all-topics', description: 'With --reset-offsets, every topic of the group.' },
    { name: 'list', description: 'List all share groups.' },
    { name: 'describe', description: 'Describe groups: their partitions with offsets and lag.' },
    { name: 'delete', description: 'Delete groups.' },
    { name: 'delete-offsets', description: 'Delete the offsets of topics.' },
    ...groupListOptions,
    ...resetOptions.filter(({ name }) => ['reset-offsets', 'dry-run', 'execute', ...SCENARIOS].includes(name)),
    jsonOption,
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const actions = ACTIONS.filter((action) => options.has(action));
  const [action] = actions;
  if (action === undefined || actions.length > 1) throw new UsageError(`Command must include exactly one action: ${ACTIONS.map((name) => `--${name}`).join(', ')}.`);
  check(action, options);
  try {
    await withCluster(options, environment, (cluster) => act(cluster, action, options, environment), { timeoutMs: options.number('timeout') });
  } catch (error) {
    if (error instanceof UsageError || environment.interrupted.aborted) throw error;
    const isFromCluster = error instanceof KafkaError || error instanceof ClientError;
    await environment.terminal.print(`\nError: Executing share group command failed due to ${isFromCluster ? javaException(error) : javaMessage(error)}\n`);
  }
  return 0;
}

function check(action: (typeof ACTIONS)[number], options: Options): void {
  const takesAll = action === 'describe' || action === 'delete';
  if (action !== 'list' && !options.has('group') && !(takesAll && options.has('all-groups'))) throw new UsageError(`Option [${action}] takes the option${takesAll ? 's [group] or [all-groups]' : ': [group]'}`);
  if (options.has('group') && options.has('all-groups')) throw new UsageError(`Option [${action}] takes either [group] or [all-groups], not both.`);
  const views = ['members', 'offsets', 'state'].filter((view) => options.has(view));
  if (action === 'describe' && views.length > 1) throw new UsageError('Option [describe] takes at most one of these options: [members], [offsets], [state]');
  if (action === 'delete-offsets' && !options.has('topic')) throw new UsageError('Option [delete-offsets] takes the following options: [topic], [group]');
  if (action !== 'reset-offsets') return;
  const chosen = SCENARIOS.filter((name) => options.has(name));
  if (chosen.length !== 1) throw new UsageError(`Option '[reset-offsets]' requires one of the following scenarios: [${SCENARIOS.map((name) => `[${name}]`).join(', ')}]`);
  if (options.has('dry-run') === options.has('execute')) throw new UsageError('Option [reset-offsets] takes one of these options: [execute], [dry-run]');
  if (options.has('topic') === options.has('all-topics')) throw new UsageError('Option [reset-offsets] takes one of these options: [topic], [all-topics]');
}

async function act(cluster: Cluster, action: (typeof ACTIONS)[number], options: Options, environment: ToolEnvironment): Promise<void> {
  if (action === 'list') return list(cluster, options, environment);
  const groupIds = options.has('all-groups') ? (await listGroups(cluster, { types: [GroupType.share] })).map(({ groupId }) => groupId) : [...new Set(options.values('group'))];
  if (action === 'describe') return describeShare(cluster, groupIds, options, environment);
  if (action === 'reset-offsets') return resetShareOffsets(cluster, groupIds[0] as string, options, environment);
  return change(cluster, action, groupIds, options, environment);
}

async function list(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const states = parseNames(options.value('state') ?? '', STATES, 'state');
  const groups = (await listGroups(cluster, { types: [GroupType.share], states })).filter(({ type }) => type === GroupType.share);
  if (options.has('json')) return printJson(environment, groups.map(({ groupId, state }) => ({ group: groupId, state })));
  if (!options.has('state')) return environment.terminal.print(groups.map(({ groupId }) => `${groupId}\n`).join(''));
  const widths = [widthOf(groups.map(({ groupId }) => groupId), 15)];
  await environment.terminal.print([['GROUP', 'STATE'], ...groups.map(({ groupId, state }) => [groupId, state])].map((cells) => `${row(cells, widths)}\n`).join(''));
}
