import { describeTopics, type PartitionDescription, type TopicDescription } from '../admin/describeTopics.ts';
import type { Cluster } from '../core/cluster.ts';
import { ClientError } from '../core/clientError.ts';
import { Consumer, type PartitionToRead } from '../consumer/consumer.ts';
import { defaultConsumerOptions, type ConsumerOptions } from '../consumer/consumerOptions.ts';
import type { OffsetToCommit } from '../consumer/groupOffsets.ts';
import type { RebalanceListener, TopicPartition } from '../consumer/rebalanceListener.ts';
import type { GroupIdentity } from '../producer/transaction.ts';
import { isPoison, RecordBatch, type BatchReader, type ConsumedRecord, type Deserializers } from './recordBatch.ts';
import { batchStream } from './streams.ts';
import type { ClientTracer } from './tracing.ts';

export interface RecordConsumerParts<K, V> extends Deserializers<K, V> {
  readonly cluster: Cluster;
  readonly options: Partial<ConsumerOptions>;
  readonly tracer: ClientTracer | null;
  readonly onClose: () => void;
}

const POLL_MS = 1000;

interface OpenBatch<K, V> {
  readonly batch: RecordBatch<K, V>;
  readonly reader: BatchReader<K, V>;
}

/** Reads typed records: batch by batch, record by record, or as a stream. One reader at a time. */
export class RecordConsumer<K, V> {
  readonly #engine: Consumer;
  readonly #parts: RecordConsumerParts<K, V>;
  readonly #checkCrcs: boolean;
  /** What `records` has not handed out of the last batch. */
  #left: OpenBatch<K, V> | null = null;
  #isReading = false;
  #isClosed = false;

  constructor(parts: RecordConsumerParts<K, V>) {
    this.#parts = parts;
    this.#engine = new Consumer(parts.cluster, parts.options);
    this.#checkCrcs = parts.options.checkCrcs ?? defaultConsumerOptions.checkCrcs;
  }

  get groupId(): string | null {
    return this.#parts.options.group?.groupId ?? null;
  }

  get tracer(): ClientTracer | null {
    return this.#parts.tracer;
  }

  get cluster(): Cluster {
    return this.#parts.cluster;
  }

