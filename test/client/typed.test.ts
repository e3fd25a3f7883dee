import diagnosticsChannel from 'node:diagnostics_channel';
import { afterEach, describe, expect, it } from 'vitest';
import { CHANNELS, ClientError, clientErrors, createClient, FAILURE_HEADERS, openTelemetryTracer, serdes, type Client, type ClientOptions, type OpenTelemetryApi } from '../../src/client/index.ts';
import { Kafka, logLevel } from '../../src/client/kafkajs/index.ts';
import { readFileSync } from 'node:fs';
import { RealNode } from './support/realNode.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(options: Partial<ClientOptions> = {}): Promise<{ node: RealNode; client: Client }> {
  const node = await new RealNode().start();
  const client = createClient({ bootstrap: node.address, network: node.network, retryBackoffMs: 5, retryBackoffMaxMs: 50, ...options });
  cleanups.push(() => node.close(), () => client.close());
  return { node, client };
}

const text = { key: serdes.nullable(serdes.string), value: serdes.string } as const;

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; !isSo(); turn += 1) {
    if (turn > 2000) throw new Error('it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

describe('serializers', () => {
  it('give back what they were given', () => {
    expect(serdes.string.deserialize(Buffer.from(serdes.string.serialize('ü𝄞', 't') as Uint8Array), 't')).toBe('ü𝄞');
    expect(serdes.int32.deserialize(Buffer.from(serdes.int32.serialize(-5, 't') as Uint8Array), 't')).toBe(-5);
    expect(serdes.int64.deserialize(Buffer.from(serdes.int64.serialize(-(2n ** 60n), 't') as Uint8Array), 't')).toBe(-(2n ** 60n));
    expect(serdes.float64.deserialize(Buffer.from(serdes.float64.serialize(0.1, 't') as Uint8Array), 't')).toBe(0.1);
    expect(serdes.json().deserialize(Buffer.from(serdes.json().serialize({ a: [1] }, 't') as Uint8Array), 't')).toEqual({ a: [1] });
    expect(serdes.json().serialize(null, 't')).toBeNull();
    expect(() => serdes.int32.deserialize(Buffer.alloc(3), 't')).toThrow(ClientError);
  });
});

describe('options', () => {
  it('that do not exist are named, with the nearest one that does', () => {
    expect(() => createClient({ bootstrap: 'a:1', clientid: 'x' } as never)).toThrow(/no option "clientid". Did you mean "clientId"/);
    const client = createClient({ bootstrap: 'a:1' });
    expect(() => client.producer({ linger: 1 } as never)).toThrow(/Did you mean "lingerMs"/);
    expect(() => client.producer({ acks: 2 as never })).toThrow(/acks: 2 is none of 0, 1, all/);
    expect(() => client.producer({ lingerMs: -1 })).toThrow(/lingerMs: -1/);
    expect(() => client.producer({ acks: 1, transactionalId: 't' })).toThrow(/idempotence/);
    expect(() => client.producer({ acks: 1, idempotent: true })).toThrow(/acks to all/);
    expect(() => client.consumer({ autoOffsetReset: 'newest' as never })).toThrow(/autoOffsetReset: newest/);
    expect(() => client.consumer({ groupId: '' })).toThrow(/group id/);
    expect(() => client.shareConsumer({ groupId: '' })).toThrow(/groupId/);
    expect(() => createClient({ bootstrap: 'nonsense' })).toThrow(/host:port/);
    expect(() => new Kafka({ brokers: [] })).toThrow(/brokers/);
  });
});

describe('errors', () => {
  it('are all in the handbook', () => {
    const handbook = readFileSync(new URL('../../docs/client.md', import.meta.url), 'utf8');
    for (const [code, { meaning }] of Object.entries(clientErrors)) expect(handbook).toContain(`| \`${code}\` | ${meaning}`);
  });
});

describe('a producer', () => {
  it('sends with a promise a record, with one for many, and with none', async () => {
    const { client } = await start();
    const lost: string[] = [];
    const producer = client.producer({ ...text, onLost: (error) => void lost.push(error.message) });
    expect(await Promise.all(['a', 'b'].map((value) => producer.send({ topic: 't', value })))).toEqual([{ topic: 't', partition: 0, offset: 0 }, { topic: 't', partition: 0, offset: 1 }]);
    const delivery = await producer.sendBatch({ topic: 't', records: [{ value: 'c' }, { key: 'k', value: 'd', headers: { h: 'x' } }] });
    expect(delivery).toEqual({ topic: 't', count: 2, parts: [{ partition: 0, offset: 2, index: 0, count: 2 }] });
    for (let n = 0; n < 100; n += 1) if (!producer.push({ topic: 't', value: String(n) })) await producer.ready();
    await producer.flush();
    expect(producer.metrics()).toMatchObject({ recordsSent: 104, recordsDelivered: 104, recordsFailed: 0, bufferedBytes: 0, recordsWaiting: 0 });
    expect(await producer.sendBatch({ topic: 't', records: [] })).toEqual({ topic: 't', count: 0, parts: [] });
    await producer.close();
    await expect(producer.send({ topic: 't', value: 'late' })).rejects.toMatchObject({ code: 'CLOSED' });
    expect(lost).toEqual([]);
  });

  it('goes on after a record whose time is none, alone or first or among others', async () => {
    const { client } = await start();
    const producer = client.producer(text);
    const wrong = { value: 'wrong', timestampMs: 0.5 };
    await expect(producer.send({ topic: 't', ...wrong })).rejects.toBeInstanceOf(RangeError);
    await producer.flush();
    const settled = await Promise.allSettled([producer.send({ topic: 't', ...wrong }), producer.send({ topic: 't', value: 'right' }), producer.send({ topic: 't', ...wrong }), producer.send({ topic: 't', value: 'too' })]);
    expect(settled.map((result) => (result.status === 'fulfilled' ? result.value.offset : 'refused'))).toEqual(['refused', 0, 'refused', 1]);
    await expect(producer.sendBatch({ topic: 't', records: [wrong, { value: 'third' }] })).rejects.toBeInstanceOf(RangeError);
    expect(producer.metrics()).toMatchObject({ recordsDelivered: 3, bufferedBytes: 0 });
    await producer.close();
  });

  it('settles each promise when the broker is not there', async () => {
    const client = createClient({ bootstrap: '127.0.0.1:1', network: (await new RealNode().start().then((node) => (cleanups.push(() => node.close()), node))).network, retryBackoffMs: 5 });
    const producer = client.producer({ ...text, maxBlockMs: 50 });
    const sent = [producer.send({ topic: 't', value: 'a' }), producer.sendBatch({ topic: 't', records: [{ value: 'b' }] })];
    expect((await Promise.allSettled(sent)).map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    const waiting = producer.send({ topic: 't', value: 'c' });
    waiting.catch(() => {});
    await producer.close(20);
    await expect(waiting).rejects.toBeInstanceOf(ClientError);
    await client.close();
  });

  it('waits for room, keeps the order, and refuses a push that does not wait', async () => {
    const { client } = await start();
    const producer = client.producer({ ...text, bufferMemoryBytes: 4096, batchSizeBytes: 1024 });
    await Promise.all(Array.from({ length: 500 }, (_, n) => producer.send({ topic: 't', value: `${n} ${'x'.repeat(50)}` })));
    expect(() => {
      for (let n = 0; n < 5000; n += 1) producer.push({ topic: 't', value: 'y'.repeat(100) });
    }).toThrow(expect.objectContaining({ code: 'BUFFER_FULL' }));
    await producer.close();
    const consumer = client.consumer({ ...text, autoOffsetReset: 'earliest' });
    consumer.subscribe(['t']);
    let next = 0;
    for await (const { value } of consumer) {
      expect(value.split(' ')[0]).toBe(String(next));
      if (++next === 500) break;
    }
    await consumer.close();
  });

  it('names the record that cannot be serialized, and sends the others', async () => {
    const { client } = await start();
    const producer = client.producer({ value: serdes.json() });
    const [bad, good] = await Promise.allSettled([producer.send({ topic: 't', value: { toJSON: () => { throw new Error('no'); } } }), producer.send({ topic: 't', value: 1 })]);
    expect(bad).toMatchObject({ status: 'rejected', reason: { code: 'SERIALIZATION_FAILED' } });
    expect(good.status).toBe('fulfilled');
    await producer.close();
  });
});

describe('a consumer', () => {
  it('surfaces a record that cannot be read with its coordinates, and goes on behind it', async () => {
    const { client } = await start();
    const producer = client.producer({ value: serdes.string });
    await producer.sendBatch({ topic: 't', records: ['1', '{', '3'].map((value) => ({ value })) });
    const consumer = client.consumer({ value: serdes.json<number>(), autoOffsetReset: 'earliest' });
    consumer.subscribe(['t']);
    const seen: unknown[] = [];
    const read = async (): Promise<void> => {
      for await (const { value } of consumer) {
        seen.push(value);
        if (value === 3) return;
      }
    };
    await expect(read()).rejects.toMatchObject({ code: 'SERIALIZATION_FAILED', message: expect.stringContaining('t-0 offset 1') });
    await read();
    expect(seen).toEqual([1, 3]);
    await consumer.close();
    await producer.close();
  });

  it('is a web stream that ends with it', async () => {
    const { client } = await start();
    const producer = client.producer(text);
    await producer.sendBatch({ topic: 't', records: Array.from({ length: 10 }, (_, n) => ({ value: String(n) })) });
    const consumer = client.consumer({ ...text, autoOffsetReset: 'earliest' });
    consumer.subscribe(['t']);
    const reader = consumer.stream().getReader();
    const { value: batch } = await reader.read();
    expect(batch?.toArray().map(({ value }) => value)).toEqual(Array.from({ length: 10 }, (_, n) => String(n)));
    expect([batch?.nextOffset, batch?.lag]).toEqual([10, 0]);
    const rest = reader.read();
    await consumer.close();
    expect((await rest).done).toBe(true);
    await producer.close();
  });

  it('is read by one loop at a time, and loops end with a signal', async () => {
    const { client } = await start();
    const producer = client.producer(text);
    await producer.send({ topic: 't', value: 'a' });
    const consumer = client.consumer({ ...text, autoOffsetReset: 'earliest' });
    consumer.subscribe(/t/);
    const stop = new AbortController();
    const records = consumer.records({ signal: stop.signal });
    expect((await records.next()).value).toMatchObject({ value: 'a' });
    await expect(consumer.batches().next()).rejects.toMatchObject({ code: 'INVALID_STATE' });
    const waiting = records.next();
    stop.abort();
    expect((await waiting).done).toBe(true);
    expect(() => consumer.seek('other', 0, 0)).toThrow(/not assigned/);
    expect(() => consumer.seek('t', 0, -1)).toThrow(/whole number/);
    await consumer.close();
    await producer.close();
  });

  it('commits what was asked beyond, and no more', async () => {
    const { client } = await start();
    const producer = client.producer(text);
    await producer.sendBatch({ topic: 't', records: Array.from({ length: 10 }, (_, n) => ({ value: String(n) })) });
    const group = { ...text, groupId: 'g', autoOffsetReset: 'earliest' as const, sessionTimeoutMs: 10_000, heartbeatIntervalMs: 50 };
    const first = client.consumer(group);
    first.subscribe(['t']);
    for await (const { value } of first) if (value === '4') break;
    await first.close();
    const second = client.consumer(group);
    second.subscribe(['t']);
    for await (const { value } of second) {
      // '4' was handed out, but nobody asked beyond it
      expect(value).toBe('4');
      break;
    }
    await second.close();
    await producer.close();
  });
});

describe('a runner', () => {
  it('retries through topics that wait, without holding others up', async () => {
    const { client } = await start();
    const producer = client.producer();
    await producer.sendBatch({ topic: 't', records: Array.from({ length: 20 }, (_, n) => ({ value: Buffer.from(String(n)) })) });
    const consumer = client.consumer({ value: serdes.string, groupId: 'g', autoOffsetReset: 'earliest', sessionTimeoutMs: 10_000, heartbeatIntervalMs: 50, autoCommitIntervalMs: 20 });
    const seen: string[] = [];
    const runner = client.run(consumer, {
      topics: ['t'], lanes: 2, failureProducer: producer, retryTopics: [{ topic: 't.retry', delayMs: 30 }], deadLetterTopic: 't.dead',
      handler({ topic, value, header }) {
        if (value === '7' || (value === '3' && topic === 't')) throw new Error(`no luck with ${value}`);
        seen.push(`${topic}:${value}`);
        if (topic === 't.retry') expect(String(header)).toContain('header');
      },
    });
    await until(() => runner.stats().handled === 19 && runner.stats().deadLettered === 1);
    await runner.stop();
    expect(seen.indexOf('t:19')).toBeLessThan(seen.indexOf('t.retry:3'));
    const dead = client.consumer({ value: serdes.string, autoOffsetReset: 'earliest' });
    dead.subscribe(['t.dead']);
    for await (const record of dead) {
      const texts = Object.fromEntries(record.headers.map(({ key, value }) => [key, String(Buffer.from(value as Uint8Array))]));
      expect([record.value, texts[FAILURE_HEADERS.topic], texts[FAILURE_HEADERS.offset], texts[FAILURE_HEADERS.error], texts[FAILURE_HEADERS.attempts]]).toEqual(['7', 't', '7', 'no luck with 7', '2']);
      break;
    }
    await dead.close();
    await producer.close();
  });

  it('stops with the coordinates of what it could not handle, and has committed what came before', async () => {
    const { client } = await start();
    const producer = client.producer();
    await producer.sendBatch({ topic: 't', records: Array.from({ length: 5 }, (_, n) => ({ value: Buffer.from(String(n)) })) });
    const consumer = client.consumer({ value: serdes.string, groupId: 'g', autoOffsetReset: 'earliest', sessionTimeoutMs: 10_000, heartbeatIntervalMs: 50 });
    const runner = client.run(consumer, { topics: ['t'], lanes: 1, handlerTimeoutMs: 30, handler: ({ value }, { signal }) => (value === '3' ? new Promise<void>((resolve) => signal.addEventListener('abort', () => setTimeout(resolve, 1))) : undefined) });
    await expect(runner.done).rejects.toMatchObject({ code: 'HANDLER_FAILED', message: expect.stringContaining('t-0 offset 3') });
    const checker = client.consumer({ groupId: 'g' });
    expect((await checker.committed([{ topic: 't', partition: 0 }])).get('t/0')?.offset).toBe(3);
    await checker.close();
    await producer.close();
  });
});

describe('those who look on', () => {
  it('see requests on the diagnostics channel', async () => {
    const { client } = await start();
    const apis: string[] = [];
    const note = (message: unknown) => void apis.push((message as { info: { api: string } }).info.api);
    diagnosticsChannel.subscribe(CHANNELS.requestEnd, note);
    const producer = client.producer(text);
    await producer.send({ topic: 't', value: 'a' });
    diagnosticsChannel.unsubscribe(CHANNELS.requestEnd, note);
    expect(apis).toEqual(expect.arrayContaining(['Metadata', 'InitProducerId', 'Produce']));
    expect(client.metrics()).toMatchObject({ failedRequests: 0 });
    expect(client.metrics().requests).toBeGreaterThan(3);
    await producer.close();
  });

  it('follow a record from span to span by its headers', async () => {
    const spans: { name: string; parent: string | undefined; error: string | null; isOver: boolean }[] = [];
    const api: OpenTelemetryApi = {
      trace: {
        getTracer: () => ({ startSpan(name, _options, context) {
          const span = { name, parent: (context as { parent?: string } | undefined)?.parent, error: null as string | null, isOver: false };
          spans.push(span);
          return { recordException: (error) => void (span.error = error.message), setStatus() {}, end: () => void (span.isOver = true) };
        } }),
        setSpan: (context) => ({ ...(context as object), current: spans.length }),
      },
      context: { active: () => ({}), with: (_context, run) => run() },
      propagation: { inject: (context, carrier) => void (carrier['traceparent'] = `span ${(context as { current: number }).current}`), extract: (_context, carrier) => ({ parent: carrier['traceparent'] }) },
    };
    const { client } = await start({ tracer: openTelemetryTracer(api) });
    const producer = client.producer(text);
    await producer.send({ topic: 't', value: 'a' });
    const consumer = client.consumer({ ...text, groupId: 'g', autoOffsetReset: 'earliest', sessionTimeoutMs: 10_000, heartbeatIntervalMs: 50 });
    const runner = client.run(consumer, { topics: ['t'], handler: () => {} });
    await until(() => runner.stats().handled === 1);
    await runner.stop();
    expect(spans).toEqual([{ name: 'send t', parent: undefined, error: null, isOver: true }, { name: 'process t', parent: 'span 1', error: null, isOver: true }]);
    await producer.close();
  });
});

describe('tidelog/kafkajs', () => {
  it('produces and consumes inside the process', async () => {
    const { node } = await start();
    const kafka = new Kafka({ clientId: 'app', brokers: [node.address], network: node.network, logLevel: logLevel.NOTHING });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 't', messages: [{ key: 'k', value: 'v' }] });
    const consumer = kafka.consumer({ groupId: 'g', sessionTimeout: 10_000, heartbeatInterval: 50, maxWaitTimeInMs: 50 });
    await consumer.connect();
    await consumer.subscribe({ topic: 't', fromBeginning: true });
    const seen: unknown[] = [];
    await consumer.run({ eachMessage: async ({ message }) => void seen.push([String(message.key), String(message.value)]) });
    await until(() => seen.length === 1);
    expect(seen).toEqual([['k', 'v']]);
    await consumer.disconnect();
    await producer.disconnect();
  });
});
