/**
 * The work of compaction on a chunk of whole batches, wherever it runs: noting the newest offset of each key, and writing what is to stay. What
 * becomes of whole batches (transactions, producers) is decided before, by whoever sees their order: a task keeps no state but the map.
 */
import { compute } from '../../binding/load.ts';
import { Codec, Field, attributesOf, baseTimestampOf, codecIn, crcOf, hasDeleteHorizon, headerDefect, isControl, lastOffsetOf, nextBatch, recordCountOf } from '../batchHeader.ts';
import { recordsOf } from '../codecs.ts';
import { RecordCursor } from '../iterate.ts';
import { RecordError } from '../recordError.ts';
import { OffsetMap } from './offsetMap.ts';
import type { OffsetMapMemory } from './offsetMap.ts';
import { BatchOutput } from './rebuild.ts';

/** What is known of a batch before its records are looked at, as bits. */
export const BatchPlan = {
  /** None of its records stays: aborted data, or a marker whose time has come. */
  discardRecords: 1,
  /** It goes as a whole. */
  drop: 2,
  /** Without records its header stays, for a producer's last sequence or the log's last offset. */
  keepEmpty: 4,
  /** A marker of a transaction that has no data left: gets a delete horizon. */
  markerOfEmptyTransaction: 8,
} as const;

interface ChunkTask {
  readonly map: OffsetMapMemory;
  /** Whole batches of magic 2, one behind the other. */
  readonly chunk: Uint8Array;
  /** One of BatchPlan's sums for each batch. */
  readonly plans: Uint8Array;
  /** Records of one batch that inflate to more end the task. */
  readonly inflatedSizeMaxBytes: number;
}

export interface IndexTask extends ChunkTask {
  readonly kind: 'index';
  /** Records below it are known already. Batches that `discardRecords` are passed over. */
  readonly startOffset: number;
  /** The map is full with so many keys. */
  readonly entriesMax: number;
  /** Last offset that the map covers so far. */
  readonly latestOffset: number;
}

export interface FilterTask extends ChunkTask {
  readonly kind: 'filter';
  /** Last offset that the map covers. */
  readonly latestOffset: number;
  readonly nowMs: number;
  readonly deleteRetentionMs: number;
}

export type CompactTask = IndexTask | FilterTask;

export interface CompactAnswer {
  /** What is wrong with the records, '' when nothing is. */
  readonly defect: string;
  /** Index: last offset that the map covers now. */
  readonly latestOffset: number;
  /** Index: no key more fits; the rest of the chunk was not looked at. */
  readonly isFull: boolean;
  /** Keys in the map. */
  readonly entries: number;
  /** Records read, kept, and dropped for want of a key. */
  readonly recordsRead: number;
  readonly recordsKept: number;
  readonly recordsWithoutKey: number;
  /** Filter: the batches that stay, one behind the other; in memory of their own. */
  readonly output: Uint8Array;
}

interface Counts {
  latestOffset: number;
  isFull: boolean;
  recordsRead: number;
  recordsKept: number;
  recordsWithoutKey: number;
}

const cursor = new RecordCursor();

/** Never throws for what is wrong with the batches. */
export function runCompactTask(task: CompactTask): CompactAnswer {
  const chunk = Buffer.from(task.chunk.buffer, task.chunk.byteOffset, task.chunk.length);
  const map = new OffsetMap(task.map);
  const counts: Counts = { latestOffset: task.latestOffset, isFull: false, recordsRead: 0, recordsKept: 0, recordsWithoutKey: 0 };
  let defect = '';
  let output: Uint8Array = new Uint8Array(0);
  try {
    if (task.kind === 'index') indexChunk(task, chunk, map, counts);
    else output = filterChunk(task, chunk, map, counts);
  } catch (error) {
    if (!(error instanceof RecordError || error instanceof RangeError)) throw error;
    defect = error.message;
  }
  return { defect, ...counts, entries: map.size, output };
}

/** The batch must be what it says: a rewritten one gets a checksum that vouches for it. */
function checkBatch(chunk: Buffer, at: number, next: number): void {
  const defect = headerDefect(chunk, at);
  if (defect !== '') throw new RecordError('CORRUPT_HEADER', defect);
  if (compute.crc32c(chunk.subarray(at + Field.attributes, next)) !== crcOf(chunk, at)) {
    throw new RecordError('CORRUPT_CHECKSUM', `the CRC of the batch at offset ${lastOffsetOf(chunk, at)} is wrong`);
  }
}

