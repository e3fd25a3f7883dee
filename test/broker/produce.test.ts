import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeProduceRequest } from '../../src/protocol/generated/produce.ts';
import { zeroUuid } from '../../src/protocol/types.ts';
import { Codec, Field } from '../../src/record/batchHeader.ts';
import { renewCrc } from '../../src/record/build.ts';
import { Produce, InitProducerId } from './support/apis.ts';
import { call, send, settle, startNode, TestConnection } from './support/node.ts';
import { T0, batch, createTopic, fetchOne, produce, produceBody, recordsIn, valuesIn } from './support/work.ts';

const changed = (bytes: Buffer, change: (bytes: Buffer) => void, withCrc = true): Buffer => {
  change(bytes);
  if (withCrc) renewCrc(bytes);
  return bytes;
};

describe('produce', () => {
  it('answers partitions in the order of the request, each for itself', async () => {
    const node = await startNode();
    const topicId = await createTopic(node, 'events', 2);
    const body = makeProduceRequest({
      acks: 1,
      topicData: [
        { name: '', topicId, partitionData: [{ index: 1, records: batch(['a']) }, { index: 9, records: batch(['b']) }, { index: 0, records: batch(['c', 'd']) }] },
        { name: '', topicId: 'ZZZZZZZZZZZZZZZZZZZZZQ', partitionData: [{ index: 0, records: batch(['e']) }] },
      ],
    });
    const { responses } = await call(node, Produce, 13, body);
    expect(responses.map((topic) => topic.topicId)).toEqual([topicId, 'ZZZZZZZZZZZZZZZZZZZZZQ']);
    expect(responses[0]!.partitionResponses).toMatchObject([
      { index: 1, errorCode: 0, baseOffset: 0 }, { index: 9, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, baseOffset: -1 }, { index: 0, errorCode: 0, baseOffset: 0 },
    ]);
    expect(responses[1]!.partitionResponses).toMatchObject([{ errorCode: ErrorCode.UNKNOWN_TOPIC_ID }]);
    await node.stop();
  });

  it('takes every version that Kafka serves', async () => {
    const node = await startNode();
    await createTopic(node, 'events');
    for (let version = 3; version <= 12; version++) {
      expect(await produce(node, 'events', 0, batch([`v${version}`]), version)).toMatchObject({ errorCode: 0, baseOffset: version - 3 });
    }
    await node.stop();
  });

  it('keeps timestamps, or sets its own where the topic says so', async () => {
    const node = await startNode();
    await createTopic(node, 'own', 1, { configs: [{ name: 'message.timestamp.type', value: 'LogAppendTime' }] });
    await createTopic(node, 'kept');
    expect(await produce(node, 'own', 0, batch(['a'], { timestampMs: 5 }))).toMatchObject({ errorCode: 0, logAppendTimeMs: node.ports.clock.now() });
    expect(await produce(node, 'kept', 0, batch(['a'], { timestampMs: 5 }))).toMatchObject({ errorCode: 0, logAppendTimeMs: -1 });
    expect(recordsIn((await fetchOne(node, 'own', 0, 0)).records)[0]!.timestampMs).toBe(node.ports.clock.now());
    expect(recordsIn((await fetchOne(node, 'kept', 0, 0)).records)[0]!.timestampMs).toBe(5);
    await node.stop();
  });

  it.each([
    ['no records', () => null, ErrorCode.INVALID_RECORD],
    ['empty records', () => Buffer.alloc(0), ErrorCode.INVALID_RECORD],
    ['ten bytes', () => Buffer.alloc(10), ErrorCode.CORRUPT_MESSAGE],
    ['a wrong CRC', () => changed(batch(['a']), (bytes) => void (bytes[bytes.length - 1]! ^= 1), false), ErrorCode.CORRUPT_MESSAGE],
    ['magic 1', () => changed(batch(['a']), (bytes) => bytes.writeInt8(1, Field.magic), false), ErrorCode.INVALID_RECORD],
    ['two batches', () => Buffer.concat([batch(['a']), batch(['b'])]), ErrorCode.INVALID_RECORD],
    ['bytes after the batch', () => Buffer.concat([batch(['a']), Buffer.alloc(3)]), ErrorCode.INVALID_RECORD],
    ['a length past the end', () => changed(batch(['a']), (bytes) => bytes.writeInt32BE(1 << 30, Field.length), false), ErrorCode.INVALID_RECORD],
    ['a negative length', () => changed(batch(['a']), (bytes) => bytes.writeInt32BE(-5, Field.length), false), ErrorCode.CORRUPT_MESSAGE],
    ['a wrong count', () => changed(batch(['a']), (bytes) => bytes.writeInt32BE(2, Field.recordCount)), ErrorCode.INVALID_RECORD],
    ['a negative count', () => changed(batch(['a']), (bytes) => bytes.writeInt32BE(-1, Field.recordCount)), ErrorCode.INVALID_RECORD],
    ['a control batch', () => batch(['a'], { isControl: true }), ErrorCode.INVALID_RECORD],
    ['a transaction without its id', () => batch(['a'], { isTransactional: true, producerId: 1, producerEpoch: 0, baseSequence: 0 }), ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED],
    ['a record of an hour ahead', () => batch(['a'], { timestampMs: T0 + 100 * 86_400_000 }), ErrorCode.INVALID_TIMESTAMP],
    ['a batch above max.message.bytes', () => batch(['x'.repeat(5000)]), ErrorCode.MESSAGE_TOO_LARGE],
  ])('refuses %s', async (_what, make, errorCode) => {
    const node = await startNode();
    await createTopic(node, 'events', 1, { configs: [{ name: 'max.message.bytes', value: '1000' }, { name: 'message.timestamp.after.max.ms', value: '3600000' }] });
    const answer = await produce(node, 'events', 0, make());
    expect(answer).toMatchObject({ errorCode, baseOffset: -1 });
    expect(await produce(node, 'events', 0, batch(['good']))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    await node.stop();
  });

  it('names the records that it refuses', async () => {
    const node = await startNode();
    await createTopic(node, 'keyed', 1, { configs: [{ name: 'cleanup.policy', value: 'compact' }] });
    const answer = await produce(node, 'keyed', 0, batch(['a', 'b']));
    expect(answer.errorCode).toBe(ErrorCode.INVALID_RECORD);
    expect(answer.recordErrors).toMatchObject([{ batchIndex: 0 }, { batchIndex: 1 }]);
    expect(answer.errorMessage).not.toBeNull();
    expect(await produce(node, 'keyed', 0, batch(['a'], { key: 'k' }))).toMatchObject({ errorCode: 0 });
    expect((await produce(node, 'keyed', 0, batch(['a']), 7)).errorCode).toBe(ErrorCode.INVALID_RECORD);
    await node.stop();
  });

  it('refuses zstd in versions whose clients could not read it', async () => {
    const node = await startNode();
    await createTopic(node, 'events');
    const small = batch(['a'], { codec: Codec.gzip });
    expect(await produce(node, 'events', 0, small, 6)).toMatchObject({ errorCode: 0 });
    expect(await produce(node, 'events', 0, batch(['a'], { codec: Codec.zstd }), 6)).toMatchObject({ errorCode: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE });
    expect(await produce(node, 'events', 0, batch(['a'], { codec: Codec.zstd }), 7)).toMatchObject({ errorCode: 0 });
    await node.stop();
  });

  it('refuses acks that do not exist', async () => {
    const node = await startNode();
    await createTopic(node, 'events');
    const { responses } = await call(node, Produce, 9, produceBody('events', 0, batch(['a']), { acks: 2 }));
    expect(responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: ErrorCode.INVALID_REQUIRED_ACKS, baseOffset: -1 });
    await node.stop();
  });

  it('answers nothing for acks=0, and closes the connection on an error', async () => {
    const node = await startNode();
    await createTopic(node, 'events');
    const good = send(node, Produce, 9, produceBody('events', 0, batch(['a']), { acks: 0 }));
    expect(good.outcome).toMatchObject({ none: true, closed: null });
    const bad = send(node, Produce, 9, produceBody('nowhere', 0, batch(['a']), { acks: 0 }));
    expect(bad.outcome.closed).toContain('UNKNOWN_TOPIC_OR_PARTITION');
    const corrupt = send(node, Produce, 9, produceBody('events', 0, changed(batch(['b']), (bytes) => void (bytes[bytes.length - 1]! ^= 1), false), { acks: 0 }));
    await settle();
    expect(corrupt.outcome.closed).toContain('CORRUPT_MESSAGE');
    expect(valuesIn((await fetchOne(node, 'events', 0, 0)).records)).toEqual(['a']);
    await node.stop();
  });

  it('leaves internal topics to the broker and to the admin client', async () => {
    const node = await startNode();
    await createTopic(node, '__consumer_offsets');
    expect(await produce(node, '__consumer_offsets', 0, batch(['a']))).toMatchObject({ errorCode: ErrorCode.INVALID_TOPIC_EXCEPTION });
    expect(await produce(node, '__consumer_offsets', 0, batch(['a']), 9, '__admin_client')).toMatchObject({ errorCode: 0 });
    await node.stop();
  });

  it('holds acks=all back while too few replicas are in sync, never acks=1', async () => {
    const node = await startNode({ settings: { 'min.insync.replicas': '2' } });
    await createTopic(node, 'events');
    // Two are wanted, but there is only one replica: one is enough, as in Kafka.
    expect(await produce(node, 'events', 0, batch(['a']))).toMatchObject({ errorCode: 0 });
    const partition = node.broker.services.partitions.find('events', 0)!;
    partition.update({ ...partition.image, replicas: [7, 8], inSyncReplicas: [7] });
    expect(await produce(node, 'events', 0, batch(['b']))).toMatchObject({ errorCode: ErrorCode.NOT_ENOUGH_REPLICAS, baseOffset: -1 });
    const leaderOnly = await call(node, Produce, 9, produceBody('events', 0, batch(['c']), { acks: 1 }));
    expect(leaderOnly.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: 1 });
    await node.stop();
  });

  it('sends clients to the leader when it is another node', async () => {
    const node = await startNode();
    await createTopic(node, 'events');
    const partition = node.broker.services.partitions.find('events', 0)!;
    partition.update({ ...partition.image, leader: 8, leaderEpoch: 4 });
    expect(await produce(node, 'events', 0, batch(['a']), 10)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader: { leaderId: 8, leaderEpoch: 4 } });
    expect(await produce(node, 'events', 0, batch(['a']), 9)).toMatchObject({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, currentLeader: { leaderId: -1 } });
    expect((await fetchOne(node, 'events', 0, 0)).errorCode).toBe(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    await node.stop();
  });

  it('answers acks only when fsync is done where the topic asks for it', async () => {
    const node = await startNode();
    await createTopic(node, 'events', 1, { configs: [{ name: 'flush.messages', value: '1' }] });
    const pending = send(node, Produce, 9, produceBody('events', 0, batch(['a'])));
    expect(pending.outcome.frame).toBeNull();
    await settle();
    expect(pending.response()!.responses[0]!.partitionResponses[0]).toMatchObject({ errorCode: 0, baseOffset: 0 });
    await node.stop();
  });

  it('says KAFKA_STORAGE_ERROR on a full disk and takes the same again when there is room', async () => {
    const node = await startNode();
    await createTopic(node, 'events');
    node.disk.fullAfterBytes(50);
    expect(await produce(node, 'events', 0, batch(['a']))).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    node.disk.fullAfterBytes(Infinity);
    expect(await produce(node, 'events', 0, batch(['a']))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    await node.stop();
  });

  it('takes the directory offline after an I/O error, and goes on answering', async () => {
    const node = await startNode();
    await createTopic(node, 'events');
    node.disk.failNextWrite('events-0');
    expect(await produce(node, 'events', 0, batch(['a']))).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    expect(await produce(node, 'events', 0, batch(['a']))).toMatchObject({ errorCode: ErrorCode.KAFKA_STORAGE_ERROR });
    expect((await fetchOne(node, 'events', 0, 0)).errorCode).toBe(ErrorCode.KAFKA_STORAGE_ERROR);
  });
});

