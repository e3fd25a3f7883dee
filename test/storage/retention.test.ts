import { describe, expect, it } from 'vitest';
import type { Log } from '../../src/storage/index.ts';
import { append, batchOf, COORDINATOR, readAll, refusal, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

const files = (log: Log, disk: { list(path: string): Promise<{ name: string }[]> }): Promise<string[]> => disk.list(log.directory).then((entries) => entries.map((entry) => entry.name));

async function fill(log: Log, count: number, timestampOf: (index: number) => number = () => 1): Promise<void> {
  for (let index = 0; index < count; index += 1) await append(log, batchOf([`v${index}`.padEnd(40, '.')], { timestamps: [timestampOf(index)] }));
}

describe('retention', () => {
  it('by size keeps what fits, whole segments', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 250, retentionBytes: 700, retentionMs: -1 }));
    await fill(log, 30);
    const before = log.sizeBytes;
    const perSegment = before / log.segmentCount;
    expect(log.applyRetention(0)).toBeGreaterThan(5);
    expect(log.sizeBytes).toBeGreaterThanOrEqual(700);
    expect(log.sizeBytes).toBeLessThan(700 + perSegment);
    expect(log.logStartOffset).toBe(readAll(log)[0]?.offset);
    expect(log.applyRetention(0)).toBe(0);
    await store.close();
  });

  it('by time deletes whole old segments, the active one too, and offsets go on', async () => {
    const { store, ports, disk } = await startStore();
    const start = ports.clock.now();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 250, retentionMs: 1000 }));
    await fill(log, 10, (index) => start + index * 100);
    expect(log.applyRetention(start + 1000)).toBe(0);
    expect(log.applyRetention(start + 1450)).toBe(2);
    expect(log.logStartOffset).toBe(4);
    expect(log.applyRetention(start + 5000)).toBe(3);
    expect(log).toMatchObject({ logStartOffset: 10, logEndOffset: 10, segmentCount: 1, sizeBytes: 0 });
    expect(log.applyRetention(start + 50_000)).toBe(0);
    expect((await append(log, batchOf(['next']))).firstOffset).toBe(10);
    expect((await files(log, disk)).some((name) => name.endsWith('.deleted'))).toBe(true);
    await ports.clock.advance(60_000);
    expect((await files(log, disk)).filter((name) => /^0{19}[0-9]\./.test(name))).toEqual([]);
    await store.close();
  });

  it('spares segments with a late timestamp and everything after them', async () => {
    const { store, ports } = await startStore();
    const now = ports.clock.now();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 120, retentionMs: 1000 }));
    await fill(log, 5, (index) => (index === 1 ? now : 5));
    expect(log.applyRetention(now)).toBe(1);
    expect(log.logStartOffset).toBe(1);
    await store.close();
  });

  it('does not pass the high watermark', async () => {
    const { store } = await startStore({ highWatermarkFollowsEnd: false });
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 120, retentionMs: 1000 }));
    await fill(log, 6);
    log.highWatermark = 3;
    expect(log.applyRetention(1_000_000)).toBe(3);
    expect(log.logStartOffset).toBe(3);
    await store.close();
  });

  it('leaves compacted topics alone but for deleted records', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 130, retentionMs: 1, retentionBytes: 1, cleanupPolicy: { delete: false, compact: true } }));
    for (let index = 0; index < 5; index += 1) await append(log, batchOf(['v'.repeat(40)], { keys: ['k'], timestamps: [1] }));
    expect(log.applyRetention(1_000_000)).toBe(0);
    await log.deleteRecordsBefore(3);
    expect(log.applyRetention(1_000_000)).toBe(3);
    await store.close();
  });

  it('runs by itself, also when the clock stepped back', async () => {
    const { store, ports } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 250, retentionMs: 60_000 }));
    await fill(log, 10, () => ports.clock.now());
    ports.clock.wallMs -= 10_000_000;
    await ports.clock.advance(300_000);
    expect(log.logStartOffset).toBe(0);
    ports.clock.wallMs += 10_000_000;
    await ports.clock.advance(300_000);
    expect(log.logStartOffset).toBe(10);
    await store.close();
  });

  it('does not break reads that are under way', async () => {
    const { store, ports } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 250, retentionMs: 1, fileDeleteDelayMs: 0 }));
    await fill(log, 10);
    const view = log.read(0, 1000, 10, true);
    const copy = Buffer.from(view.bytes);
    log.applyRetention(1_000_000);
    await ports.clock.advance(1000);
    expect(view.bytes.equals(copy)).toBe(true);
    view.release();
    await store.close();
  });
});

describe('delete records', () => {
  it('moves the start for good', async () => {
    const { store, disk, ports } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig());
    await fill(log, 10);
    expect(await log.deleteRecordsBefore(4)).toBe(4);
    expect(await log.deleteRecordsBefore(2)).toBe(4);
    expect((await refusal(log.deleteRecordsBefore(11))).kind).toBe('offsetOutOfRange');
    expect((await refusal(log.deleteRecordsBefore(-1))).kind).toBe('offsetOutOfRange');
    expect(() => log.read(3, 100, 10, true)).toThrow(expect.objectContaining({ kind: 'offsetOutOfRange' }));
    expect(readAll(log)[0]?.offset).toBe(4);
    const crashed = await startStore({ disk: disk.crash(), ports });
    expect(crashed.store.get('t', 0)?.logStartOffset).toBe(4);
    await crashed.store.close();
  });
});

describe('rolling', () => {
  it('by the age of the records', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentMs: 1000 }));
    await fill(log, 4, (index) => 50_000 + index * 500);
    expect(log.segmentCount).toBe(2);
    await store.close();
  });

  it('by the time that passed, for records without timestamps and without appends', async () => {
    const { store, ports } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentMs: 1000, retentionMs: -1 }));
    await fill(log, 1, () => -1);
    await ports.clock.advance(1001);
    await fill(log, 1, () => -1);
    expect(log.segmentCount).toBe(2);
    await ports.clock.advance(300_000);
    expect(log.segmentCount).toBe(3);
    await ports.clock.advance(900_000);
    expect(log.segmentCount).toBe(3);
    await store.close();
  });

  it('when an index is full', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentIndexBytes: 48, indexIntervalBytes: 1 }));
    await fill(log, 12, (index) => 1000 + index);
    expect(log.segmentCount).toBeGreaterThan(1);
    expect(readAll(log)).toHaveLength(12);
    await store.close();
  });

  it('takes a jitter off segment.ms', async () => {
    const { store, ports } = await startStore();
    let rolled = 0;
    for (let partition = 0; partition < 40; partition += 1) {
      const log = await store.open('t', partition, TOPIC_ID, topicConfig({ segmentMs: 1000, segmentJitterMs: 1000 }));
      await fill(log, 2, (index) => 5000 + index * 500);
      rolled += log.segmentCount - 1;
    }
    expect(rolled).toBeGreaterThan(5);
    expect(rolled).toBeLessThan(35);
    expect(ports.logger.lines).toEqual([]);
    await store.close();
  });
});

describe('a coordinator record', () => {
  it('counts for retention as any other', async () => {
    const { store } = await startStore();
    const log = await store.open('__consumer_offsets', 0, TOPIC_ID, topicConfig({ segmentBytes: 250, retentionMs: 1000 }));
    for (let index = 0; index < 5; index += 1) await append(log, batchOf(['x'.repeat(50)], { timestamps: [10] }), COORDINATOR);
    expect(log.applyRetention(10_000)).toBeGreaterThan(0);
    await store.close();
  });
});
