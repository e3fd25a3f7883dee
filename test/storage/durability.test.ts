import { describe, expect, it } from 'vitest';
import { append, batchOf, flush, readAll, refusal, startStore, topicConfig, TOPIC_ID } from './support/store.ts';
import { settle } from './support/ports.ts';
import type { LogError } from '../../src/storage/index.ts';

const durable = topicConfig({ flushMessages: 1 });

describe('group commit', () => {
  it('serves the acknowledgements of many logs with one round', async () => {
    const { store, disk, ports } = await startStore();
    const logs = await Promise.all(Array.from({ length: 20 }, (_, partition) => store.open('t', partition, TOPIC_ID, durable)));
    await settle();
    disk.syncDelayMs = 5;
    let rounds = 0;
    const sync = disk.sync.bind(disk);
    disk.sync = (segments, done) => {
      rounds += 1;
      sync(segments, done);
    };
    const answers: number[] = [];
    for (const log of logs) for (let index = 0; index < 3; index += 1) log.append(batchOf(['v']), { leaderEpoch: 0, origin: 'client' }, (_, info) => answers.push(info!.firstOffset));
    expect(answers).toEqual([]);
    await ports.clock.advance(5);
    expect(answers).toHaveLength(60);
    expect(rounds).toBe(1);
    for (const log of logs) expect(log.durableOffset).toBe(3);
    disk.syncDelayMs = 0;
    await store.close();
  });

  it('waits only where flush.messages is reached', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ flushMessages: 3 }));
    await append(log, batchOf(['a']));
    await append(log, batchOf(['b']));
    expect(log.durableOffset).toBe(0);
    await append(log, batchOf(['c']));
    expect(log.durableOffset).toBe(3);
    await append(log, batchOf(['d']));
    expect(log.durableOffset).toBe(3);
    await store.close();
  });

  it('comes after flush.ms without anybody waiting', async () => {
    const { store, ports } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ flushMs: 500 }));
    await append(log, batchOf(['a']));
    await ports.clock.advance(499);
    expect(log.durableOffset).toBe(0);
    await ports.clock.advance(2);
    expect(log.durableOffset).toBe(1);
    await store.close();
  });

  it('answers a duplicate no sooner than the original', async () => {
    const { store, disk, ports } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, durable);
    await settle();
    disk.syncDelayMs = 5;
    const answers: string[] = [];
    const batch = batchOf(['a'], { producerId: 1, producerEpoch: 0, baseSequence: 0 });
    void append(log, batch).then(() => answers.push('first'));
    void append(log, batch).then((info) => answers.push(`again ${info.duplicate}`));
    await settle();
    expect(answers).toEqual([]);
    await ports.clock.advance(5);
    expect(answers).toEqual(['first', 'again true']);
    disk.syncDelayMs = 0;
    await store.close();
  });

  it('makes sealed segments durable in the background', async () => {
    const { store } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 200 }));
    for (let index = 0; index < 10; index += 1) await append(log, batchOf(['x'.repeat(50)]));
    await settle();
    expect(log.durableOffset).toBeGreaterThan(5);
    expect(log.durableOffset).toBeLessThan(10);
    await store.close();
  });
});

describe('a failed fsync', () => {
  it('takes the directory offline, fails who waits, and is never tried again', async () => {
    const { store, disk } = await startStore({ directories: ['/data', '/other'] });
    const offline: string[] = [];
    store.onDirectoryOffline = (path) => offline.push(path);
    const first = await store.open('t', 0, TOPIC_ID, durable);
    const second = await store.open('t', 1, TOPIC_ID, durable);
    expect([first.logDirectory, second.logDirectory]).toEqual(['/data', '/other']);
    const third = await store.open('t', 2, TOPIC_ID, topicConfig());
    await append(third, batchOf(['before']));
    disk.failNextSync('/data/t-0/00000000000000000000.log');
    const kinds = await Promise.all([refusal(append(first, batchOf(['a']))), refusal(append(first, batchOf(['b']))), refusal(flush(first))]);
    expect(kinds.map((error) => error.kind)).toEqual(['storage', 'storage', 'storage']);
    expect(offline).toEqual(['/data']);
    expect([first.online, second.online, third.online]).toEqual([false, true, false]);
    expect((await refusal(append(third, batchOf(['c'])))).kind).toBe('storage');
    expect(() => third.read(0, 100, 1, true)).toThrow(expect.objectContaining({ kind: 'storage' }));
    expect((await refusal(flush(third))).kind).toBe('storage');
    await append(second, batchOf(['still works']));
    expect((await store.open('t', 5, TOPIC_ID, durable)).logDirectory).toBe('/other');
    await store.close();
    const names = (await disk.list('/data')).map((entry) => entry.name);
    expect(names).not.toContain('.kafka_cleanshutdown');
    expect((await disk.list('/other')).map((entry) => entry.name)).toContain('.kafka_cleanshutdown');
  });
});

