/**
 * What the storage engine offers to those above it (broker, embedding applications). Implemented by `Log` in log.ts and
 * `LogManager` in manager.ts.
 */
import type { BatchPosition } from '../base/disk.ts';
import type { CleanerSettings } from './compaction/settings.ts';
import type { TopicConfigView } from './settings.ts';

/** Typed failures of the engine; the broker maps `kind` to Kafka's error codes. */
export type LogErrorKind =
  | 'corrupt' // checksum or header: CORRUPT_MESSAGE
  | 'unsupportedMagic' // UNSUPPORTED_FOR_MESSAGE_FORMAT / INVALID_RECORD
  | 'invalidRecord' // INVALID_RECORD
  | 'invalidTimestamp' // INVALID_TIMESTAMP
  | 'batchTooLarge' // MESSAGE_TOO_LARGE
  | 'segmentTooSmall' // RECORD_LIST_TOO_LARGE
  | 'unsupportedCompression' // UNSUPPORTED_COMPRESSION_TYPE
  | 'outOfOrderSequence' // OUT_OF_ORDER_SEQUENCE_NUMBER
  | 'duplicateSequence' // DUPLICATE_SEQUENCE_NUMBER (older than the cached batches)
  | 'invalidProducerEpoch' // INVALID_PRODUCER_EPOCH
  | 'unknownProducer' // UNKNOWN_PRODUCER_ID
  | 'invalidTransactionState' // INVALID_TXN_STATE
  | 'transactionCoordinatorFenced' // TRANSACTION_COORDINATOR_FENCED
  | 'fencedLeaderEpoch' // FENCED_LEADER_EPOCH
  | 'offsetOutOfRange' // OFFSET_OUT_OF_RANGE
  | 'inconsistentTopicId' // INCONSISTENT_TOPIC_ID: the folder belongs to another topic of that name
  | 'invalidTopic' // INVALID_TOPIC_EXCEPTION: a name that cannot be a folder's
  | 'invalidArgument' // INVALID_REQUEST: a caller's mistake
  | 'busy' // KAFKA_STORAGE_ERROR: something else is being done to the log, or memory or files are short: try again
  | 'diskFull' // KAFKA_STORAGE_ERROR, log stays online
  | 'storage' // KAFKA_STORAGE_ERROR, log directory offline
  | 'closed'; // NOT_LEADER_OR_FOLLOWER / closed handle

export class LogError extends Error {
  override readonly name = 'LogError';
  readonly kind: LogErrorKind;
  /** Index of the offending record in its batch, -1 when it is not about one record. */
  readonly badRecordIndex: number;
  /** All the offending records (up to a bound, ascending), as far as they are known. */
  readonly badRecordIndexes: readonly number[];
  constructor(kind: LogErrorKind, message: string, badRecordIndex = -1, badRecordIndexes: readonly number[] = badRecordIndex < 0 ? [] : [badRecordIndex]) {
    super(message);
    this.kind = kind;
    this.badRecordIndex = badRecordIndex;
    this.badRecordIndexes = badRecordIndexes;
  }
}

export interface AppendOptions {
  readonly leaderEpoch: number;
  /** client: assigns offsets and checks everything. coordinator: as client, but internal control batches are allowed. replica: bytes keep offsets and epochs. */
  readonly origin: 'client' | 'coordinator' | 'replica';
  /**
   * 2 when the epoch of the batch's producer grows with each transaction (KIP-890): a marker must then be of a later epoch than the transaction that it ends,
   * and a producer that nothing is known of must begin with sequence 0. Without it the rules of older clients.
   */
  readonly transactionVersion?: number;
  /** Of a transactional client batch: it opens no transaction unless this still holds. Without it that is not asked. */
  readonly verification?: Verification;
  /**
   * Of an uncompressed client batch that a builder of record/ has closed just now: the smallest timestamp in it but for -1. What the builder warrants, checksum and records,
   * is not checked again.
   */
  readonly builtMinTimestampMs?: number;
}

/** While it is asked whether a partition is part of a transaction. An end-transaction marker, or the first batch of the transaction, ends it. */
export interface Verification {
  readonly producerId: number;
  readonly epoch: number;
}

