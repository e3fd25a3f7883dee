/** Batches that lie: about their CRC, their length, their records, or what they inflate to. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeListOffsetsRequest } from '../../src/protocol/generated/listOffsets.ts';
import { Codec, Field, HEADER_BYTES, LOG_OVERHEAD_BYTES } from '../../src/record/batchHeader.ts';
import { compress } from '../../src/record/codecs.ts';
import { ListOffsets, Produce } from '../broker/support/apis.ts';
import { gzipBomb, lz4Bomb, snappyBlock, xerial, zstdBomb } from '../support/bombs.ts';
import { Arena, createTopic } from './support/arena.ts';
import { batchAround, changedBatch, goodBatch, varint } from './support/batches.ts';
import { produce, produceRequest } from './support/producing.ts';

const MEBIBYTE = 2 ** 20;

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.open();
  const client = await arena.connect();
  await createTopic(client, 'target', { 'max.message.bytes': String(4 * MEBIBYTE) });
  await createTopic(client, 'compact', { 'cleanup.policy': 'compact' });
  await createTopic(client, 'small', { 'max.message.bytes': '1000' });
});
afterAll(() => arena.close());

/** No record of any attack may be in the log. */
async function endOffset(topic: string): Promise<number> {
  const client = await arena.connect();
  const asked = makeListOffsetsRequest({ replicaId: -1, topics: [{ name: topic, partitions: [{ partitionIndex: 0, currentLeaderEpoch: -1, timestamp: -1, maxNumOffsets: 1 }] }] });
  return (await client.call(ListOffsets, 6, asked)).topics[0]!.partitions[0]!.offset as number;
}

const {
  CORRUPT_MESSAGE, INVALID_RECORD, INVALID_REQUIRED_ACKS, INVALID_TIMESTAMP, MESSAGE_TOO_LARGE, NONE, TRANSACTIONAL_ID_AUTHORIZATION_FAILED,
  UNKNOWN_TOPIC_OR_PARTITION, UNSUPPORTED_COMPRESSION_TYPE,
} = ErrorCode;

/** One record: its body is `fields`, its length what `length` says or, absent, the truth. */
function record(fields: readonly Buffer[], length?: number): Buffer {
  const body = Buffer.concat(fields);
  return Buffer.concat([varint(length ?? body.length), body]);
}

const attributes = Buffer.of(0);
/** Timestamp delta 0, offset delta 0. */
const head = [attributes, varint(0), varint(0)];
const none = varint(-1);
const overlong = Buffer.from([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01]);

const plain = (section: Buffer, count = 1): Buffer => batchAround(section, Codec.none, count);

const header = (change: (batch: Buffer) => void): Buffer => changedBatch(change);

describe('a batch whose header lies', () => {
  test.each<[string, () => Buffer | null, number]>([
    ['null', () => null, INVALID_RECORD],
    ['no bytes', () => Buffer.alloc(0), INVALID_RECORD],
    ['one byte', () => Buffer.alloc(1), CORRUPT_MESSAGE],
    ['half a header', () => goodBatch(['x']).subarray(0, 40), INVALID_RECORD],
    ['a wrong CRC', () => { const batch = goodBatch(['x']); batch.writeUInt32BE(1, Field.crc); return batch; }, CORRUPT_MESSAGE],
    ['a flipped bit in a record', () => { const batch = goodBatch(['x'.repeat(100)]); batch[HEADER_BYTES + 50]! ^= 1; return batch; }, CORRUPT_MESSAGE],
    ['a length below the header', () => header((batch) => batch.writeInt32BE(10, Field.length)), CORRUPT_MESSAGE],
    ['a negative length', () => header((batch) => batch.writeInt32BE(-1, Field.length)), CORRUPT_MESSAGE],
    ['a length of 2 GiB', () => header((batch) => batch.writeInt32BE(2 ** 31 - 1, Field.length)), INVALID_RECORD],
    ['a length one short', () => header((batch) => batch.writeInt32BE(batch.length - LOG_OVERHEAD_BYTES - 1, Field.length)), INVALID_RECORD],
    ['trailing bytes', () => Buffer.concat([goodBatch(['x']), Buffer.alloc(7)]), INVALID_RECORD],
    ['a second batch', () => Buffer.concat([goodBatch(['x']), goodBatch(['y'])]), INVALID_RECORD],
    ['magic 0', () => header((batch) => (batch[Field.magic] = 0)), INVALID_RECORD],
    ['magic 3', () => header((batch) => (batch[Field.magic] = 3)), INVALID_RECORD],
    ['magic -1', () => header((batch) => (batch[Field.magic] = 255)), INVALID_RECORD],
    ['no records', () => header((batch) => { batch.writeInt32BE(0, Field.recordCount); batch.writeInt32BE(-1, Field.lastOffsetDelta); }), INVALID_RECORD],
    ['a record too many', () => header((batch) => batch.writeInt32BE(4, Field.recordCount)), INVALID_RECORD],
    ['a record too few', () => header((batch) => batch.writeInt32BE(2, Field.recordCount)), INVALID_RECORD],
    ['a record too many, with its offset', () => header((batch) => { batch.writeInt32BE(4, Field.recordCount); batch.writeInt32BE(3, Field.lastOffsetDelta); }), INVALID_RECORD],
    ['a record too few, with its offset', () => header((batch) => { batch.writeInt32BE(2, Field.recordCount); batch.writeInt32BE(1, Field.lastOffsetDelta); }), INVALID_RECORD],
    ['two billion records', () => header((batch) => { batch.writeInt32BE(2 ** 31 - 1, Field.recordCount); batch.writeInt32BE(2 ** 31 - 2, Field.lastOffsetDelta); }), INVALID_RECORD],
    ['a negative count', () => header((batch) => batch.writeInt32BE(-5, Field.recordCount)), INVALID_RECORD],
    ['a negative last offset', () => header((batch) => batch.writeInt32BE(-7, Field.lastOffsetDelta)), INVALID_RECORD],
    ['a last offset far off', () => header((batch) => batch.writeInt32BE(2 ** 31 - 1, Field.lastOffsetDelta)), INVALID_RECORD],
    ['a base offset of its own', () => header((batch) => batch.writeBigInt64BE(5n, Field.baseOffset)), INVALID_RECORD],
    ['a control batch', () => header((batch) => batch.writeInt16BE(0x20, Field.attributes)), INVALID_RECORD],
    ['a transactional batch', () => header((batch) => batch.writeInt16BE(0x10, Field.attributes)), TRANSACTIONAL_ID_AUTHORIZATION_FAILED],
    ['an unknown codec', () => header((batch) => batch.writeInt16BE(7, Field.attributes)), UNSUPPORTED_COMPRESSION_TYPE],
    ['a timestamp in the year 30,000', () => header((batch) => batch.writeBigInt64BE(884_541_351_600_000n, Field.baseTimestamp)), INVALID_TIMESTAMP],
  ])('%s', async (_name, make, expected) => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const { errorCode } = await produce(client, 'target', make());
      expect(errorCode).toBe(expected);
      // The connection is as good as before.
      expect((await produce(client, 'calm', goodBatch(['after']))).errorCode).toBe(NONE);
    });
    expect(await endOffset('target')).toBe(0);
  });
});

