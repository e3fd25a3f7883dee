import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { loadNativeCore } from '../../src/binding/addon.ts';
import { baseOffsetOf, maxTimestampOf } from '../../src/record/batchHeader.ts';
import { NativeDisk } from '../../src/storage/disk/native.ts';
import { append, batchOf, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

interface Plan {
  readonly batches: readonly { readonly timestamps: readonly number[]; readonly codec: 0 | 1 | 3 }[];
  readonly startShare: number;
  readonly endShare: number;
  readonly logAppendTime: boolean;
}

const timestamp = fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1000, max: 1040 }) }, { weight: 1, arbitrary: fc.constant(-1) });
const plan: fc.Arbitrary<Plan> = fc.record({
  batches: fc.array(fc.record({ timestamps: fc.array(timestamp, { minLength: 1, maxLength: 5 }), codec: fc.constantFrom(0 as const, 0 as const, 1 as const, 3 as const) }), { minLength: 1, maxLength: 25 }),
  startShare: fc.oneof(fc.constant(0), fc.double({ min: 0, max: 1, noNaN: true })),
  endShare: fc.oneof(fc.constant(1), fc.double({ min: 0, max: 1, noNaN: true })),
  logAppendTime: fc.boolean(),
});

/** The memory disk reads batches, the native one walks their records itself. */
const DISKS = [{ name: 'in memory', numRuns: 60, isNative: false }, { name: 'in the addon', numRuns: 25, isNative: true }];

describe.each(DISKS)('timestamp lookups $name', ({ numRuns, isNative }) => {
  const core = isNative ? loadNativeCore() : null;

  it.skipIf(isNative && core === null)('agree with a list that is walked from its start', async () => {
    await fc.assert(
      fc.asyncProperty(plan, async ({ batches, startShare, endShare, logAppendTime }) => {
        const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-timestamps-'));
        const disk = core === null ? undefined : new NativeDisk(core);
        const { store, ports } = await startStore(disk === undefined ? {} : { disk, directories: [folder] });
        const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 500, messageTimestampType: logAppendTime ? 'LogAppendTime' : 'CreateTime' }));
        const model: number[] = [];
        for (const { timestamps, codec } of batches) {
          ports.clock.wallMs = 1000 + (model.length * 7) % 41;
          await append(log, batchOf(timestamps.map(String), { timestamps, codec }));
          model.push(...timestamps.map((own) => (logAppendTime ? ports.clock.wallMs : own)));
        }
        const start = Math.floor(model.length * startShare);
        const end = Math.max(start, Math.floor(model.length * endShare));
        await log.deleteRecordsBefore(start);
        const among = model.map((timestampMs, offset) => ({ timestampMs, offset })).slice(start, end);
        for (let asked = 999; asked <= 1042; asked += 1) {
          const expected = among.find((record) => record.timestampMs >= asked);
          expect(await log.offsetForTimestamp(asked, end)).toEqual({ timestampMs: expected?.timestampMs ?? -1, offset: expected?.offset ?? -1, leaderEpoch: expected ? 0 : -1 });
        }
        const largest = Math.max(-1, ...among.map((record) => record.timestampMs));
        const first = largest < 0 ? undefined : among.find((record) => record.timestampMs === largest);
        expect(await log.offsetOfMaxTimestamp(end)).toMatchObject({ timestampMs: first?.timestampMs ?? -1, offset: first?.offset ?? -1 });
        const place = { position: 0, sizeBytes: 0, baseOffset: 0, lastOffset: 0, maxTimestampMs: 0 };
        for (let offset = start; offset < end; offset += 1) {
          const view = log.read(offset, 1, end, true);
          // Nothing is there where the batch reaches past the bound.
          expect(log.locate(offset, end, place)).toBe(view.bytes.length > 0);
          if (view.bytes.length === 0) continue;
          expect(place).toMatchObject({ sizeBytes: view.bytes.length, baseOffset: baseOffsetOf(view.bytes, 0), maxTimestampMs: maxTimestampOf(view.bytes, 0) });
          expect(place.lastOffset).toBeGreaterThanOrEqual(offset);
          view.release();
        }
        expect(log.locate(end, end, place)).toBe(false);
        await store.close();
        await disk?.close();
        rmSync(folder, { recursive: true });
      }),
      { numRuns },
    );
  });
});
