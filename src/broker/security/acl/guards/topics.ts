/** APIs about named topics: those that may not be touched are taken out and answered TOPIC_AUTHORIZATION_FAILED, whether they exist or not. */
import { AclOperation } from '../../../../metadata/acls.ts';
import { ErrorCode, errorName } from '../../../../protocol/errors.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import { makeCreatePartitionsTopicResult } from '../../../../protocol/generated/createPartitions.ts';
import type { CreatePartitionsRequest, CreatePartitionsResponse } from '../../../../protocol/generated/createPartitions.ts';
import { makeCreatableTopicResult } from '../../../../protocol/generated/createTopics.ts';
import type { CreatableTopicResult, CreateTopicsRequest, CreateTopicsResponse } from '../../../../protocol/generated/createTopics.ts';
import type { DeleteRecordsRequest, DeleteRecordsResponse } from '../../../../protocol/generated/deleteRecords.ts';
import { makePartitionResponse } from '../../../../protocol/generated/describeProducers.ts';
import type { DescribeProducersRequest, DescribeProducersResponse } from '../../../../protocol/generated/describeProducers.ts';
import type { ListOffsetsRequest, ListOffsetsResponse } from '../../../../protocol/generated/listOffsets.ts';
import type { OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse } from '../../../../protocol/generated/offsetForLeaderEpoch.ts';
import type { ProduceRequest, ProduceResponse, TopicProduceData, TopicProduceResponse } from '../../../../protocol/generated/produce.ts';
import { HEADER_BYTES, attributesOf, isTransactional } from '../../../../record/batchHeader.ts';
import { splitByName } from '../../../handlers/repeatedNames.ts';
import { guardOf, split } from '../guard.ts';
import type { GuardCall, GuardOfApi, Verdict } from '../guard.ts';

const { alter, clusterAction, create, describe, describeConfigs, read, write } = AclOperation;
const { TOPIC_AUTHORIZATION_FAILED } = ErrorCode;
const FIRST_PRODUCE_VERSION_WITH_ID = 13;
const FIRST_CREATE_VERSION_WITH_CONFIG_ERROR = 5;
const ADMIN_REFUSED = 'Topic authorization failed.';

function produce(request: ProduceRequest, call: GuardCall): Verdict<ProduceRequest, ProduceResponse> | null {
  const { caller, apiVersion, metadata } = call;
  const isOpen = !hasTransactional(request) || (request.transactionalId !== null && caller.mayTransaction(write, request.transactionalId));
  if (!isOpen) return request.acks === 0 ? { close: `acks=0 and ${errorName(ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED)}` } : { refusal: ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED };
  const byId = apiVersion >= FIRST_PRODUCE_VERSION_WITH_ID;
  // An id that nobody knows is the handler's to refuse.
  const nameOf = (topic: TopicProduceData): string | undefined => (byId ? metadata.image.topicsById.get(topic.topicId)?.name : topic.name);
  const parts = split(request.topicData, (topic) => {
    const name = nameOf(topic);
    return name === undefined || caller.mayTopic(write, name);
  });
  if (parts === null) return null;
  const denied = parts.denied.map(produceRefusal);
  const ending = `acks=0 and ${errorName(TOPIC_AUTHORIZATION_FAILED)}`;
  if (parts.allowed.length === 0) return request.acks === 0 ? { close: ending } : { response: { responses: denied, throttleTimeMs: 0, nodeEndpoints: [] } };
  return {
    request: { ...request, topicData: parts.allowed },
    finish(response) {
      response.responses = [...response.responses, ...denied];
    },
    ending,
  };
}

/** Kafka goes by the batches, not by the id that comes with them. */
function hasTransactional({ topicData }: ProduceRequest): boolean {
  for (const { partitionData } of topicData) {
    for (const { records } of partitionData) {
      if (records !== null && records.length >= HEADER_BYTES && isTransactional(attributesOf(records as Buffer, 0))) return true;
    }
  }
  return false;
}

function produceRefusal({ name, topicId, partitionData }: TopicProduceData): TopicProduceResponse {
  const partitionResponses = partitionData.map(({ index }) => ({
    index, errorCode: TOPIC_AUTHORIZATION_FAILED, baseOffset: -1, logAppendTimeMs: -1, logStartOffset: -1, recordErrors: [], errorMessage: null,
    currentLeader: { leaderId: -1, leaderEpoch: -1 },
  }));
  return { name, topicId, partitionResponses };
}

function listOffsets(request: ListOffsetsRequest, { caller }: GuardCall): Verdict<ListOffsetsRequest, ListOffsetsResponse> | null {
  const parts = split(request.topics, ({ name }) => caller.mayTopic(describe, name));
  if (parts === null) return null;
  const denied = parts.denied.map(({ name, partitions }) => ({
    name,
    partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED, oldStyleOffsets: [], timestamp: -1, offset: -1, leaderEpoch: -1 })),
  }));
  return { request: { ...request, topics: parts.allowed }, finish: (response) => void (response.topics = [...response.topics, ...denied]) };
}

