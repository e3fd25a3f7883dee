import { describeCluster } from '../../../client/admin/clusterInfo.ts';
import { comparePartitions } from '../../../client/admin/partitionMap.ts';
import { valueOf, valuesOf } from '../../../client/admin/outcome.ts';
import { describeShareGroups, listShareGroupOffsets, type ShareGroupDescription } from '../../../client/admin/shareGroups.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { printJson } from '../../adminTool.ts';
import type { Options } from '../../options.ts';
import { row, widthOf } from '../../table.ts';
import type { ToolEnvironment } from '../../tool.ts';
import { assignmentText, coordinatorText } from '../consumer/describe.ts';

const MIN = 15;

/** Describes share groups in the view that the options choose. */
export async function describeShare(cluster: Cluster, groupIds: readonly string[], options: Options, environment: ToolEnvironment): Promise<void> {
  const groups = [...valuesOf(await describeShareGroups(cluster, groupIds)).values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  if (options.has('members')) return members(groups, options, environment);
  if (options.has('state')) return states(cluster, groups, options, environment);
  return offsets(cluster, groups, options, environment);
}

/** Lines of a table, of which the first is the header. */
const table = (cells: readonly (readonly string[])[], widths: readonly number[]): string => `\n${cells.map((each) => `${row(each, widths)}\n`).join('')}`;

async function offsets(cluster: Cluster, groups: readonly ShareGroupDescription[], options: Options, environment: ToolEnvironment): Promise<void> {
  const found = valuesOf(await listShareGroupOffsets(cluster, new Map(groups.map(({ groupId }) => [groupId, null]))));
  const isVerbose = options.has('verbose');
  const rows = groups.map(({ groupId }) => ({
    groupId,
    rows: [...(found.get(groupId) ?? [])].sort(([a], [b]) => comparePartitions(a, b)).map(([key, outcome]) => ({ group: groupId, ...key, offset: valueOf(outcome) })),
  }));
  if (options.has('json')) {
    return printJson(environment, rows.flatMap((each) => each.rows.map(({ group, topic, partition, offset }) => ({ group, topic, partition, startOffset: offset?.startOffset ?? null, leaderEpoch: offset?.leaderEpoch ?? null, lag: offset === null || offset.lag < 0 ? null : offset.lag }))));
  }
  for (const { groupId, rows: list } of rows) {
    if (list.length === 0) {
      environment.terminal.complain(`\nShare group '${groupId}' has no offset information.`);
      continue;
    }
    const epoch = (text: string) => (isVerbose ? [text] : []);
    const shown = (value: number | undefined) => (value === undefined || value < 0 ? '-' : String(value));
    const cells = list.map(({ group, topic, partition, offset }) => [group, topic, String(partition), ...epoch(shown(offset?.leaderEpoch)), shown(offset?.startOffset), shown(offset?.lag)]);
    const widths = [widthOf([groupId], MIN), widthOf(list.map(({ topic }) => topic), MIN), 10, ...(isVerbose ? [13] : []), 13];
    await environment.terminal.print(table([['GROUP', 'TOPIC', 'PARTITION', ...epoch('LEADER-EPOCH'), 'START-OFFSET', 'LAG'], ...cells], widths));
  }
}

async function members(groups: readonly ShareGroupDescription[], options: Options, environment: ToolEnvironment): Promise<void> {
  if (options.has('json')) return printJson(environment, groups.flatMap(({ groupId, members: list }) => list.map((member) => ({ group: groupId, ...member }))));
  const isVerbose = options.has('verbose');
  for (const { groupId, members: list } of groups) {
    if (list.length === 0) {
      environment.terminal.complain(`\nShare group '${groupId}' has no active members.`);
      continue;
    }
    const epoch = (text: string) => (isVerbose ? [text] : []);
    const cells = list.map((member) => [groupId, member.memberId, member.host, member.clientId, String(member.assignment.length), ...epoch(String(member.memberEpoch)), assignmentText(member.assignment) || '-']);
    const widths = [widthOf([groupId], MIN), widthOf(list.map(({ memberId }) => memberId), MIN), widthOf(list.map(({ host }) => host), MIN), widthOf(list.map(({ clientId }) => clientId), MIN), 12, ...(isVerbose ? [13] : [])];
    await environment.terminal.print(table([['GROUP', 'CONSUMER-ID', 'HOST', 'CLIENT-ID', '#PARTITIONS', ...epoch('MEMBER-EPOCH'), 'ASSIGNMENT'], ...cells], widths));
  }
}

async function states(cluster: Cluster, groups: readonly ShareGroupDescription[], options: Options, environment: ToolEnvironment): Promise<void> {
  const { nodes } = await describeCluster(cluster);
  if (options.has('json')) return printJson(environment, groups.map(({ members: list, ...rest }) => ({ ...rest, memberCount: list.length })));
  const isVerbose = options.has('verbose');
  for (const group of groups) {
    if (group.state === 'Empty') environment.terminal.complain(`\nShare group '${group.groupId}' has no active members.`);
    const coordinator = coordinatorText(group.coordinatorId, nodes);
    const epochs = (...texts: string[]) => (isVerbose ? texts : []);
    const widths = [widthOf([group.groupId], MIN), widthOf([coordinator], 25), MIN, ...(isVerbose ? [12, 17] : [])];
    await environment.terminal.print(table([
      ['GROUP', 'COORDINATOR (ID)', 'STATE', ...epochs('GROUP-EPOCH', 'ASSIGNMENT-EPOCH'), '#MEMBERS'],
      [group.groupId, coordinator, group.state, ...epochs(String(group.groupEpoch), String(group.targetAssignmentEpoch)), String(group.members.length)],
    ], widths));
  }
}
