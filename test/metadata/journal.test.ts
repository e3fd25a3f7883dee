import { describe, expect, it } from 'vitest';
import { Journal } from '../../src/metadata/embedded/journal.ts';
import { MetadataError } from '../../src/metadata/types.ts';
import { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { seededRandom } from '../storage/support/ports.ts';

const DIRECTORY = '/data/meta';

interface Opened {
  readonly journal: Journal;
  readonly values: string[];
}

async function open(disk: MemoryDisk, snapshotAfterBytes = 1 << 20): Promise<Opened> {
  const values: string[] = [];
  const journal = await Journal.open({
    disk, directory: DIRECTORY, now: () => 1, snapshotAfterBytes, onBatch: (batch) => void values.push(...batch.map(String)),
  });
  return { journal, values };
}

const newDisk = (): MemoryDisk => new MemoryDisk({ random: seededRandom(3) });
const bytes = (...texts: string[]): Buffer[] => texts.map((text) => Buffer.from(text));
const firstLog = `${DIRECTORY}/00000000000000000000.log`;

async function failureOf(promise: Promise<unknown>): Promise<MetadataError> {
  const error = await promise.then(() => null, (reason: unknown) => reason);
  expect(error).toBeInstanceOf(MetadataError);
  return error as MetadataError;
}

describe('the metadata journal', () => {
  it('replays what was appended, also after the power went', async () => {
    const disk = newDisk();
    const { journal } = await open(disk);
    expect(journal.isEmpty).toBe(true);
    await journal.append(bytes('a', 'b'));
    await journal.append(bytes('c'));
    const survivor = disk.crash();
    const again = await open(survivor);
    expect(again.values).toEqual(['a', 'b', 'c']);
    expect(again.journal.nextOffset).toBe(3);
    expect(again.journal.isEmpty).toBe(false);
    await again.journal.close();
  });

  it('cuts a write that was never finished', async () => {
    const disk = newDisk();
    const { journal } = await open(disk);
    await journal.append(bytes('a'));
    const whole = (await disk.readFile(firstLog, 1 << 20))!;
    await journal.append(bytes('lost'));
    const both = (await disk.readFile(firstLog, 1 << 20))!;
    await journal.close();
    await disk.writeFileAtomic(firstLog, both.subarray(0, whole.length + 30));
    const again = await open(disk);
    expect(again.values).toEqual(['a']);
    await again.journal.append(bytes('b'));
    await again.journal.close();
    expect((await open(disk)).values).toEqual(['a', 'b']);
  });

  it('stops with its path when an acknowledged change does not read back', async () => {
    const disk = newDisk();
    const { journal } = await open(disk);
    await journal.append(bytes('aaaaaaaaaa'));
    await journal.append(bytes('b'));
    await journal.close();
    disk.flipBit(firstLog, 70, 1);
    const error = await failureOf(open(disk));
    expect(error.kind).toBe('corrupt');
    expect(error.message).toContain(firstLog);
  });

  it('does not take a damaged length for an unfinished write', async () => {
    for (const batchIndex of [0, 1, 2]) {
      const disk = newDisk();
      const { journal } = await open(disk);
      const starts: number[] = [];
      for (const text of ['a', 'b', 'c']) {
        starts.push((await disk.readFile(firstLog, 1 << 20))!.length);
        await journal.append(bytes(text));
      }
      await journal.close();
      disk.flipBit(firstLog, starts[batchIndex]! + 9, 4);
      expect((await failureOf(open(disk))).kind).toBe('corrupt');
    }
  });

  it('is summed up in a snapshot and goes on from there', async () => {
    const disk = newDisk();
    const { journal } = await open(disk, 100);
    await journal.append(bytes('a'));
    await journal.append(bytes('b'));
    expect(journal.isLong).toBe(true);
    await journal.snapshot(bytes('a+b'));
    expect(journal.isLong).toBe(false);
    await journal.append(bytes('c'));
    await journal.close();
    const survivor = disk.crash();
    const names = (await survivor.list(DIRECTORY)).map(({ name }) => name).filter((name) => /log|checkpoint/.test(name));
    expect(names).toEqual(['00000000000000000002.checkpoint', '00000000000000000002.log']);
    const again = await open(survivor);
    expect(again.values).toEqual(['a+b', 'c']);
    expect(again.journal.nextOffset).toBe(3);
  });

  it('is whole when the power goes between the snapshot and the next segment', async () => {
    const disk = newDisk();
    const { journal } = await open(disk);
    await journal.append(bytes('a'));
    await journal.append(bytes('b'));
    const old = (await disk.readFile(firstLog, 1 << 20))!;
    await journal.snapshot(bytes('a+b'));
    await journal.close();
    const next = `${DIRECTORY}/00000000000000000002`;
    for (const end of ['.log', '.index', '.timeindex']) await disk.remove(next + end);
    await disk.writeFileAtomic(firstLog, old);
    const again = await open(disk);
    expect(again.values).toEqual(['a+b']);
    expect(again.journal.nextOffset).toBe(2);
    await again.journal.append(bytes('c'));
    await again.journal.close();
    expect((await open(disk)).values).toEqual(['a+b', 'c']);
  });

  it('refuses a snapshot that does not read back, and a journal that lost its segment', async () => {
    const disk = newDisk();
    const { journal } = await open(disk);
    await journal.append(bytes('a'));
    await journal.snapshot(bytes('aaaaaaaaaa'));
    await journal.append(bytes('b'));
    await journal.snapshot(bytes('aaaaaaaaaa', 'b'));
    await journal.close();
    disk.flipBit(`${DIRECTORY}/00000000000000000002.checkpoint`, 70, 1);
    expect((await failureOf(open(disk))).kind).toBe('corrupt');
    await disk.remove(`${DIRECTORY}/00000000000000000002.checkpoint`);
    expect((await failureOf(open(disk))).message).toContain('is missing');
  });

  it('refuses a change on a full disk and takes the next one when there is room', async () => {
    const disk = newDisk();
    const { journal } = await open(disk);
    await journal.append(bytes('a'));
    disk.fullAfterBytes(10);
    expect((await failureOf(journal.append(bytes('b')))).kind).toBe('unavailable');
    disk.fullAfterBytes(Infinity);
    await journal.append(bytes('c'));
    expect((await open(disk.crash())).values).toEqual(['a', 'c']);
  });

  it('takes nothing more after a failed fsync: what is on disk is not known', async () => {
    const disk = newDisk();
    const { journal } = await open(disk);
    await journal.append(bytes('a'));
    disk.failNextSync('.log');
    expect((await failureOf(journal.append(bytes('b')))).kind).toBe('unknown');
    expect((await failureOf(journal.append(bytes('c')))).kind).toBe('unavailable');
  });

  it('has one owner', async () => {
    const disk = newDisk();
    const { journal } = await open(disk);
    await expect(open(disk)).rejects.toMatchObject({ code: 'ELOCKED' });
    await journal.close();
    await (await open(disk)).journal.close();
  });
});
