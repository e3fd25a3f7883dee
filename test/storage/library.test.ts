import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MemoryDisk, openDisk, openLog, openLogs, openLogsReadOnly } from '../../src/storage/index.ts';
import type { Disk } from '../../src/base/disk.ts';
import type { LogError, LogRecord, LogSettings, OpenLog, OpenLogs, StoreError } from '../../src/storage/index.ts';
import { PortableDisk } from '../../src/storage/disk/portable.ts';
import { fakePorts, seededRandom } from './support/ports.ts';

let root = '';
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'tidelog-library-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const folder = (name = 'store'): string => path.join(root, name);
const texts = async (records: AsyncIterable<LogRecord>, limit = Infinity): Promise<string[]> => {
  const found: string[] = [];
  for await (const record of records) {
    found.push(String(record.value));
    if (found.length >= limit) break;
  }
  return found;
};
const fill = async (log: OpenLog, count: number, from = 0): Promise<void> => {
  for (let index = from; index < from + count; index += 1) await log.append({ key: `k${index % 3}`, value: `v${index}`, timestampMs: 1000 + index }).accepted;
};
const failure = async (work: Promise<unknown> | (() => unknown)): Promise<LogError | StoreError> => {
  try {
    await (typeof work === 'function' ? work() : work);
  } catch (error) {
    return error as LogError;
  }
  throw new Error('it was accepted');
};
const SMALL: LogSettings = { segmentBytes: 300, fileDeleteDelayMs: 0, indexIntervalBytes: 100 };

