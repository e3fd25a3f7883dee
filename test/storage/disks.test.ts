import { cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Disk } from '../../src/base/disk.ts';
import { buildEndTransactionMarker } from '../../src/record/control.ts';
import { openDisk } from '../../src/storage/disk/index.ts';
import { PortableDisk } from '../../src/storage/disk/portable.ts';
import { createStore, openStore, randomId, systemPorts } from '../../src/storage/index.ts';
import type { Log, StoreManager } from '../../src/storage/index.ts';
import { append, batchOf, COORDINATOR, flush, readAll, topicConfig, TOPIC_ID } from './support/store.ts';

/** Every real disk of this machine. */
const makers: [string, () => Disk][] = [['portable', () => new PortableDisk()]];
if (openDisk().kind !== 'portable') makers.push([openDisk().kind, openDisk]);

describe.each(makers)('a store on the %s disk', (_kind, makeDisk) => {
  let root = '';
  let disk: Disk;
  const config = topicConfig({ segmentBytes: 4000, fileDeleteDelayMs: 0 });

  beforeEach(() => {
    root = mkdtempSync(path.join(tmpdir(), 'tidelog-store-'));
    disk = makeDisk();
  });
  afterEach(async () => {
    await disk.close();
    rmSync(root, { recursive: true, force: true });
  });

  async function start(folder: string): Promise<StoreManager> {
    const store = createStore({ directories: [path.join(root, folder)], disk, highWatermarkFollowsEnd: true });
    await store.start(() => config);
    return store;
  }

  /** 200 batches of one producer, with an aborted transaction of another in every tenth place. */
  async function fill(log: Log): Promise<void> {
    for (let index = 0; index < 200; index += 1) {
      const codec = index % 3 === 0 ? 4 : 0;
      await append(log, batchOf([`v${index}`.padEnd(60), 'w'], { codec, producerId: 1, producerEpoch: 0, baseSequence: index * 2, timestamps: [1000 + index, 1000] }));
      if (index % 10 !== 9) continue;
      await append(log, batchOf(['t'], { producerId: 2, producerEpoch: 0, baseSequence: Math.floor(index / 10), isTransactional: true, timestamps: [5] }));
      await append(log, buildEndTransactionMarker({ type: 0, producerId: 2, producerEpoch: 0, coordinatorEpoch: 1, timestampMs: 5 }), COORDINATOR);
    }
  }

  async function check(log: Log): Promise<void> {
    expect(log.logEndOffset).toBe(440);
    expect(readAll(log, 440, 3000).map((record) => record.offset)).toEqual(Array.from({ length: 440 }, (_, offset) => offset));
    expect(log.abortedTransactions(0, 440)).toHaveLength(20);
    expect((await log.offsetForTimestamp(1100, 440)).offset).toBe(readAll(log, 440, 3000).find((record) => record.timestampMs >= 1100)?.offset);
    expect((await log.offsetOfMaxTimestamp(440)).timestampMs).toBe(1199);
    expect(await append(log, batchOf(['v199'.padEnd(60), 'w'], { producerId: 1, producerEpoch: 0, baseSequence: 398, timestamps: [1199, 1000] }))).toMatchObject({ duplicate: true });
  }

  it('gives back the same before and after a restart, and after a kill', async () => {
    const store = await start('a');
    const log = await store.open('t', 0, TOPIC_ID, config);
    await fill(log);
    expect(log.segmentCount).toBeGreaterThan(4);
    await check(log);
    cpSync(path.join(root, 'a'), path.join(root, 'killed'), { recursive: true });
    await store.close();
    const clean = await start('a');
    await check(clean.get('t', 0)!);
    await clean.close();
    rmSync(path.join(root, 'killed', '.lock'), { force: true });
    const killed = await start('killed');
    await check(killed.get('t', 0)!);
    await killed.close();
    const again = await start('killed');
    await check(again.get('t', 0)!);
    await again.close();
  });

  it('deletes, truncates, trims and goes on', async () => {
    const store = await start('a');
    const log = await store.open('t', 0, TOPIC_ID, config);
    await fill(log);
    await flush(log);
    expect(log.durableOffset).toBe(440);
    await log.truncateTo(301);
    expect(log.logEndOffset).toBeLessThanOrEqual(301);
    const end = log.logEndOffset;
    await append(log, batchOf(['next']));
    await log.deleteRecordsBefore(100);
    expect(log.applyRetention(0)).toBeGreaterThan(0);
    expect(readAll(log, log.logEndOffset, 3000).map((record) => record.offset)).toEqual(Array.from({ length: end - 99 }, (_, index) => 100 + index));
    const folder = log.directory;
    await store.delete('t', 0);
    expect(readdirSync(path.dirname(folder)).some((name) => name.endsWith('-delete'))).toBe(true);
    const other = await store.open('t', 0, randomId(systemPorts.random), config);
    await append(other, batchOf(['new']));
    expect(readAll(other)).toMatchObject([{ offset: 0, value: 'new' }]);
    await store.close();
    const again = await start('a');
    expect(readAll(again.get('t', 0)!)).toMatchObject([{ value: 'new' }]);
    expect(readdirSync(path.join(root, 'a')).some((name) => name.endsWith('-delete'))).toBe(false);
    await again.close();
  });

  it('makes acknowledged records durable with flush.messages=1', async () => {
    const store = await start('a');
    const logs = await Promise.all([0, 1, 2].map((partition) => store.open('t', partition, TOPIC_ID, { ...config, flushMessages: 1 })));
    await Promise.all(logs.flatMap((log) => Array.from({ length: 50 }, (_, index) => append(log, batchOf([String(index)])))));
    for (const log of logs) expect(log.durableOffset).toBe(50);
    await store.close();
  });
});

describe('openStore', () => {
  it('needs nothing but a directory', async () => {
    const root = mkdtempSync(path.join(tmpdir(), 'tidelog-store-'));
    try {
      const store = await openStore({ directories: [path.join(root, 'deep/er')] });
      const log = await store.open('events', 0, randomId(systemPorts.random), topicConfig());
      await append(log, batchOf(['hello'], { timestamps: [Date.now()] }));
      expect(readAll(log, log.highWatermark)).toMatchObject([{ value: 'hello' }]);
      await store.close();
    } finally {
      rmSync(root, { recursive: true, force: true });
    }
  });
});
