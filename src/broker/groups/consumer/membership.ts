/** Who speaks: the member behind an id and an instance id, and whether it may. */
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import type { ConsumerGroupHeartbeatRequest } from '../../../protocol/generated/consumerGroupHeartbeat.ts';
import type { Draft } from '../draft.ts';
import { listOf } from '../modern/assignment.ts';
import type { EpochAssignment, TopicPartitionList } from '../modern/assignment.ts';
import { randomUuid } from '../randomUuid.ts';
import { removeMember } from './fence.ts';
import type { ConsumerGroup } from './group.ts';
import { memberRecord, newMember, progressRecord, STATIC_LEAVE_EPOCH } from './member.ts';
import type { ConsumerMember } from './member.ts';

/** The member of a heartbeat, or a new one. Throws KafkaError. */
export function memberFor(draft: Draft, group: ConsumerGroup, request: ConsumerGroupHeartbeatRequest, isJoining: boolean): ConsumerMember {
  const { instanceId, memberEpoch, topicPartitions } = request;
  const memberId = request.memberId === '' ? randomUuid(draft.state.random) : request.memberId;
  if (instanceId !== null && isJoining) return joiningStatic(draft, group, memberId, instanceId, false);
  const member = instanceId === null ? dynamicMember(group, memberId, isJoining) : staticMember(group, memberId, instanceId);
  checkEpoch(member, memberEpoch, topicPartitions);
  return member;
}

export function dynamicMember(group: ConsumerGroup, memberId: string, isJoining: boolean): ConsumerMember {
  const member = group.members.get(memberId);
  if (member === undefined && !isJoining) throw unknownMember(group, memberId);
  return member ?? newMember(memberId);
}

/** The static member that is known under this instance. Throws UNKNOWN_MEMBER_ID or FENCED_INSTANCE_ID. */
export function staticMember(group: ConsumerGroup, memberId: string, instanceId: string): ConsumerMember {
  const member = group.staticMember(instanceId);
  if (member === undefined) throw new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Instance id ${instanceId} is unknown.`);
  if (member.memberId !== memberId) {
    throw new KafkaError(ErrorCode.FENCED_INSTANCE_ID, `Static member ${memberId} with instance id ${instanceId} was fenced by member ${member.memberId}.`);
  }
  return member;
}

/** A static member that comes back takes the place of its earlier run, which must have left unless one of the two speaks the classic protocol. */
export function joiningStatic(draft: Draft, group: ConsumerGroup, memberId: string, instanceId: string, isClassic: boolean): ConsumerMember {
  const known = group.staticMember(instanceId);
  if (known === undefined) return dynamicMember(group, memberId, true);
  if (!isClassic && known.classic === null && known.epoch !== STATIC_LEAVE_EPOCH) {
    throw new KafkaError(ErrorCode.UNRELEASED_INSTANCE_ID,
      `Static member ${memberId} with instance id ${instanceId} cannot join the group because the instance id is owned by ${known.memberId} member.`);
  }
  const member: ConsumerMember = { ...known, memberId, epoch: 0, previousEpoch: 0 };
  const target = group.targetOf(known.memberId);
  removeMember(draft, group, known.memberId);
  draft.put('consumerMember', group.groupId, memberId, memberRecord(member));
  draft.put('consumerMemberTarget', group.groupId, memberId, { topicPartitions: listOf(target) });
  draft.put('consumerCurrent', group.groupId, memberId, progressRecord(member));
  return group.members.get(memberId)!;
}

export function unknownMember(group: ConsumerGroup, memberId: string): KafkaError {
  return new KafkaError(ErrorCode.UNKNOWN_MEMBER_ID, `Member ${memberId} is not a member of group ${group.groupId}.`);
}

/** Epoch 0 is a member that joins (again). The one before the present may come when a reply was lost, from a member that has nothing too much. */
function checkEpoch(member: ConsumerMember, epoch: number, owned: readonly TopicPartitionList[] | null): void {
  if (epoch === 0 || epoch === member.epoch) return;
  if (epoch < member.epoch && epoch === member.previousEpoch && isWithin(owned, member.assigned)) return;
  const relation = epoch > member.epoch ? 'greater' : 'smaller';
  throw new KafkaError(ErrorCode.FENCED_MEMBER_EPOCH,
    `The consumer group member has a ${relation} member epoch (${epoch}) than the one known by the group coordinator (${member.epoch}). The member must abandon all its partitions and rejoin.`);
}

function isWithin(owned: readonly TopicPartitionList[] | null, assigned: EpochAssignment): boolean {
  if (owned === null) return false;
  return owned.every(({ topicId, partitions }) => {
    const given = assigned.get(topicId);
    return given !== undefined && partitions.every((partition) => given.has(partition));
  });
}
