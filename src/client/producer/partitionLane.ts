import type { Clock, Timer } from '../../base/ports.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import type { RecordBuilder } from '../../record/packedBuilder.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import type { BrokerConnection } from '../core/connection.ts';
import { isRetriableError, type Backoff } from '../core/wait.ts';
import { makeBatch, SEQUENCES, splitBatch, stampBatch, type Compression, type OutgoingBatch, type ProducerIdentity } from './batch.ts';
import { noteSink, type DeliverySink, type SinkRange } from './delivery.ts';
import type { OutgoingRecord } from './outgoingRecord.ts';
import { produceApi, type ProduceCombiner } from './produceCombiner.ts';
import type { ProducerOptions } from './producerOptions.ts';
import type { TransactionManager } from './transaction.ts';

/** The first one with batches of magic 2. */
const PRODUCE_VERSION_MIN = 3;
/** Newer ones add the partition to the transaction by themselves (KIP-890). */
const PLAIN_TRANSACTION_VERSION_MAX = 11;
const EPOCH_MAX = 0x7fff;

/** What a lane needs of its producer. */
export interface LaneOwner {
  readonly cluster: Cluster;
  readonly options: ProducerOptions;
  /** Of the batches that are closed now. */
  readonly compression: Compression;
  /** The producer's id; a new one when `worn` is the one in use. */
  identity(worn: ProducerIdentity | null): Promise<ProducerIdentity>;
  /** null: records belong to no transaction. */
  readonly transaction: TransactionManager | null;
  /** Whose connections the records take. */
  readonly channel: string;
  combinerOf(connection: BrokerConnection, version: number): ProduceCombiner;
  takeBuilder(): RecordBuilder;
  giveBuilder(builder: RecordBuilder): void;
  /** Memory in use has changed by so many bytes. */
  onBuffered(bytes: number): void;
  onBatchClosed(topic: string, partition: number): void;
  /** The last word on a batch: delivered where `error` is null. */
  onBatchDone(lane: PartitionLane, batch: OutgoingBatch, error: Error | null, baseOffset: number): void;
}

/**
 * The way of one partition's records to its leader. Batches leave in order, several at once; after a failure the lane waits until nothing is in
 * flight, decides about each batch that failed, and sends the rest again from the first one on. So sequence numbers stay without gaps: a batch
 * that is sent again keeps its number, and after one that is given up all go on under a new epoch, which the broker takes from 0 on.
 */
export class PartitionLane {
  readonly topic: string;
  readonly partition: number;
  readonly #owner: LaneOwner;
  readonly #backoff: Backoff;
  readonly #clock: Clock;
  readonly #batchSizeBytes: number;
  #builder: RecordBuilder | null = null;
  #builderDeadlineMs = 0;
  #builderSinks: SinkRange[] = [];
  #lingerTimer: Timer | null = null;
  /** Not done yet, in order; the first `#sentCount` of them were sent since the last failure. */
  #queue: OutgoingBatch[] = [];
  #sentCount = 0;
  #inFlight = 0;
  #isRecovering = false;
  #isOpening = false;
  #isHeldBack = false;
  #connection: BrokerConnection | null = null;
  #version = 0;
  #identity: ProducerIdentity | null = null;
  #nextSequence = 0;
  /** An id that can be used no more: the next one must be another. */
  #wornIdentity: ProducerIdentity | null = null;

  constructor(owner: LaneOwner, topic: string, partition: number) {
    this.#owner = owner;
    this.topic = topic;
    this.partition = partition;
    this.#clock = owner.cluster.options.clock;
    this.#batchSizeBytes = owner.options.batchSizeBytes;
    this.#backoff = owner.cluster.backoff();
  }

  get isIdle(): boolean {
    return this.#builder === null && this.#queue.length === 0;
  }

