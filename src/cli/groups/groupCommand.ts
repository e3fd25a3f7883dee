/** What kafka-share-groups and kafka-streams-groups have in common. */
import { GroupType, listGroups } from '../../client/admin/groups.ts';
import { ClientError } from '../../client/core/clientError.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { printJson, withCluster } from '../adminTool.ts';
import { javaException, javaMessage } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import { row, widthOf } from '../table.ts';
import type { ToolEnvironment } from '../tool.ts';
import { UsageError } from '../toolError.ts';
import { parseNames } from './consumer/list.ts';

const ACTIONS = ['list', 'describe', 'delete', 'reset-offsets', 'delete-offsets'] as const;
export type GroupAction = (typeof ACTIONS)[number];
const GROUP_WIDTH = 15;

export interface GroupCommand {
  readonly type: typeof GroupType.share | typeof GroupType.streams;
  /** What --state of --list takes. */
  readonly states: readonly string[];
  /** Throws UsageError for options that do not fit the action. */
  check(action: GroupAction, options: Options): void;
  act(cluster: Cluster, action: Exclude<GroupAction, 'list'>, groupIds: readonly string[], options: Options, environment: ToolEnvironment): Promise<void>;
}

/** Does the one action that the options name. False: it failed, and that was said on standard output. */
export async function runGroupCommand(command: GroupCommand, options: Options, environment: ToolEnvironment): Promise<boolean> {
  const actions = ACTIONS.filter((action) => options.has(action));
  const [action] = actions;
  if (action === undefined || actions.length > 1) throw new UsageError(`Command must include exactly one action: ${ACTIONS.map((name) => `--${name}`).join(', ')}.`);
  command.check(action, options);
  if (options.has('group') && options.has('all-groups')) throw new UsageError(`Option [${action}] takes either [group] or [all-groups], not both.`);
  const views = ['members', 'offsets', 'state'].filter((view) => options.has(view));
  if (action === 'describe' && views.length > 1) throw new UsageError('Option [describe] takes at most one of these options: [members], [offsets], [state]');
  try {
    await withCluster(options, environment, (cluster) => act(cluster, command, action, options, environment), { timeoutMs: options.number('timeout') });
    return true;
  } catch (error) {
    if (error instanceof UsageError || environment.interrupted.aborted) throw error;
    const isFromCluster = (error instanceof KafkaError || error instanceof ClientError) && !(command.type === GroupType.share && action === 'reset-offsets');
    await environment.terminal.print(`\nError: Executing ${command.type.toLowerCase()} group command failed due to ${isFromCluster ? javaException(error) : javaMessage(error)}\n`);
    return false;
  }
}

async function act(cluster: Cluster, command: GroupCommand, action: GroupAction, options: Options, environment: ToolEnvironment): Promise<void> {
  if (action === 'list') return list(cluster, command, options, environment);
  const groupIds = options.has('all-groups') ? (await listGroups(cluster, { types: [command.type] })).map(({ groupId }) => groupId) : [...new Set(options.values('group'))];
  return command.act(cluster, action, groupIds, options, environment);
}

async function list(cluster: Cluster, { type: wanted, states: known }: GroupCommand, options: Options, environment: ToolEnvironment): Promise<void> {
  const states = parseNames(options.value('state') ?? '', known, 'state');
  const groups = (await listGroups(cluster, { types: [wanted], states })).filter(({ type }) => type === wanted);
  if (options.has('json')) return printJson(environment, groups.map(({ groupId, state }) => ({ group: groupId, state })));
  if (!options.has('state')) return environment.terminal.print(groups.map(({ groupId }) => `${groupId}\n`).join(''));
  const widths = [widthOf(groups.map(({ groupId }) => groupId), GROUP_WIDTH)];
  await environment.terminal.print([['GROUP', 'STATE'], ...groups.map(({ groupId, state }) => [groupId, state])].map((cells) => `${row(cells, widths)}\n`).join(''));
}
