/** Batches that were damaged, cut or made up: typed errors only, and what is accepted lies within its bounds. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AppendStatus } from '../../src/base/disk.ts';
import { compute } from '../../src/binding/load.ts';
import { Codec, HEADER_BYTES, attributesOf, baseOffsetOf, baseTimestampOf, headerDefect, isLogAppendTime, lastOffsetDeltaOf, lastSequenceOf, magicOf, nextBatch, recordCountOf, tailOf } from '../../src/record/batchHeader.ts';
import { BatchBuilder, renewCrc } from '../../src/record/build.ts';
import { recordsOf } from '../../src/record/codecs.ts';
import { InflateStatus } from '../../src/record/inflater.ts';
import type { InflateOutcome } from '../../src/record/inflater.ts';
import { InlineInflater } from '../../src/record/inlineInflater.ts';
import { decodeBatch } from '../../src/record/iterate.ts';
import { decodeLegacy } from '../../src/record/legacy.ts';
import { RecordError } from '../../src/record/recordError.ts';

const CAP = 2 ** 16;
const field = fc.option(fc.uint8Array({ maxLength: 40 }));
const batchArbitrary = fc
  .record({
    records: fc.array(fc.record({ key: field, value: field, headers: fc.array(fc.record({ key: fc.string({ maxLength: 4 }), value: field }), { maxLength: 2 }), timestampMs: fc.integer({ min: -1, max: 2 ** 41 }) }), { maxLength: 8 }),
    codec: fc.constantFrom(...Object.values(Codec)),
    baseOffset: fc.nat(),
  })
  .map(({ records, codec, baseOffset }) => {
    const builder = new BatchBuilder(0);
    for (const record of records) builder.append(record.key, record.value, record.headers, record.timestampMs);
    return builder.close({ codec, baseOffset });
  });
/** Places are drawn modulo the size; half of the flips go where they hurt: into the header and the first records. */
const flips = fc.array(fc.tuple(fc.oneof(fc.nat(100), fc.nat()), fc.oneof(fc.constantFrom(0, 1, 0x7f, 0x80, 0xff), fc.nat(255))), { minLength: 1, maxLength: 5 });

function damaged(batch: Buffer, changes: readonly (readonly [number, number])[], from = 0): Buffer {
  const bytes = Buffer.from(batch);
  for (const [at, value] of changes) bytes[from + (at % (bytes.length - from))] = value;
  return bytes;
}

function typed(work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof RecordError)) throw error;
  }
}

/** Everything that a reader of foreign bytes does with them. */
function readAll(bytes: Buffer): void {
  let at = 0;
  for (let next = nextBatch(bytes, 0); next !== -1; next = nextBatch(bytes, at)) {
    expect(next).toBeGreaterThan(at);
    expect(next).toBeLessThanOrEqual(bytes.length);
    const start = at;
    if (magicOf(bytes, at) < 2) typed(() => void decodeLegacy(bytes, start, CAP));
    else typed(() => readBatch(bytes, start));
    at = next;
  }
  expect(['end', 'torn', 'corrupt']).toContain(tailOf(bytes, at));
}

function readBatch(bytes: Buffer, position: number): void {
  lastSequenceOf(bytes, position);
  const defect = headerDefect(bytes, position);
  const records = recordsOf(bytes, position, CAP);
  if (recordCountOf(bytes, position) >= 0 && records.length > 0) expect(records.length).toBeLessThanOrEqual(Math.max(CAP, bytes.length));
  const decoded = decodeBatch(bytes, position, records);
  let last = baseOffsetOf(bytes, position) - 1;
  for (const record of decoded) {
    expect(record.offset).toBeGreaterThan(last);
    last = record.offset;
    expect((record.key?.length ?? 0) + (record.value?.length ?? 0)).toBeLessThanOrEqual(records.length);
  }
  if (defect === '') expect(last).toBeLessThanOrEqual(baseOffsetOf(bytes, position) + lastOffsetDeltaOf(bytes, position));
}

const options = { numRuns: Number(process.env['TIDELOG_FUZZ_RUNS'] ?? 400) };

