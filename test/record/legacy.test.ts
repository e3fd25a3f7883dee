import { crc32, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Codec, nextBatch, writeInt64 } from '../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { compress } from '../../src/record/codecs.ts';
import { plainLz4 } from '../../src/record/codecs/lz4.ts';
import { decodeLegacy, isLegacy } from '../../src/record/legacy.ts';
import { RecordError } from '../../src/record/recordError.ts';
import { goldenBatches } from './goldenBatches.ts';

interface Message {
  readonly offset: number;
  readonly timestampMs?: number;
  readonly attributes?: number;
  readonly key?: string | null;
  readonly value: Buffer | string | null;
}

const field = (bytes: Buffer | null): Buffer => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes?.length ?? -1);
  return bytes === null ? length : Buffer.concat([length, bytes]);
};
const bytesOf = (text: Buffer | string | null | undefined): Buffer | null => (text === null || text === undefined ? null : Buffer.from(text));

/** An entry as magic 0 and 1 define it. */
function entry(magic: 0 | 1, message: Message): Buffer {
  const timestamp = Buffer.alloc(magic === 1 ? 8 : 0);
  if (magic === 1) writeInt64(timestamp, message.timestampMs ?? -1, 0);
  const body = Buffer.concat([Buffer.from([magic, message.attributes ?? 0]), timestamp, field(bytesOf(message.key)), field(bytesOf(message.value))]);
  const head = Buffer.alloc(16);
  writeInt64(head, message.offset, 0);
  head.writeInt32BE(body.length + 4, 8);
  head.writeUInt32BE(crc32(body), 12);
  return Buffer.concat([head, body]);
}

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof RecordError) return error.code;
    throw error;
  }
  return 'none';
};
const seen = (bytes: Buffer, cap = 2 ** 20): unknown[] => decodeLegacy(bytes, 0, cap).map((record) => [record.offset, record.timestampMs, record.key?.toString() ?? null, record.value?.toString() ?? null]);

