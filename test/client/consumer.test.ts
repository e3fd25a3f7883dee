import { afterEach, describe, expect, it } from 'vitest';
import { Consumer } from '../../src/client/consumer/consumer.ts';
import type { ConsumerOptions } from '../../src/client/consumer/consumerOptions.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeFetchableTopicResponse, makePartitionData } from '../../src/protocol/generated/fetch.ts';
import { makeListOffsetsPartitionResponse, makeListOffsetsTopicResponse } from '../../src/protocol/generated/listOffsets.ts';
import { Codec } from '../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { makeWorld, type World } from './support/cluster.ts';
import type { Reaction } from './support/fakeBroker.ts';
import { settle, turns } from './support/fakeClock.ts';

interface FetchBody {
  readonly maxWaitMs: number;
  readonly topics: readonly { readonly topic: string; readonly partitions: readonly { readonly partition: number; readonly fetchOffset: number }[] }[];
}
interface ListBody {
  readonly topics: readonly { readonly name: string; readonly partitions: readonly { readonly partitionIndex: number; readonly timestamp: number }[] }[];
}

/** A partition as batches of values, from `start` on. */
interface StoredPartition {
  start: number;
  batches: { readonly base: number; readonly values: readonly string[] }[];
  /** Answered in place of records, once each. */
  errors: number[];
}

interface Bench extends World {
  readonly stored: Map<string, StoredPartition>;
  readonly consumer: Consumer;
  readonly seen: string[];
  /** Polls until so many records were seen. */
  pollUntil(count: number): Promise<void>;
}

const end = ({ start, batches }: StoredPartition): number => batches.reduce((offset, { base, values }) => Math.max(offset, base + values.length), start);

function bytesOf({ base, values }: StoredPartition['batches'][number], codec: Codec = Codec.none): Buffer {
  const builder = new BatchBuilder();
  for (const value of values) builder.append(null, Buffer.from(value), null, 5);
  return builder.close({ baseOffset: base, codec });
}

const benches: Bench[] = [];
afterEach(() => {
  for (const bench of benches.splice(0)) bench.cluster.close();
});

async function makeBench(topics: Record<string, number>, options: Partial<ConsumerOptions> = {}): Promise<Bench> {
  const world = await makeWorld(topics, { metadataMaxAgeMs: 5000 });
  const stored = new Map<string, StoredPartition>();
  const partition = (topic: string, index: number): StoredPartition => {
    const key = `${topic}/${index}`;
    let found = stored.get(key);
    if (found === undefined) stored.set(key, (found = { start: 0, batches: [], errors: [] }));
    return found;
  };
  for (const [topic, count] of Object.entries(topics)) for (let index = 0; index < count; index++) partition(topic, index);
  const seen: string[] = [];
  const consumer = new Consumer(world.cluster, { autoOffsetReset: 'earliest', fetchWaitMsMax: 100, ...options });
  const bench: Bench = {
    ...world, stored, consumer, seen,
    async pollUntil(count) {
      while (seen.length < count) await settle(world.clock, consumer.poll((topic, index, record) => void seen.push(`${topic}/${index}@${record.offset}=${String(record.value())}`), 1000));
    },
  };
  benches.push(bench);
  world.broker.on('ListOffsets', ({ body }) => listOffsets(body as unknown as ListBody, partition));
  world.broker.on('Fetch', async ({ body }) => {
    const answer = fetchFrom(body as unknown as FetchBody, partition);
    // an empty answer is given after the wait that was asked for
    if (answer === null) await new Promise<void>((resolve) => world.clock.setTimer((body as unknown as FetchBody).maxWaitMs, resolve));
    return { answer: (answer ?? { responses: [] }) as Record<string, unknown> };
  });
  return bench;
}

function listOffsets({ topics }: ListBody, partition: (topic: string, index: number) => StoredPartition): Reaction {
  return { answer: { topics: topics.map(({ name, partitions }) => makeListOffsetsTopicResponse({
    name, partitions: partitions.map(({ partitionIndex, timestamp }) => makeListOffsetsPartitionResponse({ partitionIndex, offset: timestamp === -2 ? partition(name, partitionIndex).start : end(partition(name, partitionIndex)) })),
  })) } };
}

function fetchFrom({ topics }: FetchBody, partition: (topic: string, index: number) => StoredPartition): object | null {
  let isEmpty = true;
  const responses = topics.map(({ topic, partitions }) => makeFetchableTopicResponse({ topic, partitions: partitions.map(({ partition: partitionIndex, fetchOffset }) => {
    const kept = partition(topic, partitionIndex);
    const isOutOfRange = fetchOffset < kept.start || fetchOffset > end(kept);
    const errorCode = kept.errors.shift() ?? (isOutOfRange ? ErrorCode.OFFSET_OUT_OF_RANGE : ErrorCode.NONE);
    const batch = kept.batches.find(({ base, values }) => base + values.length > fetchOffset);
    if (errorCode !== ErrorCode.NONE || batch !== undefined) isEmpty = false;
    const records = errorCode === ErrorCode.NONE && batch !== undefined ? bytesOf(batch) : null;
    return makePartitionData({ partitionIndex, errorCode, highWatermark: end(kept), records: records as Buffer });
  }) }));
  return isEmpty ? null : { responses };
}

