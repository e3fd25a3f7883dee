import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import { makeConsumerGroupHeartbeatResponse } from '../../../protocol/generated/consumerGroupHeartbeat.ts';
import type { ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse } from '../../../protocol/generated/consumerGroupHeartbeat.ts';
import type { Draft } from '../draft.ts';
import { NOTHING_OWNED } from '../modern/assignment.ts';
import { consumerGroupOf } from './apply.ts';
import { fenceMembers } from './fence.ts';
import { progressRecord, STATIC_LEAVE_EPOCH } from './member.ts';
import { staticMember, unknownMember } from './membership.ts';

/** A member goes for good, or, a static one, for less than its session timeout: then it keeps its partitions. */
export function leave(draft: Draft, { groupId, memberId, memberEpoch, instanceId }: ConsumerGroupHeartbeatRequest): ConsumerGroupHeartbeatResponse {
  const group = consumerGroupOf(draft.state, groupId);
  if (group === undefined) {
    const isOther = draft.state.groups.has(groupId);
    throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, isOther ? `Group ${groupId} is not a consumer group.` : `Group ${groupId} not found.`);
  }
  const member = instanceId === null ? group.members.get(memberId) : staticMember(group, memberId, instanceId);
  if (member === undefined) throw unknownMember(group, memberId);
  if (memberEpoch === STATIC_LEAVE_EPOCH) {
    draft.put('consumerCurrent', groupId, memberId, progressRecord({ ...member, epoch: STATIC_LEAVE_EPOCH, revoking: NOTHING_OWNED }));
  } else {
    fenceMembers(draft, group, [member]);
  }
  return makeConsumerGroupHeartbeatResponse({ memberId, memberEpoch });
}
