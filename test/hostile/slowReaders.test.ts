/** Clients that ask for much and read nothing. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { makeFetchPartition, makeFetchRequest, makeFetchTopic } from '../../src/protocol/generated/fetch.ts';
import { makeMetadataRequest } from '../../src/protocol/generated/metadata.ts';
import { Fetch, Metadata } from '../broker/support/apis.ts';
import { Arena, createTopic } from './support/arena.ts';
import { goodBatch } from './support/batches.ts';
import { produce } from './support/producing.ts';
import { encode, type RawClient } from './support/rawClient.ts';

const MEBIBYTE = 2 ** 20;
const LOG_MEBIBYTES = 48;
const IDLE_MS = 2000;

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.open({ overrides: { 'connections.max.idle.ms': IDLE_MS } });
  const client = await arena.connect();
  await createTopic(client, 'much', { 'max.message.bytes': String(2 * MEBIBYTE) });
  const batch = goodBatch(['x'.repeat(MEBIBYTE - 200)]);
  for (let written = 0; written < LOG_MEBIBYTES; written += 1) await produce(client, 'much', batch, 1);
  await client.close();
});
afterAll(() => arena.close());

const wholeLog = (topics = 1) => makeFetchRequest({
  maxWaitMs: 0, minBytes: 1, maxBytes: 2 ** 31 - 1, sessionEpoch: -1,
  topics: Array.from({ length: topics }, () => makeFetchTopic({ topic: 'much', partitions: [makeFetchPartition({ partition: 0, fetchOffset: 0, partitionMaxBytes: 2 ** 31 - 1, currentLeaderEpoch: -1 })] })),
});

async function stuckClient(): Promise<RawClient> {
  const client = await arena.connect();
  client.socket.pause();
  return client;
}

test('a reader that does not read pins views, not memory, and is closed when it has not moved for connections.max.idle.ms', async () => {
  await arena.attack(async () => {
    const clients = await Promise.all(Array.from({ length: 20 }, stuckClient));
    for (const client of clients) client.send(Fetch, 11, wholeLog());
    await arena.bystander.moreAcks(50);
    // Nothing is read, so that nobody here sees an end: the broker does.
    await expect.poll(() => openSockets(), { timeout: 25_000, interval: 100 }).toBeLessThanOrEqual(1);
  });
});

/** Connections that the broker has, the bystander's among them. */
function openSockets(): number {
  const port = arena.broker.port.toString(16).toUpperCase().padStart(4, '0');
  const established = new RegExp(`^\\s*\\d+: 0100007F:${port} [0-9A-F]{8}:[0-9A-F]{4} 01 `, 'gm');
  return readFileSync('/proc/net/tcp', 'utf8').match(established)?.length ?? 0;
}

test('requests that are sent on and on while no reply is read stop being read themselves', async () => {
  await arena.attack(async () => {
    const one = encode(Fetch, 11, wholeLog(), 1);
    const many = Buffer.concat(new Array<Buffer>(1000).fill(one));
    const clients = await Promise.all(Array.from({ length: 3 }, stuckClient));
    for (const client of clients) for (let round = 0; round < 300; round += 1) client.sendBytes(many);
    await arena.bystander.moreAcks(50);
    // What the broker does not read stays with whoever sent it.
    for (const client of clients) expect(client.socket.writableLength).toBeGreaterThan(0);
  }, { acksDuringMin: 50 });
});

test('small replies that are not read are bounded, too', async () => {
  await arena.attack(async () => {
    const one = encode(Metadata, 9, makeMetadataRequest({ topics: null }), 1);
    const many = Buffer.concat(new Array<Buffer>(10_000).fill(one));
    const clients = await Promise.all(Array.from({ length: 10 }, stuckClient));
    for (const client of clients) for (let round = 0; round < 20; round += 1) client.sendBytes(many);
    await arena.bystander.moreAcks(100);
  }, { growthMibMax: 96, acksDuringMin: 100 });
});

test('10,000 requests in one write are answered in order by a client that does read', async () => {
  await arena.attack(async () => {
    const client = await arena.connect();
    const ids = Array.from({ length: 10_000 }, () => client.send(Metadata, 9, makeMetadataRequest({ topics: [] })));
    for (const id of ids) expect((await client.nextFrame()).readInt32BE(0)).toBe(id);
  }, { acksDuringMin: 5 });
});
