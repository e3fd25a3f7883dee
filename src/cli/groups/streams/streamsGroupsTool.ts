import { GroupType } from '../../../client/admin/groups.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { bootstrapOption, commandConfigOption, jsonOption } from '../../adminTool.ts';
import type { Options } from '../../options.ts';
import type { Tool, ToolEnvironment } from '../../tool.ts';
import { UsageError } from '../../toolError.ts';
import { groupListOptions, resetOptions } from '../consumer/options.ts';
import { runGroupCommand, type GroupAction, type GroupCommand } from '../groupCommand.ts';
import { checkScenario } from '../reset.ts';

const command: GroupCommand = { type: GroupType.streams, states: ['NotReady', 'Assigning', 'Reconciling', 'Stable', 'Dead', 'Empty'], check, act };

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
  return (await runGroupCommand(command, options, environment)) ? 0 : 1;
}

function check(action: GroupAction, options: Options): void {
  if (action !== 'list' && !options.has('group') && !options.has('all-groups')) throw new UsageError(`Option [${action}] takes one of these options: [group], [all-groups]`);
  const hasTopics = options.has('input-topic') || options.has('all-input-topics');
  if (action === 'delete-offsets' && !hasTopics) throw new UsageError('Option [delete-offsets] takes one of these options: [input-topic], [all-input-topics]');
  if (action !== 'reset-offsets') return;
  checkScenario(options);
  if (options.has('dry-run') && options.has('execute')) throw new UsageError('Option [reset-offsets] only accepts one of [execute] and [dry-run]');
  if (!hasTopics && !options.has('from-file')) throw new UsageError('One of the reset scopes should be defined: --all-input-topics, --input-topic.');
}

async function act(cluster: Cluster, action: Exclude<GroupAction, 'list'>, groupIds: readonly string[], options: Options, environment: ToolEnvironment): Promise<void> {
  if (action === 'describe') return (await import('./describe.ts')).describeStreams(cluster, groupIds, options, environment);
  return (await import('./change.ts')).changeStreams(cluster, action, groupIds, options, environment);
}
