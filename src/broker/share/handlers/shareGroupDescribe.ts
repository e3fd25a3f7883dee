/** ShareGroupDescribe (77), version 1: members of share groups and what they have. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeDescribedGroup, readShareGroupDescribeRequest, writeShareGroupDescribeResponse } from '../../../protocol/generated/shareGroupDescribe.ts';
import type { DescribedGroup, Member, ShareGroupDescribeRequest, ShareGroupDescribeResponse } from '../../../protocol/generated/shareGroupDescribe.ts';
import type { ClusterView } from '../../groups/cluster.ts';
import type { ShareGroup, ShareMember } from '../../groups/share/group.ts';
import type { ApiHandler } from '../../contract.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';

const ASSIGNOR = 'simple';
/** What a client may do with a group that nobody guards: read (3), delete (6), describe (8), and with its settings (10, 11). */
const ALL_GROUP_OPERATIONS = (1 << 3) | (1 << 6) | (1 << 8) | (1 << 10) | (1 << 11);

export const shareGroupDescribeHandler: ApiHandler<BrokerServices, ShareGroupDescribeRequest, ShareGroupDescribeResponse> = {
  ...spanOf(ApiKey.ShareGroupDescribe),
  read: readShareGroupDescribeRequest,
  write: writeShareGroupDescribeResponse,
  handle(request, context, services) {
    const { shareGroups, groupCoordinator } = services;
    const groups = request.groupIds.map((groupId) => {
      if (groupId === '') return failed(groupId, ErrorCode.INVALID_GROUP_ID);
      const group = shareGroups.find(groupId);
      if (typeof group === 'number') return failed(groupId, group, group === ErrorCode.GROUP_ID_NOT_FOUND ? `Group ${groupId} not found.` : null);
      const described = describe(group, groupCoordinator.cluster);
      if (request.includeAuthorizedOperations) described.authorizedOperations = ALL_GROUP_OPERATIONS;
      return described;
    });
    context.reply({ throttleTimeMs: 0, groups });
  },
  errorResponse: ({ groupIds }, errorCode, message) => ({ throttleTimeMs: 0, groups: groupIds.map((groupId) => failed(groupId, errorCode, message)) }),
};

const failed = (groupId: string, errorCode: number, errorMessage: string | null = null): DescribedGroup => makeDescribedGroup({ groupId, errorCode, errorMessage });

function describe(group: ShareGroup, cluster: ClusterView): DescribedGroup {
  return makeDescribedGroup({
    groupId: group.groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    assignorName: ASSIGNOR,
    members: [...group.members.values()].map((member) => describeMember(member, cluster)),
  });
}

/** Topics that are gone have no name to tell. */
function describeMember({ memberId, rackId, epoch, clientId, clientHost, topics, assigned }: ShareMember, cluster: ClusterView): Member {
  const topicPartitions = [...assigned].flatMap(([topicId, partitions]) => {
    const topicName = cluster.nameOf(topicId);
    return topicName === undefined ? [] : [{ topicId, topicName, partitions: [...partitions] }];
  });
  return { memberId, rackId, memberEpoch: epoch, clientId, clientHost, subscribedTopicNames: [...topics], assignment: { topicPartitions } };
}
