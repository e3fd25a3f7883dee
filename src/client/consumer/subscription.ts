import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';

/** Which topics: by name, or all whose name `matches`. */
export type TopicChoice = { readonly topics: readonly string[] } | { readonly matches: (topic: string) => boolean };

export interface SubscriptionOptions {
  readonly allowAutoCreateTopics: boolean;
  readonly excludeInternalTopics: boolean;
}

/** The topics that a choice means now, with their numbers of partitions (0: there is no such topic yet). Asks the brokers once. */
export async function resolveTopics(cluster: Cluster, choice: TopicChoice, options: SubscriptionOptions): Promise<Map<string, number>> {
  if ('topics' in choice) return countPartitions(cluster, choice.topics, options.allowAutoCreateTopics);
  const answer = await cluster.metadata(null);
  const counts = new Map<string, number>();
  for (const { name, isInternal, errorCode, partitions } of answer.topics) {
    const isWanted = name !== null && errorCode === ErrorCode.NONE && !(isInternal && options.excludeInternalTopics) && choice.matches(name);
    if (isWanted) counts.set(name, partitions.length);
  }
  return counts;
}

/** As the brokers answer now; topics that cannot be read yet count 0. Throws the KafkaError of a topic that never can. */
export async function countPartitions(cluster: Cluster, topics: readonly string[], allowAutoTopicCreation: boolean): Promise<Map<string, number>> {
  const counts = new Map(topics.map((topic) => [topic, 0]));
  if (topics.length === 0) return counts;
  const answer = await cluster.metadata(topics, allowAutoTopicCreation);
  for (const { name, errorCode, partitions } of answer.topics) {
    if (name === null || !counts.has(name)) continue;
    const error = errorCode === ErrorCode.NONE ? null : new KafkaError(errorCode, `topic ${name}`);
    if (error !== null && !error.retriable) throw error;
    if (error !== null) cluster.options.logger.warn(`topic ${name} cannot be read yet: ${error.codeName}`);
    counts.set(name, error === null ? partitions.length : 0);
  }
  return counts;
}
