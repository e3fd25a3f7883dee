import { ErrorCode } from '../../../protocol/errors.ts';
import { makeDescribedGroup } from '../../../protocol/generated/consumerGroupDescribe.ts';
import type { Assignment as AssignmentView, DescribedGroup, Member } from '../../../protocol/generated/consumerGroupDescribe.ts';
import { listOf } from '../modern/assignment.ts';
import type { Assignment, EpochAssignment } from '../modern/assignment.ts';
import type { ClusterView } from '../cluster.ts';
import type { GroupState } from '../state.ts';
import { consumerGroupOf } from './apply.ts';
import type { ConsumerGroup } from './group.ts';
import type { ConsumerMember } from './member.ts';

const MemberType = { classic: 0, consumer: 1 } as const;

/** An unknown group, and one of another kind, is told to be unknown. */
export function describeConsumerGroup(state: GroupState, groupId: string): DescribedGroup {
  const group = consumerGroupOf(state, groupId);
  if (group === undefined) {
    const errorMessage = state.groups.has(groupId) ? `Group ${groupId} is not a consumer group.` : `Group ${groupId} not found.`;
    return makeDescribedGroup({ groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage });
  }
  return makeDescribedGroup({
    groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: group.preferredAssignor ?? state.settings.consumer.assignors[0]!,
    members: [...group.members.values()].map((member) => describeMember(group, member, state.cluster)),
  });
}

function describeMember(group: ConsumerGroup, member: ConsumerMember, cluster: ClusterView): Member {
  return {
    memberId: member.memberId,
    instanceId: member.instanceId,
    rackId: member.rackId,
    memberEpoch: member.epoch,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.topics],
    subscribedTopicRegex: member.regex,
    assignment: withNames(heldBy(member), cluster),
    targetAssignment: withNames(group.targetOf(member.memberId), cluster),
    memberType: member.classic === null ? MemberType.consumer : MemberType.classic,
  };
}

/** What a member has been asked to give up it has until it says so. */
function heldBy({ assigned, revoking }: ConsumerMember): Assignment {
  const held = new Map([...assigned].map(([topicId, partitions]) => [topicId, new Set(partitions.keys())]));
  for (const [topicId, partitions] of revoking) held.set(topicId, new Set([...(held.get(topicId) ?? []), ...partitions.keys()]));
  return held;
}

/** Topics that are gone have no name to be told by. */
function withNames(assignment: Assignment | EpochAssignment, cluster: ClusterView): AssignmentView {
  return {
    topicPartitions: listOf(assignment).flatMap(({ topicId, partitions }) => {
      const topicName = cluster.nameOf(topicId);
      return topicName === undefined ? [] : [{ topicId, topicName, partitions }];
    }),
  };
}