describe('idempotent produce', () => {
  const idempotent = (values: string[], producerId: number, baseSequence: number, producerEpoch = 0): Buffer => batch(values, { producerId, producerEpoch, baseSequence });

  async function withProducer() {
    const node = await startNode();
    await createTopic(node, 'events');
    const { producerId, producerEpoch } = await call(node, InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000, producerId: -1, producerEpoch: -1, enable2Pc: false, keepPreparedTxn: false });
    expect(producerEpoch).toBe(0);
    return { node, producerId };
  }

  it('answers a duplicate with the first offset and writes nothing', async () => {
    const { node, producerId } = await withProducer();
    expect(await produce(node, 'events', 0, idempotent(['a', 'b'], producerId, 0))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await produce(node, 'events', 0, idempotent(['c'], producerId, 2))).toMatchObject({ errorCode: 0, baseOffset: 2 });
    expect(await produce(node, 'events', 0, idempotent(['a', 'b'], producerId, 0))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(valuesIn((await fetchOne(node, 'events', 0, 0)).records)).toEqual(['a', 'b', 'c']);
    await node.stop();
  });

  it('refuses gaps and old epochs', async () => {
    const { node, producerId } = await withProducer();
    expect(await produce(node, 'events', 0, idempotent(['a'], producerId, 0, 1))).toMatchObject({ errorCode: 0 });
    expect(await produce(node, 'events', 0, idempotent(['b'], producerId, 5, 1))).toMatchObject({ errorCode: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER });
    expect(await produce(node, 'events', 0, idempotent(['b'], producerId, 1, 0))).toMatchObject({ errorCode: ErrorCode.INVALID_PRODUCER_EPOCH });
    await node.stop();
  });

  it('knows its producers after a clean restart and after a kill', async () => {
    const { node, producerId } = await withProducer();
    await produce(node, 'events', 0, idempotent(['a'], producerId, 0));
    await node.stop();
    const second = await startNode({ disk: node.disk, ports: node.ports });
    expect(await produce(second, 'events', 0, idempotent(['a'], producerId, 0))).toMatchObject({ errorCode: 0, baseOffset: 0 });
    expect(await produce(second, 'events', 0, idempotent(['b'], producerId, 1))).toMatchObject({ errorCode: 0, baseOffset: 1 });
    await second.stop();
  });

  it('never gives a producer id twice, also not after a crash', async () => {
    const { node, producerId } = await withProducer();
    const again = await startNode({ disk: node.disk.crash(), ports: node.ports });
    const next = await call(again, InitProducerId, 4, { transactionalId: null, transactionTimeoutMs: 1000, producerId, producerEpoch: 0, enable2Pc: false, keepPreparedTxn: false });
    expect(next.errorCode).toBe(0);
    expect(next.producerId).toBeGreaterThan(producerId);
    await again.stop();
  });

  it('refuses half an identity', async () => {
    const { node } = await withProducer();
    const init = (transactionalId: string | null, producerId = -1, producerEpoch = -1) =>
      call(node, InitProducerId, 5, { transactionalId, transactionTimeoutMs: 1000, producerId, producerEpoch, enable2Pc: false, keepPreparedTxn: false });
    expect(await init('tx', -1, 5)).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, producerId: -1 });
    expect(await init('')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
    expect(await init(null, 5, -1)).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
    expect(await init(null, 2n ** 60n as unknown as number, 0)).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST });
    await node.stop();
  });
});

it('a request of a client that went away does no harm', async () => {
  const node = await startNode();
  const topicId = await createTopic(node, 'events', 1, { configs: [{ name: 'flush.messages', value: '1' }] });
  expect(topicId).not.toBe(zeroUuid);
  const connection = new TestConnection();
  send(node, Produce, 9, produceBody('events', 0, batch(['a'])), connection);
  connection.close();
  await settle();
  expect(valuesIn((await fetchOne(node, 'events', 0, 0)).records)).toEqual(['a']);
  await node.stop();
});
