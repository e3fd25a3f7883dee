import type { Uuid } from '../../../protocol/types.ts';
import type { TopicPartition } from './statePartitions.ts';

interface Key {
  readonly groupId: string;
  readonly topicId: Uuid;
  readonly partition: number;
}

/** What became of one partition or topic of a request. */
export interface ChangeResult {
  readonly errorCode: number;
  readonly message: string | null;
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
  let isBeginning = false;
  if (left === 0) return done(results);
  const begin = (): void => {
    if (isBeginning) return;
    isBeginning = true;
    // what is answered at once makes room for the next in this very loop
    while (next < partitions.length && next - (partitions.length - left) < AT_ONCE) ask(next++);
    isBeginning = false;
  };
  const ask = (at: number): void => {
    const { topicId, partition } = partitions[at]!;
    states.initialize({ groupId, topicId, partition }, stateEpoch, startOffsetAt(at), (outcome) => {
      results[at] = outcome;
      left--;
      if (left === 0) done(results);
      else begin();
    });
  };
  begin();
}
