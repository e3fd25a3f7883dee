/**
 * One behaviour suite for the client against our broker and against real ones. Brokers that run already are named in TIDELOG_KAFKA_BROKERS, as
 * `4.3=127.0.0.1:29092,3.9=127.0.0.1:39092`; ours is started here.
 */
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ClientError, ConfigOperation, ConfigResourceType, createClient, runExactlyOnce, serdes, type Client, type RecordConsumerOptions } from '../../src/client/index.ts';
import { startBroker, type BrokerProcess } from './support/broker.ts';

interface Target {
  readonly name: string;
  readonly address: string | null;
}

const real = (process.env['TIDELOG_KAFKA_BROKERS'] ?? '').split(',').filter((entry) => entry.includes('=')).map((entry) => {
  const at = entry.indexOf('=');
  return { name: `Apache Kafka ${entry.slice(0, at)}`, address: entry.slice(at + 1) };
});
if (real.length === 0) console.warn('SKIPPED: the client against real Kafka brokers: TIDELOG_KAFKA_BROKERS names none');
const targets: Target[] = [{ name: 'Tidelog', address: null }, ...real];

/** Recent: retention removes what is older, on its own time. */
const beginMs = Date.now() - 3_600_000;
const text = { key: serdes.nullable(serdes.string), value: serdes.string } as const;
type Text = RecordConsumerOptions<string | null, string>;

