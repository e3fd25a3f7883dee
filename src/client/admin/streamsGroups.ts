import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeStreamsGroupDescribeRequest, readStreamsGroupDescribeResponse, writeStreamsGroupDescribeRequest, type DescribedGroup } from '../../protocol/generated/streamsGroupDescribe.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, outcomeOf } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { coordinators, CoordinatorType } from './routes.ts';

const streamsGroupDescribeApi = { apiKey: ApiKey.StreamsGroupDescribe, versionMax: 0, write: writeStreamsGroupDescribeRequest, read: readStreamsGroupDescribeResponse } as const;

/** What the broker answers: subtopologies, tasks and members of a streams group. (KIP-1071) */
export type StreamsGroupDescription = Omit<DescribedGroup, 'errorCode' | 'errorMessage' | 'unknownTaggedFields'> & { readonly coordinatorId: number };

/** Streams groups. KafkaError GROUP_ID_NOT_FOUND for a group that does not exist or is of another kind. */
export function describeStreamsGroups(cluster: Cluster, groupIds: readonly string[]): Promise<Map<string, Outcome<StreamsGroupDescription>>> {
  const route = coordinators<string>(cluster, CoordinatorType.group, (id) => id);
  return askForEach<string, StreamsGroupDescription>(cluster, groupIds, route, async (connection, keys, brokerId) => {
    const answer = await connection.request(streamsGroupDescribeApi, makeStreamsGroupDescribeRequest({ groupIds: [...keys] }));
    return new Map(answer.groups.map((group) => [group.groupId, outcomeOf(group.errorCode, group.errorMessage, { ...group, coordinatorId: brokerId ?? -1 })]));
  });
}
