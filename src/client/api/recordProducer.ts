import { describeTopics, type PartitionDescription, type TopicDescription } from '../admin/describeTopics.ts';
import type { RecordHeader } from '../../record/iterate.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import type { DeliverySink } from '../producer/delivery.ts';
import { Producer, type OutgoingRecord, type ProducerMetrics } from '../producer/producer.ts';
import type { ProducerOptions } from '../producer/producerOptions.ts';
import type { GroupIdentity, TransactionOffset } from '../producer/transaction.ts';
import { GroupedDelivery, SingleDelivery, type BatchDelivery, type RecordDelivery } from './deliveries.ts';
import type { Serializer } from './serdes.ts';
import type { ClientTracer, SendSpan } from './tracing.ts';

/** As a map of names to text or bytes, or as a list where a name comes more than once. */
export type HeadersInput = Readonly<Record<string, string | Uint8Array | null>> | readonly RecordHeader[];

export interface RecordInput<K, V> {
  readonly topic: string;
  /** Absent: the partitioner chooses. */
  readonly partition?: number;
  readonly key?: K;
  readonly value: V;
  readonly headers?: HeadersInput;
  /** Absent: now. */
  readonly timestampMs?: number;
}

/** Many records of one topic. */
export interface BatchInput<K, V> {
  readonly topic: string;
  /** Absent: the partitioner chooses, record by record. */
  readonly partition?: number;
  readonly records: readonly Omit<RecordInput<K, V>, 'topic'>[];
}

/** Records that go in one transaction; see RecordProducer.transaction. */
export interface TransactionScope<K, V> {
  send(record: RecordInput<K, V>): Promise<RecordDelivery>;
  sendBatch(batch: BatchInput<K, V>): Promise<BatchDelivery>;
  push(record: RecordInput<K, V>): boolean;
  sendOffsets(group: GroupIdentity, offsets: readonly TransactionOffset[]): Promise<void>;
}

export interface RecordProducerParts<K, V> {
  readonly cluster: Cluster;
  readonly options: Partial<ProducerOptions>;
  readonly key: Serializer<K>;
  readonly value: Serializer<V>;
  readonly tracer: ClientTracer | null;
  /** Hears of each record of `push` that was lost. */
  readonly onLost: (error: Error, topic: string, partition: number, count: number) => void;
  readonly onClose: () => void;
}

interface Waiting<K, V> {
  readonly record: RecordInput<K, V>;
  readonly sink: DeliverySink;
  readonly index: number;
}

/** Sends typed records. `send` gives a promise for each, `sendBatch` one for many, `push` none. */
export class RecordProducer<K, V> {
  readonly #engine: Producer;
  readonly #parts: RecordProducerParts<K, V>;
  /** Records that wait for their topic, for a schema or for room, in order. */
  #waiting: Waiting<K, V>[] = [];
  #isFeeding = false;
  #hasInit = false;
  #isClosed = false;
  readonly #lost: DeliverySink;
  readonly #waitingMax: number;

