import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeListOffsetsPartition, makeListOffsetsRequest, makeListOffsetsTopic, readListOffsetsResponse, writeListOffsetsRequest } from '../../protocol/generated/listOffsets.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, outcomeOf } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { byTopic, PartitionMap, type TopicPartition } from './partitionMap.ts';
import { leaders } from './routes.ts';

const listOffsetsApi = { apiKey: ApiKey.ListOffsets, versionMax: 11, write: writeListOffsetsRequest, read: readListOffsetsResponse } as const;
const ADMIN_REPLICA_ID = -1;

/** What to look for instead of a time in milliseconds. */
export const OffsetSpec = { latest: -1, earliest: -2, maxTimestamp: -3, earliestLocal: -4, latestTiered: -5, earliestPendingUpload: -6 } as const;

/** The first version of ListOffsets that knows what is asked for. */
const VERSION_MIN: ReadonlyMap<number, number> = new Map([[OffsetSpec.maxTimestamp, 7], [OffsetSpec.earliestLocal, 8], [OffsetSpec.latestTiered, 9], [OffsetSpec.earliestPendingUpload, 11]]);

export interface FoundOffset {
  /** -1: there is none. */
  readonly offset: number;
  /** Of the record found; -1 for the ends of a log. */
  readonly timestampMs: number;
  /** -1: not known. */
  readonly leaderEpoch: number;
}

interface Wanted extends TopicPartition {
  readonly timestamp: number;
}

/** Looks up an offset in each partition: an OffsetSpec, or the first record at or after a time. */
export async function listOffsets(cluster: Cluster, wanted: Iterable<readonly [TopicPartition, number]>, isolation: 'read_uncommitted' | 'read_committed' = 'read_uncommitted'): Promise<PartitionMap<Outcome<FoundOffset>>> {
  const keys: Wanted[] = [...wanted].map(([{ topic, partition }, timestamp]) => ({ topic, partition, timestamp }));
  const versionMin = Math.max(isolation === 'read_committed' ? 2 : 1, ...keys.map(({ timestamp }) => VERSION_MIN.get(timestamp) ?? 0));
  const outcomes = await askForEach<Wanted, FoundOffset>(cluster, keys, leaders(cluster), async (connection, asked) => {
    const body = makeListOffsetsRequest({
      replicaId: ADMIN_REPLICA_ID, isolationLevel: isolation === 'read_committed' ? 1 : 0, timeoutMs: cluster.options.requestTimeoutMs,
      topics: [...byTopic(asked)].map(([name, partitions]) => makeListOffsetsTopic({ name, partitions: partitions.map(({ partition, timestamp }) => makeListOffsetsPartition({ partitionIndex: partition, timestamp })) })),
    });
    const answer = await connection.request(listOffsetsApi, body, { version: connection.versionOf(listOffsetsApi, versionMin) });
    const found = new PartitionMap<Outcome<FoundOffset>>();
    for (const { name, partitions } of answer.topics) {
      for (const { partitionIndex, errorCode, offset, timestamp, leaderEpoch } of partitions) found.set({ topic: name, partition: partitionIndex }, outcomeOf(errorCode, null, { offset, timestampMs: timestamp, leaderEpoch }));
    }
    return new Map(asked.flatMap((key) => (found.has(key) ? [[key, found.get(key) as Outcome<FoundOffset>] as const] : [])));
  });
  return new PartitionMap([...outcomes].map(([{ topic, partition }, outcome]) => [{ topic, partition }, outcome]));
}

/** Whether the broker, not the partition, is what does not know the question. */
export function isUnsupported(error: unknown): boolean {
  return (error instanceof ClientError && error.code === 'UNSUPPORTED_VERSION') || (error as { code?: unknown }).code === ErrorCode.UNSUPPORTED_VERSION;
}
