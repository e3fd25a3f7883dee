import type { CommittedOffset } from '../records.ts';

type OffsetsByTopic<Value> = Map<string, Map<number, Value>>;

/** Committed offsets of one shard: group, topic, partition. */
export class OffsetStore<Value = CommittedOffset> {
  private readonly byGroup = new Map<string, OffsetsByTopic<Value>>();
  private stored = 0;

  /** How many offsets are kept. */
  get count(): number {
    return this.stored;
  }

  groupIds(): IterableIterator<string> {
    return this.byGroup.keys();
  }

  topicsOf(groupId: string): ReadonlyMap<string, ReadonlyMap<number, Value>> | undefined {
    return this.byGroup.get(groupId);
  }

  get(groupId: string, topic: string, partition: number): Value | undefined {
    return this.byGroup.get(groupId)?.get(topic)?.get(partition);
  }

  /** Returns what was there before. */
  put(groupId: string, topic: string, partition: number, value: Value): Value | undefined {
    let topics = this.byGroup.get(groupId);
    if (topics === undefined) this.byGroup.set(groupId, (topics = new Map()));
    let partitions = topics.get(topic);
    if (partitions === undefined) topics.set(topic, (partitions = new Map()));
    const before = partitions.get(partition);
    partitions.set(partition, value);
    if (before === undefined) this.stored++;
    return before;
  }

  /** Returns what was there before. */
  remove(groupId: string, topic: string, partition: number): Value | undefined {
    const topics = this.byGroup.get(groupId);
    const partitions = topics?.get(topic);
    const before = partitions?.get(partition);
    if (topics === undefined || partitions === undefined || before === undefined) return undefined;
    this.stored--;
    partitions.delete(partition);
    if (partitions.size === 0) topics.delete(topic);
    if (topics.size === 0) this.byGroup.delete(groupId);
    return before;
  }
}
