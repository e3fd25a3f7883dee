import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ClientError } from '../../src/client/core/clientError.ts';
import { Producer, type Delivery } from '../../src/client/producer/producer.ts';
import type { ProducerOptions } from '../../src/client/producer/producerOptions.ts';
import { ErrorCode, type KafkaError } from '../../src/protocol/errors.ts';
import { makePartitionProduceResponse, makeTopicProduceResponse } from '../../src/protocol/generated/produce.ts';
import { Codec } from '../../src/record/batchHeader.ts';
import { makeWorld, type World } from './support/cluster.ts';
import { settle, turns } from './support/fakeClock.ts';
import type { Reaction } from './support/fakeBroker.ts';
import { ModelLogs, type AppendOutcome } from './support/modelLog.ts';

type ProduceBody = { readonly acks: number; readonly topicData: readonly { readonly name: string; readonly partitionData: readonly { readonly index: number; readonly records: Buffer }[] }[] };

/** What goes wrong with one Produce request. */
type Fault = 'none' | 'lostRequest' | 'lostReply' | 'silentlyLost' | 'silentlyKept' | 'notLeader' | 'timedOutButKept';

interface Bench extends World {
  readonly logs: ModelLogs;
  readonly deliveries: Delivery[];
  readonly producer: Producer;
  /** Taken one by one by Produce requests. */
  faults: Fault[];
  /** Refuses batches for good. */
  refuse: (records: Buffer) => number;
}

async function makeBench(topics: Record<string, number>, options: Partial<ProducerOptions> = {}): Promise<Bench> {
  const world = await makeWorld(topics);
  const deliveries: Delivery[] = [];
  const producer = new Producer(world.cluster, { lingerMs: 0, deliveryTimeoutMs: 600_000, requestTimeoutMs: 1000, ...options }, (delivery) => deliveries.push({ ...delivery }));
  const bench: Bench = { ...world, logs: new ModelLogs(), deliveries, producer, faults: [], refuse: () => ErrorCode.NONE };
  let nextId = 100;
  world.broker.on('InitProducerId', () => ({ answer: { producerId: nextId++, producerEpoch: 0 } }));
  world.broker.on('Produce', ({ body }) => react(bench, body as unknown as ProduceBody));
  return bench;
}

function react(bench: Bench, body: ProduceBody): Reaction {
  const fault = bench.faults.shift() ?? 'none';
  const answer = (outcomeOf: (topic: string, data: ProduceBody['topicData'][number]['partitionData'][number]) => AppendOutcome): Reaction =>
    ({ answer: { responses: body.topicData.map(({ name, partitionData }) => makeTopicProduceResponse({ name, partitionResponses: partitionData.map((data) => makePartitionProduceResponse({ index: data.index, ...outcomeOf(name, data) })) })) } });
  const refused = (errorCode: number): AppendOutcome => ({ errorCode, baseOffset: -1 });
  if (fault === 'lostRequest') return 'hangUp';
  if (fault === 'silentlyLost') return 'silence';
  if (fault === 'notLeader') return answer(() => refused(ErrorCode.NOT_LEADER_OR_FOLLOWER));
  const reply = answer((topic, data) => {
    const refusal = bench.refuse(data.records);
    if (refusal !== ErrorCode.NONE) return refused(refusal);
    const outcome = bench.logs.of(topic, data.index).append(data.records);
    return fault === 'timedOutButKept' && outcome.errorCode === ErrorCode.NONE ? refused(ErrorCode.REQUEST_TIMED_OUT) : outcome;
  });
  if (body.acks === 0) return 'noAnswer';
  if (fault === 'lostReply') return 'hangUp';
  if (fault === 'silentlyKept') return 'silence';
  return reply;
}

const numbered = (count: number, from = 0): string[] => Array.from({ length: count }, (_, index) => `value ${from + index}`);

async function sendAll({ producer, clock }: Bench, topic: string, values: readonly string[]): Promise<void> {
  await settle(clock, producer.prepare(topic));
  for (const value of values) producer.send({ topic, key: null, value: Buffer.from(value) });
}

