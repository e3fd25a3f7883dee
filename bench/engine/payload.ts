/** The records that every contender of the engine's benchmark stores: 100 bytes each, a key of 16 and a value of 84. */
import { newRecordBuilder } from '../../src/record/packedBuilder.ts';
import type { RecordBuilder } from '../../src/record/packedBuilder.ts';

export const KEY_BYTES = 16;
export const RECORD_BYTES = 100;
export const CALL_RECORDS = 1000;

/** Different records, used over and over; a power of two. */
const VARIETY = 1024;
const BATCH_CAPACITY_BYTES = CALL_RECORDS * (RECORD_BYTES + 12) + 64;
const BATCH_MAX_BYTES = CALL_RECORDS * (RECORD_BYTES + 36) + 64;

export const contents: readonly Buffer[] = makeContents();
const keys = contents.map((content) => content.subarray(0, KEY_BYTES));
const values = contents.map((content) => content.subarray(KEY_BYTES));

function makeContents(): Buffer[] {
  let state = 1;
  const letter = (): number => {
    state = (Math.imul(state, 1103515245) + 12345) >>> 0;
    return 97 + ((state >>> 16) % 26);
  };
  return Array.from({ length: VARIETY }, () => Buffer.from(Array.from({ length: RECORD_BYTES }, letter)));
}

export const contentAt = (index: number): Buffer => contents[index & (VARIETY - 1)] as Buffer;

export function newBuilder(): RecordBuilder {
  return newRecordBuilder(BATCH_CAPACITY_BYTES);
}

/** One whose batches share one memory: each is over when the next is closed. */
export function newReusingBuilder(): RecordBuilder {
  const memory = Buffer.allocUnsafeSlow(BATCH_MAX_BYTES);
  return newRecordBuilder(BATCH_CAPACITY_BYTES, () => memory);
}

/** A batch of CALL_RECORDS records, the record at `index` of the log first; the timestamps start at `timestampMs` and go up by `stepMs`. */
export function buildBatch(builder: RecordBuilder, index: number, timestampMs: number, stepMs: number): Buffer {
  for (let record = 0; record < CALL_RECORDS; record += 1) {
    const at = (index + record) & (VARIETY - 1);
    builder.append(keys[at] as Buffer, values[at] as Buffer, null, timestampMs + record * stepMs);
  }
  return builder.close();
}