const batches = (...sizes: number[]): StoredPartition['batches'] => {
  let base = 0;
  return sizes.map((size) => {
    const batch = { base, values: Array.from({ length: size }, (_, index) => `v${base + index}`) };
    base += size;
    return batch;
  });
};

describe('a consumer without a group', () => {
  it('reads all partitions of its topics from the beginning, each in order', async () => {
    const bench = await makeBench({ t: 2 });
    bench.stored.get('t/0')!.batches = batches(3, 2, 4);
    bench.stored.get('t/1')!.batches = batches(1, 1);
    bench.consumer.subscribe({ topics: ['t'] });
    await bench.pollUntil(11);
    expect(bench.seen.filter((line) => line.startsWith('t/0'))).toEqual(Array.from({ length: 9 }, (_, n) => `t/0@${n}=v${n}`));
    expect(bench.seen.filter((line) => line.startsWith('t/1'))).toEqual(['t/1@0=v0', 't/1@1=v1']);
    expect(bench.consumer.position('t', 0)).toBe(9);
  });

  it('begins at the end, at an offset, or where the log begins', async () => {
    const bench = await makeBench({ t: 3 });
    for (const key of ['t/0', 't/1', 't/2']) bench.stored.get(key)!.batches = batches(4, 4);
    bench.stored.get('t/2')!.start = 4;
    bench.consumer.assign([{ topic: 't', partition: 0, start: 'latest' }, { topic: 't', partition: 1, start: 6 }, { topic: 't', partition: 2, start: 'earliest' }]);
    await bench.pollUntil(6);
    expect([...bench.seen].sort()).toEqual(['t/1@6=v6', 't/1@7=v7', 't/2@4=v4', 't/2@5=v5', 't/2@6=v6', 't/2@7=v7']);
    expect(bench.consumer.position('t', 0)).toBe(8);
    bench.stored.get('t/0')!.batches.push({ base: 8, values: ['late'] });
    await bench.pollUntil(7);
    expect(bench.seen.at(-1)).toBe('t/0@8=late');
  });

  it('stops where the listener says, and goes on from there', async () => {
    const bench = await makeBench({ t: 1 });
    bench.stored.get('t/0')!.batches = batches(5, 5);
    bench.consumer.subscribe({ topics: ['t'] });
    const seen: number[] = [];
    while (seen.length < 10) {
      const before = seen.length;
      const count = await settle(bench.clock, bench.consumer.poll((_topic, _partition, record) => {
        seen.push(record.offset);
        return seen.length % 3 !== 0;
      }, 1000));
      expect(seen.length - before).toBe(count);
      expect(count).toBeLessThanOrEqual(3);
      expect(bench.consumer.position('t', 0)).toBe(seen.at(-1)! + 1);
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it('resets a position that is out of range, or says that it may not', async () => {
    const bench = await makeBench({ t: 1 });
    Object.assign(bench.stored.get('t/0')!, { batches: batches(2, 2), start: 2 });
    bench.consumer.assign([{ topic: 't', partition: 0, start: 0 }]);
    await bench.pollUntil(2);
    expect(bench.seen).toEqual(['t/0@2=v2', 't/0@3=v3']);

    const strict = await makeBench({ t: 1 }, { autoOffsetReset: 'none' });
    strict.consumer.assign([{ topic: 't', partition: 0, start: 99 }]);
    await expect(settle(strict.clock, strict.consumer.poll(() => {}, 5000))).rejects.toMatchObject({ code: 'NO_OFFSET' });
    strict.consumer.subscribe({ topics: ['t'] });
    await expect(settle(strict.clock, strict.consumer.poll(() => {}, 5000))).rejects.toMatchObject({ code: 'NO_OFFSET' });
  });

  it('reads on after errors that pass, cut connections and a broker that was away', async () => {
    const bench = await makeBench({ t: 2 });
    Object.assign(bench.stored.get('t/0')!, { batches: batches(2, 2), errors: [ErrorCode.NOT_LEADER_OR_FOLLOWER, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, ErrorCode.KAFKA_STORAGE_ERROR] });
    bench.stored.get('t/1')!.batches = batches(1);
    bench.consumer.subscribe({ topics: ['t'] });
    await bench.pollUntil(2);
    bench.broker.cut();
    await bench.pollUntil(5);
    await bench.broker.stop();
    const polled = bench.consumer.poll((_topic, _partition, record) => void bench.seen.push(String(record.value())), 60_000);
    bench.clock.advance(3000);
    await turns();
    bench.stored.get('t/1')!.batches = batches(1, 1);
    await bench.broker.listen(bench.network, bench.broker.port);
    await settle(bench.clock, polled);
    expect(bench.seen).toHaveLength(6);
    expect(new Set(bench.seen).size).toBe(6);
  });

  it('tells what does not pass', async () => {
    const bench = await makeBench({ t: 1 });
    bench.stored.get('t/0')!.errors = [ErrorCode.TOPIC_AUTHORIZATION_FAILED];
    bench.consumer.subscribe({ topics: ['t'] });
    await expect(settle(bench.clock, bench.consumer.poll(() => {}, 5000))).rejects.toMatchObject({ codeName: 'TOPIC_AUTHORIZATION_FAILED' });
  });

  it('refuses a batch whose checksum differs, unless it is not to look', async () => {
    for (const checkCrcs of [true, false]) {
      const bench = await makeBench({ t: 1 }, { checkCrcs });
      const damaged = bytesOf({ base: 0, values: ['abc'] });
      damaged[damaged.length - 2]! ^= 1;
      bench.broker.on('Fetch', () => ({ answer: { responses: [makeFetchableTopicResponse({ topic: 't', partitions: [makePartitionData({ partitionIndex: 0, highWatermark: 1, records: damaged })] })] } }));
      bench.consumer.assign([{ topic: 't', partition: 0, start: 0 }]);
      const seen: number[] = [];
      const polled = settle(bench.clock, bench.consumer.poll((_topic, _partition, record) => void seen.push(record.offset), 1000));
      if (checkCrcs) await expect(polled).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
      else await expect(polled).resolves.toBeGreaterThan(0);
    }
  });

  it('refuses bytes that hold no batch, without reading them again and again in one poll', async () => {
    const bench = await makeBench({ t: 1 });
    bench.broker.on('Fetch', () => ({ answer: { responses: [makeFetchableTopicResponse({ topic: 't', partitions: [makePartitionData({ partitionIndex: 0, highWatermark: 1, records: Buffer.alloc(30) })] })] } }));
    bench.consumer.assign([{ topic: 't', partition: 0, start: 0 }]);
    await expect(settle(bench.clock, bench.consumer.poll(() => {}, 1000))).rejects.toMatchObject({ code: 'CORRUPT_DATA' });
  });

  it('finds a topic when it appears, and partitions that are added', async () => {
    const bench = await makeBench({}, { autoOffsetReset: 'latest' });
    bench.consumer.subscribe({ topics: ['late'] });
    expect(await settle(bench.clock, bench.consumer.poll(() => {}, 2500))).toBe(0);
    bench.stored.set('late/0', { start: 0, batches: batches(2), errors: [] });
    bench.topics.set('late', 1);
    const polled = bench.consumer.poll(() => {}, 3000);
    await settle(bench.clock, polled);
    bench.stored.get('late/0')!.batches = batches(2, 1);
    await bench.pollUntil(1);
    bench.stored.set('late/1', { start: 0, batches: batches(2), errors: [] });
    bench.topics.set('late', 2);
    await bench.pollUntil(3);
    expect(bench.seen.filter((line) => line.startsWith('late/1'))).toEqual(['late/1@0=v0', 'late/1@1=v1']);
  });

  it('takes the topics that match, not the internal ones', async () => {
    const bench = await makeBench({ ab: 1, abc: 1, other: 1, __ab: 1 });
    for (const kept of bench.stored.values()) kept.batches = batches(1);
    bench.consumer.subscribe({ matches: (topic) => topic.includes('ab') });
    await bench.pollUntil(2);
    expect(await settle(bench.clock, bench.consumer.poll(() => {}, 1500))).toBe(0);
    expect([...bench.seen].sort()).toEqual(['ab/0@0=v0', 'abc/0@0=v0']);
  });

  it('ends a waiting poll on wake, and takes no poll after close', async () => {
    const bench = await makeBench({ t: 1 });
    bench.consumer.subscribe({ topics: ['t'] });
    const polled = bench.consumer.poll(() => {}, 1_000_000);
    await turns();
    bench.clock.advance(200);
    await turns();
    bench.consumer.wake();
    expect(await polled).toBe(0);
    await settle(bench.clock, bench.consumer.close());
    await expect(bench.consumer.poll(() => {})).rejects.toMatchObject({ code: 'CLOSED' });
  });

  it('leaves no timer behind', async () => {
    const bench = await makeBench({ t: 1 });
    bench.stored.get('t/0')!.batches = batches(1);
    bench.consumer.subscribe({ topics: ['t'] });
    await bench.pollUntil(1);
    await settle(bench.clock, bench.consumer.close());
    bench.cluster.close();
    await turns();
    bench.clock.advance(200);
    await turns();
    expect(bench.clock.timerCount).toBe(0);
  });
});
