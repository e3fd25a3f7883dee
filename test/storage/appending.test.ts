import { describe, expect, it } from 'vitest';
import { Codec, Field } from '../../src/record/batchHeader.ts';
import { renewCrc } from '../../src/record/build.ts';
import { DEFECTS_MAX } from '../../src/record/defects.ts';
import type { Log, TopicConfigView } from '../../src/storage/index.ts';
import { append, batchOf, COORDINATOR, readAll, refusal, REPLICA, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

async function withLog(changes: Partial<TopicConfigView>, use: (log: Log, now: number) => Promise<void>): Promise<void> {
  const { store, ports } = await startStore();
  await use(await store.open('t', 0, TOPIC_ID, topicConfig(changes)), ports.clock.now());
  await store.close();
}

/** The kind of refusal that a batch meets after `change`; the CRC is made right again. */
async function kindAfter(log: Log, change: (batch: Buffer) => void, batch = batchOf(['a', 'b'])): Promise<string> {
  change(batch);
  renewCrc(batch);
  return (await refusal(append(log, batch))).kind;
}

describe('a client batch', () => {
  it('is refused when its header lies', () =>
    withLog({}, async (log) => {
      expect(await kindAfter(log, (batch) => batch.writeInt8(1, Field.magic))).toBe('unsupportedMagic');
      expect(await kindAfter(log, (batch) => batch.writeInt32BE(7, 4))).toBe('invalidRecord');
      expect(await kindAfter(log, (batch) => batch.writeInt32BE(3, Field.recordCount))).toBe('invalidRecord');
      expect(await kindAfter(log, (batch) => batch.writeInt32BE(0, Field.recordCount))).toBe('invalidRecord');
      expect(await kindAfter(log, (batch) => batch.writeInt32BE(-1, Field.lastOffsetDelta))).toBe('invalidRecord');
      expect(await kindAfter(log, (batch) => batch.writeInt16BE(0x20, Field.attributes))).toBe('invalidRecord');
      expect(await kindAfter(log, (batch) => batch.writeInt16BE(0x10, Field.attributes))).toBe('invalidRecord');
      expect(await kindAfter(log, (batch) => batch.writeInt16BE(0x08, Field.attributes))).toBe('invalidTimestamp');
      expect(await kindAfter(log, (batch) => batch.writeInt16BE(0x05, Field.attributes))).toBe('unsupportedCompression');
      expect(await kindAfter(log, (batch) => batch.writeInt32BE(batch.length, Field.length))).toBe('corrupt');
      expect(await kindAfter(log, (batch) => batch.writeInt32BE(10, Field.length))).toBe('corrupt');
      expect(await kindAfter(log, (batch) => batch.writeInt32BE(-5, Field.length))).toBe('corrupt');
      expect(await kindAfter(log, () => {}, batchOf(['x'], { producerId: 3, producerEpoch: 0, baseSequence: -1 }))).toBe('invalidRecord');
      expect(await kindAfter(log, () => {}, batchOf(['x'], { producerId: 3, producerEpoch: -1, baseSequence: 0 }))).toBe('invalidRecord');
      expect(log.logEndOffset).toBe(0);
      expect((await append(log, batchOf(['good']))).firstOffset).toBe(0);
    }));

  it('is refused when its bytes are damaged, cut or several', () =>
    withLog({}, async (log) => {
      const flipped = batchOf(['abc']);
      flipped[flipped.length - 2]! ^= 4;
      expect((await refusal(append(log, flipped))).kind).toBe('corrupt');
      for (const length of [0, 5, 20, 40, 62]) expect((await refusal(append(log, batchOf(['abc']).subarray(0, length)))).kind).toBe('corrupt');
      expect((await refusal(append(log, Buffer.concat([batchOf(['a']), batchOf(['b'])])))).kind).toBe('invalidRecord');
      const wrongRecord = batchOf(['abc', 'def']);
      wrongRecord[61] = 0x7f;
      renewCrc(wrongRecord);
      expect(await refusal(append(log, wrongRecord))).toMatchObject({ kind: 'invalidRecord', badRecordIndex: 0 });
    }));

  it('is held to size limits', () =>
    withLog({ maxMessageBytes: 300, segmentBytes: 250 }, async (log) => {
      expect((await refusal(append(log, batchOf(['x'.repeat(400)])))).kind).toBe('batchTooLarge');
      expect((await refusal(append(log, batchOf(['x'.repeat(210)])))).kind).toBe('segmentTooSmall');
      expect((await refusal(append(log, batchOf(['x'.repeat(400)], { codec: Codec.gzip })).then(() => append(log, batchOf(['y'.repeat(230)], { codec: Codec.none }))))).kind).toBe('segmentTooSmall');
    }));

  it('is held to timestamp bounds, but for records without a timestamp', () =>
    withLog({ messageTimestampBeforeMaxMs: 1000, messageTimestampAfterMaxMs: 500 }, async (log, now) => {
      expect(await refusal(append(log, batchOf(['a', 'b'], { timestamps: [now, now - 1001] })))).toMatchObject({ kind: 'invalidTimestamp', badRecordIndex: 1 });
      expect(await refusal(append(log, batchOf(['a'], { timestamps: [now + 501] })))).toMatchObject({ kind: 'invalidTimestamp', badRecordIndex: 0 });
      expect(await refusal(append(log, batchOf(['a'], { timestamps: [now + 501], codec: Codec.gzip })))).toMatchObject({ kind: 'invalidTimestamp', badRecordIndex: 0 });
      await append(log, batchOf(['a', 'b'], { timestamps: [now - 1000, now + 500] }));
      await append(log, batchOf(['c'], { timestamps: [-1] }));
      expect(log.logEndOffset).toBe(3);
    }));

  it('of a compacted topic needs keys, compressed or not', () =>
    withLog({ cleanupPolicy: { delete: false, compact: true }, batchValidation: 'header' }, async (log) => {
      expect(await refusal(append(log, batchOf(['a', 'b'], { keys: ['k', null] })))).toMatchObject({ kind: 'invalidRecord', badRecordIndex: 1 });
      expect(await refusal(append(log, batchOf(['a'], { codec: Codec.lz4 })))).toMatchObject({ kind: 'invalidRecord', badRecordIndex: 0 });
      await append(log, batchOf(['a'], { keys: ['k'], codec: Codec.snappy }));
      expect(log.logEndOffset).toBe(1);
    }));

  it('names each record that a compacted topic or the bounds of timestamps refuse, up to a bound', () =>
    withLog({ cleanupPolicy: { delete: false, compact: true }, batchValidation: 'full', messageTimestampAfterMaxMs: 1000 }, async (log, now) => {
      const keys = ['k', null, 'k', null, 'k'];
      const timestamps = [now, now, now, now, now + 5000];
      for (const codec of [Codec.none, Codec.gzip]) {
        expect((await refusal(append(log, batchOf(['a', 'b', 'c', 'd', 'e'], { keys, timestamps, codec })))).badRecordIndexes).toEqual([1, 3, 4]);
        const many = batchOf(Array.from({ length: DEFECTS_MAX + 5 }, () => ''), { codec });
        expect(await refusal(append(log, many))).toMatchObject({ kind: 'invalidRecord', badRecordIndexes: { length: DEFECTS_MAX } });
      }
      expect(await refusal(append(log, batchOf(['a'], { keys, timestamps: [now + 5000] })))).toMatchObject({ kind: 'invalidTimestamp', badRecordIndexes: [0] });
    }));

  it('keeps its place in the order while another one is inflated', () =>
    withLog({}, async (log) => {
      const order: string[] = [];
      const appended = ['a', 'b', 'c', 'd'].map((value, index) =>
        append(log, batchOf([value], index % 2 === 0 ? { codec: Codec.zstd } : {})).then((info) => order.push(`${value}${info.firstOffset}`)));
      await Promise.all(appended);
      expect(order).toEqual(['a0', 'b1', 'c2', 'd3']);
      expect(readAll(log).map((record) => record.value)).toEqual(['a', 'b', 'c', 'd']);
    }));

  it('may be appended from within the answer to another one', () =>
    withLog({}, async (log) => {
      const second = await new Promise((resolve, reject) => {
        log.append(batchOf(['a']), { leaderEpoch: 0, origin: 'client' }, () => append(log, batchOf(['b'])).then(resolve, reject));
      });
      expect(second).toMatchObject({ firstOffset: 1 });
    }));

  it.each([['gzip', 1], ['snappy', 2], ['lz4', 3], ['zstd', 4], ['uncompressed', 0]] as const)('is recompressed to %s where the topic says so', (compressionType, codec) =>
    withLog({ compressionType }, async (log) => {
      for (const from of [Codec.none, Codec.gzip, Codec.lz4]) await append(log, batchOf(['same '.repeat(20), 'other'], { codec: from, producerId: 9, producerEpoch: 1, baseSequence: log.logEndOffset }));
      const { bytes } = log.read(0, 10_000, log.logEndOffset, true);
      for (let at = 0; at < bytes.length; at += bytes.readInt32BE(at + 8) + 12) expect(bytes.readInt16BE(at + Field.attributes) & 7).toBe(codec);
      expect(readAll(log).map((record) => record.value)).toEqual(['same '.repeat(20), 'other', 'same '.repeat(20), 'other', 'same '.repeat(20), 'other']);
      expect(log.producers()).toMatchObject([{ producerId: 9, epoch: 1, lastSequence: 5 }]);
    }));

  it('gets the time of the broker under LogAppendTime', () =>
    withLog({ messageTimestampType: 'LogAppendTime' }, async (log, now) => {
      for (const codec of [Codec.none, Codec.gzip]) expect((await append(log, batchOf(['a', 'b'], { codec, timestamps: [5, 6] }))).logAppendTimeMs).toBe(now);
      expect(readAll(log).map((record) => record.timestampMs)).toEqual([now, now, now, now]);
    }));

  it('has a wrong max timestamp put right', () =>
    withLog({}, async (log) => {
      for (const codec of [Codec.none, Codec.gzip]) {
        const batch = batchOf(['a', 'b'], { codec, timestamps: [1000, 500] });
        batch.writeInt32BE(0x100, Field.maxTimestamp);
        renewCrc(batch);
        await append(log, batch);
      }
      const { bytes } = log.read(0, 10_000, log.logEndOffset, true);
      for (let at = 0; at < bytes.length; at += bytes.readInt32BE(at + 8) + 12) expect(Number(bytes.readBigInt64BE(at + Field.maxTimestamp))).toBe(1000);
    }));

  it('of an old leader epoch is refused', () =>
    withLog({}, async (log) => {
      await append(log, batchOf(['a']), { leaderEpoch: 4, origin: 'client' });
      expect((await refusal(append(log, batchOf(['b']), { leaderEpoch: 3, origin: 'client' }))).kind).toBe('fencedLeaderEpoch');
    }));
});

describe('a coordinator', () => {
  it('may write control batches', () =>
    withLog({}, async (log) => {
      const control = batchOf(['x'], { isControl: true, isTransactional: false, keys: ['\0\0\0\u0002'] });
      expect((await append(log, control, COORDINATOR)).firstOffset).toBe(0);
    }));
});

describe('a replica', () => {
  it('keeps offsets and epochs of several batches', () =>
    withLog({ segmentBytes: 10_000 }, async (log) => {
      const bytes = Buffer.concat([batchOf(['a', 'b'], { baseOffset: 10, leaderEpoch: 2 }), batchOf(['c'], { baseOffset: 15, leaderEpoch: 3 })]);
      await append(log, bytes, REPLICA);
      expect(log.logEndOffset).toBe(16);
      expect(readAll(log).map((record) => record.offset)).toEqual([10, 11, 15]);
      expect(log.latestEpoch).toBe(3);
      expect(log.epochForOffset(11)).toBe(2);
      expect((await refusal(append(log, batchOf(['z'], { baseOffset: 15 }), REPLICA))).kind).toBe('invalidRecord');
      expect((await refusal(append(log, batchOf(['long enough'], { baseOffset: 20 }).subarray(0, 70), REPLICA))).kind).toBe('corrupt');
    }));

  it('begins a new segment where relative offsets would overflow', () =>
    withLog({}, async (log) => {
      await append(log, batchOf(['a'], { baseOffset: 0 }), REPLICA);
      await append(log, batchOf(['b'], { baseOffset: 2 ** 32 }), REPLICA);
      expect(log.segmentCount).toBe(2);
      expect(readAll(log).map((record) => record.offset)).toEqual([0, 2 ** 32]);
    }));
});

describe('a change of settings', () => {
  it('holds for the next append, also where the segment was made for less', () =>
    withLog({ segmentBytes: 300, maxMessageBytes: 100_000 }, async (log) => {
      expect((await refusal(append(log, batchOf(['x'.repeat(1000)])))).kind).toBe('segmentTooSmall');
      log.updateConfig(topicConfig({ segmentBytes: 5000 }));
      await append(log, batchOf(['x'.repeat(1000)]));
      await append(log, batchOf(['y'.repeat(1000)]));
      expect(log.segmentCount).toBe(1);
      log.updateConfig(topicConfig({ segmentBytes: 20_000 }));
      for (let index = 0; index < 10; index += 1) await append(log, batchOf(['z'.repeat(1000)]));
      expect(log.segmentCount).toBe(2);
      expect(readAll(log)).toHaveLength(12);
    }));
});

describe('a replica with small segments', () => {
  it('splits what it gets', () =>
    withLog({ segmentBytes: 300 }, async (log) => {
      const batches = Array.from({ length: 10 }, (_, index) => batchOf(['x'.repeat(50)], { baseOffset: index, leaderEpoch: 0 }));
      const info = await append(log, Buffer.concat(batches), REPLICA);
      expect(info).toMatchObject({ firstOffset: 0, lastOffset: 9 });
      expect(log.segmentCount).toBe(5);
      expect(readAll(log)).toHaveLength(10);
      expect((await refusal(append(log, Buffer.concat([batchOf(['a'], { baseOffset: 10 }), batchOf(['x'.repeat(400)], { baseOffset: 11 })]), REPLICA))).kind).toBe('segmentTooSmall');
      expect(log.logEndOffset).toBe(11);
    }));
});

describe('a batch that this process has built', () => {
  const built = (minTimestampMs: number) => ({ leaderEpoch: 0, origin: 'client' as const, builtMinTimestampMs: minTimestampMs });
  const withWrongCrc = (timestamps: readonly number[]): Buffer => {
    const batch = batchOf(timestamps.map(String), { timestamps });
    batch.writeUInt32BE(1, Field.crc);
    return batch;
  };

  it('is not checked again', () =>
    withLog({}, async (log, now) => {
      expect(await append(log, withWrongCrc([now, now + 1]), built(now))).toMatchObject({ firstOffset: 0, lastOffset: 1 });
      expect(await append(log, batchOf(['next']))).toMatchObject({ firstOffset: 2 });
    }));

  it('is checked all the same where its timestamps or missing keys may be refused', async () => {
    const bounds = { messageTimestampBeforeMaxMs: 1000, messageTimestampAfterMaxMs: 1000 };
    await withLog(bounds, async (log, now) => {
      for (const other of [now - 1001, now + 1001]) {
        const batch = batchOf(['a', 'b'], { timestamps: [now, other] });
        expect((await refusal(append(log, batch, built(Math.min(now, other))))).kind).toBe('invalidTimestamp');
        expect((await refusal(append(log, withWrongCrc([now, other]), built(Math.min(now, other))))).kind).toBe('corrupt');
      }
      expect(await append(log, withWrongCrc([now - 1000, now + 1000]), built(now - 1000))).toMatchObject({ firstOffset: 0 });
    });
    await withLog({ cleanupPolicy: { compact: true, delete: false } }, async (log, now) => {
      expect((await refusal(append(log, batchOf(['no key'], { timestamps: [now] }), built(now)))).kind).toBe('invalidRecord');
    });
  });
});
