import { describe, expect, it } from 'vitest';
import { MemoryDisk } from '../../src/storage/disk/memory.ts';
import type { TopicConfigView } from '../../src/storage/index.ts';
import { verifyStore } from '../../src/storage/verify/verify.ts';
import type { FakePorts } from './support/ports.ts';
import { TOPIC_ID, append, batchOf, startStore, topicConfig } from './support/store.ts';

const config: TopicConfigView = topicConfig({ segmentBytes: 400, indexIntervalBytes: 100, flushMessages: 1 });
const STARTS = '/data/log-start-offset-checkpoint';
const SUMS = '/data/tidelog-checksums';

/** A log of 8 records that begins at 1, stopped in order. */
async function stopped(): Promise<{ disk: MemoryDisk; ports: FakePorts }> {
  const { store, disk, ports } = await startStore({ config });
  const log = await store.open('t', 0, TOPIC_ID, config);
  for (let index = 0; index < 8; index += 1) await append(log, batchOf(['x'.repeat(60)]));
  await log.deleteRecordsBefore(1);
  await store.close();
  return { disk, ports };
}

async function flipLast(disk: MemoryDisk, path: string, text: string): Promise<void> {
  const bytes = await disk.readFile(path, 1e6);
  disk.flipBit(path, bytes!.lastIndexOf(text), 1);
}

async function startOf(disk: MemoryDisk, ports: FakePorts): Promise<number> {
  const { store } = await startStore({ disk, ports, config });
  const { logStartOffset, logEndOffset } = store.get('t', 0)!;
  expect(logEndOffset).toBe(8);
  await store.close();
  return logStartOffset;
}