  /** Adds a record to the open batch; its bytes are copied. */
  append(record: OutgoingRecord, sizeMaxBytes: number, sink: DeliverySink | null, index: number): void {
    if (this.#builder !== null && this.#builder.sizeBytes + sizeMaxBytes > this.#batchSizeBytes) this.closeBatch();
    const builder = this.#builder ?? this.#openBatch();
    const before = builder.sizeBytes;
    const place = builder.append(record.key, record.value, record.headers ?? null, record.timestampMs ?? this.#clock.now());
    if (sink !== null) noteSink(this.#builderSinks, place, sink, index);
    this.#owner.onBuffered(builder.sizeBytes - before);
    if (builder.sizeBytes >= this.#batchSizeBytes) this.closeBatch();
  }

  #openBatch(): RecordBuilder {
    const { lingerMs, deliveryTimeoutMs } = this.#owner.options;
    this.#builderDeadlineMs = this.#clock.monotonicMs() + deliveryTimeoutMs;
    // without linger, records of one turn still go together
    if (lingerMs === 0) queueMicrotask(() => this.closeBatch());
    else this.#lingerTimer = this.#clock.setTimer(lingerMs, () => this.closeBatch());
    const builder = (this.#builder = this.#owner.takeBuilder());
    this.#owner.onBuffered(builder.sizeBytes);
    return builder;
  }

  /** No more records into the open batch: send it. */
  closeBatch(): void {
    this.#lingerTimer?.cancel();
    this.#lingerTimer = null;
    const builder = this.#builder;
    if (builder === null) return;
    this.#builder = null;
    const openBytes = builder.sizeBytes;
    // its first record was refused
    if (builder.recordCount === 0) {
      this.#owner.giveBuilder(builder);
      return this.#owner.onBuffered(-openBytes);
    }
    const { codec, level, encode } = this.#owner.compression;
    const records = builder.recordCount;
    const batch = makeBatch(builder.close({ codec, level }), records, this.#builderDeadlineMs, encode, this.#builderSinks);
    this.#builderSinks = [];
    this.#owner.giveBuilder(builder);
    this.#owner.onBuffered(batch.bytes.length - openBytes);
    this.#queue.push(batch);
    this.#owner.onBatchClosed(this.topic, this.partition);
    this.#pump();
  }

  /** Everything that waits fails with `error`, now. */
  abort(error: Error): void {
    this.closeBatch();
    for (const batch of this.#queue) this.#giveUp(batch, error);
    this.#dropDone();
  }

  /** What was not sent yet fails with `error`; what is in flight ends as it ends, and is not sent again. */
  dropUnsent(error: Error): void {
    this.closeBatch();
    const unsent = this.#queue.splice(this.#sentCount);
    for (const batch of unsent) this.#giveUp(batch, error);
  }

  #now(): number {
    return this.#clock.monotonicMs();
  }

  /** Sends what may be sent. */
  #pump(): void {
    while (!this.#isRecovering && !this.#isOpening && this.#inFlight < this.#owner.options.inFlightMax && this.#sentCount < this.#queue.length) {
      const connection = this.#connection;
      const isKnown = this.#identity !== null || !this.#owner.options.isIdempotent;
      const isEnlisted = this.#owner.transaction === null || this.#owner.transaction.isEnlisted(this.topic, this.partition);
      if (connection === null || !connection.isOpen || !isKnown || !isEnlisted) {
        void this.#open();
        return;
      }
      if (connection.throttledForMs > 0) return this.#holdBack(connection.throttledForMs);
      this.#send(connection, this.#queue[this.#sentCount] as OutgoingBatch);
    }
  }

  /** Waits out a throttled broker, then goes on. */
  #holdBack(delayMs: number): void {
    if (this.#isHeldBack) return;
    this.#isHeldBack = true;
    void this.#owner.cluster.pause(delayMs).then(() => {
      this.#isHeldBack = false;
      this.#pump();
    });
  }

  #send(connection: BrokerConnection, batch: OutgoingBatch): void {
    if (this.#identity !== null && batch.baseSequence === -1) {
      stampBatch(batch, this.#identity, this.#nextSequence, this.#owner.transaction !== null);
      this.#nextSequence = (this.#nextSequence + batch.records) % SEQUENCES;
    }
    this.#sentCount += 1;
    this.#inFlight += 1;
    batch.wasSent = true;
    this.#owner.combinerOf(connection, this.#version).add({
      topic: this.topic, partition: this.partition, bytes: batch.bytes, encode: batch.encode,
      onDone: (baseOffset) => this.#onDelivered(batch, baseOffset), onFailed: (error) => this.#onFailed(batch, error),
    });
  }

