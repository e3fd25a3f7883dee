import type { Timer } from '../../base/ports.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { makeInitProducerIdRequest, readInitProducerIdResponse, writeInitProducerIdRequest } from '../../protocol/generated/initProducerId.ts';
import { makePartitionProduceData, makeProduceRequest, makeTopicProduceData, readProduceResponse, writeProduceRequest, type ProduceResponse } from '../../protocol/generated/produce.ts';
import { Codec } from '../../record/batchHeader.ts';
import { BatchBuilder } from '../../record/build.ts';
import type { RecordHeader } from '../../record/iterate.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { isRetriableError, wait } from '../core/wait.ts';
import { partitionForKey, StickyPartition } from './partitioner.ts';

const produceApi = { apiKey: 0, versionMax: 12, write: writeProduceRequest, read: readProduceResponse } as const;
const initProducerIdApi = { apiKey: 22, versionMax: 4, write: writeInitProducerIdRequest, read: readInitProducerIdResponse } as const;

export interface ProducerOptions {
  /** 0: no answer is awaited; 1: the leader has it; -1: all in-sync replicas have it. */
  readonly acks: 0 | 1 | -1;
  readonly codec: Codec;
  readonly lingerMs: number;
  readonly batchSizeBytes: number;
  /** A record is given up after this long. */
  readonly deliveryTimeoutMs: number;
  /** `send` refuses beyond it: wait for `flush` or a delivery. */
  readonly bufferMemoryBytes: number;
  /** No duplicates and no reordering over retries; needs acks -1. */
  readonly isIdempotent: boolean;
  readonly requestTimeoutMs: number;
}

export const defaultProducerOptions: ProducerOptions = {
  acks: -1, codec: Codec.none, lingerMs: 5, batchSizeBytes: 16_384, deliveryTimeoutMs: 120_000, bufferMemoryBytes: 32 * 1024 * 1024, isIdempotent: true, requestTimeoutMs: 30_000,
};

export interface OutgoingRecord {
  readonly topic: string;
  /** Absent: by the key's hash, or sticky without a key. */
  readonly partition?: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers?: readonly RecordHeader[];
  /** Absent: now. */
  readonly timestampMs?: number;
}

/** Called once for each batch when it is acknowledged or given up; `baseOffset` is -1 with acks 0 and on failure. */
export type DeliveryListener = (error: Error | null, records: number, topic: string, partition: number, baseOffset: number) => void;

interface ClosedBatch {
  readonly bytes: Buffer;
  readonly records: number;
  readonly deadlineMs: number;
}

interface Lane {
  readonly topic: string;
  readonly partition: number;
  builder: BatchBuilder | null;
  lingerTimer: Timer | null;
  readonly queue: ClosedBatch[];
  isSending: boolean;
  nextSequence: number;
}

/**
 * Gathers records into one batch a partition and sends one batch a partition at a time, so that order holds over retries. `send` copies the record's bytes.
 */
export class Producer {
  readonly #cluster: Cluster;
  readonly #options: ProducerOptions;
  readonly #onDelivery: DeliveryListener;
  readonly #lanes = new Map<string, Lane>();
  readonly #sticky = new Map<string, StickyPartition>();
  readonly #partitionCounts = new Map<string, number>();
  #producerId = -1;
  #producerEpoch = -1;
  #bufferedBytes = 0;
  #idleWaiters: (() => void)[] = [];
  #isClosed = false;

