import { CODEC_NAMES } from '../../record/codecs.ts';
import { Codec } from '../../record/batchHeader.ts';
import { clientClock } from '../clientClock.ts';
import { isRetriableError } from '../core/wait.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { GroupedDelivery, type BatchDelivery } from '../api/deliveries.ts';
import { Producer as Engine } from '../producer/producer.ts';
import { CompressionTypes, encoderOf } from './compression.ts';
import type { BatchEncoder } from '../producer/batch.ts';
import type { KafkaConfig } from './connection.ts';
import { KafkaJSError, KafkaJSNonRetriableError, KafkaJSNumberOfRetriesExceeded, toKafkaJSError } from './errors.ts';
import { producerEvents } from './events.ts';
import type { Logger } from './logger.ts';
import type { Offsets } from './offsetTypes.ts';
import { Participant } from './participant.ts';
import { toBytes, toHeaders, type Message } from './messages.ts';
import { Partitioners, type ICustomPartitioner, type PartitionMetadata } from './partitioners.ts';
import { defaultRetry, type RetryOptions } from './retry.ts';

export interface ProducerConfig {
  createPartitioner?: ICustomPartitioner;
  retry?: RetryOptions;
  metadataMaxAge?: number;
  allowAutoTopicCreation?: boolean;
  idempotent?: boolean;
  transactionalId?: string;
  transactionTimeout?: number;
  maxInFlightRequests?: number;
}

export interface ProducerRecord {
  topic: string;
  messages: Message[];
  acks?: number;
  timeout?: number;
  compression?: CompressionTypes;
}

export interface TopicMessages {
  topic: string;
  messages: Message[];
}

export interface ProducerBatch {
  acks?: number;
  timeout?: number;
  compression?: CompressionTypes;
  topicMessages?: TopicMessages[];
}

export interface RecordMetadata {
  topicName: string;
  partition: number;
  errorCode: number;
  offset?: string;
  timestamp?: string;
  baseOffset?: string;
  logAppendTime?: string;
  logStartOffset?: string;
}

export interface Transaction {
  send(record: ProducerRecord): Promise<RecordMetadata[]>;
  sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]>;
  sendOffsets(offsets: Offsets & { consumerGroupId: string }): Promise<void>;
  commit(): Promise<void>;
  abort(): Promise<void>;
  isActive(): boolean;
}

const ACK_TIMEOUT_MS = 30_000;
const IDEMPOTENT_IN_FLIGHT_MAX = 5;
const BATCH_SIZE_BYTES = 1024 * 1024;
const REQUEST_SIZE_MAX_BYTES = 100 * 1024 * 1024;
const BUFFER_MEMORY_BYTES = 128 * 1024 * 1024;

/** Of the batches of one call. */
interface CallCompression {
  readonly codec: Codec;
  readonly encode: BatchEncoder | null;
}

/** KafkaJS's producer: `acks` and `timeout` belong to each call, so there is an engine for each combination in use. */
export class Producer extends Participant<typeof producerEvents> {
  readonly #config: ProducerConfig;
  readonly #choose: ReturnType<ICustomPartitioner>;
  readonly #engines = new Map<string, Engine>();
  #transactional: Engine | null = null;
  #isInTransaction = false;

  constructor(config: KafkaConfig, producerConfig: ProducerConfig, logger: Logger) {
    super('Producer', producerEvents, config, producerConfig, logger);
    this.#config = producerConfig;
    this.#choose = (producerConfig.createPartitioner ?? Partitioners.DefaultPartitioner)();
    if (producerConfig.idempotent === true && (producerConfig.retry?.retries ?? 1) < 1) throw new KafkaJSNonRetriableError('Idempotent producer must allow retries to protect against transient errors');
  }

  isIdempotent(): boolean {
    return this.#config.idempotent === true || this.#config.transactionalId !== undefined;
  }

