/** Records as an application gives and gets them, and their way into and out of batches. */
import { Codec } from '../../record/batchHeader.ts';
import { BatchBuilder, recordBytesMax } from '../../record/build.ts';
import { newRecordBuilder } from '../../record/packedBuilder.ts';
import type { RecordCursor, RecordHeader } from '../../record/iterate.ts';
import { LogError } from '../types.ts';

export interface NewRecord {
  /** Absent or null: none. Text is written as UTF-8. */
  readonly key?: Uint8Array | string | null;
  readonly value?: Uint8Array | string | null;
  /** Milliseconds; default now. */
  readonly timestampMs?: number;
  readonly headers?: readonly NewHeader[];
}

export interface NewHeader {
  readonly key: string;
  readonly value: Uint8Array | string | null;
}

export interface LogRecord {
  readonly offset: number;
  /** Milliseconds, -1 for none. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

export type CompressionName = 'none' | 'gzip' | 'snappy' | 'lz4' | 'zstd';

/** Batches are closed at about this size, so that a reader need not take more at a time. */
const BATCH_BYTES = 1 << 20;
/** What a builder begins with. */
const CAPACITY_BYTES_A_RECORD = 256;

const bytesOf = (field: Uint8Array | string | null | undefined): Uint8Array | null => (typeof field === 'string' ? Buffer.from(field) : (field ?? null));

export interface BuiltBatch {
  readonly bytes: Buffer;
  /** As AppendOptions has it; absent for a compressed batch. */
  readonly builtMinTimestampMs?: number;
}

/** The records in as few batches as fit. Throws LogError invalidArgument, batchTooLarge. */
export function buildBatches(records: readonly NewRecord[], compression: CompressionName, maxMessageBytes: number, nowMs: number): BuiltBatch[] {
  if (records.length === 0) throw new LogError('invalidArgument', 'there is no record to append');
  const codec = Codec[compression];
  if (codec === undefined) throw new LogError('invalidArgument', `compression ${JSON.stringify(compression)} is unknown`);
  const limitBytes = Math.min(maxMessageBytes, BATCH_BYTES);
  const isPlain = codec === Codec.none;
  const builder = isPlain ? newRecordBuilder(Math.min(limitBytes, CAPACITY_BYTES_A_RECORD * records.length)) : new BatchBuilder();
  const batches: BuiltBatch[] = [];
  const close = (): void => {
    const { minTimestampMs } = builder;
    const bytes = builder.close({ codec });
    batches.push(isPlain ? { bytes, builtMinTimestampMs: minTimestampMs } : { bytes });
  };
  records.forEach((record, index) => {
    const { key, value, headers, timestampMs } = checked(record, index, nowMs);
    const moreBytes = recordBytesMax(key?.length ?? 0, value?.length ?? 0, headers);
    if (moreBytes > maxMessageBytes) throw new LogError('batchTooLarge', `record ${index} of ${moreBytes} bytes is larger than maxMessageBytes ${maxMessageBytes}`, index);
    if (builder.recordCount > 0 && builder.sizeBytes + moreBytes > limitBytes) close();
    builder.append(key, value, headers, timestampMs);
  });
  close();
  return batches;
}

function checked(record: NewRecord, index: number, nowMs: number): { key: Uint8Array | null; value: Uint8Array | null; headers: readonly RecordHeader[]; timestampMs: number } {
  if (typeof record !== 'object' || record === null) throw new LogError('invalidArgument', `record ${index} is no object`);
  for (const field of [record.key, record.value]) {
    if (field === undefined || field === null || typeof field === 'string' || field instanceof Uint8Array) continue;
    throw new LogError('invalidArgument', `record ${index}: keys and values are bytes, text or null`);
  }
  const timestampMs = record.timestampMs ?? nowMs;
  if (!Number.isSafeInteger(timestampMs) || timestampMs < -1) throw new LogError('invalidArgument', `record ${index}: timestamp ${timestampMs} is no whole number of milliseconds`);
  const headers = (record.headers ?? []).map(({ key, value }) => ({ key, value: bytesOf(value) }));
  return { key: bytesOf(record.key), value: bytesOf(record.value), headers, timestampMs };
}

/** The record under the cursor; `copies` makes it the caller's own. */
export function recordAt(cursor: RecordCursor, copies: boolean): LogRecord {
  const key = cursor.key();
  const value = cursor.value();
  const headers = cursor.headers();
  if (!copies) return { offset: cursor.offset, timestampMs: cursor.timestampMs, key, value, headers };
  return {
    offset: cursor.offset,
    timestampMs: cursor.timestampMs,
    key: key === null ? null : Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
    headers: headers.map((header) => ({ key: header.key, value: header.value === null ? null : Buffer.from(header.value) })),
  };
}

export const bytesOfRecord = (record: LogRecord): number => (record.key?.length ?? 0) + (record.value?.length ?? 0);
