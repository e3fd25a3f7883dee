import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeAlterShareGroupOffsetsRequest, makeAlterShareGroupOffsetsRequestPartition, makeAlterShareGroupOffsetsRequestTopic, readAlterShareGroupOffsetsResponse, writeAlterShareGroupOffsetsRequest } from '../../protocol/generated/alterShareGroupOffsets.ts';
import { makeDeleteShareGroupOffsetsRequest, makeDeleteShareGroupOffsetsRequestTopic, readDeleteShareGroupOffsetsResponse, writeDeleteShareGroupOffsetsRequest } from '../../protocol/generated/deleteShareGroupOffsets.ts';
import { makeDescribeShareGroupOffsetsRequest, makeDescribeShareGroupOffsetsRequestGroup, makeDescribeShareGroupOffsetsRequestTopic, readDescribeShareGroupOffsetsResponse, writeDescribeShareGroupOffsetsRequest } from '../../protocol/generated/describeShareGroupOffsets.ts';
import { makeShareGroupDescribeRequest, readShareGroupDescribeResponse, writeShareGroupDescribeRequest } from '../../protocol/generated/shareGroupDescribe.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import { partitionsOf } from './describeGroups.ts';
import { askForEach, failure, outcomeOf } from './driver.ts';
import { valueOf, type Outcome } from './outcome.ts';
import { byTopic, PartitionMap, type TopicPartition } from './partitionMap.ts';
import { coordinators, CoordinatorType } from './routes.ts';

const shareGroupDescribeApi = { apiKey: ApiKey.ShareGroupDescribe, versionMax: 1, write: writeShareGroupDescribeRequest, read: readShareGroupDescribeResponse } as const;
const describeOffsetsApi = { apiKey: ApiKey.DescribeShareGroupOffsets, versionMax: 1, write: writeDescribeShareGroupOffsetsRequest, read: readDescribeShareGroupOffsetsResponse } as const;
const alterOffsetsApi = { apiKey: ApiKey.AlterShareGroupOffsets, versionMax: 0, write: writeAlterShareGroupOffsetsRequest, read: readAlterShareGroupOffsetsResponse } as const;
const deleteOffsetsApi = { apiKey: ApiKey.DeleteShareGroupOffsets, versionMax: 0, write: writeDeleteShareGroupOffsetsRequest, read: readDeleteShareGroupOffsetsResponse } as const;

export interface ShareMember {
  readonly memberId: string;
  readonly memberEpoch: number;
  readonly clientId: string;
  readonly host: string;
  readonly assignment: readonly TopicPartition[];
}

export interface ShareGroupDescription {
  readonly groupId: string;
  readonly state: string;
  readonly groupEpoch: number;
  readonly targetAssignmentEpoch: number;
  readonly assignor: string;
  readonly members: readonly ShareMember[];
  readonly coordinatorId: number;
}

export interface ShareOffset {
  /** The first offset that the group has not finished with; -1: not known yet. */
  readonly startOffset: number;
  readonly leaderEpoch: number;
  /** Records that wait for the group; -1: not told. */
  readonly lag: number;
}

const ofGroups = (cluster: Cluster) => coordinators<string>(cluster, CoordinatorType.group, (id) => id);

/** Share groups. KafkaError GROUP_ID_NOT_FOUND for a group that does not exist or is of another kind. (KIP-932) */
export function describeShareGroups(cluster: Cluster, groupIds: readonly string[]): Promise<Map<string, Outcome<ShareGroupDescription>>> {
  return askForEach<string, ShareGroupDescription>(cluster, groupIds, ofGroups(cluster), async (connection, keys, brokerId) => {
    const answer = await connection.request(shareGroupDescribeApi, makeShareGroupDescribeRequest({ groupIds: [...keys] }));
    return new Map(answer.groups.map((group) => [group.groupId, outcomeOf(group.errorCode, group.errorMessage, {
      coordinatorId: brokerId ?? -1, groupId: group.groupId, state: group.groupState, groupEpoch: group.groupEpoch, targetAssignmentEpoch: group.assignmentEpoch, assignor: group.assignorName,
      members: group.members.map((member) => ({ memberId: member.memberId, memberEpoch: member.memberEpoch, clientId: member.clientId, host: member.clientHost, assignment: partitionsOf(member.assignment) })),
    })]));
  });
}

