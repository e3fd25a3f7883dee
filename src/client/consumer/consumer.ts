import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { isRetriableError, type Backoff } from '../core/wait.ts';
import { defaultConsumerOptions, type ConsumerOptions } from './consumerOptions.ts';
import { Fetcher, type RecordListener } from './fetcher.ts';
import { GroupMember } from './groupMember.ts';
import { lookUpOffsets, OffsetAt } from './offsetLookup.ts';
import { partitionKey, PartitionState, type StartAt } from './partitionState.ts';
import { countPartitions, resolveTopics, type TopicChoice } from './subscription.ts';

/** How often a subscribed topic that does not exist is looked for. */
const MISSING_TOPIC_CHECK_MS = 1000;
const CLOSE_TIMEOUT_MS = 5000;
/** A poll looks so often whether the group has moved on. */
const WAIT_SLICE_MS = 500;

export interface PartitionToRead {
  readonly topic: string;
  readonly partition: number;
  /** An offset, or one of the ends. */
  readonly start: number | 'earliest' | 'latest';
}

/**
 * Reads records in `poll`, from partitions assigned by hand, from all of the topics subscribed to, or from what a group assigns. Joining, finding
 * positions and fetching go on between polls. Not for overlapping polls.
 */
export class Consumer {
  readonly #cluster: Cluster;
  readonly #options: ConsumerOptions;
  readonly #member: GroupMember | null;
  readonly #fetcher: Fetcher;
  readonly #backoff: Backoff;
  #choice: TopicChoice | null = null;
  /** What the choice meant when it was last looked at. */
  #counts: ReadonlyMap<string, number> | null = null;
  #nextTopicCheckMs = 0;
  #isCheckingTopics = false;
  #states: ReadonlyMap<string, PartitionState> = new Map();
  #committed = new Map<string, number>();
  #nextCommitMs = 0;
  #committing: Promise<void> | null = null;
  #preparing: Promise<void> | null = null;
  #wakeWaiter: (() => void) | null = null;
  #failure: Error | null = null;
  #isWoken = false;
  #isClosed = false;

  constructor(cluster: Cluster, options: Partial<ConsumerOptions>) {
    this.#cluster = cluster;
    this.#options = { ...defaultConsumerOptions, ...options };
    this.#member = this.#options.group === undefined ? null : new GroupMember(cluster, this.#options.group);
    this.#fetcher = new Fetcher(cluster, this.#options);
    this.#backoff = cluster.backoff();
  }

