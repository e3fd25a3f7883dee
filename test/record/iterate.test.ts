import { describe, expect, test } from 'vitest';
import { Codec, HEADER_BYTES } from '../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { RecordCursor, decodeBatch, forEachRecord } from '../../src/record/iterate.ts';
import { RecordError } from '../../src/record/recordError.ts';

const header = (count: number, baseOffset = 0, lastOffsetDelta = Math.max(count - 1, 0)): Buffer => {
  const builder = new BatchBuilder();
  const batch = builder.close({ baseOffset, lastOffsetDelta, codec: Codec.none });
  batch.writeInt32BE(count, 57);
  return batch;
};

/** A batch of the given record bytes. */
function batchOf(records: readonly (readonly number[])[], count = records.length, lastOffsetDelta?: number): Buffer {
  const batch = Buffer.concat([header(count, 0, lastOffsetDelta), Buffer.from(records.flat())]);
  batch.writeInt32BE(batch.length - 12, 8);
  return batch;
}

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof RecordError) return `${error.code} ${error.recordIndex}`;
    throw error;
  }
  return 'none';
};

// length 6, attributes, timestamp delta 0, offset delta 0, key null, value null, no headers
const least = [12, 0, 0, 0, 1, 1, 0];

describe('a record', () => {
  test('may be as small as seven bytes', () => {
    expect(decodeBatch(batchOf([least]))).toEqual([{ offset: 0, timestampMs: -1, key: null, value: null, headers: [] }]);
  });

  test('may spell its varints longer than it needs to', () => {
    const batch = batchOf([[0x98, 0x80, 0x00, 0, 0, 0, 0x81, 0x80, 0, 0x81, 0x00, 0x82, 0x00]]);
    // key and value null, one header whose key and value lengths follow; too short, so refused.
    expect(codeOf(() => decodeBatch(batch))).toBe('CORRUPT_RECORD 0');
    const long = batchOf([[24, 0, 0, 0, 0x81, 0x00, 1, 0x82, 0x00, 0x82, 0x00, 0x61, 1]]);
    expect(decodeBatch(long)[0]!.headers).toEqual([{ key: 'a', value: null }]);
  });

  const bad: readonly (readonly [string, Buffer])[] = [
    ['a length shorter than its fields', batchOf([[10, 0, 0, 0, 1, 1, 0]])],
    ['a length longer than its fields', batchOf([[14, 0, 0, 0, 1, 1, 0, 0]])],
    ['a length past the batch', batchOf([[100, 0, 0, 0, 1, 1, 0]])],
    ['a negative length', batchOf([[11, 0, 0, 0, 1, 1, 0]])],
    ['a key past its end', batchOf([[12, 0, 0, 0, 6, 1, 0]])],
    ['a key length below -1', batchOf([[12, 0, 0, 0, 3, 1, 0]])],
    ['a value past its end', batchOf([[12, 0, 0, 0, 1, 2, 0]])],
    ['a value length below -1', batchOf([[12, 0, 0, 0, 1, 3, 0]])],
    ['a negative header count', batchOf([[12, 0, 0, 0, 1, 1, 1]])],
    ['a header count past its end', batchOf([[12, 0, 0, 0, 1, 1, 2]])],
    ['a huge header count', batchOf([[20, 0, 0, 0, 1, 1, 0xfe, 0xff, 0xff, 0xff, 0x0f]])],
    ['a header key that is null', batchOf([[16, 0, 0, 0, 1, 1, 2, 1, 1]])],
    ['a header value past its end', batchOf([[16, 0, 0, 0, 1, 1, 2, 0, 4]])],
    ['a header value length below -1', batchOf([[16, 0, 0, 0, 1, 1, 2, 0, 3]])],
    ['a negative offset delta', batchOf([[12, 0, 0, 1, 1, 1, 0]])],
    ['an offset delta past the last', batchOf([[12, 0, 0, 2, 1, 1, 0]])],
    ['a varint of six bytes', batchOf([[0xff, 0xff, 0xff, 0xff, 0xff, 0x01]])],
    ['a varint past 32 bits', batchOf([[0xff, 0xff, 0xff, 0xff, 0x1f, 0, 0, 0]])],
    ['a varlong of eleven bytes', batchOf([[40, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 0, 1, 1, 0, 0, 0, 0, 0]])],
    ['fewer records than its batch counts', batchOf([], 1)],
    ['bytes after the last', batchOf([[...least, 0]])],
  ];
  test.each(bad)('with %s is refused', (_, batch) => {
    expect(codeOf(() => decodeBatch(batch))).toMatch(/^CORRUPT_RECORD 0$/);
  });

  test('names the one that is wrong', () => {
    const second = [12, 0, 0, 2, 1, 1, 0];
    expect(codeOf(() => decodeBatch(batchOf([least, second])))).toBe('none');
    expect(codeOf(() => decodeBatch(batchOf([least, least])))).toBe('CORRUPT_RECORD 1');
    expect(codeOf(() => decodeBatch(batchOf([least], 2, 1)))).toBe('CORRUPT_RECORD 1');
  });

  test('keeps the gaps that compaction leaves', () => {
    const builder = new BatchBuilder();
    builder.appendAt(3, null, Buffer.from('a'), null, 1);
    builder.appendAt(70_000, null, Buffer.from('b'), null, 2);
    expect(decodeBatch(builder.close({ baseOffset: 10, lastOffsetDelta: 80_000 })).map((record) => record.offset)).toEqual([13, 70_010]);
  });

  test('of a batch with a delete horizon counts from it', () => {
    const builder = new BatchBuilder();
    builder.startAt(500);
    builder.append(Buffer.from('k'), null, null, 100);
    expect(decodeBatch(builder.close({ hasDeleteHorizon: true })).map((record) => record.timestampMs)).toEqual([100]);
  });
});