describe('message sets', () => {
  test.each(goldenBatches.filter((golden) => golden.magic < 2).map((golden) => [golden.magic, golden.codec, golden.hex] as const))('of magic %i with %s as Kafka writes them', (magic, _, hex) => {
    const bytes = Buffer.from(hex, 'hex');
    const records: unknown[] = [];
    for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) records.push(...seen(bytes.subarray(at, next)));
    const timestamps = magic === 0 ? [-1, -1, -1] : [1000, 1007, 1014];
    expect(records).toEqual([
      [100, timestamps[0], 'key0', 'value value value value 0'],
      [101, timestamps[1], 'key1', null],
      [102, timestamps[2], null, 'value value value value 2'],
    ]);
  });

  test('plain messages of both magics', () => {
    expect(seen(entry(0, { offset: 3, key: 'k', value: 'v' }))).toEqual([[3, -1, 'k', 'v']]);
    expect(seen(entry(1, { offset: 3, timestampMs: 99, key: null, value: null }))).toEqual([[3, 99, null, null]]);
    expect(seen(entry(1, { offset: 3, timestampMs: 99, attributes: 8, key: '', value: '' }))).toEqual([[3, 99, '', '']]);
  });

  test('entries and batches follow one another in one segment', () => {
    const builder = new BatchBuilder();
    builder.append(null, Buffer.from('new'), null, 1);
    const parts = [entry(0, { offset: 0, value: 'a' }), entry(1, { offset: 1, value: 'b' }), builder.close({ baseOffset: 2 })];
    const bytes = Buffer.concat(parts);
    const starts: number[] = [];
    for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) starts.push(at);
    expect(starts).toEqual([0, parts[0]!.length, parts[0]!.length + parts[1]!.length]);
    expect(starts.map((start) => isLegacy(bytes, start))).toEqual([true, true, false]);
    expect(decodeLegacy(bytes, starts[1]!, 0)[0]!.value!.toString()).toBe('b');
    expect(codeOf(() => decodeLegacy(bytes, starts[2]!, 0))).toBe('UNSUPPORTED_MAGIC');
  });

  test.each([Codec.gzip, Codec.snappy, Codec.lz4])('wrappers of codec %i', (codec) => {
    const absolute = Buffer.concat([entry(0, { offset: 10, key: 'k', value: 'a' }), entry(0, { offset: 12, value: 'b' })]);
    expect(seen(entry(0, { offset: 12, attributes: codec, value: compress(codec, absolute) }))).toEqual([[10, -1, 'k', 'a'], [12, -1, null, 'b']]);
    const relative = Buffer.concat([entry(1, { offset: 0, timestampMs: 5, value: 'a' }), entry(1, { offset: 2, timestampMs: 6, value: 'b' })]);
    expect(seen(entry(1, { offset: 12, timestampMs: 6, attributes: codec, value: compress(codec, relative) }))).toEqual([[10, 5, null, 'a'], [12, 6, null, 'b']]);
    expect(seen(entry(1, { offset: 12, timestampMs: 77, attributes: codec | 8, value: compress(codec, relative) }))).toEqual([[10, 77, null, 'a'], [12, 77, null, 'b']]);
  });

  test('lz4 of magic 0 has a wrong descriptor checksum, of magic 1 a right one', () => {
    const frame = (inner: Buffer): Buffer => {
      const bytes = plainLz4.compress(inner, 9);
      bytes[6]! ^= 0x55;
      return bytes;
    };
    expect(seen(entry(0, { offset: 1, attributes: 3, value: frame(entry(0, { offset: 1, value: 'a' })) }))).toEqual([[1, -1, null, 'a']]);
    expect(codeOf(() => seen(entry(1, { offset: 1, attributes: 3, value: frame(entry(1, { offset: 0, value: 'a' })) })))).toBe('CORRUPT_COMPRESSION');
  });

  test('what cannot be right is refused', () => {
    const inner = entry(1, { offset: 0, value: 'a' });
    const wrapped = (bytes: Buffer, attributes: number = Codec.gzip): Buffer => entry(1, { offset: 5, attributes, value: attributes === Codec.gzip ? gzipSync(bytes) : bytes });
    expect(codeOf(() => seen(wrapped(Buffer.alloc(0))))).toBe('CORRUPT_RECORD');
    expect(codeOf(() => seen(wrapped(Buffer.concat([inner, inner.subarray(0, -1)]))))).toBe('TRUNCATED');
    expect(codeOf(() => seen(wrapped(Buffer.concat([inner, inner]))))).toBe('CORRUPT_RECORD');
    expect(codeOf(() => seen(wrapped(entry(0, { offset: 0, value: 'a' }))))).toBe('CORRUPT_RECORD');
    expect(codeOf(() => seen(wrapped(wrapped(inner))))).toBe('CORRUPT_RECORD');
    expect(codeOf(() => seen(wrapped(entry(1, { offset: 6, value: 'a' }))))).toBe('CORRUPT_HEADER');
    expect(codeOf(() => seen(wrapped(inner, Codec.zstd)))).toBe('UNSUPPORTED_COMPRESSION');
    expect(codeOf(() => seen(wrapped(inner, 5)))).toBe('UNSUPPORTED_COMPRESSION');
    expect(codeOf(() => seen(entry(1, { offset: 5, attributes: Codec.gzip, value: null })))).toBe('CORRUPT_RECORD');
    expect(codeOf(() => seen(entry(1, { offset: -1, value: 'a' })))).toBe('CORRUPT_HEADER');
    expect(codeOf(() => seen(inner.subarray(0, -1)))).toBe('TRUNCATED');
    expect(codeOf(() => decodeLegacy(wrapped(entry(1, { offset: 0, value: Buffer.alloc(10_000) })), 0, 9000))).toBe('TOO_LARGE');
  });

  test('any damage behind a right checksum gives a typed error or records', () => {
    const relative = Buffer.concat([entry(1, { offset: 0, timestampMs: 5, value: 'a' }), entry(1, { offset: 2, timestampMs: 6, key: 'k', value: 'b' })]);
    fc.assert(
      fc.property(fc.boolean(), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (isWrapped, flips) => {
        const bytes = isWrapped ? entry(1, { offset: 12, attributes: Codec.gzip, value: gzipSync(relative, { level: 0 }) }) : entry(1, { offset: 12, key: 'key', value: 'value' });
        for (const [at, value] of flips) bytes[16 + (at % (bytes.length - 16))] = value;
        bytes.writeUInt32BE(crc32(bytes.subarray(16)), 12);
        expect(() => codeOf(() => decodeLegacy(bytes, 0, 10_000))).not.toThrow();
      }),
      { numRuns: 500 },
    );
  });
});