  override async disconnect(): Promise<void> {
    const engines = [...this.#engines.values(), ...(this.#transactional === null ? [] : [this.#transactional])];
    this.#engines.clear();
    this.#transactional = null;
    if (this.cluster.isConnected) await Promise.all(engines.map((engine) => engine.close(ACK_TIMEOUT_MS)));
    await super.disconnect();
  }

  async send({ topic, messages, ...options }: ProducerRecord): Promise<RecordMetadata[]> {
    return this.sendBatch({ ...options, topicMessages: [{ topic, messages }] });
  }

  async sendBatch(batch: ProducerBatch): Promise<RecordMetadata[]> {
    const cluster = this.cluster.get('producer');
    const { acks = -1, topicMessages = [] } = batch;
    if (this.isIdempotent() && acks !== -1) throw new KafkaJSNonRetriableError("Not requiring ack for all messages invalidates the idempotent producer's EoS guarantees");
    if (this.#isInTransaction) throw new KafkaJSNonRetriableError('Cannot send messages outside of the transaction: use the transaction object');
    check(topicMessages);
    return this.#deliver(this.#engineFor(cluster, batch), cluster, topicMessages, compressionOf(batch));
  }

  /** Begins a transaction; the producer needs a transactionalId. */
  async transaction(): Promise<Transaction> {
    const cluster = this.cluster.get('producer');
    const { transactionalId, transactionTimeout } = this.#config;
    if (transactionalId === undefined) throw new KafkaJSNonRetriableError('Must provide transactional id for transactional producer');
    if (this.#isInTransaction) throw new KafkaJSNonRetriableError('There is already an ongoing transaction for this producer. Please end the transaction before beginning another.');
    this.#isInTransaction = true;
    try {
      let engine = this.#transactional;
      if (engine === null) {
        engine = new Engine(cluster, { ...this.#engineOptions({}), transactionalId, transactionTimeoutMs: transactionTimeout ?? 60_000, isIdempotent: true }, () => {});
        await engine.initTransactions();
        this.#transactional = engine;
      }
      engine.beginTransaction();
      return this.#makeTransaction(engine, cluster);
    } catch (error) {
      this.#isInTransaction = false;
      throw toKafkaJSError(error);
    }
  }

  #makeTransaction(engine: Engine, cluster: Cluster): Transaction {
    let isActive = true;
    const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
      if (!isActive) throw new KafkaJSNonRetriableError('Cannot continue to use transaction once ended');
      return work().catch((error) => {
        throw toKafkaJSError(error);
      });
    };
    const end = (work: () => Promise<void>): Promise<void> => guarded(async () => {
      isActive = false;
      try {
        await work();
      } finally {
        this.#isInTransaction = false;
      }
    });
    const sendBatch = ({ topicMessages = [], ...options }: ProducerBatch): Promise<RecordMetadata[]> => guarded(async () => {
      check(topicMessages);
      return this.#deliver(engine, cluster, topicMessages, compressionOf(options));
    });
    return {
      sendBatch,
      send: ({ topic, messages, ...options }) => sendBatch({ ...options, topicMessages: [{ topic, messages }] }),
      sendOffsets: ({ consumerGroupId, topics }) => guarded(() => engine.sendOffsets(
        { groupId: consumerGroupId, generationId: -1, memberId: '', instanceId: null },
        topics.flatMap(({ topic, partitions }) => partitions.map(({ partition, offset }) => ({ topic, partition, offset: Number(offset) }))))),
      commit: () => end(() => engine.commitTransaction()),
      abort: () => end(() => engine.abortTransaction()),
      isActive: () => isActive,
    };
  }

  #engineFor(cluster: Cluster, { acks = -1, timeout = ACK_TIMEOUT_MS }: ProducerBatch): Engine {
    const key = `${acks}/${timeout}`;
    let engine = this.#engines.get(key);
    if (engine === undefined) this.#engines.set(key, (engine = new Engine(cluster, this.#engineOptions({ acks, timeout }), () => {})));
    return engine;
  }

  #engineOptions({ acks = -1, timeout = ACK_TIMEOUT_MS }: ProducerBatch): ConstructorParameters<typeof Engine>[1] {
    if (acks !== -1 && acks !== 0 && acks !== 1) throw new KafkaJSNonRetriableError(`acks must be -1, 0 or 1, not ${acks}`);
    const { allowAutoTopicCreation = true, maxInFlightRequests } = this.#config;
    const retry = { ...defaultRetry, ...this.cluster.retry };
    return {
      acks, requestTimeoutMs: timeout, lingerMs: 0, isIdempotent: this.isIdempotent(), allowAutoTopicCreation, retriesMax: this.isIdempotent() ? 2 ** 31 - 1 : retry.retries,
      inFlightMax: Math.min(maxInFlightRequests ?? IDEMPOTENT_IN_FLIGHT_MAX, IDEMPOTENT_IN_FLIGHT_MAX), batchSizeBytes: BATCH_SIZE_BYTES, requestSizeMaxBytes: REQUEST_SIZE_MAX_BYTES,
      bufferMemoryBytes: BUFFER_MEMORY_BYTES, deliveryTimeoutMs: Math.max(timeout, retry.maxRetryTime * 2), maxBlockMs: retry.maxRetryTime,
    };
  }

  async #deliver(engine: Engine, cluster: Cluster, topicMessages: readonly TopicMessages[], compression: CallCompression): Promise<RecordMetadata[]> {
    const topics = merge(topicMessages);
    try {
      for (const topic of topics.keys()) await engine.prepare(topic);
      const delivered = await Promise.all([...topics].map(([topic, messages]) => this.#sendTopic(engine, cluster, { topic, messages, compression })));
      return delivered.flatMap(metadataOf);
    } catch (error) {
      throw failureOf(error as Error);
    }
  }

  async #sendTopic(engine: Engine, cluster: Cluster, { topic, messages, compression }: TopicMessages & { readonly compression: CallCompression }): Promise<BatchDelivery> {
    const delivery = deferred<BatchDelivery>();
    const sink = new GroupedDelivery(topic, messages.length, delivery.resolve, delivery.reject);
    const partitionMetadata: PartitionMetadata[] = (cluster.knownLeaders(topic) ?? (await cluster.leadersOf(topic))).map(({ leader }, partitionId) => ({ partitionErrorCode: 0, partitionId, leader, replicas: [], isr: [] }));
    const nowMs = clientClock.now();
    for (const [index, message] of messages.entries()) {
      if (!engine.hasRoom) {
        engine.sendNow(topic);
        await engine.room();
      }
      try {
        const partition = message.partition ?? this.#choose({ topic, partitionMetadata, message });
        const record = { topic, partition, key: toBytes(message.key, 'key'), value: toBytes(message.value, 'value'), timestampMs: message.timestamp === undefined ? nowMs : Number(message.timestamp) };
        // what is open when this turn ends is sent with it: no other call's messages come into its batches
        engine.compressWith(compression.codec, compression.encode);
        engine.send(message.headers === undefined ? record : { ...record, headers: toHeaders(message.headers) }, sink, index);
      } catch (error) {
        sink.settle(error as Error, topic, -1, -1, index, 1);
      }
    }
    engine.sendNow(topic);
    return delivery.promise;
  }
}

function compressionOf({ compression = CompressionTypes.None }: ProducerBatch): CallCompression {
  if (CODEC_NAMES[compression] === undefined) throw new KafkaJSNonRetriableError(`Compression type ${String(compression)} is unknown`);
  const encode = encoderOf(compression);
  return { codec: encode === null ? compression : Codec.none, encode };
}

function check(topicMessages: readonly TopicMessages[]): void {
  if (topicMessages.some(({ topic }) => !topic)) throw new KafkaJSNonRetriableError('Invalid topic');
  for (const { topic, messages } of topicMessages) {
    if (!Array.isArray(messages)) throw new KafkaJSNonRetriableError(`Invalid messages array [${String(messages)}] for topic "${topic}"`);
    const bad = messages.find(({ value }) => value === undefined);
    if (bad !== undefined) throw new KafkaJSNonRetriableError(`Invalid message without value for topic "${topic}": ${JSON.stringify(bad)}`);
  }
}

function merge(topicMessages: readonly TopicMessages[]): Map<string, Message[]> {
  const topics = new Map<string, Message[]>();
  for (const { topic, messages } of topicMessages) topics.set(topic, [...(topics.get(topic) ?? []), ...messages]);
  return topics;
}

/** One entry for each partition, with the offset of its first message. */
function metadataOf({ topic, parts }: BatchDelivery): RecordMetadata[] {
  const byPartition = new Map<number, number>();
  for (const { partition, offset } of parts) {
    const known = byPartition.get(partition);
    if (known === undefined || offset < known) byPartition.set(partition, offset);
  }
  return [...byPartition].map(([partition, offset]) => ({ topicName: topic, partition, errorCode: 0, baseOffset: String(offset), logAppendTime: '-1', logStartOffset: '-1' }));
}

/** What was tried again until the tries ran out is told as such. */
function failureOf(error: Error): Error {
  const failure = toKafkaJSError(error);
  const wasRetried = isRetriableError(error) || (error instanceof ClientError && error.code === 'DELIVERY_TIMED_OUT');
  if (!wasRetried || failure instanceof KafkaJSNumberOfRetriesExceeded || !(failure instanceof KafkaJSError)) return failure;
  return new KafkaJSNumberOfRetriesExceeded(failure, { retryCount: defaultRetry.retries, retryTime: defaultRetry.maxRetryTime });
}

function deferred<T>(): { readonly promise: Promise<T>; readonly resolve: (value: T) => void; readonly reject: (error: Error) => void } {
  let resolve = (_value: T): void => {};
  let reject = (_error: Error): void => {};
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue;
    reject = onError;
  });
  return { promise, resolve, reject };
}
