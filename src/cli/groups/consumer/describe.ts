import { describeConsumerGroups, type GroupDescription, type GroupMember } from '../../../client/admin/describeGroups.ts';
import { describeCluster, type ClusterNode } from '../../../client/admin/clusterInfo.ts';
import { listConsumerGroupOffsets, type CommittedOffset } from '../../../client/admin/groupOffsets.ts';
import { GroupType } from '../../../client/admin/groups.ts';
import { valueOf, valuesOf } from '../../../client/admin/outcome.ts';
import { byTopic, comparePartitions, PartitionMap, type TopicPartition } from '../../../client/admin/partitionMap.ts';
import type { Cluster } from '../../../client/core/cluster.ts';
import { printJson } from '../../adminTool.ts';
import type { Options } from '../../options.ts';
import { row, widthOf } from '../../table.ts';
import type { ToolEnvironment } from '../../tool.ts';
import { logEnds } from '../offsetLookup.ts';
import { tellState } from '../stateLines.ts';

const NONE = '-';
const MIN = 15;

/** Describes groups in the view that the options choose. */
export async function describeGroups(cluster: Cluster, groupIds: readonly string[], options: Options, environment: ToolEnvironment): Promise<void> {
  const described = valuesOf(await describeConsumerGroups(cluster, groupIds));
  const groups = [...described.values()].sort((a, b) => (a.groupId < b.groupId ? -1 : 1));
  const isVerbose = options.has('verbose');
  if (options.has('members')) return printMembers(groups, isVerbose, options, environment);
  if (options.has('state')) return printStates(cluster, groups, isVerbose, options, environment);
  return printOffsets(cluster, groups, isVerbose, options, environment);
}

interface OffsetRow {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly leaderEpoch: number | null;
  readonly currentOffset: number | null;
  readonly logEndOffset: number | null;
  readonly lag: number | null;
  readonly consumerId: string | null;
  readonly host: string | null;
  readonly clientId: string | null;
}

async function printOffsets(cluster: Cluster, groups: readonly GroupDescription[], isVerbose: boolean, options: Options, environment: ToolEnvironment): Promise<void> {
  const offsets = valuesOf(await listConsumerGroupOffsets(cluster, new Map(groups.map(({ groupId }) => [groupId, null]))));
  const described = await Promise.all(groups.map(async (group) => {
    const committed = new PartitionMap([...(offsets.get(group.groupId) ?? [])].map(([key, outcome]) => [key, valueOf(outcome)] as const));
    return { group, rows: await rowsOf(cluster, group, committed) };
  }));
  if (options.has('json')) return printJson(environment, described.flatMap(({ rows }) => rows));
  for (const { group, rows } of described) if (await tellState(group.groupId, group.state, rows.length, 'consumer', environment)) await environment.terminal.print(offsetsText(rows, isVerbose));
}

async function rowsOf(cluster: Cluster, group: GroupDescription, committed: PartitionMap<CommittedOffset | null>): Promise<OffsetRow[]> {
  const owners = new PartitionMap<GroupMember>();
  const members = group.members.filter(({ assignment }) => assignment.length > 0).sort((a, b) => b.assignment.length - a.assignment.length);
  for (const member of members) for (const key of member.assignment) owners.set(key, member);
  const owned = members.flatMap(({ assignment }) => [...assignment].sort(comparePartitions));
  const rest = [...committed].flatMap(([key, value]) => (value !== null && !owners.has(key) ? [key] : [])).sort(comparePartitions);
  const ends = await logEnds(cluster, [...owned, ...rest]);
  return [...owned, ...rest].map((key): OffsetRow => {
    const at = committed.get(key) ?? null;
    const end = ends.get(key) ?? null;
    const owner = owners.get(key);
    return {
      group: group.groupId, topic: key.topic, partition: key.partition, leaderEpoch: at === null || at.leaderEpoch < 0 ? null : at.leaderEpoch, currentOffset: at?.offset ?? null, logEndOffset: end,
      lag: at === null || end === null ? null : end - at.offset, consumerId: owner?.memberId ?? null, host: owner?.host ?? null, clientId: owner?.clientId ?? null,
    };
  });
}

function offsetsText(rows: readonly OffsetRow[], isVerbose: boolean): string {
  const shown = (value: string | number | null) => (value === null ? NONE : String(value));
  const epoch = (text: string) => (isVerbose ? [text] : []);
  const header = ['GROUP', 'TOPIC', 'PARTITION', ...epoch('LEADER-EPOCH'), 'CURRENT-OFFSET', 'LOG-END-OFFSET', 'LAG', 'CONSUMER-ID', 'HOST', 'CLIENT-ID'];
  const lines = rows.map((each) => [
    each.group, each.topic, String(each.partition), ...epoch(shown(each.leaderEpoch)), shown(each.currentOffset), shown(each.logEndOffset), shown(each.lag), shown(each.consumerId), shown(each.host), shown(each.clientId),
  ]);
  const widths = [
    widthOf(rows.map(({ group }) => group), MIN), widthOf(rows.map(({ topic }) => topic), MIN), 10, ...(isVerbose ? [MIN] : []), MIN, MIN, MIN,
    widthOf(rows.map(({ consumerId }) => shown(consumerId)), MIN), widthOf(rows.map(({ host }) => shown(host)), MIN),
  ];
  return `${[header, ...lines].map((cells) => `\n${row(cells, widths)}`).join('')}\n`;
}

