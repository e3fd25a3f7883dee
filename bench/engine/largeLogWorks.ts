/** Large logs: lookups in one of 100 GB, and ten segments for the broker's rows. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BatchPosition } from '../../src/base/disk.ts';
import { offsetStem, Suffix } from '../../src/storage/fileNames.ts';
import type { Log } from '../../src/storage/index.ts';
import { CALL_RECORDS, buildBatch, newBuilder } from './payload.ts';
import { measureRate } from './rate.ts';
import { writeSparseLog } from './sparseLog.ts';
import { appendDurably, openTidelog } from './tidelogStore.ts';
import type { Sizes, WorkAnswer, WorkOrder, Works } from './work.ts';

const NAME = 'large';
const FIRST_TIMESTAMP_MS = 1_600_000_000_000;

async function fill({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const { open, close, ran } = await openTidelog(folder);
  await open(NAME);
  await close();
  const end = writeSparseLog(path.join(folder, `${NAME}-0`), { ...sizes.largeLog, firstTimestampMs: FIRST_TIMESTAMP_MS });
  return { figures: { end }, ran };
}

/** The same random offsets for whoever asks. */
function randomOffsets(end: number): () => number {
  let state = 12_345;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * end);
  };
}

async function lookups({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const { open, close, ran } = await openTidelog(folder);
  const log = await open(NAME);
  const expectedBytes = sizes.largeLog.segments * sizes.largeLog.segmentBytes;
  if (log.sizeBytes !== expectedBytes) throw new Error(`the log has ${log.sizeBytes} bytes, not ${expectedBytes}`);
  const half: Sizes = { ...sizes, seconds: sizes.seconds / 2 };
  const offsetMicroseconds = await byOffset(log, half);
  const timestampMicroseconds = await byTimestamp(log, half);
  await close();
  return { figures: { offsetMicroseconds, timestampMicroseconds }, ran };
}

async function byOffset(log: Log, sizes: Sizes): Promise<number> {
  const end = log.logEndOffset;
  const next = randomOffsets(end);
  const found: BatchPosition = { position: 0, sizeBytes: 0, baseOffset: 0, lastOffset: 0, maxTimestampMs: -1 };
  const rate = await measureRate(sizes, () => {
    const wanted = next();
    if (!log.locate(wanted, end, found) || found.baseOffset > wanted || found.lastOffset < wanted) throw new Error(`offset ${wanted} was not found`);
    return 1;
  });
  return 1e6 / rate;
}

async function byTimestamp(log: Log, sizes: Sizes): Promise<number> {
  const end = log.logEndOffset;
  const next = randomOffsets(end);
  const rate = await measureRate(sizes, async () => {
    const wanted = next();
    const found = await log.offsetForTimestamp(FIRST_TIMESTAMP_MS + wanted, end);
    if (found.offset !== wanted) throw new Error(`the timestamp of record ${wanted} was found at ${found.offset}`);
    return 1;
  });
  return 1e6 / rate;
}

async function flushed(log: Log, snapshot: string): Promise<void> {
  await new Promise<void>((resolve, reject) => log.flush((error) => (error === null ? resolve() : reject(error))));
  while (!existsSync(path.join(log.directory, snapshot))) await sleep(10);
}

/** Fills so many segments, all but the last of them flushed with what belongs to them, and dies without closing the log. */
async function fillSegments({ folder, sizes }: WorkOrder): Promise<WorkAnswer> {
  const { segments, segmentBytes } = sizes.segmented;
  const { open } = await openTidelog(folder, { segmentBytes });
  const log = await open(NAME);
  const batch = buildBatch(newBuilder(), 0, Date.now(), 0);
  const batchesASegment = Math.floor(segmentBytes / batch.length);
  const batches = segments * batchesASegment;
  const flushedBatches = batches - batchesASegment + 1;
  for (let index = 0; index < flushedBatches; index += 1) await appendDurably(log, batch);
  await flushed(log, `${offsetStem((flushedBatches - 1) * CALL_RECORDS)}${Suffix.snapshot}`);
  for (let index = flushedBatches; index < batches; index += 1) await appendDurably(log, batch);
  if (log.segmentCount !== segments || log.logEndOffset !== batches * CALL_RECORDS) throw new Error(`${log.segmentCount} segments were filled`);
  process.kill(process.pid, 'SIGKILL');
  return new Promise(() => {});
}

export const largeLogWorks: Works = { 'large-fill': fill, 'lookup-100GB': lookups, 'segments-fill': fillSegments };
