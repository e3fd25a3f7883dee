import { GroupType } from '../../../client/admin/groups.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { bootstrapOption, commandConfigOption, jsonOption } from '../../adminTool.ts';
import type { Options } from '../../options.ts';
import type { Tool, ToolEnvironment } from '../../tool.ts';
import { UsageError } from '../../toolError.ts';
import { groupListOptions, resetOptions } from '../consumer/options.ts';
import { runGroupCommand, type GroupAction, type GroupCommand } from '../groupCommand.ts';
import { change, resetShareOffsets } from './change.ts';
import { describeShare } from './describe.ts';

const SCENARIOS = ['to-datetime', 'to-earliest', 'to-latest'] as const;
const command: GroupCommand = { type: GroupType.share, states: ['Dead', 'Empty', 'Stable'], check, act };

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
  await runGroupCommand(command, options, environment);
  return 0;
}

function check(action: GroupAction, options: Options): void {
  const takesAll = action === 'describe' || action === 'delete';
  if (action !== 'list' && !options.has('group') && !(takesAll && options.has('all-groups'))) throw new UsageError(`Option [${action}] takes the option${takesAll ? 's [group] or [all-groups]' : ': [group]'}`);
  if (action === 'delete-offsets' && !options.has('topic')) throw new UsageError('Option [delete-offsets] takes the following options: [topic], [group]');
  if (action !== 'reset-offsets') return;
  const chosen = SCENARIOS.filter((name) => options.has(name));
  if (chosen.length !== 1) throw new UsageError(`Option '[reset-offsets]' requires one of the following scenarios: [${SCENARIOS.map((name) => `[${name}]`).join(', ')}]`);
  if (options.has('dry-run') === options.has('execute')) throw new UsageError('Option [reset-offsets] takes one of these options: [execute], [dry-run]');
  if (options.has('topic') === options.has('all-topics')) throw new UsageError('Option [reset-offsets] takes one of these options: [topic], [all-topics]');
}

async function act(cluster: Cluster, action: Exclude<GroupAction, 'list'>, groupIds: readonly string[], options: Options, environment: ToolEnvironment): Promise<void> {
  if (action === 'describe') return describeShare(cluster, groupIds, options, environment);
  if (action === 'reset-offsets') return resetShareOffsets(cluster, groupIds[0] as string, options, environment);
  return change(cluster, action, groupIds, options, environment);
}