describe('a failed write', () => {
  it('takes the directory offline', async () => {
    const { store, disk } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig());
    await append(log, batchOf(['a']));
    disk.failNextWrite('.log');
    expect((await refusal(append(log, batchOf(['b'])))).kind).toBe('storage');
    expect(log.online).toBe(false);
    await store.close();
  });
});

describe('a full disk', () => {
  it('refuses appends, while reading, retention, deletion and closing go on; then appends work again', async () => {
    const { store, disk, ports } = await startStore();
    const config = topicConfig({ segmentBytes: 1000, retentionMs: 1000, fileDeleteDelayMs: 0 });
    const log = await store.open('t', 0, TOPIC_ID, config);
    const other = await store.open('u', 0, TOPIC_ID, config);
    for (let index = 0; index < 20; index += 1) await append(log, batchOf(['x'.repeat(100)], { timestamps: [1] }));
    await append(other, batchOf(['y']));
    disk.fullAfterBytes(50);
    const errors: LogError[] = [];
    for (let index = 0; index < 12; index += 1) errors.push(await refusal(append(log, batchOf(['x'.repeat(100)]))));
    expect(new Set(errors.map((error) => error.kind))).toEqual(new Set(['diskFull']));
    expect(log).toMatchObject({ online: true, logEndOffset: 20 });
    expect(readAll(log)).toHaveLength(20);
    expect((await refusal(store.open('new', 0, TOPIC_ID, config))).kind).toBe('diskFull');
    expect(store.get('new', 0)).toBeUndefined();
    await store.delete('u', 0);
    expect(log.applyRetention(ports.clock.now())).toBeGreaterThan(0);
    await ports.clock.advance(1);
    await settle();
    expect((await append(log, batchOf(['fits again']))).firstOffset).toBe(20);
    disk.fullAfterBytes(0);
    await store.close();
    disk.fullAfterBytes(Infinity);
    const after = await startStore({ disk, ports, config });
    expect(readAll(after.store.get('t', 0)!).at(-1)?.value).toBe('fits again');
    await after.store.close();
  });
});

describe('an unreadable page', () => {
  it('is reported by the read', async () => {
    const { store, disk } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig());
    for (let index = 0; index < 5; index += 1) await append(log, batchOf([`v${index}`]));
    disk.loseRange('/data/t-0/00000000000000000000.log', 61, 20);
    let intact = true;
    try {
      const result = log.read(0, 1000, 5, true);
      intact = result.intact;
      result.release();
    } catch (error) {
      expect((error as LogError).kind).toBe('storage');
      intact = false;
    }
    expect(intact).toBe(false);
    await store.close();
  });
});

describe('the recovery point', () => {
  it('follows rolled segments within a second, with one write for all of them', async () => {
    const { store, disk, ports } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ segmentBytes: 200 }));
    for (let index = 0; index < 10; index += 1) await append(log, batchOf(['x'.repeat(50)]));
    await settle();
    let writes = 0;
    const writeFileAtomic = disk.writeFileAtomic.bind(disk);
    disk.writeFileAtomic = (path, bytes) => {
      if (path === '/data/recovery-point-offset-checkpoint') writes += 1;
      return writeFileAtomic(path, bytes);
    };
    await ports.clock.advance(1_001);
    expect(writes).toBe(1);
    expect(String(await disk.readFile('/data/recovery-point-offset-checkpoint', 100))).toBe(`0\n1\nt 0 ${log.durableOffset}\n`);
    expect(log.durableOffset).toBeGreaterThan(5);
    await store.close();
  });

  it('leaves nothing of a refused append to a start after an orderly stop and a loss of power', async () => {
    const { store, disk, ports } = await startStore();
    const log = await store.open('t', 0, TOPIC_ID, topicConfig({ flushMessages: 1 }));
    await ports.clock.advance(61_000);
    disk.fullAfterBytes(50);
    expect((await refusal(append(log, batchOf(['x'.repeat(100)])))).kind).toBe('diskFull');
    await store.close();
    const file = disk.files.file('/data/t-0/00000000000000000000.log');
    expect({ sizeBytes: file.current.sizeBytes, unsynced: file.pendingCount }).toEqual({ sizeBytes: 0, unsynced: 0 });
  });
});
