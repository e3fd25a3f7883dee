/** What the inflater's answers, and defects of records, mean to whoever appended or asked. */
import { AppendStatus } from '../base/disk.ts';
import { InflateStatus } from '../record/inflater.ts';
import type { InflateOutcome, Inflater } from '../record/inflater.ts';
import { RecordError } from '../record/recordError.ts';
import { LogError } from './types.ts';

/** The failure behind bytes that record/ refused. Other errors are thrown on. */
export function recordFailure(error: unknown): LogError {
  if (!(error instanceof RecordError)) throw error;
  if (error.code === 'UNSUPPORTED_COMPRESSION') return new LogError('unsupportedCompression', error.message);
  if (error.code === 'TOO_LARGE') return new LogError('batchTooLarge', error.message);
  if (error.code === 'CORRUPT_RECORD') return new LogError('invalidRecord', error.message, error.recordIndex);
  return new LogError('corrupt', error.message);
}

/** The failure behind a status about records; `found` as `recordDefects` gives it. */
export function statusFailure(status: number, badRecordIndex: number, found: readonly number[]): LogError {
  if (found.length > 1) {
    const [kind, defect] = status === AppendStatus.missingKey ? ['invalidRecord', 'no key, which a compacted topic requires'] as const : ['invalidTimestamp', 'a timestamp out of range'] as const;
    return new LogError(kind, `${found.length} records have ${defect}`, badRecordIndex, found);
  }
  const at = badRecordIndex >= 0 ? `record ${badRecordIndex}` : 'a record';
  if (status === AppendStatus.missingKey) return new LogError('invalidRecord', `${at} has no key: a compacted topic requires one`, badRecordIndex);
  if (status === AppendStatus.invalidTimestamp) return new LogError('invalidTimestamp', `the timestamp of ${at} is out of range`, badRecordIndex);
  return new LogError('invalidRecord', `${at} is malformed`, badRecordIndex);
}

/** Null when the batch was fine. */
export function outcomeFailure(outcome: InflateOutcome): LogError | null {
  switch (outcome.status) {
    case InflateStatus.ok:
      return null;
    case InflateStatus.corruptChecksum:
      return new LogError('corrupt', 'the CRC of the batch is wrong');
    case InflateStatus.unsupportedMagic:
      return new LogError('unsupportedMagic', outcome.message);
    case InflateStatus.corruptHeader:
    case InflateStatus.corruptCompression:
      return new LogError('corrupt', outcome.message);
    case InflateStatus.unsupportedCompression:
      return new LogError('unsupportedCompression', outcome.message);
    case InflateStatus.inflatedTooLarge:
      return new LogError('batchTooLarge', outcome.message);
    case InflateStatus.busy:
    case InflateStatus.failed:
      return new LogError('storage', `a compressed batch could not be inflated: ${outcome.message}`);
    default:
      return statusFailure(outcome.status, outcome.badRecordIndex, outcome.badRecordIndexes);
  }
}

/** The inflated records of a stored batch. Rejects with LogError. */
export function readRecords(inflater: Inflater, batch: Buffer, inflatedSizeMaxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    inflater.readRecords(batch, inflatedSizeMaxBytes, (outcome) => {
      const failure = outcomeFailure(outcome);
      if (failure !== null) reject(failure);
      else if (outcome.bytes === null) reject(new LogError('storage', 'the inflater gave no records'));
      else resolve(outcome.bytes);
    });
  });
}
