import { expect, it } from 'vitest';
import { Consumer } from '../../src/client/consumer/consumer.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeFetchableTopicResponse, makePartitionData } from '../../src/protocol/generated/fetch.ts';
import { makeEpochEndOffset, makeOffsetForLeaderTopicResult } from '../../src/protocol/generated/offsetForLeaderEpoch.ts';
import type { MetadataResponseTopic } from '../../src/protocol/generated/metadata.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { makeWorld, metadataOf } from './support/cluster.ts';
import { settle } from './support/fakeClock.ts';

const batch = (base: number, values: readonly string[], leaderEpoch: number): Buffer => {
  const builder = new BatchBuilder();
  for (const value of values) builder.append(null, Buffer.from(value), null, 5);
  return builder.close({ baseOffset: base, leaderEpoch });
};

/** Offsets 0 to 3 are read under epoch 1; the leader of epoch 2 has only 0 and 1 of them. */
async function readOverTruncation(autoOffsetReset: 'earliest' | 'none', seen: string[]): Promise<void> {
  const world = await makeWorld({ t: 1 });
  let epoch = 1;
  world.broker.on('Metadata', ({ body }) => {
    const answer = metadataOf(world.broker.port, world.topics, body['topics'] as { name: string }[] | null);
    for (const topic of answer['topics'] as MetadataResponseTopic[]) for (const partition of topic.partitions) partition.leaderEpoch = epoch;
    return { answer };
  });
  world.broker.on('OffsetForLeaderEpoch', ({ body }) => {
    const [asked] = (body['topics'] as { partitions: { leaderEpoch: number; currentLeaderEpoch: number }[] }[])[0]!.partitions;
    expect(asked).toMatchObject({ leaderEpoch: 1, currentLeaderEpoch: 2 });
    return { answer: { topics: [makeOffsetForLeaderTopicResult({ topic: 't', partitions: [makeEpochEndOffset({ partition: 0, leaderEpoch: 1, endOffset: 2 })] })] } };
  });
  world.broker.on('Fetch', ({ body }) => {
    const { fetchOffset, currentLeaderEpoch } = (body['topics'] as { partitions: { fetchOffset: number; currentLeaderEpoch: number }[] }[])[0]!.partitions[0]!;
    const answer = (fields: Parameters<typeof makePartitionData>[0]) => ({ answer: { responses: [makeFetchableTopicResponse({ topic: 't', partitions: [makePartitionData({ partitionIndex: 0, ...fields })] })] } });
    if (currentLeaderEpoch < epoch) return answer({ errorCode: ErrorCode.FENCED_LEADER_EPOCH });
    if (epoch === 1 && fetchOffset === 0) return answer({ highWatermark: 4, records: batch(0, ['a', 'b', 'c', 'd'], 1) });
    epoch = 2;
    return fetchOffset === 2 ? answer({ highWatermark: 4, records: batch(2, ['C', 'D'], 2) }) : answer({ errorCode: ErrorCode.FENCED_LEADER_EPOCH });
  });
  const consumer = new Consumer(world.cluster, { autoOffsetReset, fetchWaitMsMax: 50 });
  consumer.assign([{ topic: 't', partition: 0, start: 0 }]);
  try {
    for (let polls = 0; seen.length < 6 && polls < 50; polls += 1) await settle(world.clock, consumer.poll((_topic, _partition, record) => void seen.push(String(record.value())), 100));
  } finally {
    await settle(world.clock, consumer.close());
    world.cluster.close();
  }
}

it('a consumer goes back to where the log of a new leader leaves what was read (KIP-320)', async () => {
  const seen: string[] = [];
  await readOverTruncation('earliest', seen);
  expect(seen).toEqual(['a', 'b', 'c', 'd', 'C', 'D']);
});

it('a consumer that must not reset says so', async () => {
  const seen: string[] = [];
  await expect(readOverTruncation('none', seen)).rejects.toMatchObject({ code: 'NO_OFFSET', message: expect.stringContaining('truncated') });
  expect(seen).toEqual(['a', 'b', 'c', 'd']);
});
