/** The same work on classic-level (LevelDB): the offset, 8 bytes big-endian, is the key; the record's 100 bytes are the value. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type { ClassicLevel } from 'classic-level';
import { CALL_RECORDS, KEY_BYTES, RECORD_BYTES, contentAt } from '../engine/payload.ts';
import { measureConcurrentRate, measureRate } from '../engine/rate.ts';
import type { WorkAnswer, WorkOrder, Works } from '../engine/work.ts';

const WRITERS = 8;
const OFFSET_BYTES = 8;
type Store = ClassicLevel<Buffer, Buffer>;

interface Opened {
  readonly store: Store;
  readonly ran: string;
}

async function open({ folder }: WorkOrder): Promise<Opened> {
  const { ClassicLevel: Level } = await import('classic-level');
  const store: Store = new Level<Buffer, Buffer>(path.join(folder, 'store.level'), { keyEncoding: 'buffer', valueEncoding: 'buffer', compression: false });
  await store.open();
  const require = createRequire(import.meta.url);
  const { version } = JSON.parse(readFileSync(path.join(path.dirname(require.resolve('classic-level')), 'package.json'), 'utf8')) as { version: string };
  return { store, ran: `classic-level ${version}` };
}

function offsetKey(offset: number): Buffer {
  const key = Buffer.allocUnsafe(OFFSET_BYTES);
  key.writeUInt32BE(Math.floor(offset / 2 ** 32), 0);
  key.writeUInt32BE(offset >>> 0, 4);
  return key;
}

async function appendCall(store: Store, from: number, sync: boolean): Promise<number> {
  const batch = store.batch();
  for (let offset = from; offset < from + CALL_RECORDS; offset += 1) batch.put(offsetKey(offset), contentAt(offset));
  await batch.write({ sync });
  return CALL_RECORDS;
}

async function appendRecords(order: WorkOrder): Promise<WorkAnswer> {
  const { store, ran } = await open(order);
  let next = 0;
  const unitsMax = order.sizes.appendBytesMax / RECORD_BYTES;
  const recordsPerSecond = await measureRate({ ...order.sizes, unitsMax }, () => {
    const from = next;
    next += CALL_RECORDS;
    return appendCall(store, from, false);
  });
  await store.close();
  return { figures: { recordsPerSecond }, ran };
}

async function appendDurable(order: WorkOrder): Promise<WorkAnswer> {
  const { store, ran } = await open(order);
  let next = 0;
  const recordsPerSecond = await measureConcurrentRate(order.sizes, WRITERS, () => {
    const from = next;
    next += CALL_RECORDS;
    return appendCall(store, from, true);
  });
  await store.close();
  return { figures: { recordsPerSecond }, ran };
}

async function fill(store: Store, records: number): Promise<void> {
  for (let from = 0; from < records; from += CALL_RECORDS) await appendCall(store, from, false);
}

async function scanViews(order: WorkOrder): Promise<WorkAnswer> {
  const { store, ran } = await open(order);
  await fill(store, order.sizes.records);
  let iterator = store.iterator();
  let touched = 0;
  const recordsPerSecond = await measureRate(order.sizes, async () => {
    const entries = await iterator.nextv(CALL_RECORDS);
    if (entries.length === 0) {
      await iterator.close();
      iterator = store.iterator();
    }
    for (const [key, value] of entries) touched += key.readUInt32BE(4) + value.subarray(0, KEY_BYTES).length + value.subarray(KEY_BYTES).length;
    return entries.length;
  });
  await iterator.close();
  await store.close();
  if (touched === 0) throw new Error('the scan saw nothing');
  return { figures: { recordsPerSecond }, ran };
}

export const classicLevelWorks: Works = {
  'append-records': appendRecords,
  'append-durable': appendDurable,
  'scan-views': scanViews,
};
