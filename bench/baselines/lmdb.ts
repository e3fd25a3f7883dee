/**
 * The same work on lmdb: the offset is the key, the record's 100 bytes the value. Set up as an append-only store would:
 * keys ascend, batches of one turn share a transaction, and without durability it never syncs.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import type * as lmdb from 'lmdb';
import { CALL_RECORDS, KEY_BYTES, RECORD_BYTES, contentAt } from '../engine/payload.ts';
import { measureConcurrentRate, measureRate } from '../engine/rate.ts';
import type { WorkAnswer, WorkOrder, Works } from '../engine/work.ts';

const WRITERS = 8;
type Store = lmdb.RootDatabase<Buffer, number>;

interface Opened {
  readonly store: Store;
  readonly ran: string;
}

async function open({ folder }: WorkOrder, noSync: boolean): Promise<Opened> {
  const { open: openStore } = await import('lmdb');
  const store = openStore<Buffer, number>({ path: path.join(folder, 'store.lmdb'), encoding: 'binary', keyEncoding: 'uint32', noSync, noMemInit: true });
  const require = createRequire(import.meta.url);
  const { version } = JSON.parse(readFileSync(path.join(path.dirname(require.resolve('lmdb')), '..', 'package.json'), 'utf8')) as { version: string };
  return { store, ran: `lmdb ${version}` };
}

/** Resolves once the records are committed. The puts of one call share a transaction. */
async function appendCall(store: Store, from: number): Promise<number> {
  let last: Promise<boolean> | null = null;
  for (let key = from; key < from + CALL_RECORDS; key += 1) last = store.put(key, contentAt(key));
  await last;
  return CALL_RECORDS;
}

async function appendRecords(order: WorkOrder): Promise<WorkAnswer> {
  const { store, ran } = await open(order, true);
  let next = 0;
  const unitsMax = order.sizes.appendBytesMax / RECORD_BYTES;
  const recordsPerSecond = await measureRate({ ...order.sizes, unitsMax }, () => {
    const from = next;
    next += CALL_RECORDS;
    return appendCall(store, from);
  });
  await store.close();
  return { figures: { recordsPerSecond }, ran };
}

async function appendDurable(order: WorkOrder): Promise<WorkAnswer> {
  const { store, ran } = await open(order, false);
  let next = 0;
  const recordsPerSecond = await measureConcurrentRate(order.sizes, WRITERS, async () => {
    const from = next;
    next += CALL_RECORDS;
    await appendCall(store, from);
    await store.flushed;
    return CALL_RECORDS;
  });
  await store.close();
  return { figures: { recordsPerSecond }, ran };
}

async function fill(store: Store, records: number): Promise<void> {
  for (let from = 0; from < records; from += CALL_RECORDS) await appendCall(store, from);
}

async function scanViews(order: WorkOrder): Promise<WorkAnswer> {
  const { store, ran } = await open(order, true);
  const { records } = order.sizes;
  await fill(store, records);
  let next = 0;
  let touched = 0;
  const recordsPerSecond = await measureRate(order.sizes, () => {
    const from = next;
    let seen = 0;
    for (const { key, value } of store.getRange({ start: from, end: from + CALL_RECORDS })) {
      touched += key + value.subarray(0, KEY_BYTES).length + value.subarray(KEY_BYTES).length;
      seen += 1;
    }
    next = from + CALL_RECORDS < records ? from + CALL_RECORDS : 0;
    return seen;
  });
  await store.close();
  if (touched === 0) throw new Error('the scan saw nothing');
  return { figures: { recordsPerSecond }, ran };
}

export const lmdbWorks: Works = {
  'append-records': appendRecords,
  'append-durable': appendDurable,
  'scan-views': scanViews,
};