  constructor(cluster: Cluster, options: Partial<ProducerOptions>, onDelivery: DeliveryListener) {
    this.#cluster = cluster;
    this.#options = { ...defaultProducerOptions, ...options };
    this.#onDelivery = onDelivery;
    if (this.#options.isIdempotent && this.#options.acks !== -1) throw new ClientError('INVALID_ARGUMENT', 'Must set acks to all in order to use the idempotent producer.');
  }

  /** Learns the topic's partitions (creating it where the broker does so). Needed once before the first `send` to a topic. */
  async prepare(topic: string): Promise<void> {
    const deadline = this.#now() + this.#cluster.options.apiTimeoutMs;
    for (;;) {
      try {
        const leaders = await this.#cluster.leadersOf(topic, { allowAutoTopicCreation: true });
        this.#partitionCounts.set(topic, leaders.length);
        break;
      } catch (error) {
        if (!isRetriableError(error) || this.#now() > deadline) throw error;
        await wait(this.#cluster.options.clock, this.#cluster.options.retryBackoffMs);
      }
    }
    if (this.#options.isIdempotent && this.#producerId < 0) await this.#initProducerId();
  }

  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** True while `send` has room. */
  get hasRoom(): boolean {
    return this.#bufferedBytes < this.#options.bufferMemoryBytes;
  }

  /** Adds one record. Throws ClientError BUFFER_FULL, INVALID_ARGUMENT (topic not prepared, no such partition), CLOSED. */
  send(record: OutgoingRecord): void {
    if (this.#isClosed) throw new ClientError('CLOSED', 'the producer was closed');
    if (!this.hasRoom) throw new ClientError('BUFFER_FULL', `more than ${this.#options.bufferMemoryBytes} bytes wait to be sent`);
    const lane = this.#laneFor(record.topic, this.#choosePartition(record));
    const builder = (lane.builder ??= new BatchBuilder(this.#options.batchSizeBytes));
    const before = builder.sizeBytes;
    builder.append(record.key, record.value, record.headers ?? null, record.timestampMs ?? this.#cluster.options.clock.now());
    this.#bufferedBytes += builder.sizeBytes - before;
    if (builder.sizeBytes >= this.#options.batchSizeBytes) this.#closeBatch(lane);
    else lane.lingerTimer ??= this.#cluster.options.clock.setTimer(this.#options.lingerMs, () => this.#closeBatch(lane));
  }

  /** Sends what waits and resolves when every record was delivered or given up. */
  async flush(): Promise<void> {
    for (const lane of this.#lanes.values()) this.#closeBatch(lane);
    while (this.#bufferedBytes > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Resolves when `send` has room again. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
  }

  async close(): Promise<void> {
    await this.flush();
    this.#isClosed = true;
  }

  #now(): number {
    return this.#cluster.options.clock.monotonicMs();
  }

  async #initProducerId(): Promise<void> {
    const answer = await this.#cluster.askAny(initProducerIdApi, makeInitProducerIdRequest({ transactionalId: null, transactionTimeoutMs: 60_000, producerId: -1, producerEpoch: -1 }));
    if (answer.errorCode !== ErrorCode.NONE) throw new KafkaError(answer.errorCode);
    this.#producerId = answer.producerId;
    this.#producerEpoch = answer.producerEpoch;
    for (const lane of this.#lanes.values()) lane.nextSequence = 0;
  }

  #choosePartition(record: OutgoingRecord): number {
    const count = this.#partitionCounts.get(record.topic);
    if (count === undefined) throw new ClientError('INVALID_ARGUMENT', `prepare('${record.topic}') comes before send`);
    if (record.partition !== undefined) {
      if (record.partition < 0 || record.partition >= count) throw new ClientError('INVALID_ARGUMENT', `topic ${record.topic} has no partition ${record.partition}`);
      return record.partition;
    }
    if (record.key !== null) return partitionForKey(record.key, count);
    let sticky = this.#sticky.get(record.topic);
    if (sticky === undefined) this.#sticky.set(record.topic, (sticky = new StickyPartition(this.#cluster.options.random)));
    return sticky.choose(count);
  }

  #laneFor(topic: string, partition: number): Lane {
    const key = `${topic}/${partition}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = { topic, partition, builder: null, lingerTimer: null, queue: [], isSending: false, nextSequence: 0 };
      this.#lanes.set(key, lane);
    }
    return lane;
  }

  #closeBatch(lane: Lane): void {
    lane.lingerTimer?.cancel();
    lane.lingerTimer = null;
    const builder = lane.builder;
    if (builder === null || builder.recordCount === 0) return;
    const records = builder.recordCount;
    const openBytes = builder.sizeBytes;
    const identity = this.#options.isIdempotent ? { producerId: this.#producerId, producerEpoch: this.#producerEpoch, baseSequence: lane.nextSequence } : {};
    const bytes = builder.close({ codec: this.#options.codec, ...identity });
    lane.builder = null;
    lane.nextSequence = (lane.nextSequence + records) % 2 ** 31;
    this.#bufferedBytes += bytes.length - (openBytes - emptyBatchBytes);
    lane.queue.push({ bytes, records, deadlineMs: this.#now() + this.#options.deliveryTimeoutMs });
    this.#sticky.get(lane.topic)?.onBatchClosed(lane.partition, this.#partitionCounts.get(lane.topic) ?? 1);
    if (!lane.isSending) void this.#drain(lane);
  }

  async #drain(lane: Lane): Promise<void> {
    lane.isSending = true;
    for (let batch = lane.queue[0]; batch !== undefined; batch = lane.queue[0]) {
      let error: Error | null = null;
      let baseOffset = -1;
      try {
        baseOffset = await this.#deliver(lane, batch);
      } catch (failure) {
        error = failure as Error;
      }
      lane.queue.shift();
      this.#bufferedBytes -= batch.bytes.length;
      this.#onDelivery(error, batch.records, lane.topic, lane.partition, baseOffset);
      for (const resolve of this.#idleWaiters.splice(0)) resolve();
    }
    lane.isSending = false;
  }

  /** Sends one batch until it is acknowledged, refused for good, or too old. */
  async #deliver(lane: Lane, batch: ClosedBatch): Promise<number> {
    const { retryBackoffMs, retryBackoffMaxMs, clock } = this.#cluster.options;
    let refresh = false;
    for (let backoffMs = retryBackoffMs; ; backoffMs = Math.min(backoffMs * 2, retryBackoffMaxMs)) {
      try {
        return await this.#attempt(lane, batch, refresh);
      } catch (error) {
        // the first try arrived, only its answer was lost
        if (error instanceof KafkaError && error.code === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return -1;
        if (!isRetriableError(error)) throw error;
        if (this.#now() + backoffMs > batch.deadlineMs) {
          const why = (error as Error).message;
          throw new ClientError('REQUEST_TIMED_OUT', `Expiring ${batch.records} record(s) for ${lane.topic}-${lane.partition}: ${this.#options.deliveryTimeoutMs} ms have passed since batch creation (${why})`);
        }
        refresh = true;
        await wait(clock, backoffMs);
      }
    }
  }

  async #attempt(lane: Lane, batch: ClosedBatch, refresh: boolean): Promise<number> {
    const leaders = await this.#cluster.leadersOf(lane.topic, { refresh });
    const leader = leaders[lane.partition]?.leader ?? -1;
    if (leader < 0) throw new ClientError('NO_LEADER', `${lane.topic}-${lane.partition} has no leader`);
    const connection = await this.#cluster.connectionTo(leader);
    const { acks, requestTimeoutMs } = this.#options;
    const partitionData = [makePartitionProduceData({ index: lane.partition, records: batch.bytes })];
    const request = makeProduceRequest({ acks, timeoutMs: requestTimeoutMs, topicData: [makeTopicProduceData({ name: lane.topic, partitionData })] });
    const version = connection.versionOf(produceApi, 3);
    if (acks === 0) {
      connection.sendWithoutAnswer(produceApi, request, version);
      return -1;
    }
    return baseOffsetIn(await connection.request(produceApi, request, { version, timeoutMs: requestTimeoutMs }));
  }
}

const emptyBatchBytes = new BatchBuilder().sizeBytes;

function baseOffsetIn(answer: ProduceResponse): number {
  const result = answer.responses[0]?.partitionResponses[0];
  if (result === undefined) throw new ClientError('INVALID_RESPONSE', 'the answer does not name the partition');
  if (result.errorCode !== ErrorCode.NONE) throw new KafkaError(result.errorCode, result.errorMessage);
  return result.baseOffset;
}
