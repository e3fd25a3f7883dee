import { describe, expect, it } from 'vitest';
import { AppendStatus } from '../../../src/base/disk.ts';
import { MemoryDisk } from '../../../src/storage/disk/memory.ts';
import { batch } from '../../contract/disk/batches.ts';
import { append, appendOk, readAll, seededRandom, segmentOptions, sync } from '../../contract/disk/fixture.ts';

async function diskWithSegment(seed = 3) {
  const disk = new MemoryDisk({ random: seededRandom(seed) });
  await disk.makeDirectory('/data/t-0');
  await disk.syncDirectory('/data');
  await disk.syncDirectory('/');
  const segment = disk.openSegment(segmentOptions('/data/t-0'));
  return { disk, segment };
}

describe('MemoryDisk faults', () => {
  it('keeps what was synced and some prefix or part of the rest after a crash', async () => {
    let lost = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const { disk, segment } = await diskWithSegment(seed);
      await disk.syncDirectory('/data/t-0');
      await appendOk(segment, batch());
      expect(await sync(disk, [segment])).toBeNull();
      const durable = readAll(segment);
      await appendOk(segment, batch({ records: [{ value: 'x'.repeat(9000) }] }));
      const before = readAll(segment);
      const after = disk.crash().openSegment(segmentOptions('/data/t-0'));
      const survived = readAll(after);
      expect(survived.subarray(0, durable.length)).toEqual(durable);
      const scanned = await after.scan(0, () => {});
      if (survived.equals(before)) expect(scanned.batches).toBe(2);
      else {
        lost++;
        expect(scanned).toMatchObject({ validBytes: durable.length, nextOffset: 1, batches: 1 });
      }
    }
    expect(lost).toBeGreaterThan(5);
    expect(lost).toBeLessThan(40);
  });

  it('forgets a file whose directory entry was never synced, in some crashes', async () => {
    const fates = new Set<boolean>();
    for (let seed = 1; seed <= 20; seed++) {
      const { disk, segment } = await diskWithSegment(seed);
      await appendOk(segment, batch());
      await sync(disk, [segment]);
      fates.add((await disk.crash().list('/data/t-0').catch(() => [])).length > 0);
    }
    expect(fates).toEqual(new Set([true, false]));
  });

  it('undoes a rename whose directory was not synced, and keeps one whose was', async () => {
    const { disk } = await diskWithSegment();
    await disk.writeFileAtomic('/data/checkpoint', Buffer.from('old'));
    await disk.writeFileAtomic('/data/checkpoint', Buffer.from('new'));
    expect(String(await disk.crash().readFile('/data/checkpoint', 100))).toBe('new');
  });

  it('fails one sync, marks the segment failed and refuses appends', async () => {
    const { disk, segment } = await diskWithSegment();
    await appendOk(segment, batch());
    disk.failNextSync('.log');
    expect(await sync(disk, [segment])).toMatchObject({ code: 'EIO' });
    expect(segment.failed).toBe(true);
    expect((await append(segment, batch())).status).toBe(AppendStatus.closed);
  });

  it('answers diskFull with the segment unchanged, and goes on when there is room again', async () => {
    const { disk, segment } = await diskWithSegment();
    await appendOk(segment, batch());
    const before = readAll(segment);
    disk.fullAfterBytes(30);
    const refused = await append(segment, batch());
    expect(refused.status).toBe(AppendStatus.diskFull);
    expect(refused.result.errno).toBeGreaterThan(0);
    expect(readAll(segment)).toEqual(before);
    disk.fullAfterBytes(Infinity);
    expect((await appendOk(segment, batch())).nextOffset).toBe(2);
  });

  it('sees a flipped bit in a scan', async () => {
    const { disk, segment } = await diskWithSegment();
    const first = await appendOk(segment, batch());
    await appendOk(segment, batch());
    disk.flipBit('/data/t-0/00000000000000000000.log', segment.sizeBytes - 3, 4);
    expect(await segment.scan(0, () => {})).toMatchObject({ batches: 1, nextOffset: first.nextOffset, stopReason: 'corrupt' });
  });

  it('hands out a view that is not intact where the medium cannot be read', async () => {
    const { disk, segment } = await diskWithSegment();
    await appendOk(segment, batch());
    disk.loseRange('/data/t-0/00000000000000000000.log', 10, 10);
    const view = segment.view(0, 20);
    expect(view.intact).toBe(false);
    view.release();
    expect(segment.failed).toBe(true);
    expect(disk.openViews).toBe(0);
  });
});
