/** The same random operations on every disk: the same answers, the same bytes. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppendPlan, Disk, Segment } from '../../src/base/disk.ts';
import { batch } from './disk/batches.ts';
import type { BatchSpec } from './disk/batches.ts';
import { append, diskKinds, emptyPosition, readAll, segmentOptions, sync } from './disk/fixture.ts';
import type { DiskUnderTest } from './disk/fixture.ts';

type Operation =
  | { readonly kind: 'append'; readonly specs: readonly BatchSpec[]; readonly plan: Partial<AppendPlan>; readonly damage: number | null }
  | { readonly kind: 'truncate'; readonly share: number }
  | { readonly kind: 'view'; readonly from: number; readonly share: number }
  | { readonly kind: 'locate'; readonly share: number; readonly timestampMs: number }
  | { readonly kind: 'reopen' | 'rebuild' | 'seal' | 'sync' | 'scan' | 'sane' };

const record = fc.record({
  timestampMs: fc.integer({ min: -1, max: 300 }),
  key: fc.option(fc.string({ maxLength: 5 }), { nil: null }),
  value: fc.option(fc.string({ maxLength: 120 }), { nil: null }),
});
const spec: fc.Arbitrary<BatchSpec> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ records: fc.array(record, { minLength: 1, maxLength: 4 }), baseTimestampMs: fc.integer({ min: 0, max: 300 }) }) },
  { weight: 2, arbitrary: fc.record({ attributes: fc.constantFrom(1, 2, 3, 4), payload: fc.uint8Array({ maxLength: 90 }), count: fc.integer({ min: 1, max: 9 }), baseTimestampMs: fc.integer({ min: 0, max: 300 }) }) },
  { weight: 1, arbitrary: fc.record({ records: fc.array(record, { minLength: 1, maxLength: 3 }), count: fc.integer({ min: 0, max: 4 }), lastOffsetDelta: fc.integer({ min: -1, max: 4 }), magic: fc.constantFrom(2, 2, 1), maxTimestampMs: fc.integer({ min: -1, max: 400 }), attributes: fc.constantFrom(0, 8, 7, 16) }) },
);
const plan: fc.Arbitrary<Partial<AppendPlan>> = fc.record(
  {
    checkCrc: fc.boolean(),
    checkRecords: fc.boolean(),
    requireKeys: fc.boolean(),
    logAppendTimeMs: fc.constantFrom(-1, -1, 250),
    timestampMin: fc.constantFrom(-Infinity, 20),
    timestampMax: fc.constantFrom(Infinity, 290),
    leaderEpoch: fc.integer({ min: 0, max: 9 }),
    batchSizeMaxBytes: fc.constantFrom(1e6, 200),
  },
  { requiredKeys: [] },
);
const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 12, arbitrary: fc.record({ kind: fc.constant('append' as const), specs: fc.array(spec, { minLength: 1, maxLength: 3 }), plan, damage: fc.option(fc.nat(), { freq: 8, nil: null }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('truncate' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('view' as const), from: fc.double({ min: 0, max: 1, noNaN: true }), share: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('locate' as const), share: fc.double({ min: 0, max: 1.1, noNaN: true }), timestampMs: fc.integer({ min: -1, max: 310 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('reopen' as const, 'rebuild' as const, 'seal' as const, 'sync' as const, 'scan' as const, 'sane' as const) }) },
);

const BASE_OFFSET = 1000;
const INDEX_INTERVAL_BYTES = 300;

/** One disk driven through the operations; every answer goes into `answers`. */
class Driver {
  readonly answers: unknown[] = [];
  readonly #disk: Disk;
  readonly #folder: string;
  #segment: Segment;
  #ends: number[] = [0];

  constructor(under: DiskUnderTest, folder: string) {
    this.#disk = under.disk;
    this.#folder = folder;
    this.#segment = this.#open();
  }

