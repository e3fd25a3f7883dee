import { describe, expect, it } from 'vitest';
import { attributesOf, baseTimestampOf, hasDeleteHorizon, recordCountOf } from '../../src/record/batchHeader.ts';
import { buildEndTransactionMarker } from '../../src/record/control.ts';
import type { Log, StoreManager } from '../../src/storage/index.ts';
import type { MemoryDisk } from '../../src/storage/disk/memory.ts';
import { batchesOf, clean, COMPACT, dataOf, keyed, put, rollNow } from './support/compaction.ts';
import type { FakePorts } from './support/ports.ts';
import { append, batchOf, COORDINATOR, refusal, startStore, TOPIC_ID } from './support/store.ts';

interface Made {
  readonly store: StoreManager;
  readonly disk: MemoryDisk;
  readonly ports: FakePorts;
  readonly log: Log;
}

async function begin(config = COMPACT): Promise<Made> {
  const made = await startStore({ config });
  return { ...made, log: await made.store.open('t', 0, TOPIC_ID, config) };
}

const restart = async (made: Made): Promise<Made> => {
  await made.store.close();
  const next = await startStore({ disk: made.disk, ports: made.ports, config: COMPACT });
  return { ...next, log: next.store.get('t', 0)! };
};

const transactional = (log: Log, producerId: number, sequence: number, key: string, value: string): Promise<unknown> =>
  append(log, keyed([[key, value]], { producerId, producerEpoch: 0, baseSequence: sequence, isTransactional: true }));
const end = (log: Log, producerId: number, type: 0 | 1): Promise<unknown> =>
  append(log, buildEndTransactionMarker({ type, producerId, producerEpoch: 0, coordinatorEpoch: 1, timestampMs: 1_699_999_999_999 }), COORDINATOR);

