import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeInitProducerIdRequest, readInitProducerIdResponse, writeInitProducerIdRequest } from '../../protocol/generated/initProducerId.ts';
import type { Codec } from '../../record/batchHeader.ts';
import { SMALL_PARTS } from '../../record/build.ts';
import { newRecordBuilder, type RecordBuilder } from '../../record/packedBuilder.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster, PartitionLeader } from '../core/cluster.ts';
import { isRetriableError } from '../core/wait.ts';
import type { BrokerConnection } from '../core/connection.ts';
import { serializedSizeMax, type BatchEncoder, type Compression, type OutgoingBatch, type ProducerIdentity } from './batch.ts';
import { settleRanges, type DeliverySink } from './delivery.ts';
import type { OutgoingRecord } from './outgoingRecord.ts';
import { PartitionLane, type LaneOwner } from './partitionLane.ts';
import { defaultPartitioner, type Partitioner } from './partitioner.ts';
import { ProduceCombiner } from './produceCombiner.ts';
import { defaultProducerOptions, type ProducerOptions } from './producerOptions.ts';
import { TransactionManager, type GroupIdentity, type TransactionOffset } from './transaction.ts';

export type { OutgoingRecord } from './outgoingRecord.ts';

const initProducerIdApi = { apiKey: ApiKey.InitProducerId, versionMax: 4, write: writeInitProducerIdRequest, read: readInitProducerIdResponse } as const;
const IDEMPOTENT_IN_FLIGHT_MAX = 5;
const FREE_BUILDERS_MAX = 16;
/** A builder begins no larger than this and grows. */
const BUILDER_BYTES_MAX = 128 * 1024;
const BUILDER_BYTES_MIN = 512;
const SPARE_MEMORY_MAX = 64;
const TRANSACTION_TIMEOUT_MS = 60_000;
/** The length of a key or value. */
const LENGTH_BYTES_MAX = 5;
/** What a record without headers takes beside its key and value, as the only one of its batch. */
const PLAIN_RECORD_BYTES_MAX = serializedSizeMax(null, null, undefined) + 2 * LENGTH_BYTES_MAX;

export interface Delivery {
  /** null: delivered. */
  readonly error: Error | null;
  readonly topic: string;
  readonly partition: number;
  readonly records: number;
  /** Offset of the first record; -1 on failure, with acks 0, and where only a repetition was acknowledged. */
  readonly baseOffset: number;
  /** The batch as it was sent, borrowed for the call: see record/iterate.ts. */
  readonly batch: Buffer;
}

export interface ProducerMetrics {
  readonly recordsSent: number;
  readonly recordsDelivered: number;
  readonly recordsFailed: number;
  readonly batchesSent: number;
  readonly bytesDelivered: number;
  readonly bufferedBytes: number;
}

/** Called once for each batch when it is acknowledged or given up. */
export type DeliveryListener = (delivery: Delivery) => void;

interface ProducedTopic {
  /** As last known. */
  leaders: readonly PartitionLeader[];
  readonly lanes: (PartitionLane | undefined)[];
  readonly partitioner: Partitioner;
  isRefreshing: boolean;
  /** A batch was closed since the leaders were last looked at: time to look whether they are still fresh. */
  isDue: boolean;
}

/** Gathers records into batches, one at a time for each partition, and delivers them in order. `send` copies the record's bytes. */
export class Producer {
  readonly #cluster: Cluster;
  readonly #options: ProducerOptions;
  readonly #onDelivery: DeliveryListener;
  readonly #topics = new Map<string, ProducedTopic>();
  /** The topic of the last record: mostly the next one's too. */
  #lastName = '';
  #lastTopic: ProducedTopic | null = null;
  readonly #owner: LaneOwner;
  readonly #freeBuilders: RecordBuilder[] = [];
  readonly #builderBytes: number;
  /** Of batches that were acknowledged at their first try. */
  readonly #spareMemory: Buffer[] = [];
  readonly #combiners = new WeakMap<BrokerConnection, ProduceCombiner>();
  readonly #transaction: TransactionManager | null;
  readonly #channel: string;
  readonly #counters = { recordsSent: 0, recordsDelivered: 0, recordsFailed: 0, batchesSent: 0, bytesDelivered: 0 };
  #compression: Compression;
  #identity: Promise<ProducerIdentity> | null = null;
  #bufferedBytes = 0;
  #waiters: (() => void)[] = [];
  #isClosed = false;

