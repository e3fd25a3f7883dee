/** The floor under every append: the same bytes by `pwrite` alone, in files of a segment's size. */
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import { CALL_RECORDS, buildBatch, newBuilder } from '../engine/payload.ts';
import { measureRate } from '../engine/rate.ts';
import type { WorkAnswer, WorkOrder, Works } from '../engine/work.ts';

const FILE_BYTES = 2 ** 30;

async function appendBatches({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const batch = buildBatch(newBuilder(), 0, Date.now(), 0);
  let files = 0;
  let position = 0;
  let descriptor = -1;
  const roll = (): void => {
    if (descriptor >= 0) closeSync(descriptor);
    files += 1;
    descriptor = openSync(path.join(folder, `${files}.log`), 'w');
    position = 0;
  };
  roll();
  const recordsMax = Math.ceil((sizes.appendBytesMax / batch.length) * CALL_RECORDS);
  const recordsPerSecond = await measureRate({ ...sizes, unitsMax: recordsMax }, () => {
    if (position + batch.length > FILE_BYTES) roll();
    writeSync(descriptor, batch, 0, batch.length, position);
    position += batch.length;
    return CALL_RECORDS;
  });
  closeSync(descriptor);
  rmSync(folder, { recursive: true });
  return { figures: { recordsPerSecond, bytesPerSecond: (recordsPerSecond / CALL_RECORDS) * batch.length }, ran: 'fs.writeSync' };
}

export const rawFileWorks: Works = { 'append-batches': appendBatches };
