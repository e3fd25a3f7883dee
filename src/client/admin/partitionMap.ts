import { groupBy } from '../../base/collections.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Something by topic and partition, in the order of insertion within each. */
export class PartitionMap<V> implements Iterable<readonly [TopicPartition, V]> {
  readonly #topics = new Map<string, Map<number, readonly [TopicPartition, V]>>();

  constructor(entries: Iterable<readonly [TopicPartition, V]> = []) {
    for (const [key, value] of entries) this.set(key, value);
  }

  get size(): number {
    let size = 0;
    for (const partitions of this.#topics.values()) size += partitions.size;
    return size;
  }

  get({ topic, partition }: TopicPartition): V | undefined {
    return this.#topics.get(topic)?.get(partition)?.[1];
  }

  has({ topic, partition }: TopicPartition): boolean {
    return this.#topics.get(topic)?.has(partition) === true;
  }

  set(key: TopicPartition, value: V): this {
    let partitions = this.#topics.get(key.topic);
    if (partitions === undefined) this.#topics.set(key.topic, (partitions = new Map()));
    partitions.set(key.partition, [key, value]);
    return this;
  }

  delete({ topic, partition }: TopicPartition): boolean {
    const partitions = this.#topics.get(topic);
    const wasThere = partitions?.delete(partition) === true;
    if (partitions?.size === 0) this.#topics.delete(topic);
    return wasThere;
  }

  keys(): TopicPartition[] {
    return [...this].map(([key]) => key);
  }

  values(): V[] {
    return [...this].map(([, value]) => value);
  }

  *[Symbol.iterator](): IterableIterator<readonly [TopicPartition, V]> {
    for (const partitions of this.#topics.values()) yield* partitions.values();
  }
}

/** Partitions, or what has a topic and a partition, by topic. */
export const byTopic = <T extends TopicPartition>(partitions: readonly T[]): Map<string, T[]> => groupBy(partitions, ({ topic }) => topic);

export function comparePartitions(a: TopicPartition, b: TopicPartition): number {
  return a.topic < b.topic ? -1 : a.topic > b.topic ? 1 : a.partition - b.partition;
}
