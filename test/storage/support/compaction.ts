import { attributesOf, baseOffsetOf, codecIn, isControl, lastOffsetOf, nextBatch, recordCountOf } from '../../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../../src/record/build.ts';
import type { BatchOptions } from '../../../src/record/build.ts';
import { recordsOf } from '../../../src/record/codecs.ts';
import { decodeBatch } from '../../../src/record/iterate.ts';
import type { CleanOutcome } from '../../../src/storage/compaction/cleanLog.ts';
import type { Log, StoreManager } from '../../../src/storage/index.ts';
import type { PartitionLog } from '../../../src/storage/log.ts';
import { append, topicConfig } from './store.ts';

/** Segments of a few batches each, compacted. */
export const COMPACT = topicConfig({
  segmentBytes: 400, fileDeleteDelayMs: 0, deleteRetentionMs: 1000, cleanupPolicy: { delete: false, compact: true },
});

export const put = (log: Log, key: string, value: string | null, options = {}): Promise<unknown> => append(log, keyed([[key, value]], options));

/** A batch of keyed records; null is a tombstone. */
export function keyed(records: readonly (readonly [string, string | null])[], options: BatchOptions & { readonly timestamps?: readonly number[] } = {}): Buffer {
  const builder = new BatchBuilder();
  records.forEach(([key, value], index) => {
    builder.append(Buffer.from(key), value === null ? null : Buffer.from(value), [{ key: 'h', value: Buffer.from('v') }], options.timestamps?.[index] ?? 1_699_999_999_000 + index);
  });
  return builder.close(options);
}

/** Cleans as far as may be; the active segment is sealed first. */
export async function clean(store: StoreManager, log: Log): Promise<CleanOutcome | null> {
  await rollNow(log);
  return store.cleaner.cleanNow(log as PartitionLog);
}

export const rollNow = (log: Log): Promise<void> => (log as PartitionLog).beginSegment();

export interface KeyedRecord {
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
  readonly isControl: boolean;
}

export interface BatchSeen {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly records: readonly KeyedRecord[];
  readonly bytes: Buffer;
}

/** Every batch of the log. */
export function batchesOf(log: Log): BatchSeen[] {
  const seen: BatchSeen[] = [];
  let offset = log.logStartOffset;
  while (offset < log.logEndOffset) {
    const result = log.read(offset, 1000, log.logEndOffset, true);
    const bytes = Buffer.from(result.bytes);
    result.release();
    if (bytes.length === 0) break;
    for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) {
      const inflated = codecIn(attributesOf(bytes, at)) === 0 ? null : recordsOf(bytes, at, 1 << 28);
      const control = isControl(attributesOf(bytes, at));
      const records = recordCountOf(bytes, at) === 0 ? [] : decodeBatch(bytes, at, inflated).map((record) => ({
        offset: record.offset, key: record.key === null ? null : String(record.key), value: record.value === null ? null : String(record.value),
        timestampMs: record.timestampMs, isControl: control,
      }));
      seen.push({ baseOffset: baseOffsetOf(bytes, at), lastOffset: lastOffsetOf(bytes, at), records, bytes: Buffer.from(bytes.subarray(at, next)) });
      offset = lastOffsetOf(bytes, at) + 1;
    }
  }
  return seen;
}

export const keyedRecords = (log: Log): KeyedRecord[] => batchesOf(log).flatMap(({ records }) => records);
export const dataOf = (log: Log): string[] => keyedRecords(log).filter(({ isControl: control }) => !control).map(({ offset, key, value }) => `${offset} ${key}=${value}`);
