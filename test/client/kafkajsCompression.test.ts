/** Codecs that an application registers in `CompressionCodecs`, as it did with KafkaJS. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { codecIn, attributesOf } from '../../src/record/batchHeader.ts';
import { Consumer as Engine } from '../../src/client/consumer/consumer.ts';
import { CompressionCodecs, CompressionTypes, Kafka, logLevel, type CompressionCodec, type KafkaMessage } from '../../src/client/kafkajs/index.ts';
import { RealNode } from './support/realNode.ts';

const builtIn = { ...CompressionCodecs };
let node: RealNode;
const disconnects: (() => Promise<void>)[] = [];
afterEach(async () => {
  Object.assign(CompressionCodecs, builtIn);
  for (const disconnect of disconnects.splice(0).toReversed()) await disconnect();
  await node.close();
});

async function start(): Promise<Kafka> {
  node = await new RealNode().start();
  const kafka = new Kafka({ brokers: [node.address], network: node.network, logLevel: logLevel.NOTHING, retry: { initialRetryTime: 5, maxRetryTime: 2000 } });
  // calls that make their topic overtake each other
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic: 't', numPartitions: 1, replicationFactor: 1 }] });
  await admin.disconnect();
  return kafka;
}

async function connectProducer(kafka: Kafka, options: Parameters<Kafka['producer']>[0] = {}) {
  const producer = kafka.producer(options);
  await producer.connect();
  disconnects.push(() => producer.disconnect());
  return producer;
}

async function readAll(kafka: Kafka, topic: string, count: number, onCrash: (error: Error) => void = () => {}): Promise<KafkaMessage[]> {
  const consumer = kafka.consumer({ groupId: `group-${Math.random()}` });
  await consumer.connect();
  disconnects.push(() => consumer.disconnect());
  await consumer.subscribe({ topic, fromBeginning: true });
  consumer.on(consumer.events.CRASH, ({ payload }: { payload: { error: Error } }) => onCrash(payload.error));
  const messages: KafkaMessage[] = [];
  await consumer.run({ eachMessage: async ({ message }) => void messages.push(message) });
  for (let turn = 0; messages.length < count; turn += 1) {
    if (turn > 2000) throw new Error(`only ${messages.length} messages came`);
    await sleep(5);
  }
  return messages;
}

/** The codecs of the batches in the log, as any client sees them. */
async function codecsInLog(topic: string, batches: number): Promise<number[]> {
  const engine = new Engine(node.connect(), { autoOffsetReset: 'earliest' });
  engine.assign([{ topic, partition: 0, start: 0 }]);
  const codecs: number[] = [];
  for (let turn = 0; codecs.length < batches && turn < 100; turn += 1) {
    const taken = await engine.take(500);
    if (taken === null) continue;
    for (let at = 0; at < taken.bytes.length; at += taken.bytes.readInt32BE(at + 8) + 12) codecs.push(codecIn(attributesOf(taken.bytes, at)));
  }
  await engine.close();
  return codecs;
}

/** Gives what the built-in one gives, later, and counts. */
function counting(type: number): { readonly codec: CompressionCodec; readonly calls: string[] } {
  const inner = (builtIn[type] as () => CompressionCodec)();
  const calls: string[] = [];
  const codec: CompressionCodec = {
    async compress(encoder) {
      calls.push('compress');
      expect(encoder.buffer.length).toBe(encoder.size());
      // the first takes longest: order must hold all the same
      await sleep(calls.length === 1 ? 20 : 1);
      return inner.compress(encoder);
    },
    async decompress(buffer) {
      calls.push('decompress');
      await sleep(1);
      return inner.decompress(buffer);
    },
  };
  return { codec, calls };
}

