/** Metadata and DescribeTopicPartitions: what a caller sees of topics. */
import { isInternalTopic } from '../../../../metadata/topicNames.ts';
import { AclOperation, ResourceType } from '../../../../metadata/acls.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import { makeDescribeTopicPartitionsResponseTopic } from '../../../../protocol/generated/describeTopicPartitions.ts';
import type { DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse } from '../../../../protocol/generated/describeTopicPartitions.ts';
import { makeMetadataResponseTopic } from '../../../../protocol/generated/metadata.ts';
import type { MetadataRequest, MetadataRequestTopic, MetadataResponse, MetadataResponseTopic } from '../../../../protocol/generated/metadata.ts';
import { zeroUuid } from '../../../../protocol/types.ts';
import type { Access, Caller } from '../access.ts';
import { guardOf, split } from '../guard.ts';
import type { GuardCall, GuardOfApi, Verdict } from '../guard.ts';

const { create, describe } = AclOperation;
const { TOPIC_AUTHORIZATION_FAILED } = ErrorCode;
const LAST_VERSION_WITH_CLUSTER_OPERATIONS = 10;

function metadata(request: MetadataRequest, call: GuardCall): Verdict<MetadataRequest, MetadataResponse> | null {
  const topics = request.topics === null || (call.apiVersion === 0 && request.topics.length === 0) ? null : request.topics;
  // Bodies that are not of their version are the handler's to refuse.
  if (topics?.some(({ name, topicId }) => name === null && topicId === zeroUuid) === true) return null;
  const parts = topics === null ? null : split(topics, (topic) => isShown(topic, call));
  const denied = dedupe((parts?.denied ?? []).map((topic) => refusal(topic)));
  const finish = (response: MetadataResponse): void => {
    if (topics === null) response.topics = response.topics.filter(({ name }) => name === null || call.caller.mayTopic(describe, name));
    tellOperations(request, response, call);
    response.topics = [...response.topics, ...denied];
  };
  return { request: parts === null ? request : { ...request, topics: parts.allowed }, finish };
}

/** The topic may be described, and created where it is not there and asking for it would create it. */
function isShown({ name, topicId }: MetadataRequestTopic, { caller, metadata: { image } }: GuardCall): boolean {
  const known = topicId === zeroUuid ? name : image.topicsById.get(topicId)?.name;
  return known === undefined || known === null || caller.mayTopic(describe, known);
}

function refusal({ name, topicId }: MetadataRequestTopic): MetadataResponseTopic {
  // An id is no secret, the name behind it is.
  return makeMetadataResponseTopic({ errorCode: TOPIC_AUTHORIZATION_FAILED, name: topicId === zeroUuid ? name : null, topicId });
}

function dedupe(topics: readonly MetadataResponseTopic[]): MetadataResponseTopic[] {
  const seen = new Set<string>();
  return topics.filter(({ name, topicId }) => {
    const key = name ?? topicId;
    return !seen.has(key) && seen.add(key);
  });
}

function tellOperations(request: MetadataRequest, response: MetadataResponse, { caller, apiVersion, access }: GuardCall): void {
  if (request.includeClusterAuthorizedOperations && apiVersion <= LAST_VERSION_WITH_CLUSTER_OPERATIONS) {
    response.clusterAuthorizedOperations = caller.mayCluster(describe) ? caller.clusterOperations() : 0;
  }
  if (!request.includeTopicAuthorizedOperations) return;
  for (const topic of response.topics) {
    if (topic.name !== null) topic.topicAuthorizedOperations = access.operations(caller.connection, ResourceType.topic, topic.name);
  }
}

/** Asking for a topic that is not there may create it: only for who may. */
function creatingMetadata(request: MetadataRequest, call: GuardCall): Verdict<MetadataRequest, MetadataResponse> | null {
  const { caller, config, metadata: { image } } = call;
  const verdict = metadata(request, call);
  if (verdict === null || !('finish' in verdict)) return verdict;
  const asked = verdict.request ?? request;
  if (asked.topics === null || !asked.allowAutoTopicCreation || !config.autoCreateTopicsEnable || caller.mayCluster(create)) return verdict;
  const parts = split(asked.topics, ({ name, topicId }) => name === null || topicId !== zeroUuid || image.topicsByName.has(name) || caller.mayTopic(create, name));
  if (parts === null) return verdict;
  const denied = dedupe(parts.denied.map(({ name }) => makeMetadataResponseTopic({ errorCode: TOPIC_AUTHORIZATION_FAILED, name, isInternal: isInternalTopic(name ?? '') })));
  return {
    request: { ...asked, topics: parts.allowed },
    finish(response) {
      verdict.finish(response);
      response.topics = [...response.topics, ...denied];
    },
  };
}

function describeTopicPartitions(request: DescribeTopicPartitionsRequest, call: GuardCall): Verdict<DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse> | null {
  const { caller, access } = call;
  if (request.topics.length === 0) return describeAll(request, call);
  const parts = split(request.topics, ({ name }) => caller.mayTopic(describe, name));
  const { cursor } = request;
  const denied = (parts?.denied ?? [])
    .filter(({ name }) => cursor === null || name >= cursor.topicName)
    .map(({ name }) => makeDescribeTopicPartitionsResponseTopic({ name, errorCode: TOPIC_AUTHORIZATION_FAILED }));
  // An empty list would mean all topics.
  if (parts !== null && parts.allowed.length === 0) return { response: { throttleTimeMs: 0, topics: denied, nextCursor: null } };
  return {
    request: parts === null ? request : { ...request, topics: parts.allowed },
    finish(response) {
      tellTopicOperations(response, caller, access);
      response.topics = [...response.topics, ...denied];
    },
  };
}

/** All topics are those that may be described: pages are cut from them. */
function describeAll(request: DescribeTopicPartitionsRequest, { caller, access, metadata: { image } }: GuardCall): Verdict<DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse> {
  const { cursor } = request;
  const names = [...image.topicsByName.keys()].filter((name) => (cursor === null || name >= cursor.topicName) && caller.mayTopic(describe, name)).sort();
  if (names.length === 0) return { response: { throttleTimeMs: 0, topics: [], nextCursor: null } };
  // The topic under the cursor may be gone.
  const isThere = cursor === null || names[0] === cursor.topicName;
  return {
    request: { ...request, topics: names.map((name) => ({ name })), cursor: isThere ? cursor : { topicName: names[0]!, partitionIndex: 0 } },
    finish: (response) => tellTopicOperations(response, caller, access),
  };
}

function tellTopicOperations(response: DescribeTopicPartitionsResponse, caller: Caller, access: Access): void {
  for (const topic of response.topics) {
    if (topic.name !== null) topic.topicAuthorizedOperations = access.operations(caller.connection, ResourceType.topic, topic.name);
  }
}

export const describeTopicsGuards: readonly GuardOfApi[] = [
  guardOf(ApiKey.Metadata, creatingMetadata),
  guardOf(ApiKey.DescribeTopicPartitions, describeTopicPartitions),
];