  #open(): Segment {
    return this.#disk.openSegment(segmentOptions(this.#folder, { baseOffset: BASE_OFFSET, indexIntervalBytes: INDEX_INTERVAL_BYTES }));
  }

  async run(next: Operation): Promise<void> {
    this.answers.push([next.kind, await this.#perform(next)]);
    const { sizeBytes, nextOffset, maxTimestampMs, offsetOfMaxTimestamp, firstBatchTimestampMs, failed } = this.#segment;
    this.answers.push({ sizeBytes, nextOffset, maxTimestampMs, offsetOfMaxTimestamp, firstBatchTimestampMs, failed });
  }

  async #perform(next: Operation): Promise<unknown> {
    switch (next.kind) {
      case 'append':
        return this.#append(next);
      case 'truncate': {
        const size = this.#ends[Math.floor(next.share * (this.#ends.length - 1))]!;
        await this.#segment.truncate(size);
        this.#ends = this.#ends.filter((end) => end <= size);
        return size;
      }
      case 'view':
        return this.#view(next.from, next.share);
      case 'locate':
        return this.#locate(next.share, next.timestampMs);
      case 'reopen':
        await this.#segment.close();
        this.#segment = this.#open();
        return null;
      case 'rebuild':
        return await this.#segment.rebuildIndexes();
      case 'seal':
        return this.#segment.seal();
      case 'sync':
        return await sync(this.#disk, [this.#segment]);
      case 'scan':
        return this.#scan();
      case 'sane':
        return this.#segment.indexesLookSane();
    }
  }

  async #append(next: Extract<Operation, { kind: 'append' }>): Promise<unknown> {
    const bytes = Buffer.concat(next.specs.map((one) => batch(one)));
    if (next.damage !== null) bytes[next.damage % bytes.length]! ^= 1 + (next.damage % 255);
    const { status, result } = await append(this.#segment, bytes, next.plan);
    if (status !== 0) return { status, badRecordIndex: result.badRecordIndex, errno: result.errno };
    for (let at = 0; at < bytes.length; ) {
      at += 12 + bytes.readInt32BE(at + 8);
      this.#ends.push(result.position + at);
    }
    return { status, ...result };
  }

  #view(from: number, share: number): string {
    const position = Math.floor(from * this.#segment.sizeBytes);
    const view = this.#segment.view(position, Math.floor(share * this.#segment.sizeBytes));
    const text = view.bytes.toString('latin1');
    view.release();
    return text;
  }

  #locate(share: number, timestampMs: number): unknown {
    const offset = BASE_OFFSET + Math.floor(share * (this.#segment.nextOffset - BASE_OFFSET));
    const byOffset = emptyPosition();
    const byTime = emptyPosition();
    return [this.#segment.locateOffset(offset, byOffset), byOffset, this.#segment.locateTimestamp(timestampMs, offset, byTime), byTime];
  }

  async #scan(): Promise<unknown> {
    const seen: unknown[] = [];
    const from = this.#ends[Math.floor(this.#ends.length / 2)]!;
    return [await this.#segment.scan(from, (found) => seen.push([found.position, found.lastOffset, found.records])), seen];
  }

  /** What lookups answer against what the bytes say, by walking them all. */
  checkAgainstModel(): void {
    const bytes = readAll(this.#segment);
    const batches: { base: number; last: number; max: number; at: number }[] = [];
    for (let at = 0; at < bytes.length; at += 12 + bytes.readInt32BE(at + 8)) {
      const base = Number(bytes.readBigInt64BE(at));
      batches.push({ base, last: base + bytes.readInt32BE(at + 23), max: Number(bytes.readBigInt64BE(at + 35)), at });
    }
    const found = emptyPosition();
    for (let offset = BASE_OFFSET; offset <= this.#segment.nextOffset; offset++) {
      const holder = batches.find((one) => one.last >= offset);
      expect(this.#segment.locateOffset(offset, found) ? found.position : null).toBe(holder?.at ?? null);
    }
    for (let timestampMs = -1; timestampMs <= 310; timestampMs += 7) {
      const from = BASE_OFFSET + Math.floor(batches.length / 3);
      const holder = batches.find((one) => one.last >= from && one.max >= timestampMs);
      expect(this.#segment.locateTimestamp(timestampMs, from, found) ? found.position : null).toBe(holder?.at ?? null);
    }
  }

  async files(): Promise<unknown> {
    await this.#segment.close();
    const listed = await this.#disk.list(this.#folder);
    return Promise.all(listed.map(async ({ name }) => [name, (await this.#disk.readFile(`${this.#folder}/${name}`, 1e9))?.toString('hex')]));
  }
}

describe('the same operations on every disk', () => {
  it('give the same answers and the same files, and lookups agree with a plain model', async () => {
    const disks = await Promise.all(diskKinds.map((kind) => kind.open()));
    let run = 0;
    const property = fc.asyncProperty(fc.array(operation, { minLength: 5, maxLength: 60, size: 'max' }), async (operations) => {
      run++;
      const drivers: Driver[] = [];
      for (const under of disks) {
        const folder = `${under.root}/fuzz-${run}`;
        await under.disk.makeDirectory(folder);
        const driver = new Driver(under, folder);
        for (const next of operations) await driver.run(next);
        driver.checkAgainstModel();
        drivers.push(driver);
      }
      const files = await Promise.all(drivers.map((driver) => driver.files()));
      for (let index = 1; index < drivers.length; index++) {
        expect(drivers[index]!.answers).toEqual(drivers[0]!.answers);
        expect(files[index]).toEqual(files[0]);
      }
      for (let index = 0; index < disks.length; index++) await disks[index]!.disk.remove(`${disks[index]!.root}/fuzz-${run}`);
    });
    try {
      await fc.assert(property, { numRuns: Number(process.env['TIDELOG_FUZZ_RUNS'] ?? 60), interruptAfterTimeLimit: 90_000 });
    } finally {
      for (const under of disks) await under.end();
    }
  }, 120_000);
});