describe('compaction', () => {
  it('keeps the newest record of each key, at its offset', async () => {
    const made = await begin();
    const { log, store } = made;
    for (let round = 0; round < 5; round += 1) for (const key of ['a', 'b', 'c']) await put(log, key, `${key}${round}`);
    await append(log, keyed([['a', 'last'], ['d', 'x'], ['d', 'y']]));
    expect((await clean(store, log))?.endOffset).toBe(18);
    expect(dataOf(log)).toEqual(['13 b=b4', '14 c=c4', '15 a=last', '17 d=y']);
    expect(log.logEndOffset).toBe(18);
    expect(log.logStartOffset).toBe(0);
    expect(dataOf((await restart(made)).log)).toEqual(['13 b=b4', '14 c=c4', '15 a=last', '17 d=y']);
  });

  it.each([0, 1, 2, 3, 4] as const)('rewrites batches of codec %i with their timestamps, headers and offsets', async (codec) => {
    const { log, store } = await begin();
    await append(log, keyed([['a', '1'], ['b', '1'], ['c', '1']], { codec, timestamps: [30, 10, 20] }));
    await append(log, keyed([['a', '2']], { codec, timestamps: [40] }));
    await clean(store, log);
    const [first] = batchesOf(log);
    expect(first!.records).toEqual([
      { offset: 1, key: 'b', value: '1', timestampMs: 10, isControl: false },
      { offset: 2, key: 'c', value: '1', timestampMs: 20, isControl: false },
    ]);
    expect([first!.baseOffset, first!.lastOffset]).toEqual([0, 2]);
    expect((await log.offsetForTimestamp(15, 4)).offset).toBe(2);
  });

  it('lets tombstones go after delete.retention.ms, counted from the first cleaning that met them', async () => {
    const { log, store, ports } = await begin();
    await put(log, 'a', '1');
    await append(log, keyed([['a', null], ['b', '1']]));
    await put(log, 'z', '1');
    await clean(store, log);
    const horizon = ports.clock.now() + COMPACT.deleteRetentionMs;
    const batch = batchesOf(log).find(({ baseOffset }) => baseOffset === 1)!;
    expect(hasDeleteHorizon(attributesOf(batch.bytes, 0))).toBe(true);
    expect(baseTimestampOf(batch.bytes, 0)).toBe(horizon);
    expect(batch.records.map(({ timestampMs }) => timestampMs)).toEqual([1_699_999_999_000, 1_699_999_999_001]);
    expect(dataOf(log)).toEqual(['1 a=null', '2 b=1', '3 z=1']);
    await ports.clock.advance(999);
    await put(log, 'y', '1');
    await clean(store, log);
    expect(dataOf(log)).toContain('1 a=null');
    await ports.clock.advance(1);
    await put(log, 'x', '1');
    await clean(store, log);
    expect(dataOf(log)).toEqual(['2 b=1', '3 z=1', '4 y=1', '5 x=1']);
  });

  it('drops aborted data at once, and the marker once its time has come', async () => {
    const made = await begin();
    const { log, store, ports } = made;
    await put(log, 'a', 'before');
    await transactional(log, 7, 0, 'a', 'aborted');
    await end(log, 7, 0);
    await transactional(log, 8, 0, 'b', 'committed');
    await end(log, 8, 1);
    await put(log, 'z', '1');
    expect(log.abortedTransactions(0, 9)).toHaveLength(1);
    await clean(store, log);
    expect(dataOf(log)).toEqual(['0 a=before', '3 b=committed', '5 z=1']);
    // Producer 7's batch stays, empty, for its sequence.
    expect(batchesOf(log).filter(({ bytes }) => recordCountOf(bytes, 0) === 0).map(({ baseOffset }) => baseOffset)).toEqual([1]);
    expect(log.abortedTransactions(0, 9)).toEqual([{ producerId: 7, firstOffset: 1 }]);
    await ports.clock.advance(10);
    (log as unknown as { state: { producers: { expire(now: number, after: number): number } } }).state.producers.expire(ports.clock.now(), 1);
    for (let round = 0; round < 3; round += 1) {
      await put(log, 'z', `${round}`);
      await clean(store, log);
      await ports.clock.advance(2000);
    }
    expect(batchesOf(log).map(({ baseOffset }) => baseOffset)).not.toContain(2);
    expect(log.abortedTransactions(0, 9)).toEqual([]);
    expect(dataOf((await restart(made)).log).slice(0, 2)).toEqual(['0 a=before', '3 b=committed']);
  });

  it('never cleans open transactions or what is after them', async () => {
    const { log, store } = await begin();
    await put(log, 'a', '1');
    await put(log, 'a', '2');
    await rollNow(log);
    await transactional(log, 7, 0, 'k', 'open');
    await put(log, 'a', '3');
    await put(log, 'a', '4');
    expect((await clean(store, log))?.endOffset).toBe(2);
    expect(dataOf(log)).toEqual(['1 a=2', '2 k=open', '3 a=3', '4 a=4']);
  });

  it('keeps what an idempotent producer is known by, through a restart without its snapshots', async () => {
    const made = await begin();
    const { log, store, disk } = made;
    await append(log, keyed([['a', '1']], { producerId: 5, producerEpoch: 2, baseSequence: 0 }));
    await append(log, keyed([['a', '2']], { producerId: 5, producerEpoch: 2, baseSequence: 1 }));
    await put(log, 'a', '3');
    await put(log, 'b', '3');
    await clean(store, log);
    expect(dataOf(log)).toEqual(['2 a=3', '3 b=3']);
    await store.close();
    for (const { name } of await disk.list('/data/t-0')) if (name.endsWith('.snapshot')) await disk.remove(`/data/t-0/${name}`);
    await disk.remove('/data/.kafka_cleanshutdown');
    await disk.remove('/data/recovery-point-offset-checkpoint');
    const again = await startStore({ disk, ports: made.ports, config: COMPACT });
    const reopened = again.store.get('t', 0)!;
    expect((await refusal(append(reopened, keyed([['a', '9']], { producerId: 5, producerEpoch: 2, baseSequence: 5 })))).kind).toBe('outOfOrderSequence');
    await append(reopened, keyed([['a', '4']], { producerId: 5, producerEpoch: 2, baseSequence: 2 }));
    await again.store.close();
  });

  it('merges segments up to segment.bytes, and readers go on through it', async () => {
    const { log, store } = await begin();
    for (let index = 0; index < 60; index += 1) await put(log, `k${index % 7}`, `v${index}`.padEnd(30));
    const before = log.segmentCount;
    const held = log.read(0, 100, 60, true);
    const bytes = Buffer.from(held.bytes);
    await clean(store, log);
    expect(held.bytes.equals(bytes)).toBe(true);
    held.release();
    // One more cleaning merges what has shrunk.
    await put(log, 'other', '1');
    await clean(store, log);
    expect(log.segmentCount).toBeLessThan(before / 3);
    expect(log.read(0, 100, 60, true).bytes.length).toBeGreaterThan(0);
    expect(dataOf(log)).toHaveLength(8);
  });

  it('goes on where the memory for keys ended', async () => {
    const made = await startStore({ config: COMPACT, cleaner: { dedupeBufferSizeBytes: 24 * 10, ioBufferLoadFactor: 0.9 } });
    const log = await made.store.open('t', 0, TOPIC_ID, COMPACT);
    for (let index = 0; index < 40; index += 1) await put(log, `k${index % 20}`, `${index}`);
    expect((await clean(made.store, log))?.endOffset).toBe(9);
    let endOffset = 9;
    for (let round = 0; round < 10 && endOffset < 40; round += 1) endOffset = (await clean(made.store, log))?.endOffset ?? 40;
    expect(endOffset).toBe(40);
    expect(dataOf(log)).toEqual(Array.from({ length: 20 }, (_, key) => `${20 + key} k${key}=${20 + key}`));
  });

  it('refuses records without a key', async () => {
    const { log } = await begin();
    const error = await refusal(append(log, batchOf(['x', 'y'], { keys: ['a', null] })));
    expect([error.kind, error.badRecordIndex]).toEqual(['invalidRecord', 1]);
  });

  it('marks a log whose batch is corrupt, and leaves it alone', async () => {
    const made = await begin();
    const { log, store, disk } = made;
    await put(log, 'a', 'x'.repeat(20));
    await put(log, 'a', 'y'.repeat(20));
    await rollNow(log);
    disk.flipBit('/data/t-0/00000000000000000000.log', 75, 1);
    await made.ports.clock.advance(20_000);
    expect(store.cleaner.uncleanableIn('/data')).toMatchObject({ count: 1 });
    expect(store.cleaner.uncleanableIn('/data').bytes).toBeGreaterThan(0);
    expect((await disk.list('/data/t-0')).filter(({ name }) => /cleaned|swap/.test(name))).toEqual([]);
    expect((await refusal(store.cleaner.cleanNow(log as never))).kind).toBe('corrupt');
    await put(log, 'a', 'z');
    await store.close();
  });

  it('on a full disk takes nothing away, and goes on when there is room', async () => {
    const made = await begin();
    const { log, store, disk } = made;
    for (let index = 0; index < 20; index += 1) await put(log, `k${index}`, `v${index}`.padEnd(40));
    const before = dataOf(log);
    await rollNow(log);
    disk.fullAfterBytes(100);
    expect((await refusal(store.cleaner.cleanNow(log as never))).kind).toBe('diskFull');
    expect(dataOf(log)).toEqual(before);
    disk.fullAfterBytes(Infinity);
    await put(log, 'k0', 'new');
    await clean(store, log);
    expect(dataOf(log)).toHaveLength(20);
  });
});

