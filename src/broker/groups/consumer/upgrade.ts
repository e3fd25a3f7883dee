/** A classic group of consumers becomes a consumer group when a member joins by the newer protocol. */
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import type { ClassicGroup } from '../classic/group.ts';
import type { ClassicMember } from '../classic/member.ts';
import { resetSession as resetClassicSession } from '../classic/rebalance.ts';
import { joinError, syncError } from '../classic/replies.ts';
import type { Draft } from '../draft.ts';
import { assignmentOf, listOf } from '../modern/assignment.ts';
import { metadataHash } from '../modern/metadataHash.ts';
import { consumerGroupOf } from './apply.ts';
import { readAssignment, readSubscription, withTopicIds } from './embedded.ts';
import { resetSession } from './fence.ts';
import { ConsumerGroup } from './group.ts';
import { memberRecord, MemberState, newMember, progressRecord } from './member.ts';
import type { ConsumerMember } from './member.ts';

/** The group that a member asks for; a joining one may found it, or turn a classic one into it. Throws GROUP_ID_NOT_FOUND. */
export function consumerGroupFor(draft: Draft, groupId: string, isJoining: boolean): ConsumerGroup {
  const { state } = draft;
  const present = state.groups.get(groupId);
  if (present instanceof ConsumerGroup) return present;
  if (present === undefined && !isJoining) throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Consumer group ${groupId} not found.`);
  const classic = state.classicGroup(groupId);
  if (!isJoining || (present !== undefined && classic === undefined)) throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} is not a consumer group.`);
  if (classic !== undefined && !classic.isEmpty) return upgrade(draft, classic);
  if (classic !== undefined) endEmpty(draft, classic);
  const group = new ConsumerGroup(groupId);
  state.groups.set(groupId, group);
  draft.onUndo(() => {
    if (state.groups.get(groupId) === group) state.groups.delete(groupId);
  });
  return group;
}

/** Makes room for a group of another kind; the offsets stay. */
export function endEmpty(draft: Draft, group: ClassicGroup): void {
  const { state } = draft;
  if (group.isPersisted) for (const tombstone of group.tombstones()) draft.change(tombstone);
  state.groups.delete(group.groupId);
  draft.onUndo(() => state.groups.set(group.groupId, group));
}

function upgrade(draft: Draft, classic: ClassicGroup): ConsumerGroup {
  const { state } = draft;
  const { groupId } = classic;
  const refuse = (reason: string): never => {
    throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Cannot upgrade classic group ${groupId} to consumer group because ${reason}.`);
  };
  if (!state.settings.consumer.canUpgrade) return refuse('online upgrade is disabled');
  if (!classic.usesConsumerProtocol) return refuse('the group does not use the consumer embedded protocol');
  if (classic.members.size > state.settings.consumer.membersMax) return refuse('the group size exceeds the consumer group maximum size');
  const converted = [...classic.members.values()].map((member) => convertMember(draft, classic, member, refuse));
  const epoch = classic.generation;
  const topics = new Set(converted.flatMap((member) => member.topics));
  // those who wait in a rebalance are sent into the one of the new kind
  sendIntoRebalance(draft, classic);
  endEmpty(draft, classic);
  for (const member of converted) draft.put('consumerMember', groupId, member.memberId, memberRecord(member));
  draft.put('consumerGroup', groupId, '', { epoch, metadataHash: metadataHash(topics, state.cluster) });
  for (const { memberId, assigned } of converted) draft.put('consumerMemberTarget', groupId, memberId, { topicPartitions: listOf(assigned) });
  draft.put('consumerTarget', groupId, '', { assignmentEpoch: epoch, assignmentTimestamp: 0 });
  for (const member of converted) draft.put('consumerCurrent', groupId, member.memberId, progressRecord(member));
  const group = consumerGroupOf(state, groupId)!;
  for (const member of converted) resetSession(state, group, member);
  state.host.logger.info('a classic group became a consumer group', { groupId, epoch, memberCount: converted.length });
  return group;
}

function convertMember({ state }: Draft, group: ClassicGroup, member: ClassicMember, refuse: (reason: string) => never): ConsumerMember {
  const metadata = (group.protocolName === null ? null : member.metadataOf(group.protocolName)) ?? member.protocols[0]?.metadata;
  const subscription = metadata === undefined ? null : readSubscription(metadata);
  if (subscription === null) return refuse('the embedded consumer protocol is malformed');
  const assignment = member.assignment.length === 0 ? null : readAssignment(member.assignment);
  if (member.assignment.length > 0 && assignment === null) return refuse('the embedded consumer protocol is malformed');
  if (assignment !== null && assignment.userData !== null && assignment.userData.length > 0) {
    return refuse('an unsupported custom assignor is in use. Please refer to the documentation or switch to a default assignor before re-attempting the upgrade');
  }
  const partitions = assignmentOf(withTopicIds(assignment?.assignedPartitions ?? [], state.cluster));
  const epoch = group.generation;
  return {
    ...newMember(member.memberId),
    instanceId: member.instanceId,
    rackId: subscription.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    topics: [...new Set(subscription.topics)].toSorted(),
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    classic: { sessionTimeoutMs: member.sessionTimeoutMs, protocols: member.protocols },
    epoch,
    previousEpoch: epoch,
    state: MemberState.stable,
    assigned: new Map([...partitions].map(([topicId, indexes]) => [topicId, new Map([...indexes].map((index) => [index, epoch]))])),
  };
}

function sendIntoRebalance(draft: Draft, group: ClassicGroup): void {
  draft.onUndo(() => {
    for (const member of group.members.values()) resetClassicSession(draft.state, group, member);
  });
  group.joinTimer?.cancel();
  group.syncTimer?.cancel();
  for (const member of group.members.values()) {
    member.session?.cancel();
    group.answerJoin(member, joinError(member.memberId, ErrorCode.REBALANCE_IN_PROGRESS));
    member.answerSync(syncError(ErrorCode.REBALANCE_IN_PROGRESS));
  }
}
