import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildEndTransactionMarker } from '../../src/record/control.ts';
import type { AbortedTransaction, AppendInfo, Log, StoreManager } from '../../src/storage/index.ts';
import type { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { fakePorts } from './support/ports.ts';
import { afterKill, append, batchOf, COORDINATOR, flush, refusal, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

const ABORT = 0;
const COMMIT = 1;

const data = (log: Log, producerId: number, baseSequence: number, producerEpoch = 0): Promise<AppendInfo> =>
  append(log, batchOf([`${producerId}-${baseSequence}`], { producerId, producerEpoch, baseSequence, isTransactional: true }));

const end = (log: Log, producerId: number, type: 0 | 1, producerEpoch = 0, coordinatorEpoch = 1): Promise<AppendInfo> =>
  append(log, buildEndTransactionMarker({ type, producerId, producerEpoch, coordinatorEpoch, timestampMs: 1_699_999_999_999 }), COORDINATOR);

async function begin(): Promise<{ log: Log; store: StoreManager }> {
  const { store } = await startStore();
  return { store, log: await store.open('t', 0, TOPIC_ID, topicConfig()) };
}

describe('transactions', () => {
  it('hold back the last stable offset until they end', async () => {
    const { log, store } = await begin();
    await append(log, batchOf(['plain']));
    expect(log.lastStableOffset).toBe(1);
    await data(log, 1, 0);
    await data(log, 2, 0);
    expect(log.lastStableOffset).toBe(1);
    await end(log, 1, COMMIT);
    expect(log.lastStableOffset).toBe(2);
    await end(log, 2, ABORT);
    expect(log.lastStableOffset).toBe(5);
    expect(log.abortedTransactions(0, 5)).toEqual([{ producerId: 2, firstOffset: 2 }]);
    expect(log.abortedTransactions(0, 2)).toEqual([]);
    expect(log.abortedTransactions(5, 9)).toEqual([]);
    await store.close();
  });

  it('stay unstable until their marker is replicated', async () => {
    const { store } = await startStore({ highWatermarkFollowsEnd: false });
    const log = await store.open('t', 0, TOPIC_ID, topicConfig());
    await data(log, 1, 0);
    await end(log, 1, COMMIT);
    log.highWatermark = 1;
    expect(log.lastStableOffset).toBe(0);
    log.highWatermark = 2;
    expect(log.lastStableOffset).toBe(2);
    await store.close();
  });

  it('refuse what does not belong to them', async () => {
    const { log, store } = await begin();
    await data(log, 1, 0);
    expect((await refusal(append(log, batchOf(['x'], { producerId: 1, producerEpoch: 0, baseSequence: 1 })))).kind).toBe('invalidTransactionState');
    await end(log, 1, COMMIT, 2, 5);
    expect((await refusal(data(log, 1, 1, 0))).kind).toBe('invalidProducerEpoch');
    expect((await refusal(end(log, 1, COMMIT, 1))).kind).toBe('invalidProducerEpoch');
    expect((await refusal(end(log, 1, COMMIT, 2, 4))).kind).toBe('transactionCoordinatorFenced');
    expect((await refusal(data(log, 1, 1, 2))).kind).toBe('outOfOrderSequence');
    await data(log, 1, 0, 2);
    await store.close();
  });

  it('that wrote nothing leave no trace in the index', async () => {
    const { log, store } = await begin();
    await end(log, 9, ABORT);
    expect(log.abortedTransactions(0, 10)).toEqual([]);
    expect(log.lastStableOffset).toBe(1);
    await store.close();
  });

  it('are as they were after a restart of any kind, by a model', async () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ kind: fc.constant('data' as const), producer: fc.integer({ min: 1, max: 4 }) }) },
      { weight: 5, arbitrary: fc.record({ kind: fc.constant('end' as const), producer: fc.integer({ min: 1, max: 4 }), type: fc.constantFrom<0 | 1>(0, 1) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('stop' as const, 'kill' as const, 'crash' as const, 'checkpoint' as const) }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const ports = fakePorts(5);
        const config = topicConfig({ segmentBytes: 500 });
        let { store, disk } = await startStore({ ports, config });
        let log: Log = await store.open('t', 0, TOPIC_ID, config);
        const open = new Map<number, number>();
        const aborted: (AbortedTransaction & { last: number })[] = [];
        const sequences = new Map<number, number>();
        const reopen = async (next: MemoryDisk): Promise<void> => {
          ({ store, disk } = await startStore({ disk: next, ports, config }));
          log = store.get('t', 0)!;
        };
        for (const one of steps) {
          if (one.kind === 'data') {
            const sequence = sequences.get(one.producer) ?? 0;
            const { firstOffset } = await data(log, one.producer, sequence);
            sequences.set(one.producer, sequence + 1);
            if (!open.has(one.producer)) open.set(one.producer, firstOffset);
          } else if (one.kind === 'end') {
            const { firstOffset: last } = await end(log, one.producer, one.type);
            const firstOffset = open.get(one.producer);
            if (firstOffset !== undefined && one.type === ABORT) aborted.push({ producerId: one.producer, firstOffset, last });
            open.delete(one.producer);
          } else if (one.kind === 'checkpoint') {
            await store.checkpoint();
          } else if (one.kind === 'stop') {
            await store.close();
            await reopen(disk);
          } else if (one.kind === 'kill') {
            await reopen(afterKill(disk, ports));
          } else {
            await flush(log);
            await reopen(disk.crash());
          }
          expect(log.lastStableOffset).toBe(Math.min(log.logEndOffset, ...open.values()));
          for (const from of [0, Math.floor(log.logEndOffset / 2)]) {
            const expected = aborted.filter((transaction) => transaction.last >= from && transaction.firstOffset < log.lastStableOffset);
            const found = log.abortedTransactions(from, log.lastStableOffset);
            expect(found).toEqual(expected.map(({ producerId, firstOffset }) => ({ producerId, firstOffset })));
          }
        }
        await store.close();
      }),
      { numRuns: 80 },
    );
  });

  it('are found again when their index is corrupt', async () => {
    const config = topicConfig({ segmentBytes: 400 });
    const { store, disk, ports } = await startStore({ config });
    const log = await store.open('t', 0, TOPIC_ID, config);
    for (let sequence = 0; sequence < 5; sequence += 1) {
      await data(log, 1, sequence);
      await end(log, 1, ABORT);
    }
    const before = log.abortedTransactions(0, 100);
    expect(before).toHaveLength(5);
    await store.close();
    disk.flipBit('/data/t-0/00000000000000000000.txnindex', 1, 0);
    const after = await startStore({ disk, ports, config });
    expect(after.store.get('t', 0)!.abortedTransactions(0, 100)).toEqual(before);
    await after.store.close();
  });
});
