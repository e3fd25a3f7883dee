/** What the five APIs of the share coordinator have in common: topics of partitions in, topics of results out. */
import type { Uuid } from '../../../protocol/types.ts';

interface TopicOf<Asked> {
  readonly topicId: Uuid;
  readonly partitions: readonly Asked[];
}

/** Asks for every partition; `done` hears of all of them, in the order of the request. */
export function eachPartition<Asked, Result>(
  topics: readonly TopicOf<Asked>[],
  ask: (topicId: Uuid, asked: Asked, answer: (result: Result) => void) => void,
  done: (results: { topicId: Uuid; partitions: Result[] }[]) => void,
): void {
  const results = topics.map(({ topicId }) => ({ topicId, partitions: [] as Result[] }));
  let left = topics.reduce((count, { partitions }) => count + partitions.length, 0);
  if (left === 0) return done(results);
  topics.forEach(({ topicId, partitions }, topic) => partitions.forEach((asked, at) => {
    ask(topicId, asked, (result) => {
      results[topic]!.partitions[at] = result;
      if (--left === 0) done(results);
    });
  }));
}

/** The same result for every partition. */
export function allPartitions<Asked, Result>(topics: readonly TopicOf<Asked>[], result: (asked: Asked) => Result): { topicId: Uuid; partitions: Result[] }[] {
  return topics.map(({ topicId, partitions }) => ({ topicId, partitions: partitions.map(result) }));
}
