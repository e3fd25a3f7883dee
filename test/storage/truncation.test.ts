import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { append, batchOf, CLIENT, flush, readAll, refusal, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

const config = topicConfig({ segmentBytes: 400 });
const at = (leaderEpoch: number) => ({ leaderEpoch, origin: 'client' as const });

describe('truncation', () => {
  it('to any offset leaves exactly the batches below it, epochs and producers included', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 20 }), fc.double({ min: 0, max: 1, noNaN: true }), async (counts, share) => {
        const { store, disk, ports } = await startStore({ config });
        const log = await store.open('t', 0, TOPIC_ID, config);
        const ends: number[] = [];
        for (const [index, count] of counts.entries()) {
          const first = log.logEndOffset;
          await append(log, batchOf(Array.from({ length: count }, (_, record) => `v${first + record}`.padEnd(30)), { producerId: 4, producerEpoch: 0, baseSequence: first }), at(Math.floor(index / 3)));
          ends.push(log.logEndOffset);
        }
        const target = Math.floor(log.logEndOffset * share);
        const end = target === log.logEndOffset ? target : Math.max(0, ...ends.filter((offset) => offset <= target));
        await log.truncateTo(target);
        expect(log.logEndOffset).toBe(end);
        expect(readAll(log).map((record) => record.offset)).toEqual(Array.from({ length: end }, (_, offset) => offset));
        const lastBatch = ends.indexOf(end);
        expect(log.latestEpoch).toBe(lastBatch < 0 ? -1 : Math.floor(lastBatch / 3));
        expect(log.producers()).toMatchObject(end === 0 ? [] : [{ lastSequence: end - 1 }]);
        await append(log, batchOf(['again'], { producerId: 4, producerEpoch: 0, baseSequence: end }), at(50));
        await flush(log);
        const after = await startStore({ disk: disk.crash(), ports, config });
        expect(after.store.get('t', 0)?.logEndOffset).toBe(end + 1);
        expect(after.store.get('t', 0)?.latestEpoch).toBe(50);
        expect(readAll(after.store.get('t', 0)!).at(-1)?.value).toBe('again');
        await after.store.close();
      }),
      { numRuns: 60 },
    );
  });

  it('makes appends wait, in their order', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, config);
    for (let index = 0; index < 10; index += 1) await append(log, batchOf([`v${index}`]));
    const cut = log.truncateTo(5);
    const appended = await Promise.all([append(log, batchOf(['a'])), append(log, batchOf(['b'])), cut]);
    expect(appended.slice(0, 2)).toMatchObject([{ firstOffset: 5 }, { firstOffset: 6 }]);
    await store.close();
  });

  it('fails those who wait for what is cut to become durable', async () => {
    const { store, disk, ports } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ flushMessages: 1 }));
    await append(log, batchOf(['a']));
    disk.syncDelayMs = 10;
    const waiting = refusal(append(log, batchOf(['b'])));
    const cut = log.truncateTo(1);
    await ports.clock.advance(1000);
    await cut;
    expect((await waiting).kind).toBe('storage');
    expect(log).toMatchObject({ logEndOffset: 1, durableOffset: 1 });
    disk.syncDelayMs = 0;
    await store.close();
  });

  it('empties a log and lets it begin elsewhere', async () => {
    const { store, disk, ports } = await startStore({ config });
    const log = await store.open('t', 0, TOPIC_ID, config);
    for (let index = 0; index < 10; index += 1) await append(log, batchOf([`v${index}`.padEnd(50)]), at(3));
    for (const target of [1000, 0, 0]) {
      await log.truncateFullyAndStartAt(target);
      expect(log).toMatchObject({ logStartOffset: target, logEndOffset: target, highWatermark: target, latestEpoch: -1, segmentCount: 1 });
      expect((await append(log, batchOf(['x']), CLIENT)).firstOffset).toBe(target);
    }
    await log.truncateFullyAndStartAt(77);
    const after = await startStore({ disk: disk.crash(), ports, config });
    expect(after.store.get('t', 0)).toMatchObject({ logStartOffset: 77, logEndOffset: 77 });
    await after.store.close();
  });
});

describe('leader epochs', () => {
  it('say where each of them ended', async () => {
    const { store, disk, ports } = await startStore({ config });
    const log = await store.open('t', 0, TOPIC_ID, config);
    for (const epoch of [1, 1, 3, 3, 3, 7]) await append(log, batchOf(['v']), at(epoch));
    const answers = (one: typeof log) => [-1, 0, 1, 2, 3, 5, 7, 8].map((epoch) => Object.values(one.endOffsetForEpoch(epoch)));
    const expected = [[-1, -1], [0, 0], [1, 2], [1, 2], [3, 5], [3, 5], [7, 6], [-1, -1]];
    expect(answers(log)).toEqual(expected);
    expect([0, 1, 2, 4, 5, 9].map((offset) => log.epochForOffset(offset))).toEqual([1, 1, 3, 3, 7, 7]);
    await store.close();
    const after = await startStore({ disk, ports, config });
    expect(answers(after.store.get('t', 0)!)).toEqual(expected);
    await after.store.get('t', 0)!.deleteRecordsBefore(3);
    expect(after.store.get('t', 0)!.endOffsetForEpoch(1)).toEqual({ leaderEpoch: 1, endOffset: 3 });
    await after.store.close();
  });

  it('are made anew when their file is corrupt', async () => {
    const { store, disk, ports } = await startStore({ config });
    const log = await store.open('t', 0, TOPIC_ID, config);
    for (const epoch of [1, 1, 3, 3, 3, 7, 7, 7, 7, 7]) await append(log, batchOf(['v'.repeat(40)]), at(epoch));
    await store.close();
    disk.flipBit('/data/t-0/leader-epoch-checkpoint', 0, 2);
    const after = await startStore({ disk, ports, config });
    expect(after.store.get('t', 0)!.endOffsetForEpoch(3)).toEqual({ leaderEpoch: 3, endOffset: 5 });
    await after.store.close();
  });

  it('begin when the log is opened as a leader', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, config, 5);
    expect(log.latestEpoch).toBe(5);
    expect((await refusal(append(log, batchOf(['v']), at(4)))).kind).toBe('fencedLeaderEpoch');
    await store.close();
  });
});
