import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { compute } from '../../src/binding/load.ts';
import { Codec, HEADER_BYTES } from '../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { RecordCursor } from '../../src/record/iterate.ts';
import { RecordError } from '../../src/record/recordError.ts';

afterEach(() => vi.restoreAllMocks());

const bytes = fc.option(fc.uint8Array({ maxLength: 300 }), { nil: null });
const record = fc.record({
  key: bytes,
  value: bytes,
  headers: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(fc.record({ key: fc.string({ maxLength: 5 }), value: bytes }), { maxLength: 3 }) }),
  timestampMs: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 2 ** 51 })),
});
type Given = typeof record extends fc.Arbitrary<infer T> ? T : never;

function batchOf(records: readonly Given[]): Buffer {
  const builder = new BatchBuilder();
  for (const { key, value, headers, timestampMs } of records) builder.append(key, value, headers, timestampMs);
  return builder.close({ baseOffset: 1000, codec: Codec.none });
}

/** Everything that a cursor tells of each record, and the error that ended it. */
function told(batch: Buffer): unknown[] {
  const seen: unknown[] = [];
  const cursor = new RecordCursor();
  try {
    cursor.open(batch, 0, null);
    while (cursor.next()) {
      const { index, offset, timestampMs, keyStart, keyLength, valueStart, valueLength, headersStart, headerCount, contentStart, contentEnd } = cursor;
      seen.push([index, offset, timestampMs, keyStart, keyLength, valueStart, valueLength, headersStart, headerCount, contentStart, contentEnd, cursor.key(), cursor.value(), cursor.headers()]);
    }
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
    seen.push(`${error.code} ${error.recordIndex}: ${error.message}`);
  }
  return seen;
}

function decodedHere(batch: Buffer): unknown[] {
  const spy = vi.spyOn(compute as Required<typeof compute>, 'placeRecords').mockReturnValue(0);
  try {
    return told(batch);
  } finally {
    spy.mockRestore();
  }
}

describe.skipIf(compute.placeRecords === undefined)('records whose places the addon finds', () => {
  test('are those that JavaScript finds', () => {
    fc.assert(
      fc.property(fc.array(record, { minLength: 16, maxLength: 40 }), (records) => {
        const batch = batchOf(records);
        const spy = vi.spyOn(compute as Required<typeof compute>, 'placeRecords');
        const placed = told(batch);
        expect(spy.mock.results[0]?.value).toBeGreaterThan(0);
        spy.mockRestore();
        expect(placed).toEqual(decodedHere(batch));
        expect(placed).toHaveLength(records.length);
      }),
      { numRuns: 100 },
    );
  });

  test('with damage end where JavaScript ends them, with the same error', () => {
    const damage = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(fc.array(record, { minLength: 16, maxLength: 40 }), damage, (records, hits) => {
        const batch = batchOf(records);
        for (const [at, byte] of hits) batch[HEADER_BYTES + (at % (batch.length - HEADER_BYTES))] = byte;
        expect(told(batch)).toEqual(decodedHere(batch));
      }),
      { numRuns: 300 },
    );
  });

  test('go on over many calls, and a cursor is used again', () => {
    const records = Array.from({ length: 1000 }, (_, index): Given => ({ key: null, value: Buffer.from(`${index}`), headers: [], timestampMs: index }));
    const cursor = new RecordCursor();
    for (const count of [1000, 5, 257]) {
      cursor.open(batchOf(records.slice(0, count)), 0, null);
      for (let index = 0; index < count; index += 1) {
        expect(cursor.next()).toBe(true);
        expect([cursor.offset, cursor.timestampMs, String(cursor.value())]).toEqual([1000 + index, index, `${index}`]);
      }
      expect(cursor.next()).toBe(false);
    }
  });
});
