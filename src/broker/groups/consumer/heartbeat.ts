/** ConsumerGroupHeartbeat: a member joins, says what it wants and what it has, hears what it gets, and leaves. */
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import { makeConsumerGroupHeartbeatResponse } from '../../../protocol/generated/consumerGroupHeartbeat.ts';
import type { ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse } from '../../../protocol/generated/consumerGroupHeartbeat.ts';
import type { GroupClient, TopicAccess } from '../classic/join.ts';
import type { Draft } from '../draft.ts';
import { hasSamePartitions, listOf } from '../modern/assignment.ts';
import { valueFor } from '../modern/settings.ts';
import { MEMBER_PROTOCOL_BYTES_MAX } from '../settings.ts';
import { checkRequest } from './checks.ts';
import { raiseEpoch } from './epoch.ts';
import { resetSession, watchRevocation } from './fence.ts';
import type { ConsumerGroup } from './group.ts';
import { leave } from './leave.ts';
import { hasSameFacts, hasSameProgress, hasSameTopics, LEAVE_EPOCH, memberBytes, memberRecord, progressRecord, STATIC_LEAVE_EPOCH } from './member.ts';
import type { ConsumerMember } from './member.ts';
import { memberFor } from './membership.ts';
import { reconcile } from './reconcile.ts';
import type { TopicPartitionList } from '../modern/assignment.ts';
import { updateRegexes } from './regex.ts';
import { topicIdsOf, updateTarget } from './target.ts';
import { consumerGroupFor } from './upgrade.ts';

/** Throws KafkaError. */
export function consumerHeartbeat(draft: Draft, request: ConsumerGroupHeartbeatRequest, client: GroupClient): ConsumerGroupHeartbeatResponse {
  const { state } = draft;
  checkRequest(request, client.apiVersion, state.settings.consumer.assignors);
  if (request.memberEpoch === LEAVE_EPOCH || request.memberEpoch === STATIC_LEAVE_EPOCH) return leave(draft, request);
  const isJoining = request.memberEpoch === 0;
  const group = consumerGroupFor(draft, request.groupId, isJoining);
  checkRoom(group, request.memberId, state.settings.consumer.membersMax);
  const before = memberFor(draft, group, request, isJoining);
  const member = updated(before, request, client);
  const isNew = !group.members.has(member.memberId);
  if (isNew || !hasSameTopics(before.topics, member.topics) || before.regex !== member.regex) takeMemory(draft, member);
  const hasSubscriptionChanged = putMember(draft, group, before, member, client.topicAccess);
  updateTarget(draft, group);
  const after = advance(draft, group, member.memberId, hasSubscriptionChanged, request.topicPartitions);
  resetSession(state, group, after);
  const isFull = request.rebalanceTimeoutMs !== -1 && (request.subscribedTopicNames !== null || request.subscribedTopicRegex !== null) && request.topicPartitions !== null;
  const isToldAll = isJoining || isFull || !hasSamePartitions(before.assigned, after.assigned);
  return makeConsumerGroupHeartbeatResponse({
    memberId: after.memberId,
    memberEpoch: after.epoch,
    heartbeatIntervalMs: valueFor(state.settings.consumer, 'heartbeatIntervalMs', 'consumer', state.cluster.groupConfigOf(group.groupId)),
    assignment: isToldAll ? { topicPartitions: listOf(after.assigned) } : null,
  });
}

export function checkRoom(group: ConsumerGroup, memberId: string, membersMax: number): void {
  if (group.members.size < membersMax || group.members.has(memberId)) return;
  throw new KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED, `The consumer group has reached its maximum capacity of ${membersMax} members.`);
}

/** Members are kept as long as they are there: what they say of themselves has a limit, alone and together. */
export function takeMemory({ state }: Draft, member: ConsumerMember): void {
  const bytes = memberBytes(member);
  if (bytes > MEMBER_PROTOCOL_BYTES_MAX) throw new KafkaError(ErrorCode.INVALID_REQUEST, 'The subscription is too large.');
  if (!state.takeProtocolBytes(bytes)) throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'The members of the groups hold too much memory.');
}

function updated(before: ConsumerMember, request: ConsumerGroupHeartbeatRequest, client: GroupClient): ConsumerMember {
  return {
    ...before,
    instanceId: request.instanceId ?? before.instanceId,
    rackId: request.rackId ?? before.rackId,
    rebalanceTimeoutMs: request.rebalanceTimeoutMs === -1 ? before.rebalanceTimeoutMs : request.rebalanceTimeoutMs,
    assignor: request.serverAssignor ?? before.assignor,
    topics: request.subscribedTopicNames === null ? before.topics : [...new Set(request.subscribedTopicNames)].toSorted(),
    regex: request.subscribedTopicRegex ?? before.regex,
    clientId: client.clientId,
    clientHost: client.host,
    classic: null,
  };
}

/** Writes what is new of the member, and raises the group's epoch if that changes what is to be shared out. True: its subscription is another. */
export function putMember(draft: Draft, group: ConsumerGroup, before: ConsumerMember, member: ConsumerMember, access?: TopicAccess): boolean {
  const isKnown = group.members.has(member.memberId);
  if (!isKnown || !hasSameFacts(before, member)) draft.put('consumerMember', group.groupId, member.memberId, memberRecord(member));
  const hasOtherTopics = !hasSameTopics(before.topics, member.topics);
  const regexChange = updateRegexes(draft, group, before, member, access);
  // topics by an expression that is not resolved yet raise the epoch when they are known
  raiseEpoch(draft, group, hasOtherTopics || regexChange === 'resolved');
  return hasOtherTopics || regexChange !== 'none';
}

/** The member one step nearer to its target; returns it as it is then. */
export function advance(draft: Draft, group: ConsumerGroup, memberId: string, hasSubscriptionChanged: boolean, owned: readonly TopicPartitionList[] | null): ConsumerMember {
  const { state } = draft;
  const member = group.members.get(memberId)!;
  const next = reconcile(member, {
    target: { epoch: group.assignmentEpoch, assignment: group.targetOf(memberId) },
    subscribedIds: () => topicIdsOf(group, member, state.cluster),
    hasSubscriptionChanged,
    owned,
    isOwned: (topicId, partition) => group.ownerOf(topicId, partition) !== undefined,
  });
  if (hasSameProgress(member, next)) return member;
  draft.put('consumerCurrent', group.groupId, memberId, progressRecord(next));
  if (next.classic === null) watchRevocation(state, group, next);
  return next;
}
