import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDescribeGroupsRequest, readDescribeGroupsResponse, writeDescribeGroupsRequest } from '../../protocol/generated/describeGroups.ts';
import type { Cluster } from '../core/cluster.ts';
import { Coordinator, CoordinatorKind } from '../core/coordinators.ts';

/** The last version that describes classic groups only, and says Dead of others, as KafkaJS expects it. */
const describeApi = { apiKey: ApiKey.DescribeGroups, versionMax: 5, write: writeDescribeGroupsRequest, read: readDescribeGroupsResponse } as const;

export interface MemberDescription {
  clientHost: string;
  clientId: string;
  memberId: string;
  memberAssignment: Buffer;
  memberMetadata: Buffer;
}

export type ConsumerGroupState = 'Unknown' | 'PreparingRebalance' | 'CompletingRebalance' | 'Stable' | 'Dead' | 'Empty';

export interface GroupDescription {
  groupId: string;
  members: MemberDescription[];
  protocol: string;
  protocolType: string;
  state: ConsumerGroupState;
  errorCode: number;
}

export interface GroupDescriptions {
  groups: GroupDescription[];
}

/** With the members' bytes as they are. */
export async function describeGroup(cluster: Cluster, groupId: string): Promise<GroupDescription> {
  const coordinator = new Coordinator(cluster, CoordinatorKind.group, groupId);
  try {
    return await cluster.retrying(async () => {
      const answer = await coordinator.ask(describeApi, makeDescribeGroupsRequest({ groups: [groupId] }));
      const group = answer.groups[0];
      if (group === undefined) throw new KafkaError(ErrorCode.UNKNOWN_SERVER_ERROR, `group ${groupId} was not described`);
      const error = new KafkaError(group.errorCode);
      if (group.errorCode !== ErrorCode.NONE && error.retriable) throw error;
      const members = group.members.map(({ clientHost, clientId, memberId, memberAssignment, memberMetadata }) => ({ clientHost, clientId, memberId, memberAssignment, memberMetadata }));
      return { groupId, members, protocol: group.protocolData, protocolType: group.protocolType, state: group.groupState as ConsumerGroupState, errorCode: group.errorCode };
    });
  } finally {
    coordinator.close();
  }
}
