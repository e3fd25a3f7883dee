/** Share groups: reading the group, and the topics whose records are taken, acknowledged or looked up. */
import { AclOperation } from '../../../../metadata/acls.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import type { AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse } from '../../../../protocol/generated/alterShareGroupOffsets.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import type { DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse } from '../../../../protocol/generated/deleteShareGroupOffsets.ts';
import { makeDescribeShareGroupOffsetsResponseGroup, makeDescribeShareGroupOffsetsResponsePartition } from '../../../../protocol/generated/describeShareGroupOffsets.ts';
import type {
  DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsRequestTopic, DescribeShareGroupOffsetsResponse, DescribeShareGroupOffsetsResponseGroup,
} from '../../../../protocol/generated/describeShareGroupOffsets.ts';
import * as acknowledge from '../../../../protocol/generated/shareAcknowledge.ts';
import * as fetch from '../../../../protocol/generated/shareFetch.ts';
import { zeroUuid } from '../../../../protocol/types.ts';
import { guardOf, split } from '../guard.ts';
import type { GuardCall, GuardOfApi, Verdict } from '../guard.ts';

const { describe, read } = AclOperation;
const { GROUP_AUTHORIZATION_FAILED, TOPIC_AUTHORIZATION_FAILED } = ErrorCode;
const TOPIC_REFUSED = 'Topic authorization failed.';
const GROUP_REFUSED = { refusal: GROUP_AUTHORIZATION_FAILED, message: 'Group authorization failed.' };

/** An id that nobody knows is the handler's to refuse. */
function mayRead(topicId: string, { caller, metadata }: GuardCall): boolean {
  const name = metadata.image.topicsById.get(topicId)?.name;
  return name === undefined || caller.mayTopic(read, name);
}

/** A session may hold a topic that could be read once: what is read of it now stays here. */
function shareFetch(request: fetch.ShareFetchRequest, call: GuardCall): Verdict<fetch.ShareFetchRequest, fetch.ShareFetchResponse> | null {
  if (!call.caller.mayGroup(read, request.groupId ?? '')) return GROUP_REFUSED;
  const parts = split(request.topics, ({ topicId }) => mayRead(topicId, call));
  const denied = (parts?.denied ?? []).map(({ topicId, partitions }) => ({ topicId, partitions: partitions.map(({ partitionIndex }) => refusedData(partitionIndex)) }));
  return {
    request: parts === null ? request : { ...request, topics: parts.allowed },
    finish(response) {
      const shown = response.responses.map((topic) => (mayRead(topic.topicId, call)
        ? topic
        : { ...topic, partitions: topic.partitions.map(({ partitionIndex }) => refusedData(partitionIndex)) }));
      response.responses = [...shown, ...denied];
    },
  };
}

const refusedData = (partitionIndex: number): fetch.PartitionData =>
  fetch.makePartitionData({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED, errorMessage: null, acknowledgeErrorMessage: null });

function shareAcknowledge(request: acknowledge.ShareAcknowledgeRequest, call: GuardCall): Verdict<acknowledge.ShareAcknowledgeRequest, acknowledge.ShareAcknowledgeResponse> | null {
  if (!call.caller.mayGroup(read, request.groupId ?? '')) return GROUP_REFUSED;
  const parts = split(request.topics, ({ topicId }) => mayRead(topicId, call));
  if (parts === null) return null;
  const denied = parts.denied.map(({ topicId, partitions }) => ({
    topicId,
    partitions: partitions.map(({ partitionIndex }) => acknowledge.makePartitionData({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED, errorMessage: null })),
  }));
  return { request: { ...request, topics: parts.allowed }, finish: (response) => void (response.responses = [...response.responses, ...denied]) };
}

