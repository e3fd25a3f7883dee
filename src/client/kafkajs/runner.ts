import { systemRandom } from '../../base/systemPorts.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { clientClock } from '../clientClock.ts';
import type { Consumer as Engine } from '../consumer/consumer.ts';
import type { TakenPartition } from '../consumer/fetcher.ts';
import type { OffsetToCommit } from '../consumer/groupOffsets.ts';
import type { TopicPartition } from '../consumer/rebalanceListener.ts';
import { ClientError } from '../core/clientError.ts';
import { toBatch } from './batch.ts';
import type { Batch, ConsumerRunConfig, EachBatchPayload } from './consumerTypes.ts';
import { KafkaJSProtocolError, toKafkaJSError } from './errors.ts';
import { consumerEvents, type Emitter } from './events.ts';
import type { Logger } from './logger.ts';
import { byTopicPartition, ResolvedOffsets } from './offsets.ts';
import { RetrySchedule, sleep, type RetryOptions } from './retry.ts';

const POLL_MS = 1000;

export interface RunnerParts {
  readonly engine: Engine;
  readonly groupId: string;
  readonly config: ConsumerRunConfig;
  readonly retry: RetryOptions;
  readonly emitter: Emitter;
  readonly logger: Logger;
  readonly onPause: (topic: string, partition: number) => () => void;
  /** It cannot go on. */
  readonly onCrash: (error: Error) => void;
}

/** Runs `eachMessage` or `eachBatch` for what comes, some partitions at once, each in order; commits what is resolved. */
export class Runner {
  readonly #parts: RunnerParts;
  readonly #offsets: ResolvedOffsets;
  readonly #schedule: RetrySchedule;
  readonly #tails = new Map<string, Promise<void>>();
  readonly #active = new Set<Promise<void>>();
  #isRunning = true;
  #isCrashed = false;
  readonly #loop: Promise<void>;

  constructor(parts: RunnerParts) {
    this.#parts = parts;
    const { autoCommitInterval, autoCommitThreshold } = parts.config;
    this.#offsets = new ResolvedOffsets(autoCommitInterval ?? null, autoCommitThreshold ?? null, clientClock.monotonicMs());
    this.#schedule = new RetrySchedule(parts.retry);
    this.#loop = this.#run();
  }

  get isRunning(): boolean {
    return this.#isRunning;
  }

