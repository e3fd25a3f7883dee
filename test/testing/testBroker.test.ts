import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createClient, serdes } from '../../src/client/index.ts';
import type { Client } from '../../src/client/index.ts';
import { startBroker, useBroker } from '../../src/testing/index.ts';
import type { TestBroker, TestBrokerOptions } from '../../src/testing/index.ts';

const DAY_MS = 24 * 3600_000;
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
});

async function start(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const broker = await startBroker(options);
  closers.push(() => broker.close());
  return broker;
}

function clientOf(broker: TestBroker): Client {
  const client = createClient({ bootstrap: broker.bootstrap, retryBackoffMs: 5, retryBackoffMaxMs: 20, reconnectBackoffMs: 5, reconnectBackoffMaxMs: 20 });
  closers.push(() => client.close());
  return client;
}

const texts = { key: serdes.string, value: serdes.string };

async function produce(client: Client, topic: string, ...values: string[]): Promise<void> {
  const producer = client.producer(texts);
  await Promise.all(values.map((value) => producer.send({ topic, value })));
  await producer.close();
}

describe('a broker in a test', () => {
  it('takes records of any client and shows them', async () => {
    const broker = await start({ topics: { orders: { partitions: 1 } } });
    await produce(clientOf(broker), 'orders', '{"id":1}', '{"id":2}');
    const records = await broker.waitForRecords('orders', 2);
    expect(records.map((record) => record.json())).toEqual([{ id: 1 }, { id: 2 }]);
    expect(records[1]).toMatchObject({ topic: 'orders', partition: 0, offset: 1, key: null, headers: [] });
    expect(broker.records('none')).toEqual([]);
    await expect(broker.waitForRecords('orders', 3, 20)).rejects.toThrow('2 of 3 records came to orders within 20 ms');
  });

  it('lets seven days pass at once', async () => {
    const broker = await start({ topics: { orders: { configs: { 'segment.ms': String(DAY_MS) } } } });
    await produce(clientOf(broker), 'orders', 'old');
    const before = broker.clock.now();
    await broker.clock.advance(10 * DAY_MS);
    expect(broker.clock.now() - before).toBeGreaterThanOrEqual(10 * DAY_MS);
    expect(broker.records('orders')).toEqual([]);
    await produce(clientOf(broker), 'orders', 'new');
    expect((await broker.waitForRecords('orders', 1)).map((record) => [record.offset, record.text()])).toEqual([[1, 'new']]);
  });

  it('fails the next requests as it is told', async () => {
    const broker = await start({ topics: { orders: {} } });
    const client = clientOf(broker);
    const refused = broker.inject({ api: 'Produce', outcome: 'NOT_LEADER_OR_FOLLOWER', times: 2 });
    await produce(client, 'orders', 'a');
    expect(refused.hits).toBe(2);
    const cut = broker.inject({ api: 'Produce', outcome: 'disconnect' });
    await produce(client, 'orders', 'b');
    expect(cut.hits).toBe(1);
    const lost = broker.inject({ api: 'Produce', outcome: 'loseReply' });
    await produce(client, 'orders', 'c');
    expect(lost.hits).toBe(1);
    const late = broker.inject({ api: 'Produce', delayMs: DAY_MS });
    const produced = produce(client, 'orders', 'd');
    while (late.hits === 0) await new Promise((resolve) => setTimeout(resolve, 1));
    expect(broker.records('orders').length).toBe(3);
    await broker.clock.advance(DAY_MS);
    await produced;
    // Idempotent: what was sent again is there once.
    expect(broker.records('orders').map((record) => record.text())).toEqual(['a', 'b', 'c', 'd']);
  });

  it('says what it cannot play', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-testing-'));
    closers.push(() => rm(folder, { recursive: true, force: true }));
    const broker = await start({ folder, topics: { orders: {} } });
    expect(() => broker.failNextSync()).toThrow('in memory only');
    expect(() => broker.inject({ api: 'Nope' as 'Fetch' })).toThrow('Kafka has no API Nope');
    expect(() => broker.inject({ outcome: 'NOPE' as 'hang' })).toThrow('Kafka has no error NOPE');
    await expect(broker.createTopic('orders')).rejects.toThrow('TOPIC_ALREADY_EXISTS');
    await produce(clientOf(broker), 'orders', 'kept');
    const { port } = broker;
    await broker.restart();
    expect(broker.port).toBe(port);
    expect(broker.records('orders').map((record) => record.text())).toEqual(['kept']);
  });

  it('loses power, and with flush.messages=1 nothing else', async () => {
    const broker = await start({ topics: { safe: { configs: { 'flush.messages': '1' } } } });
    await produce(clientOf(broker), 'safe', 'a', 'b');
    await broker.crash();
    expect(broker.records('safe').map((record) => record.text())).toEqual(['a', 'b']);
    await produce(clientOf(broker), 'safe', 'c');
    expect(broker.records('safe').map((record) => record.text())).toEqual(['a', 'b', 'c']);
  });

  it('makes groups join anew, and ends sessions ahead of time', async () => {
    const broker = await start({ topics: { orders: { partitions: 2 } } });
    const client = clientOf(broker);
    const consumer = client.consumer({ ...texts, groupId: 'g', heartbeatIntervalMs: 20, autoOffsetReset: 'earliest' });
    consumer.subscribe(['orders']);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const record of consumer) {
        seen.push(String(record.value));
        if (seen.length === 2) break;
      }
    })();
    await produce(client, 'orders', 'x');
    while (seen.length < 1) await new Promise((resolve) => setTimeout(resolve, 2));
    const [listed] = broker.groups();
    expect(listed).toMatchObject({ groupId: 'g' });
    broker.rebalance();
    await produce(client, 'orders', 'y');
    await reading;
    expect(seen.toSorted()).toEqual(['x', 'y']);
    await consumer.close();
  });
});

describe('useBroker', () => {
  const broker = useBroker({ beforeAll, afterAll }, { topics: { shared: {} } });

  it('has a broker within tests', async () => {
    expect(broker.bootstrap).toMatch(/^127\.0\.0\.1:\d+$/);
    await produce(clientOf(broker), 'shared', 'a');
    expect(broker.records('shared').length).toBe(1);
  });

  it('needs hooks, and refuses use outside of them', () => {
    expect(() => useBroker({})).toThrow('beforeAll and afterAll');
    const never = useBroker({ before: () => {}, after: () => {} });
    expect(() => never.bootstrap).toThrow('within a test or a hook');
  });
});
