import { ErrorCode, throwOnError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import {
  makeDescribeTopicPartitionsRequest, makeDescribeTopicPartitionsRequestCursor, makeTopicRequest, readDescribeTopicPartitionsResponse, writeDescribeTopicPartitionsRequest,
  type DescribeTopicPartitionsResponseCursor, type DescribeTopicPartitionsResponseTopic,
} from '../../protocol/generated/describeTopicPartitions.ts';
import type { MetadataResponseTopic } from '../../protocol/generated/metadata.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';

const describeTopicPartitionsApi = { apiKey: ApiKey.DescribeTopicPartitions, versionMax: 0, write: writeDescribeTopicPartitionsRequest, read: readDescribeTopicPartitionsResponse } as const;
const PARTITIONS_PER_ANSWER = 2000;

export interface PartitionDescription {
  readonly partition: number;
  /** -1: none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  /** null: the broker does not tell. (KIP-966) */
  readonly eligibleLeaderReplicas: readonly number[] | null;
  readonly lastKnownEligibleLeaderReplicas: readonly number[] | null;
}

export interface TopicDescription {
  readonly name: string;
  readonly topicId: string;
  readonly isInternal: boolean;
  /** By partition number. */
  readonly partitions: PartitionDescription[];
}

/** By DescribeTopicPartitions, page by page, or by Metadata where the broker has only that. */
export async function describeTopics(cluster: Cluster, topics: readonly string[], partitionsPerAnswerMax = PARTITIONS_PER_ANSWER): Promise<TopicDescription[]> {
  if (topics.length === 0) return [];
  const found = new Map<string, TopicDescription>();
  const connection = await cluster.retrying(() => cluster.anyConnection());
  if (connection.offers(describeTopicPartitionsApi.apiKey)) await describeInPages(cluster, topics, partitionsPerAnswerMax, found);
  else await describeByMetadata(cluster, topics, found);
  return topics.map((topic) => {
    const description = found.get(topic);
    if (description === undefined) throw new ClientError('INVALID_RESPONSE', `the broker did not describe topic ${topic}`);
    description.partitions.sort((a, b) => a.partition - b.partition);
    return description;
  });
}

async function describeInPages(cluster: Cluster, topics: readonly string[], responsePartitionLimit: number, found: Map<string, TopicDescription>): Promise<void> {
  const names = [...topics].sort();
  let cursor: DescribeTopicPartitionsResponseCursor | null = null;
  do {
    const from: DescribeTopicPartitionsResponseCursor | null = cursor;
    const body = makeDescribeTopicPartitionsRequest({
      topics: names.filter((name) => from === null || name >= from.topicName).map((name) => makeTopicRequest({ name })),
      responsePartitionLimit, cursor: from === null ? null : makeDescribeTopicPartitionsRequestCursor({ topicName: from.topicName, partitionIndex: from.partitionIndex }),
    });
    const answer = await cluster.askAny(describeTopicPartitionsApi, body);
    for (const topic of answer.topics) addPage(topic, found);
    cursor = answer.nextCursor;
    if (cursor !== null && from !== null && !isAfter(cursor, from)) throw new ClientError('INVALID_RESPONSE', 'the broker describes the same partitions again and again');
  } while (cursor !== null);
}

const isAfter = (cursor: DescribeTopicPartitionsResponseCursor, from: DescribeTopicPartitionsResponseCursor): boolean =>
  cursor.topicName > from.topicName || (cursor.topicName === from.topicName && cursor.partitionIndex > from.partitionIndex);

function addPage(topic: DescribeTopicPartitionsResponseTopic, found: Map<string, TopicDescription>): void {
  throwOnError(topic.errorCode, topic.name);
  const name = topic.name ?? '';
  const description = found.get(name) ?? { name, topicId: topic.topicId, isInternal: topic.isInternal, partitions: [] };
  found.set(name, description);
  for (const partition of topic.partitions) {
    description.partitions.push({
      partition: partition.partitionIndex, leader: partition.leaderId, replicas: partition.replicaNodes, inSyncReplicas: partition.isrNodes,
      eligibleLeaderReplicas: partition.eligibleLeaderReplicas, lastKnownEligibleLeaderReplicas: partition.lastKnownElr,
    });
  }
}

async function describeByMetadata(cluster: Cluster, topics: readonly string[], found: Map<string, TopicDescription>): Promise<void> {
  const answer = await cluster.retrying(() => cluster.metadata(topics));
  for (const topic of answer.topics) found.set(topic.name ?? '', descriptionOf(topic));
}

function descriptionOf(topic: MetadataResponseTopic): TopicDescription {
  if (topic.errorCode !== ErrorCode.LEADER_NOT_AVAILABLE) throwOnError(topic.errorCode, topic.name);
  const partitions = topic.partitions.map(({ partitionIndex, leaderId, replicaNodes, isrNodes }) => ({
    partition: partitionIndex, leader: leaderId, replicas: replicaNodes, inSyncReplicas: isrNodes, eligibleLeaderReplicas: null, lastKnownEligibleLeaderReplicas: null,
  }));
  return { name: topic.name ?? '', topicId: topic.topicId, isInternal: topic.isInternal, partitions };
}