/** Outcome of a successful append. A fresh object for each `done`. */
export interface AppendInfo {
  /** Offset given to the first record; for a duplicate: the offset given the first time. */
  readonly firstOffset: number;
  readonly lastOffset: number;
  /** -1 under CreateTime. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
  /** The batch had been appended before (idempotent producer); nothing was written. */
  readonly duplicate: boolean;
}

/** `info` is null exactly when `error` is not. */
export type AppendDone = (error: LogError | null, info: AppendInfo | null) => void;

export interface ReadResult {
  /** Whole batches (the first may start before the asked offset), borrowed until `release`. Empty when there is nothing to read. */
  readonly bytes: Buffer;
  /** Checked after sending: see SegmentView. */
  readonly intact: boolean;
  release(): void;
}

/** A timestamp lookup's answer; offset -1 when there is none. */
export interface TimestampOffset {
  readonly timestampMs: number;
  readonly offset: number;
  readonly leaderEpoch: number;
}

export interface AbortedTransaction {
  readonly producerId: number;
  readonly firstOffset: number;
}

/** An idempotent producer as one partition knows it (DescribeProducers). */
export interface ProducerView {
  readonly producerId: number;
  readonly epoch: number;
  /** -1 when its batches are not remembered. */
  readonly lastSequence: number;
  /** Of its last data, -1 when that is not remembered. */
  readonly lastOffset: number;
  readonly lastTimestampMs: number;
  readonly coordinatorEpoch: number;
  /** -1 without an open transaction. */
  readonly transactionFirstOffset: number;
}

export interface Log {
  readonly topic: string;
  readonly partition: number;
  /** 22-character base64url id. */
  readonly topicId: string;
  /** Root data directory that holds it. */
  readonly logDirectory: string;
  readonly directory: string;
  readonly logStartOffset: number;
  /** Next offset to be given. */
  readonly logEndOffset: number;
  /** Everything below is fsync'd. */
  readonly durableOffset: number;
  /** Kept by the broker; the engine starts it at the checkpointed value and never passes logEndOffset. */
  highWatermark: number;
  /** Below the first open transaction, else the high watermark. */
  readonly lastStableOffset: number;
  readonly sizeBytes: number;
  readonly segmentCount: number;
  readonly online: boolean;

  /**
   * Appends whole batches (client: exactly one batch unless origin is replica). Offsets are given in call order even where a call has to wait
   * (inflating a compressed batch off the thread); a failure does not let later calls of the same producer pass out of sequence.
   * `done` may be called before `append` returns. `bytes` is borrowed until `append` returns: the engine copies what it must keep.
   * With flush.messages reached, `done` comes only after fsync (group commit).
   */
  append(bytes: Buffer, options: AppendOptions, done: AppendDone): void;

  /**
   * Reads whole batches from `offset`, below `maxOffset` (exclusive: high watermark, last stable or log end offset), at most `maxBytes`, but at least
   * one batch when `atLeastOneBatch`. Throws LogError offsetOutOfRange outside [logStartOffset, logEndOffset].
   */
  read(offset: number, maxBytes: number, maxOffset: number, atLeastOneBatch: boolean): ReadResult;
  /** Like read, but where pages are cold they are loaded on another thread first. `done` may come at once. */
  readWarm(offset: number, maxBytes: number, maxOffset: number, atLeastOneBatch: boolean, done: (error: LogError | null, result: ReadResult | null) => void): void;
  /**
   * Where the batch is that holds `offset`, or the first one after it, without reading it; positions are those of its segment. False when there is none below
   * `maxOffset`. Throws as read does.
   */
  locate(offset: number, maxOffset: number, found: BatchPosition): boolean;
  /** Bytes between the batch holding `offset` and `maxOffset`, as far as cheaply known (for fetch.min.bytes). */
  bytesAvailable(offset: number, maxOffset: number): number;

