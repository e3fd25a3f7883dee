import type { OffsetToCommit } from '../consumer/groupOffsets.ts';
import type { OffsetsByTopicPartition } from './consumerTypes.ts';

interface Progress {
  readonly topic: string;
  readonly partition: number;
  /** Offset of the next message. */
  resolved: number;
  committed: number;
  /** Messages resolved since the last commit. */
  count: number;
}

/** What is resolved and not committed, and when it is time to commit. */
export class ResolvedOffsets {
  readonly #intervalMs: number | null;
  readonly #threshold: number | null;
  readonly #partitions = new Map<string, Progress>();
  #committedMs: number;

  constructor(intervalMs: number | null, threshold: number | null, nowMs: number) {
    this.#intervalMs = intervalMs;
    this.#threshold = threshold;
    this.#committedMs = nowMs;
  }

  resolve(topic: string, partition: number, next: number, count = 1): void {
    const key = `${partition}/${topic}`;
    let progress = this.#partitions.get(key);
    if (progress === undefined) this.#partitions.set(key, (progress = { topic, partition, resolved: -1, committed: -1, count: 0 }));
    progress.resolved = next;
    progress.count += count;
  }

  /** Offset of the next message, -1 where nothing is resolved. */
  next(topic: string, partition: number): number {
    return this.#partitions.get(`${partition}/${topic}`)?.resolved ?? -1;
  }

  forget(topic: string, partition: number): void {
    this.#partitions.delete(`${partition}/${topic}`);
  }

  isDue(nowMs: number): boolean {
    if (this.#intervalMs !== null && nowMs - this.#committedMs >= this.#intervalMs) return true;
    if (this.#threshold === null) return false;
    let count = 0;
    for (const progress of this.#partitions.values()) count += progress.count;
    return count >= this.#threshold;
  }

  uncommitted(): OffsetToCommit[] {
    return [...this.#partitions.values()].filter(({ resolved, committed }) => resolved >= 0 && resolved !== committed).map(({ topic, partition, resolved }) => ({ topic, partition, offset: resolved }));
  }

  noteCommitted(offsets: readonly OffsetToCommit[], nowMs: number): void {
    this.#committedMs = nowMs;
    for (const { topic, partition, offset } of offsets) {
      const progress = this.#partitions.get(`${partition}/${topic}`);
      if (progress === undefined) continue;
      progress.committed = offset;
      if (progress.resolved === offset) progress.count = 0;
    }
  }
}

export function byTopicPartition(offsets: readonly OffsetToCommit[]): OffsetsByTopicPartition {
  const topics = new Map<string, { partition: number; offset: string }[]>();
  for (const { topic, partition, offset } of offsets) topics.set(topic, [...(topics.get(topic) ?? []), { partition, offset: String(offset) }]);
  return { topics: [...topics].map(([topic, partitions]) => ({ topic, partitions })) };
}
