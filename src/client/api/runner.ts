import { ClientError } from '../core/clientError.ts';
import { Pauses } from '../core/wait.ts';
import type { RebalanceListener, TopicPartition } from '../consumer/rebalanceListener.ts';
import { murmur2 } from '../producer/partitioner.ts';
import { FailurePolicy, type FailureOptions } from './failurePolicy.ts';
import { OffsetTracker } from './offsetTracker.ts';
import type { ConsumedRecord, PoisonRecord, RawRecord, RecordBatch } from './recordBatch.ts';
import type { RecordConsumer } from './recordConsumer.ts';

export interface HandlerContext {
  /** Aborted when the partition is taken away, the runner stops, or the handler takes too long. */
  readonly signal: AbortSignal;
  /** 1 for the first try of this record in this process. */
  readonly attempt: number;
}

export type RecordHandler<K, V> = (record: ConsumedRecord<K, V>, context: HandlerContext) => Promise<void> | void;

export interface RunOptions<K, V> extends FailureOptions {
  readonly topics: readonly string[] | RegExp;
  readonly handler: RecordHandler<K, V>;
  /** How many records are handled at once. Records of one key (without a key: of one partition) stay in order. */
  readonly lanes?: number;
  /** Records that wait for a lane at most; past it nothing more is taken. */
  readonly queuedMax?: number;
  /** A handler that takes longer has failed. */
  readonly handlerTimeoutMs?: number;
  readonly listener?: RebalanceListener;
}

interface Job<K, V> {
  readonly record: ConsumedRecord<K, V>;
  readonly batch: RecordBatch<K, V>;
  readonly work: PartitionWork;
}

/** What goes on with one assigned partition. */
interface PartitionWork {
  readonly tracker: OffsetTracker;
  readonly abort: AbortController;
  running: number;
}

const LANES = 8;
const QUEUED_MAX = 1000;
const BUSY_POLL_MS = 50;
/** How long handlers may go on with a partition that is taken away. */
const REVOKE_WAIT_MS = 10_000;

/** Handles each record in one of several lanes; commits what is done without a gap. Made by `client.run`. */
export class Runner<K, V> {
  readonly #consumer: RecordConsumer<K, V>;
  readonly #options: RunOptions<K, V>;
  readonly #failures: FailurePolicy;
  readonly #lanes: Job<K, V>[][];
  readonly #busy: boolean[];
  readonly #work = new Map<string, PartitionWork>();
  readonly #stop = new AbortController();
  readonly #pauses: Pauses;
  #queued = 0;
  #failure: Error | null = null;
  #idleWaiters: (() => void)[] = [];
  #handled = 0;
  /** Settles when the runner has stopped: rejects with what stopped it. */
  readonly done: Promise<void>;

