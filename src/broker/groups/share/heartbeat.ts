/** ShareGroupHeartbeat: a member joins, says what it wants, hears what it gets, and leaves. */
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import { makeShareGroupHeartbeatResponse } from '../../../protocol/generated/shareGroupHeartbeat.ts';
import type { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '../../../protocol/generated/shareGroupHeartbeat.ts';
import { ClassicGroup } from '../classic/group.ts';
import type { GroupClient } from '../classic/join.ts';
import type { Draft } from '../draft.ts';
import { isSameAssignment, listOf } from '../modern/assignment.ts';
import { metadataHash } from '../modern/metadataHash.ts';
import { MEMBER_PROTOCOL_BYTES_MAX } from '../settings.ts';
import { shareGroupOf } from './apply.ts';
import { ShareGroup, memberBytes, newMember } from './group.ts';
import type { ShareMember } from './group.ts';
import { isFullyTargeted, updateTarget } from './target.ts';

export const LEAVE_EPOCH = -1;

/** Throws KafkaError. */
export function checkHeartbeat({ groupId, memberId, memberEpoch, rackId, subscribedTopicNames }: ShareGroupHeartbeatRequest): void {
  const refuse = (message: string): never => {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, message);
  };
  if (groupId.trim() === '') refuse("GroupId can't be empty.");
  if (memberId.trim() === '') refuse("MemberId can't be empty.");
  if (rackId !== null && rackId.trim() === '') refuse("RackId can't be empty.");
  if (memberEpoch < LEAVE_EPOCH) refuse('MemberEpoch is invalid.');
  if (memberEpoch === 0 && (subscribedTopicNames === null || subscribedTopicNames.length === 0)) refuse('SubscribedTopicNames must be set in first request.');
}

/** First half: the member is there, with what it wants. Throws KafkaError. */
export function register(draft: Draft, request: ShareGroupHeartbeatRequest, client: GroupClient, membersMax: number): ShareGroup {
  const isJoining = request.memberEpoch === 0;
  const group = groupFor(draft, request.groupId, isJoining);
  if (isJoining && group.members.size >= membersMax && !group.members.has(request.memberId)) {
    throw new KafkaError(ErrorCode.GROUP_MAX_SIZE_REACHED, `The share group has reached its maximum capacity of ${membersMax} members.`);
  }
  const before = memberFor(group, request, isJoining);
  const member: ShareMember = {
    ...before,
    rackId: request.rackId ?? before.rackId,
    clientId: client.clientId,
    clientHost: client.host,
    topics: request.subscribedTopicNames === null ? before.topics : [...new Set(request.subscribedTopicNames)].toSorted(),
  };
  putMember(draft, group, before, member);
  return group;
}

function groupFor({ state }: Draft, groupId: string, isJoining: boolean): ShareGroup {
  const present = state.groups.get(groupId);
  if (present instanceof ShareGroup) return present;
  const isFree = present === undefined || (present instanceof ClassicGroup && present.mayEnd && state.offsets.topicsOf(groupId) === undefined);
  if (!isFree) throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a share group.`);
  if (!isJoining) throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`);
  return new ShareGroup(groupId);
}

