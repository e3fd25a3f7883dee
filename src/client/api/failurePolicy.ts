import { ClientError } from '../core/clientError.ts';
import type { TopicPartition } from '../consumer/rebalanceListener.ts';
import type { RecordHeader } from '../../record/iterate.ts';
import type { PoisonRecord, RawRecord, RecordBatch } from './recordBatch.ts';
import type { RecordConsumer } from './recordConsumer.ts';
import type { RecordProducer } from './recordProducer.ts';

type BytesProducer = Pick<RecordProducer<Uint8Array | null, Uint8Array | null>, 'send'>;

/** What happens to a record whose handler throws. */
export interface FailureOptions {
  /** Tries in place before the record is moved on, or the runner stops. The lane waits meanwhile. */
  readonly attempts?: number;
  /** Pause before the second try; doubles with each further one. */
  readonly backoffMs?: number;
  /** Where records go that failed. Absent: the runner stops with HANDLER_FAILED. */
  readonly failureProducer?: BytesProducer;
  /** Tried again after a while, one topic after the other, without holding up others. They are read by this runner too. */
  readonly retryTopics?: readonly { readonly topic: string; readonly delayMs: number }[];
  /** The last stop. Without it the runner stops. */
  readonly deadLetterTopic?: string;
}

/** Headers on records that were moved; those of the first failure stay. */
export const FAILURE_HEADERS = {
  topic: 'tidelog-origin-topic', partition: 'tidelog-origin-partition', offset: 'tidelog-origin-offset', timestamp: 'tidelog-origin-timestamp',
  error: 'tidelog-error', attempts: 'tidelog-attempts', dueMs: 'tidelog-retry-at',
} as const;

const BACKOFF_MS = 100;
const BACKOFF_MAX_MS = 10_000;

export class FailurePolicy {
  readonly #consumer: Pick<RecordConsumer<unknown, unknown>, 'pause' | 'engine' | 'cluster'>;
  readonly #options: FailureOptions;
  readonly #pause: (delayMs: number) => Promise<void>;
  readonly #delayed = new Map<string, number>();
  retried = 0;
  deadLettered = 0;

  constructor(consumer: Pick<RecordConsumer<unknown, unknown>, 'pause' | 'engine' | 'cluster'>, options: FailureOptions, pause: (delayMs: number) => Promise<void>) {
    const moves = (options.retryTopics?.length ?? 0) > 0 || options.deadLetterTopic !== undefined;
    if (moves && options.failureProducer === undefined) throw new ClientError('INVALID_ARGUMENT', 'retryTopics and deadLetterTopic need a failureProducer');
    this.#consumer = consumer;
    this.#options = options;
    this.#pause = pause;
  }