describe('a log', () => {
  it('gives records back by offset, by time and from the end, and again after a restart', async () => {
    let log = await openLog(folder(), SMALL);
    expect(await log.append([{ key: 'a', value: 'v0', timestampMs: 1000, headers: [{ key: 'h', value: 'x' }] }, { value: null, timestampMs: 1001 }]).readable).toEqual({ firstOffset: 0, lastOffset: 1 });
    await fill(log, 30, 2);
    for (let round = 0; round < 2; round += 1) {
      const [first, second] = await (await log.readBatches({ to: 2 }).next()).value!;
      expect(first).toMatchObject({ offset: 0, timestampMs: 1000, headers: [{ key: 'h' }] });
      expect([String(first!.key), second!.key, second!.value]).toEqual(['a', null, null]);
      expect(await texts(log.read({ from: 28 }))).toEqual(['v28', 'v29', 'v30', 'v31']);
      expect(await texts(log.read({ from: 5, to: 7, maxBytes: 1 }))).toEqual(['v5', 'v6']);
      expect(await texts(log.readBackwards(), 3)).toEqual(['v31', 'v30', 'v29']);
      expect(await texts(log.readBackwards({ from: 4, to: 2 }))).toEqual(['v3', 'v2']);
      expect((await texts(log.readBackwards())).length).toBe(32);
      expect(await log.findTimestamp(1017)).toMatchObject({ offset: 17 });
      expect(await log.findTimestamp(5000)).toBeNull();
      await log.close();
      log = await openLog(folder(), SMALL);
    }
    expect([log.startOffset, log.endOffset, log.readableOffset]).toEqual([0, 32, 32]);
    await log.close();
  });

  it('keeps its three promises apart', async () => {
    const ports = fakePorts();
    const disk = new MemoryDisk({ random: seededRandom(7), clock: ports.clock });
    const logs = await openLogs('/s', { disk, ports });
    const log = await logs.open('a', { durability: 'everyAppend' });
    const loose = await logs.open('b');
    const timed = await logs.open('c', { durability: { everyMs: 1000 } });
    disk.syncDelayMs = 50;
    const reached: string[] = [];
    const appended = log.append({ value: 'x' });
    void appended.accepted.then(() => reached.push('accepted'));
    void appended.readable.then(() => reached.push('readable'));
    void appended.durable.then(() => reached.push('durable'));
    await ports.clock.advance(10);
    expect([reached, log.endOffset, log.readableOffset]).toEqual([['accepted'], 1, 0]);
    await ports.clock.advance(200);
    expect([reached, log.readableOffset, log.durableOffset]).toEqual([['accepted', 'readable', 'durable'], 1, 1]);
    // Nobody asks: nothing is synced.
    await loose.append({ value: 'x' }).readable;
    await ports.clock.advance(200);
    expect([loose.readableOffset, loose.durableOffset]).toEqual([1, 0]);
    await timed.append({ value: 'x' }).readable;
    await ports.clock.advance(900);
    expect(timed.durableOffset).toBe(0);
    await ports.clock.advance(300);
    expect(timed.durableOffset).toBe(1);
    disk.failNextSync('b-0');
    const lost = log.append({ value: 'y' });
    const alsoLost = loose.append({ value: 'y' });
    await alsoLost.accepted;
    const failed = failure(alsoLost.durable);
    await ports.clock.advance(500);
    expect((await failed as LogError).kind).toBe('storage');
    expect(((await failure(() => log.append({ value: 'z' }))) as LogError).kind).toBe('storage');
    await lost.accepted.catch(() => {});
  });

  it('can be followed, by an iterator and by a stream whose back-pressure counts bytes', async () => {
    const log = await openLog(folder());
    await fill(log, 3);
    const ending = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const record of log.tail({ from: 'start', signal: ending.signal })) {
        seen.push(String(record.value));
        if (seen.length === 5) ending.abort();
      }
    })();
    await new Promise((resolve) => setImmediate(resolve));
    await fill(log, 2, 3);
    await following;
    expect(seen).toEqual(['v0', 'v1', 'v2', 'v3', 'v4']);
    for (let index = 0; index < 100; index += 1) await log.append({ value: Buffer.alloc(1000, index) }).accepted;
    const stream = log.stream({ from: 5, highWaterMarkBytes: 5000 });
    await new Promise((resolve) => setTimeout(resolve, 20));
    const reader = stream.getReader();
    for (let index = 0; index < 100; index += 1) expect((await reader.read()).value!.value![0]).toBe(index);
    await reader.cancel();
    const waiting = failure(texts(log.tail()));
    await new Promise((resolve) => setImmediate(resolve));
    await log.close();
    expect((await waiting as LogError).kind).toBe('closed');
  });

  it('hands out copies, and views where they are wanted', async () => {
    const log = await openLog(folder());
    await log.append({ value: Buffer.alloc(100_000, 1) }).accepted;
    const [copy] = (await log.readBatches().next()).value!;
    expect(copy!.value!.every((byte) => byte === 1)).toBe(true);
    for await (const [view] of log.readBatches({ views: true })) expect(view!.value!.equals(copy!.value!)).toBe(true);
    await log.close();
    expect(copy!.value!.every((byte) => byte === 1)).toBe(true);
  });

  it('is cut, deletes what is old, and compacts', async () => {
    const logs = await openLogs(folder(), { settings: SMALL });
    const log = await logs.open('a');
    await fill(log, 40);
    await log.truncate(30);
    expect([log.endOffset, log.readableOffset]).toEqual([30, 30]);
    await log.deleteBefore(12);
    expect([log.startOffset, (await texts(log.read()))[0]]).toEqual([12, 'v12']);
    log.update({ retentionBytes: 400 });
    expect(log.retain()).toBeGreaterThan(0);
    expect((await failure(log.compact()) as LogError).kind).toBe('invalidArgument');
    const table = await logs.open('table', { cleanupPolicy: { delete: false, compact: true } });
    await fill(table, 20);
    await table.compact();
    expect(await texts(table.read())).toEqual(['v17', 'v18', 'v19']);
    expect((await failure(table.append({ value: 'no key' }).accepted) as LogError).kind).toBe('invalidRecord');
    expect(logs.names()).toEqual(['a', 'table']);
    await logs.delete('a');
    expect([logs.names(), (await failure(() => log.append({ value: 'x' })) as LogError).kind]).toEqual([['table'], 'closed']);
    await logs.close();
  });

  it('keeps nothing of appends that nobody asks about, and closes only when what was asked for is durable', async () => {
    const log = await openLog(folder());
    for (let index = 0; index < 50; index += 1) await log.append({ value: 'x' }).accepted;
    const asked = log.append({ value: 'y' });
    const durable = asked.durable;
    await log.close();
    expect(await durable).toEqual({ firstOffset: 50, lastOffset: 50 });
    expect(await asked.accepted).toEqual({ firstOffset: 50, lastOffset: 50 });
  });

  it('takes ready batches and every codec', async () => {
    const log = await openLog(folder());
    for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const) await log.append([{ value: compression }, { value: 'x'.repeat(5000) }], { compression }).accepted;
    expect((await texts(log.read())).filter((text) => text.length < 10)).toEqual(['none', 'gzip', 'snappy', 'lz4', 'zstd']);
    expect((await failure(log.appendBatch(Buffer.alloc(100)).accepted) as LogError).kind).toBe('unsupportedMagic');
    await log.close();
  });

  it('refuses what cannot be, with typed errors', async () => {
    const logs = await openLogs(folder(), { settings: { maxMessageBytes: 1000 } });
    const log = await logs.open('a');
    await fill(log, 2);
    const kinds: [string, Promise<unknown> | (() => unknown)][] = [
      ['invalidArgument', () => log.append([])],
      ['invalidArgument', () => log.append({ value: 5 as never })],
      ['invalidArgument', () => log.append({ value: 'x', timestampMs: 1.5 })],
      ['invalidArgument', () => log.append({ value: 'x' }, { compression: 'rar' as never })],
      ['invalidArgument', logs.open('a/b')],
      ['invalidArgument', logs.open('a', { segmentBytes: 0 })],
      ['invalidArgument', logs.open('a', { nonsense: 1 } as never)],
      ['invalidArgument', log.read({ from: 0.5 }).next()],
      ['batchTooLarge', () => log.append({ value: Buffer.alloc(2000) })],
      ['offsetOutOfRange', log.read({ from: 3 }).next()],
      ['offsetOutOfRange', log.truncate(-1)],
      ['offsetOutOfRange', log.deleteBefore(9)],
    ];
    for (const [kind, work] of kinds) expect((await failure(work) as LogError).kind).toBe(kind);
    expect((await failure(openLogs(folder())) as StoreError).code).toBe('locked');
    expect((await failure(logs.delete('none')) as StoreError).code).toBe('notFound');
    await logs.close();
    await logs.close();
    expect((await failure(logs.open('a')) as LogError).kind).toBe('closed');
    expect((await failure(openLogsReadOnly(folder('nowhere'))) as StoreError).code).toBe('notFound');
  });
});

