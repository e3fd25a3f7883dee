/** StreamsGroupHeartbeat: a thread of a Streams application joins, says what it runs, hears what to run, and leaves. */
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import { makeStreamsGroupHeartbeatResponse } from '../../../protocol/generated/streamsGroupHeartbeat.ts';
import type { EndpointToPartitions, StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse } from '../../../protocol/generated/streamsGroupHeartbeat.ts';
import type { GroupClient } from '../classic/join.ts';
import type { Draft } from '../draft.ts';
import { endEmpty } from '../consumer/upgrade.ts';
import { valueFor } from '../modern/settings.ts';
import { MEMBER_PROTOCOL_BYTES_MAX } from '../settings.ts';
import { streamsGroupOf } from './apply.ts';
import { checkStreamsRequest } from './checks.ts';
import { endpointsOf } from './endpoints.ts';
import { raiseStreamsEpoch } from './epoch.ts';
import { fenceStreamsMember, resetStreamsSession, watchTaskRevocation } from './fence.ts';
import { StreamsGroup } from './group.ts';
import { hasSameFacts, hasSameProgress, LEAVE_EPOCH, memberBytes, memberRecord, newStreamsMember, progressRecord } from './member.ts';
import type { StreamsMember } from './member.ts';
import { reconcileTasks } from './reconcile.ts';
import { beginInitialDelay, updateStreamsTarget } from './target.ts';
import type { TargetUpdate } from './target.ts';
import { hasSameTasks, isWithin, NO_TASKS, taskList, tasksOf } from './tasks.ts';
import type { TasksByRole } from './tasks.ts';
import { isSameTopology, normalTopology, StreamsStatus } from './topology.ts';
import type { InternalTopic } from './topology.ts';

type Statuses = { statusCode: number; statusDetail: string }[];

export interface StreamsHeartbeat {
  readonly response: StreamsGroupHeartbeatResponse;
  /** Topics that the application needs and that are to be made for it. */
  readonly missingTopics: readonly InternalTopic[];
}

/** Throws KafkaError. */
export function streamsHeartbeat(draft: Draft, request: StreamsGroupHeartbeatRequest, client: GroupClient): StreamsHeartbeat {
  checkStreamsRequest(request);
  if (request.memberEpoch === LEAVE_EPOCH) return leave(draft, request);
  const { state } = draft;
  const { cluster } = state;
  const isJoining = request.memberEpoch === 0;
  const group = groupFor(draft, request.groupId, isJoining);
  if (isJoining) checkRoom(group, request.memberId, state.settings.streams.membersMax);
  const owned = ownedTasks(request);
  const before = memberFor(group, request, isJoining, owned ?? NO_TASKS);
  const wasEmpty = group.isEmpty;
  const member = updated(before, request, client);
  const isNews = !group.members.has(member.memberId) || !hasSameFacts(before, member);
  if (isNews) {
    takeMemory(draft, memberBytes(member));
    draft.put('streamsMember', group.groupId, member.memberId, memberRecord(member));
  }
  takeTopology(draft, group, request);
  checkOwned(group, draft, owned);
  raiseStreamsEpoch(draft, group, isNews);
  if (wasEmpty) beginInitialDelay(state, group);
  const update = updateStreamsTarget(draft, group);
  const after = advance(draft, group, member.memberId, update, owned);
  resetStreamsSession(state, group, after);
  if (request.shutdownApplication) group.shutdownMemberId = after.memberId;
  const hasOtherTasks = !hasSameTasks(before.assigned, after.assigned);
  if ((isJoining || hasOtherTasks) && after.endpoint !== null) group.endpointEpoch++;
  const { missingTopics } = group.configured(cluster);
  return { response: answerOf(draft, group, request, after, isJoining || hasOtherTasks, update), missingTopics };
}

function leave(draft: Draft, { groupId, memberId, memberEpoch, shutdownApplication }: StreamsGroupHeartbeatRequest): StreamsHeartbeat {
  const group = streamsGroupOf(draft.state, groupId);
  if (group === undefined) throw notFound(draft, groupId);
  const member = group.members.get(memberId);
  if (member === undefined) throw unknownMember(group, memberId);
  if (shutdownApplication) group.shutdownMemberId = memberId;
  fenceStreamsMember(draft, group, member);
  return { response: makeStreamsGroupHeartbeatResponse({ memberId, memberEpoch, status: [] }), missingTopics: [] };
}

