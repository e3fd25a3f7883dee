import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { nextBatch, recordCountOf } from '../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { BatchPlan } from '../../src/record/compact/compactTask.ts';
import type { CompactTask } from '../../src/record/compact/compactTask.ts';
import { InlineCompactor } from '../../src/record/compact/compactor.ts';
import type { Compactor } from '../../src/record/compact/compactor.ts';
import { OffsetMap, makeOffsetMapMemory } from '../../src/record/compact/offsetMap.ts';
import { WorkerCompactor } from '../../src/record/compact/workerCompactor.ts';
import { decodeBatch } from '../../src/record/iterate.ts';
import { BuiltPackage } from './builtWorker.ts';

let built: BuiltPackage;
let workerPath: string;
beforeAll(async () => {
  built = await BuiltPackage.make();
  workerPath = await built.bundle('src/record/compact/compact.worker.ts', 'dist/record/compact.worker.js');
});
afterAll(() => built.remove());

/** Batches of two records each: keys 0..9 in turn, values by offset. */
function chunkOf(batches: number): Buffer {
  const builder = new BatchBuilder();
  return Buffer.concat(
    Array.from({ length: batches }, (_, index) => {
      for (const at of [0, 1]) builder.append(Buffer.from(`k${(index * 2 + at) % 10}`), Buffer.from(`v${index * 2 + at}`), null, 1000 + index);
      return builder.close({ baseOffset: index * 2 });
    }),
  );
}

const own = (bytes: Buffer): Uint8Array => new Uint8Array(bytes);
const values = (output: Uint8Array): string[] => {
  const bytes = Buffer.from(output);
  const found: string[] = [];
  for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) if (recordCountOf(bytes, at) > 0) found.push(...decodeBatch(bytes, at).map(({ value }) => String(value)));
  return found;
};

describe('the map of offsets', () => {
  test('holds as many keys as it was made for, and the newest offset of each', () => {
    const map = new OffsetMap(makeOffsetMapMemory(1000));
    for (let round = 0; round < 3; round += 1) for (let key = 0; key < 1000; key += 1) map.put(Buffer.from(`key ${key}`), round * 2 ** 40 + key);
    expect(map.size).toBe(1000);
    for (let key = 0; key < 1000; key += 1) expect(map.get(Buffer.from(`key ${key}`))).toBe(2 * 2 ** 40 + key);
    expect(map.get(Buffer.from('other'))).toBe(-1);
  });

  test('knows offset 0 and the empty key', () => {
    const map = new OffsetMap(makeOffsetMapMemory(2));
    map.put(Buffer.alloc(0), 0);
    expect([map.get(Buffer.alloc(0)), map.get(Buffer.from('a')), map.size]).toEqual([0, -1, 1]);
  });
});

describe.each(['inline', 'worker'] as const)('the %s compactor', (kind) => {
  let compactor: Compactor;
  beforeAll(() => {
    compactor = kind === 'inline' ? new InlineCompactor() : new WorkerCompactor(workerPath, 2);
  });
  afterAll(() => compactor.close());

  const index = (map: CompactTask['map'], chunk: Buffer, plans: number[], entriesMax = 100): CompactTask => ({
    kind: 'index', map, chunk: own(chunk), plans: Uint8Array.from(plans), inflatedSizeMaxBytes: 1 << 20, startOffset: 0, entriesMax, latestOffset: -1,
  });
  const filter = (map: CompactTask['map'], chunk: Buffer, plans: number[], latestOffset: number): CompactTask => ({
    kind: 'filter', map, chunk: own(chunk), plans: Uint8Array.from(plans), inflatedSizeMaxBytes: 1 << 20, latestOffset, nowMs: 0, deleteRetentionMs: 0,
  });

  test('notes keys and writes what is newest', async () => {
    const map = makeOffsetMapMemory(100);
    const chunk = chunkOf(30);
    const none = Array.from({ length: 30 }, () => 0);
    expect(await compactor.run(index(map, chunk, none))).toMatchObject({ defect: '', latestOffset: 59, isFull: false, entries: 10, recordsRead: 60 });
    const answer = await compactor.run(filter(map, chunk, none, 59));
    expect(answer).toMatchObject({ defect: '', recordsRead: 60, recordsKept: 10 });
    expect(values(answer.output)).toEqual(Array.from({ length: 10 }, (_, key) => `v${50 + key}`));
  });

  test('ends where the map is full, and keeps what is after it', async () => {
    const map = makeOffsetMapMemory(100);
    const chunk = chunkOf(10);
    const none = Array.from({ length: 10 }, () => 0);
    const indexed = await compactor.run(index(map, chunk, none, 5));
    expect(indexed).toMatchObject({ latestOffset: 4, isFull: true, entries: 5 });
    expect(values((await compactor.run(filter(map, chunk, none, 4))).output)).toHaveLength(20);
  });

  test('drops, empties and passes over batches as it is told', async () => {
    const map = makeOffsetMapMemory(100);
    const chunk = chunkOf(3);
    expect(await compactor.run(index(map, chunk, [0, BatchPlan.discardRecords, 0]))).toMatchObject({ entries: 4 });
    const plans = [BatchPlan.drop | BatchPlan.discardRecords, BatchPlan.discardRecords | BatchPlan.keepEmpty, 0];
    const { output } = await compactor.run(filter(map, chunk, plans, 5));
    expect(values(output)).toEqual(['v4', 'v5']);
    expect(nextBatch(Buffer.from(output), 0)).toBe(61);
  });

  test('says what is wrong with a batch', async () => {
    const chunk = chunkOf(3);
    chunk[chunk.length - 2]! ^= 1;
    expect((await compactor.run(index(makeOffsetMapMemory(100), chunk, [0, 0, 0]))).defect).toMatch(/CRC/);
  });
});

test('a worker that cannot be started fails its task, and the next one is tried anew', async () => {
  const compactor = new WorkerCompactor(join(built.root, 'dist/record/broken.worker.mjs'), 1);
  const task = (): CompactTask => ({ kind: 'index', map: makeOffsetMapMemory(10), chunk: own(chunkOf(1)), plans: Uint8Array.of(0), inflatedSizeMaxBytes: 100, startOffset: 0, entriesMax: 10, latestOffset: -1 });
  await expect(compactor.run(task())).rejects.toThrow();
  await writeFile(join(built.root, 'dist/record/broken.worker.mjs'), 'throw new Error("no");');
  await expect(compactor.run(task())).rejects.toThrow();
  await compactor.close();
  await expect(compactor.run(task())).rejects.toThrow('closed');
});
