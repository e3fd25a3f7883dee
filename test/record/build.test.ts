import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HEADER_BYTES, attributesOf, baseOffsetOf, baseSequenceOf, baseTimestampOf, headerDefect, isControl, isLogAppendTime, isTransactional, lastOffsetOf, lastSequenceOf, leaderEpochOf, magicOf, maxTimestampOf, nextBatch, producerEpochOf, producerIdOf, recordCountOf, sizeOf, tailOf } from '../../src/record/batchHeader.ts';
import { BatchBuilder, recordBytesMax } from '../../src/record/build.ts';
import { ControlType, buildEndTransactionMarker, controlTypeOf, coordinatorEpochOf } from '../../src/record/control.ts';
import { decodeBatch, forEachRecord } from '../../src/record/iterate.ts';

const bytes = fc.uint8Array({ maxLength: 300 });
const recordOf = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 20 }), value: fc.option(bytes) }), { maxLength: 4 }),
  timestampMs: fc.oneof(fc.constant(-1), fc.integer({ min: 0, max: 2 ** 52 - 1 }), fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 })),
});
const plain = (field: Uint8Array | null): number[] | null => (field === null ? null : [...field]);

describe('a built batch', () => {
  test('gives back every record, offset, timestamp and header', () => {
    fc.assert(
      fc.property(fc.array(recordOf, { maxLength: 20 }), fc.integer({ min: 0, max: 2 ** 53 - 2 ** 33 }), (records, baseOffset) => {
        const builder = new BatchBuilder(0);
        for (const record of records) {
          const before = builder.sizeBytes;
          const predicted = builder.bytesOf(record.key, record.value, record.headers, record.timestampMs);
          builder.append(record.key, record.value, record.headers, record.timestampMs);
          expect(builder.sizeBytes - before).toBe(predicted);
          expect(predicted).toBeLessThanOrEqual(recordBytesMax(record.key?.length ?? 0, record.value?.length ?? 0, record.headers));
        }
        const batch = builder.close({ baseOffset });
        expect(headerDefect(batch, 0)).toBe('');
        expect(nextBatch(batch, 0)).toBe(batch.length);
        const decoded = decodeBatch(batch);
        expect(decoded.map((record) => ({ key: plain(record.key), value: plain(record.value), timestampMs: record.timestampMs, headers: record.headers.map((header) => [header.key, plain(header.value)]) })))
          .toEqual(records.map((record) => ({ key: plain(record.key), value: plain(record.value), timestampMs: record.timestampMs, headers: record.headers.map((header) => [header.key, plain(header.value)]) })));
        expect(decoded.map((record) => record.offset)).toEqual(records.map((_, index) => baseOffset + index));
      }),
      { numRuns: 200 },
    );
  });

  test('carries its header fields', () => {
    const builder = new BatchBuilder();
    builder.append(Buffer.from('k'), null, null, 7);
    builder.append(null, Buffer.from('v'), null, 9);
    const batch = builder.close({ baseOffset: 2 ** 40, leaderEpoch: 3, producerId: 2 ** 33 + 1, producerEpoch: 4, baseSequence: 0x7fffffff, isTransactional: true, logAppendTimeMs: 11 });
    expect(sizeOf(batch, 0)).toBe(batch.length);
    expect([magicOf(batch, 0), leaderEpochOf(batch, 0), producerIdOf(batch, 0), producerEpochOf(batch, 0), baseSequenceOf(batch, 0), recordCountOf(batch, 0)]).toEqual([2, 3, 2 ** 33 + 1, 4, 0x7fffffff, 2]);
    expect([baseOffsetOf(batch, 0), lastOffsetOf(batch, 0), lastSequenceOf(batch, 0)]).toEqual([2 ** 40, 2 ** 40 + 1, 0]);
    expect([baseTimestampOf(batch, 0), maxTimestampOf(batch, 0)]).toEqual([7, 11]);
    const attributes = attributesOf(batch, 0);
    expect([isTransactional(attributes), isControl(attributes), isLogAppendTime(attributes)]).toEqual([true, false, true]);
    expect(decodeBatch(batch).map((record) => record.timestampMs)).toEqual([11, 11]);
  });

  test('is independent of the next one from the same builder', () => {
    const builder = new BatchBuilder();
    builder.append(null, Buffer.from('first'), null, 1);
    const first = builder.close();
    const copy = Buffer.from(first);
    builder.append(null, Buffer.from('second'), null, 2);
    builder.close();
    expect(first.equals(copy)).toBe(true);
    expect(builder.recordCount).toBe(0);
    expect(builder.sizeBytes).toBe(HEADER_BYTES);
  });

  test('refuses timestamps that it could not give back', () => {
    const builder = new BatchBuilder();
    for (const timestampMs of [-2, 2 ** 52, 1.5, Number.NaN]) expect(() => builder.append(null, null, null, timestampMs)).toThrow(RangeError);
  });

  test('stops a visitor that has seen enough', () => {
    const builder = new BatchBuilder();
    for (let index = 0; index < 5; index += 1) builder.append(null, Buffer.from('v'), null, index);
    const offsets: number[] = [];
    expect(forEachRecord(builder.close(), 0, null, (offset) => offsets.push(offset) < 2)).toBe(false);
    expect(offsets).toEqual([0, 1]);
  });
});

describe('walking batches', () => {
  const one = (count: number): Buffer => {
    const builder = new BatchBuilder();
    for (let index = 0; index < count; index += 1) builder.append(null, Buffer.from(`value ${index}`), null, index);
    return builder.close();
  };

  test('visits whole batches and ends before a torn one', () => {
    const whole = Buffer.concat([one(1), one(2), one(3)]);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const torn = whole.subarray(0, cut);
      let at = 0;
      let seen = 0;
      for (let next = nextBatch(torn, 0); next !== -1; at = next, next = nextBatch(torn, at)) seen += 1;
      expect(seen).toBe([one(1).length, one(1).length + one(2).length, whole.length].filter((end) => end <= cut).length);
      expect(tailOf(torn, at)).toBe(at === cut ? 'end' : 'torn');
    }
  });

  test('ends at a length that no batch has', () => {
    for (const length of [-1, 0, 48, -0x80000000]) {
      const batch = one(1);
      batch.writeInt32BE(length, 8);
      expect(nextBatch(batch, 0)).toBe(-1);
      expect(tailOf(batch, 0)).toBe('corrupt');
    }
  });
});

describe('control batches', () => {
  test('carry the end of a transaction', () => {
    const batch = buildEndTransactionMarker({ type: ControlType.commit, producerId: 5, producerEpoch: 6, coordinatorEpoch: 7, timestampMs: 8 });
    const attributes = attributesOf(batch, 0);
    expect([isControl(attributes), isTransactional(attributes), producerIdOf(batch, 0), producerEpochOf(batch, 0), baseSequenceOf(batch, 0)]).toEqual([true, true, 5, 6, -1]);
    const [record] = decodeBatch(batch);
    expect(controlTypeOf(record!.key)).toBe(ControlType.commit);
    expect(coordinatorEpochOf(record!.value)).toBe(7);
  });

  test('refuse keys and values that are too short', () => {
    expect(() => controlTypeOf(null)).toThrow('too short');
    expect(() => controlTypeOf(Buffer.alloc(3))).toThrow('too short');
    expect(() => coordinatorEpochOf(Buffer.alloc(5))).toThrow('too short');
  });
});