  /** The machinery below, which knows bytes only. */
  get engine(): Consumer {
    return this.#engine;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Topics by name, or all whose whole name matches; in place of what was subscribed to or assigned before. */
  subscribe(topics: readonly string[] | RegExp, listener?: RebalanceListener): void {
    const pattern = topics instanceof RegExp ? new RegExp(topics.source, topics.flags.replaceAll(/[gy]/g, '')) : null;
    this.#engine.subscribe(pattern === null ? { topics: [...new Set(topics as readonly string[])] } : { matches: (topic) => pattern.exec(topic)?.[0] === topic }, listener ?? null);
  }

  /** These partitions, without help of the group's. */
  assign(partitions: readonly PartitionToRead[]): void {
    this.#engine.assign(partitions);
  }

  get assignment(): readonly TopicPartition[] {
    return this.#engine.assignment.map(({ topic, partition }) => ({ topic, partition }));
  }

  /** What was subscribed to, by name and as last looked up for a pattern; empty after `assign`. */
  get subscription(): readonly string[] {
    return this.#engine.subscription;
  }

  /** Gives up the subscription or assignment: commits where auto commit is on, and leaves the group, which a later `subscribe` joins anew. */
  unsubscribe(timeoutMs?: number): Promise<void> {
    return this.#engine.unsubscribe(timeoutMs);
  }

  /** Ends the wait of `nextBatch`, which returns null then, if it has nothing. */
  wake(): void {
    this.#engine.wake();
  }

  /** The group rebalances with the next poll. */
  enforceRebalance(): void {
    this.#engine.enforceRebalance();
  }

  /** Leaders and replicas of a topic's partitions. Rejects with KafkaError UNKNOWN_TOPIC_OR_PARTITION. */
  async partitionsFor(topic: string): Promise<readonly PartitionDescription[]> {
    return ((await describeTopics(this.#parts.cluster, [topic]))[0] as TopicDescription).partitions;
  }

  seek(topic: string, partition: number, to: number | 'earliest' | 'latest' | { readonly timestampMs: number }): void {
    this.#engine.seek(topic, partition, to);
  }

  pause(partitions?: readonly TopicPartition[]): void {
    this.#engine.pause(partitions);
  }

  resume(partitions?: readonly TopicPartition[]): void {
    this.#engine.resume(partitions);
  }

  get paused(): readonly TopicPartition[] {
    return this.#engine.paused.map(({ topic, partition }) => ({ topic, partition }));
  }

  position(topic: string, partition: number): number {
    return this.#engine.position(topic, partition);
  }

  /** Records behind the position of each assigned partition; -1 where that is not known yet. */
  lag(): (TopicPartition & { readonly lag: number })[] {
    return this.assignment.map(({ topic, partition }) => ({ topic, partition, lag: this.#engine.lag(topic, partition) }));
  }

  /** These offsets, or everything that was handed out and asked beyond. */
  commit(offsets?: readonly OffsetToCommit[]): Promise<void> {
    return this.#engine.commit(offsets);
  }

  commitAsync(offsets?: readonly OffsetToCommit[], onDone?: (error: Error | null) => void): void {
    this.#engine.commitAsync(offsets, onDone);
  }

  /** Offset and metadata that the group committed, by `topic/partition`. */
  committed(partitions: readonly TopicPartition[]): Promise<Map<string, { readonly offset: number; readonly metadata: string }>> {
    return this.#engine.committed(partitions);
  }

  offsetsAt(partitions: readonly TopicPartition[], at: 'earliest' | 'latest' | { readonly timestampMs: number }): Promise<Map<string, number>> {
    return this.#engine.offsetsAt(partitions, at);
  }

  groupIdentity(): GroupIdentity {
    return this.#engine.groupIdentity();
  }

  /** Marks a batch as done, whether or not the next one is asked for. */
  done(batch: RecordBatch<K, V>): void {
    this.#engine.noteConsumed(batch.taken, batch.nextOffset);
  }

  /** What comes next, or null after `timeoutMs`. Batches without a record for the application are passed over. */
  async nextBatch(timeoutMs = POLL_MS): Promise<RecordBatch<K, V> | null> {
    const taken = await this.#engine.take(timeoutMs);
    if (taken === null) return null;
    const batch = new RecordBatch<K, V>(taken, this.#parts, this.#checkCrcs);
    const pending = batch.prepare();
    if (pending !== null) await pending;
    return batch;
  }

  /** Batches as they come. Asking for the next one says that the one before is done: it may be committed. Ends when the consumer is closed or `signal` is aborted. */
  async *batches({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<RecordBatch<K, V>, void, void> {
    this.#begin(signal);
    try {
      while (!this.#isOver(signal)) {
        const batch = await this.#next(signal);
        if (batch === null) continue;
        yield batch;
        this.done(batch);
      }
    } finally {
      this.#isReading = false;
    }
  }

  /**
   * Records as they come. Asking for the next one says that the one before is done. What is left when a loop breaks off comes first in the next one. Throws
   * ClientError SERIALIZATION_FAILED, with its coordinates, for a record that cannot be read; a new loop goes on behind it.
   */
  async *records({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<ConsumedRecord<K, V>, void, void> {
    this.#begin(signal);
    try {
      while (!this.#isOver(signal)) {
        const left = (this.#left ??= await this.#open(signal));
        if (left === null) continue;
        const { batch, reader } = left;
        while (!batch.isStale && reader.move()) {
          const record = reader.current();
          // a loop that is begun again goes on behind it
          if (isPoison(record)) throw record.error;
          yield record;
          this.#engine.noteConsumed(batch.taken, record.offset + 1);
          if (this.#isOver(signal)) return;
        }
        if (!batch.isStale) this.done(batch);
        this.#left = null;
      }
    } finally {
      this.#isReading = false;
    }
  }

  /** A Web Stream of batches. Reading the next one says that the one before is done; the consumer reads ahead by `prefetchBytes` and no more. */
  stream(): ReadableStream<RecordBatch<K, V>> {
    return batchStream(this);
  }

  /** Commits where auto commit is on, leaves the group. Ends loops and streams. */
  async close(timeoutMs?: number): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#engine.close(timeoutMs);
    this.#parts.onClose();
  }

  [Symbol.asyncIterator](): AsyncGenerator<ConsumedRecord<K, V>, void, void> {
    return this.records();
  }

  async #open(signal: AbortSignal | undefined): Promise<OpenBatch<K, V> | null> {
    const batch = await this.#next(signal);
    if (batch === null) return null;
    return { batch, reader: batch.reader() };
  }

  async #next(signal: AbortSignal | undefined): Promise<RecordBatch<K, V> | null> {
    try {
      return await this.nextBatch();
    } catch (error) {
      if (this.#isOver(signal)) return null;
      throw error;
    }
  }

  #begin(signal: AbortSignal | undefined): void {
    if (this.#isReading) throw new ClientError('INVALID_STATE', 'this consumer is being read already: one loop, stream or runner at a time');
    this.#isReading = true;
    signal?.addEventListener('abort', () => this.#engine.wake(), { once: true });
  }

  #isOver(signal: AbortSignal | undefined): boolean {
    return this.#isClosed || signal?.aborted === true;
  }
}