describe.each(targets)('the client against $name', ({ name, address }) => {
  let broker: BrokerProcess | null = null;
  let client: Client;
  let bootstrap: string;
  beforeAll(async () => {
    if (address === null) broker = await startBroker();
    bootstrap = address ?? (broker as BrokerProcess).address;
    client = createClient({ bootstrap });
  });
  afterAll(async () => {
    await client?.close();
    await broker?.close();
  });

  const newTopic = async (partitions = 1): Promise<string> => {
    const topic = `t-${randomUUID()}`;
    await client.admin.createTopic({ topic, partitions });
    return topic;
  };

  const readAll = async (topic: string, count: number, options: Partial<Text> = {}): Promise<string[]> => {
    const consumer = client.consumer<string | null, string>({ ...text, autoOffsetReset: 'earliest', ...options });
    consumer.subscribe([topic]);
    const values: string[] = [];
    for await (const record of consumer) {
      values.push(record.value);
      if (values.length >= count) break;
    }
    await consumer.close();
    return values;
  };

  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const)('sends and reads back records with keys, headers and times, compressed by %s', async (compression) => {
    const topic = await newTopic(3);
    const producer = client.producer({ ...text, compression });
    const deliveries = await Promise.all(Array.from({ length: 500 }, (_, n) => producer.send({ topic, key: `k${n % 7}`, value: `value ${n}`, headers: { n: String(n) }, timestampMs: beginMs + n })));
    expect(deliveries.every(({ offset }) => offset >= 0)).toBe(true);
    const consumer = client.consumer({ ...text, autoOffsetReset: 'earliest' });
    consumer.subscribe([topic]);
    const seen = new Map<string, number[]>();
    let count = 0;
    for await (const record of consumer) {
      const n = Number(Buffer.from(record.header('n') as Uint8Array).toString());
      expect(record).toMatchObject({ key: `k${n % 7}`, value: `value ${n}`, timestampMs: beginMs + n });
      expect(deliveries[n]).toMatchObject({ partition: record.partition, offset: record.offset });
      seen.set(record.key as string, [...(seen.get(record.key as string) ?? []), n]);
      if (++count === 500) break;
    }
    for (const numbers of seen.values()) expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    await consumer.close();
    await producer.close();
  });

  it.each([0, 1, 'all'] as const)('sends with acks %s', async (acks) => {
    const topic = await newTopic();
    const producer = client.producer({ ...text, acks });
    const delivery = await producer.sendBatch({ topic, records: Array.from({ length: 2000 }, (_, n) => ({ value: String(n) })) });
    expect(delivery.parts.reduce((sum, { count }) => sum + count, 0)).toBe(2000);
    expect(await readAll(topic, 2000)).toEqual(Array.from({ length: 2000 }, (_, n) => String(n)));
    await producer.close();
  });

  it('refuses a record that is too large for the broker, and goes on', async () => {
    const topic = await newTopic();
    const producer = client.producer({ ...text, requestSizeMaxBytes: 8 * 1024 * 1024, bufferMemoryBytes: 64 * 1024 * 1024 });
    const [large, small] = await Promise.allSettled([producer.send({ topic, value: 'x'.repeat(2 * 1024 * 1024) }), producer.send({ topic, value: 'small' })]);
    expect(large).toMatchObject({ status: 'rejected', reason: { codeName: 'MESSAGE_TOO_LARGE' } });
    expect(small.status).toBe('fulfilled');
    expect(await readAll(topic, 1)).toEqual(['small']);
    await producer.close();
  });

  it('seeks by offset, by time and to the ends, pauses and resumes, and tells the lag', async () => {
    const topic = await newTopic();
    const producer = client.producer(text);
    await producer.sendBatch({ topic, records: Array.from({ length: 100 }, (_, n) => ({ value: String(n), timestampMs: beginMs + n * 1000 })) });
    const consumer = client.consumer(text);
    consumer.assign([{ topic, partition: 0, start: 90 }]);
    const records = consumer.records();
    const next = async (): Promise<string> => ((await records.next()).value as { value: string }).value;
    expect(await next()).toBe('90');
    consumer.seek(topic, 0, 10);
    expect(await next()).toBe('10');
    consumer.seek(topic, 0, { timestampMs: beginMs + 41_500 });
    expect(await next()).toBe('42');
    consumer.seek(topic, 0, 'earliest');
    expect(await next()).toBe('0');
    consumer.pause();
    consumer.seek(topic, 0, 50);
    expect(consumer.paused).toEqual([{ topic, partition: 0 }]);
    const waiting = next();
    expect(await Promise.race([waiting, new Promise((resolve) => setTimeout(resolve, 300, 'nothing'))])).toBe('nothing');
    consumer.resume();
    expect(await waiting).toBe('50');
    consumer.seek(topic, 0, 'latest');
    const last = next();
    await new Promise((resolve) => setTimeout(resolve, 300));
    await producer.send({ topic, value: 'last' });
    expect(await last).toBe('last');
    expect(consumer.lag()).toEqual([{ topic, partition: 0, lag: 0 }]);
    expect([...(await consumer.offsetsAt([{ topic, partition: 0 }], 'latest')).values()]).toEqual([101]);
    await consumer.close();
    await producer.close();
  });

  const protocols: [string, Partial<Text>][] = [
    ['range', { assignors: ['range'] }], ['roundrobin', { assignors: ['roundrobin'] }], ['sticky', { assignors: ['sticky'] }],
    ['cooperative-sticky', { assignors: ['cooperative-sticky'] }], ['the coordinator (KIP-848)', { groupProtocol: 'consumer' }],
  ];
  it.for(protocols)('shares partitions in a group assigned by %s, and resumes where it committed', async ([, options], context) => {
    if (options.groupProtocol === 'consumer' && !(await offersModernGroups())) return context.skip(`${name} has no groups of KIP-848 to offer`);
    const topic = await newTopic(6);
    const groupId = `g-${randomUUID()}`;
    const producer = client.producer(text);
    const sendTo = (from: number) => Promise.all(Array.from({ length: 60 }, (_, n) => producer.send({ topic, partition: n % 6, value: String(from + n) })));
    await sendTo(0);
    const seen: string[] = [];
    const stop = new AbortController();
    const join = () => {
      const consumer = client.consumer({ ...text, groupId, autoOffsetReset: 'earliest', autoCommitIntervalMs: 100, heartbeatIntervalMs: 200, sessionTimeoutMs: 10_000, ...options });
      consumer.subscribe([topic]);
      const reading = (async () => {
        for await (const record of consumer.records({ signal: stop.signal })) seen.push(record.value);
      })();
      return { consumer, reading };
    };
    const first = join();
    await until(() => seen.length === 60);
    const second = join();
    await until(() => first.consumer.assignment.length === 3 && second.consumer.assignment.length === 3);
    await sendTo(60);
    await until(() => seen.length >= 120);
    await first.consumer.close();
    await until(() => second.consumer.assignment.length === 6);
    await sendTo(120);
    await until(() => seen.length >= 180);
    await second.consumer.close();
    stop.abort();
    await Promise.all([first.reading, second.reading]);
    expect([...seen].sort((a, b) => Number(a) - Number(b))).toEqual(Array.from({ length: 180 }, (_, n) => String(n)));
    const checker = client.consumer({ ...text, groupId });
    const committed = await checker.committed(Array.from({ length: 6 }, (_, partition) => ({ topic, partition })));
    expect([...committed.values()].map(({ offset }) => offset)).toEqual([30, 30, 30, 30, 30, 30]);
    await checker.close();
    await producer.close();
  });

  const offersModernGroups = async (): Promise<boolean> => {
    const connection = await client.cluster.anyConnection();
    return connection.offers(68) && connection.featureLevel('group.version') >= 1;
  };

  it('keeps the place of a static member over a restart', async () => {
    const topic = await newTopic(2);
    const groupId = `g-${randomUUID()}`;
    const rebalances: string[] = [];
    const open = (instanceId: string) => {
      const consumer = client.consumer({ ...text, groupId, instanceId, autoOffsetReset: 'earliest', heartbeatIntervalMs: 200, sessionTimeoutMs: 20_000 });
      consumer.subscribe([topic], { onAssigned: (partitions) => void rebalances.push(`${instanceId}+${partitions.length}`), onRevoked: (partitions) => void rebalances.push(`${instanceId}-${partitions.length}`) });
      return consumer;
    };
    const one = open('one');
    const two = open('two');
    const polls = async (consumers: readonly { nextBatch(timeoutMs: number): Promise<unknown> }[]) => void (await Promise.all(consumers.map((consumer) => consumer.nextBatch(50))));
    while (one.assignment.length !== 1 || two.assignment.length !== 1) await polls([one, two]);
    await two.close();
    rebalances.length = 0;
    const again = open('two');
    while (again.assignment.length !== 1) await polls([one, again]);
    expect(rebalances).toEqual(['two+1']);
    await one.close();
    await again.close();
  });

  it('commits and aborts transactions, which read_committed sees and does not see', async (context) => {
    if (!(await offersTransactions())) return context.skip();
    const topic = await newTopic(2);
    const producer = client.producer({ ...text, transactionalId: `tx-${randomUUID()}` });
    for (let round = 0; round < 3; round += 1) {
      await producer.begin();
      await producer.send({ topic, partition: 0, value: `lost ${round}` });
      await producer.send({ topic, partition: 1, value: `lost ${round}` });
      await producer.abort();
      await producer.transaction(async (scope) => {
        for (let n = 0; n < 5; n += 1) void scope.send({ topic, partition: n % 2, value: `kept ${round}/${n}` });
      });
    }
    await expect(producer.transaction(async (scope) => {
      await scope.send({ topic, partition: 0, value: 'thrown away' });
      throw new Error('the application failed');
    })).rejects.toThrow('the application failed');
    const kept = await readAll(topic, 15, { isolationLevel: 'read_committed' });
    expect(kept.every((value) => value.startsWith('kept'))).toBe(true);
    expect(new Set(kept).size).toBe(15);
    await producer.close();
  });

  it('fences an older producer of the same transactional.id', async (context) => {
    if (!(await offersTransactions())) return context.skip();
    const topic = await newTopic();
    const transactionalId = `tx-${randomUUID()}`;
    const older = client.producer({ ...text, transactionalId });
    await older.begin();
    await older.send({ topic, value: 'older' });
    const newer = client.producer({ ...text, transactionalId });
    await newer.begin();
    await newer.send({ topic, value: 'newer' });
    await newer.commit();
    const failure = await older.send({ topic, value: 'zombie' }).then(() => older.commit()).catch((error: Error) => error);
    expect(failure).toBeInstanceOf(Error);
    await expect(older.abort().then(() => older.begin())).rejects.toMatchObject({ code: 'PRODUCER_FENCED' });
    expect(await readAll(topic, 1, { isolationLevel: 'read_committed' })).toEqual(['newer']);
    await older.close();
    await newer.close();
  });

  it('consumes, transforms and produces exactly once, over a consumer that comes and goes', async (context) => {
    if (!(await offersTransactions())) return context.skip();
    const [from, to] = [await newTopic(2), await newTopic(2)];
    const groupId = `g-${randomUUID()}`;
    const source = client.producer(text);
    await Promise.all(Array.from({ length: 200 }, (_, n) => source.send({ topic: from, partition: n % 2, value: String(n) })));
    let failures = 2;
    const work = async (signal: AbortSignal, limit: number): Promise<void> => {
      const consumer = client.consumer({ ...text, groupId, autoCommit: false, isolationLevel: 'read_committed', autoOffsetReset: 'earliest', heartbeatIntervalMs: 200, maxPartitionFetchBytes: 500 });
      const producer = client.producer({ ...text, transactionalId: `tx-${groupId}` });
      const stop = new AbortController();
      signal.addEventListener('abort', () => stop.abort());
      let batches = 0;
      await runExactlyOnce({
        consumer, producer, topics: [from], signal: stop.signal,
        async transform(batch, scope) {
          for (const record of batch) void scope.send({ topic: to, partition: record.partition, value: `${record.value}!` });
          if (failures-- > 0) throw new ClientError('TRANSACTION_ABORTABLE', 'a fault of the test');
          if (++batches >= limit) stop.abort();
        },
      });
      await consumer.close();
      await producer.close();
    };
    await work(new AbortController().signal, 1);
    const rest = new AbortController();
    const working = work(rest.signal, Infinity);
    const values = await readAll(to, 200, { isolationLevel: 'read_committed' });
    rest.abort();
    await working;
    expect(values.map((value) => Number(value.slice(0, -1))).sort((a, b) => a - b)).toEqual(Array.from({ length: 200 }, (_, n) => n));
    await source.close();
  });

  const offersTransactions = async (): Promise<boolean> => {
    const connection = await client.cluster.anyConnection();
    const isOffered = connection.offers(26) && connection.offers(28);
    if (!isOffered) console.warn(`SKIPPED: ${name} does not offer transactions`);
    return isOffered;
  };

  it('runs handlers in lanes, retries, moves poison and failures to dead letters, and commits', async () => {
    const [topic, dead] = [await newTopic(3), await newTopic()];
    const groupId = `g-${randomUUID()}`;
    const producer = client.producer();
    await Promise.all(Array.from({ length: 90 }, (_, n) => producer.send({ topic, key: Buffer.from(`k${n % 9}`), value: Buffer.from(n === 50 ? '{ no json' : JSON.stringify({ n })) })));
    const consumer = client.consumer({ key: serdes.string, value: serdes.json<{ n: number }>(), groupId, autoOffsetReset: 'earliest', autoCommitIntervalMs: 50 });
    const order = new Map<string, number[]>();
    const attempts = new Map<number, number>();
    const runner = client.run(consumer, {
      topics: [topic], lanes: 4, attempts: 2, backoffMs: 5, failureProducer: producer, deadLetterTopic: dead,
      async handler({ key, value: { n } }, { attempt }) {
        attempts.set(n, attempt);
        if (n === 13 || (n % 10 === 0 && attempt === 1)) throw new Error(`no luck with ${n}`);
        await new Promise((resolve) => setTimeout(resolve, n % 3));
        order.set(key, [...(order.get(key) ?? []), n]);
      },
    });
    await until(() => runner.stats().handled + runner.stats().deadLettered === 90);
    await runner.stop();
    for (const numbers of order.values()) expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    expect(runner.stats()).toMatchObject({ handled: 88, deadLettered: 2 });
    expect([attempts.get(20), attempts.get(13), attempts.get(14)]).toEqual([2, 2, 1]);
    expect((await readAll(dead, 2)).sort()).toEqual(['{ no json', '{"n":13}'].sort());
    const checker = client.consumer({ groupId });
    const committed = await checker.committed([0, 1, 2].map((partition) => ({ topic, partition })));
    expect([...committed.values()].reduce((sum, { offset }) => sum + offset, 0)).toBe(90);
    await checker.close();
    await producer.close();
  });

  it('takes records of a share group, accepts, releases and rejects them', async (context) => {
    const connection = await client.cluster.anyConnection();
    if (!connection.offers(76) || !connection.offers(78) || connection.featureLevel('share.version') < 1) {
      console.warn(`SKIPPED: ${name} does not offer share groups`);
      return context.skip();
    }
    const topic = await newTopic();
    const groupId = `s-${randomUUID()}`;
    await client.admin.incrementalAlterConfigs(new Map([[{ type: ConfigResourceType.group, name: groupId }, [{ name: 'share.auto.offset.reset', operation: ConfigOperation.set, value: 'earliest' }]]]));
    const producer = client.producer(text);
    await producer.sendBatch({ topic, records: Array.from({ length: 10 }, (_, n) => ({ value: String(n) })) });
    const consumer = client.shareConsumer({ ...text, groupId, acknowledgement: 'explicit' });
    consumer.subscribe([topic]);
    const deliveries = new Map<string, number>();
    const settled = new Set<string>();
    await until(async () => {
      for (const { record, deliveryCount } of await consumer.poll(500)) {
        deliveries.set(record.value, deliveryCount);
        const type = record.value === '3' && deliveryCount === 1 ? 'release' : record.value === '4' ? 'reject' : 'accept';
        consumer.acknowledge(record, type);
        if (type !== 'release') settled.add(record.value);
      }
      return settled.size === 10;
    });
    await consumer.close();
    expect([deliveries.get('3'), deliveries.get('2')]).toEqual([2, 1]);
    await producer.close();
  });
});

async function until(isSo: () => boolean | Promise<boolean>, limitMs = 45_000): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error('it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