describe('the cleaner', () => {
  it('cleans by itself what is dirty enough, and not what is younger than min.compaction.lag.ms', async () => {
    const made = await begin({ ...COMPACT, minCompactionLagMs: 60_000, minCleanableDirtyRatio: 0.5 });
    const { log, ports, store } = made;
    const now = ports.clock.now();
    for (let index = 0; index < 9; index += 1) await append(log, keyed([['a', `${index}`]], { timestamps: [now] }));
    await rollNow(log);
    await ports.clock.advance(20_000);
    expect(dataOf(log)).toHaveLength(9);
    await ports.clock.advance(60_000);
    expect(dataOf(log)).toEqual(['8 a=8']);
    expect((log as unknown as { state: { cleanedOffset: number } }).state.cleanedOffset).toBe(9);
    expect(String(await made.disk.readFile('/data/cleaner-offset-checkpoint', 1000))).toBe('0\n1\nt 0 9\n');
    // A tenth more is not dirty enough.
    for (let index = 0; index < 2; index += 1) await append(log, keyed([['b'.repeat(60), `${index}`]], { timestamps: [now] }));
    log.updateConfig({ ...COMPACT, minCleanableDirtyRatio: 0.99 });
    await rollNow(log);
    await ports.clock.advance(20_000);
    expect(dataOf(log)).toHaveLength(3);
    expect(store.cleaner.figures().maxDirtyPercent).toBeGreaterThan(50);
    await store.close();
  });

  it('cleans whatever the ratio what has passed max.compaction.lag.ms', async () => {
    const { log, ports, store } = await begin({ ...COMPACT, minCleanableDirtyRatio: 1 });
    const now = ports.clock.now();
    await append(log, keyed([['a', '1']], { timestamps: [now] }));
    await append(log, keyed([['a', '2']], { timestamps: [now] }));
    await rollNow(log);
    await ports.clock.advance(20_000);
    expect(dataOf(log)).toHaveLength(2);
    log.updateConfig({ ...COMPACT, minCleanableDirtyRatio: 1, maxCompactionLagMs: 30_000 });
    await ports.clock.advance(30_000);
    expect(dataOf(log)).toEqual(['1 a=2']);
    await store.close();
  });

  it('takes new settings into use: off and on, and a rate', async () => {
    const { log, ports, store } = await begin();
    for (let index = 0; index < 40; index += 1) await put(log, 'a', `${index}`.padEnd(50));
    await rollNow(log);
    await store.cleaner.reconfigure({ ...store.cleaner.settings, ioMaxBytesPerSecond: 1000 });
    await ports.clock.advance(1500);
    expect(dataOf(log).length).toBeGreaterThan(1);
    // Stopping does not wait for the rate.
    await store.cleaner.reconfigure({ ...store.cleaner.settings, enable: false });
    await store.cleaner.reconfigure({ ...store.cleaner.settings, enable: true, ioMaxBytesPerSecond: Number.MAX_VALUE });
    await ports.clock.advance(16_000);
    expect(dataOf(log)).toHaveLength(1);
    await store.close();
  });

  it('ends for a truncation, and believes no offset above it', async () => {
    const { log, ports, store, disk } = await begin();
    for (let index = 0; index < 20; index += 1) await put(log, 'a', `${index}`.padEnd(50));
    await rollNow(log);
    await store.cleaner.reconfigure({ ...store.cleaner.settings, ioMaxBytesPerSecond: 100 });
    await ports.clock.advance(100);
    await log.truncateTo(5);
    expect(log.logEndOffset).toBe(5);
    await store.cleaner.reconfigure({ ...store.cleaner.settings, ioMaxBytesPerSecond: Number.MAX_VALUE });
    for (let index = 5; index < 12; index += 1) await put(log, 'a', `${index}`);
    await clean(store, log);
    await log.truncateTo(3);
    expect(String(await disk.readFile('/data/cleaner-offset-checkpoint', 1000))).toMatch(/t 0 [0-3]\n$/);
    await store.close();
  });

  it('deletes and compacts under compact,delete', async () => {
    const { log, ports, store } = await begin({ ...COMPACT, cleanupPolicy: { delete: true, compact: true }, retentionMs: 3_600_000 });
    const now = ports.clock.now();
    for (let index = 0; index < 12; index += 1) await append(log, keyed([[`k${index % 3}`, `${index}`]], { timestamps: [now] }));
    await rollNow(log);
    await ports.clock.advance(20_000);
    expect(dataOf(log)).toHaveLength(3);
    await ports.clock.advance(4_000_000);
    expect(log.logStartOffset).toBe(12);
    await store.close();
  });

  it('gives up a log that is deleted while it is cleaned', async () => {
    const { log, ports, store, disk } = await begin();
    for (let index = 0; index < 20; index += 1) await put(log, 'a', `${index}`.padEnd(50));
    await rollNow(log);
    await store.cleaner.reconfigure({ ...store.cleaner.settings, ioMaxBytesPerSecond: 100 });
    await ports.clock.advance(100);
    await store.delete('t', 0);
    await ports.clock.advance(100);
    expect((await disk.list('/data')).filter(({ isDirectory }) => isDirectory)).toEqual([]);
    await store.close();
    expect(ports.logger.lines.filter((line) => line.startsWith('error'))).toEqual([]);
  });
});