const inflated = (task: CompactTask, chunk: Buffer, at: number): Buffer | null =>
  codecIn(attributesOf(chunk, at)) === Codec.none ? null : recordsOf(chunk, at, task.inflatedSizeMaxBytes);

function indexChunk(task: IndexTask, chunk: Buffer, map: OffsetMap, counts: Counts): void {
  let index = 0;
  for (let at = 0, next = nextBatch(chunk, 0); next !== -1; at = next, next = nextBatch(chunk, at), index += 1) {
    checkBatch(chunk, at, next);
    if ((task.plans[index]! & BatchPlan.discardRecords) !== 0) counts.recordsRead += recordCountOf(chunk, at);
    else if (!indexBatch(task, chunk, at, map, counts)) return;
    if (lastOffsetOf(chunk, at) >= task.startOffset) counts.latestOffset = lastOffsetOf(chunk, at);
  }
}

/** False when the map is full. */
function indexBatch(task: IndexTask, chunk: Buffer, at: number, map: OffsetMap, counts: Counts): boolean {
  cursor.open(chunk, at, inflated(task, chunk, at));
  while (cursor.next()) {
    const key = cursor.offset >= task.startOffset ? cursor.key() : null;
    if (key !== null) {
      if (map.size >= task.entriesMax) {
        counts.isFull = true;
        return false;
      }
      map.put(key, cursor.offset);
      counts.latestOffset = cursor.offset;
    }
    counts.recordsRead += 1;
  }
  return true;
}

function filterChunk(task: FilterTask, chunk: Buffer, map: OffsetMap, counts: Counts): Uint8Array {
  const output = new BatchOutput(chunk.length);
  let index = 0;
  for (let at = 0, next = nextBatch(chunk, 0); next !== -1; at = next, next = nextBatch(chunk, at), index += 1) {
    checkBatch(chunk, at, next);
    const plan = task.plans[index]!;
    if ((plan & BatchPlan.drop) === 0) filterBatch(task, chunk, at, plan, map, output, counts);
  }
  return output.take();
}

/** By index of the record: does it stay? Grown where a batch has more. */
let stays = new Uint8Array(1024);

function filterBatch(task: FilterTask, chunk: Buffer, at: number, plan: number, map: OffsetMap, output: BatchOutput, counts: Counts): void {
  const attributes = attributesOf(chunk, at);
  const isControlBatch = isControl(attributes);
  const horizonMs = hasDeleteHorizon(attributes) ? baseTimestampOf(chunk, at) : -1;
  const keepsTombstones = horizonMs < 0 || task.nowMs < horizonMs;
  const count = recordCountOf(chunk, at);
  const records = (plan & BatchPlan.discardRecords) === 0 && count > 0 ? inflated(task, chunk, at) : null;
  let kept = 0;
  let hasTombstones = false;
  if ((plan & BatchPlan.discardRecords) !== 0) counts.recordsRead += count;
  else {
    if (stays.length < count) stays = new Uint8Array(count);
    if (count > 0) cursor.open(chunk, at, records);
    while (count > 0 && cursor.next()) {
      const isKept = isControlBatch || mayStay(task, map, keepsTombstones, counts);
      stays[cursor.index] = isKept ? 1 : 0;
      if (isKept) kept += 1;
      if (isKept && cursor.valueLength < 0) hasTombstones = true;
    }
    counts.recordsRead += count;
  }
  counts.recordsKept += kept;
  if (kept === 0) {
    if ((plan & BatchPlan.keepEmpty) !== 0) output.addEmpty(chunk, at);
    return;
  }
  const needsHorizon = horizonMs < 0 && (hasTombstones || (plan & BatchPlan.markerOfEmptyTransaction) !== 0);
  if (kept === count && !needsHorizon) output.addWhole(chunk, at);
  else output.addPart(chunk, at, records, stays, needsHorizon ? task.nowMs + task.deleteRetentionMs : horizonMs);
}

/** Is the record under the cursor its key's newest, and no tombstone whose time has come? */
function mayStay(task: FilterTask, map: OffsetMap, keepsTombstones: boolean, counts: Counts): boolean {
  if (cursor.offset > task.latestOffset) return true;
  const key = cursor.key();
  if (key === null) {
    counts.recordsWithoutKey += 1;
    return false;
  }
  return (cursor.valueLength >= 0 || keepsTombstones) && cursor.offset >= map.get(key);
}