  withRetryTopics(topics: readonly string[] | RegExp): readonly string[] | RegExp {
    const retryTopics = (this.#options.retryTopics ?? []).map(({ topic }) => topic);
    if (retryTopics.length === 0) return topics;
    if (!(topics instanceof RegExp)) return [...topics, ...retryTopics];
    const escaped = retryTopics.map((topic) => topic.replaceAll('.', '\\.'));
    return new RegExp(`(?:${topics.source})|${escaped.join('|')}`, topics.flags);
  }

  /** `again`: another try, which has been waited for; `moved`: it is in another topic now. Throws HANDLER_FAILED where neither may be. */
  async onFailure(record: RawRecord, error: Error, attempt: number): Promise<'again' | 'moved'> {
    if (attempt < (this.#options.attempts ?? 1)) {
      this.retried += 1;
      await this.#pause(Math.min((this.#options.backoffMs ?? BACKOFF_MS) * 2 ** (attempt - 1), BACKOFF_MAX_MS));
      return 'again';
    }
    await this.#move(record, error, attempt);
    return 'moved';
  }

  /** What cannot be read will never be: to the dead letters, or the end. */
  async onPoison(poison: PoisonRecord): Promise<void> {
    const { deadLetterTopic } = this.#options;
    if (deadLetterTopic === undefined) throw poison.error;
    await this.#send(deadLetterTopic, poison, poison.error, 0, null);
    this.deadLettered += 1;
  }

  get hasDelayed(): boolean {
    return this.#delayed.size > 0;
  }

  /** How long the first record of a batch of a retry topic must still wait. */
  delayOf(batch: RecordBatch<unknown, unknown>): number {
    const isRetry = this.#options.retryTopics?.some(({ topic }) => topic === batch.topic) ?? false;
    if (!isRetry) return 0;
    let dueMs = 0;
    batch.visit((cursor) => {
      dueMs = Number(textOf(cursor.headers(), FAILURE_HEADERS.dueMs) ?? 0);
      return false;
    });
    return dueMs - this.#consumer.cluster.options.clock.now();
  }

  /** Reads the batch again later; the partition rests. */
  postpone(batch: RecordBatch<unknown, unknown>, delayMs: number): void {
    const { topic, partition } = batch;
    this.#consumer.engine.putBack(batch.taken);
    this.#consumer.pause([{ topic, partition }]);
    this.#delayed.set(`${partition}/${topic}`, this.#consumer.cluster.options.clock.monotonicMs() + delayMs);
  }

  /** Those that need not rest (any more). */
  notDelayed(partitions: readonly TopicPartition[]): readonly TopicPartition[] {
    if (this.#delayed.size === 0) return partitions;
    const now = this.#consumer.cluster.options.clock.monotonicMs();
    for (const [key, untilMs] of this.#delayed) if (untilMs <= now) this.#delayed.delete(key);
    return partitions.filter(({ topic, partition }) => !this.#delayed.has(`${partition}/${topic}`));
  }

  forget(topic: string, partition: number): void {
    this.#delayed.delete(`${partition}/${topic}`);
  }

  async #move(record: RawRecord, error: Error, attempts: number): Promise<void> {
    const { retryTopics = [], deadLetterTopic } = this.#options;
    const at = retryTopics.findIndex(({ topic }) => topic === record.topic);
    const next = retryTopics[at + 1];
    if (next !== undefined) {
      await this.#send(next.topic, record, error, attempts, this.#consumer.cluster.options.clock.now() + next.delayMs);
      this.retried += 1;
      return;
    }
    if (deadLetterTopic === undefined) {
      throw new ClientError('HANDLER_FAILED', `the handler failed ${attempts} time(s) on the record at ${record.topic}-${record.partition} offset ${record.offset}: ${error.message}`, error);
    }
    await this.#send(deadLetterTopic, record, error, attempts, null);
    this.deadLettered += 1;
  }

  async #send(topic: string, record: RawRecord, error: Error, attempts: number, dueMs: number | null): Promise<void> {
    const known = new Set(record.headers.map(({ key }) => key));
    const origin: Record<string, string> = {
      [FAILURE_HEADERS.topic]: record.topic, [FAILURE_HEADERS.partition]: String(record.partition),
      [FAILURE_HEADERS.offset]: String(record.offset), [FAILURE_HEADERS.timestamp]: String(record.timestampMs),
    };
    const changing: readonly string[] = [FAILURE_HEADERS.error, FAILURE_HEADERS.attempts, FAILURE_HEADERS.dueMs];
    const headers: RecordHeader[] = record.headers.filter(({ key }) => !changing.includes(key));
    for (const [key, value] of Object.entries(origin)) if (!known.has(key)) headers.push({ key, value: Buffer.from(value) });
    const before = Number(textOf(record.headers, FAILURE_HEADERS.attempts) ?? 0);
    headers.push({ key: FAILURE_HEADERS.error, value: Buffer.from(error.message) }, { key: FAILURE_HEADERS.attempts, value: Buffer.from(String(before + attempts)) });
    if (dueMs !== null) headers.push({ key: FAILURE_HEADERS.dueMs, value: Buffer.from(String(dueMs)) });
    await this.#options.failureProducer?.send({ topic, key: record.key, value: record.value, headers });
  }
}

function textOf(headers: readonly RecordHeader[], name: string): string | undefined {
  const value = headers.findLast(({ key }) => key === name)?.value;
  return value === undefined || value === null ? undefined : Buffer.from(value).toString();
}
