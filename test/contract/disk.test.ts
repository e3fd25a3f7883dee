/** The Disk contract, held by every disk alike. Reading order: appends, lookups, views, scans, indexes, files, locks. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppendStatus, DiskError } from '../../src/base/disk.ts';
import type { Disk, FolderContent, ScannedBatch, Segment, SegmentOptions } from '../../src/base/disk.ts';
import { batch, hasRightCrc, recordBytes } from './disk/batches.ts';
import type { BatchSpec } from './disk/batches.ts';
import {
  append, appendOk, diskKinds, emptyPosition, portableKind, readAll, segmentOptions, smallFileSystem, sync,
} from './disk/fixture.ts';
import type { DiskUnderTest } from './disk/fixture.ts';
import { openDisk, PortableDisk } from '../../src/storage/disk/index.ts';

const stem = '00000000000000000000';

describe.each(diskKinds)('Disk contract: $name', (kind) => {
  let under: DiskUnderTest;
  let disk: Disk;
  let folder: string;

  beforeEach(async () => {
    under = await kind.open();
    ({ disk } = under);
    folder = `${under.root}/t-0`;
    await disk.makeDirectory(folder);
  });
  afterEach(() => under.end());

  const open = (changes: Partial<SegmentOptions> = {}): Segment => disk.openSegment(segmentOptions(folder, changes));
  const bytesOf = async (name: string): Promise<Buffer> => (await disk.readFile(`${folder}/${name}`, 1e9)) ?? Buffer.alloc(0);
  const refused = async (segment: Segment, bytes: Uint8Array, changes = {}): Promise<AppendStatus> => {
    const before = { size: segment.sizeBytes, next: segment.nextOffset, file: await bytesOf(`${stem}.log`) };
    const { status } = await append(segment, bytes, changes);
    expect({ size: segment.sizeBytes, next: segment.nextOffset, file: await bytesOf(`${stem}.log`) }).toEqual(before);
    return status;
  };

  describe('append', () => {
    it('patches offset and epoch in a copy, keeps the CRC, and answers where and what', async () => {
      const segment = open({ baseOffset: 100 });
      const bytes = batch({ records: [{ timestampMs: 10 }, { timestampMs: 30 }, { timestampMs: 20 }] });
      const original = Buffer.from(bytes);
      await appendOk(segment, batch({ records: [{ timestampMs: 5 }] }));
      const result = await appendOk(segment, bytes);
      expect(bytes).toEqual(original);
      expect(result).toMatchObject({ nextOffset: 104, batches: 1, records: 3, maxTimestampMs: 30, offsetOfMaxTimestamp: 102, badRecordIndex: -1 });
      const stored = readAll(segment).subarray(result.position);
      expect(stored.readBigInt64BE(0)).toBe(101n);
      expect(stored.readInt32BE(12)).toBe(5);
      expect(stored.subarray(16)).toEqual(original.subarray(16));
      expect(segment).toMatchObject({ nextOffset: 104, maxTimestampMs: 30, offsetOfMaxTimestamp: 103, firstBatchTimestampMs: 5, failed: false });
      expect(await bytesOf(`00000000000000000100.log`)).toEqual(readAll(segment));
    });

    it('takes several batches at once and continues their offsets', async () => {
      const segment = open();
      const result = await appendOk(segment, Buffer.concat([batch({ records: [{}, {}] }), batch(), batch({ records: [{}, {}, {}] })]));
      expect(result).toMatchObject({ position: 0, nextOffset: 6, batches: 3, records: 6 });
      const offsets: number[] = [];
      await segment.scan(0, (found) => offsets.push(found.baseOffset));
      expect(offsets).toEqual([0, 2, 3]);
    });

    it('takes the next when the one before is over, and shows nothing of it before', async () => {
      const segment = open();
      const first = append(segment, batch({ records: [{}, {}] }));
      const shown = segment.nextOffset;
      const second = append(segment, batch(), { baseOffset: 2 });
      expect((await first).status).toBe(AppendStatus.ok);
      expect((await second).status).toBe(shown === 0 ? AppendStatus.closed : AppendStatus.ok);
      await appendOk(segment, batch());
      expect(segment.nextOffset).toBe(shown === 0 ? 3 : 4);
    });

    it('ends one that is under way when the segment is closed', async () => {
      const segment = open();
      const under = append(segment, batch());
      await segment.close();
      expect([AppendStatus.ok, AppendStatus.closed]).toContain((await under).status);
    });

    it('refuses what is no whole batch', async () => {
      const segment = open();
      await appendOk(segment, batch());
      const whole = batch({ records: [{}, {}] });
      expect(await refused(segment, Buffer.alloc(0))).toBe(AppendStatus.corruptHeader);
      expect(await refused(segment, whole.subarray(0, 10))).toBe(AppendStatus.corruptHeader);
      expect(await refused(segment, whole.subarray(0, 60))).toBe(AppendStatus.corruptHeader);
      expect(await refused(segment, whole.subarray(0, whole.length - 1))).toBe(AppendStatus.corruptHeader);
      expect(await refused(segment, Buffer.concat([whole, Buffer.from([0])]))).toBe(AppendStatus.corruptHeader);
      expect(await refused(segment, batch({ length: 48 }))).toBe(AppendStatus.corruptHeader);
      expect(await refused(segment, batch({ length: -1 }))).toBe(AppendStatus.corruptHeader);
      expect(await refused(segment, batch({ length: 0x7fffffff }))).toBe(AppendStatus.corruptHeader);
      expect(await refused(segment, batch({ lastOffsetDelta: -1 }))).toBe(AppendStatus.corruptHeader);
      expect(await refused(segment, batch({ count: -1, lastOffsetDelta: 0 }))).toBe(AppendStatus.corruptHeader);
    });

    it.each([0, 1, 3, -1])('refuses magic %d', async (magic) => {
      expect(await refused(open(), batch({ magic }))).toBe(AppendStatus.unsupportedMagic);
    });

    it('refuses a wrong checksum, unless told that it was checked', async () => {
      const segment = open();
      const bytes = batch({ crcFlip: 1 });
      expect(await refused(segment, bytes)).toBe(AppendStatus.corruptChecksum);
      expect(await refused(segment, Buffer.concat([batch(), bytes]))).toBe(AppendStatus.corruptChecksum);
      expect((await append(segment, bytes, { checkCrc: false })).status).toBe(AppendStatus.ok);
    });

    it('refuses a batch over the limit, by its own size', async () => {
      const bytes = batch();
      expect(await refused(open(), bytes, { batchSizeMaxBytes: bytes.length - 1 })).toBe(AppendStatus.batchTooLarge);
      expect((await append(open({ baseOffset: 7 }), Buffer.concat([bytes, bytes]), { batchSizeMaxBytes: bytes.length })).status).toBe(AppendStatus.ok);
    });

    const lying: [string, BatchSpec, number][] = [
      ['more records than there are', { records: [{}, {}], count: 3 }, 2],
      ['fewer records than there are', { records: [{}, {}], count: 1 }, 1],
      ['a count that its offsets contradict', { records: [{}, {}], lastOffsetDelta: 2 }, 0],
      ['no record', { records: [], lastOffsetDelta: 0, baseTimestampMs: 1 }, 0],
      ['a wrong offset delta', { records: [{}, { offsetDelta: 5 }] }, 1],
      ['a record longer than it says', { records: [{ lengthDelta: -1 }] }, 0],
      ['a record shorter than it says', { records: [{}, { lengthDelta: 1 }] }, 1],
      ['a varint that never ends', { payload: new Uint8Array(12).fill(0xff), count: 1 }, 0],
      ['a codec that is none', { attributes: 5 }, 0],
    ];
    it.each(lying)('refuses a batch with %s', async (_what, spec, badRecordIndex) => {
      const { status, result } = await append(open(), batch(spec));
      expect({ status, badRecordIndex: result.badRecordIndex }).toEqual({ status: AppendStatus.invalidRecord, badRecordIndex });
    });

    it('lets compressed payloads be, but not their counts', async () => {
      const segment = open();
      const payload = Buffer.from('whatever a codec made');
      expect((await append(segment, batch({ attributes: 4, payload, count: 3, maxTimestampMs: 77 }))).result).toMatchObject({
        nextOffset: 3, maxTimestampMs: 77, offsetOfMaxTimestamp: 2,
      });
      expect(await refused(segment, batch({ attributes: 4, payload, count: 3, lastOffsetDelta: 3 }))).toBe(AppendStatus.invalidRecord);
    });

    it('asks for keys and for timestamps within bounds, and says which record fails', async () => {
      const segment = open();
      const keys = batch({ records: [{ key: 'a' }, { key: null }] });
      expect(await append(segment, keys, { requireKeys: true })).toMatchObject({ status: AppendStatus.missingKey, result: { badRecordIndex: 1 } });
      const late = Buffer.concat([batch({ records: [{ timestampMs: 50 }] }), batch({ records: [{ timestampMs: 50 }, { timestampMs: 99 }] })]);
      const bounds = { timestampMin: 10, timestampMax: 90 };
      expect(await append(segment, late, bounds)).toMatchObject({ status: AppendStatus.invalidTimestamp, result: { badRecordIndex: 2 } });
      expect(await append(segment, batch({ records: [{ timestampMs: 9 }] }), bounds)).toMatchObject({ status: AppendStatus.invalidTimestamp });
      expect(await append(segment, batch({ records: [{ timestampMs: -1 }] }), bounds)).toMatchObject({ status: AppendStatus.ok, result: { maxTimestampMs: -1, offsetOfMaxTimestamp: -1 } });
      expect(await append(segment, late, { ...bounds, logAppendTimeMs: 5 })).toMatchObject({ status: AppendStatus.ok });
    });

    it('refuses timestamps that JavaScript cannot hold, and append time that a producer claims', async () => {
      const segment = open();
      const huge = batch();
      huge.writeBigInt64BE(2n ** 60n, 35);
      expect(await refused(segment, huge, { checkCrc: false })).toBe(AppendStatus.invalidTimestamp);
      expect(await refused(segment, batch({ attributes: 8 }))).toBe(AppendStatus.invalidTimestamp);
    });

    it('stamps append time and renews the CRC', async () => {
      const segment = open();
      const payload = Buffer.from('compressed');
      const many = Buffer.concat([batch({ records: [{ timestampMs: 3 }, { timestampMs: 900 }] }), batch({ attributes: 1, payload, count: 2 })]);
      for (const checkCrc of [true, false]) {
        const before = segment.nextOffset;
        const result = await appendOk(segment, many, { logAppendTimeMs: 555, checkCrc });
        expect(result).toMatchObject({ maxTimestampMs: 555, offsetOfMaxTimestamp: before });
        const stored = readAll(segment).subarray(result.position);
        for (const at of [0, 12 + stored.readInt32BE(8)]) {
          expect(stored.readInt16BE(at + 21) & 8).toBe(8);
          expect(stored.readBigInt64BE(at + 35)).toBe(555n);
          expect(hasRightCrc(stored, at)).toBe(true);
        }
      }
    });

    it('puts a wrong maxTimestamp right and renews the CRC', async () => {
      const segment = open();
      const result = await appendOk(segment, batch({ records: [{ timestampMs: 3 }, { timestampMs: 900 }], maxTimestampMs: 4000 }));
      expect(result).toMatchObject({ maxTimestampMs: 900, offsetOfMaxTimestamp: 1 });
      const stored = readAll(segment);
      expect(stored.readBigInt64BE(35)).toBe(900n);
      expect(hasRightCrc(stored)).toBe(true);
    });

    it('keeps offsets and epochs where asked, gaps and empty batches included, and refuses steps back', async () => {
      const segment = open();
      const first = batch({ baseOffset: 4, leaderEpoch: 2, count: 1, lastOffsetDelta: 3, records: [{}], attributes: 1, payload: Buffer.from('x') });
      const second = batch({ baseOffset: 20, leaderEpoch: 3, records: [], payload: Buffer.alloc(0), count: 0, lastOffsetDelta: 1 });
      const result = await appendOk(segment, Buffer.concat([first, second]), { keepOffsets: true, baseOffset: 999 });
      expect(result).toMatchObject({ nextOffset: 22, batches: 2 });
      expect(readAll(segment)).toEqual(Buffer.concat([first, second]));
      expect(await refused(segment, batch({ baseOffset: 21 }), { keepOffsets: true })).toBe(AppendStatus.offsetOutOfOrder);
      expect(await refused(segment, Buffer.concat([batch({ baseOffset: 30 }), batch({ baseOffset: 30 })]), { keepOffsets: true })).toBe(AppendStatus.offsetOutOfOrder);
      expect(await refused(segment, batch(), { baseOffset: 21 })).toBe(AppendStatus.offsetOutOfOrder);
      expect((await append(segment, batch(), { baseOffset: 40 })).result.nextOffset).toBe(41);
    });

    it('refuses offsets that an index entry or JavaScript cannot hold', async () => {
      const segment = open();
      const keep = { keepOffsets: true };
      expect(await refused(segment, batch(), { baseOffset: 2 ** 31 })).toBe(AppendStatus.offsetOutOfOrder);
      expect(await refused(segment, batch({ baseOffset: 2 ** 31 - 1, records: [{}, {}] }), keep)).toBe(AppendStatus.offsetOutOfOrder);
      expect(await refused(segment, batch(), { baseOffset: Number.MAX_SAFE_INTEGER })).toBe(AppendStatus.offsetOutOfOrder);
      const negative = batch();
      negative.writeBigInt64BE(-5n, 0);
      expect(await refused(segment, negative, keep)).toBe(AppendStatus.offsetOutOfOrder);
      const huge = batch();
      huge.writeBigInt64BE(2n ** 63n - 1n, 0);
      expect(await refused(segment, huge, keep)).toBe(AppendStatus.offsetOutOfOrder);
    });

    it('answers closed once sealed, closed or read-only', async () => {
      const segment = open();
      await appendOk(segment, batch());
      const reader = open({ readOnly: true });
      expect((await append(reader, batch())).status).toBe(AppendStatus.closed);
      segment.seal();
      expect((await append(segment, batch())).status).toBe(AppendStatus.closed);
      await segment.close();
      expect((await append(segment, batch(), { baseOffset: 1 })).status).toBe(AppendStatus.closed);
      await reader.close();
    });
  });

  describe('views', () => {
    it('cut to the valid end, and see what is appended later in a new view only', async () => {
      const segment = open();
      await appendOk(segment, batch());
      const size = segment.sizeBytes;
      const view = segment.view(size - 10, 1000);
      expect(view.bytes.length).toBe(10);
      await appendOk(segment, batch());
      expect(view.bytes.length).toBe(10);
      expect(segment.view(size * 2, 10).bytes.length).toBe(0);
      const later = segment.view(0, 1e9);
      expect(later.bytes.length).toBe(size * 2);
      expect(view.intact && later.intact).toBe(true);
      view.release();
      later.release();
      expect(() => view.release()).toThrow(/released once/);
    });

    it('outlive close, rename and delete of their segment until they are released', async () => {
      const segment = open();
      await appendOk(segment, batch({ records: [{ value: 'v'.repeat(70_000) }] }));
      const expected = readAll(segment);
      const views = [segment.view(0, 1e6), segment.view(5, 50_000), segment.view(0, 100)];
      segment.rename('.deleted');
      await segment.delete();
      expect(await disk.list(folder)).toEqual([]);
      expect(views[0]!.bytes.equals(expected)).toBe(true);
      expect(views[1]!.bytes.equals(expected.subarray(5, 50_005))).toBe(true);
      expect(views[2]!.bytes.equals(expected.subarray(0, 100))).toBe(true);
      for (const view of views) view.release();
    });

    it('of many sizes and places agree with the bytes appended, over several windows', async () => {
      const segment = open();
      const parts: Buffer[] = [];
      for (let index = 0; index < 24; index++) {
        await appendOk(segment, batch({ records: [{ value: String.fromCharCode(97 + index).repeat(700_000) }] }));
        const from = Math.max(0, segment.sizeBytes - 900_000);
        const view = segment.view(from, 900_000);
        parts.push(Buffer.from(view.bytes.subarray(view.bytes.length - 100)));
        view.release();
      }
      const everything = readAll(segment);
      expect(everything.length).toBe(segment.sizeBytes);
      for (let position = 0; position < everything.length; position += 1_300_001) {
        const view = segment.view(position, 5_000_000);
        expect(view.bytes.equals(everything.subarray(position, position + 5_000_000))).toBe(true);
        view.release();
      }
      expect(parts[0]!.length).toBe(100);
    });

    it('say that what was just written is resident, and load it', async () => {
      const segment = open();
      await appendOk(segment, batch());
      expect(segment.isResident(0, segment.sizeBytes)).toBe(true);
      await new Promise<void>((resolve) => segment.load(0, segment.sizeBytes, resolve));
      expect(segment.isResident(0, 1e9)).toBe(true);
    });
  });

  describe('truncate', () => {
    it('cuts to a batch boundary, with a view in flight, and goes on from there', async () => {
      const segment = open({ indexIntervalBytes: 100 });
      const ends: number[] = [];
      for (let index = 0; index < 40; index++) {
        await appendOk(segment, batch({ records: [{ timestampMs: 1000 + index, value: 'x'.repeat(300) }] }));
        ends.push(segment.sizeBytes);
      }
      const before = readAll(segment);
      const view = segment.view(0, before.length);
      const windowed = segment.view(0, 20);
      await segment.truncate(ends[9]!);
      expect(segment).toMatchObject({ sizeBytes: ends[9], nextOffset: 10, maxTimestampMs: 1009, offsetOfMaxTimestamp: 9 });
      await appendOk(segment, batch({ records: [{ timestampMs: 1, value: 'y'.repeat(5000) }] }));
      expect(view.bytes.equals(before)).toBe(true);
      expect(windowed.bytes.equals(before.subarray(0, 20))).toBe(true);
      expect(view.intact).toBe(true);
      view.release();
      windowed.release();
      expect(readAll(segment).subarray(0, ends[9])).toEqual(before.subarray(0, ends[9]));
      expect(await bytesOf(`${stem}.log`)).toEqual(readAll(segment));
      const found = emptyPosition();
      expect(segment.locateOffset(10, found) && found.position).toBe(ends[9]);
      expect(segment.locateTimestamp(1010, 0, found)).toBe(false);
      expect(await segment.scan(0, () => {})).toMatchObject({ batches: 11, stopReason: '' });
    });

    it('to nothing is like new, and opens a sealed segment again', async () => {
      const segment = open();
      await appendOk(segment, batch());
      segment.seal();
      await segment.truncate(0);
      expect(segment).toMatchObject({ sizeBytes: 0, nextOffset: 0, maxTimestampMs: -1, offsetOfMaxTimestamp: -1, firstBatchTimestampMs: -1 });
      expect((await appendOk(segment, batch())).position).toBe(0);
      await segment.close();
    });

    it('refuses a place where no batch ends', async () => {
      const segment = open();
      await appendOk(segment, batch());
      await expect(segment.truncate(segment.sizeBytes - 1)).rejects.toMatchObject({ code: 'EINVAL' });
      expect(segment.nextOffset).toBe(1);
    });
  });

  describe('scan', () => {
    async function filled(): Promise<{ segment: Segment; ends: number[] }> {
      const segment = open();
      const ends: number[] = [];
      for (let index = 0; index < 10; index++) {
        const spec = { producerId: 70 + index, producerEpoch: 3, baseSequence: index * 2, records: [{ timestampMs: index * 10 }, { timestampMs: index }] };
        await appendOk(segment, batch(spec));
        ends.push(segment.sizeBytes);
      }
      return { segment, ends };
    }

    it('visits every batch in order, with what recovery needs', async () => {
      const { segment, ends } = await filled();
      const seen: ScannedBatch[] = [];
      const result = await segment.scan(0, (found) => seen.push({ ...found }));
      expect(result).toEqual({ validBytes: ends[9], nextOffset: 20, batches: 10, stopReason: '' });
      const { position, sizeBytes, baseOffset, lastOffset, maxTimestampMs, leaderEpoch, attributes, producerId, producerEpoch, baseSequence, records } = seen[3]!;
      expect({ position, sizeBytes, baseOffset, lastOffset, maxTimestampMs, leaderEpoch, attributes, producerId, producerEpoch, baseSequence, records }).toEqual({
        position: ends[2], sizeBytes: ends[3]! - ends[2]!, baseOffset: 6, lastOffset: 7, maxTimestampMs: 30, leaderEpoch: 5, attributes: 0,
        producerId: 73, producerEpoch: 3, baseSequence: 6, records: 2,
      });
      const tail: number[] = [];
      expect(await segment.scan(ends[7]!, (found) => tail.push(found.baseOffset))).toEqual({ validBytes: ends[9], nextOffset: 20, batches: 2, stopReason: '' });
      expect(tail).toEqual([16, 18]);
      expect(await segment.scan(ends[9]!, () => {})).toEqual({ validBytes: ends[9], nextOffset: 20, batches: 0, stopReason: '' });
    });

    it.each([1, 30, 60, 61, 80])('ends at a tail torn by all but %d bytes', async (left) => {
      const { segment, ends } = await filled();
      await segment.close();
      await under.resize(`${folder}/${stem}.log`, ends[8]! + left);
      const torn = open();
      expect(torn.sizeBytes).toBe(ends[8]! + left);
      expect(torn.nextOffset).toBe(18);
      expect(await torn.scan(0, () => {})).toEqual({ validBytes: ends[8], nextOffset: 18, batches: 9, stopReason: left === 1 ? 'zeros' : 'torn' });
      await torn.truncate(ends[8]!);
      await torn.rebuildIndexes();
      expect(torn).toMatchObject({ nextOffset: 18, maxTimestampMs: 80, offsetOfMaxTimestamp: 17, firstBatchTimestampMs: 0 });
      expect((await appendOk(torn, batch())).nextOffset).toBe(19);
    });

    it('ends at zeros after the data', async () => {
      const { segment, ends } = await filled();
      await segment.close();
      await under.resize(`${folder}/${stem}.log`, ends[9]! + 5000);
      expect(await open().scan(0, () => {})).toEqual({ validBytes: ends[9], nextOffset: 20, batches: 10, stopReason: 'zeros' });
      await under.overwrite(`${folder}/${stem}.log`, ends[9]! + 4999, Uint8Array.of(1));
      expect(await open().scan(0, () => {})).toEqual({ validBytes: ends[9], nextOffset: 20, batches: 10, stopReason: 'corrupt' });
    });

    it.each([0, 9, 16, 18, 22, 26, 60, 70])('ends at a batch with a wrong bit in byte %d', async (at) => {
      const { segment, ends } = await filled();
      const start = ends[4]!;
      const byte = readAll(segment)[start + at]!;
      await segment.close();
      await under.overwrite(`${folder}/${stem}.log`, start + at, Uint8Array.of(byte ^ 0x40));
      const result = await open().scan(0, () => {});
      expect(result).toMatchObject({ validBytes: start, nextOffset: 10, batches: 5 });
      expect(result.stopReason).not.toBe('');
    });

    it('checks batches larger than its buffers, and thousands of them', async () => {
      const segment = open();
      const limit = { batchSizeMaxBytes: 8 << 20 };
      await appendOk(segment, batch({ records: [{ value: 'z'.repeat(3_000_000) }] }), limit);
      for (let index = 0; index < 2500; index++) await appendOk(segment, batch());
      await appendOk(segment, batch({ records: [{ value: 'z'.repeat(2_000_000) }] }), limit);
      let batches = 0;
      expect(await segment.scan(0, () => batches++)).toMatchObject({ batches: 2502, stopReason: '', validBytes: segment.sizeBytes });
      expect(batches).toBe(2502);
    });
  });

  describe('indexes', () => {
    async function filled(changes: Partial<SegmentOptions> = {}): Promise<Segment> {
      const segment = open({ indexIntervalBytes: 500, ...changes });
      for (let index = 0; index < 300; index++) {
        const timestampMs = 1000 + ((index * 7919) % 400);
        await appendOk(segment, batch({ records: Array.from({ length: 1 + (index % 3) }, () => ({ timestampMs, value: 'v'.repeat(index % 90) })) }));
      }
      return segment;
    }
    const entries = (bytes: Buffer): [number, number][] =>
      Array.from({ length: bytes.length / 8 }, (_, entry) => [bytes.readInt32BE(entry * 8), bytes.readInt32BE(entry * 8 + 4)]);

    it("follow Kafka's rule: an entry with a batch's last offset once more than the interval lies since the last one", async () => {
      const segment = await filled({ baseOffset: 50 });
      segment.seal();
      const expected: [number, number][] = [];
      const times: [number, number][] = [];
      let lastIndexed = 0;
      let largest: [number, number] = [-1, -1];
      await segment.scan(0, (found) => {
        if (found.maxTimestampMs > largest[0]) largest = [found.maxTimestampMs, found.lastOffset - 50];
        if (found.position - lastIndexed <= 500) return;
        expected.push([found.lastOffset - 50, found.position]);
        if (largest[0] > (times.at(-1)?.[0] ?? -1)) times.push(largest);
        lastIndexed = found.position;
      });
      if (largest[0] > (times.at(-1)?.[0] ?? -1)) times.push(largest);
      expect(expected.length).toBeGreaterThan(20);
      expect(entries(await bytesOf('00000000000000000050.index'))).toEqual(expected);
      const time = await bytesOf('00000000000000000050.timeindex');
      expect(Array.from({ length: time.length / 12 }, (_, entry) => [Number(time.readBigInt64BE(entry * 12)), time.readInt32BE(entry * 12 + 8)])).toEqual(times);
    });

    it('are the same after a reopen and after a rebuild', async () => {
      const segment = await filled();
      const figures = [segment.maxTimestampMs, segment.offsetOfMaxTimestamp, segment.firstBatchTimestampMs];
      await segment.close();
      const before = [await bytesOf(`${stem}.index`), await bytesOf(`${stem}.timeindex`)];
      const again = open({ indexIntervalBytes: 500 });
      expect(again.indexesLookSane()).toBe(true);
      expect(again.nextOffset).toBe(600);
      expect([again.maxTimestampMs, again.offsetOfMaxTimestamp, again.firstBatchTimestampMs]).toEqual(figures);
      await again.rebuildIndexes();
      await again.close();
      expect([await bytesOf(`${stem}.index`), await bytesOf(`${stem}.timeindex`)]).toEqual(before);
    });

    it('go on after a reopen as if nothing had happened', async () => {
      const more = batch({ records: [{ timestampMs: 9000, value: 'm'.repeat(400) }] });
      const one = await filled();
      for (let index = 0; index < 5; index++) await appendOk(one, more);
      await one.close();
      const straight = await bytesOf(`${stem}.index`);
      await disk.remove(folder);
      await disk.makeDirectory(folder);
      await (await filled()).close();
      const two = open({ indexIntervalBytes: 500 });
      for (let index = 0; index < 5; index++) await appendOk(two, more);
      await two.close();
      expect(await bytesOf(`${stem}.index`)).toEqual(straight);
    });

    const damages: [string, (index: Buffer) => Buffer | null][] = [
      ['missing', () => null],
      ['of no whole entries', (index) => index.subarray(0, index.length - 3)],
      ['cut', (index) => index.subarray(0, 80)],
      ['padded with zeros', (index) => Buffer.concat([index, Buffer.alloc(80)])],
      ['pointing past the log', (index) => Buffer.concat([index, Buffer.from([0, 1, 0, 0, 0x7f, 0, 0, 0])])],
      ['pointing between batches', (index) => {
        const twisted = Buffer.from(index);
        twisted.writeInt32BE(twisted.readInt32BE(twisted.length - 4) - 1, twisted.length - 4);
        return twisted;
      }],
      ['of another log', (index) => Buffer.alloc(index.length, 0x11)],
    ];
    it.each(damages)('that are %s look wrong, still find everything, and are mended by a rebuild', async (_what, damage) => {
      const segment = await filled();
      await segment.close();
      const right = await bytesOf(`${stem}.index`);
      const broken = damage(right);
      await disk.remove(`${folder}/${stem}.index`);
      if (broken !== null) await disk.writeFile(`${folder}/${stem}.index`, broken);
      const again = open({ indexIntervalBytes: 500 });
      const found = emptyPosition();
      for (const offset of [0, 1, 299, 300, 598, 599]) {
        expect(again.locateOffset(offset, found) && found.baseOffset <= offset && offset <= found.lastOffset).toBe(true);
      }
      expect(again.nextOffset).toBe(600);
      expect(again.indexesLookSane()).toBe(false);
      await again.rebuildIndexes();
      expect(again.indexesLookSane()).toBe(true);
      await again.close();
      expect(await bytesOf(`${stem}.index`)).toEqual(right);
    });

    it('tell when they are full, and appends go on', async () => {
      const segment = open({ indexIntervalBytes: 50, indexSizeMaxBytes: 48 });
      for (let index = 0; index < 3; index++) {
        expect(segment.indexFull).toBe(false);
        await appendOk(segment, batch({ records: [{ timestampMs: 5000 + index }] }));
      }
      for (let index = 0; index < 9; index++) await appendOk(segment, batch({ records: [{ timestampMs: 6000 + index }] }));
      expect(segment.indexFull).toBe(true);
      const found = emptyPosition();
      expect(segment.locateOffset(11, found) && found.lastOffset).toBe(11);
      segment.seal();
      expect((await bytesOf(`${stem}.index`)).length).toBeLessThanOrEqual(48);
      expect((await bytesOf(`${stem}.timeindex`)).length).toBe(48);
    });

    it('of a read-only segment are read and never written', async () => {
      await (await filled()).close();
      const names = (await disk.list(folder)).map((entry) => [entry.name, entry.sizeBytes]);
      const reader = open({ indexIntervalBytes: 500, readOnly: true });
      const found = emptyPosition();
      expect(reader.locateOffset(250, found)).toBe(true);
      expect(reader.nextOffset).toBe(600);
      await reader.close();
      expect((await disk.list(folder)).map((entry) => [entry.name, entry.sizeBytes])).toEqual(names);
      expect(() => open({ baseOffset: 777, readOnly: true })).toThrow(DiskError);
    });
  });

  describe('files', () => {
    it('of a segment take suffixes and follow their folder', async () => {
      const segment = open({ suffix: '.cleaned' });
      await appendOk(segment, batch());
      expect((await disk.list(folder)).map((entry) => entry.name)).toEqual([`${stem}.index.cleaned`, `${stem}.log.cleaned`, `${stem}.timeindex.cleaned`]);
      segment.rename('.swap');
      segment.rename('');
      await disk.rename(folder, `${under.root}/t-0.abc-delete`);
      await appendOk(segment, batch());
      expect(await sync(disk, [segment])).toBeNull();
      await segment.close();
      folder = `${under.root}/t-0.abc-delete`;
      const files = await disk.list(folder);
      expect(files.map((entry) => entry.name)).toEqual([`${stem}.index`, `${stem}.log`, `${stem}.timeindex`]);
      expect(files[1]!.sizeBytes).toBe(segment.sizeBytes);
      const again = open();
      expect(again.nextOffset).toBe(2);
      await again.delete();
      expect(await disk.list(folder)).toEqual([]);
    });

    it('are listed by name, read with a limit, written whole, removed with all in it', async () => {
      await disk.makeDirectory(`${under.root}/b/c`);
      await disk.writeFileAtomic(`${under.root}/b/two`, Buffer.from('2'));
      await disk.writeFile(`${under.root}/b/one`, Buffer.from('11'));
      await disk.writeFileAtomic(`${under.root}/b/one`, Buffer.from('111'));
      await disk.syncDirectory(`${under.root}/b`);
      expect(await disk.list(`${under.root}/b`)).toEqual([
        { name: 'c', isDirectory: true, sizeBytes: 0 },
        { name: 'one', isDirectory: false, sizeBytes: 3 },
        { name: 'two', isDirectory: false, sizeBytes: 1 },
      ]);
      expect(String(await disk.readFile(`${under.root}/b/one`, 3))).toBe('111');
      await expect(disk.readFile(`${under.root}/b/one`, 2)).rejects.toMatchObject({ code: 'EFBIG' });
      expect(await disk.readFile(`${under.root}/b/none`, 2)).toBeNull();
      await expect(disk.list(`${under.root}/none`)).rejects.toMatchObject({ code: 'ENOENT' });
      await disk.link(`${under.root}/b/one`, `${under.root}/b/link`);
      await expect(disk.link(`${under.root}/b/one`, `${under.root}/b/two`)).rejects.toMatchObject({ code: 'EEXIST' });
      await disk.writeFile(`${under.root}/b/one`, Buffer.from('other'));
      expect(String(await disk.readFile(`${under.root}/b/link`, 3))).toBe('111');
      await disk.remove(`${under.root}/b`);
      await disk.remove(`${under.root}/b`);
      await expect(disk.list(`${under.root}/b`)).rejects.toBeInstanceOf(DiskError);
      await expect(disk.rename(`${under.root}/b`, `${under.root}/d`)).rejects.toMatchObject({ code: 'ENOENT' });
      expect(await disk.freeBytes(under.root)).toBeGreaterThan(0);
      expect(await disk.totalBytes(under.root)).toBeGreaterThanOrEqual(await disk.freeBytes(under.root));
      expect(() => disk.openSegment(segmentOptions(`${under.root}/nowhere`))).toThrow(expect.objectContaining({ code: 'ENOENT' }));
    });

    it('are read many folders at a time as one by one', async () => {
      const { root } = under;
      const names = ['a', 'b.snapshot', 'c.snapshot', 'é€😀.snapshot', 'large.snapshot', 'd.snapshot.tmp', '.snapshot'];
      await disk.makeDirectory(`${root}/m`);
      await disk.makeDirectory(`${root}/m/e.snapshot`);
      await disk.makeDirectory(`${root}/n`);
      for (const name of names) await disk.writeFile(`${root}/m/${name}`, Buffer.from(name === 'large.snapshot' ? 'x'.repeat(101) : name));
      if (disk.readFolders === undefined) return;
      const [filled, none, empty, file] = await disk.readFolders([`${root}/m`, `${root}/none`, `${root}/n`, `${root}/m/a`], ['a', '*.snapshot', 'e.snapshot', 'absent'], 100);
      expect(filled).toMatchObject({ entries: await disk.list(`${root}/m`) });
      const read = (filled as FolderContent).files;
      expect([...read.keys()].sort()).toEqual(['.snapshot', 'a', 'b.snapshot', 'c.snapshot', 'é€😀.snapshot'].sort());
      for (const [name, bytes] of read) expect(bytes).toEqual(await disk.readFile(`${root}/m/${name}`, 100));
      expect(none).toMatchObject({ name: 'DiskError', code: 'ENOENT', path: `${root}/none` });
      expect(empty).toEqual({ entries: [], files: new Map() });
      expect(file).toMatchObject({ code: 'ENOTDIR' });
      expect(await disk.readFolders([], [], 0)).toEqual([]);
    });

    it('become durable together, sealed ones and idle ones included', async () => {
      const segments = await Promise.all([0, 1, 2, 3].map(async (partition) => {
        await disk.makeDirectory(`${under.root}/s-${partition}`);
        const segment = disk.openSegment(segmentOptions(`${under.root}/s-${partition}`));
        await appendOk(segment, batch());
        return segment;
      }));
      segments[1]!.seal();
      const results = await Promise.all([sync(disk, segments), sync(disk, [segments[0]!]), sync(disk, []), sync(disk, segments)]);
      expect(results).toEqual([null, null, null, null]);
      await segments[2]!.close();
      expect(await sync(disk, segments)).toBeNull();
    });
  });

  it('locks exclude each other until they are released', async () => {
    const path = `${under.root}/.lock`;
    const lock = await disk.lock(path);
    await expect(disk.lock(path)).rejects.toMatchObject({ code: 'ELOCKED', message: expect.stringContaining('this process') });
    await lock.release();
    await lock.release();
    await (await disk.lock(path)).release();
  });
});

describe('a full disk', () => {
  const makers: [string, () => Disk][] = diskKinds
    .filter((kind) => kind.name !== 'memory')
    .map((kind) => [kind.name, kind.name === portableKind.name ? () => new PortableDisk() : () => openDisk({ core: 'native' })]);

  it.each(makers)('refuses appends on the %s disk, cuts what was torn, and serves deletes', async (_name, make) => {
    const small = smallFileSystem(300_000);
    if (small === null) {
      console.log('SKIPPED: a full disk needs the right to mount one');
      return;
    }
    const disk = make();
    try {
      await disk.makeDirectory(`${small.path}/t-0`);
      const options = segmentOptions(`${small.path}/t-0`);
      const old = disk.openSegment(options);
      await appendOk(old, batch({ records: [{ value: 'o'.repeat(50_000) }] }));
      old.seal();
      const segment = disk.openSegment({ ...options, baseOffset: 100 });
      const bytes = batch({ records: [{ value: 'x'.repeat(30_000) }] });
      let status: AppendStatus = AppendStatus.ok;
      while (status === AppendStatus.ok) ({ status } = await append(segment, bytes));
      expect(status).toBe(AppendStatus.diskFull);
      expect(segment.failed).toBe(false);
      const { sizeBytes, nextOffset } = segment;
      expect((await disk.list(options.directory)).find((entry) => entry.name.endsWith('100.log'))?.sizeBytes).toBe(sizeBytes);
      await old.delete();
      expect((await appendOk(segment, bytes)).nextOffset).toBe(nextOffset + 1);
      expect(await segment.scan(0, () => {})).toMatchObject({ stopReason: '', validBytes: segment.sizeBytes });
      await segment.close();
    } finally {
      await disk.close();
      small.unmount();
    }
  });
});

describe('records of the test builder', () => {
  it('are what the format says', () => {
    expect([...recordBytes({ timestampMs: 1001, key: 'k', value: null, headers: [['h', 'v']] }, 2, 1000)]).toEqual([
      22, 0, 2, 4, 2, 107, 1, 2, 2, 104, 2, 118,
    ]);
  });
});
