import { describeCluster } from '../../../client/admin/clusterInfo.ts';
import { listConsumerGroupOffsets } from '../../../client/admin/groupOffsets.ts';
import { OffsetSpec } from '../../../client/admin/listOffsets.ts';
import { valueOf, valuesOf } from '../../../client/admin/outcome.ts';
import { comparePartitions } from '../../../client/admin/partitionMap.ts';
import { describeStreamsGroups, type StreamsGroupDescription } from '../../../client/admin/streamsGroups.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { printJson } from '../../adminTool.ts';
import type { Options } from '../../options.ts';
import { row, widthOf } from '../../table.ts';
import type { ToolEnvironment } from '../../tool.ts';
import { coordinatorText } from '../consumer/describe.ts';
import { logEnds, lookUp } from '../offsetLookup.ts';
import { tellState } from '../stateLines.ts';

const MIN = 15;
const table = (cells: readonly (readonly string[])[], widths: readonly number[]): string => `\n${cells.map((each) => `${row(each, widths)}\n`).join('')}`;

/** Describes streams groups in the view that the options choose. */
export async function describeStreams(cluster: Cluster, groupIds: readonly string[], options: Options, environment: ToolEnvironment): Promise<void> {
  const groups = [...valuesOf(await describeStreamsGroups(cluster, groupIds)).values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  if (options.has('members')) return members(groups, options, environment);
  if (options.has('state')) return states(cluster, groups, options, environment);
  return offsets(cluster, groups, options, environment);
}

async function offsets(cluster: Cluster, groups: readonly StreamsGroupDescription[], options: Options, environment: ToolEnvironment): Promise<void> {
  const committed = valuesOf(await listConsumerGroupOffsets(cluster, new Map(groups.map(({ groupId }) => [groupId, null]))));
  const isVerbose = options.has('verbose');
  const json: unknown[] = [];
  for (const group of groups) {
    const found = [...(committed.get(group.groupId) ?? [])].sort(([a], [b]) => comparePartitions(a, b)).map(([key, outcome]) => [key, valueOf(outcome)] as const);
    const keys = found.map(([key]) => key);
    const ends = await logEnds(cluster, keys);
    const starts = await lookUp(cluster, keys, OffsetSpec.earliest);
    const rows = found.map(([key, at]) => {
      const end = ends.get(key) ?? null;
      // what was not committed begins at the start of the log
      const from = at?.offset ?? starts.get(key)?.value?.offset ?? null;
      return { group: group.groupId, ...key, currentOffset: at?.offset ?? null, leaderEpoch: at === null || at.leaderEpoch < 0 ? null : at.leaderEpoch, logEndOffset: end, lag: end === null || from === null ? null : end - from };
    });
    json.push(...rows);
    if (options.has('json') || !(await tellState(group.groupId, group.groupState, 1, 'streams', environment))) continue;
    const shown = (value: number | null) => (value === null ? '-' : String(value));
    const widths = [widthOf([group.groupId], MIN), widthOf(rows.map(({ topic }) => topic), MIN), 10, ...(isVerbose ? [MIN, MIN, MIN, MIN] : [])];
    const header = ['GROUP', 'TOPIC', 'PARTITION', ...(isVerbose ? ['CURRENT-OFFSET', 'LEADER-EPOCH', 'LOG-END-OFFSET'] : []), 'OFFSET-LAG'];
    const cells = rows.map((each) => [each.group, each.topic, String(each.partition), ...(isVerbose ? [shown(each.currentOffset), shown(each.leaderEpoch), shown(each.logEndOffset)] : []), shown(each.lag)]);
    await environment.terminal.print(table([header, ...cells], widths));
  }
  if (options.has('json')) await printJson(environment, json);
}

type Assignment = StreamsGroupDescription['members'][number]['assignment'];

function tasksText({ activeTasks, standbyTasks, warmupTasks }: Assignment, prefix = ''): string {
  const kinds = [[`${prefix}ACTIVE`, activeTasks], [`${prefix}STANDBY`, standbyTasks], [`${prefix}WARMUP`, warmupTasks]] as const;
  return kinds.filter(([, tasks]) => tasks.length > 0).map(([name, tasks]) => `${name}: ${tasks.map(({ subtopologyId, partitions }) => `${subtopologyId}:[${partitions.join(',')}]`).join('; ')}`).join(' ');
}

async function members(groups: readonly StreamsGroupDescription[], options: Options, environment: ToolEnvironment): Promise<void> {
  if (options.has('json')) return printJson(environment, groups.flatMap(({ groupId, members: list }) => list.map((member) => ({ group: groupId, ...member }))));
  const isVerbose = options.has('verbose');
  for (const group of groups) {
    if (!(await tellState(group.groupId, group.groupState, group.members.length, 'streams', environment))) continue;
    const more = (...texts: string[]) => (isVerbose ? texts : []);
    const cells = group.members.map((member) => [
      group.groupId, ...more(String(group.assignmentEpoch), String(member.topologyEpoch)), member.memberId, ...more(member.isClassic ? 'classic' : 'streams', String(member.memberEpoch)), member.processId, member.clientId,
      [tasksText(member.assignment), ...more(tasksText(member.targetAssignment, 'TARGET-'))].filter((text) => text !== '').join(' '),
    ]);
    const ids = widthOf(group.members.map(({ memberId }) => memberId), MIN);
    const processes = widthOf(group.members.map(({ processId }) => processId), MIN);
    const clients = widthOf(group.members.map(({ clientId }) => clientId), MIN);
    const widths = [widthOf([group.groupId], MIN), ...(isVerbose ? [25, MIN] : []), ids, ...(isVerbose ? [MIN, MIN] : []), processes, clients];
    await environment.terminal.print(table([['GROUP', ...more('TARGET-ASSIGNMENT-EPOCH', 'TOPOLOGY-EPOCH'), 'MEMBER', ...more('MEMBER-PROTOCOL', 'MEMBER-EPOCH'), 'PROCESS', 'CLIENT-ID', 'ASSIGNMENTS'], ...cells], widths));
  }
}

async function states(cluster: Cluster, groups: readonly StreamsGroupDescription[], options: Options, environment: ToolEnvironment): Promise<void> {
  const { nodes } = await describeCluster(cluster);
  if (options.has('json')) return printJson(environment, groups.map(({ members: list, groupId, groupState, groupEpoch, assignmentEpoch, coordinatorId }) => ({ group: groupId, state: groupState, groupEpoch, assignmentEpoch, coordinatorId, memberCount: list.length })));
  const isVerbose = options.has('verbose');
  for (const group of groups) {
    if (!(await tellState(group.groupId, group.groupState, 1, 'streams', environment))) continue;
    const coordinator = coordinatorText(group.coordinatorId, nodes);
    const epochs = (...texts: string[]) => (isVerbose ? texts : []);
    const widths = [widthOf([group.groupId], MIN), widthOf([coordinator], 25), 25, ...(isVerbose ? [MIN, 25] : [])];
    await environment.terminal.print(table([
      ['GROUP', 'COORDINATOR (ID)', 'STATE', ...epochs('GROUP-EPOCH', 'TARGET-ASSIGNMENT-EPOCH'), '#MEMBERS'],
      [group.groupId, coordinator, group.groupState, ...epochs(String(group.groupEpoch), String(group.assignmentEpoch)), String(group.members.length)],
    ], widths));
  }
}