function offsetForLeaderEpoch(request: OffsetForLeaderEpochRequest, { caller }: GuardCall): Verdict<OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse> | null {
  if (caller.mayCluster(clusterAction)) return null;
  const parts = split(request.topics, ({ topic }) => caller.mayTopic(describe, topic));
  if (parts === null) return null;
  const denied = parts.denied.map(({ topic, partitions }) => ({
    topic, partitions: partitions.map(({ partition }) => ({ errorCode: TOPIC_AUTHORIZATION_FAILED, partition, leaderEpoch: -1, endOffset: -1 })),
  }));
  return { request: { ...request, topics: parts.allowed }, finish: (response) => void (response.topics = [...response.topics, ...denied]) };
}

function deleteRecords(request: DeleteRecordsRequest, { caller }: GuardCall): Verdict<DeleteRecordsRequest, DeleteRecordsResponse> | null {
  const parts = split(request.topics, ({ name }) => caller.mayTopic(AclOperation.delete, name));
  if (parts === null) return null;
  const denied = parts.denied.map(({ name, partitions }) => ({
    name, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, lowWatermark: -1, errorCode: TOPIC_AUTHORIZATION_FAILED })),
  }));
  return { request: { ...request, topics: parts.allowed }, finish: (response) => void (response.topics = [...response.topics, ...denied]) };
}

function describeProducers(request: DescribeProducersRequest, { caller }: GuardCall): Verdict<DescribeProducersRequest, DescribeProducersResponse> | null {
  const parts = split(request.topics, ({ name }) => caller.mayTopic(read, name));
  if (parts === null) return null;
  const denied = parts.denied.map(({ name, partitionIndexes }) => ({
    name, partitions: partitionIndexes.map((partitionIndex) => makePartitionResponse({ partitionIndex, errorCode: TOPIC_AUTHORIZATION_FAILED, errorMessage: ADMIN_REFUSED })),
  }));
  return { request: { ...request, topics: parts.allowed }, finish: (response) => void (response.topics = [...response.topics, ...denied]) };
}

/** A name that stands twice is the handler's to refuse: Kafka says so before it asks who may. */
function createTopics(request: CreateTopicsRequest, { caller, apiVersion }: GuardCall): Verdict<CreateTopicsRequest, CreateTopicsResponse> | null {
  const { repeated } = splitByName(request.topics);
  const isCreator = caller.mayCluster(create);
  const parts = split(request.topics, ({ name }) => repeated.has(name) || isCreator || caller.mayTopic(create, name));
  const denied = (parts?.denied ?? []).map(({ name }) => makeCreatableTopicResult({
    name, errorCode: TOPIC_AUTHORIZATION_FAILED, errorMessage: 'Authorization failed.', numPartitions: -1, replicationFactor: -1, configs: [],
  }));
  return {
    request: parts === null ? request : { ...request, topics: parts.allowed },
    finish(response) {
      if (apiVersion >= FIRST_CREATE_VERSION_WITH_CONFIG_ERROR) for (const topic of response.topics) hideConfigs(topic, caller.mayTopic(describeConfigs, topic.name));
      response.topics = [...response.topics, ...denied];
    },
  };
}

/** Who may create a topic may not see its settings for that. */
function hideConfigs(topic: CreatableTopicResult, mayDescribe: boolean): void {
  if (mayDescribe || topic.errorCode !== ErrorCode.NONE) return;
  topic.topicConfigErrorCode = TOPIC_AUTHORIZATION_FAILED;
  topic.numPartitions = -1;
  topic.replicationFactor = -1;
  topic.configs = [];
}

function createPartitions(request: CreatePartitionsRequest, { caller }: GuardCall): Verdict<CreatePartitionsRequest, CreatePartitionsResponse> | null {
  const { repeated } = splitByName(request.topics);
  const parts = split(request.topics, ({ name }) => repeated.has(name) || caller.mayTopic(alter, name));
  if (parts === null) return null;
  const denied = parts.denied.map(({ name }) => makeCreatePartitionsTopicResult({ name, errorCode: TOPIC_AUTHORIZATION_FAILED, errorMessage: null }));
  return { request: { ...request, topics: parts.allowed }, finish: (response) => void (response.results = [...response.results, ...denied]) };
}

export const topicGuards: readonly GuardOfApi[] = [
  guardOf(ApiKey.Produce, produce),
  guardOf(ApiKey.ListOffsets, listOffsets),
  guardOf(ApiKey.OffsetForLeaderEpoch, offsetForLeaderEpoch),
  guardOf(ApiKey.DeleteRecords, deleteRecords),
  guardOf(ApiKey.DescribeProducers, describeProducers),
  guardOf(ApiKey.CreateTopics, createTopics),
  guardOf(ApiKey.CreatePartitions, createPartitions),
];
