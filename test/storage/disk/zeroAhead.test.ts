/** Zeros that the addon keeps ahead of synced appends: seen in the file while it is appended to, and never afterwards. */
import { copyFileSync, mkdirSync, readFileSync, renameSync, statSync } from 'node:fs';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppendStatus } from '../../../src/base/disk.ts';
import type { Disk, Segment } from '../../../src/base/disk.ts';
import { loadNativeCore, whyNotNative } from '../../../src/binding/addon.ts';
import { NativeDisk } from '../../../src/storage/disk/native.ts';
import type { NativeDiskOptions } from '../../../src/storage/disk/native.ts';
import { openLogs, openLogsReadOnly } from '../../../src/storage/index.ts';
import { batch } from '../../contract/disk/batches.ts';
import { append, appendOk, readAll, segmentOptions, smallFileSystem, sync, temporaryFolder } from '../../contract/disk/fixture.ts';

const core = loadNativeCore();
if (core === null) console.log(`SKIPPED: zeros ahead of appends: ${whyNotNative()}`);
const MEBIBYTE = 1 << 20;

describe.skipIf(core === null).each(['never', 'always'] as const)('zeros ahead of appends, threads write: %s', (handOffAppends) => {
  let folder: ReturnType<typeof temporaryFolder>;
  let disk: Disk;

  const begin = (options: NativeDiskOptions = {}): NativeDisk => new NativeDisk(core!, { zeroAhead: 'always', handOffAppends, ...options });
  beforeEach(() => {
    folder = temporaryFolder();
    mkdirSync(`${folder.path}/t-0`);
    disk = begin();
  });
  afterEach(async () => {
    await disk.close();
    folder.remove();
  });

  const logPath = (name = 't-0'): string => `${folder.path}/${name}/00000000000000000000.log`;
  const open = (changes = {}): Segment => disk.openSegment(segmentOptions(`${folder.path}/t-0`, { preallocateBytes: 8 * MEBIBYTE, ...changes }));
  const small = batch({ records: [{ value: 'small' }] });

  async function appendSynced(segment: Segment, times: number, bytes = small): Promise<void> {
    for (let index = 0; index < times; index++) {
      await appendOk(segment, bytes);
      expect(await sync(disk, [segment])).toBeNull();
    }
  }

  /** Zeros come on another thread. */
  async function grown(segment: Segment): Promise<void> {
    await expect.poll(() => statSync(logPath()).size).toBeGreaterThan(segment.sizeBytes);
  }

  it('lie behind the records while it is appended to, and go when it is closed', async () => {
    const segment = open();
    await appendSynced(segment, 10);
    await grown(segment);
    const bytes = readAll(segment);
    const file = readFileSync(logPath());
    expect(file.subarray(0, bytes.length)).toEqual(bytes);
    expect(file.subarray(bytes.length).every((byte) => byte === 0)).toBe(true);
    expect(await segment.scan(0, () => {})).toMatchObject({ batches: 10, stopReason: '' });
    await segment.close();
    expect(readFileSync(logPath())).toEqual(bytes);
    const again = open();
    expect(again).toMatchObject({ sizeBytes: bytes.length, nextOffset: 10 });
    await appendSynced(again, 3);
    expect(await again.scan(0, () => {})).toMatchObject({ batches: 13, stopReason: '' });
    await again.close();
  });

  it('go at once when it is sealed', async () => {
    const segment = open();
    await appendSynced(segment, 5);
    await grown(segment);
    segment.seal();
    expect(statSync(logPath()).size).toBe(segment.sizeBytes);
    expect(await sync(disk, [segment])).toBeNull();
    await segment.close();
  });

  it('are what a scan after a crash ends at', async () => {
    const segment = open();
    await appendSynced(segment, 7);
    await grown(segment);
    mkdirSync(`${folder.path}/crashed-0`);
    copyFileSync(logPath(), logPath('crashed-0'));
    const left = disk.openSegment(segmentOptions(`${folder.path}/crashed-0`));
    const validBytes = segment.sizeBytes;
    expect(await left.scan(0, () => {})).toEqual({ validBytes, nextOffset: 7, batches: 7, stopReason: 'zeros' });
    await left.truncate(validBytes);
    await left.rebuildIndexes();
    expect((await appendOk(left, small)).nextOffset).toBe(8);
    await left.close();
    await segment.close();
  });

  it('never come after the segment is full, and not where nothing is synced', async () => {
    const unsynced = open();
    for (let index = 0; index < 10; index++) await appendOk(unsynced, small);
    expect(statSync(logPath()).size).toBe(unsynced.sizeBytes);
    await unsynced.close();
    const full = open({ segmentSizeMaxBytes: 1000, baseOffset: 10 });
    await appendSynced(full, 40);
    await full.close();
    expect(statSync(`${folder.path}/t-0/00000000000000000010.log`).size).toBe(40 * small.length);
  });

  it('never come over records, whatever is appended, cut, sealed and closed meanwhile', async () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ kind: fc.constant('append' as const), length: fc.integer({ min: 1, max: 300_000 }), times: fc.integer({ min: 1, max: 6 }) }) },
      { weight: 4, arbitrary: fc.constant({ kind: 'sync' as const }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('cut' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }) },
      { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
    );
    let run = 0;
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), async (steps) => {
      const baseOffset = (run += 1) * 1_000_000;
      let segment = open({ baseOffset });
      let model: Buffer[] = [];
      for (const one of steps) {
        if (one.kind === 'append') {
          for (let index = 0; index < one.times; index++) {
            const { position } = await appendOk(segment, batch({ records: [{ value: String.fromCharCode(97 + (model.length % 26)).repeat(one.length) }] }));
            const view = segment.view(position, segment.sizeBytes - position);
            model.push(Buffer.from(view.bytes));
            view.release();
          }
        } else if (one.kind === 'sync') {
          expect(await sync(disk, [segment])).toBeNull();
        } else if (one.kind === 'cut') {
          model = model.slice(0, Math.floor(model.length * one.part));
          await segment.truncate(model.reduce((sum, { length }) => sum + length, 0));
        } else {
          segment.seal();
          await segment.close();
          expect(statSync(`${folder.path}/t-0/${String(baseOffset).padStart(20, '0')}.log`).size).toBe(model.reduce((sum, { length }) => sum + length, 0));
          segment = open({ baseOffset });
        }
      }
      expect(readAll(segment).equals(Buffer.concat(model))).toBe(true);
      expect(await segment.scan(0, () => {})).toMatchObject({ batches: model.length, stopReason: '' });
      await segment.delete();
    }), { numRuns: 15 });
  });

  it('do not come into another file that has taken the name', async () => {
    const segment = open();
    await appendSynced(segment, 4);
    renameSync(`${folder.path}/t-0`, `${folder.path}/t-0-delete`);
    mkdirSync(`${folder.path}/t-0`);
    const other = open();
    for (let index = 0; index < 3; index++) await appendOk(other, small);
    await appendSynced(segment, 20, batch({ records: [{ value: 'x'.repeat(20_000) }] }));
    await segment.close();
    expect(readFileSync(logPath())).toEqual(readAll(other));
    await other.close();
  });

  it('leave the rest of a full disk to the records', async () => {
    const tiny = smallFileSystem(MEBIBYTE);
    if (tiny === null) return console.log('SKIPPED: a full disk cannot be mounted here');
    try {
      mkdirSync(`${tiny.path}/t-0`);
      const segment = disk.openSegment(segmentOptions(`${tiny.path}/t-0`, { preallocateBytes: 8 * MEBIBYTE }));
      const bytes = batch({ records: [{ value: 'y'.repeat(30_000) }] });
      let written = 0;
      for (;;) {
        const { status } = await append(segment, bytes);
        if (status === AppendStatus.diskFull) break;
        expect(status).toBe(AppendStatus.ok);
        written += 1;
        expect(await sync(disk, [segment])).toBeNull();
      }
      expect(written * bytes.length).toBeGreaterThan(MEBIBYTE * 0.8);
      expect(await segment.scan(0, () => {})).toMatchObject({ batches: written, stopReason: '' });
      await segment.truncate(bytes.length);
      await appendSynced(segment, 3, bytes);
      expect(await segment.scan(0, () => {})).toMatchObject({ batches: 4, stopReason: '' });
      await segment.close();
    } finally {
      tiny.unmount();
    }
  });

  it('are no records to who reads beside the writer', async () => {
    const root = `${folder.path}/store`;
    const logs = await openLogs(root, { disk, settings: { durability: 'everyAppend' } });
    const log = await logs.open('a');
    const appendAll = async (values: readonly string[]): Promise<void> => {
      for (const value of values) await log.append({ value }).durable;
    };
    await appendAll(['1', '2', '3']);
    const path = `${root}/a-0/00000000000000000000.log`;
    await expect.poll(() => statSync(path).size).toBeGreaterThan(10_000);
    const beside = await openLogsReadOnly(root, { disk: begin() });
    const reader = await beside.open('a');
    const read = async (): Promise<string[]> => {
      await reader.refresh();
      const found: string[] = [];
      for await (const { value } of reader.read()) found.push(String(value));
      return found;
    };
    expect(await read()).toEqual(['1', '2', '3']);
    await appendAll(['4', '5']);
    await expect.poll(read).toEqual(['1', '2', '3', '4', '5']);
    await beside.close();
    await logs.close();
    expect(statSync(path).size).toBeLessThan(1000);
  });
});
