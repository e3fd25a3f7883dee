import { describe, expect, it } from 'vitest';
import { attributesOf, codecIn } from '../../src/record/batchHeader.ts';
import type { Log, TopicConfigView } from '../../src/storage/index.ts';
import type { PartitionLog } from '../../src/storage/log.ts';
import { batchesOf, clean, keyed } from './support/compaction.ts';
import { append, batchOf, readAll, refusal, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

/** Each setting of a log is changed while it is open, and seen to count from then on. */
async function begin(changes: Partial<TopicConfigView> = {}) {
  const made = await startStore();
  const config = topicConfig(changes);
  const log = await made.store.open('t', 0, TOPIC_ID, config);
  return { ...made, log, set: (more: Partial<TopicConfigView>) => log.updateConfig({ ...config, ...more }) };
}

const stateOf = (log: Log) => (log as PartitionLog).state;
const add = (log: Log, value = 'x'.repeat(100)) => append(log, batchOf([value]));

describe('while a log is open,', () => {
  it('segment.bytes', async () => {
    const { log, set } = await begin();
    await add(log);
    await add(log);
    expect(log.segmentCount).toBe(1);
    set({ segmentBytes: 200 });
    await add(log);
    await add(log);
    expect(log.segmentCount).toBe(3);
    set({ segmentBytes: 1 << 20 });
    for (let index = 0; index < 5; index += 1) await add(log);
    expect(log.segmentCount).toBe(4);
  });

  it('segment.ms and segment.jitter.ms', async () => {
    const { log, set, ports } = await begin();
    await add(log);
    set({ segmentMs: 1000 });
    await ports.clock.advance(1001);
    log.roll();
    expect(log.segmentCount).toBe(2);
    set({ segmentMs: 1_000_000, segmentJitterMs: 900_000 });
    await (log as PartitionLog).beginSegment();
    await add(log);
    await (log as PartitionLog).beginSegment();
    expect(stateOf(log).rollJitterMs).toBeGreaterThan(0);
  });

  it('index.interval.bytes and segment.index.bytes, from the next segment on', async () => {
    const { log, set, disk } = await begin({ indexIntervalBytes: 1 << 20 });
    for (let index = 0; index < 10; index += 1) await add(log);
    set({ indexIntervalBytes: 100, segmentIndexBytes: 36 });
    await (log as PartitionLog).beginSegment();
    for (let index = 0; index < 20; index += 1) await add(log);
    expect(log.segmentCount).toBeGreaterThan(4);
    expect(await disk.readFile('/data/t-0/00000000000000000000.index', 1000)).toHaveLength(0);
    expect((await disk.readFile('/data/t-0/00000000000000000010.index', 1000))!.length).toBeGreaterThan(0);
  });

  it('retention.ms and retention.bytes', async () => {
    const { log, set, ports } = await begin({ segmentBytes: 200, retentionMs: -1, retentionBytes: -1 });
    for (let index = 0; index < 6; index += 1) await add(log);
    expect(log.applyRetention(ports.clock.now() + 1e12)).toBe(0);
    set({ segmentBytes: 200, retentionMs: -1, retentionBytes: 500 });
    expect(log.applyRetention(ports.clock.now())).toBe(3);
    set({ segmentBytes: 200, retentionMs: 5000, retentionBytes: -1 });
    expect(log.applyRetention(ports.clock.now() + 1e6)).toBe(3);
  });

  it('flush.messages and flush.ms', async () => {
    const { log, set, ports } = await begin();
    await add(log);
    expect(log.durableOffset).toBe(0);
    set({ flushMessages: 1 });
    await add(log);
    expect(log.durableOffset).toBe(2);
    set({ flushMs: 500 });
    await add(log);
    expect(log.durableOffset).toBe(2);
    await ports.clock.advance(501);
    expect(log.durableOffset).toBe(3);
  });

  it('preallocate, from the next segment on', async () => {
    const { log, set } = await begin({ segmentBytes: 1 << 30 });
    const before = stateOf(log).segments.active.options.preallocateBytes;
    set({ preallocate: true, segmentBytes: 1 << 30 });
    await add(log);
    await (log as PartitionLog).beginSegment();
    expect([before < 1 << 30, stateOf(log).segments.active.options.preallocateBytes]).toEqual([true, 1 << 30]);
  });

  it('file.delete.delay.ms', async () => {
    const { log, set, ports, disk } = await begin({ segmentBytes: 200, fileDeleteDelayMs: 1e9 });
    const deleted = async (): Promise<number> => (await disk.list('/data/t-0')).filter(({ name }) => name.endsWith('.log.deleted')).length;
    for (let index = 0; index < 4; index += 1) await add(log);
    await log.deleteRecordsBefore(2);
    log.applyRetention(ports.clock.now());
    await ports.clock.advance(10_000);
    expect(await deleted()).toBe(2);
    set({ segmentBytes: 200, fileDeleteDelayMs: 50 });
    await log.deleteRecordsBefore(3);
    log.applyRetention(ports.clock.now());
    await ports.clock.advance(100);
    expect(await deleted()).toBe(2);
  });

  it('max.message.bytes', async () => {
    const { log, set } = await begin();
    await add(log);
    set({ maxMessageBytes: 100 });
    expect((await refusal(add(log))).kind).toBe('batchTooLarge');
    set({ maxMessageBytes: 1000 });
    await add(log);
  });

  it('message.timestamp.type and how far timestamps may be off', async () => {
    const { log, set, ports } = await begin();
    const at = (timestampMs: number) => append(log, batchOf(['x'], { timestamps: [timestampMs] }));
    const now = ports.clock.now();
    await at(1);
    await at(now + 1e9);
    set({ messageTimestampBeforeMaxMs: 1000 });
    expect((await refusal(at(now - 2000))).kind).toBe('invalidTimestamp');
    set({ messageTimestampAfterMaxMs: 1000 });
    expect((await refusal(at(now + 2000))).kind).toBe('invalidTimestamp');
    set({ messageTimestampType: 'LogAppendTime' });
    expect((await at(5)).logAppendTimeMs).toBe(now);
    expect(readAll(log).at(-1)).toMatchObject({ timestampMs: now });
  });

  it('compression.type and its levels', async () => {
    const { log, set } = await begin();
    const value = Array.from({ length: 400 }, (_, index) => `${Math.imul(index, 2654435761) >>> 0} some text `).join('');
    const sizes: number[] = [];
    for (const more of [{}, { compressionType: 'gzip', compressionGzipLevel: 1 }, { compressionType: 'gzip', compressionGzipLevel: 9 }, { compressionType: 'zstd' }, { compressionType: 'uncompressed' }] as const) {
      set(more);
      await add(log, value);
      sizes.push(batchesOf(log).at(-1)!.bytes.length);
    }
    expect(batchesOf(log).map(({ bytes }) => codecIn(attributesOf(bytes, 0)))).toEqual([0, 1, 1, 4, 0]);
    expect(sizes[2]!).toBeLessThan(sizes[1]!);
    expect(sizes[4]).toBe(sizes[0]);
  });

  it('cleanup.policy, delete.retention.ms, and with them compaction', async () => {
    const { log, set, store } = await begin();
    await append(log, batchOf(['no key']));
    set({ cleanupPolicy: { delete: false, compact: true } });
    expect((await refusal(append(log, batchOf(['no key'])))).kind).toBe('invalidRecord');
    await append(log, keyed([['a', '1'], ['a', null]]));
    set({ cleanupPolicy: { delete: false, compact: true }, deleteRetentionMs: 0 });
    await append(log, keyed([['b', '1']]));
    await clean(store, log);
    await append(log, keyed([['b', '2']]));
    await clean(store, log);
    expect(readAll(log).map(({ value }) => value)).toEqual(['2']);
    set({ cleanupPolicy: { delete: true, compact: false } });
    await append(log, batchOf(['no key']));
  });
});
