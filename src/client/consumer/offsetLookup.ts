import { groupBy } from '../../base/collections.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeListOffsetsPartition, makeListOffsetsRequest, makeListOffsetsTopic, readListOffsetsResponse, writeListOffsetsRequest } from '../../protocol/generated/listOffsets.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';

const listOffsetsApi = { apiKey: ApiKey.ListOffsets, versionMax: 7, write: writeListOffsetsRequest, read: readListOffsetsResponse } as const;
/** The first one that answers one offset for each partition. */
const VERSION_MIN = 1;

/** Special timestamps of ListOffsets. */
export const OffsetAt = { latest: -1, earliest: -2 } as const;

export interface OffsetQuestion {
  readonly topic: string;
  readonly partition: number;
  /** Milliseconds, or one of OffsetAt. */
  readonly timestamp: number;
}

/**
 * Asks the leaders once. `onOffset` comes for each partition answered, with -1 where no record is that young; then the first error is thrown, after all
 * answers were taken. A retriable one has made the cluster ask anew who leads.
 */
export async function lookUpOffsets(cluster: Cluster, isReadCommitted: boolean, questions: readonly OffsetQuestion[], onOffset: (topic: string, partition: number, offset: number) => void): Promise<void> {
  const led = await Promise.all(questions.map(async (question) => ({ question, leader: await leaderOf(cluster, question) })));
  const byLeader = groupBy(led, ({ leader }) => leader);
  const outcomes = await Promise.allSettled([...byLeader].map(([leader, all]) => askLeader(cluster, leader, isReadCommitted, all.map(({ question }) => question), onOffset)));
  for (const outcome of outcomes) {
    if (outcome.status === 'fulfilled') continue;
    for (const { topic } of questions) cluster.forget(topic);
    throw outcome.reason;
  }
}

async function leaderOf(cluster: Cluster, { topic, partition }: OffsetQuestion): Promise<number> {
  const leader = (await cluster.leadersOf(topic))[partition]?.leader ?? -1;
  if (leader >= 0) return leader;
  cluster.forget(topic);
  throw new ClientError('NO_LEADER', `${topic}-${partition} has no leader`);
}

async function askLeader(cluster: Cluster, leader: number, isReadCommitted: boolean, questions: readonly OffsetQuestion[], onOffset: (topic: string, partition: number, offset: number) => void): Promise<void> {
  const topics = [...groupBy(questions, ({ topic }) => topic)].map(([name, all]) =>
    makeListOffsetsTopic({ name, partitions: all.map(({ partition, timestamp }) => makeListOffsetsPartition({ partitionIndex: partition, timestamp })) }));
  const connection = await cluster.connectionTo(leader);
  const version = connection.versionOf(listOffsetsApi, VERSION_MIN);
  const answer = await connection.request(listOffsetsApi, makeListOffsetsRequest({ replicaId: -1, isolationLevel: isReadCommitted && version >= 2 ? 1 : 0, topics }), { version });
  let failure: KafkaError | null = null;
  for (const { name, partitions } of answer.topics) {
    for (const { partitionIndex, errorCode, offset } of partitions) {
      if (errorCode === ErrorCode.NONE) onOffset(name, partitionIndex, offset);
      else failure ??= new KafkaError(errorCode, `${name}-${partitionIndex}`);
    }
  }
  if (failure !== null) throw failure;
}
