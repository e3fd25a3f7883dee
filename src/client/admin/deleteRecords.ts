import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDeleteRecordsPartition, makeDeleteRecordsRequest, makeDeleteRecordsTopic, readDeleteRecordsResponse, writeDeleteRecordsRequest } from '../../protocol/generated/deleteRecords.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, outcomeOf } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { byTopic, PartitionMap, type TopicPartition } from './partitionMap.ts';
import { leaders } from './routes.ts';

const deleteRecordsApi = { apiKey: ApiKey.DeleteRecords, versionMax: 2, write: writeDeleteRecordsRequest, read: readDeleteRecordsResponse } as const;

interface Cut extends TopicPartition {
  readonly beforeOffset: number;
}

/** Deletes what is older than an offset (-1: the high watermark) in each partition. The outcome is the partition's new start offset. */
export async function deleteRecords(cluster: Cluster, cuts: Iterable<readonly [TopicPartition, number]>): Promise<PartitionMap<Outcome<number>>> {
  const keys: Cut[] = [...cuts].map(([{ topic, partition }, beforeOffset]) => ({ topic, partition, beforeOffset }));
  const outcomes = await askForEach<Cut, number>(cluster, keys, leaders(cluster), async (connection, asked) => {
    const body = makeDeleteRecordsRequest({
      timeoutMs: cluster.options.requestTimeoutMs,
      topics: [...byTopic(asked)].map(([name, partitions]) => makeDeleteRecordsTopic({ name, partitions: partitions.map(({ partition, beforeOffset }) => makeDeleteRecordsPartition({ partitionIndex: partition, offset: beforeOffset })) })),
    });
    const answer = await connection.request(deleteRecordsApi, body);
    const found = new PartitionMap<Outcome<number>>();
    for (const { name, partitions } of answer.topics) for (const { partitionIndex, errorCode, lowWatermark } of partitions) found.set({ topic: name, partition: partitionIndex }, outcomeOf(errorCode, null, lowWatermark));
    return new Map(asked.flatMap((key) => (found.has(key) ? [[key, found.get(key) as Outcome<number>] as const] : [])));
  });
  return new PartitionMap([...outcomes].map(([{ topic, partition }, outcome]) => [{ topic, partition }, outcome]));
}
