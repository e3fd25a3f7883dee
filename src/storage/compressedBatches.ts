/** Work on compressed batches that takes longer than an append may hold up the thread. */
import { AppendStatus } from '../base/disk.ts';
import type { RecordResult } from '../binding/compute.ts';
import { compute } from '../binding/load.ts';
import { Codec, attributesOf, baseOffsetOf, baseSequenceOf, baseTimestampOf, codecIn, isControl, isTransactional, leaderEpochOf, producerEpochOf, producerIdOf, recordCountOf } from '../record/batchHeader.ts';
import { BatchBuilder } from '../record/build.ts';
import { recordsOf } from '../record/codecs.ts';
import { RecordCursor } from '../record/iterate.ts';
import { RecordError } from '../record/recordError.ts';
import { LogError } from './types.ts';

/** What the records of a batch are held to. */
export interface RecordRules {
  readonly requireKeys: boolean;
  readonly timestampMin: number;
  readonly timestampMax: number;
}

export interface CompressedBatches {
  /** Inflates the batch and checks every record. `done` gets the largest timestamp (-1 without any). */
  check(batch: Buffer, rules: RecordRules, done: (error: LogError | null, maxTimestampMs: number) => void): void;
  /** Checks as `check`, then builds the same batch with another codec. */
  recompress(batch: Buffer, codec: Codec, level: number | undefined, rules: RecordRules, done: (error: LogError | null, rebuilt: Buffer | null) => void): void;
  /** The inflated records of one batch; rejects with LogError. */
  inflate(batch: Buffer): Promise<Buffer>;
}

/** What a failed look into a batch means to whoever appended it. */
export function recordFailure(error: unknown): LogError {
  if (!(error instanceof RecordError)) throw error;
  if (error.code === 'UNSUPPORTED_COMPRESSION') return new LogError('unsupportedCompression', error.message);
  if (error.code === 'TOO_LARGE') return new LogError('batchTooLarge', error.message);
  if (error.code === 'CORRUPT_RECORD') return new LogError('invalidRecord', error.message, error.recordIndex);
  return new LogError('corrupt', error.message);
}

/** The failure behind a status of `checkRecords`. */
export function statusFailure(status: AppendStatus, badRecordIndex: number): LogError {
  const at = badRecordIndex >= 0 ? `record ${badRecordIndex}` : 'a record';
  if (status === AppendStatus.missingKey) return new LogError('invalidRecord', `${at} has no key: a compacted topic requires one`, badRecordIndex);
  if (status === AppendStatus.invalidTimestamp) return new LogError('invalidTimestamp', `the timestamp of ${at} is out of range`, badRecordIndex);
  return new LogError('invalidRecord', `${at} is malformed`, badRecordIndex);
}

/** On the calling thread, after the call returned: for small embeddings and simulations. */
export class InlineCompressedBatches implements CompressedBatches {
  readonly #inflatedMaxBytes: number;
  readonly #result: RecordResult = { maxTimestampMs: -1, offsetDeltaOfMaxTimestamp: -1, badRecordIndex: -1 };

  constructor(inflatedMaxBytes: number) {
    this.#inflatedMaxBytes = inflatedMaxBytes;
  }

  check(batch: Buffer, rules: RecordRules, done: (error: LogError | null, maxTimestampMs: number) => void): void {
    queueMicrotask(() => {
      let maxTimestampMs = -1;
      try {
        maxTimestampMs = this.#check(batch, rules).maxTimestampMs;
      } catch (error) {
        return done(error instanceof LogError ? error : recordFailure(error), -1);
      }
      done(null, maxTimestampMs);
    });
  }

  recompress(batch: Buffer, codec: Codec, level: number | undefined, rules: RecordRules, done: (error: LogError | null, rebuilt: Buffer | null) => void): void {
    queueMicrotask(() => {
      let rebuilt: Buffer;
      try {
        const { records } = this.#check(batch, rules);
        rebuilt = rebuild(batch, records, codec, level);
      } catch (error) {
        return done(error instanceof LogError ? error : recordFailure(error), null);
      }
      done(null, rebuilt);
    });
  }

  inflate(batch: Buffer): Promise<Buffer> {
    return Promise.resolve().then(() => {
      try {
        return recordsOf(batch, 0, this.#inflatedMaxBytes);
      } catch (error) {
        throw recordFailure(error);
      }
    });
  }

  #check(batch: Buffer, rules: RecordRules): { records: Buffer; maxTimestampMs: number } {
    const records = recordsOf(batch, 0, this.#inflatedMaxBytes);
    const plan = { ...rules, timestampBase: baseTimestampOf(batch, 0) };
    const status = compute.checkRecords(records, recordCountOf(batch, 0), plan, this.#result);
    if (status !== AppendStatus.ok) throw statusFailure(status, this.#result.badRecordIndex);
    return { records, maxTimestampMs: this.#result.maxTimestampMs };
  }
}

function rebuild(batch: Buffer, records: Buffer, codec: Codec, level: number | undefined): Buffer {
  const cursor = new RecordCursor();
  cursor.open(batch, 0, codecIn(attributesOf(batch, 0)) === Codec.none ? null : records);
  const builder = new BatchBuilder(records.length + 64);
  builder.startAt(baseTimestampOf(batch, 0));
  while (cursor.next()) builder.append(cursor.key(), cursor.value(), cursor.headers(), cursor.timestampMs);
  const attributes = attributesOf(batch, 0);
  return builder.close({
    codec,
    ...(level === undefined ? {} : { level }),
    baseOffset: baseOffsetOf(batch, 0),
    leaderEpoch: leaderEpochOf(batch, 0),
    producerId: producerIdOf(batch, 0),
    producerEpoch: producerEpochOf(batch, 0),
    baseSequence: baseSequenceOf(batch, 0),
    isTransactional: isTransactional(attributes),
    isControl: isControl(attributes),
  });
}
