/** DescribeTopicPartitions (75), version 0: topics in the order of their names, page by page. */
import { topicNameProblem, isInternalTopic } from '../../metadata/topicNames.ts';
import type { PartitionImage, TopicImage } from '../../metadata/types.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDescribeTopicPartitionsResponse, makeDescribeTopicPartitionsResponseTopic, readDescribeTopicPartitionsRequest, writeDescribeTopicPartitionsResponse } from '../../protocol/generated/describeTopicPartitions.ts';
import type {
  DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse, DescribeTopicPartitionsResponseCursor, DescribeTopicPartitionsResponsePartition,
  DescribeTopicPartitionsResponseTopic,
} from '../../protocol/generated/describeTopicPartitions.ts';
import type { ApiHandler } from '../contract.ts';
import { allTopicOperations } from '../operations.ts';
import { endpointOf } from '../services.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const describeTopicPartitionsHandler: ApiHandler<BrokerServices, DescribeTopicPartitionsRequest, DescribeTopicPartitionsResponse> = {
  ...spanOf(ApiKey.DescribeTopicPartitions),
  read: readDescribeTopicPartitionsRequest,
  write: writeDescribeTopicPartitionsResponse,
  handle(request, context, services) {
    checkCursor(request);
    const limit = Math.max(Math.min(services.config.maxRequestPartitionSizeLimit, request.responsePartitionLimit), 1);
    context.reply(describePage(request, limit, services, context.connection.listenerName));
  },
  errorResponse: (request, errorCode) => makeDescribeTopicPartitionsResponse({
    topics: request.topics.map(({ name }) => makeDescribeTopicPartitionsResponseTopic({ name, errorCode })),
  }),
};

function checkCursor({ topics, cursor }: DescribeTopicPartitionsRequest): void {
  if (cursor === null) return;
  if (topics.length > 0 && !topics.some(({ name }) => name === cursor.topicName)) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `DescribeTopicPartitionsRequest topic list should contain the cursor topic: ${cursor.topicName}`);
  }
  if (cursor.partitionIndex < 0) {
    throw new KafkaError(ErrorCode.INVALID_REQUEST, `DescribeTopicPartitionsRequest cursor partition must be valid: ${cursor.partitionIndex}`);
  }
}

function describePage(request: DescribeTopicPartitionsRequest, limit: number, services: BrokerServices, listener: string): DescribeTopicPartitionsResponse {
  const { cursor } = request;
  const { image } = services.metadata;
  const isEverything = request.topics.length === 0;
  const asked = isEverything ? [...image.topicsByName.keys()] : [...new Set(request.topics.map(({ name }) => name))];
  const names = asked.filter((name) => cursor === null || name >= cursor.topicName).sort();
  const topics: DescribeTopicPartitionsResponseTopic[] = [];
  let nextCursor: DescribeTopicPartitionsResponseCursor | null = null;
  let left = limit;
  for (const name of names) {
    if (left === 0) {
      nextCursor = { topicName: name, partitionIndex: 0 };
      break;
    }
    const topic = image.topicsByName.get(name);
    if (topic === undefined) {
      // Of all topics, the one under the cursor may be gone.
      if (!isEverything) topics.push(unknownTopic(name));
      continue;
    }
    const first = cursor !== null && name === cursor.topicName ? cursor.partitionIndex : 0;
    const partitions = topic.partitions.slice(first, first + left);
    topics.push(describeTopic(topic, partitions, services, listener));
    left -= partitions.length;
    if (first + partitions.length < topic.partitions.length) {
      nextCursor = { topicName: name, partitionIndex: first + partitions.length };
      break;
    }
  }
  return makeDescribeTopicPartitionsResponse({ topics, nextCursor });
}

function unknownTopic(name: string): DescribeTopicPartitionsResponseTopic {
  const errorCode = topicNameProblem(name) === null ? ErrorCode.UNKNOWN_TOPIC_OR_PARTITION : ErrorCode.INVALID_TOPIC_EXCEPTION;
  return makeDescribeTopicPartitionsResponseTopic({ name, errorCode, isInternal: isInternalTopic(name) });
}

function describeTopic(topic: TopicImage, partitions: readonly PartitionImage[], services: BrokerServices, listener: string): DescribeTopicPartitionsResponseTopic {
  return makeDescribeTopicPartitionsResponseTopic({
    name: topic.name,
    topicId: topic.id,
    isInternal: topic.internal,
    partitions: partitions.map((partition) => describePartition(topic, partition, services, listener)),
    topicAuthorizedOperations: allTopicOperations,
  });
}

function describePartition(topic: TopicImage, partition: PartitionImage, services: BrokerServices, listener: string): DescribeTopicPartitionsResponsePartition {
  const { brokers } = services.metadata.image;
  const leader = brokers.get(partition.leader);
  const isUp = leader !== undefined && !leader.fenced;
  const isOffline = (id: number): boolean => {
    const broker = brokers.get(id);
    return broker === undefined || broker.fenced || (id === services.nodeId && services.partitions.find(topic.name, partition.index)?.isOffline === true);
  };
  return {
    errorCode: !isUp ? ErrorCode.LEADER_NOT_AVAILABLE : endpointOf(leader, listener) === undefined ? ErrorCode.LISTENER_NOT_FOUND : ErrorCode.NONE,
    partitionIndex: partition.index,
    leaderId: partition.leader,
    leaderEpoch: partition.leaderEpoch,
    replicaNodes: partition.replicas as number[],
    isrNodes: partition.inSyncReplicas as number[],
    eligibleLeaderReplicas: [],
    lastKnownElr: [],
    offlineReplicas: partition.replicas.filter(isOffline),
  };
}
