import type { PartitionLog } from './log.ts';

/** Logs by topic and partition. */
export class LogTable {
  readonly #topics = new Map<string, Map<number, PartitionLog>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(topic: string, partition: number): PartitionLog | undefined {
    return this.#topics.get(topic)?.get(partition);
  }

  add(log: PartitionLog): void {
    let partitions = this.#topics.get(log.topic);
    if (partitions === undefined) {
      partitions = new Map();
      this.#topics.set(log.topic, partitions);
    }
    if (!partitions.has(log.partition)) this.#size += 1;
    partitions.set(log.partition, log);
  }

  remove(log: PartitionLog): void {
    const partitions = this.#topics.get(log.topic);
    if (partitions?.get(log.partition) !== log) return;
    partitions.delete(log.partition);
    this.#size -= 1;
    if (partitions.size === 0) this.#topics.delete(log.topic);
  }

  *all(): Iterable<PartitionLog> {
    for (const partitions of this.#topics.values()) yield* partitions.values();
  }
}
