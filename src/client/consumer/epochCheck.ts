import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeOffsetForLeaderEpochRequest, makeOffsetForLeaderPartition, makeOffsetForLeaderTopic, readOffsetForLeaderEpochResponse, writeOffsetForLeaderEpochRequest } from '../../protocol/generated/offsetForLeaderEpoch.ts';
import { ClientError } from '../core/clientError.ts';
import type { BrokerConnection } from '../core/connection.ts';
import type { PartitionState } from './partitionState.ts';

const epochApi = { apiKey: ApiKey.OffsetForLeaderEpoch, versionMax: 4, write: writeOffsetForLeaderEpochRequest, read: readOffsetForLeaderEpochResponse } as const;
/** The first one that tells of what epoch the answer is, and that consumers may ask with. */
const VERSION_MIN = 3;
const CONSUMER = -1;

/**
 * Where the new leader's log leaves what was read under an earlier one (KIP-320): the offset after the last record of that epoch, or -1 when it cannot be
 * told. An offset before the position means that records were read which are gone.
 */
export async function endOfEpoch(connection: BrokerConnection, { topic, partition, fetchEpoch }: PartitionState, currentLeaderEpoch: number): Promise<number> {
  if (connection.offeredVersion(epochApi.apiKey) < VERSION_MIN) return -1;
  const asked = makeOffsetForLeaderPartition({ partition, currentLeaderEpoch, leaderEpoch: fetchEpoch });
  const answer = await connection.request(epochApi, makeOffsetForLeaderEpochRequest({ replicaId: CONSUMER, topics: [makeOffsetForLeaderTopic({ topic, partitions: [asked] })] }));
  const result = answer.topics.find((each) => each.topic === topic)?.partitions.find((each) => each.partition === partition);
  if (result === undefined) throw new ClientError('INVALID_RESPONSE', `the answer does not name ${topic}-${partition}`);
  if (result.errorCode !== ErrorCode.NONE) throw new KafkaError(result.errorCode, `${topic}-${partition}`);
  return result.leaderEpoch < 0 ? -1 : result.endOffset;
}