describe('record batches', () => {
  test('damaged anywhere', () => fc.assert(fc.property(batchArbitrary, flips, (batch, changes) => readAll(damaged(batch, changes))), options));

  test('damaged behind the header', () => fc.assert(fc.property(batchArbitrary.filter((batch) => batch.length > HEADER_BYTES), flips, (batch, changes) => readAll(damaged(batch, changes, HEADER_BYTES))), options));

  test('cut anywhere and joined', () =>
    fc.assert(fc.property(fc.array(batchArbitrary, { minLength: 1, maxLength: 3 }), fc.nat(), (batches, cut) => {
      const bytes = Buffer.concat(batches);
      readAll(bytes.subarray(0, cut % (bytes.length + 1)));
    }), options));

  test('made up', () => fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => readAll(Buffer.from(bytes))), options));

  test('made up behind a header that says anything goes', () => {
    const records = fc.array(fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 6, 8, 12, 14, 0x80, 0xff), fc.nat(255)), { maxLength: 60 });
    fc.assert(fc.property(fc.nat(20), fc.nat(4), records, (count, codec, section) => {
      const batch = Buffer.concat([new BatchBuilder(0).close({ lastOffsetDelta: 0x7fffffff }), Buffer.from(section)]);
      batch.writeInt32BE(batch.length - 12, 8);
      batch.writeInt16BE(codec, 21);
      batch.writeInt32BE(count, 57);
      readAll(batch);
    }), options);
  });

  test('an inflater answers once, never throws, and agrees with the cursor on what it accepts', () => {
    const inflater = new InlineInflater();
    fc.assert(fc.property(batchArbitrary, flips, fc.boolean(), (batch, changes, isSealed) => {
      const bytes = damaged(batch, changes);
      if (isSealed) renewCrc(bytes);
      const outcomes: InflateOutcome[] = [];
      const limits = { inflatedSizeMaxBytes: CAP, requireKeys: false, timestampMin: -Infinity, timestampMax: Infinity };
      inflater.inflate(bytes, limits, (outcome) => void outcomes.push(outcome));
      inflater.recompress(bytes, limits, { codec: Codec.lz4, level: 1 }, (outcome) => void outcomes.push(outcome));
      inflater.readRecords(bytes, CAP, (outcome) => void outcomes.push(outcome));
      expect(outcomes.length).toBe(3);
      if (outcomes[0]!.status !== InflateStatus.ok) return;
      const decoded = decodeBatch(bytes, 0, recordsOf(bytes, 0, CAP));
      const times = decoded.map((record) => (isLogAppendTime(attributesOf(bytes, 0)) ? -1 : record.timestampMs));
      if (!isLogAppendTime(attributesOf(bytes, 0))) expect(outcomes[0]!.maxTimestampMs).toBe(Math.max(-1, ...times));
      expect(decoded.map((record) => record.offset - baseOffsetOf(bytes, 0))).toEqual(decoded.map((_, index) => index));
    }), options);
  });

  test('the checker refuses whatever the cursor refuses', () => {
    const plan = { requireKeys: false, timestampBase: 0, timestampMin: -Infinity, timestampMax: Infinity };
    const result = { maxTimestampMs: -1, offsetDeltaOfMaxTimestamp: -1, badRecordIndex: -1 };
    fc.assert(fc.property(batchArbitrary, flips, (batch, changes) => {
      const plain = Buffer.concat([batch.subarray(0, HEADER_BYTES), recordsOf(batch, 0, CAP)]);
      plain.writeInt32BE(plain.length - 12, 8);
      plain.writeInt16BE(0, 21);
      if (plain.length === HEADER_BYTES) return;
      const bytes = damaged(plain, changes, HEADER_BYTES);
      let isReadable = true;
      try {
        decodeBatch(bytes);
      } catch {
        isReadable = false;
      }
      plan.timestampBase = baseTimestampOf(bytes, 0);
      const status = compute.checkRecords(bytes.subarray(HEADER_BYTES), recordCountOf(bytes, 0), plan, result);
      if (status === AppendStatus.ok) expect(isReadable).toBe(true);
    }), options);
  });
});