  /** Offset of the first record with timestamp >= the given, among offsets below `maxOffset`. Compressed batches are inflated off the thread. */
  offsetForTimestamp(timestampMs: number, maxOffset: number): Promise<TimestampOffset>;
  /** Offset and timestamp of the record with the largest timestamp (ListOffsets -3). */
  offsetOfMaxTimestamp(maxOffset: number): Promise<TimestampOffset>;
  /** KIP-101: last epoch <= `leaderEpoch` and its end offset; epoch -1, offset -1 when unknown. */
  endOffsetForEpoch(leaderEpoch: number): { leaderEpoch: number; endOffset: number };
  /** Epoch of the record at `offset`, -1 when unknown. */
  epochForOffset(offset: number): number;
  readonly latestEpoch: number;

  abortedTransactions(fromOffset: number, upToOffset: number): AbortedTransaction[];
  /** The producers known now; each object is a live view, to be read at once. */
  producers(): readonly ProducerView[];
  /** One of them, undefined when nothing is known of it. */
  producer(producerId: number): ProducerView | undefined;
  /**
   * Before it is asked whether this partition is part of the producer's transaction. Requests of one producer and epoch share a verification, and the first
   * batch of a producer of whom nothing is known must have the lowest sequence of them.
   */
  beginVerification(producerId: number, epoch: number, firstSequence: number): Verification;
  /** The partition is not part of the transaction. */
  dropVerification(verification: Verification): void;

  /** DeleteRecords: start offset up to `offset` (<= highWatermark, else offsetOutOfRange). Resolves when checkpointed. */
  deleteRecordsBefore(offset: number): Promise<number>;
  /** Drops everything at and after `offset`. */
  truncateTo(offset: number): Promise<void>;
  /** Drops everything; the next offset is `offset`. */
  truncateFullyAndStartAt(offset: number): Promise<void>;
  /** Fsyncs what was appended before the call; one group-commit round may serve many. */
  flush(done: (error: LogError | null) => void): void;
  /** Retention by time, size and start offset; returns segments deleted. Called by the manager's schedule and by tests. */
  applyRetention(nowMs: number): number;
  /** Rolls when the active segment has grown too old even without appends. */
  roll(): void;
  /** New settings, live. */
  updateConfig(config: TopicConfigView): void;
}

/** Settings of a store that can change while it runs. */
export interface StoreSettings {
  readonly producerIdExpirationMs: number;
  readonly cleaner: CleanerSettings;
}

export interface LogManager {
  readonly directories: readonly { readonly path: string; readonly online: boolean; readonly id: string }[];
  get(topic: string, partition: number): Log | undefined;
  logs(): Iterable<Log>;
  /** Opens or creates; picks the directory with the fewest logs. */
  open(topic: string, partition: number, topicId: string, config: TopicConfigView, leaderEpoch?: number): Promise<Log>;
  /** Renames the folder to `-delete` at once, removes the files after file.delete.delay.ms. */
  delete(topic: string, partition: number): Promise<void>;
  /** Moves a log to another log directory while it is in use; `onMoved` is called when the moved one takes its place. Rejects with LogError. */
  move(topic: string, partition: number, path: string, onMoved: (log: Log) => void): Promise<void>;
  /** Logs under way to other directories. */
  inMove(): Iterable<{ readonly topic: string; readonly partition: number; readonly logDirectory: string; readonly sizeBytes: number; readonly logEndOffset: number }>;
  /** Writes recovery points, high watermarks and start offsets. */
  checkpoint(): Promise<void>;
  /** Puts the folder of a partition that the cluster does not know aside as `-stray`: it is never deleted. */
  stray(topic: string, partition: number): Promise<void>;
  /** Loads every log under the directories: clean ones by their checkpoints, others by scanning past the recovery point. Reports progress. */
  start(configOf: (topic: string) => TopicConfigView, options?: { readonly onProgress?: (done: number, total: number, path: string) => void }): Promise<void>;
  /** Takes settings of the whole store into use that changed while it runs. */
  reconfigure(settings: StoreSettings): void;
  /** Flushes, checkpoints, writes producer snapshots and the clean-shutdown marker, releases locks. */
  close(): Promise<void>;
  /** A directory failed: its logs went offline. */
  onDirectoryOffline: ((path: string, reason: string) => void) | null;
}
