import type { Assignment } from './assignor.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Told inside `poll`, which waits for what is returned. */
export interface RebalanceListener {
  /** New partitions: a good time to seek. */
  onAssigned?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /** About to be given up: a good time to finish and commit. */
  onRevoked?(partitions: readonly TopicPartition[]): void | Promise<void>;
  /** Given to somebody else already: too late to commit. Absent: onRevoked is told. */
  onLost?(partitions: readonly TopicPartition[]): void | Promise<void>;
}

export function listPartitions(assignment: Assignment): TopicPartition[] {
  return [...assignment].flatMap(([topic, partitions]) => partitions.map((partition) => ({ topic, partition })));
}
