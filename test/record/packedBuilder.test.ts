import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compute } from '../../src/binding/load.ts';
import { loadNativeCore } from '../../src/binding/addon.ts';
import { Codec } from '../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { PackedBuilder, newRecordBuilder } from '../../src/record/packedBuilder.ts';

const bytes = fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 200 }), fc.uint8Array({ minLength: 8190, maxLength: 8195 }), fc.constant(new Uint8Array(0)));
const header = fc.record({ key: fc.string({ unit: 'grapheme', maxLength: 5 }), value: fc.oneof(fc.constant(null), fc.uint8Array({ maxLength: 70 })) });
const record = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.oneof(fc.constant(null), fc.array(header, { maxLength: 3 })),
  timestampMs: fc.oneof(fc.constantFrom(-1, 0, 2 ** 52 - 1, 2 ** 31, 2 ** 40), fc.integer({ min: 1_700_000_000_000, max: 1_700_000_100_000 })),
});

describe.skipIf(loadNativeCore() === null || compute.buildRecords === undefined)('the builder of columns', () => {
  it('gives the bytes that the builder of records gives', () => {
    const plain = new BatchBuilder();
    const memory = Buffer.allocUnsafe(10_000);
    const packed = [new PackedBuilder(16), new PackedBuilder(1_000_000), new PackedBuilder(16, () => memory)];
    fc.assert(
      fc.property(fc.array(record, { maxLength: 150 }), fc.integer({ min: -1, max: 2 ** 40 }), (records, producerId) => {
        for (const { key, value, headers, timestampMs } of records) plain.append(key, value, headers, timestampMs);
        const { minTimestampMs, sizeBytes, recordCount } = plain;
        const expected = plain.close({ producerId, baseSequence: 7 });
        for (const builder of packed) {
          for (const { key, value, headers, timestampMs } of records) builder.append(key, value, headers, timestampMs);
          expect({ recordCount, minTimestampMs }).toEqual({ recordCount: builder.recordCount, minTimestampMs: builder.minTimestampMs });
          expect(builder.sizeBytes).toBe(sizeBytes);
          expect(builder.close({ producerId, baseSequence: 7 }).equals(expected)).toBe(true);
        }
      }),
      { numRuns: 150 },
    );
  });

  it.each(Object.values(Codec))('compresses as the builder of records does (codec %s)', (codec) => {
    const plain = new BatchBuilder();
    const packed = new PackedBuilder(100);
    for (const count of [3, 500, 0, 1]) {
      for (const builder of [plain, packed]) for (let n = 0; n < count; n++) builder.append(n % 3 === 0 ? null : Buffer.from(`key ${n % 7}`), Buffer.from(`value ${n}`), null, 1_700_000_000_000 + n);
      expect(packed.close({ codec }).equals(plain.close({ codec }))).toBe(true);
    }
  });

  it('lets go of what one large record has made it take', () => {
    const builder = new PackedBuilder(1000);
    builder.append(null, new Uint8Array(1_000_000), null, 0);
    expect(builder.close().length).toBeGreaterThan(1_000_000);
    builder.append(null, new Uint8Array(500), null, 0);
    expect(builder.close().buffer.byteLength).toBe(1000);
  });

  it('is the one that is taken, and refuses timestamps as the other does', () => {
    const builder = newRecordBuilder();
    expect(builder).toBeInstanceOf(PackedBuilder);
    for (const wrong of [-2, 0.5, 2 ** 52, NaN]) expect(() => builder.append(null, null, null, wrong)).toThrow(RangeError);
    expect(builder.recordCount).toBe(0);
  });

  it('writes nothing past its target and believes no column', () => {
    const build = (target: Uint8Array, content: Uint8Array, fields: readonly number[], count = fields.length / 4): number =>
      compute.buildRecords?.(target, content, Int32Array.from(fields), new Float64Array(Math.max(fields.length / 4, 1)), count, 0) ?? 0;
    const content = new Uint8Array(10);
    expect(build(new Uint8Array(100), content, [4, 6, 0, 0])).toBe(17);
    for (const fields of [[4, 7, 0, 0], [4, 5, 0, 0], [-2, 10, 0, 0], [2 ** 31 - 1, 2 ** 31 - 1, 0, 2 ** 31 - 1], [4, 6, -1, 0], [4, 6, 0, -1]]) expect(build(new Uint8Array(100), content, fields)).toBe(-1);
    expect(build(new Uint8Array(100), content, [4, 6, 0, 0], 2)).toBe(-1);
    expect(build(new Uint8Array(100), content, [4, 6, 0, 0], -1)).toBe(-1);
    const small = new Uint8Array(40).fill(9);
    expect(build(small.subarray(0, 20), content, [4, 6, 0, 0])).toBe(-1);
    expect(small.subarray(20).every((byte) => byte === 9)).toBe(true);
  });
});
