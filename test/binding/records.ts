/** Records sections for the compute tests: whole, twisted and random. */
import * as fc from 'fast-check';
import { recordBytes } from '../contract/disk/batches.ts';
import type { RecordSpec } from '../contract/disk/batches.ts';

const text = fc.option(fc.string({ maxLength: 200 }), { nil: null });

export const recordSpec: fc.Arbitrary<RecordSpec> = fc.record({
  timestampMs: fc.oneof(fc.integer({ min: -1, max: 5000 }), fc.maxSafeInteger()),
  key: text,
  value: text,
  headers: fc.array(fc.tuple(fc.string({ maxLength: 20 }), text), { maxLength: 4 }),
});

export function section(records: readonly RecordSpec[], baseTimestampMs: number): Uint8Array {
  return new Uint8Array(Buffer.concat(records.map((record, index) => recordBytes(record, index, baseTimestampMs))));
}
