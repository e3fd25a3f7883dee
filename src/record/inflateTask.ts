/** The work of an Inflater on one batch, wherever it runs. */
import { AppendStatus } from '../base/disk.ts';
import type { RecordPlan, RecordResult } from '../binding/compute.ts';
import { compute } from '../binding/load.ts';
import { Attribute, Codec, Field, HEADER_BYTES, LOG_OVERHEAD_BYTES, attributesOf, baseTimestampOf, crcOf, headerDefect, isLogAppendTime, lastOffsetDeltaOf, magicOf, maxTimestampOf, nextBatch, recordCountOf, writeInt64 } from './batchHeader.ts';
import { renewCrc } from './build.ts';
import { compress, recordsOf } from './codecs.ts';
import { recordDefects } from './defects.ts';
import { InflateStatus } from './inflater.ts';
import type { InflateLimits, InflateOutcome, RecompressTarget } from './inflater.ts';
import { RecordError } from './recordError.ts';
import type { RecordErrorCode } from './recordError.ts';

/** Plain data: it crosses to worker threads. */
export interface InflateTask {
  readonly kind: 'inflate' | 'recompress' | 'readRecords';
  readonly batch: Uint8Array;
  readonly limits: InflateLimits;
  readonly target: RecompressTarget | null;
}

const NONE: readonly number[] = [];

/** For readRecords: what the records say is of no interest. */
export const noLimits = (inflatedSizeMaxBytes: number): InflateLimits => ({ inflatedSizeMaxBytes, requireKeys: false, timestampMin: -Infinity, timestampMax: Infinity });

export function failure(status: InflateStatus, message: string, badRecordIndex = -1): InflateOutcome {
  return { status, message, maxTimestampMs: -1, offsetDeltaOfMaxTimestamp: -1, badRecordIndex, badRecordIndexes: NONE, bytes: null };
}

/** Never throws for what is wrong with the batch. */
export function runInflateTask(task: InflateTask): InflateOutcome {
  const batch = Buffer.from(task.batch.buffer, task.batch.byteOffset, task.batch.length);
  try {
    if (task.kind === 'readRecords') return { ...failure(InflateStatus.ok, ''), bytes: recordsOf(batch, 0, task.limits.inflatedSizeMaxBytes) };
    return checkBatch(batch, task);
  } catch (error) {
    if (error instanceof RecordError) return failure(statusOf(error.code), error.message, error.recordIndex);
    // Memory that cannot be had, although the cap allows it.
    if (error instanceof RangeError) return failure(InflateStatus.inflatedTooLarge, error.message);
    throw error;
  }
}

function checkBatch(batch: Buffer, task: InflateTask): InflateOutcome {
  if (nextBatch(batch, 0) !== batch.length) return failure(InflateStatus.corruptHeader, 'not one whole batch');
  if (magicOf(batch, 0) !== 2) return failure(InflateStatus.unsupportedMagic, `magic ${magicOf(batch, 0)}`);
  if (compute.crc32c(batch.subarray(Field.attributes)) !== crcOf(batch, 0)) return failure(InflateStatus.corruptChecksum, 'the checksum differs');
  const defect = headerDefect(batch, 0);
  if (defect !== '') return failure(InflateStatus.corruptHeader, defect);
  if (lastOffsetDeltaOf(batch, 0) !== recordCountOf(batch, 0) - 1) return failure(InflateStatus.invalidRecord, 'the record count does not fit the offsets');
  const records = recordsOf(batch, 0, task.limits.inflatedSizeMaxBytes);
  const outcome = checkRecords(batch, records, task.limits);
  if (outcome.status !== InflateStatus.ok || task.target === null) return outcome;
  return { ...outcome, bytes: rebuild(batch, records, task.target, outcome.maxTimestampMs) };
}

const plan: RecordPlan = { requireKeys: false, timestampBase: 0, timestampMin: 0, timestampMax: 0 };
const result: RecordResult = { maxTimestampMs: -1, offsetDeltaOfMaxTimestamp: -1, badRecordIndex: -1 };

function checkRecords(batch: Buffer, records: Buffer, limits: InflateLimits): InflateOutcome {
  plan.requireKeys = limits.requireKeys;
  plan.timestampBase = baseTimestampOf(batch, 0);
  plan.timestampMin = limits.timestampMin;
  plan.timestampMax = limits.timestampMax;
  const status = compute.checkRecords(records, recordCountOf(batch, 0), plan, result);
  const { maxTimestampMs, offsetDeltaOfMaxTimestamp, badRecordIndex } = result;
  const isAboutRecords = status === AppendStatus.missingKey || status === AppendStatus.invalidTimestamp;
  const badRecordIndexes = isAboutRecords ? recordDefects(batch, records, limits) : NONE;
  return { status, message: messageFor(status, badRecordIndex), maxTimestampMs, offsetDeltaOfMaxTimestamp, badRecordIndex, badRecordIndexes, bytes: null };
}

function messageFor(status: AppendStatus, badRecordIndex: number): string {
  switch (status) {
    case AppendStatus.ok:
      return '';
    case AppendStatus.missingKey:
      return `record ${badRecordIndex} has no key`;
    case AppendStatus.invalidTimestamp:
      return `the timestamp of record ${badRecordIndex} is out of range`;
    default:
      return `record ${badRecordIndex} is not as its batch says`;
  }
}

/** The same batch around another form of its records. */
function rebuild(batch: Buffer, records: Buffer, target: RecompressTarget, maxTimestampMs: number): Buffer {
  const section = target.codec === Codec.none ? records : compress(target.codec, records, target.level);
  const rebuilt = Buffer.allocUnsafeSlow(HEADER_BYTES + section.length);
  batch.copy(rebuilt, 0, 0, HEADER_BYTES);
  rebuilt.set(section, HEADER_BYTES);
  rebuilt.writeInt32BE(rebuilt.length - LOG_OVERHEAD_BYTES, Field.length);
  const attributes = attributesOf(batch, 0);
  rebuilt.writeInt16BE((attributes & ~Attribute.codecMask) | target.codec, Field.attributes);
  writeInt64(rebuilt, isLogAppendTime(attributes) ? maxTimestampOf(batch, 0) : maxTimestampMs, Field.maxTimestamp);
  renewCrc(rebuilt);
  return rebuilt;
}

function statusOf(code: RecordErrorCode): InflateStatus {
  switch (code) {
    case 'CORRUPT_COMPRESSION':
      return InflateStatus.corruptCompression;
    case 'UNSUPPORTED_COMPRESSION':
      return InflateStatus.unsupportedCompression;
    case 'TOO_LARGE':
      return InflateStatus.inflatedTooLarge;
    case 'CORRUPT_RECORD':
      return InflateStatus.invalidRecord;
    case 'CORRUPT_CHECKSUM':
      return InflateStatus.corruptChecksum;
    case 'UNSUPPORTED_MAGIC':
      return InflateStatus.unsupportedMagic;
    default:
      return InflateStatus.corruptHeader;
  }
}