const makers: [string, () => Disk][] = [['portable', () => new PortableDisk()]];
if (openDisk().kind !== 'portable') makers.push([openDisk().kind, openDisk]);

describe.each(makers)('beside a writer, on the %s disk,', (_kind, makeDisk) => {
  let logs: OpenLogs;
  let disk: Disk;
  beforeEach(async () => {
    disk = makeDisk();
    logs = await openLogs(folder(), { disk: makeDisk(), settings: SMALL });
  });
  afterEach(async () => {
    await logs.close();
    await disk.close();
  });

  it('others read, and follow what it appends, rolls and deletes', async () => {
    const log = await logs.open('a');
    await fill(log, 20);
    const reader = await openLogsReadOnly(folder(), { disk, pollMs: 5 });
    expect(await reader.names()).toEqual(['a']);
    const read = await reader.open('a');
    expect(await texts(read.read())).toHaveLength(20);
    expect(await texts(read.readBackwards(), 2)).toEqual(['v19', 'v18']);
    const following = texts(read.tail({ from: 18 }), 42);
    await fill(log, 40, 20);
    expect((await following).at(-1)).toBe('v59');
    await log.deleteBefore(40);
    await log.flush();
    await read.refresh();
    expect(await texts(read.read({ from: 50 }))).toHaveLength(10);
    await reader.close();
  });

  it('snapshots are taken by hard links, and are stores once copied', async () => {
    const log = await logs.open('a');
    const table = await logs.open('t', { cleanupPolicy: { delete: false, compact: true } });
    await fill(log, 25);
    await fill(table, 9);
    const writing = fill(log, 50, 25);
    const taken = await logs.snapshot(folder('snapshot'));
    await writing;
    const { endOffset } = taken.find(({ name }) => name === 'a')!;
    expect(endOffset).toBeGreaterThanOrEqual(25);
    // What happens to the store later is none of the snapshot's business.
    await log.deleteBefore(60);
    await table.compact();
    const reader = await openLogsReadOnly(folder('snapshot'), { disk });
    expect(await texts((await reader.open('a')).read())).toHaveLength(endOffset);
    expect(await texts((await reader.open('t')).read())).toHaveLength(9);
    await reader.close();
    expect((await failure(openLogs(folder('snapshot'))) as StoreError).code).toBe('snapshot');
    cpSync(folder('snapshot'), folder('copy'), { recursive: true });
    const copy = await openLogs(folder('copy'), { isCopiedSnapshot: true });
    const copied = await copy.open('a');
    expect(copied.endOffset).toBe(endOffset);
    await copied.append({ value: 'more' }).durable;
    await copy.close();
    expect((await failure(logs.snapshot(folder('snapshot'))) as StoreError).code).toBe('foreignData');
  });
});
