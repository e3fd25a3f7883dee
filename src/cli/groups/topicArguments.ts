import { describeTopics, type TopicDescription } from '../../client/admin/describeTopics.ts';
import type { TopicPartition } from '../../client/admin/partitionMap.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { KafkaError } from '../../protocol/errors.ts';
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
  return [...partitions, ...described.flatMap(({ name, partitions: list }) => list.map(({ partition }) => ({ topic: name, partition })))];
}

/** As the admin client does, but with the error as Kafka's tools print it: without the topic's name. */
export async function describeNamed(cluster: Cluster, topics: readonly string[]): Promise<TopicDescription[]> {
  try {
    return await describeTopics(cluster, topics);
  } catch (error) {
    throw error instanceof KafkaError ? new KafkaError(error.code) : error;
  }
}