describe('a batch', () => {
  test('that is compressed must be inflated first', () => {
    const builder = new BatchBuilder();
    builder.append(null, Buffer.from('a'), null, 1);
    expect(codeOf(() => decodeBatch(builder.close({ codec: Codec.gzip })))).toBe('UNSUPPORTED_COMPRESSION -1');
  });

  test('whose header lies is refused', () => {
    const longer = batchOf([least]);
    longer.writeInt32BE(longer.length, 8);
    expect(codeOf(() => decodeBatch(longer))).toBe('TRUNCATED -1');
    expect(codeOf(() => decodeBatch(batchOf([least], -1)))).toBe('CORRUPT_HEADER -1');
    const negative = batchOf([least]);
    negative.writeInt32BE(-1, 0);
    expect(codeOf(() => decodeBatch(negative))).toBe('CORRUPT_HEADER -1');
    const high = batchOf([least]);
    high.writeInt32BE(0x1f_ffff, 0);
    high.writeInt32BE(-1, 4);
    high.writeInt32BE(1, 23);
    expect(codeOf(() => decodeBatch(high))).toBe('CORRUPT_HEADER -1');
  });

  test('a cursor goes from batch to batch, and its views are views', () => {
    const builder = new BatchBuilder();
    builder.append(Buffer.from('k'), Buffer.from('one'), [{ key: 'h', value: Buffer.from('x') }], 1);
    const first = builder.close();
    builder.append(null, null, null, 2);
    const both = Buffer.concat([first, builder.close({ baseOffset: 1 })]);
    const cursor = new RecordCursor();
    cursor.open(both, 0, null);
    expect(cursor.next()).toBe(true);
    expect([cursor.offset, cursor.index, cursor.key()!.toString(), cursor.value()!.toString(), cursor.headers()[0]!.key]).toEqual([0, 0, 'k', 'one', 'h']);
    expect(cursor.value()!.buffer).toBe(both.buffer);
    expect(cursor.next()).toBe(false);
    cursor.open(both, first.length, null);
    expect(cursor.next()).toBe(true);
    expect([cursor.offset, cursor.index, cursor.key(), cursor.value(), cursor.headers()]).toEqual([1, 0, null, null, []]);
    expect(cursor.next()).toBe(false);
    expect(cursor.next()).toBe(false);
  });

  test('a visitor gets places in the bytes', () => {
    const builder = new BatchBuilder();
    builder.append(Buffer.from('k'), null, null, 1);
    const batch = builder.close();
    const seen: unknown[] = [];
    expect(forEachRecord(batch, 0, null, (...all) => void seen.push(all))).toBe(true);
    expect(seen).toEqual([[0, 1, HEADER_BYTES + 5, 1, HEADER_BYTES + 7, -1, HEADER_BYTES + 8, 0]]);
  });
});