describe('the checksums of the checkpoints', () => {
  it('find a digit that turned over, and say what it was', async () => {
    const { disk, ports } = await stopped();
    await flipLast(disk, STARTS, '1');
    const { problems } = await verifyStore('/data', { disk });
    expect(problems.map(({ path }) => path)).toEqual([STARTS]);
    expect(await startOf(disk, ports)).toBe(1);
    expect(ports.logger.lines.filter((line) => line.includes('its copy is taken'))).toHaveLength(1);
    expect((await verifyStore('/data', { disk })).problems).toEqual([]);
  });

  it('replace a checkpoint of start offsets that is gone', async () => {
    const { disk, ports } = await stopped();
    await disk.remove(STARTS);
    expect(await startOf(disk, ports)).toBe(1);
  });

  it('are passed over when they are damaged themselves', async () => {
    const { disk, ports } = await stopped();
    disk.flipBit(SUMS, 40, 0);
    expect((await verifyStore('/data', { disk })).problems.map(({ path }) => path)).toEqual([SUMS]);
    expect(await startOf(disk, ports)).toBe(1);
    expect(ports.logger.lines.join()).toContain('checksums of the checkpoints are damaged');
  });

  it('are not missed in a directory that has none', async () => {
    const { disk, ports } = await stopped();
    await disk.remove(SUMS);
    expect(await startOf(disk, ports)).toBe(1);
    expect(ports.logger.lines.filter((line) => line.includes('checkpoint'))).toEqual([]);
  });

  it('say when start offsets are lost with them', async () => {
    const { disk, ports } = await stopped();
    await disk.writeFile(STARTS, Buffer.from('0\n1\nt 0'));
    await disk.remove(SUMS);
    expect(await startOf(disk, ports)).toBe(0);
    expect(ports.logger.lines.join()).toContain('records that were deleted may be there again');
  });

  it('know what was there before and what comes, whatever a crash leaves', async () => {
    const { disk, ports } = await stopped();
    const { store } = await startStore({ disk, ports, config });
    disk.failNextSync('log-start-offset-checkpoint');
    await expect(store.get('t', 0)!.deleteRecordsBefore(3)).rejects.toThrow();
    expect(String(await disk.readFile(SUMS, 1e6)).match(/"log-start-offset-checkpoint":\{"sums":\[("[0-9:a-f]+",?){2}\]/)).not.toBeNull();
    const after = disk.crash();
    expect([1, 3]).toContain(await startOf(after, ports));
    expect(ports.logger.lines.filter((line) => line.includes('is damaged'))).toEqual([]);
  });
});

const NOW_MS = 1_699_999_000_000;

/** As `stopped`, with a timestamp a record and an index entry for nearly each; nothing was deleted. */
async function stoppedWithTimes(): Promise<{ disk: MemoryDisk; ports: FakePorts }> {
  const { store, disk, ports } = await startStore({ config });
  const log = await store.open('t', 0, TOPIC_ID, config);
  for (let index = 0; index < 12; index += 1) await append(log, batchOf(['x'.repeat(60)], { timestamps: [NOW_MS + index * 16] }));
  await store.close();
  return { disk, ports };
}

describe('the checksums of a log', () => {
  it('find each bit that turned over in an index of times', async () => {
    const { disk } = await stoppedWithTimes();
    const indexes = disk.files.list('/data/t-0').filter(({ path, sizeBytes }) => path.endsWith('.timeindex') && sizeBytes > 0);
    expect(indexes.length).toBeGreaterThan(2);
    for (const { path, sizeBytes } of indexes) {
      for (let position = 0; position < sizeBytes; position += 5) {
        const { disk: again, ports } = await stoppedWithTimes();
        again.flipBit(path, position, 4);
        const { store } = await startStore({ disk: again, ports, config });
        const log = store.get('t', 0)!;
        for (let index = 0; index < 12; index += 1) expect((await log.offsetForTimestamp(NOW_MS + index * 16, 12)).offset).toBe(index);
        expect((await log.offsetOfMaxTimestamp(12)).offset).toBe(11);
        expect(ports.logger.lines.filter((line) => line.includes('rebuilt'))).toHaveLength(1);
        await store.close();
      }
    }
  });

  it('are not missed in a segment too short for entries: its latest time is taken from its batches', async () => {
    const roomy: TopicConfigView = { ...config, segmentBytes: 4000 };
    for (let bit = 0; bit < 96; bit += 1) {
      const { store, disk, ports } = await startStore({ config: roomy });
      await append(await store.open('t', 0, TOPIC_ID, roomy), batchOf(['x'], { timestamps: [NOW_MS] }));
      await store.close();
      disk.flipBit('/data/t-0/00000000000000000000.timeindex', bit >> 3, bit & 7);
      const { store: second } = await startStore({ disk, ports, config: roomy });
      for (let index = 1; index < 10; index += 1) await append(second.get('t', 0)!, batchOf(['x'.repeat(60)], { timestamps: [NOW_MS + index * 16] }));
      await second.close();
      const { store: third } = await startStore({ disk, ports, config: roomy });
      for (let index = 0; index < 10; index += 1) expect((await third.get('t', 0)!.offsetForTimestamp(NOW_MS + index * 16, 10)).offset).toBe(index);
      await third.close();
    }
  });

  it('cover the indexes of a segment that was sealed after the recovery point had passed it', async () => {
    const sparse: TopicConfigView = { ...config, indexIntervalBytes: 200 };
    const { store, disk, ports } = await startStore({ config: sparse });
    const log = await store.open('t', 0, TOPIC_ID, sparse);
    const send = (index: number): Promise<unknown> => append(log, batchOf(['x'.repeat(60)], { timestamps: [NOW_MS + index * 16] }));
    for (let index = 0; index < 3; index += 1) await send(index);
    await store.checkpoint();
    const before = String(await disk.readFile('/data/recovery-point-offset-checkpoint', 100));
    expect([before, log.segmentCount]).toEqual(['0\n1\nt 0 3\n', 1]);
    await send(3);
    expect(log.segmentCount).toBe(2);
    const after = new MemoryDisk(ports, disk.kill().files);
    const { path, sizeBytes } = after.files.list('/data/t-0').find((file) => file.path.endsWith('0000.timeindex'))!;
    after.flipBit(path, sizeBytes - 7, 4);
    const { store: again } = await startStore({ disk: after, ports, config: sparse });
    for (let index = 0; index < 4; index += 1) expect((await again.get('t', 0)!.offsetForTimestamp(NOW_MS + index * 16, 4)).offset).toBe(index);
    await again.close();
  });

  it('find a leader epoch that turned over', async () => {
    const { disk, ports } = await stopped();
    await flipLast(disk, '/data/t-0/leader-epoch-checkpoint', '0 1');
    const { store } = await startStore({ disk, ports, config });
    expect(store.get('t', 0)!.latestEpoch).toBe(0);
    expect(ports.logger.lines.join()).toContain('leader epochs are corrupt');
    await store.close();
  });

  it('leave a log in peace whose list is damaged or gone', async () => {
    for (const harm of [(disk: MemoryDisk) => disk.flipBit('/data/t-0/tidelog-checksums', 60, 1), (disk: MemoryDisk) => void disk.files.remove('/data/t-0/tidelog-checksums')]) {
      const { disk, ports } = await stopped();
      harm(disk);
      expect(await startOf(disk, ports)).toBe(1);
      expect(ports.logger.lines.filter((line) => line.includes('rebuilt'))).toEqual([]);
    }
  });

  it('are made anew where the list was damaged', async () => {
    const { disk, ports } = await stopped();
    disk.flipBit('/data/t-0/tidelog-checksums', 60, 1);
    disk.flipBit(SUMS, 60, 1);
    expect(await startOf(disk, ports)).toBe(1);
    await flipLast(disk, '/data/t-0/leader-epoch-checkpoint', '0 1');
    await flipLast(disk, STARTS, '1');
    const { store } = await startStore({ disk, ports, config });
    expect(store.get('t', 0)).toMatchObject({ logStartOffset: 1, latestEpoch: 0 });
    await store.close();
  });

  it('are there again when a start is over: the power may go, and a second bit turn over, before the first checkpoint', async () => {
    const { disk, ports } = await stopped();
    disk.flipBit('/data/t-0/tidelog-checksums', 60, 1);
    await startStore({ disk, ports, config });
    const after = new MemoryDisk(ports, disk.crash().files);
    await flipLast(after, '/data/t-0/leader-epoch-checkpoint', '0 1');
    const { store } = await startStore({ disk: after, ports, config });
    expect(store.get('t', 0)!.latestEpoch).toBe(0);
    await store.close();
  });

  it('that are damaged do not keep a log on a full disk from starting', async () => {
    const { disk, ports } = await stopped();
    disk.flipBit('/data/t-0/tidelog-checksums', 60, 1);
    disk.fullAfterBytes(0);
    const { store } = await startStore({ disk, ports, config });
    expect(store.get('t', 0)!.logEndOffset).toBe(8);
    disk.fullAfterBytes(Infinity);
    await store.checkpoint();
    expect((await disk.readFile('/data/t-0/tidelog-checksums', 1e6))!.includes('leader-epoch-checkpoint')).toBe(true);
    expect(ports.logger.lines.filter((line) => line.includes('the checksums of a log are damaged'))).toHaveLength(1);
    await store.close();
    await startOf(disk, ports);
    expect(ports.logger.lines.filter((line) => line.includes('the checksums of a log are damaged'))).toHaveLength(1);
  });
});