describe('a record that lies', () => {
  test.each<[string, () => Buffer]>([
    ['a length of two billion', () => plain(record([...head, none, none, varint(0)], 2 ** 31 - 1))],
    ['a negative length', () => plain(record([...head, none, none, varint(0)], -2))],
    ['a length of zero', () => plain(record([...head, none, none, varint(0)], 0))],
    ['a length one short', () => plain(record([...head, none, none, varint(0)], 5))],
    ['a length one long', () => plain(record([...head, none, none, varint(0)], 7))],
    ['an endless varint for a length', () => plain(Buffer.concat([overlong, Buffer.alloc(20)]))],
    ['a key longer than its record', () => plain(record([...head, varint(1_000_000), none, varint(0)]))],
    ['a key of length -2', () => plain(record([...head, varint(-2), none, varint(0)]))],
    ['a value longer than its record', () => plain(record([...head, none, varint(2 ** 31 - 1), varint(0)]))],
    ['two billion headers', () => plain(record([...head, none, none, varint(2 ** 31 - 1)]))],
    ['a negative count of headers', () => plain(record([...head, none, none, varint(-1)]))],
    ['a header key longer than its record', () => plain(record([...head, none, none, varint(1), varint(500), none]))],
    ['a header without a key', () => plain(record([...head, none, none, varint(1), none, none]))],
    ['a header value longer than its record', () => plain(record([...head, none, none, varint(1), varint(0), varint(2 ** 31 - 1)]))],
    ['an endless varint for a timestamp', () => plain(record([attributes, overlong, varint(0), none, none, varint(0)]))],
    ['an offset of its own', () => plain(record([attributes, varint(0), varint(9), none, none, varint(0)]))],
    ['a negative offset', () => plain(record([attributes, varint(0), varint(-1), none, none, varint(0)]))],
    ['bytes behind the last record', () => plain(Buffer.concat([record([...head, none, none, varint(0)]), Buffer.alloc(3)]))],
  ])('%s', async (_name, make) => {
    await arena.attack(async () => {
      const client = await arena.connect();
      expect((await produce(client, 'target', make())).errorCode).toBe(INVALID_RECORD);
      // The same, where only a thread sees it.
      for (const codec of [Codec.gzip, Codec.snappy, Codec.lz4, Codec.zstd]) {
        const compressed = batchAround(compress(codec, make().subarray(HEADER_BYTES)), codec, 1);
        expect((await produce(client, 'target', compressed)).errorCode).toBe(INVALID_RECORD);
      }
    });
    expect(await endOffset('target')).toBe(0);
  });

  test('without a key, for a compacted topic', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      for (const codec of [Codec.none, Codec.gzip]) expect((await produce(client, 'compact', goodBatch(['x'], codec))).errorCode).toBe(INVALID_RECORD);
    });
    expect(await endOffset('compact')).toBe(0);
  });

  test('larger than max.message.bytes', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      expect((await produce(client, 'small', goodBatch(['x'.repeat(1000)]))).errorCode).toBe(MESSAGE_TOO_LARGE);
    });
    expect(await endOffset('small')).toBe(0);
  });
});

