import { describeTopics, type TopicDescription } from '../../client/admin/describeTopics.ts';
import { listTopics } from '../../client/admin/topics.ts';
import type { TopicPartition } from '../../client/admin/partitionMap.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { UsageError } from '../toolError.ts';

/** Arguments of --topic: names, or names with partitions as `topic:0,1`. */
export interface TopicArguments {
  readonly partitions: readonly TopicPartition[];
  /** Named without partitions. */
  readonly topics: readonly string[];
}

export function parseTopicArguments(given: readonly string[]): TopicArguments {
  return { partitions: given.filter((text) => text.includes(':')).flatMap(parsePartitions), topics: given.filter((text) => !text.includes(':')) };
}

function parsePartitions(text: string): TopicPartition[] {
  const [topic, numbers, ...rest] = text.split(':');
  if (topic === undefined || topic === '' || numbers === undefined || numbers === '' || rest.length > 0) throw new UsageError(`Invalid topic arg '${text}', expected topic name and partitions`);
  return numbers.split(',').map((number) => {
    if (!/^\d{1,9}$/.test(number)) throw new UsageError(`Invalid partition '${number}' specified in topic arg '${text}''`);
    return { topic, partition: Number(number) };
  });
}

/** All that was named. Throws KafkaError UNKNOWN_TOPIC_OR_PARTITION. */
export async function allPartitions(cluster: Cluster, { partitions, topics }: TopicArguments): Promise<TopicPartition[]> {
  const described = await describeNamed(cluster, topics);
  await checkPresent(cluster, partitions);
  return [...partitions, ...described.flatMap(({ name, partitions: list }) => list.map(({ partition }) => ({ topic: name, partition })))];
}

/** Throws KafkaError UNKNOWN_TOPIC_OR_PARTITION with the names of those that do not exist. */
export async function checkPresent(cluster: Cluster, partitions: readonly TopicPartition[]): Promise<void> {
  if (partitions.length === 0) return;
  const known = new Set((await listTopics(cluster)).map(({ name }) => name));
  const topics = [...new Set(partitions.map(({ topic }) => topic))].filter((topic) => known.has(topic));
  const counts = new Map((await describeNamed(cluster, topics)).map(({ name, partitions: list }) => [name, list.length]));
  const absent = partitions.filter(({ topic, partition }) => partition >= (counts.get(topic) ?? 0));
  if (absent.length > 0) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `The partitions "${absent.map(({ topic, partition }) => `${topic}-${partition}`).join(',')}" do not exist`);
}

/** As the admin client does, but with the error as Kafka's tools print it: without the topic's name. */
export async function describeNamed(cluster: Cluster, topics: readonly string[]): Promise<TopicDescription[]> {
  try {
    return await describeTopics(cluster, topics);
  } catch (error) {
    throw error instanceof KafkaError ? new KafkaError(error.code) : error;
  }
}
