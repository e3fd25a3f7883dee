/** What the operator reads when somebody speaks nonsense: one clear line for each, and never a flood. */
import { connect as connectTls } from 'node:tls';
import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiKey } from '../../src/protocol/generated/apis.ts';
import { makeMetadataRequest } from '../../src/protocol/generated/metadata.ts';
import { makeProduceRequest } from '../../src/protocol/generated/produce.ts';
import { Metadata, Produce } from '../broker/support/apis.ts';
import { Arena } from './support/arena.ts';
import { goodBatch } from './support/batches.ts';
import { encode, header, lengthOf } from './support/rawClient.ts';

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.open();
});
afterAll(() => arena.close());

/** Sends the bytes and waits for the end of the connection. */
const provoke = (bytes: Uint8Array) => async () => {
  const client = await arena.connect();
  client.sendBytes(bytes);
  await client.closed;
};

const framed = (bytes: Buffer): Buffer => Buffer.concat([lengthOf(bytes.length), bytes]);

function lyingMetadata(): Buffer {
  const bytes = encode(Metadata, 4, makeMetadataRequest({ topics: [], allowAutoTopicCreation: false }), 9);
  bytes.writeInt32BE(1_000_000, bytes.length - 5);
  return bytes;
}

const unanswered = makeProduceRequest({ acks: 0, timeoutMs: 1000, topicData: [{ name: 'nowhere', topicId: '', partitionData: [{ index: 0, records: goodBatch(['x']) }] }] });

async function helloTls(): Promise<void> {
  const socket = connectTls({ port: arena.broker.port, host: '127.0.0.1', rejectUnauthorized: false });
  await new Promise<void>((resolve) => {
    socket.once('error', () => {});
    socket.once('close', () => resolve());
  });
}

async function getHttp(): Promise<void> {
  const asked = new Promise((resolve, reject) => {
    const request = httpRequest({ port: arena.broker.port, host: '127.0.0.1', path: '/' }, resolve);
    request.once('error', reject);
    request.end();
  });
  await expect(asked).rejects.toThrow();
}

// No more than the log takes in a while.
test.each([
  ['a TLS hello', helloTls, /a TLS client connected to a listener without TLS; set security\.protocol=PLAINTEXT/],
  ['an HTTP request', getHttp, /an HTTP client connected; this port speaks the Kafka protocol/],
  ['a length of 2 GiB', provoke(lengthOf(2 ** 31 - 1)), /request length 2147483647 is above socket\.request\.max\.bytes \(104857600\)/],
  ['a negative length', provoke(lengthOf(-2)), /request length -2 is negative/],
  ['a request without a header', provoke(framed(Buffer.alloc(3))), /a request of 3 bytes is too short/],
  ['an unknown API', provoke(framed(header(999, 0))), /unknownApi: API 999 version 0 of client ""/],
  ['an unknown version', provoke(framed(header(ApiKey.Fetch, 99))), /API 1 version 99/],
  ['a lying count', provoke(lyingMetadata()), /malformed Metadata request, version 4, of client "hostile": array of 1000000 elements in \d bytes/],
  ['acks=0 with an error', provoke(encode(Produce, 9, unanswered, 1)), /acks=0 and UNKNOWN_TOPIC_OR_PARTITION/],
])('%s closes the connection and says why', async (_name, attack, said) => {
  await arena.attack(attack);
  await expect.poll(() => said.test(arena.broker.output()), { timeout: 20_000 }).toBe(true);
});

test('a thousand of them do not fill the log', async () => {
  const linesBefore = arena.broker.output().split('\n').length;
  await arena.attack(async () => {
    for (let round = 0; round < 1000; round += 1) await provoke(round % 2 === 0 ? lengthOf(-3) : framed(header(999, 0)))();
  });
  expect(arena.broker.output().split('\n').length - linesBefore).toBeLessThan(60);
});

test('text from outside stays in its line, and short', async () => {
  const clientId = `\n[2026-01-01 00:00:00,000] ERROR a lie ${'x'.repeat(30_000)}`;
  const bytes = Buffer.alloc(10 + Buffer.byteLength(clientId));
  header(999, 0).copy(bytes);
  bytes.writeInt16BE(Buffer.byteLength(clientId), 8);
  bytes.write(clientId, 10);
  const lengthBefore = arena.broker.output().length;
  await arena.attack(provoke(framed(bytes)));
  expect(arena.broker.output().length - lengthBefore).toBeLessThan(5000);
  expect(arena.broker.output()).not.toMatch(/^\[2026-01-01/m);
});
