import { describe, expect, it } from 'vitest';
import { FileName } from '../../src/storage/fileNames.ts';
import { EpochCache } from '../../src/storage/epochs.ts';
import { TOPIC_ID, append, batchOf, startStore, topicConfig } from './support/store.ts';

const config = topicConfig();

describe('what of the leader epochs is worth a write', () => {
  it('is no epoch without records', () => {
    const epochs = new EpochCache();
    epochs.assign(3, 10);
    expect(epochs.isUnsaved(10)).toBe(false);
    expect(epochs.isUnsaved(11)).toBe(true);
    expect(epochs.takeUnsaved(11)).toEqual([{ epoch: 3, startOffset: 10 }]);
    expect(epochs.isUnsaved(11)).toBe(false);
    epochs.assign(4, 11);
    expect(epochs.isUnsaved(11)).toBe(false);
    expect(epochs.isUnsaved(12)).toBe(true);
  });

  it('is a cut that takes an epoch of the file away, also when another comes in its place', () => {
    const epochs = new EpochCache();
    epochs.load([{ epoch: 1, startOffset: 0 }, { epoch: 2, startOffset: 5 }]);
    expect(epochs.isUnsaved(9)).toBe(false);
    epochs.truncateFromEnd(5);
    epochs.assign(7, 5);
    expect(epochs.isUnsaved(5)).toBe(true);
    expect(epochs.takeUnsaved(5)).toEqual([{ epoch: 1, startOffset: 0 }]);
    expect(epochs.isUnsaved(6)).toBe(true);
    expect(epochs.takeUnsaved(6)).toEqual([{ epoch: 1, startOffset: 0 }, { epoch: 7, startOffset: 5 }]);
  });

  it('is a start that moved, and a file that is lost', () => {
    const epochs = new EpochCache();
    epochs.load([{ epoch: 1, startOffset: 0 }, { epoch: 2, startOffset: 5 }]);
    epochs.truncateFromStart(6);
    expect(epochs.takeUnsaved(9)).toEqual([{ epoch: 2, startOffset: 6 }]);
    epochs.markUnsaved();
    expect(epochs.isUnsaved(9)).toBe(true);
    epochs.load([{ epoch: 1, startOffset: 0 }]);
    epochs.clear();
    expect(epochs.isUnsaved(9)).toBe(true);
    expect(epochs.takeUnsaved(9)).toEqual([]);
  });

  it('costs a log without records no file, and one with records a file at the next checkpoint', async () => {
    const { store, disk } = await startStore({ config });
    await store.open('empty', 0, TOPIC_ID, config, 4);
    await store.checkpoint();
    expect((await disk.list('/data/empty-0')).map(({ name }) => name)).not.toContain(FileName.leaderEpochs);
    const log = await store.open('t', 0, TOPIC_ID, config, 4);
    await append(log, batchOf(['v']), { leaderEpoch: 4, origin: 'client' });
    await store.checkpoint();
    await store.close();
    expect((await disk.readFile('/data/t-0/leader-epoch-checkpoint', 1000))!.toString()).toBe('0\n1\n4 0\n');
    expect((await disk.list('/data/empty-0')).map(({ name }) => name)).not.toContain(FileName.leaderEpochs);
  });
});
