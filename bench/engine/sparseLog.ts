/**
 * A log of any size that takes little disk: real indexes, a real header and some real records at each indexed position, holes for the rest. Each batch's last
 * record has a value of zeros that fills the batch, so that every byte of the log reads as a log does; only the checksums of the batches are not made right, which
 * no lookup asks for.
 */
import { closeSync, fsyncSync, ftruncateSync, openSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { Field, writeInt64 } from '../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { offsetStem, Suffix } from '../../src/storage/fileNames.ts';
import { encodeProducerSnapshot } from '../../src/storage/producerSnapshot.ts';
import { contentAt } from './payload.ts';

export const BATCH_BYTES = 2 ** 19;
export const BATCH_RECORDS = 20;
const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;

/** The first batch, whole: BATCH_BYTES long, of BATCH_RECORDS records whose timestamps go up by 1 from `timestampMs`. */
function sampleBatch(timestampMs: number): Buffer {
  const build = (filling: number): Buffer => {
    const builder = new BatchBuilder(BATCH_BYTES + 1024);
    for (let index = 0; index < BATCH_RECORDS - 1; index += 1) builder.append(null, contentAt(index), null, timestampMs + index);
    builder.append(null, Buffer.alloc(filling), null, timestampMs + BATCH_RECORDS - 1);
    return builder.close();
  };
  const tried = BATCH_BYTES / 2 + BATCH_BYTES / 4;
  return build(tried + BATCH_BYTES - build(tried).length);
}

export interface SparseLog {
  readonly segments: number;
  readonly segmentBytes: number;
  readonly firstTimestampMs: number;
}

/** Writes the segments of a log into the folder of an empty partition. Record `offset` has the timestamp `firstTimestampMs + offset`. Returns the log's end. */
export function writeSparseLog(folder: string, { segments, segmentBytes, firstTimestampMs }: SparseLog): number {
  const batch = sampleBatch(firstTimestampMs);
  if (batch.length !== BATCH_BYTES) throw new Error(`the batch is ${batch.length} bytes long`);
  const head = batch.subarray(0, batch.findLastIndex((byte) => byte !== 0) + 1);
  const batches = segmentBytes / BATCH_BYTES;
  let offset = 0;
  for (let segment = 0; segment < segments; segment += 1) {
    writeSegment(path.join(folder, offsetStem(offset)), head, batches, offset, firstTimestampMs);
    offset += batches * BATCH_RECORDS;
  }
  // No producer has written here: a start must not look for them.
  writeFileSync(path.join(folder, `${offsetStem(offset)}${Suffix.snapshot}`), encodeProducerSnapshot([], 0));
  return offset;
}

function writeSegment(stem: string, head: Buffer, batches: number, baseOffset: number, firstTimestampMs: number): void {
  const offsets = Buffer.alloc((batches - 1) * OFFSET_ENTRY_BYTES);
  const times = Buffer.alloc((batches - 1) * TIME_ENTRY_BYTES);
  const log = openSync(stem + Suffix.log, 'w');
  ftruncateSync(log, batches * BATCH_BYTES);
  for (let index = 0; index < batches; index += 1) {
    const relative = index * BATCH_RECORDS;
    const last = relative + BATCH_RECORDS - 1;
    writeInt64(head, baseOffset + relative, Field.baseOffset);
    writeInt64(head, firstTimestampMs + baseOffset + relative, Field.baseTimestamp);
    writeInt64(head, firstTimestampMs + baseOffset + last, Field.maxTimestamp);
    writeSync(log, head, 0, head.length, index * BATCH_BYTES);
    // Each batch is longer than the index interval; the first one of a segment has no entry.
    if (index === 0) continue;
    offsets.writeInt32BE(last, (index - 1) * OFFSET_ENTRY_BYTES);
    offsets.writeInt32BE(index * BATCH_BYTES, (index - 1) * OFFSET_ENTRY_BYTES + 4);
    writeInt64(times, firstTimestampMs + baseOffset + last, (index - 1) * TIME_ENTRY_BYTES);
    times.writeInt32BE(last, (index - 1) * TIME_ENTRY_BYTES + 8);
  }
  // What the kernel still has to write would stand in the way of those who read.
  fsyncSync(log);
  closeSync(log);
  writeFileSync(stem + Suffix.offsetIndex, offsets);
  writeFileSync(stem + Suffix.timeIndex, times);
}
