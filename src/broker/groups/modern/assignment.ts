/** Partitions shared out among members, by topic id. */
import type { Uuid } from '../../../protocol/types.ts';

/** Never changed once made. */
export type Assignment = ReadonlyMap<Uuid, ReadonlySet<number>>;
/** Each partition with the member epoch at which it was assigned. */
export type EpochAssignment = ReadonlyMap<Uuid, ReadonlyMap<number, number>>;

/** Topic by topic, as requests and records list it. */
export interface TopicPartitionList {
  readonly topicId: Uuid;
  readonly partitions: readonly number[];
}

export const NOTHING_ASSIGNED: Assignment = new Map();
export const NOTHING_OWNED: EpochAssignment = new Map();

const ascending = (a: number, b: number): number => a - b;

export function assignmentOf(topics: readonly TopicPartitionList[]): Assignment {
  return new Map(topics.map(({ topicId, partitions }) => [topicId, new Set(partitions)]));
}

export function listOf(assignment: Assignment | EpochAssignment): { topicId: Uuid; partitions: number[] }[] {
  return [...assignment].map(([topicId, partitions]) => ({ topicId, partitions: [...partitions.keys()].toSorted(ascending) }));
}

/** Whether both say the same, in whatever order. */
export function isSameAssignment(a: Assignment, b: Assignment): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.size !== partitions.size) return false;
    for (const partition of partitions) if (!others.has(partition)) return false;
  }
  return true;
}

/** Whether both hold the same partitions, at whatever epochs. */
export function hasSamePartitions(a: EpochAssignment, b: EpochAssignment): boolean {
  if (a === b) return true;
  if (a.size !== b.size) return false;
  for (const [topicId, partitions] of a) {
    const others = b.get(topicId);
    if (others === undefined || others.size !== partitions.size) return false;
    for (const partition of partitions.keys()) if (!others.has(partition)) return false;
  }
  return true;
}

/** Whether both hold the same partitions at the same epochs. */
export function isSameOwnership(a: EpochAssignment, b: EpochAssignment): boolean {
  if (!hasSamePartitions(a, b)) return false;
  for (const [topicId, partitions] of a) {
    for (const [partition, epoch] of partitions) if (b.get(topicId)!.get(partition) !== epoch) return false;
  }
  return true;
}