  /** Before partitions are given up: waits for what runs, and commits. */
  async letGo(partitions: readonly TopicPartition[]): Promise<void> {
    this.#parts.emitter.emit(consumerEvents.REBALANCING, { groupId: this.#parts.groupId, memberId: this.#parts.engine.membership?.identity.memberId ?? '' });
    await Promise.all(this.#active);
    await this.#autoCommit(true).catch((error: Error) => this.#parts.logger.warn(`Offsets could not be committed before a rebalance: ${error.message}`));
    for (const { topic, partition } of partitions) this.#offsets.forget(topic, partition);
  }

  forget(partitions: readonly TopicPartition[]): void {
    for (const { topic, partition } of partitions) this.#offsets.forget(topic, partition);
  }

  /** Another position holds from now on. */
  noteSeek(topic: string, partition: number): void {
    this.#offsets.forget(topic, partition);
  }

  /** Ends when no handler runs any more, with everything resolved committed. */
  async stop(): Promise<void> {
    this.#isRunning = false;
    this.#parts.engine.wake();
    await this.#loop;
    await Promise.all(this.#active);
    if (!this.#isCrashed) await this.#autoCommit(true).catch((error: Error) => this.#parts.logger.warn(`Offsets could not be committed: ${error.message}`));
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    if (offsets.length === 0) return;
    const { engine, emitter, groupId } = this.#parts;
    await engine.commit(offsets);
    this.#offsets.noteCommitted(offsets, clientClock.monotonicMs());
    const { memberId, generationId } = engine.groupIdentity();
    emitter.emit(consumerEvents.COMMIT_OFFSETS, { groupId, memberId, groupGenerationId: generationId, ...byTopicPartition(offsets) });
  }

  async #run(): Promise<void> {
    const limit = this.#parts.config.partitionsConsumedConcurrently ?? 1;
    while (this.#isRunning) {
      try {
        while (this.#active.size >= limit) await Promise.race(this.#active);
        const taken = this.#isRunning ? await this.#take() : null;
        if (taken !== null) this.#begin(taken);
      } catch (error) {
        if (!this.#isRunning) return;
        this.#crash(toKafkaJSError(error));
      }
    }
  }

  async #take(): Promise<TakenPartition | null> {
    const { engine, emitter } = this.#parts;
    emitter.emit(consumerEvents.FETCH_START, {});
    const startMs = clientClock.monotonicMs();
    const taken = await engine.take(POLL_MS);
    emitter.emit(consumerEvents.FETCH, { numberOfBatches: taken === null ? 0 : 1, duration: clientClock.monotonicMs() - startMs });
    return taken;
  }

  #begin(taken: TakenPartition): void {
    const key = `${taken.state.partition}/${taken.state.topic}`;
    const before = this.#tails.get(key) ?? Promise.resolve();
    const task = before.then(() => this.#process(taken)).finally(() => {
      this.#active.delete(task);
      if (this.#tails.get(key) === task) this.#tails.delete(key);
    });
    this.#tails.set(key, task);
    this.#active.add(task);
  }

  async #process(taken: TakenPartition): Promise<void> {
    const isStale = (): boolean => taken.state.isRevoked || taken.state.seeks !== taken.seeks;
    if (isStale() || !this.#isRunning) return;
    const { emitter } = this.#parts;
    const { topic, partition } = taken.state;
    try {
      const batch = toBatch(taken);
      const payload = { topic, partition, highWatermark: batch.highWatermark, offsetLag: batch.offsetLag(), offsetLagLow: batch.offsetLagLow(), batchSize: batch.messages.length, firstOffset: batch.firstOffset(), lastOffset: batch.lastOffset() };
      const startMs = clientClock.monotonicMs();
      emitter.emit(consumerEvents.START_BATCH_PROCESS, payload);
      if (this.#parts.config.eachMessage !== undefined) await this.#eachMessage(batch, isStale);
      else await this.#eachBatch(batch, isStale);
      emitter.emit(consumerEvents.END_BATCH_PROCESS, { ...payload, duration: clientClock.monotonicMs() - startMs });
      await this.#autoCommit(true);
      this.#schedule.reset();
    } catch (error) {
      await this.#onFailure(taken, error as Error, isStale);
    }
  }

  async #eachMessage(batch: Batch, isStale: () => boolean): Promise<void> {
    const { topic, partition } = batch;
    const heartbeat = () => this.#heartbeat();
    const pause = () => this.#parts.onPause(topic, partition);
    for (const message of batch.messages) {
      if (!this.#isRunning || isStale()) return;
      await this.#call(topic, partition, message.offset, async () => this.#parts.config.eachMessage?.({ topic, partition, message, heartbeat, pause }));
      if (isStale()) return;
      this.#offsets.resolve(topic, partition, Number(message.offset) + 1);
      this.#touch();
      await this.#autoCommit(false);
      // what was paused meanwhile is read again from here
      if (this.#isPaused(topic, partition)) return this.#parts.engine.seek(topic, partition, Number(message.offset) + 1);
    }
    if (!isStale()) this.#offsets.resolve(topic, partition, Number(batch.lastOffset()) + 1, 0);
  }

  async #eachBatch(batch: Batch, isStale: () => boolean): Promise<void> {
    const { topic, partition } = batch;
    if (batch.isEmpty()) {
      this.#offsets.resolve(topic, partition, Number(batch.lastOffset()) + 1, 0);
      return;
    }
    const payload: EachBatchPayload = {
      batch,
      resolveOffset: (offset) => {
        if (!isStale()) this.#offsets.resolve(topic, partition, Number(offset) + 1);
      },
      heartbeat: () => this.#heartbeat(),
      pause: () => this.#parts.onPause(topic, partition),
      commitOffsetsIfNecessary: async (offsets) => {
        if (offsets === undefined) await this.#autoCommit(false);
        else await this.commit(offsets.topics.flatMap(({ topic: name, partitions }) => partitions.map((entry) => ({ topic: name, partition: entry.partition, offset: Number(entry.offset) }))));
      },
      uncommittedOffsets: () => byTopicPartition(this.#offsets.uncommitted()),
      isRunning: () => this.#isRunning,
      isStale,
    };
    await this.#call(topic, partition, batch.firstOffset() as string, async () => this.#parts.config.eachBatch?.(payload));
    if (isStale()) return;
    const { eachBatchAutoResolve = true } = this.#parts.config;
    if (eachBatchAutoResolve && this.#isRunning && !this.#isPaused(topic, partition)) this.#offsets.resolve(topic, partition, Number(batch.lastOffset()) + 1, 0);
    const next = this.#offsets.next(topic, partition);
    // what the handler has not resolved comes again
    if (next <= Number(batch.lastOffset())) this.#parts.engine.seek(topic, partition, next >= 0 ? next : Number(batch.firstOffset()));
  }

  async #call(topic: string, partition: number, offset: string, handle: () => Promise<void>): Promise<void> {
    try {
      await handle();
    } catch (error) {
      const isOwn = error instanceof KafkaJSProtocolError && error.code === ErrorCode.REBALANCE_IN_PROGRESS;
      if (!isOwn) this.#parts.logger.error('Error when calling the handler', { topic, partition, offset, stack: (error as Error)?.stack, error });
      throw error;
    }
  }

  #isPaused(topic: string, partition: number): boolean {
    return this.#parts.engine.paused.some((paused) => paused.topic === topic && paused.partition === partition);
  }

  /** The member lives also while a handler is busy. */
  #touch(): void {
    this.#parts.engine.membership?.onPoll();
  }

  /** KafkaJS's way to notice a rebalance in the middle of a batch. (Heartbeats go out by themselves.) */
  async #heartbeat(): Promise<void> {
    this.#touch();
    if (this.#parts.engine.membership?.needsWork === true) throw new KafkaJSProtocolError(new KafkaError(ErrorCode.REBALANCE_IN_PROGRESS));
  }

  async #autoCommit(isForced: boolean): Promise<void> {
    if (this.#parts.config.autoCommit === false || (!isForced && !this.#offsets.isDue(clientClock.monotonicMs()))) return;
    await this.commit(this.#offsets.uncommitted());
  }

  /** The message comes again after a pause; after too many tries the runner crashes. */
  async #onFailure({ state, from }: TakenPartition, error: Error, isStale: () => boolean): Promise<void> {
    const hasMoved = error instanceof ClientError && error.code === 'REBALANCED';
    const isRebalance = hasMoved || (error instanceof KafkaJSProtocolError && error.code === ErrorCode.REBALANCE_IN_PROGRESS);
    const { topic, partition } = state;
    if (!isStale()) {
      const next = this.#offsets.next(topic, partition);
      this.#parts.engine.seek(topic, partition, Math.max(next, from));
    }
    if (isRebalance) return;
    await this.#autoCommit(true).catch((failure: Error) => this.#parts.logger.warn(`Offsets could not be committed: ${failure.message}`));
    const failure = toKafkaJSError(error);
    if ((failure as { readonly retriable?: boolean }).retriable === false) return this.#crash(failure);
    if (this.#schedule.isOver) return this.#crash(this.#schedule.exceeded(failure));
    await sleep(clientClock, this.#schedule.next(systemRandom.next()));
  }

  #crash(error: Error): void {
    if (this.#isCrashed) return;
    this.#isCrashed = true;
    this.#isRunning = false;
    this.#parts.engine.wake();
    this.#parts.onCrash(error);
  }
}