/** Where share groups stand; null as partitions: everywhere. A partition where a group has not begun has null. */
export function listShareGroupOffsets(cluster: Cluster, groups: ReadonlyMap<string, readonly TopicPartition[] | null>): Promise<Map<string, Outcome<PartitionMap<Outcome<ShareOffset | null>>>>> {
  return askForEach<string, PartitionMap<Outcome<ShareOffset | null>>>(cluster, [...groups.keys()], ofGroups(cluster), async (connection, keys) => {
    const asked = keys.map((groupId) => {
      const partitions = groups.get(groupId) ?? null;
      const topics = partitions === null ? null : [...byTopic(partitions)].map(([topicName, list]) => makeDescribeShareGroupOffsetsRequestTopic({ topicName, partitions: list.map(({ partition }) => partition) }));
      return makeDescribeShareGroupOffsetsRequestGroup({ groupId, topics });
    });
    const answer = await connection.request(describeOffsetsApi, makeDescribeShareGroupOffsetsRequest({ groups: asked }));
    return new Map(answer.groups.map(({ groupId, errorCode, errorMessage, topics }) => {
      const offsets = new PartitionMap<Outcome<ShareOffset | null>>();
      for (const { topicName, partitions } of topics) {
        for (const { partitionIndex, startOffset, leaderEpoch, lag, errorCode: code, errorMessage: message } of partitions) {
          offsets.set({ topic: topicName, partition: partitionIndex }, outcomeOf(code, message, startOffset < 0 ? null : { startOffset, leaderEpoch, lag }));
        }
      }
      return [groupId, outcomeOf(errorCode, errorMessage, offsets)];
    }));
  });
}

/** Sets where a share group without members goes on. Throws when the group as a whole is refused. */
export async function alterShareGroupOffsets(cluster: Cluster, groupId: string, offsets: Iterable<readonly [TopicPartition, number]>): Promise<PartitionMap<Outcome<null>>> {
  const wanted = [...offsets].map(([{ topic, partition }, startOffset]) => ({ topic, partition, startOffset }));
  const topics = [...byTopic(wanted)].map(([topicName, list]) =>
    makeAlterShareGroupOffsetsRequestTopic({ topicName, partitions: list.map(({ partition, startOffset }) => makeAlterShareGroupOffsetsRequestPartition({ partitionIndex: partition, startOffset })) }));
  const outcomes = await askForEach<string, PartitionMap<Outcome<null>>>(cluster, [groupId], ofGroups(cluster), async (connection) => {
    const answer = await connection.request(alterOffsetsApi, makeAlterShareGroupOffsetsRequest({ groupId, topics }));
    if (answer.errorCode !== ErrorCode.NONE) return new Map([[groupId, failure(answer.errorCode, answer.errorMessage)]]);
    const results = answer.responses.flatMap(({ topicName, partitions }) =>
      partitions.map(({ partitionIndex, errorCode, errorMessage }) => [{ topic: topicName, partition: partitionIndex }, outcomeOf(errorCode, errorMessage, null)] as const));
    return new Map([[groupId, { value: new PartitionMap(results) }]]);
  });
  return valueOf(outcomes.get(groupId));
}

/** Forgets where a share group stands in topics. Throws when the group as a whole is refused. */
export async function deleteShareGroupOffsets(cluster: Cluster, groupId: string, topics: readonly string[]): Promise<Map<string, Outcome<null>>> {
  const outcomes = await askForEach<string, Map<string, Outcome<null>>>(cluster, [groupId], ofGroups(cluster), async (connection) => {
    const body = makeDeleteShareGroupOffsetsRequest({ groupId, topics: topics.map((topicName) => makeDeleteShareGroupOffsetsRequestTopic({ topicName })) });
    const answer = await connection.request(deleteOffsetsApi, body);
    if (answer.errorCode !== ErrorCode.NONE) return new Map([[groupId, failure(answer.errorCode, answer.errorMessage)]]);
    return new Map([[groupId, { value: new Map(answer.responses.map(({ topicName, errorCode, errorMessage }) => [topicName, outcomeOf(errorCode, errorMessage, null)])) }]]);
  });
  return valueOf(outcomes.get(groupId));
}