describe("an application's own codec", () => {
  it.each([CompressionTypes.GZIP, CompressionTypes.Snappy, CompressionTypes.LZ4, CompressionTypes.ZSTD])('compresses and decompresses batches of type %i, in order', async (type) => {
    const kafka = await start();
    const { codec, calls } = counting(type);
    CompressionCodecs[type] = () => codec;
    const producer = await connectProducer(kafka, { idempotent: true });
    const sent = Array.from({ length: 10 }, (_, index) => `value ${index}`);
    await Promise.all(sent.map((value) => producer.send({ topic: 't', compression: type, messages: [{ value, headers: { from: 'here' } }] })));
    expect(calls).toEqual(sent.map(() => 'compress'));
    expect(await codecsInLog('t', sent.length)).toEqual(sent.map(() => type));
    const messages = await readAll(kafka, 't', sent.length);
    expect(messages.map(({ value }) => String(value))).toEqual(sent);
    expect(messages.map(({ offset }) => Number(offset))).toEqual(sent.map((_, index) => index));
    expect(calls.filter((call) => call === 'decompress').length).toBeGreaterThanOrEqual(sent.length);
  });

  it('that writes what nobody else can read is refused by a broker that looks', async () => {
    const kafka = await start();
    const flip = (bytes: Buffer): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0x55));
    CompressionCodecs[CompressionTypes.ZSTD] = () => ({ compress: async ({ buffer }) => flip(buffer), decompress: async (buffer) => flip(buffer) });
    const producer = await connectProducer(kafka);
    await expect(producer.send({ topic: 't', compression: CompressionTypes.ZSTD, messages: [{ value: 'x' }] })).rejects.toThrow();
    await producer.send({ topic: 't', messages: [{ value: 'plain' }] });
    expect((await readAll(kafka, 't', 1)).map(({ value }) => String(value))).toEqual(['plain']);
  });

  it('is not asked for batches of other types, beside which its own stand in the log', async () => {
    const kafka = await start();
    const { codec, calls } = counting(CompressionTypes.LZ4);
    CompressionCodecs[CompressionTypes.LZ4] = () => codec;
    const producer = await connectProducer(kafka);
    const types = [CompressionTypes.None, CompressionTypes.LZ4, CompressionTypes.GZIP];
    for (const [index, compression] of types.entries()) await producer.send({ topic: 't', compression, messages: [{ value: String(index) }] });
    expect(calls).toEqual(['compress']);
    expect(await codecsInLog('t', types.length)).toEqual(types);
    expect((await readAll(kafka, 't', 3)).map(({ value }) => String(value))).toEqual(['0', '1', '2']);
  });

  it('compresses in transactions too, each call as it says', async () => {
    const kafka = await start();
    const { codec, calls } = counting(CompressionTypes.Snappy);
    CompressionCodecs[CompressionTypes.Snappy] = () => codec;
    const transaction = await (await connectProducer(kafka, { transactionalId: 'tx', idempotent: true })).transaction();
    const types = [CompressionTypes.Snappy, CompressionTypes.None, CompressionTypes.ZSTD];
    await Promise.all(types.map((compression, index) => transaction.send({ topic: 't', compression, messages: [{ value: String(index) }] })));
    await transaction.commit();
    expect(calls).toEqual(['compress']);
    // and the marker of the commit
    expect(await codecsInLog('t', types.length + 1)).toEqual([...types, CompressionTypes.None]);
    expect((await readAll(kafka, 't', 3)).map(({ value }) => String(value))).toEqual(['0', '1', '2']);
  });

  it('that fails to compress fails its messages and no others', async () => {
    const kafka = await start();
    CompressionCodecs[CompressionTypes.GZIP] = () => ({ compress: () => Promise.reject(new Error('no such codec today')), decompress: async (buffer) => buffer });
    const producer = await connectProducer(kafka, { idempotent: true });
    const [before, failed, after] = await Promise.allSettled([
      producer.send({ topic: 't', messages: [{ value: 'before' }] }),
      producer.send({ topic: 't', compression: CompressionTypes.GZIP, messages: [{ value: 'lost' }] }),
      producer.send({ topic: 't', messages: [{ value: 'after' }] }),
    ]);
    expect([before.status, after.status]).toEqual(['fulfilled', 'fulfilled']);
    expect((failed as PromiseRejectedResult).reason).toMatchObject({ message: 'no such codec today' });
    expect((await readAll(kafka, 't', 2)).map(({ value }) => String(value))).toEqual(['before', 'after']);
  });

  it('that fails to decompress is told as a crash, and tried again', async () => {
    const kafka = await start();
    const producer = await connectProducer(kafka);
    await producer.send({ topic: 't', compression: CompressionTypes.GZIP, messages: [{ value: 'x' }] });
    const { codec } = counting(CompressionTypes.GZIP);
    let failures = 0;
    CompressionCodecs[CompressionTypes.GZIP] = () => ({ ...codec, decompress: (buffer) => (failures++ < 2 ? Promise.reject(new Error('not now')) : codec.decompress(buffer)) });
    const crashes: string[] = [];
    expect((await readAll(kafka, 't', 1, (error) => crashes.push(error.message))).map(({ value }) => String(value))).toEqual(['x']);
    expect(crashes[0]).toBe('not now');
  });

  it('that gives no buffer is told', async () => {
    const kafka = await start();
    CompressionCodecs[CompressionTypes.GZIP] = () => ({ compress: (() => undefined) as never, decompress: async (buffer) => buffer });
    const producer = await connectProducer(kafka);
    await expect(producer.send({ topic: 't', compression: CompressionTypes.GZIP, messages: [{ value: 'x' }] })).rejects.toThrow('compress of a codec in CompressionCodecs must give a buffer, not undefined');
  });
});