describe('compression that lies', () => {
  const garbage = Buffer.from('not what any of the codecs writes, and long enough to be looked at by all of them');
  test.each([['gzip', Codec.gzip], ['snappy', Codec.snappy], ['lz4', Codec.lz4], ['zstd', Codec.zstd]])('%s around garbage, cut, and empty', async (_name, codec) => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const good = compress(codec, goodBatch(['x'.repeat(20_000)]).subarray(HEADER_BYTES));
      for (const section of [garbage, Buffer.concat([garbage, Buffer.alloc(8000, 0xa5)]), good.subarray(0, good.length >> 1), Buffer.alloc(0)]) {
        const { errorCode } = await produce(client, 'target', batchAround(section, codec, 1));
        expect([CORRUPT_MESSAGE, INVALID_RECORD]).toContain(errorCode);
      }
    });
    expect(await endOffset('target')).toBe(0);
  });

  const bombs: readonly [string, Codec, () => Buffer][] = [
    ['gzip', Codec.gzip, () => gzipBomb(64)],
    ['snappy', Codec.snappy, () => xerial(80, snappyBlock(MEBIBYTE))],
    ['snappy in one block', Codec.snappy, () => snappyBlock(80 * MEBIBYTE)],
    ['snappy that claims 4 GiB', Codec.snappy, () => Buffer.concat([Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]), Buffer.alloc(50_000, 0xfe)])],
    ['lz4', Codec.lz4, () => lz4Bomb(240, false)],
    ['lz4 with its size', Codec.lz4, () => lz4Bomb(240, true)],
    ['zstd', Codec.zstd, () => zstdBomb(1, 65_536)],
    ['zstd in many frames', Codec.zstd, () => zstdBomb(65_536, 1)],
  ];
  test.each(bombs)('%s bomb', async (_name, codec, make) => {
    const batch = batchAround(make(), codec, 1);
    await arena.attack(async () => {
      const clients = await Promise.all(Array.from({ length: 4 }, () => arena.connect()));
      const answers = await Promise.all(clients.map((client) => produce(client, 'target', batch)));
      for (const { errorCode } of answers) expect([MESSAGE_TOO_LARGE, CORRUPT_MESSAGE, INVALID_RECORD]).toContain(errorCode);
    }, { growthMibMax: 320, acksDuringMin: 1 });
    expect(await endOffset('target')).toBe(0);
  });
});

describe('a produce to nowhere', () => {
  test('is refused, partition by partition', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      for (const [topic, index] of [['nowhere', 0], ['calm', 1], ['calm', -1], ['calm', 2 ** 31 - 1], ['../calm', 0], ['', 0]] as const) {
        expect((await produce(client, topic, goodBatch(['x']), 1, index)).errorCode).toBe(UNKNOWN_TOPIC_OR_PARTITION);
      }
      for (const acks of [2, -2, 32_767]) expect((await produce(client, 'target', goodBatch(['x']), acks)).errorCode).toBe(INVALID_REQUIRED_ACKS);
      expect((await client.call(Produce, 13, { ...produceRequest('', goodBatch(['x'])), topicData: [{ name: '', topicId: 'bm8gc3VjaCB0b3BpYyEhIQ', partitionData: [{ index: 0, records: goodBatch(['x']) }] }] })).responses[0]!.partitionResponses[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
    });
  });

  test('with zstd in a version before it is refused', async () => {
    await arena.attack(async () => {
      const client = await arena.connect();
      const response = await client.call(Produce, 6, produceRequest('target', goodBatch(['x'], Codec.zstd)));
      expect(response.responses[0]!.partitionResponses[0]!.errorCode).toBe(UNSUPPORTED_COMPRESSION_TYPE);
    });
  });

  test('with acks=0 ends the connection for each kind of error, and no other one', async () => {
    const wrongCrc = goodBatch(['x']);
    wrongCrc.writeUInt32BE(1, Field.crc);
    const late = batchAround(gzipBomb(1), Codec.gzip, 1);
    await arena.attack(async () => {
      for (const [topic, batch] of [['nowhere', goodBatch(['x'])], ['target', wrongCrc], ['target', late], ['small', goodBatch(['x'.repeat(1000)])]] as const) {
        const client = await arena.connect();
        client.send(Produce, 9, produceRequest(topic, batch, 0));
        await client.closed;
        expect(client.receivedBytes).toBe(0);
      }
      const client = await arena.connect();
      client.send(Produce, 9, produceRequest('calm', goodBatch(['good']), 0));
      expect((await produce(client, 'calm', goodBatch(['after']))).errorCode).toBe(NONE);
    });
    expect(await endOffset('target')).toBe(0);
  });
});
