/** The same code, written for kafkajs after its own documentation, with kafkajs and with ours in its place. */
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import snappy from 'snappy';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import * as ours from '../../src/client/kafkajs/index.ts';
import { startBroker, type BrokerProcess } from './support/broker.ts';

type KafkaJS = typeof import('kafkajs');
const require = createRequire(import.meta.url);
const theirs = require('kafkajs') as KafkaJS;

/** Retention removes what is older, on its own time. */
const recent = String(Date.now() - 60_000);

let broker: BrokerProcess | null = null;
let brokers: string[];
beforeAll(async () => {
  const real = process.env['TIDELOG_KAFKA_BROKERS']?.split(',')[0]?.split('=')[1];
  if (real === undefined) broker = await startBroker();
  brokers = [real ?? (broker as BrokerProcess).address];
});
afterAll(async () => {
  await broker?.close();
});

describe.each([['kafkajs', theirs], ['tidelog/kafkajs', ours as unknown as KafkaJS]])('an application for kafkajs on %s', (_name, library) => {
  const { Kafka, logLevel, CompressionTypes, Partitioners, KafkaJSNonRetriableError, AssignerProtocol } = library;
  const make = () => new Kafka({ clientId: 'my-app', brokers, logLevel: logLevel.NOTHING });
  const name = (prefix: string) => `${prefix}-${randomUUID()}`;

  const newTopic = async (numPartitions = 1): Promise<string> => {
    const topic = name('topic');
    const admin = make().admin();
    await admin.connect();
    expect(await admin.createTopics({ topics: [{ topic, numPartitions, replicationFactor: 1 }], waitForLeaders: true })).toBe(true);
    await admin.disconnect();
    return topic;
  };

  it('runs the getting-started example', async () => {
    const topic = await newTopic();
    const kafka = make();
    const producer = kafka.producer();
    await producer.connect();
    const metadata = await producer.send({ topic, messages: [{ value: 'Hello KafkaJS user!' }, { key: 'k', value: Buffer.from('second'), headers: { one: '1', many: ['a', Buffer.from('b')] }, timestamp: recent }] });
    expect(metadata).toHaveLength(1);
    expect(metadata[0]).toMatchObject({ topicName: topic, partition: 0, errorCode: 0, baseOffset: '0' });
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId: name('test-group') });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const seen: { offset: string; value: string | undefined; key: string | undefined; headers: unknown; timestamp: string }[] = [];
    await consumer.run({
      eachMessage: async ({ topic: from, partition, message }) => {
        expect([from, partition]).toEqual([topic, 0]);
        seen.push({ offset: message.offset, value: message.value?.toString(), key: message.key?.toString(), headers: message.headers, timestamp: message.timestamp });
      },
    });
    await until(() => seen.length === 2);
    await consumer.disconnect();
    expect(seen[0]).toMatchObject({ offset: '0', value: 'Hello KafkaJS user!', key: undefined });
    expect(seen[1]).toMatchObject({ offset: '1', value: 'second', key: 'k', timestamp: recent });
    expect(seen[1]?.headers).toEqual({ one: Buffer.from('1'), many: [Buffer.from('a'), Buffer.from('b')] });
  });

  it('sends batches to several topics, compressed, with a partitioner of its own', async () => {
    const [one, two] = [await newTopic(3), await newTopic(3)];
    const kafka = make();
    const producer = kafka.producer({ createPartitioner: () => ({ message, partitionMetadata }) => Number(message.key) % partitionMetadata.length });
    await producer.connect();
    const metadata = await producer.sendBatch({ compression: CompressionTypes.GZIP, acks: -1, topicMessages: [
      { topic: one, messages: [0, 1, 2, 3].map((n) => ({ key: String(n), value: `one ${n}` })) }, { topic: two, messages: [{ key: '5', value: 'two' }] },
    ] });
    expect(metadata.map(({ topicName, partition }) => `${topicName}/${partition}`).sort()).toEqual([`${one}/0`, `${one}/1`, `${one}/2`, `${two}/2`].sort());
    await producer.disconnect();
    await expect(producer.send({ topic: one, messages: [{ value: 'x' }] })).rejects.toThrow('The producer is disconnected');
  });

  it("compresses by the application's own codec", async () => {
    const { CompressionCodecs } = library;
    const before = CompressionCodecs[CompressionTypes.Snappy];
    const calls: string[] = [];
    CompressionCodecs[CompressionTypes.Snappy] = () => ({
      async compress(encoder: { buffer: Buffer }) {
        calls.push('compress');
        return snappy.compress(encoder.buffer);
      },
      async decompress(buffer: Buffer) {
        calls.push('decompress');
        return snappy.uncompress(buffer);
      },
    });
    try {
      const topic = await newTopic();
      const producer = make().producer();
      await producer.connect();
      await producer.send({ topic, compression: CompressionTypes.Snappy, messages: [{ value: 'squeezed '.repeat(100) }] });
      await producer.disconnect();
      const consumer = make().consumer({ groupId: name('snappy') });
      await consumer.connect();
      await consumer.subscribe({ topic, fromBeginning: true });
      const values: string[] = [];
      await consumer.run({ eachMessage: async ({ message }) => void values.push(String(message.value)) });
      await until(() => values.length === 1);
      await consumer.disconnect();
      expect(values).toEqual(['squeezed '.repeat(100)]);
      expect(new Set(calls)).toEqual(new Set(['compress', 'decompress']));
    } finally {
      CompressionCodecs[CompressionTypes.Snappy] = before;
    }
  });

  it('refuses what kafkajs refuses', async () => {
    const producer = make().producer();
    await producer.connect();
    await expect(producer.send({ topic: '', messages: [] })).rejects.toThrow('Invalid topic');
    await expect(producer.send({ topic: 't', messages: undefined as never })).rejects.toThrow(KafkaJSNonRetriableError);
    await expect(producer.send({ topic: 't', messages: [{ value: undefined as never }] })).rejects.toThrow('Invalid message without value');
    await producer.disconnect();
    expect(() => make().consumer({ groupId: '' })).toThrow('Consumer groupId must be a non-empty string.');
    expect(() => producer.on('nonsense' as never, () => {})).toThrow('Event name should be one of');
  });

  it('handles each batch, resolves, commits and seeks', async () => {
    const topic = await newTopic();
    const groupId = name('group');
    const kafka = make();
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: Array.from({ length: 50 }, (_, n) => ({ value: String(n) })) });
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId });
    const joins: unknown[] = [];
    const commits: string[] = [];
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => void joins.push(payload));
    consumer.on(consumer.events.COMMIT_OFFSETS, ({ payload }) => void commits.push(payload.topics[0]?.partitions[0]?.offset as string));
    await consumer.connect();
    await consumer.subscribe({ topics: [topic], fromBeginning: true });
    const seen: string[] = [];
    await consumer.run({
      eachBatchAutoResolve: false,
      eachBatch: async ({ batch, resolveOffset, heartbeat, isRunning, isStale, commitOffsetsIfNecessary }) => {
        expect(batch.highWatermark).toBe('50');
        for (const message of batch.messages) {
          if (!isRunning() || isStale()) break;
          seen.push(message.value!.toString());
          resolveOffset(message.offset);
          await heartbeat();
        }
        await commitOffsetsIfNecessary();
      },
    });
    await until(() => seen.length === 50);
    expect(joins[0]).toMatchObject({ groupId, isLeader: true, memberAssignment: { [topic]: [0] } });
    consumer.seek({ topic, partition: 0, offset: '45' });
    await until(() => seen.length === 55);
    expect(seen.slice(50)).toEqual(['45', '46', '47', '48', '49']);
    await consumer.disconnect();
    expect(commits).toContain('50');
    const admin = kafka.admin();
    await admin.connect();
    expect(await admin.fetchOffsets({ groupId, topics: [topic] })).toMatchObject([{ topic, partitions: [{ partition: 0, offset: '50' }] }]);
    await admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '7' }] });
    expect(await admin.fetchOffsets({ groupId, topics: [topic] })).toMatchObject([{ topic, partitions: [{ partition: 0, offset: '7' }] }]);
    await admin.disconnect();
  });

  it('tries a message again whose handler failed, and loses none', async () => {
    const topic = await newTopic();
    const kafka = make();
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: ['a', 'b', 'c'].map((value) => ({ value })) });
    const consumer = kafka.consumer({ groupId: name('group'), retry: { initialRetryTime: 20, retries: 3 } });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const seen: string[] = [];
    let failures = 2;
    await consumer.run({ eachMessage: async ({ message }) => {
      if (message.value?.toString() === 'b' && failures-- > 0) throw new Error('not yet');
      seen.push(message.value!.toString());
    } });
    await until(() => seen.length === 3);
    expect(seen).toEqual(['a', 'b', 'c']);
    await consumer.disconnect();
    await producer.disconnect();
  });

  it('pauses and resumes topics', async () => {
    const topic = await newTopic();
    const kafka = make();
    const producer = kafka.producer();
    await producer.connect();
    const consumer = kafka.consumer({ groupId: name('group'), maxWaitTimeInMs: 100 });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const seen: string[] = [];
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(message.value!.toString()) });
    await producer.send({ topic, messages: [{ value: 'first' }] });
    await until(() => seen.length === 1);
    consumer.pause([{ topic }]);
    expect(consumer.paused()).toEqual([{ topic, partitions: [0] }]);
    await producer.send({ topic, messages: [{ value: 'second' }] });
    await new Promise((resolve) => setTimeout(resolve, 400));
    expect(seen).toEqual(['first']);
    consumer.resume([{ topic }]);
    await until(() => seen.length === 2);
    await consumer.disconnect();
    await producer.disconnect();
  });

  it('consumes, transforms and produces in transactions', async () => {
    const topic = await newTopic();
    const kafka = make();
    const producer = kafka.producer({ transactionalId: name('tx'), maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    const lost = await producer.transaction();
    await lost.send({ topic, messages: [{ value: 'lost' }] });
    await lost.abort();
    expect(lost.isActive()).toBe(false);
    const kept = await producer.transaction();
    await kept.send({ topic, messages: [{ value: 'kept' }] });
    await kept.sendOffsets({ consumerGroupId: name('group'), topics: [{ topic, partitions: [{ partition: 0, offset: '3' }] }] });
    await kept.commit();
    await expect(kept.send({ topic, messages: [{ value: 'late' }] })).rejects.toThrow();
    const consumer = kafka.consumer({ groupId: name('group') });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    const seen: string[] = [];
    await consumer.run({ eachMessage: async ({ message }) => void seen.push(message.value!.toString()) });
    await until(() => seen.length === 1);
    expect(seen).toEqual(['kept']);
    await consumer.disconnect();
    await producer.disconnect();
  });

  it('shares partitions by an assigner of its own', async () => {
    const topic = await newTopic(4);
    const kafka = make();
    const lastGetsAll = () => ({
      name: 'LastGetsAll', version: 1,
      async assign({ members, topics }: { members: { memberId: string }[]; topics: string[] }) {
        const ids = members.map(({ memberId }) => memberId).sort();
        return ids.map((memberId, place) => ({ memberId, memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: 1, assignment: place === ids.length - 1 ? Object.fromEntries(topics.map((each) => [each, [0, 1, 2, 3]])) : {}, userData: Buffer.alloc(0) }) }));
      },
      protocol: ({ topics }: { topics: string[] }) => ({ name: 'LastGetsAll', metadata: AssignerProtocol.MemberMetadata.encode({ version: 1, topics, userData: Buffer.alloc(0) }) }),
    });
    const groupId = name('group');
    const sizes = new Map<number, number>();
    const consumers = [0, 1].map((place) => {
      const consumer = kafka.consumer({ groupId, partitionAssigners: [lastGetsAll as never], heartbeatInterval: 200 });
      consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => void sizes.set(place, payload.memberAssignment[topic]?.length ?? 0));
      return consumer;
    });
    for (const consumer of consumers) {
      await consumer.connect();
      await consumer.subscribe({ topic });
      await consumer.run({ eachMessage: async () => {} });
    }
    await until(() => sizes.size === 2 && [...sizes.values()].sort().join() === '0,4');
    await Promise.all(consumers.map((consumer) => consumer.disconnect()));
  });

  it('administers', async () => {
    const topic = await newTopic(2);
    const kafka = make();
    const admin = kafka.admin();
    await admin.connect();
    expect(await admin.listTopics()).toContain(topic);
    expect(await admin.createTopics({ topics: [{ topic }] })).toBe(false);
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    expect(topics[0]).toMatchObject({ name: topic });
    expect(topics[0]?.partitions).toHaveLength(2);
    await admin.createPartitions({ topicPartitions: [{ topic, count: 3 }] });
    const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner });
    await producer.connect();
    // recent, or retention removes them while the test looks
    const timeMs = Date.now() - 10_000;
    await producer.send({ topic, messages: [{ value: 'a', partition: 1, timestamp: String(timeMs) }, { value: 'b', partition: 1, timestamp: String(timeMs + 1000) }] });
    const offsets = await admin.fetchTopicOffsets(topic);
    expect(offsets.find(({ partition }) => partition === 1)).toEqual({ partition: 1, offset: '2', high: '2', low: '0' });
    const byTime = await admin.fetchTopicOffsetsByTimestamp(topic, timeMs + 500);
    expect(byTime.find(({ partition }) => partition === 1)).toEqual({ partition: 1, offset: '1' });
    const { brokers: all, clusterId } = await admin.describeCluster();
    expect(all).toHaveLength(1);
    expect(clusterId).not.toBe('');
    const described = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }] });
    expect(described.resources[0]?.configEntries[0]).toMatchObject({ configName: 'retention.ms', configValue: '604800000' });
    await admin.alterConfigs({ validateOnly: false, resources: [{ type: 2, name: topic, configEntries: [{ name: 'retention.ms', value: '1000000' }] }] });
    const altered = await admin.describeConfigs({ includeSynonyms: false, resources: [{ type: 2, name: topic, configNames: ['retention.ms'] }] });
    expect(altered.resources[0]?.configEntries[0]?.configValue).toBe('1000000');
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: 1, offset: '1' }] });
    expect((await admin.fetchTopicOffsets(topic)).find(({ partition }) => partition === 1)?.low).toBe('1');
    expect((await admin.listGroups()).groups).toBeInstanceOf(Array);
    await expect(admin.deleteGroups([name('none')])).rejects.toMatchObject({ name: 'KafkaJSDeleteGroupsError' });
    await admin.deleteTopics({ topics: [topic] });
    await until(async () => !(await admin.listTopics()).includes(topic));
    await producer.disconnect();
    await admin.disconnect();
  });

  it('says that no broker can be reached', async () => {
    const producer = new Kafka({ brokers: ['127.0.0.1:1'], logLevel: logLevel.NOTHING, retry: { retries: 1, initialRetryTime: 10 } }).producer();
    await expect(producer.connect()).rejects.toMatchObject({ name: 'KafkaJSNumberOfRetriesExceeded' });
  });

  it('chooses partitions as before', () => {
    const partitionMetadata = Array.from({ length: 7 }, (_, partitionId) => ({ partitionId, leader: 1, partitionErrorCode: 0, replicas: [1], isr: [1] }));
    for (const kind of ['DefaultPartitioner', 'LegacyPartitioner', 'JavaCompatiblePartitioner'] as const) {
      const [expected, actual] = [theirs.Partitioners[kind](), Partitioners[kind]()];
      for (let n = 0; n < 500; n += 1) {
        const args = { topic: 't', partitionMetadata, message: { key: `key ${n} ${'x'.repeat(n % 9)}`, value: '' } };
        expect(actual(args)).toBe(expected(args));
      }
    }
  });
});

async function until(isSo: () => boolean | Promise<boolean>, limitMs = 45_000): Promise<void> {
  const endMs = Date.now() + limitMs;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error('it did not come to pass');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