describe('a producer', () => {
  it('sends without linger what one turn brings, together and without a timer', async () => {
    const bench = await makeBench({ t: 1 });
    await sendAll(bench, 't', numbered(3));
    await turns();
    await sendAll(bench, 't', numbered(1, 3));
    await turns();
    expect(bench.deliveries.map(({ records }) => records)).toEqual([3, 1]);
    await bench.producer.flush();
  });

  it('delivers records in order, in batches, and says at which offset', async () => {
    const bench = await makeBench({ t: 1 }, { batchSizeBytes: 200 });
    const values = numbered(100);
    await sendAll(bench, 't', values);
    await settle(bench.clock, bench.producer.flush());
    expect(bench.logs.of('t', 0).values).toEqual(values);
    expect(bench.deliveries.every(({ error }) => error === null)).toBe(true);
    const offsets = bench.deliveries.map(({ baseOffset, records }) => [baseOffset, records] as const);
    expect(offsets.length).toBeGreaterThan(5);
    let expected = 0;
    for (const [baseOffset, records] of offsets) {
      expect(baseOffset).toBe(expected);
      expected += records;
    }
    expect(bench.producer.bufferedBytes).toBe(0);
    bench.cluster.close();
  });

  const fault = fc.constantFrom<Fault>('none', 'none', 'lostRequest', 'lostReply', 'silentlyLost', 'silentlyKept', 'notLeader', 'timedOutButKept');

  it('loses nothing and repeats nothing, whatever happens to its requests', async () => {
    await fc.assert(fc.asyncProperty(fc.array(fault, { maxLength: 30 }), fc.integer({ min: 1, max: 120 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 3 }), async (faults, count, inFlightMax, partitions) => {
      const bench = await makeBench({ t: partitions }, { batchSizeBytes: 150, inFlightMax });
      bench.faults = [...faults];
      const values = numbered(count);
      await settle(bench.clock, bench.producer.prepare('t'));
      values.forEach((value, index) => bench.producer.send({ topic: 't', partition: index % partitions, key: null, value: Buffer.from(value) }));
      await settle(bench.clock, bench.producer.flush());
      for (let partition = 0; partition < partitions; partition++) {
        expect(bench.logs.of('t', partition).values).toEqual(values.filter((_, index) => index % partitions === partition));
      }
      expect(bench.deliveries.map(({ error }) => error).filter((error) => error !== null)).toEqual([]);
      expect(bench.deliveries.reduce((sum, { records }) => sum + records, 0)).toBe(count);
      bench.cluster.close();
    }), { numRuns: 60 });
  });

  it('goes on under a new epoch after a batch that is refused for good', async () => {
    const bench = await makeBench({ t: 1 }, { batchSizeBytes: 150, inFlightMax: 5 });
    const values = numbered(60);
    bench.refuse = (records) => (records.includes('value 20') ? ErrorCode.INVALID_RECORD : ErrorCode.NONE);
    bench.faults = ['none', 'none', 'lostReply'];
    await sendAll(bench, 't', values);
    await settle(bench.clock, bench.producer.flush());
    const lost = bench.deliveries.filter(({ error }) => error !== null);
    expect(lost.map(({ error }) => (error as KafkaError).codeName)).toEqual(['INVALID_RECORD']);
    const kept = bench.logs.of('t', 0).values;
    expect(new Set(kept).size).toBe(kept.length);
    expect(kept.length).toBe(values.length - lost[0]!.records);
    expect(kept).toEqual(values.filter((value) => kept.includes(value)));
    bench.cluster.close();
  });

  it('halves a batch that is too large for the broker until it fits, and gives up one record that never does', async () => {
    const bench = await makeBench({ t: 1 }, { batchSizeBytes: 4000 });
    bench.refuse = (records) => (records.length > 600 ? ErrorCode.MESSAGE_TOO_LARGE : ErrorCode.NONE);
    const values = [...numbered(30).map((value) => value.padEnd(100, '.')), 'x'.repeat(900), ...numbered(5)];
    await sendAll(bench, 't', values);
    await settle(bench.clock, bench.producer.flush());
    expect(bench.logs.of('t', 0).values).toEqual(values.filter((value) => value.length < 900));
    expect(bench.deliveries.filter(({ error }) => error !== null).map(({ records }) => records)).toEqual([1]);
    bench.cluster.close();
  });

  it('compresses, keeps keys, headers, null values and timestamps', async () => {
    const bench = await makeBench({ t: 1 }, { codec: Codec.gzip });
    await settle(bench.clock, bench.producer.prepare('t'));
    bench.producer.send({ topic: 't', key: Buffer.from('k'), value: null, headers: [{ key: 'h', value: Buffer.from('v') }], timestampMs: 77 });
    await settle(bench.clock, bench.producer.flush());
    expect(bench.logs.of('t', 0).values).toEqual(['null']);
    expect(bench.deliveries[0]!.batch.readInt16BE(21) & 7).toBe(Codec.gzip);
    bench.cluster.close();
  });

  it('waits for the broker to come back on the same address', async () => {
    const bench = await makeBench({ t: 1 }, { batchSizeBytes: 150 });
    await sendAll(bench, 't', numbered(20));
    await bench.broker.stop();
    const flushed = bench.producer.flush();
    bench.clock.advance(10_000);
    await turns();
    await bench.broker.listen(bench.network, bench.broker.port);
    await settle(bench.clock, flushed);
    expect(bench.logs.of('t', 0).values).toEqual(numbered(20));
    bench.cluster.close();
  });

  it('gives records up after delivery.timeout.ms, all of them, without hanging', async () => {
    const bench = await makeBench({ t: 1 }, { batchSizeBytes: 150, deliveryTimeoutMs: 3000 });
    await sendAll(bench, 't', numbered(20));
    await bench.broker.stop();
    await settle(bench.clock, bench.producer.close());
    expect(bench.deliveries.reduce((sum, { records }) => sum + records, 0)).toBe(20);
    for (const { error } of bench.deliveries) expect((error as ClientError).code).toBe('DELIVERY_TIMED_OUT');
    expect(bench.producer.bufferedBytes).toBe(0);
    bench.cluster.close();
    await turns();
    expect(bench.clock.timerCount).toBe(0);
  });

  it('stops retrying after `retries` failures, and counts no time without a broker as one', async () => {
    const bench = await makeBench({ t: 1 }, { retriesMax: 2, isIdempotent: false, inFlightMax: 1 });
    bench.faults = Array.from({ length: 3 }, (): Fault => 'notLeader');
    await sendAll(bench, 't', ['one']);
    await settle(bench.clock, bench.producer.flush());
    expect(bench.deliveries.map(({ error }) => (error as KafkaError).codeName)).toEqual(['NOT_LEADER_OR_FOLLOWER']);
    expect(bench.broker.asked('Produce')).toHaveLength(3);
    bench.cluster.close();
  });

  it('closes in time without a broker: what is left fails', async () => {
    const bench = await makeBench({ t: 1 });
    await sendAll(bench, 't', ['one']);
    await bench.broker.stop();
    await settle(bench.clock, bench.producer.close(2000));
    expect((bench.deliveries[0]!.error as ClientError).code).toBe('CLOSED');
    expect(() => bench.producer.send({ topic: 't', key: null, value: null })).toThrow(/closed/);
    bench.cluster.close();
  });

  it('fails what waits when its cluster is closed', async () => {
    const bench = await makeBench({ t: 1 }, { requestTimeoutMs: 100_000 });
    bench.faults = ['silentlyLost'];
    await sendAll(bench, 't', ['one']);
    bench.clock.advance(1);
    await turns();
    bench.cluster.close();
    await settle(bench.clock, bench.producer.flush());
    expect((bench.deliveries[0]!.error as ClientError).code).toBe('CLOSED');
  });

  it('with acks=0 sends without waiting for answers', async () => {
    const bench = await makeBench({ t: 1 }, { acks: 0, isIdempotent: false });
    await sendAll(bench, 't', numbered(3));
    await settle(bench.clock, bench.producer.flush());
    await turns();
    expect(bench.logs.of('t', 0).values).toEqual(numbered(3));
    expect(bench.deliveries.every(({ error, baseOffset }) => error === null && baseOffset === -1)).toBe(true);
    bench.cluster.close();
  });

  it('takes no more than buffer.memory, and says when there is room again', async () => {
    const bench = await makeBench({ t: 1 }, { bufferMemoryBytes: 1000, batchSizeBytes: 300 });
    await settle(bench.clock, bench.producer.prepare('t'));
    const record = { topic: 't', key: null, value: Buffer.alloc(100) };
    let sent = 0;
    while (bench.producer.hasRoom) {
      bench.producer.send(record);
      sent += 1;
    }
    expect(sent).toBeLessThan(12);
    expect(() => bench.producer.send(record)).toThrow(expect.objectContaining({ code: 'BUFFER_FULL' }));
    await settle(bench.clock, bench.producer.room());
    bench.producer.send(record);
    await settle(bench.clock, bench.producer.flush());
    expect(bench.logs.of('t', 0).values).toHaveLength(sent + 1);
    bench.cluster.close();
  });

  it('refuses records that are too large, unprepared topics and partitions that are not there', async () => {
    const bench = await makeBench({ t: 2 });
    expect(() => bench.producer.send({ topic: 't', key: null, value: null })).toThrow(/prepare/);
    await settle(bench.clock, bench.producer.prepare('t'));
    // as Kafka's client reckons it
    expect(() => bench.producer.send({ topic: 't', key: null, value: Buffer.alloc(1_100_000) })).toThrow('The message is 1100088 bytes when serialized which is larger than 1048576');
    expect(() => bench.producer.send({ topic: 't', partition: 2, key: null, value: null })).toThrow(/no partition 2/);
    expect(() => new Producer(bench.cluster, { acks: 1 }, () => {})).toThrow(/acks to all/);
    bench.cluster.close();
  });

  it('waits max.block.ms for a topic, and takes it when it appears', async () => {
    const bench = await makeBench({}, { maxBlockMs: 3000 });
    await expect(settle(bench.clock, bench.producer.prepare('late'))).rejects.toThrow('Topic late not present in metadata after 3000 ms.');
    const prepared = bench.producer.prepare('late');
    await turns();
    bench.topics.set('late', 1);
    await settle(bench.clock, prepared);
    bench.producer.send({ topic: 'late', key: null, value: Buffer.from('x') });
    await settle(bench.clock, bench.producer.flush());
    expect(bench.logs.of('late', 0).values).toEqual(['x']);
    bench.cluster.close();
  });

  it('uses partitions that were added meanwhile', async () => {
    const bench = await makeBench({ t: 1 });
    await sendAll(bench, 't', ['a']);
    await settle(bench.clock, bench.producer.flush());
    bench.topics.set('t', 4);
    bench.clock.advance(61_000);
    bench.producer.send({ topic: 't', key: null, value: Buffer.from('b') });
    await settle(bench.clock, bench.producer.flush());
    bench.producer.send({ topic: 't', partition: 3, key: null, value: Buffer.from('c') });
    await settle(bench.clock, bench.producer.flush());
    expect(bench.logs.of('t', 3).values).toEqual(['c']);
    bench.cluster.close();
  });
});