function describeOffsets(request: DescribeShareGroupOffsetsRequest, { caller }: GuardCall): Verdict<DescribeShareGroupOffsetsRequest, DescribeShareGroupOffsetsResponse> | null {
  const parts = split(request.groups, ({ groupId }) => caller.mayGroup(describe, groupId));
  const refused = (parts?.denied ?? []).map(({ groupId }) => makeDescribeShareGroupOffsetsResponseGroup({ groupId, errorCode: GROUP_AUTHORIZATION_FAILED, errorMessage: GROUP_REFUSED.message }));
  const deniedTopics = new Map<string, DescribeShareGroupOffsetsRequestTopic[]>();
  const groups = (parts?.allowed ?? request.groups).map((group) => {
    const topics = group.topics === null ? null : split(group.topics, ({ topicName }) => caller.mayTopic(describe, topicName));
    if (topics === null) return group;
    deniedTopics.set(group.groupId, topics.denied);
    return { ...group, topics: topics.allowed };
  });
  return {
    request: { ...request, groups },
    finish(response) {
      for (const group of response.groups) mendGroup(group, deniedTopics.get(group.groupId) ?? [], (name) => caller.mayTopic(describe, name));
      response.groups = [...response.groups, ...refused];
    },
  };
}

function mendGroup(group: DescribeShareGroupOffsetsResponseGroup, denied: readonly DescribeShareGroupOffsetsRequestTopic[], isShown: (name: string) => boolean): void {
  if (group.errorCode !== ErrorCode.NONE) return;
  group.topics = group.topics.filter(({ topicName }) => isShown(topicName));
  for (const { topicName, partitions } of denied) {
    group.topics.push({
      topicName,
      topicId: zeroUuid,
      partitions: partitions.map((partitionIndex) => makeDescribeShareGroupOffsetsResponsePartition({
        partitionIndex, startOffset: -1, leaderEpoch: 0, errorCode: TOPIC_AUTHORIZATION_FAILED, errorMessage: TOPIC_REFUSED,
      })),
    });
  }
}

function alterOffsets(request: AlterShareGroupOffsetsRequest, { caller }: GuardCall): Verdict<AlterShareGroupOffsetsRequest, AlterShareGroupOffsetsResponse> | null {
  if (!caller.mayGroup(read, request.groupId)) return GROUP_REFUSED;
  const parts = split(request.topics, ({ topicName }) => caller.mayTopic(read, topicName));
  if (parts === null) return null;
  const denied = parts.denied.map(({ topicName, partitions }) => ({
    topicName, topicId: zeroUuid, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED, errorMessage: TOPIC_REFUSED })),
  }));
  if (parts.allowed.length === 0) return { response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, responses: denied } };
  return { request: { ...request, topics: parts.allowed }, finish: (response) => void (response.responses = [...response.responses, ...denied]) };
}

function deleteOffsets(request: DeleteShareGroupOffsetsRequest, { caller }: GuardCall): Verdict<DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse> | null {
  if (!caller.mayGroup(AclOperation.delete, request.groupId)) return GROUP_REFUSED;
  const parts = split(request.topics, ({ topicName }) => caller.mayTopic(read, topicName));
  if (parts === null) return null;
  const denied = parts.denied.map(({ topicName }) => ({ topicName, topicId: zeroUuid, errorCode: TOPIC_AUTHORIZATION_FAILED, errorMessage: TOPIC_REFUSED }));
  if (parts.allowed.length === 0) return { response: { throttleTimeMs: 0, errorCode: ErrorCode.NONE, errorMessage: null, responses: denied } };
  return { request: { ...request, topics: parts.allowed }, finish: (response) => void (response.responses = [...response.responses, ...denied]) };
}

export const shareGuards: readonly GuardOfApi[] = [
  guardOf(ApiKey.ShareFetch, shareFetch),
  guardOf(ApiKey.ShareAcknowledge, shareAcknowledge),
  guardOf(ApiKey.DescribeShareGroupOffsets, describeOffsets),
  guardOf(ApiKey.AlterShareGroupOffsets, alterOffsets),
  guardOf(ApiKey.DeleteShareGroupOffsets, deleteOffsets),
];