  /** Takes effect at the next poll. Without a group: all partitions. */
  subscribe(choice: TopicChoice): void {
    this.#choice = choice;
    this.#counts = null;
    if (this.#member !== null) this.#member.needsJoin = true;
  }

  /** By hand, in place of a subscription. */
  assign(partitions: readonly PartitionToRead[]): void {
    this.#choice = null;
    const states = partitions.map(({ topic, partition, start }) => (typeof start === 'number'
      ? new PartitionState(topic, partition, start, this.#options.autoOffsetReset) : new PartitionState(topic, partition, -1, start)));
    this.#assign(new Map(states.map((state) => [partitionKey(state.topic, state.partition), state])));
  }

  get assignment(): readonly { readonly topic: string; readonly partition: number }[] {
    return [...this.#states.values()];
  }

  /** Offset of the next record to be handed out; -1 while that is not known. */
  position(topic: string, partition: number): number {
    return this.#states.get(partitionKey(topic, partition))?.position ?? -1;
  }

  /**
   * Hands out records that have come, or waits for them, `timeoutMs` at most. Returns how many. A broker that is away for a while is waited for.
   * Throws ClientError (NO_OFFSET, CORRUPT_DATA, CLOSED, ...) and KafkaError for what does not pass by itself.
   */
  async poll(listener: RecordListener, timeoutMs: number = this.#options.fetchWaitMsMax): Promise<number> {
    const deadlineMs = this.#now() + timeoutMs;
    for (;;) {
      if (this.#isClosed || this.#cluster.isClosed) throw new ClientError('CLOSED', 'the consumer was closed');
      const count = await this.#pollOnce(listener, deadlineMs);
      if (count > 0 || this.#isWoken || this.#isClosed || this.#now() >= deadlineMs) {
        this.#isWoken = false;
        return count;
      }
    }
  }

  /** Ends a poll that waits. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeWaiter?.();
    this.#fetcher.wake();
  }

  /** Commits what poll has handed out. */
  async commit(): Promise<void> {
    if (this.#member === null) return;
    await this.#committing;
    const changed = [...this.#states].filter(([key, state]) => state.hasPosition && this.#committed.get(key) !== state.position).map(([key, { topic, partition, position }]) => ({ key, topic, partition, offset: position }));
    await this.#member.commit(changed);
    for (const { key, offset } of changed) this.#committed.set(key, offset);
  }

  /** Commits (with auto commit), leaves the group; gives up on a broker that does not answer within `timeoutMs`. */
  async close(timeoutMs: number = CLOSE_TIMEOUT_MS): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#fetcher.stop();
    this.wake();
    if (this.#member !== null) await this.#waitUntil(this.#now() + timeoutMs, this.#leave(this.#member));
  }

  #now(): number {
    return this.#cluster.options.clock.monotonicMs();
  }

  /** Looks after the group and waits a while for records. */
  async #pollOnce(listener: RecordListener, deadlineMs: number): Promise<number> {
    this.#member?.onPoll();
    this.#checkTopicsIfDue();
    if (!this.#isReady()) {
      this.#preparing ??= this.#prepare().finally(() => {
        this.#preparing = null;
      });
      await this.#waitUntil(deadlineMs, this.#preparing);
    }
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
    if (this.#preparing !== null || this.#isWoken || this.#isClosed) return 0;
    this.#commitIfDue();
    return this.#fetcher.poll(listener, Math.min(deadlineMs, this.#now() + WAIT_SLICE_MS));
  }

  #isReady(): boolean {
    if (this.#preparing !== null || this.#member?.needsJoin === true) return false;
    if (this.#choice !== null && this.#counts === null) return false;
    for (const state of this.#states.values()) if (!state.hasPosition) return false;
    return true;
  }

  /** Waits for `work`, which must not fail, until the deadline or `wake`. */
  async #waitUntil(deadlineMs: number, work: Promise<void>): Promise<void> {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#wakeWaiter = end;
    const timer = this.#cluster.options.clock.setTimer(Math.max(deadlineMs - this.#now(), 0), end);
    await Promise.race([work, ended]);
    timer.cancel();
    if (this.#wakeWaiter === end) this.#wakeWaiter = null;
  }

  /** Everything that must be known before records can be fetched, tried until it succeeds. The next poll tells what cannot succeed. */
  async #prepare(): Promise<void> {
    while (!this.#isClosed) {
      try {
        if (this.#choice !== null) await this.#takePartitions(this.#choice);
        await this.#findPositions();
        this.#backoff.reset();
        break;
      } catch (error) {
        if (!isRetriableError(error)) {
          this.#failure = error as Error;
          break;
        }
        this.#cluster.options.logger.debug('the consumer is not ready yet', { error: (error as Error).message });
        await this.#cluster.pause(this.#backoff.next());
      }
    }
  }

  async #takePartitions(choice: TopicChoice): Promise<void> {
    if (this.#member === null) {
      if (this.#counts === null) this.#takeAll(await resolveTopics(this.#cluster, choice, this.#options));
      return;
    }
    if (!this.#member.needsJoin && this.#counts !== null) return;
    await this.#commitBeforeJoin();
    this.#noteCounts(await resolveTopics(this.#cluster, choice, this.#options));
    const counts = (topics: readonly string[]) => countPartitions(this.#cluster, topics, this.#options.allowAutoCreateTopics);
    const assignment = await this.#member.join([...(this.#counts as ReadonlyMap<string, number> | null ?? new Map<string, number>()).keys()], counts);
    const committed = await this.#member.committed(assignment);
    const states = new Map<string, PartitionState>();
    for (const [topic, partitions] of assignment) {
      for (const partition of partitions) {
        const key = partitionKey(topic, partition);
        states.set(key, new PartitionState(topic, partition, committed.get(key) ?? -1, this.#options.autoOffsetReset));
      }
    }
    this.#committed = committed;
    this.#nextCommitMs = this.#now() + this.#options.autoCommitIntervalMs;
    this.#assign(states);
  }

  /** Without a group. Partitions that are new since the last look are read from their beginning, so that nothing is missed. */
  #takeAll(counts: ReadonlyMap<string, number>): void {
    const isFirst = this.#states.size === 0;
    const states = new Map<string, PartitionState>();
    for (const [topic, count] of counts) {
      for (let partition = 0; partition < count; partition++) {
        const key = partitionKey(topic, partition);
        const startAt: StartAt = isFirst ? this.#options.autoOffsetReset : 'earliest';
        states.set(key, this.#states.get(key) ?? new PartitionState(topic, partition, -1, startAt));
      }
    }
    this.#noteCounts(counts);
    this.#assign(states);
  }

  #assign(states: ReadonlyMap<string, PartitionState>): void {
    this.#states = states;
    this.#fetcher.assign(states);
  }

  #noteCounts(counts: ReadonlyMap<string, number>): void {
    this.#counts = counts;
    const isComplete = counts.size > 0 && [...counts.values()].every((count) => count > 0);
    this.#nextTopicCheckMs = this.#now() + (isComplete ? this.#cluster.options.metadataMaxAgeMs : Math.min(MISSING_TOPIC_CHECK_MS, this.#cluster.options.metadataMaxAgeMs));
  }

  async #findPositions(): Promise<void> {
    const lacking = [...this.#states.values()].filter((state) => !state.hasPosition);
    if (lacking.length === 0) return;
    const questions = lacking.map(({ topic, partition, startAt }) => {
      if (startAt === 'none') throw new ClientError('NO_OFFSET', `Undefined offset with no reset policy for partition ${topic}-${partition}`);
      return { topic, partition, timestamp: OffsetAt[startAt] };
    });
    await lookUpOffsets(this.#cluster, this.#options.isolationLevel === 'read_committed', questions, (topic, partition, offset) => {
      const state = this.#states.get(partitionKey(topic, partition));
      if (state !== undefined && !state.hasPosition && offset >= 0) state.seek(offset);
    });
  }

  /** Topics may come, go and grow: looks from time to time, in the background. */
  #checkTopicsIfDue(): void {
    if (this.#choice === null || this.#counts === null || this.#isCheckingTopics || this.#preparing !== null || this.#now() < this.#nextTopicCheckMs) return;
    this.#isCheckingTopics = true;
    void this.#checkTopics(this.#choice);
  }

  async #checkTopics(choice: TopicChoice): Promise<void> {
    const before = this.#counts;
    try {
      const now = await resolveTopics(this.#cluster, choice, this.#options);
      if (this.#choice === choice && this.#counts === before && before !== null) this.#onTopics(before, now);
    } catch (error) {
      this.#nextTopicCheckMs = this.#now() + MISSING_TOPIC_CHECK_MS;
      this.#cluster.options.logger.debug('topics could not be looked at', { error: (error as Error).message });
    }
    this.#isCheckingTopics = false;
  }

  #onTopics(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): void {
    const areTopicsSame = before.size === now.size && [...now.keys()].every((topic) => before.has(topic));
    const areCountsSame = areTopicsSame && [...now].every(([topic, count]) => before.get(topic) === count);
    if (areCountsSame) this.#noteCounts(now);
    else if (this.#member === null) this.#takeAll(now);
    else {
      this.#noteCounts(now);
      if (!areTopicsSame || this.#member.isLeader) this.#member.needsJoin = true;
    }
    this.#fetcher.wake();
  }

  #commitIfDue(): void {
    if (this.#member === null || !this.#options.enableAutoCommit || this.#committing !== null || this.#now() < this.#nextCommitMs) return;
    this.#nextCommitMs = this.#now() + this.#options.autoCommitIntervalMs;
    const done = () => {
      this.#committing = null;
    };
    this.#committing = this.commit().then(done, (error: Error) => {
      done();
      this.#cluster.options.logger.warn(`Asynchronous auto-commit of offsets failed: ${error.message}`);
    });
  }

  async #commitBeforeJoin(): Promise<void> {
    if (!this.#options.enableAutoCommit || this.#states.size === 0) return;
    await this.commit().catch((error: Error) => this.#cluster.options.logger.debug('offsets could not be committed before joining again', { error: error.message }));
  }

  async #leave(member: GroupMember): Promise<void> {
    const { logger } = this.#cluster.options;
    if (this.#options.enableAutoCommit && !member.needsJoin) await this.commit().catch((error: Error) => logger.warn(`Offsets could not be committed while closing: ${error.message}`));
    await member.leave().catch((error: Error) => logger.debug('the group could not be left', { error: error.message }));
  }
}
