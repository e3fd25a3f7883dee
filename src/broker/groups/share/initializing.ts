import type { Uuid } from '../../../protocol/types.ts';
import type { ChangeResult } from './shareGroups.ts';
import type { TopicPartition } from './statePartitions.ts';

interface Key {
  readonly groupId: string;
  readonly topicId: Uuid;
  readonly partition: number;
}

/** What groups need of the share coordinator. */
export interface StatePorts {
  initialize(key: Key, stateEpoch: number, startOffset: number, done: (outcome: ChangeResult) => void): void;
  delete(key: Key, done: (outcome: ChangeResult) => void): void;
}

/** Partitions initialized at one time. */
const AT_ONCE = 64;

/** Initializes partition after partition, few at a time; `done` hears of all of them, in order. */
export function initializeStates(
  states: StatePorts, groupId: string, partitions: readonly TopicPartition[], stateEpoch: number, startOffsetAt: (index: number) => number,
  done: (results: readonly ChangeResult[]) => void,
): void {
  const results: ChangeResult[] = [];
  let next = 0;
  let left = partitions.length;
  if (left === 0) return done(results);
  const beginNext = (): void => {
    if (next >= partitions.length) return;
    const at = next++;
    const { topicId, partition } = partitions[at]!;
    states.initialize({ groupId, topicId, partition }, stateEpoch, startOffsetAt(at), (outcome) => {
      results[at] = outcome;
      left--;
      if (left === 0) done(results);
      else beginNext();
    });
  };
  for (let i = 0; i < AT_ONCE; i++) beginNext();
}
