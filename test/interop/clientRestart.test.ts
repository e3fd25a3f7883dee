/** The client while its broker dies and comes back. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createClient, runExactlyOnce, serdes, type Client } from '../../src/client/index.ts';
import { startBroker, type BrokerProcess } from './support/broker.ts';

const text = { key: serdes.nullable(serdes.string), value: serdes.string } as const;
let folder: string;
let broker: BrokerProcess;
let client: Client;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'client-restart-'));
  broker = await startBroker({ dataFolder: folder });
  client = createClient({ bootstrap: broker.address, retryBackoffMs: 20, retryBackoffMaxMs: 200, reconnectBackoffMaxMs: 200 });
});
afterAll(async () => {
  await client?.close();
  await broker?.close();
  await rm(folder, { recursive: true, force: true });
});

const restart = async (): Promise<void> => {
  await broker.kill('SIGKILL');
  broker = await startBroker({ dataFolder: folder, port: broker.port });
};

const group = { ...text, autoOffsetReset: 'earliest' as const, sessionTimeoutMs: 6000, heartbeatIntervalMs: 200 };

it('loses and repeats nothing that was sent, whatever the broker dies of', async () => {
  await client.admin.createTopic({ topic: 'kept', partitions: 3 });
  const producer = client.producer(text);
  const sent: Promise<unknown>[] = [];
  let next = 0;
  let isDone = false;
  const sending = (async () => {
    while (!isDone) {
      for (let n = 0; n < 20; n += 1) sent.push(producer.send({ topic: 'kept', partition: next % 3, value: String(next++) }));
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
  })();
  for (let round = 0; round < 3; round += 1) {
    await new Promise((resolve) => setTimeout(resolve, 200));
    await restart();
  }
  await new Promise((resolve) => setTimeout(resolve, 200));
  isDone = true;
  await sending;
  await Promise.all(sent);
  const consumer = client.consumer({ ...group });
  consumer.subscribe(['kept']);
  const seen: number[][] = [[], [], []];
  let count = 0;
  for await (const { partition, value } of consumer) {
    seen[partition]?.push(Number(value));
    if (++count >= next) break;
  }
  await consumer.close();
  await producer.close();
  for (const [partition, values] of seen.entries()) expect(values).toEqual(Array.from({ length: values.length }, (_, n) => n * 3 + partition));
  expect(count).toBe(next);
}, 120_000);

it('transforms exactly once over restarts', async () => {
  await client.admin.createTopic({ topic: 'from', partitions: 2 });
  await client.admin.createTopic({ topic: 'to', partitions: 2 });
  const source = client.producer(text);
  const stop = new AbortController();
  const consumer = client.consumer({ ...group, groupId: 'transform', autoCommit: false, isolationLevel: 'read_committed', maxPartitionFetchBytes: 400 });
  const producer = client.producer({ ...text, transactionalId: 'transform' });
  const working = runExactlyOnce({
    consumer, producer, topics: ['from'], signal: stop.signal,
    transform: (batch, scope) => {
      for (const { value, partition } of batch) scope.push({ topic: 'to', partition, value });
    },
  });
  const total = 600;
  const feeding = (async () => {
    for (let n = 0; n < total; n += 1) {
      await source.send({ topic: 'from', partition: n % 2, value: String(n) });
      if (n === 150 || n === 350) await restart();
    }
  })();
  const reader = client.consumer({ ...group, isolationLevel: 'read_committed' });
  reader.subscribe(['to']);
  const values: number[] = [];
  for await (const { value } of reader) {
    values.push(Number(value));
    if (values.length >= total) break;
  }
  await feeding;
  stop.abort();
  await working;
  expect((await reader.nextBatch(300))?.toArray() ?? []).toEqual([]);
  expect([...values].sort((a, b) => a - b)).toEqual(Array.from({ length: total }, (_, n) => n));
  await Promise.all([reader.close(), consumer.close(), producer.close(), source.close()]);
}, 120_000);
