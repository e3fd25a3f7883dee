/**
 * The port through which compressed batches are looked into: storage asks, worker threads (or, in simulations and small batches, the caller's
 * own thread) inflate, check and re-compress.
 */
import type { Codec } from './batchHeader.ts';

/** Outcome of a task. The numbers that AppendStatus (base/disk.ts) has too mean the same there. */
export const InflateStatus = {
  ok: 0,
  corruptHeader: -1,
  corruptChecksum: -2,
  unsupportedMagic: -3,
  /** Framing, count or offset deltas of the inflated records are wrong (`badRecordIndex` says which). */
  invalidRecord: -4,
  invalidTimestamp: -5,
  missingKey: -6,
  /** The compressed bytes are not what their codec writes. */
  corruptCompression: -32,
  /** A codec that Kafka does not know, or that has no library here. */
  unsupportedCompression: -33,
  /** The records would pass `inflatedSizeMaxBytes`. */
  inflatedTooLarge: -34,
  /** Too much is queued already: try again later. */
  busy: -35,
  /** The worker died, or the inflater was closed. */
  failed: -36,
} as const;
export type InflateStatus = (typeof InflateStatus)[keyof typeof InflateStatus];

/** What the inflated records are held to. */
export interface InflateLimits {
  readonly inflatedSizeMaxBytes: number;
  /** Each record must have a key (compact topics). */
  readonly requireKeys: boolean;
  /** Bounds for record timestamps; -1 (none) is always allowed. */
  readonly timestampMin: number;
  readonly timestampMax: number;
}

/** How a batch is to be written anew. */
export interface RecompressTarget {
  readonly codec: Codec;
  /** As `compress` in codecs.ts takes it. */
  readonly level: number;
}

/** A fresh object for each `done`. */
export interface InflateOutcome {
  readonly status: InflateStatus;
  /** Says more than the status, for logs and error messages; '' when ok. */
  readonly message: string;
  /** Largest timestamp of a record, -1 if none. */
  readonly maxTimestampMs: number;
  /** Offset delta of the first record that has it, -1 if none. */
  readonly offsetDeltaOfMaxTimestamp: number;
  readonly badRecordIndex: number;
  /** All that were refused for their key or timestamp, see defects.ts; empty for other reasons. */
  readonly badRecordIndexes: readonly number[];
  /** `recompress`: the whole new batch; `readRecords`: the inflated records section; else null. The receiver's own memory. */
  readonly bytes: Buffer | null;
}

export type InflateDone = (outcome: InflateOutcome) => void;

/**
 * `batch` is always one whole batch of magic 2, borrowed until the call returns. `done` is called exactly once, perhaps before the call returns, and
 * tasks may finish in another order than they were given. Nothing throws.
 */
export interface Inflater {
  /** CRC, header, and every record against the limits. Offsets must have no gaps: for batches as producers send them. */
  inflate(batch: Buffer, limits: InflateLimits, done: InflateDone): void;
  /**
   * As inflate, then writes the same records with another codec: offsets, epochs and producer fields stay, maxTimestamp is put right, the CRC is new.
   * Also for batches that are not compressed yet.
   */
  recompress(batch: Buffer, limits: InflateLimits, target: RecompressTarget, done: InflateDone): void;
  /** The inflated records of a batch that was checked before (for RecordCursor.open). */
  readRecords(batch: Buffer, inflatedSizeMaxBytes: number, done: InflateDone): void;
  /** What is queued fails; ends the threads. */
  close(): Promise<void>;
}
