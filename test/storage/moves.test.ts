import { describe, expect, it } from 'vitest';
import type { MemoryDisk } from '../../src/storage/disk/memory.ts';
import type { Log, StoreManager } from '../../src/storage/index.ts';
import { fakePorts, settle } from './support/ports.ts';
import type { FakePorts } from './support/ports.ts';
import { append, batchOf, CLIENT, readAll, refusal, startStore, topicConfig, TOPIC_ID } from './support/store.ts';

const DIRECTORIES = ['/data', '/other'];
const PRODUCER = { producerId: 5, producerEpoch: 0 };
const config = topicConfig({ segmentBytes: 2000, fileDeleteDelayMs: 1000 });

interface World {
  readonly store: StoreManager;
  readonly disk: MemoryDisk;
  readonly ports: FakePorts;
  readonly log: Log;
}

async function world(from: Partial<{ disk: MemoryDisk; ports: FakePorts }> = {}): Promise<World> {
  const ports = from.ports ?? fakePorts();
  const { store, disk } = await startStore({ ports, config, directories: DIRECTORIES, ...(from.disk === undefined ? {} : { disk: from.disk }) });
  const log = store.get('t', 0) ?? (await store.open('t', 0, TOPIC_ID, config));
  return { store, disk, ports, log };
}

const value = (index: number): string => `${index}:`.padEnd(200, 'v');

async function fill(log: Log, from: number, count: number): Promise<void> {
  for (let index = from; index < from + count; index++) await append(log as never, batchOf([value(index)], { ...PRODUCER, baseSequence: index }));
}

/** Lets the clock and the promises of a move run until it ends. */
async function run<T>({ ports }: World, work: Promise<T>): Promise<T> {
  let isOver = false;
  const over = work.finally(() => (isOver = true));
  over.catch(() => {});
  while (!isOver) await ports.clock.advance(0);
  return over;
}

const otherThan = (log: Log): string => DIRECTORIES.find((path) => path !== log.logDirectory)!;
const foldersOf = async (disk: MemoryDisk): Promise<string[]> =>
  (await Promise.all(DIRECTORIES.map(async (path) => (await disk.list(path)).filter((entry) => entry.isDirectory).map((entry) => `${path}/${entry.name}`)))).flat();
const values = (log: Log): (string | null)[] => readAll(log).map((record) => record.value);

describe('a log that moves to another directory', () => {
  it('keeps records, start, producers and epochs, and leaves nothing behind', async () => {
    const one = await world();
    await fill(one.log, 0, 40);
    await one.log.deleteRecordsBefore(7);
    const path = otherThan(one.log);
    const before = one.log;
    const seen: Log[] = [];
    await run(one, one.store.move('t', 0, path, (log) => seen.push(log)));
    const moved = one.store.get('t', 0)!;
    expect(seen).toEqual([moved]);
    expect(moved).toMatchObject({ logDirectory: path, logStartOffset: 7, logEndOffset: 40, highWatermark: 40, topicId: TOPIC_ID });
    expect(values(moved)).toEqual(Array.from({ length: 33 }, (_, index) => value(index + 7)));
    expect((await refusal(append(before as never, batchOf(['late'])))).message).toContain('has moved to');
    expect(await append(moved as never, batchOf([value(39)], { ...PRODUCER, baseSequence: 39 }))).toMatchObject({ duplicate: true, firstOffset: 39 });
    await fill(moved, 40, 3);
    await one.ports.clock.advance(2000);
    await settle();
    expect(await foldersOf(one.disk)).toEqual([`${path}/t-0`]);
    await one.store.close();
    const two = await world({ disk: one.disk, ports: one.ports });
    expect(two.log).toMatchObject({ logDirectory: path, logStartOffset: 7, logEndOffset: 43 });
    await fill(two.log, 43, 1);
    await two.store.close();
  });

  it('takes appends all the while, in their order', async () => {
    const one = await world();
    await fill(one.log, 0, 30);
    const path = otherThan(one.log);
    const moving = one.store.move('t', 0, path, () => {});
    let isOver = false;
    moving.finally(() => (isOver = true)).catch(() => {});
    let next = 30;
    while (!isOver) {
      const sequence = next;
      const outcome = await new Promise<string>((resolve) => {
        one.store.get('t', 0)!.append(batchOf([value(sequence)], { ...PRODUCER, baseSequence: sequence }), CLIENT, (error) => resolve(error === null ? 'ok' : error.kind));
        void one.ports.clock.advance(0);
      });
      // In the moment of the change a client is sent to ask again.
      if (outcome === 'ok') next++;
      else expect(outcome).toBe('storage');
      await one.ports.clock.advance(0);
    }
    await moving;
    expect(one.store.get('t', 0)!.logDirectory).toBe(path);
    expect(values(one.store.get('t', 0)!)).toEqual(Array.from({ length: next }, (_, index) => value(index)));
    await one.store.close();
  });

  it('is in one place after a power loss at any moment, with everything that was durable', async () => {
    for (let steps = 0; steps < 48; steps += 2) {
      const one = await world();
      await fill(one.log, 0, 10);
      await new Promise<void>((resolve) => one.log.flush(() => resolve()));
      await one.store.checkpoint();
      const moving = one.store.move('t', 0, otherThan(one.log), () => {});
      moving.catch(() => {});
      for (let step = 0; step < steps; step++) await Promise.resolve();
      if (steps > 30) await one.ports.clock.advance(0);
      const two = await world({ disk: one.disk.crash(), ports: fakePorts() });
      expect(values(two.store.get('t', 0)!)).toEqual(Array.from({ length: 10 }, (_, index) => value(index)));
      expect((await foldersOf(two.disk)).filter((folder) => folder.endsWith('/t-0')).length).toBe(1);
      await two.store.close();
    }
  });

  it('stays when the other directory is not to be had, full, or the log is deleted meanwhile', async () => {
    const one = await world();
    await fill(one.log, 0, 20);
    const path = otherThan(one.log);
    await expect(one.store.move('t', 0, '/none', () => {})).rejects.toThrow('cannot be moved');
    one.disk.failNextWrite('-future', 'ENOSPC');
    await expect(run(one, one.store.move('t', 0, path, () => {}))).rejects.toThrow();
    expect(values(one.store.get('t', 0)!).length).toBe(20);
    await fill(one.log, 20, 1);
    expect((await foldersOf(one.disk)).filter((folder) => folder.includes('future'))).toEqual([]);
    const moving = one.store.move('t', 0, path, () => {});
    moving.catch(() => {});
    await one.store.delete('t', 0);
    await expect(run(one, moving)).rejects.toThrow();
    await one.ports.clock.advance(2000);
    expect(await foldersOf(one.disk)).toEqual([]);
    await one.store.close();
  });
});