async function printMembers(groups: readonly GroupDescription[], isVerbose: boolean, options: Options, environment: ToolEnvironment): Promise<void> {
  if (options.has('json')) return printJson(environment, groups.flatMap(({ groupId, members }) => members.map((member) => ({ group: groupId, ...member }))));
  for (const group of groups) {
    await tellState(group.groupId, group.state, group.members.length, 'consumer', environment);
    await environment.terminal.print(membersText(group, isVerbose));
  }
}

function membersText({ groupId, members, type }: GroupDescription, isVerbose: boolean): string {
  const hasInstances = members.some(({ groupInstanceId }) => groupInstanceId !== null);
  const isMixed = type === GroupType.consumer && members.some(({ isClassic }) => isClassic === true);
  const cells = (group: string, id: string, instance: string, host: string, client: string, count: string, more: readonly string[]) =>
    [group, id, ...(hasInstances ? [instance] : []), host, client, count, ...(isVerbose ? more : [])];
  const header = cells('GROUP', 'CONSUMER-ID', 'GROUP-INSTANCE-ID', 'HOST', 'CLIENT-ID', '#PARTITIONS', ['CURRENT-EPOCH', 'CURRENT-ASSIGNMENT', 'TARGET-EPOCH', 'TARGET-ASSIGNMENT', ...(isMixed ? ['UPGRADED'] : [])]);
  const lines = members.map((member) => cells(groupId, member.memberId, member.groupInstanceId ?? '', member.host, member.clientId, String(member.assignment.length), [
    epochText(member.memberEpoch), assignmentText(member.assignment) || NONE, epochText(member.memberEpoch), assignmentText(member.targetAssignment ?? []) || NONE, ...(isMixed ? [String(member.isClassic === false)] : []),
  ]));
  const width = (text: (member: GroupMember) => string, min = MIN) => widthOf(members.map(text), min);
  const widths = [
    widthOf(members.length > 0 ? [groupId] : [], MIN), width(({ memberId }) => memberId), ...(hasInstances ? [width(({ groupInstanceId }) => groupInstanceId ?? '', 17)] : []),
    width(({ host }) => host), width(({ clientId }) => clientId), MIN, MIN, width(({ assignment }) => assignmentText(assignment), 20), MIN, width(({ targetAssignment }) => assignmentText(targetAssignment ?? []), 20),
  ];
  const last = isVerbose ? '' : ' ';
  return `\n${[header, ...lines].map((each) => `${row(each, widths)}${last}\n`).join('')}`;
}

const epochText = (epoch: number | null): string => (epoch === null ? NONE : String(epoch));

/** `topic:0,1;other:0` */
export function assignmentText(assignment: readonly TopicPartition[]): string {
  return [...byTopic([...assignment].sort(comparePartitions))].map(([topic, list]) => `${topic}:${list.map(({ partition }) => partition).join(',')}`).join(';');
}

async function printStates(cluster: Cluster, groups: readonly GroupDescription[], isVerbose: boolean, options: Options, environment: ToolEnvironment): Promise<void> {
  const { nodes } = await describeCluster(cluster);
  const states = groups.map((group) => ({ group, coordinator: coordinatorText(group.coordinatorId, nodes) }));
  if (options.has('json')) {
    return printJson(environment, states.map(({ group }) => ({
      group: group.groupId, coordinatorId: group.coordinatorId, type: group.type, assignor: group.assignor, state: group.state, groupEpoch: group.groupEpoch,
      targetAssignmentEpoch: group.targetAssignmentEpoch, memberCount: group.members.length,
    })));
  }
  for (const { group, coordinator } of states) if (await tellState(group.groupId, group.state, 1, 'consumer', environment)) await environment.terminal.print(stateText(group, coordinator, isVerbose));
}

export function coordinatorText(id: number, nodes: readonly ClusterNode[]): string {
  const node = nodes.find((candidate) => candidate.id === id);
  return node === undefined ? `(${id})` : `${node.host}:${node.port}  (${id})`;
}

function stateText(group: GroupDescription, coordinator: string, isVerbose: boolean): string {
  const epochs = (...texts: string[]) => (isVerbose ? texts : []);
  const header = ['GROUP', 'COORDINATOR (ID)', 'ASSIGNMENT-STRATEGY', 'STATE', ...epochs('GROUP-EPOCH', 'TARGET-ASSIGNMENT-EPOCH'), '#MEMBERS'];
  const line = [group.groupId, coordinator, group.assignor === '' ? NONE : group.assignor, group.state, ...epochs(epochText(group.groupEpoch), epochText(group.targetAssignmentEpoch)), String(group.members.length)];
  const widths = [widthOf([group.groupId], MIN), widthOf([coordinator], 25), 20, 20, ...(isVerbose ? [MIN, 25] : [])];
  return `\n${row(header, widths)}\n${row(line, widths)}\n`;
}