function memberFor(group: ShareGroup, { memberId, memberEpoch }: ShareGroupHeartbeatRequest, isJoining: boolean): ShareMember {
  const member = group.members.get(memberId);
  if (member === undefined) {
    if (isJoining) return newMember(memberId);
    throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${group.groupId}.`);
  }
  if (isJoining || memberEpoch === member.epoch || (memberEpoch < member.epoch && memberEpoch === member.previousEpoch)) return member;
  const comparison = memberEpoch > member.epoch ? 'greater' : 'smaller';
  throw new KafkaError(ErrorCode.FENCED_MEMBER_EPOCH,
    `The share group member has a ${comparison} member epoch (${memberEpoch}) than the one known by the group coordinator (${member.epoch}). The member must abandon all its partitions and rejoin.`);
}

function putMember(draft: Draft, group: ShareGroup, before: ShareMember, member: ShareMember): void {
  const isNew = !group.members.has(member.memberId);
  const hasOtherTopics = isNew || !isSameList(before.topics, member.topics);
  const isChanged = hasOtherTopics || before.rackId !== member.rackId || before.clientId !== member.clientId || before.clientHost !== member.clientHost;
  if (hasOtherTopics) takeMemory(draft, member);
  const { rackId, clientId, clientHost, topics } = member;
  if (isChanged) draft.put('shareMember', group.groupId, member.memberId, { rackId, clientId, clientHost, subscribedTopicNames: [...topics] });
  raiseEpoch(draft, shareGroupOf(draft.state, group.groupId) ?? group, hasOtherTopics);
}

const isSameList = (a: readonly string[], b: readonly string[]): boolean => a.length === b.length && a.every((item, i) => item === b[i]);

function takeMemory({ state }: Draft, member: ShareMember): void {
  const bytes = memberBytes(member);
  if (bytes > MEMBER_PROTOCOL_BYTES_MAX) throw new KafkaError(ErrorCode.INVALID_REQUEST, 'The subscription is too large.');
  if (!state.takeProtocolBytes(bytes)) throw new KafkaError(ErrorCode.COORDINATOR_NOT_AVAILABLE, 'The members of the groups hold too much memory.');
}

/** The group has changed, its topics have, or there are partitions that nobody was given yet. */
export function raiseEpoch(draft: Draft, group: ShareGroup, mustRaise: boolean): void {
  const hash = metadataHash(group.subscribedTopics, draft.state.cluster);
  const isBehind = group.assignmentEpoch === group.epoch && !isFullyTargeted(group);
  if (mustRaise || isBehind || hash !== group.metadataHash) draft.put('shareGroup', group.groupId, '', { epoch: group.epoch + 1, metadataHash: hash });
}

/** Second half: the member gets what it is to have. Throws KafkaError. */
export function answerMember(draft: Draft, request: ShareGroupHeartbeatRequest, intervals: { readonly assignmentMs: number; readonly heartbeatMs: number }): ShareGroupHeartbeatResponse {
  const { groupId, memberId } = request;
  const group = shareGroupOf(draft.state, groupId);
  const before = group?.members.get(memberId);
  if (group === undefined || before === undefined) throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${groupId}.`);
  raiseEpoch(draft, group, false);
  updateTarget(draft, group, intervals.assignmentMs);
  const target = group.targetOf(memberId);
  if (before.epoch !== group.assignmentEpoch) {
    draft.put('shareCurrent', groupId, memberId, { memberEpoch: group.assignmentEpoch, previousMemberEpoch: before.epoch, state: 0, assignedPartitions: listOf(target) });
  }
  const after = group.members.get(memberId)!;
  const isToldAll = request.memberEpoch === 0 || request.subscribedTopicNames !== null || request.memberEpoch !== after.epoch || !isSameAssignment(before.assigned, after.assigned);
  return makeShareGroupHeartbeatResponse({
    memberId,
    memberEpoch: after.epoch,
    heartbeatIntervalMs: intervals.heartbeatMs,
    assignment: isToldAll ? { topicPartitions: listOf(after.assigned) } : null,
  });
}

/** Throws KafkaError. */
export function leave(draft: Draft, { groupId, memberId }: ShareGroupHeartbeatRequest): ShareGroupHeartbeatResponse {
  const group = shareGroupOf(draft.state, groupId);
  if (group === undefined) throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`);
  if (!group.members.has(memberId)) throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${groupId}.`);
  removeMember(draft, group, memberId);
  return makeShareGroupHeartbeatResponse({ memberId, memberEpoch: LEAVE_EPOCH });
}

export function removeMember(draft: Draft, group: ShareGroup, memberId: string): void {
  const { groupId } = group;
  draft.put('shareCurrent', groupId, memberId, null);
  if (group.targets.has(memberId)) draft.put('shareMemberTarget', groupId, memberId, null);
  draft.put('shareMember', groupId, memberId, null);
  raiseEpoch(draft, group, true);
}
