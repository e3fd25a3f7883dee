import type { Clock } from '../base/ports.ts';
import { BatchBuilder } from '../record/build.ts';
import { Codec, attributesOf, codecIn, isControl, lastOffsetOf, nextBatch } from '../record/batchHeader.ts';
import { recordsOf } from '../record/codecs.ts';
import { RecordCursor } from '../record/iterate.ts';
import { ErrorCode, KafkaError } from '../protocol/errors.ts';
import type { Log } from '../storage/types.ts';
import type { CoordinatorLog, CoordinatorRecord } from './contract.ts';
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

type Visit = (record: { key: Buffer; value: Buffer | null; timestampMs: number; offset: number }) => void;

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

  append(partitionIndex: number, records: readonly CoordinatorRecord[], done: (errorCode: number) => void): void {
    const partition = this.#options.partitions.find(this.topic, partitionIndex);
    if (partition === undefined) return done(ErrorCode.NOT_LEADER_OR_FOLLOWER);
    const refused = partition.appendError(REQUIRED_ACKS);
    if (refused !== ErrorCode.NONE) return done(refused);
    const nowMs = this.#options.clock.now();
    for (const { key, value } of records) this.#builder.append(key, value, null, nowMs);
    partition.append(this.#builder.close(), 'coordinator', (error) => done(error === null ? ErrorCode.NONE : logErrorCode(error)));
  }

  async load(partitionIndex: number, visit: Visit): Promise<void> {
    const log = this.#options.partitions.find(this.topic, partitionIndex)?.onlineLog;
    if (log === undefined || log === null) throw new KafkaError(ErrorCode.NOT_LEADER_OR_FOLLOWER, `${this.topic}-${partitionIndex} is not here`);
    const end = log.highWatermark;
    let offset = log.logStartOffset;
    while (offset < end) {
      const next = await this.#replaySlice(log, offset, end, visit);
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

  #replaySlice(log: Log, offset: number, end: number, visit: Visit): Promise<number> {
    return new Promise((resolve, reject) => {
      log.readWarm(offset, SLICE_BYTES, end, true, (error, result) => {
        if (result === null) return reject(error ?? new Error('a read ended without a result'));
        try {
          const next = replayBatches(result.bytes, offset, visit);
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

/** Returns the offset after the last batch. */
function replayBatches(bytes: Buffer, fromOffset: number, visit: Visit): number {
  const cursor = new RecordCursor();
  let next = fromOffset;
  for (let at = 0, after = nextBatch(bytes, 0); after !== -1; at = after, after = nextBatch(bytes, at)) {
    next = lastOffsetOf(bytes, at) + 1;
    if (isControl(attributesOf(bytes, at))) continue;
    cursor.open(bytes, at, inflated(bytes, at));
    while (cursor.next()) {
      const key = cursor.key();
      if (key === null || cursor.offset < fromOffset) continue;
      const value = cursor.value();
      // Copies: what is replayed outlives the view.
      visit({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value), timestampMs: cursor.timestampMs, offset: cursor.offset });
    }
  }
  return next;
}

function inflated(bytes: Buffer, at: number): Buffer | null {
  return codecIn(attributesOf(bytes, at)) === Codec.none ? null : recordsOf(bytes, at, INFLATED_BYTES_MAX);
}