  /** Throws ClientError INVALID_ARGUMENT for options that do not go together. */
  constructor(cluster: Cluster, options: Partial<ProducerOptions>, onDelivery: DeliveryListener) {
    this.#cluster = cluster;
    this.#options = { ...defaultProducerOptions, ...options };
    this.#onDelivery = onDelivery;
    this.#compression = { codec: this.#options.codec, level: this.#options.compressionLevel, encode: null };
    if (this.#options.isIdempotent && this.#options.acks !== -1) throw new ClientError('INVALID_ARGUMENT', 'Must set acks to all in order to use the idempotent producer.');
    if (this.#options.isIdempotent && this.#options.inFlightMax > IDEMPOTENT_IN_FLIGHT_MAX) throw new ClientError('INVALID_ARGUMENT', 'An idempotent producer may have at most 5 batches in flight.');
    this.#builderBytes = Math.max(Math.min(this.#options.batchSizeBytes, BUILDER_BYTES_MAX), BUILDER_BYTES_MIN);
    this.#transaction = this.#makeTransaction();
    this.#channel = cluster.openChannel('produce');
    this.#owner = this.#makeOwner();
  }

  #makeTransaction(): TransactionManager | null {
    const { transactionalId, transactionTimeoutMs, maxBlockMs, isIdempotent } = this.#options;
    if (transactionalId === undefined) return null;
    if (transactionalId === '') throw new ClientError('INVALID_ARGUMENT', 'transactional.id must not be empty');
    if (!isIdempotent) throw new ClientError('INVALID_ARGUMENT', 'Cannot set a transactional.id without also enabling idempotence.');
    return new TransactionManager(this.#cluster, transactionalId, transactionTimeoutMs ?? TRANSACTION_TIMEOUT_MS, maxBlockMs);
  }

  /** Learns the topic's partitions (creating it where the broker does so), for `maxBlockMs` at most. Needed once before the first `send` to a topic. */
  async prepare(topic: string): Promise<void> {
    if (this.#topics.has(topic)) return;
    const { maxBlockMs } = this.#options;
    const leaders = await this.#cluster.retrying(() => this.#partitionsOf(topic), maxBlockMs).catch((error: Error) => {
      if (!isRetriableError(error)) throw error;
      throw new ClientError('REQUEST_TIMED_OUT', `Topic ${topic} not present in metadata after ${maxBlockMs} ms. (${error.message})`);
    });
    if (!this.#topics.has(topic)) this.#topics.set(topic, { leaders, lanes: [], partitioner: this.#makePartitioner(topic), isRefreshing: false, isDue: true });
  }

  /** Memory that records on their way take. */
  get bufferedBytes(): number {
    return this.#bufferedBytes;
  }

  /** True while `send` has room. */
  get hasRoom(): boolean {
    return this.#bufferedBytes < this.#options.bufferMemoryBytes;
  }

  /** True when `send` to the topic needs no `prepare` any more. */
  isPrepared(topic: string): boolean {
    return this.#topics.has(topic);
  }

  /**
   * Adds one record; its bytes are copied. Its fate is told to `sink`, as the record of that `index`, where there is one. Throws ClientError BUFFER_FULL,
   * RECORD_TOO_LARGE, INVALID_ARGUMENT (topic not prepared, no such partition), INVALID_STATE (no transaction is open), TRANSACTION_ABORTABLE, CLOSED.
   */
  send(record: OutgoingRecord, sink: DeliverySink | null = null, index = 0): void {
    if (this.#isClosed) throw new ClientError('CLOSED', 'the producer was closed');
    this.#transaction?.checkOpen();
    if (!this.hasRoom) throw new ClientError('BUFFER_FULL', `more than ${this.#options.bufferMemoryBytes} bytes wait to be sent`);
    const sizeMaxBytes = this.#checkSize(record);
    const last = record.topic === this.#lastName ? this.#lastTopic : null;
    const topic = last ?? this.#find(record.topic);
    if (topic.isDue) this.#refresh(record.topic, topic);
    const partition = choosePartition(record, topic);
    const lane = (topic.lanes[partition] ??= new PartitionLane(this.#owner, record.topic, partition));
    lane.append(record, sizeMaxBytes, sink, index);
    this.#counters.recordsSent += 1;
  }

  /** Most bytes that the record takes. */
  #checkSize({ key, value, headers }: OutgoingRecord): number {
    const { requestSizeMaxBytes } = this.#options;
    const roughBytes = PLAIN_RECORD_BYTES_MAX + (key === null ? 0 : key.length) + (value === null ? 0 : value.length);
    if (headers === undefined && roughBytes <= requestSizeMaxBytes) return roughBytes;
    const sizeMaxBytes = serializedSizeMax(key, value, headers);
    if (sizeMaxBytes <= requestSizeMaxBytes) return sizeMaxBytes;
    throw new ClientError('RECORD_TOO_LARGE', `The message is ${sizeMaxBytes} bytes when serialized which is larger than ${requestSizeMaxBytes}, which is the value of the max.request.size configuration.`);
  }

  #find(name: string): ProducedTopic {
    const topic = this.#topics.get(name);
    if (topic === undefined) throw new ClientError('INVALID_ARGUMENT', `prepare('${name}') comes before send`);
    this.#lastName = name;
    return (this.#lastTopic = topic);
  }

  /** Closes the topic's open batches: they leave now instead of after `linger.ms`. */
  sendNow(topic: string): void {
    for (const lane of this.#topics.get(topic)?.lanes ?? []) lane?.closeBatch();
  }

  /** How batches that are closed from now on are compressed. What `encode` rejects with is the fate of its batch. */
  compressWith(codec: Codec, encode: BatchEncoder | null): void {
    this.#compression = { ...this.#compression, codec, encode };
  }

  /** What was done so far, and what waits. */
  metrics(): ProducerMetrics {
    return { ...this.#counters, bufferedBytes: this.#bufferedBytes };
  }

  /** Once, before the first transaction. Ends what an earlier producer of the same transactional.id left open. */
  async initTransactions(): Promise<void> {
    await this.#transactions().init();
  }

  beginTransaction(): void {
    this.#transactions().begin();
  }

  /** Commits a consumer's offsets as part of the transaction. */
  async sendOffsets(group: GroupIdentity, offsets: readonly TransactionOffset[]): Promise<void> {
    await this.#transactions().sendOffsets(group, offsets);
  }

  /** Delivers everything, then commits. Throws ClientError TRANSACTION_ABORTABLE when something was not delivered: abort then; PRODUCER_FENCED: close. */
  async commitTransaction(): Promise<void> {
    const transaction = this.#transactions();
    transaction.checkOpen();
    await this.flush();
    await transaction.commit();
  }

  /** Drops what was not sent and makes what was sent void. */
  async abortTransaction(): Promise<void> {
    const transaction = this.#transactions();
    const error = new ClientError('TRANSACTION_ABORTABLE', 'the transaction was aborted');
    transaction.onFailureUnlessEnded(error);
    this.#eachLane((lane) => lane.dropUnsent(error));
    await this.flush();
    await transaction.abort();
  }

  #transactions(): TransactionManager {
    if (this.#transaction === null) throw new ClientError('INVALID_STATE', 'transactions need a transactional.id');
    return this.#transaction;
  }

  /** Sends what waits and resolves when every record was delivered or given up. */
  async flush(): Promise<void> {
    this.#eachLane((lane) => lane.closeBatch());
    while (this.#bufferedBytes > 0) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Resolves when `send` has room again. */
  async room(): Promise<void> {
    while (!this.hasRoom) await new Promise<void>((resolve) => this.#waiters.push(resolve));
  }

  /** Takes no more records, and waits as `flush` does; what is left after `timeoutMs`, where that is given, fails with CLOSED. */
  async close(timeoutMs?: number): Promise<void> {
    this.#isClosed = true;
    const abort = () => this.#eachLane((lane) => lane.abort(new ClientError('CLOSED', 'the producer was closed')));
    const timer = timeoutMs === undefined ? null : this.#cluster.options.clock.setTimer(timeoutMs, abort);
    await this.flush();
    timer?.cancel();
    this.#transaction?.close();
    this.#cluster.closeChannel(this.#channel);
  }

  async #partitionsOf(topic: string): Promise<readonly PartitionLeader[]> {
    const leaders = await this.#cluster.leadersOf(topic, this.#options.allowAutoTopicCreation ?? true);
    if (leaders.length === 0) throw new ClientError('NO_LEADER', `topic ${topic} has no partitions`);
    return leaders;
  }

  #makeOwner(): LaneOwner {
    const currentCompression = (): Compression => this.#compression;
    return {
      get compression() {
        return currentCompression();
      },
      cluster: this.#cluster,
      options: this.#options,
      transaction: this.#transaction,
      channel: this.#channel,
      combinerOf: (connection, version) => this.#combinerOf(connection, version),
      identity: (worn) => this.#identify(worn),
      takeBuilder: () => this.#freeBuilders.pop() ?? newRecordBuilder(this.#builderBytes, () => this.#spareMemory.pop() ?? null),
      giveBuilder: (builder) => {
        if (this.#freeBuilders.length < FREE_BUILDERS_MAX) this.#freeBuilders.push(builder);
      },
      onBuffered: (bytes) => {
        this.#bufferedBytes += bytes;
      },
      onBatchClosed: (name, partition) => {
        const topic = this.#topics.get(name);
        if (topic !== undefined) topic.isDue = true;
        topic?.partitioner.onBatchClosed?.(partition, topic.leaders);
      },
      onBatchDone: (lane, batch, error, baseOffset) => this.#onBatchDone(lane, batch, error, baseOffset),
    };
  }

  #onBatchDone({ topic, partition }: PartitionLane, batch: OutgoingBatch, error: Error | null, baseOffset: number): void {
    this.#bufferedBytes -= batch.bytes.length;
    this.#count(batch, error);
    if (error !== null && this.#transaction !== null && !this.#transaction.mustAbort) {
      this.#transaction.onFailure(error);
      this.#eachLane((lane) => lane.dropUnsent(error));
    }
    settleRanges(batch.sinks, error, topic, partition, baseOffset);
    for (const resolve of this.#waiters.splice(0)) resolve();
    this.#onDelivery({ error, topic, partition, records: batch.records, baseOffset, batch: batch.bytes });
    if (error === null) this.#recycle(batch);
  }

  /** The broker has answered, so nothing of the batch waits to be sent. (A try that failed may still lie in a socket.) Small batches share memory. */
  #recycle({ bytes, failures }: OutgoingBatch): void {
    if (bytes.length * SMALL_PARTS < this.#builderBytes) return;
    const memoryBytes = bytes.buffer.byteLength;
    const isWhole = failures === 0 && this.#options.acks !== 0 && bytes.byteOffset === 0 && memoryBytes >= this.#builderBytes && memoryBytes <= this.#builderBytes * 2;
    if (isWhole && this.#spareMemory.length < SPARE_MEMORY_MAX) this.#spareMemory.push(Buffer.from(bytes.buffer as ArrayBuffer));
  }

  #count(batch: OutgoingBatch, error: Error | null): void {
    const counters = this.#counters;
    counters.batchesSent += 1;
    if (error === null) {
      counters.recordsDelivered += batch.records;
      counters.bytesDelivered += batch.bytes.length;
    } else {
      counters.recordsFailed += batch.records;
    }
  }

  #combinerOf(connection: BrokerConnection, version: number): ProduceCombiner {
    let combiner = this.#combiners.get(connection);
    if (combiner === undefined) this.#combiners.set(connection, (combiner = new ProduceCombiner(connection, this.#options, version)));
    return combiner;
  }

  #makePartitioner(topic: string): Partitioner {
    return (this.#options.partitioner ?? defaultPartitioner)(topic, this.#cluster.options.random);
  }

  /** One id for all lanes, asked for once, and again when a lane has worn it out. */
  async #identify(worn: ProducerIdentity | null): Promise<ProducerIdentity> {
    const asked = this.#identity;
    const current = await asked?.catch(() => null);
    if (current !== null && current !== undefined && current.producerId !== worn?.producerId) return current;
    if (this.#identity === asked) this.#identity = this.#initProducerId();
    return this.#identity as Promise<ProducerIdentity>;
  }

  async #initProducerId(): Promise<ProducerIdentity> {
    const body = makeInitProducerIdRequest({ transactionalId: null, transactionTimeoutMs: 2 ** 31 - 1, producerId: -1, producerEpoch: -1 });
    const answer = await (await this.#cluster.anyConnection()).request(initProducerIdApi, body);
    if (answer.errorCode !== ErrorCode.NONE) throw new KafkaError(answer.errorCode);
    return { producerId: answer.producerId, producerEpoch: answer.producerEpoch };
  }

  /** Takes over what is known of the topic; when that is too old, asks in the background. */
  #refresh(name: string, topic: ProducedTopic): void {
    const known = this.#cluster.knownLeaders(name);
    topic.isDue = false;
    if (known !== null) {
      if (known.length > 0) topic.leaders = known;
      return;
    }
    if (topic.isRefreshing) return;
    topic.isRefreshing = true;
    const done = () => {
      topic.isRefreshing = false;
    };
    this.#cluster.leadersOf(name).then(done, () => this.#cluster.pause(this.#cluster.options.retryBackoffMaxMs).then(done));
  }

  #eachLane(visit: (lane: PartitionLane) => void): void {
    for (const { lanes } of this.#topics.values()) for (const lane of lanes) if (lane !== undefined) visit(lane);
  }
}

function choosePartition(record: OutgoingRecord, { leaders, partitioner }: ProducedTopic): number {
  const { topic, partition } = record;
  const chosen = partition ?? partitioner.choose(record, leaders);
  if (!Number.isInteger(chosen) || chosen < 0 || chosen >= leaders.length) throw new ClientError('INVALID_ARGUMENT', `topic ${topic} has no partition ${chosen}`);
  return chosen;
}