  #onDelivered(batch: OutgoingBatch, baseOffset: number): void {
    this.#inFlight -= 1;
    this.#backoff.reset();
    if (!batch.isDone) {
      batch.isDone = true;
      this.#owner.onBatchDone(this, batch, null, baseOffset);
    }
    this.#dropDone();
    this.#goOn();
  }

  #onFailed(batch: OutgoingBatch, error: Error): void {
    // the first try arrived, only its answer was lost
    if (error instanceof KafkaError && error.code === ErrorCode.DUPLICATE_SEQUENCE_NUMBER) return this.#onDelivered(batch, -1);
    this.#inFlight -= 1;
    batch.error = error;
    this.#isRecovering = true;
    this.#goOn();
  }

  #goOn(): void {
    if (!this.#isRecovering) this.#pump();
    else if (this.#inFlight === 0) void this.#recover();
  }

  /** Nothing is in flight: decides about the batches that failed, then begins again. */
  async #recover(): Promise<void> {
    const failed = this.#queue.filter((batch) => batch.error !== null && !batch.isDone);
    let renewal: 'none' | 'epoch' | 'id' = 'none';
    let mustPause = false;
    for (const [place, batch] of failed.entries()) {
      const error = batch.error as Error;
      batch.error = null;
      const verdict = this.#judge(batch, error, place === 0);
      mustPause ||= verdict === 'retry' || verdict === 'newEpoch' || verdict === 'newId';
      if (verdict === 'giveUp' || verdict === 'expire') this.#giveUp(batch, verdict === 'expire' ? this.#expired(batch, error) : error);
      if (verdict === 'split') this.#split(batch);
      if (verdict === 'newId') renewal = 'id';
      else if (verdict !== 'retry' && verdict !== 'keep' && renewal === 'none') renewal = 'epoch';
    }
    this.#queue = this.#queue.filter((batch) => !batch.isDone);
    this.#sentCount = 0;
    if (renewal !== 'none') this.#renew(renewal);
    if (mustPause) {
      this.#owner.cluster.forget(this.topic);
      this.#connection = null;
      await this.#owner.cluster.pause(this.#backoff.next());
    }
    this.#isRecovering = false;
    this.#pump();
  }

  /**
   * What becomes of a batch that failed. `retry`: again, after a pause; `keep`: again, it only followed one that failed; the others begin a new
   * epoch: `newEpoch`, `newId`: again; `split`: again in halves; `giveUp`, `expire`: not again.
   */
  #judge(batch: OutgoingBatch, error: Error, isFirst: boolean): 'retry' | 'keep' | 'newEpoch' | 'newId' | 'split' | 'giveUp' | 'expire' {
    const { isIdempotent, retriesMax } = this.#owner.options;
    if (this.#owner.transaction?.mustAbort === true) return 'giveUp';
    const code = error instanceof KafkaError ? error.code : ErrorCode.NONE;
    const isAboutSequence = isIdempotent && SEQUENCE_ERRORS.has(code);
    if (isAboutSequence && this.#owner.transaction !== null) return 'giveUp';
    if (isAboutSequence && !isFirst) return 'keep';
    if (code === ErrorCode.MESSAGE_TOO_LARGE && batch.records > 1) return 'split';
    if (!isAboutSequence && !isRetriableError(error)) return 'giveUp';
    batch.failures += 1;
    if (this.#now() >= batch.deadlineMs) return 'expire';
    if (batch.failures > retriesMax) return 'giveUp';
    if (!isAboutSequence) return 'retry';
    return code === ErrorCode.INVALID_PRODUCER_EPOCH ? 'newId' : 'newEpoch';
  }

  /** The broker's count of this partition begins anew with the next batch. */
  #renew(renewal: 'epoch' | 'id'): void {
    const { isIdempotent } = this.#owner.options;
    const worn = this.#identity;
    // a transaction that lost a batch is aborted, and the next one begins under a new epoch
    if (!isIdempotent || worn === null || this.#owner.transaction !== null) return;
    const hasEpochs = renewal === 'epoch' && worn.producerEpoch < EPOCH_MAX;
    this.#identity = hasEpochs ? { producerId: worn.producerId, producerEpoch: worn.producerEpoch + 1 } : null;
    this.#wornIdentity = hasEpochs ? this.#wornIdentity : worn;
    this.#nextSequence = 0;
    for (const batch of this.#queue) batch.baseSequence = -1;
  }

  #split(batch: OutgoingBatch): void {
    const halves = splitBatch(batch, this.#owner.compression.level);
    this.#queue.splice(this.#queue.indexOf(batch), 1, ...halves);
    this.#owner.onBuffered(halves[0].bytes.length + halves[1].bytes.length - batch.bytes.length);
  }

  #versionOf(connection: BrokerConnection): number {
    const version = connection.versionOf(produceApi, PRODUCE_VERSION_MIN);
    const { transaction } = this.#owner;
    return transaction === null || transaction.isImplicit ? version : Math.min(version, PLAIN_TRANSACTION_VERSION_MAX);
  }

  /** Becomes part of the transaction; under a new epoch sequences begin anew. */
  async #enlist(transaction: TransactionManager): Promise<void> {
    const identity = await transaction.enlist(this.topic, this.partition);
    if (identity.producerId !== this.#identity?.producerId || identity.producerEpoch !== this.#identity.producerEpoch) this.#nextSequence = 0;
    this.#identity = identity;
  }

  /** Finds the leader and connects, as long as that may succeed and batches wait. */
  async #open(): Promise<void> {
    const { cluster, options } = this.#owner;
    this.#isOpening = true;
    while (this.#queue.length > 0) {
      try {
        if (this.#owner.transaction !== null) await this.#enlist(this.#owner.transaction);
        else if (options.isIdempotent) this.#identity ??= await this.#owner.identity(this.#wornIdentity);
        this.#connection = await this.#connect();
        this.#version = this.#versionOf(this.#connection);
        break;
      } catch (error) {
        cluster.forget(this.topic);
        this.#giveUpUnreachable(error as Error);
        if (this.#queue.length > 0) await cluster.pause(this.#backoff.next());
      }
    }
    this.#isOpening = false;
    this.#pump();
  }

  async #connect(): Promise<BrokerConnection> {
    const { cluster } = this.#owner;
    const leader = (await cluster.leadersOf(this.topic))[this.partition]?.leader ?? -1;
    if (leader < 0) throw new ClientError('NO_LEADER', `${this.topic}-${this.partition} has no leader`);
    return cluster.connectionTo(leader, this.#owner.channel);
  }

  /** The leader cannot be reached: gives up what has waited too long, or everything when that cannot change. */
  #giveUpUnreachable(error: Error): void {
    const isHopeless = !isRetriableError(error);
    const lost = this.#queue.filter((batch) => isHopeless || this.#now() >= batch.deadlineMs);
    for (const batch of lost) this.#giveUp(batch, isHopeless ? error : this.#expired(batch, error));
    this.#dropDone();
    if (lost.some((batch) => batch.baseSequence !== -1)) this.#renew('epoch');
  }

  #expired(batch: OutgoingBatch, cause: Error): ClientError {
    const { deliveryTimeoutMs } = this.#owner.options;
    return new ClientError('DELIVERY_TIMED_OUT', `Expiring ${batch.records} record(s) for ${this.topic}-${this.partition}: ${deliveryTimeoutMs} ms has passed since batch creation (${cause.message})`);
  }

  #giveUp(batch: OutgoingBatch, error: Error): void {
    if (batch.isDone) return;
    batch.isDone = true;
    this.#owner.onBatchDone(this, batch, error, -1);
  }

  #dropDone(): void {
    while (this.#queue[0]?.isDone === true) {
      this.#queue.shift();
      if (this.#sentCount > 0) this.#sentCount -= 1;
    }
  }
}

const SEQUENCE_ERRORS: ReadonlySet<number> = new Set([ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER, ErrorCode.UNKNOWN_PRODUCER_ID, ErrorCode.INVALID_PRODUCER_EPOCH]);
