import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppendStatus } from '../../src/base/disk.ts';
import type { Compute, RecordResult } from '../../src/binding/compute.ts';
import { loadNativeCompute } from '../../src/binding/native.ts';
import { loadWasmCompute } from '../../src/binding/wasm.ts';
import { plainCompute } from './plainCompute.ts';
import { recordSpec, section } from './records.ts';

const native = loadNativeCompute();
const cores: readonly (readonly [string, Compute])[] = [
  ['wasm', loadWasmCompute()],
  ...(native === null ? [] : [['native', native] as const]),
];
if (native === null) console.log('SKIPPED: the addon is not built, only WASM is compared with the oracle');

const open = { requireKeys: false, timestampBase: 1000, timestampMin: -Infinity, timestampMax: Infinity };
const emptyResult = (): RecordResult => ({ maxTimestampMs: 0, offsetDeltaOfMaxTimestamp: 0, badRecordIndex: 0 });

function check(core: Compute, bytes: Uint8Array, count: number, plan = open) {
  const result = emptyResult();
  const status = core.checkRecords(bytes, count, plan, result);
  return status === AppendStatus.ok ? { status, ...result } : { status, badRecordIndex: result.badRecordIndex };
}

describe.each(cores)('compute: %s', (_name, core) => {
  it('gives the check value of CRC32C, and continues one', () => {
    const digits = Buffer.from('123456789');
    expect(core.crc32c(digits)).toBe(0xe3069283);
    expect(core.crc32c(digits.subarray(4), core.crc32c(digits.subarray(0, 4)))).toBe(0xe3069283);
    expect(core.crc32c(new Uint8Array(0))).toBe(0);
  });

  it('agrees with the oracle on checksums of any length and alignment', () => {
    const lengths = fc.oneof(fc.integer({ min: 0, max: 2000 }), fc.constantFrom(4095, 12288, 262143, 262144, 262145, 800000));
    const property = fc.property(lengths, fc.integer({ min: 0, max: 7 }), fc.integer(), (length, skew, seed) => {
      const bytes = Uint8Array.from({ length: length + skew }, (_, index) => Math.imul(index + seed, 2654435761) >>> 24).subarray(skew);
      expect(core.crc32c(bytes)).toBe(plainCompute.crc32c(bytes));
    });
    fc.assert(property, { numRuns: 60 });
  });

  it('accepts whole records and finds the first largest timestamp', () => {
    const bytes = section([{ timestampMs: 5 }, { timestampMs: 9 }, { timestampMs: 9 }, { timestampMs: 2 }], 5);
    expect(check(core, bytes, 4, { ...open, timestampBase: 5 })).toEqual({
      status: AppendStatus.ok, maxTimestampMs: 9, offsetDeltaOfMaxTimestamp: 1, badRecordIndex: -1,
    });
    expect(check(core, new Uint8Array(0), 0)).toMatchObject({ status: AppendStatus.ok, maxTimestampMs: -1, offsetDeltaOfMaxTimestamp: -1 });
  });

  it('names the record without a key, out of time, with a wrong delta, or the bytes after the last one', () => {
    const invalid = AppendStatus.invalidRecord;
    const keyed = section([{ key: 'a' }, { key: null }], 1000);
    expect(check(core, keyed, 2, { ...open, requireKeys: true })).toEqual({ status: AppendStatus.missingKey, badRecordIndex: 1 });
    const late = section([{ timestampMs: 10 }, { timestampMs: -1 }, { timestampMs: 3 }], 1000);
    expect(check(core, late, 3, { ...open, timestampMin: 4 })).toEqual({ status: AppendStatus.invalidTimestamp, badRecordIndex: 2 });
    expect(check(core, section([{}, { offsetDelta: 2 }], 1000), 2)).toEqual({ status: invalid, badRecordIndex: 1 });
    expect(check(core, section([{ lengthDelta: 1 }, {}], 1000), 2)).toEqual({ status: invalid, badRecordIndex: 0 });
    expect(check(core, section([{}, {}], 1000), 1)).toEqual({ status: invalid, badRecordIndex: 1 });
    expect(check(core, section([{}], 1000), 2)).toEqual({ status: invalid, badRecordIndex: 1 });
  });

  it('agrees with the oracle on whole, cut, overwritten and random sections', () => {
    const property = fc.property(
      fc.array(recordSpec, { maxLength: 12 }), fc.integer({ min: -1, max: 2000 }), fc.boolean(), fc.integer({ min: 0, max: 3 }),
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { maxLength: 3 }), fc.integer({ min: -1, max: 1 }), fc.uint8Array({ maxLength: 60 }),
      (records, base, requireKeys, kind, pokes, countDelta, noise) => {
        let bytes = kind === 3 ? noise : section(records, base);
        if (kind === 1 && bytes.length > 0) bytes = bytes.subarray(0, pokes[0]?.[0] === undefined ? 0 : pokes[0][0] % bytes.length);
        if (kind === 2 && bytes.length > 0) for (const [at, value] of pokes) bytes[at % bytes.length] = value;
        const count = Math.max(0, kind === 0 ? records.length : records.length + countDelta);
        const plan = { requireKeys, timestampBase: base, timestampMin: 0, timestampMax: 2 ** 45 };
        expect(check(core, bytes, count, plan)).toEqual(check(plainCompute, bytes, count, plan));
      },
    );
    fc.assert(property, { numRuns: 600 });
  });

  it('checks a section larger than the memory it keeps', () => {
    const bytes = section([{ value: 'x' }, { value: 'y'.repeat(100_000) }], 0);
    const large = new Uint8Array(9 * 1024 * 1024);
    expect(check(core, large, 1).status).toBe(AppendStatus.invalidRecord);
    expect(check(core, bytes, 2, { ...open, timestampBase: 0 }).status).toBe(AppendStatus.ok);
  });
});
