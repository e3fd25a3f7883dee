import { afterEach, describe, expect, it } from 'vitest';
import { createClient, serdes, valueOf, type Client } from '../../src/client/index.ts';
import { RealNode } from './support/realNode.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(): Promise<Client> {
  const node = await new RealNode().start();
  const client = createClient({ bootstrap: node.address, network: node.network, retryBackoffMs: 5, retryBackoffMaxMs: 50 });
  cleanups.push(() => node.close(), () => client.close());
  return client;
}

describe('what Java\'s clients have', () => {
  it.each(['classic', 'consumer'] as const)('a consumer of a %s group gives up its subscription, leaves, and joins anew', async (groupProtocol) => {
    const client = await start();
    for (const topic of ['a', 'b']) await client.admin.createTopic({ topic });
    const producer = client.producer({ value: serdes.string, lingerMs: 0 });
    for (const topic of ['a', 'b']) await producer.send({ topic, value: `of ${topic}` });
    const consumer = client.consumer({ value: serdes.string, groupId: 'g', groupProtocol, autoOffsetReset: 'earliest' });
    const read = async (): Promise<string> => {
      for (;;) {
        const batch = await consumer.nextBatch();
        const [record] = batch?.toArray() ?? [];
        if (batch === null || record === undefined) continue;
        consumer.done(batch);
        return record.value;
      }
    };
    consumer.subscribe(['a']);
    expect(await read()).toBe('of a');
    expect(consumer.subscription).toEqual(['a']);
    expect(valueOf((await client.admin.describeConsumerGroups(['g'])).get('g')).members.length).toBe(1);
    await consumer.unsubscribe();
    expect([consumer.subscription, consumer.assignment]).toEqual([[], []]);
    expect(valueOf((await client.admin.describeConsumerGroups(['g'])).get('g')).members.length).toBe(0);
    consumer.subscribe(/b/);
    expect(await read()).toBe('of b');
    expect(consumer.subscription).toEqual(['b']);
    consumer.enforceRebalance();
    await producer.send({ topic: 'b', value: 'more' });
    expect(await read()).toBe('more');
  });

  it('a wait for records ends when it is told to', async () => {
    const client = await start();
    await client.admin.createTopic({ topic: 'a' });
    const consumer = client.consumer();
    consumer.assign([{ topic: 'a', partition: 0, start: 0 }]);
    const waiting = consumer.nextBatch(60_000);
    setTimeout(() => consumer.wake(), 20);
    expect(await waiting).toBeNull();
  });

  it('leaders of partitions, and directories of replicas', async () => {
    const client = await start();
    await client.admin.createTopic({ topic: 'a', partitions: 2 });
    const partitions = await client.producer().partitionsFor('a');
    expect(partitions.map(({ partition, leader }) => [partition, leader])).toEqual([[0, 0], [1, 0]].map(([partition]) => [partition, partitions[0]!.leader]));
    expect(await client.consumer().partitionsFor('a')).toEqual(partitions);
    await expect(client.producer().partitionsFor('none')).rejects.toThrow('UNKNOWN_TOPIC_OR_PARTITION');
    const [brokerId] = await client.admin.listBrokers();
    const here = { topic: 'a', partition: 1, brokerId: brokerId! };
    const nowhere = { topic: 'a', partition: 7, brokerId: brokerId! };
    const places = await client.admin.describeReplicaLogDirs([here, nowhere]);
    expect(valueOf(places.get(here))).toMatchObject({ current: { path: '/data', offsetLag: 0 }, future: null });
    expect(valueOf(places.get(nowhere))).toEqual({ current: null, future: null });
  });
});