function notFound({ state }: Draft, groupId: string): KafkaError {
  return new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, state.groups.has(groupId) ? `Group ${groupId} is not a streams group.` : `Streams group ${groupId} not found.`);
}

function unknownMember(group: StreamsGroup, memberId: string): KafkaError {
  return new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${group.groupId}.`);
}

/** A joining member may found the group, also in place of an empty classic one. */
function groupFor(draft: Draft, groupId: string, isJoining: boolean): StreamsGroup {
  const { state } = draft;
  const known = streamsGroupOf(state, groupId);
  if (known !== undefined) return known;
  const classic = state.classicGroup(groupId);
  const isFree = !state.groups.has(groupId) || classic?.isEmpty === true;
  if (!isJoining || !isFree) throw notFound(draft, groupId);
  if (classic !== undefined) endEmpty(draft, classic);
  const group = new StreamsGroup(groupId);
  state.groups.set(groupId, group);
  draft.onUndo(() => {
    if (state.groups.get(groupId) === group) state.groups.delete(groupId);
  });
  return group;
}

function checkRoom(group: StreamsGroup, memberId: string, membersMax: number): void {
  if (group.members.size < membersMax || group.members.has(memberId)) return;
  throw new KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED, `The streams group has reached its maximum capacity of ${membersMax} members.`);
}

function ownedTasks({ activeTasks, standbyTasks, warmupTasks }: StreamsGroupHeartbeatRequest): TasksByRole | null {
  if (activeTasks === null || standbyTasks === null || warmupTasks === null) return null;
  return { active: tasksOf(activeTasks), standby: tasksOf(standbyTasks), warmup: tasksOf(warmupTasks) };
}

function memberFor(group: StreamsGroup, { memberId, memberEpoch }: StreamsGroupHeartbeatRequest, isJoining: boolean, owned: TasksByRole): StreamsMember {
  const member = group.members.get(memberId);
  if (member === undefined && !isJoining) throw unknownMember(group, memberId);
  if (member === undefined) return newStreamsMember(memberId);
  if (isJoining || memberEpoch === member.epoch) return member;
  if (memberEpoch === member.previousEpoch && memberEpoch < member.epoch && isWithin(owned, member.assigned)) return member;
  const relation = memberEpoch > member.epoch ? 'greater' : 'smaller';
  throw new KafkaError(ErrorCode.FENCED_MEMBER_EPOCH,
    `The streams group member has a ${relation} member epoch (${memberEpoch}) than the one known by the group coordinator (${member.epoch}). The member must abandon all its partitions and rejoin.`);
}

function updated(before: StreamsMember, request: StreamsGroupHeartbeatRequest, client: GroupClient): StreamsMember {
  const { clientTags, userEndpoint } = request;
  return {
    ...before,
    rackId: request.rackId ?? before.rackId,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    topologyEpoch: request.topology?.epoch ?? before.topologyEpoch,
    processId: request.processId ?? before.processId,
    endpoint: userEndpoint === null ? before.endpoint : { host: userEndpoint.host, port: userEndpoint.port },
    clientTags: clientTags === null ? before.clientTags : clientTags.map(({ key, value }) => ({ key, value })).toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    clientId: client.clientId,
    clientHost: client.host,
  };
}

/** What members say is kept as long as they are there: it has a limit, alone and together. */
function takeMemory({ state }: Draft, bytes: number): void {
  if (bytes > MEMBER_PROTOCOL_BYTES_MAX) throw new KafkaError(ErrorCode.INVALID_REQUEST, 'The member says too much of itself.');
  if (!state.takeProtocolBytes(bytes)) throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'The members of the groups hold too much memory.');
}

/** The first topology is that of the group; others must be the same, or older. */
function takeTopology(draft: Draft, group: StreamsGroup, { topology }: StreamsGroupHeartbeatRequest): void {
  if (topology === null) return;
  const told = normalTopology(topology);
  if (group.topology === null) {
    takeMemory(draft, JSON.stringify(told).length);
    return draft.put('streamsTopology', group.groupId, '', told);
  }
  if (group.topology.epoch > told.epoch) return;
  if (!isSameTopology(group.topology, told)) throw new KafkaError(ErrorCode.INVALID_REQUEST, 'Topology updates are not supported yet.');
}

/** Tasks that a member says it has must be tasks of the topology. */
function checkOwned(group: StreamsGroup, { state }: Draft, owned: TasksByRole | null): void {
  const { taskCounts, problem } = group.configured(state.cluster);
  if (owned === null || taskCounts === null || problem !== null) return;
  for (const tasks of Object.values(owned)) {
    for (const [subtopologyId, partitions] of tasks) {
      const count = taskCounts.get(subtopologyId);
      if (count === undefined) throw new KafkaError(ErrorCode.INVALID_REQUEST, `Subtopology ${subtopologyId} does not exist in the topology.`);
      for (const partition of partitions) {
        if (partition < 0 || partition >= count) {
          throw new KafkaError(ErrorCode.INVALID_REQUEST, `Task ${partition} for subtopology ${subtopologyId} is invalid. Number of tasks for this subtopology: ${count}`);
        }
      }
    }
  }
}

function advance(draft: Draft, group: StreamsGroup, memberId: string, update: TargetUpdate, owned: TasksByRole | null): StreamsMember {
  const member = group.members.get(memberId)!;
  const next = reconcileTasks(member, {
    target: { epoch: group.assignmentEpoch, tasks: update === 'initialDelay' ? NO_TASKS : group.targetOf(memberId) },
    owned,
    isHeld: (role, subtopologyId, partition) => group.isHeld(role, subtopologyId, partition, member.processId),
  });
  if (hasSameProgress(member, next)) return member;
  draft.put('streamsCurrent', group.groupId, memberId, progressRecord(next));
  watchTaskRevocation(draft.state, group, next);
  return next;
}

function answerOf(
  { state }: Draft, group: StreamsGroup, request: StreamsGroupHeartbeatRequest, member: StreamsMember, isToldTasks: boolean, update: TargetUpdate,
): StreamsGroupHeartbeatResponse {
  const { assigned } = member;
  let endpoints: EndpointToPartitions[] | null = null;
  if (group.endpointEpoch !== request.endpointInformationEpoch) endpoints = endpointsOf(group, state.cluster);
  return makeStreamsGroupHeartbeatResponse({
    memberId: member.memberId,
    memberEpoch: member.epoch,
    heartbeatIntervalMs: valueFor(state.settings.streams, 'heartbeatIntervalMs', 'streams', state.cluster.groupConfigOf(group.groupId)),
    status: statusesOf(group, member, update, state.cluster),
    activeTasks: isToldTasks ? taskList(assigned.active) : null,
    standbyTasks: isToldTasks ? taskList(assigned.standby) : null,
    warmupTasks: isToldTasks ? taskList(assigned.warmup) : null,
    endpointInformationEpoch: group.endpointEpoch,
    partitionsByUserEndpoint: endpoints,
  });
}

function statusesOf(group: StreamsGroup, member: StreamsMember, update: TargetUpdate, cluster: Parameters<StreamsGroup['configured']>[0]): Statuses {
  const statuses: Statuses = [];
  const { topology, shutdownMemberId } = group;
  if (topology !== null && member.topologyEpoch < topology.epoch) {
    statuses.push({ statusCode: StreamsStatus.staleTopology, statusDetail: `The member's topology epoch ${member.topologyEpoch} is behind the group's topology epoch ${topology.epoch}.` });
  }
  if (update !== 'done') {
    const reason = update === 'initialDelay' ? 'initial rebalance delay' : 'assignment interval';
    statuses.push({ statusCode: StreamsStatus.assignmentDelayed, statusDetail: `Assignment delayed due to the configured ${reason}.` });
  }
  const { problem } = group.configured(cluster);
  if (problem !== null) statuses.push({ statusCode: problem.status, statusDetail: problem.detail });
  if (shutdownMemberId !== null) {
    const statusDetail = `Streams group member ${shutdownMemberId} encountered a fatal error and requested a shutdown for the entire application.`;
    statuses.push({ statusCode: StreamsStatus.shutdownApplication, statusDetail });
  }
  return statuses;
}