  constructor(parts: RecordProducerParts<K, V>) {
    this.#parts = parts;
    this.#engine = new Producer(parts.cluster, parts.options, () => {});
    this.#waitingMax = WAITING_MAX;
    this.#lost = {
      settle: (error, topic, partition, _offset, _index, count) => {
        if (error !== null) parts.onLost(error, topic, partition, count);
      },
    };
  }

  /** Resolves when the record is acknowledged as `acks` says. Rejects with ClientError (DELIVERY_TIMED_OUT, RECORD_TOO_LARGE, SERIALIZATION_FAILED, BUFFER_FULL, CLOSED, ...) or KafkaError. */
  send(record: RecordInput<K, V>): Promise<RecordDelivery> {
    return new Promise((resolve, reject) => {
      this.#enqueue(record, new SingleDelivery(resolve, reject), 0);
    });
  }

  /** Sends many records with one promise, at once: `lingerMs` is for single ones. Rejects with the first error, after all of them are settled. */
  sendBatch(batch: BatchInput<K, V>): Promise<BatchDelivery> {
    return new Promise((resolve, reject) => {
      const { topic, partition, records } = batch;
      const sink = new GroupedDelivery(topic, records.length, resolve, reject);
      const sent = this.#canHandMany(topic) ? this.#handMany(batch, sink) : 0;
      for (let index = sent; index < records.length; index += 1) {
        const record = records[index] as Omit<RecordInput<K, V>, 'topic'>;
        this.#enqueue(partition === undefined ? { topic, ...record } : { topic, partition, ...record }, sink, index);
      }
      if (this.#waiting.length === 0) this.#engine.sendNow(topic);
    });
  }

  /** Nothing must be waited for first, and nobody looks at each record. */
  #canHandMany(topic: string): boolean {
    const { key, value, tracer } = this.#parts;
    const isPlain = key.prepareToSerialize === undefined && value.prepareToSerialize === undefined && tracer?.onSend === undefined;
    return isPlain && this.#waiting.length === 0 && !this.#isClosed && this.#engine.isPrepared(topic);
  }

  /** Hands on records while there is room; returns how many. One object serves them all. */
  #handMany({ topic, partition, records }: BatchInput<K, V>, sink: DeliverySink): number {
    const engine = this.#engine;
    const outgoing: MutableRecord = { topic, partition: undefined, key: null, value: null, headers: undefined, timestampMs: undefined };
    const nowMs = this.#parts.cluster.options.clock.now();
    let index = 0;
    for (; index < records.length && engine.hasRoom; index += 1) {
      const record = records[index] as Omit<RecordInput<K, V>, 'topic'>;
      try {
        this.#fill(outgoing, topic, record);
        outgoing.partition = partition ?? record.partition;
        outgoing.timestampMs ??= nowMs;
        engine.send(outgoing as OutgoingRecord, sink, index);
      } catch (error) {
        sink.settle(error as Error, topic, partition ?? -1, -1, index, 1);
      }
    }
    return index;
  }

  /**
   * Sends without a promise; a record that is lost is told to `onLost`. False: wait for `ready` before the next one. Throws ClientError BUFFER_FULL where
   * that is not done.
   */
  push(record: RecordInput<K, V>): boolean {
    this.#enqueue(record, this.#lost, 0, true);
    return this.#engine.hasRoom && this.#waiting.length === 0;
  }

  /** Leaders and replicas of a topic's partitions. Rejects with KafkaError UNKNOWN_TOPIC_OR_PARTITION. */
  async partitionsFor(topic: string): Promise<readonly PartitionDescription[]> {
    return ((await describeTopics(this.#parts.cluster, [topic]))[0] as TopicDescription).partitions;
  }

  /** Resolves when `push` has room. */
  async ready(): Promise<void> {
    while (this.#waiting.length > 0 && !this.#isClosed) await this.#feeding;
    await this.#engine.room();
  }

  /** Sends what waits now, and resolves when every record was delivered or given up. */
  async flush(): Promise<void> {
    while (this.#waiting.length > 0) await this.#feeding;
    await this.#engine.flush();
  }

  /** Takes no more records and delivers those it has; after `timeoutMs` the rest fail with CLOSED. */
  async close(timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    if (this.#isClosed) return;
    const { clock } = this.#parts.cluster.options;
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const timer = clock.setTimer(timeoutMs, end);
    const deadlineMs = clock.monotonicMs() + timeoutMs;
    if (this.#waiting.length > 0) await Promise.race([this.#feeding, ended]);
    this.#isClosed = true;
    const error = new ClientError('CLOSED', 'the producer was closed');
    for (const { record, sink, index } of this.#waiting.splice(0)) sink.settle(error, record.topic, -1, -1, index, 1);
    timer.cancel();
    await this.#engine.close(Math.max(deadlineMs - clock.monotonicMs(), 0));
    this.#parts.onClose();
  }

  metrics(): ProducerMetrics & { readonly recordsWaiting: number } {
    return { ...this.#engine.metrics(), recordsWaiting: this.#waiting.length };
  }

  /** Begins a transaction; the first one takes over the transactional.id. */
  async begin(): Promise<void> {
    if (!this.#hasInit) await this.#engine.initTransactions();
    this.#hasInit = true;
    this.#engine.beginTransaction();
  }

  /** Throws ClientError TRANSACTION_ABORTABLE: call `abort` then; PRODUCER_FENCED: close the producer. */
  async commit(): Promise<void> {
    while (this.#waiting.length > 0) await this.#feeding;
    await this.#engine.commitTransaction();
  }

  async abort(): Promise<void> {
    const error = new ClientError('TRANSACTION_ABORTABLE', 'the transaction was aborted');
    for (const { record, sink, index } of this.#waiting.splice(0)) sink.settle(error, record.topic, -1, -1, index, 1);
    await this.#engine.abortTransaction();
  }

  /** Offsets of a consumer (`consumer.groupIdentity()`) that are committed with the transaction. */
  sendOffsets(group: GroupIdentity, offsets: readonly TransactionOffset[]): Promise<void> {
    return this.#engine.sendOffsets(group, offsets);
  }

  /** Runs `work` in a transaction: committed when it returns, aborted when it throws. What it sends need not be awaited. */
  async transaction<T>(work: (scope: TransactionScope<K, V>) => Promise<T>): Promise<T> {
    await this.begin();
    let result: T;
    try {
      const scope: TransactionScope<K, V> = {
        send: (record) => quiet(this.send(record)), sendBatch: (batch) => quiet(this.sendBatch(batch)), push: (record) => this.push(record),
        sendOffsets: (group, offsets) => this.sendOffsets(group, offsets),
      };
      result = await work(scope);
      await this.commit();
    } catch (error) {
      const isOver = error instanceof ClientError && error.code === 'PRODUCER_FENCED';
      if (!isOver) await this.abort();
      throw error;
    }
    return result;
  }

  #enqueue(record: RecordInput<K, V>, sink: DeliverySink, index: number, isStrict = false): void {
    const engine = this.#engine;
    if (this.#waiting.length === 0 && engine.hasRoom && engine.isPrepared(record.topic) && !this.#isClosed) {
      const pending = this.#pendingSchema(record);
      if (pending === null) {
        this.#hand(record, sink, index);
        return;
      }
    }
    if (this.#isClosed) {
      sink.settle(new ClientError('CLOSED', 'the producer was closed'), record.topic, -1, -1, index, 1);
      return;
    }
    if (this.#waiting.length >= this.#waitingMax || (isStrict && !engine.hasRoom)) {
      const error = new ClientError('BUFFER_FULL', `${this.#waiting.length} records wait to be sent: await what send returns, or ready() after push`);
      if (isStrict) throw error;
      sink.settle(error, record.topic, -1, -1, index, 1);
      return;
    }
    this.#waiting.push({ record, sink, index });
    if (!this.#isFeeding) this.#feeding = this.#feed();
  }

  #feeding: Promise<void> = Promise.resolve();

  /** Hands on what waits, one after the other. */
  async #feed(): Promise<void> {
    this.#isFeeding = true;
    // what is sent in this turn goes together
    await Promise.resolve();
    let at = 0;
    let failure: Error | null = null;
    while (at < this.#waiting.length) {
      const { record, sink, index } = this.#waiting[at] as Waiting<K, V>;
      try {
        if (!this.#engine.isPrepared(record.topic)) await this.#engine.prepare(record.topic);
        if (!this.#engine.hasRoom) await this.#engine.room();
        const schema = this.#pendingSchema(record);
        if (schema !== null) await schema;
        failure = null;
      } catch (error) {
        failure = error as Error;
      }
      // closing or aborting has emptied the queue meanwhile
      if (this.#waiting[at]?.record !== record) {
        at = 0;
        continue;
      }
      at += 1;
      if (failure === null) this.#hand(record, sink, index);
      else sink.settle(failure, record.topic, -1, -1, index, 1);
      if (at >= SHIFT_AT) {
        this.#waiting.splice(0, at);
        at = 0;
      }
    }
    this.#waiting = [];
    this.#isFeeding = false;
  }

  #pendingSchema({ key, value, topic }: RecordInput<K, V>): Promise<void> | null {
    const keyPending = key === undefined ? null : (this.#parts.key.prepareToSerialize?.(key, topic) ?? null);
    const valuePending = this.#parts.value.prepareToSerialize?.(value, topic) ?? null;
    if (keyPending === null) return valuePending;
    return valuePending === null ? keyPending : Promise.all([keyPending, valuePending]).then(() => {});
  }

  #hand(record: RecordInput<K, V>, sink: DeliverySink, index: number): void {
    try {
      const outgoing = this.#serialize(record);
      const span = this.#parts.tracer?.onSend?.({ topic: record.topic, partition: record.partition ?? null, keyBytes: outgoing.key?.length ?? -1, valueBytes: outgoing.value?.length ?? -1 }) ?? null;
      if (span === null) this.#engine.send(outgoing, sink, index);
      else this.#engine.send({ ...outgoing, headers: [...(outgoing.headers ?? []), ...span.headers] }, traced(sink, span, index), index);
    } catch (error) {
      sink.settle(error as Error, record.topic, record.partition ?? -1, -1, index, 1);
    }
  }

  #serialize(record: RecordInput<K, V>): OutgoingRecord {
    const outgoing: MutableRecord = { topic: record.topic, partition: record.partition, key: null, value: null, headers: undefined, timestampMs: undefined };
    this.#fill(outgoing, record.topic, record);
    return outgoing as OutgoingRecord;
  }

  #fill(outgoing: MutableRecord, topic: string, record: Omit<RecordInput<K, V>, 'topic'>): void {
    try {
      outgoing.key = record.key === undefined || record.key === null ? null : this.#parts.key.serialize(record.key, topic);
      outgoing.value = this.#parts.value.serialize(record.value, topic);
    } catch (error) {
      throw new ClientError('SERIALIZATION_FAILED', `a record for ${topic} cannot be serialized: ${(error as Error).message}`, error);
    }
    outgoing.headers = record.headers === undefined ? undefined : listHeaders(record.headers);
    outgoing.timestampMs = record.timestampMs;
  }
}

/** All fields are there from the start, so that every record has the same shape. */
type MutableRecord = { -readonly [Field in keyof Required<OutgoingRecord>]: OutgoingRecord[Field] | undefined } & { topic: string; key: Uint8Array | null; value: Uint8Array | null };

const CLOSE_TIMEOUT_MS = 30_000;
/** Records that were handed over before their topic was known, or while the buffer was full. */
const WAITING_MAX = 1_000_000;
const SHIFT_AT = 4096;

/** The error comes out of `commit` too: nobody needs to listen here. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

function traced(sink: DeliverySink, span: SendSpan, index: number): DeliverySink {
  return {
    settle(error, topic, partition, offset) {
      span.end(error);
      sink.settle(error, topic, partition, offset, index, 1);
    },
  };
}

export function listHeaders(headers: HeadersInput): readonly RecordHeader[] {
  if (Array.isArray(headers)) return headers as readonly RecordHeader[];
  const map = headers as Record<string, string | Uint8Array | null>;
  const list: RecordHeader[] = [];
  for (const key of Object.keys(map)) {
    const value = map[key] as string | Uint8Array | null;
    list.push({ key, value: typeof value === 'string' ? Buffer.from(value, 'utf8') : value });
  }
  return list;
}
