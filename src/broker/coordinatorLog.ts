import type { Clock } from '../base/ports.ts';
import { BatchBuilder } from '../record/build.ts';
import type { BatchOptions } from '../record/build.ts';
import { Codec, attributesOf, codecIn, isControl, isTransactional, lastOffsetOf, nextBatch, producerIdOf } from '../record/batchHeader.ts';
import { recordsOf } from '../record/codecs.ts';
import { ControlType, buildEndTransactionMarker, controlTypeOf } from '../record/control.ts';
import { RecordCursor } from '../record/iterate.ts';
import { ErrorCode, KafkaError } from '../protocol/errors.ts';
import type { Log, LogError } from '../storage/types.ts';
import type { BatchTransaction, CoordinatorLog, CoordinatorRecord, LoadedRecord } from './contract.ts';
import { errorCodeOf, logErrorCode } from './errorMapping.ts';
import type { PartitionTable } from './partition/partitions.ts';
import type { TopicCreation } from './topicCreation.ts';

/** Bytes replayed before others get a turn. */
const SLICE_BYTES = 256 * 1024;
/** A compressed batch of coordinator records may grow to this: what one append of any broker can hold. */
const INFLATED_BYTES_MAX = 64 * 1024 * 1024;
const REQUIRED_ACKS = -1;

export interface PartitionedLogOptions {
  readonly topic: string;
  readonly partitions: PartitionTable;
  readonly topicCreation: TopicCreation;
  readonly clock: Clock;
  /** Partitions that the topic will get while it is not there. */
  readonly partitionCountWanted: () => number;
}

interface Replay {
  readonly visit: (record: LoadedRecord) => void;
  readonly onMarker: (producerId: number, isCommit: boolean) => void;
}

/** A coordinator's log on the ordinary partitions of an internal topic. */
export class PartitionedCoordinatorLog implements CoordinatorLog {
  readonly topic: string;
  readonly #options: PartitionedLogOptions;
  readonly #builder = new BatchBuilder();

  constructor(options: PartitionedLogOptions) {
    this.topic = options.topic;
    this.#options = options;
  }

  get partitionCount(): number {
    return this.#options.partitions.topic(this.topic)?.partitions.length ?? this.#options.partitionCountWanted();
  }

  async ensureTopic(): Promise<void> {
    try {
      const { code, message } = await this.#options.topicCreation.ensure(this.topic);
      if (code !== ErrorCode.NONE) throw new KafkaError(code, message);
    } catch (error) {
      if (error instanceof KafkaError) throw error;
      throw new KafkaError(errorCodeOf(error), error instanceof Error ? error.message : null);
    }
  }

  leads(partition: number): boolean {
    return this.#options.partitions.find(this.topic, partition)?.accessError(-1) === ErrorCode.NONE;
  }

  append(partitionIndex: number, records: readonly CoordinatorRecord[], done: (errorCode: number) => void, transaction?: BatchTransaction): void {
    const partition = this.#options.partitions.find(this.topic, partitionIndex);
    if (partition === undefined) return done(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const refused = partition.appendError(REQUIRED_ACKS);
    if (refused !== ErrorCode.NONE) return done(refused);
    const onAppended = (error: LogError | null): void => done(error === null ? ErrorCode.NONE : logErrorCode(error));
    if (transaction === undefined) partition.append(this.#batch(records), 'coordinator', onAppended);
    else partition.appendOfTransaction(this.#batchOf(transaction, records), 'coordinator', transaction.transactionVersion, transaction.verification, onAppended);
  }

  #batch(records: readonly CoordinatorRecord[], options?: BatchOptions): Buffer {
    const nowMs = this.#options.clock.now();
    for (const { key, value } of records) this.#builder.append(key, value, null, nowMs);
    return this.#builder.close(options);
  }

  #batchOf({ producerId, producerEpoch, marker }: BatchTransaction, records: readonly CoordinatorRecord[]): Buffer {
    if (marker === null) return this.#batch(records, { producerId, producerEpoch, isTransactional: true });
    const { isCommit, coordinatorEpoch } = marker;
    const type = isCommit ? ControlType.commit : ControlType.abort;
    return buildEndTransactionMarker({ type, producerId, producerEpoch, coordinatorEpoch, timestampMs: this.#options.clock.now() });
  }

  async load(partitionIndex: number, visit: Replay['visit'], onMarker: Replay['onMarker'] = ignore): Promise<void> {
    const log = this.#options.partitions.find(this.topic, partitionIndex)?.onlineLog;
    if (log === undefined || log === null) throw new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${this.topic}-${partitionIndex} is not here`);
    const end = log.highWatermark;
    let offset = log.logStartOffset;
    while (offset < end) {
      const next = await this.#replaySlice(log, offset, end, { visit, onMarker });
      if (next <= offset) break;
      offset = next;
      await this.#pause();
    }
  }

  /** Lets everything else that is ready run first. */
  #pause(): Promise<void> {
    return new Promise((resolve) => {
      this.#options.clock.setTimer(0, resolve);
    });
  }

  #replaySlice(log: Log, offset: number, end: number, replay: Replay): Promise<number> {
    return new Promise((resolve, reject) => {
      log.readWarm(offset, SLICE_BYTES, end, true, (error, result) => {
        if (result === null) return reject(error ?? new Error('a read ended without a result'));
        try {
          const next = replayBatches(result.bytes, offset, replay);
          if (!result.intact) throw new KafkaError(ErrorCode.KAFKA_STORAGE_ERROR, 'a page of the log could not be read');
          resolve(next);
        } catch (failure) {
          reject(failure instanceof Error ? failure : new Error(String(failure)));
        } finally {
          result.release();
        }
      });
    });
  }
}

function ignore(): void {
  // a coordinator that takes part in no transactions
}

/** Returns the offset after the last batch. */
function replayBatches(bytes: Buffer, fromOffset: number, replay: Replay): number {
  const cursor = new RecordCursor();
  let next = fromOffset;
  for (let at = 0, after = nextBatch(bytes, 0); after !== -1; at = after, after = nextBatch(bytes, at)) {
    next = lastOffsetOf(bytes, at) + 1;
    cursor.open(bytes, at, inflated(bytes, at));
    if (isControl(attributesOf(bytes, at))) replayControl(cursor, producerIdOf(bytes, at), replay);
    else replayRecords(cursor, fromOffset, isTransactional(attributesOf(bytes, at)) ? producerIdOf(bytes, at) : null, replay);
  }
  return next;
}

function replayRecords(cursor: RecordCursor, fromOffset: number, producerId: number | null, { visit }: Replay): void {
  while (cursor.next()) {
    const key = cursor.key();
    if (key === null || cursor.offset < fromOffset) continue;
    const value = cursor.value();
    // Copies: what is replayed outlives the view.
    const record = { key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestampMs: cursor.timestampMs, offset: cursor.offset };
    visit(producerId === null ? record : { ...record, producerId });
  }
}

/** The marker of a transaction that compaction has emptied has no record any more, and ends nothing. */
function replayControl(cursor: RecordCursor, producerId: number, { onMarker }: Replay): void {
  if (!cursor.next()) return;
  const type = controlTypeOf(cursor.key());
  if (type === ControlType.commit || type === ControlType.abort) onMarker(producerId, type === ControlType.commit);
}

function inflated(bytes: Buffer, at: number): Buffer | null {
  return codecIn(attributesOf(bytes, at)) === Codec.none ? null : recordsOf(bytes, at, INFLATED_BYTES_MAX);
}