  constructor(consumer: RecordConsumer<K, V>, options: RunOptions<K, V>) {
    const lanes = options.lanes ?? LANES;
    this.#consumer = consumer;
    this.#options = options;
    this.#pauses = new Pauses(consumer.cluster.options.clock);
    this.#failures = new FailurePolicy(consumer, options, (delayMs) => this.#pauses.pause(delayMs));
    this.#lanes = Array.from({ length: lanes }, () => []);
    this.#busy = Array.from({ length: lanes }, () => false);
    const { topics, listener } = options;
    consumer.subscribe(this.#failures.withRetryTopics(topics), {
      ...(listener?.onAssigned === undefined ? {} : { onAssigned: (partitions) => listener.onAssigned?.(partitions) }),
      onRevoked: async (partitions) => {
        await this.#letGo(partitions);
        await listener?.onRevoked?.(partitions);
      },
      onLost: async (partitions) => {
        this.#drop(partitions);
        await (listener?.onLost ?? listener?.onRevoked)?.call(listener, partitions);
      },
    });
    this.done = this.#run();
    // who does not look at `done` hears of it from `stop`
    this.done.catch(() => {});
  }

  /** Records handled, and those that wait. */
  stats(): { readonly handled: number; readonly queued: number; readonly retried: number; readonly deadLettered: number } {
    return { handled: this.#handled, queued: this.#queued, retried: this.#failures.retried, deadLettered: this.#failures.deadLettered };
  }

  /** Takes no more records, waits for handlers that run, commits, and closes the consumer. Rejects with what had stopped it before. */
  async stop(): Promise<void> {
    this.#halt(null);
    await this.done;
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stop.signal.aborted) await this.#step();
    } catch (error) {
      this.#halt(error as Error);
    }
    await this.#idle();
    await this.#consumer.close();
    if (this.#failure !== null) throw this.#failure;
  }

  /** Goes on polling also when no record may be taken, so that the group knows that we live. */
  async #step(): Promise<void> {
    const isFull = this.#queued >= (this.#options.queuedMax ?? QUEUED_MAX);
    if (isFull) this.#consumer.pause();
    else this.#consumer.resume(this.#failures.notDelayed(this.#consumer.assignment));
    const batch = await this.#consumer.nextBatch(isFull || this.#failures.hasDelayed ? BUSY_POLL_MS : undefined);
    if (batch === null || this.#stop.signal.aborted) return;
    const delayMs = this.#failures.delayOf(batch);
    if (delayMs > 0) this.#failures.postpone(batch, delayMs);
    else this.#dispatch(batch);
  }

  #dispatch(batch: RecordBatch<K, V>): void {
    const work = this.#workOf(batch);
    let count = 0;
    batch.each(
      (record) => {
        count += 1;
        work.tracker.add(record.offset);
        this.#queue({ record, batch, work });
      },
      (poison) => {
        count += 1;
        work.tracker.add(poison.offset);
        this.#handlePoison(poison, batch, work);
      },
    );
    // nothing but control records, or what was aborted
    if (count === 0 && work.tracker.pending === 0) this.#consumer.done(batch);
  }

  #workOf({ topic, partition }: TopicPartition): PartitionWork {
    const key = `${partition}/${topic}`;
    let work = this.#work.get(key);
    if (work === undefined) this.#work.set(key, (work = { tracker: new OffsetTracker(), abort: new AbortController(), running: 0 }));
    return work;
  }

  #queue(job: Job<K, V>): void {
    const lane = this.#laneOf(job.record);
    (this.#lanes[lane] as Job<K, V>[]).push(job);
    this.#queued += 1;
    if (this.#busy[lane] === false) void this.#serve(lane);
  }

  #laneOf(record: ConsumedRecord<K, V>): number {
    const key = record.keyBytes;
    const hash = key === null ? record.partition : murmur2(key) >>> 1;
    return hash % this.#lanes.length;
  }

  async #serve(lane: number): Promise<void> {
    this.#busy[lane] = true;
    const jobs = this.#lanes[lane] as Job<K, V>[];
    for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
      job.work.running += 1;
      const isHandled = !job.work.abort.signal.aborted && !this.#stop.signal.aborted && (await this.#handle(job));
      job.work.running -= 1;
      this.#queued -= 1;
      if (isHandled) this.#finish(job.record.offset, job.batch, job.work);
      this.#wakeIdle();
    }
    this.#busy[lane] = false;
    this.#wakeIdle();
  }

  /** True: done with, one way or the other. False: it will be read again, by us or by somebody else. */
  async #handle({ record, work }: Job<K, V>): Promise<boolean> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#call(record, attempt, work);
        this.#handled += 1;
        return true;
      } catch (error) {
        if (work.abort.signal.aborted || this.#stop.signal.aborted) return false;
        try {
          const verdict = await this.#failures.onFailure(rawOf(record), error as Error, attempt);
          if (verdict === 'moved') return true;
          if (work.abort.signal.aborted || this.#stop.signal.aborted) return false;
        } catch (failure) {
          this.#halt(failure as Error);
          return false;
        }
      }
    }
  }

  async #call(record: ConsumedRecord<K, V>, attempt: number, work: PartitionWork): Promise<void> {
    const { handler, handlerTimeoutMs } = this.#options;
    const { tracer, groupId } = this.#consumer;
    const abort = new AbortController();
    const onAbort = () => abort.abort(new ClientError('REBALANCED', 'the partition was taken away, or the runner stops'));
    work.abort.signal.addEventListener('abort', onAbort, { once: true });
    const run = async (): Promise<void> => handler(record, { signal: abort.signal, attempt });
    try {
      const running = tracer?.onProcess === undefined ? run() : tracer.onProcess({ topic: record.topic, partition: record.partition, offset: record.offset, headers: record.headers }, groupId, run);
      await (handlerTimeoutMs === undefined ? running : this.#within(handlerTimeoutMs, running, abort));
    } finally {
      work.abort.signal.removeEventListener('abort', onAbort);
    }
  }

  async #within(timeoutMs: number, running: Promise<void>, abort: AbortController): Promise<void> {
    let onTime = (_error: Error): void => {};
    const late = new Promise<never>((_resolve, reject) => {
      onTime = reject;
    });
    const timer = this.#consumer.cluster.options.clock.setTimer(timeoutMs, () => {
      const error = new ClientError('HANDLER_FAILED', `the handler took more than ${timeoutMs} ms`);
      abort.abort(error);
      onTime(error);
    });
    running.catch(() => {});
    try {
      await Promise.race([running, late]);
    } finally {
      timer.cancel();
    }
  }

  #handlePoison(poison: PoisonRecord, batch: RecordBatch<K, V>, work: PartitionWork): void {
    this.#queued += 1;
    work.running += 1;
    this.#failures.onPoison(poison).then(
      () => this.#finish(poison.offset, batch, work),
      (error: Error) => this.#halt(error),
    ).finally(() => {
      work.running -= 1;
      this.#queued -= 1;
      this.#wakeIdle();
    });
  }

  #finish(offset: number, batch: RecordBatch<K, V>, work: PartitionWork): void {
    const next = work.tracker.finish(offset);
    if (next < 0) return;
    // behind the last record there may be markers of transactions
    this.#consumer.engine.noteConsumed(batch.taken, work.tracker.pending === 0 ? Math.max(next, batch.nextOffset) : next);
  }

  /** Partitions are given up: what runs may end, what waits is dropped. */
  async #letGo(partitions: readonly TopicPartition[]): Promise<void> {
    const works = partitions.map(({ topic, partition }) => this.#work.get(`${partition}/${topic}`)).filter((work) => work !== undefined);
    for (const { topic, partition } of partitions) {
      this.#work.delete(`${partition}/${topic}`);
      this.#failures.forget(topic, partition);
    }
    const dropped = new Set(works);
    for (const lane of this.#lanes) {
      const kept = lane.filter(({ work }) => !dropped.has(work));
      this.#queued -= lane.length - kept.length;
      lane.splice(0, lane.length, ...kept);
    }
    let isLate = false;
    const timer = this.#consumer.cluster.options.clock.setTimer(REVOKE_WAIT_MS, () => {
      isLate = true;
      this.#wakeIdle();
    });
    while (!isLate && works.some(({ running }) => running > 0)) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    timer.cancel();
    for (const { abort } of works) abort.abort();
  }

  #drop(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) {
      this.#work.get(`${partition}/${topic}`)?.abort.abort();
      this.#work.delete(`${partition}/${topic}`);
      this.#failures.forget(topic, partition);
    }
  }

  #halt(error: Error | null): void {
    this.#failure ??= error;
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#pauses.close();
    this.#consumer.engine.wake();
  }

  /** Waits for handlers that run; what a handler does that never ends is not waited for longer than for a rebalance. */
  async #idle(): Promise<void> {
    let isLate = false;
    const timer = this.#consumer.cluster.options.clock.setTimer(REVOKE_WAIT_MS, () => {
      isLate = true;
      this.#wakeIdle();
    });
    while (!isLate && this.#queued > 0) await new Promise<void>((resolve) => this.#idleWaiters.push(resolve));
    timer.cancel();
    for (const { abort } of this.#work.values()) abort.abort();
  }

  #wakeIdle(): void {
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}

function rawOf(record: ConsumedRecord<unknown, unknown>): RawRecord {
  const { topic, partition, offset, timestampMs, headers } = record;
  return { topic, partition, offset, timestampMs, key: record.keyBytes, value: record.valueBytes, headers };
}
