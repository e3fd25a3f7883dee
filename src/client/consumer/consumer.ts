import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { Coordinator, CoordinatorKind } from '../core/coordinators.ts';
import { isRetriableError, type Backoff } from '../core/wait.ts';
import type { GroupIdentity } from '../producer/transaction.ts';
import { AssignedPartitions, byTopic } from './assignedPartitions.ts';
import type { Assignment } from './assignor.ts';
import { defaultConsumerOptions, type ConsumerOptions } from './consumerOptions.ts';
import { Fetcher, type RecordListener, type TakenPartition } from './fetcher.ts';
import { commitOffsets, fetchCommitted, type CommittedOffset, type OffsetToCommit } from './groupOffsets.ts';
import { isEmptyAssignment, type AssignmentHost, type Membership } from './membership.ts';
import { makeMembership } from './makeMembership.ts';
import { lookUpOffsets, OffsetAt } from './offsetLookup.ts';
import { partitionKey, PartitionState, type StartAt } from './partitionState.ts';
import { PollGate } from './pollGate.ts';
import { listPartitions, type RebalanceListener, type TopicPartition } from './rebalanceListener.ts';
import { countPartitions, TopicWatch, type TopicChoice } from './subscription.ts';
import { throwOnError } from '../../protocol/errors.ts';

const CLOSE_TIMEOUT_MS = 5000;
/** A poll looks so often whether the group has moved on. */
const WAIT_SLICE_MS = 500;
/** The same while the group rebalances. */
const BUSY_SLICE_MS = 20;

export interface PartitionToRead {
  readonly topic: string;
  readonly partition: number;
  /** An offset, or one of the ends; absent: where the group committed. */
  readonly start?: number | 'earliest' | 'latest';
}

/**
 * Reads records in `poll`, from partitions assigned by hand, from all of the topics subscribed to, or from what a group assigns. Joining, finding
 * positions and fetching go on between polls. Not for overlapping polls.
 */
export class Consumer {
  readonly #cluster: Cluster;
  readonly #options: ConsumerOptions;
  #member: Membership | null;
  readonly #coordinator: Coordinator | null;
  readonly #partitions: AssignedPartitions;
  readonly #fetcher: Fetcher;
  readonly #backoff: Backoff;
  readonly #gate = new PollGate();
  readonly #topics: TopicWatch;
  #listener: RebalanceListener | null = null;
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
    this.#member = makeMembership(cluster, this.#options);
    this.#coordinator = this.#options.group === undefined ? null : new Coordinator(cluster, CoordinatorKind.group, this.#options.group.groupId);
    if (this.#member !== null) this.#member.onWork = () => this.#nudge();
    this.#partitions = new AssignedPartitions(cluster, this.#options);
    this.#fetcher = new Fetcher(cluster, this.#options);
    this.#topics = new TopicWatch(cluster, this.#options, (before, now) => this.#onTopics(before, now));
    this.#backoff = cluster.backoff();
  }

  /** Takes effect at the next poll. Without a group: all partitions. */
  subscribe(choice: TopicChoice, listener: RebalanceListener | null = null): void {
    this.#topics.choose(choice);
    this.#listener = listener;
    this.#member?.requestRejoin();
  }

  /** By hand, in place of a subscription. */
  assign(partitions: readonly PartitionToRead[]): void {
    this.#topics.choose(null);
    const states = partitions.map(({ topic, partition, start }) => (typeof start === 'number'
      ? new PartitionState(topic, partition, start, this.#options.autoOffsetReset) : new PartitionState(topic, partition, -1, start ?? 'committed')));
    this.#setStates(new Map(states.map((state) => [partitionKey(state.topic, state.partition), state])));
  }

  /** Topics subscribed to: as last looked up where there is a pattern. */
  get subscription(): readonly string[] {
    const { choice } = this.#topics;
    if (choice === null) return [];
    return 'topics' in choice ? choice.topics : [...(this.#topics.counts?.keys() ?? [])];
  }

  /** Gives up what it reads, and leaves the group; a later `subscribe` joins anew. */
  async unsubscribe(timeoutMs: number = CLOSE_TIMEOUT_MS): Promise<void> {
    const member = this.#member;
    this.#gate.enter();
    try {
      if (member !== null && this.#topics.choice !== null) {
        await this.#waitUntil(this.#now() + timeoutMs, this.#leave(member));
        this.#member = makeMembership(this.#cluster, this.#options);
        if (this.#member !== null) this.#member.onWork = () => this.#nudge();
      }
      this.#topics.choose(null);
      this.#listener = null;
      this.#setStates(new Map());
    } finally {
      await this.#gate.leave();
    }
  }

  get assignment(): readonly PartitionState[] {
    return [...this.#partitions.states.values()];
  }

  /** The membership, for those who want to follow it closely; null without a group. */
  get membership(): Membership | null {
    return this.#member;
  }

  /** Offset of the next record to be handed out; -1 while that is not known. */
  position(topic: string, partition: number): number {
    return this.#partitions.states.get(partitionKey(topic, partition))?.position ?? -1;
  }

  /** The next record comes from there: an offset, an end, or the first record that is as young as a time in milliseconds. Throws ClientError INVALID_STATE when the partition is not assigned. */
  seek(topic: string, partition: number, to: number | 'earliest' | 'latest' | { readonly timestampMs: number }): void {
    const state = this.#partitions.get(topic, partition);
    if (typeof to === 'number') {
      if (!Number.isSafeInteger(to) || to < 0) throw new ClientError('INVALID_ARGUMENT', `seek to offset ${to}: an offset is a whole number from 0`);
      state.seek(to);
    } else {
      state.reset(typeof to === 'string' ? to : to.timestampMs);
    }
    this.#fetcher.dropStale();
    this.#nudge();
  }

  /** No records of these (or all) until `resume`; the place in the group is kept by polling on. */
  pause(partitions?: readonly TopicPartition[]): void {
    for (const state of this.#partitions.choose(partitions)) state.isPaused = true;
  }

  resume(partitions?: readonly TopicPartition[]): void {
    for (const state of this.#partitions.choose(partitions)) state.isPaused = false;
    this.#nudge();
  }

  get paused(): readonly TopicPartition[] {
    return this.assignment.filter(({ isPaused }) => isPaused);
  }

  /** Records not handed out yet, by what the last fetch said; -1 before it. */
  lag(topic: string, partition: number): number {
    return this.#partitions.get(topic, partition).lag(this.#options.isolationLevel === 'read_committed');
  }

  /**
   * Hands out records that have come, or waits for them, `timeoutMs` at most. Returns how many. A broker that is away for a while is waited for.
   * Throws ClientError (NO_OFFSET, CORRUPT_DATA, CLOSED, ...) and KafkaError for what does not pass by itself.
   */
  async poll(listener: RecordListener, timeoutMs: number = this.#options.fetchWaitMsMax): Promise<number> {
    return (await this.#poll((deadlineMs) => this.#fetcher.poll(listener, deadlineMs), (count) => count > 0, timeoutMs)) ?? 0;
  }

  /**
   * As poll, but gives away what one fetch brought of one partition; null when nothing came. `position` is behind it then; what the application is
   * done with it says by `noteConsumed`.
   */
  take(timeoutMs: number = this.#options.fetchWaitMsMax): Promise<TakenPartition | null> {
    return this.#poll((deadlineMs) => this.#fetcher.take(deadlineMs), (taken) => taken !== null, timeoutMs);
  }

  /** The application is done with everything before `offset`: what the next commit without offsets commits. */
  noteConsumed({ state, seeks }: TakenPartition, offset: number): void {
    if (state.seeks === seeks && offset > state.consumed) state.consumed = offset;
  }

  /** Takes back what `take` gave: it will be given again. */
  putBack({ state, seeks, from }: TakenPartition): void {
    if (state.seeks !== seeks || state.isRevoked) return;
    state.putBack(from);
    this.#fetcher.dropStale();
  }

  /** Ends a poll that waits. */
  wake(): void {
    this.#isWoken = true;
    this.#nudge();
  }

  /** Commits the offsets given (of the next record to read), or what poll has handed out. Throws ClientError REBALANCED when the partitions are somebody else's now. */
  async commit(offsets?: readonly OffsetToCommit[]): Promise<void> {
    if (this.#member === null || this.#coordinator === null) return;
    await this.#committing;
    const changed = offsets ?? this.#partitions.uncommitted();
    if (changed.length === 0) return;
    if (this.#topics.choice === null) await commitOffsets(this.#coordinator, this.#unboundIdentity(), changed, throwOnError);
    else await this.#member.commit(changed);
    this.#partitions.noteCommitted(changed);
  }

  /** Commits in the background; several calls go out in order. `onDone` hears how it went. */
  commitAsync(offsets?: readonly OffsetToCommit[], onDone?: (error: Error | null) => void): void {
    const asked = offsets ?? this.#partitions.uncommitted();
    this.commit(asked).then(() => onDone?.(null), (error: Error) => {
      if (onDone === undefined) this.#cluster.options.logger.warn(`Offsets could not be committed: ${error.message}`);
      else onDone(error);
    });
  }

  /** What the group has committed, by `topic/partition`. */
  async committed(partitions: readonly TopicPartition[]): Promise<Map<string, CommittedOffset>> {
    const coordinator = this.#coordinator;
    if (coordinator === null || this.#options.group === undefined) return new Map();
    const { groupId } = this.#options.group;
    return this.#cluster.retrying(() => fetchCommitted(coordinator, groupId, byTopic(partitions), this.#options.isolationLevel === 'read_committed'));
  }

  /** First offsets, offsets after the last record, or of the first record as young as a time (-1: there is none), by `topic/partition`. */
  async offsetsAt(partitions: readonly TopicPartition[], at: 'earliest' | 'latest' | { readonly timestampMs: number }): Promise<Map<string, number>> {
    const offsets = new Map<string, number>();
    const timestamp = typeof at === 'string' ? OffsetAt[at] : at.timestampMs;
    const questions = partitions.map(({ topic, partition }) => ({ topic, partition, timestamp }));
    await this.#cluster.retrying(() => lookUpOffsets(this.#cluster, this.#options.isolationLevel === 'read_committed', questions, (topic, partition, offset) => offsets.set(partitionKey(topic, partition), offset)));
    return offsets;
  }

  /** Who this member is, for offsets that are committed with a producer's transaction. */
  groupIdentity(): GroupIdentity {
    if (this.#member === null) throw new ClientError('INVALID_STATE', 'the consumer has no group.id');
    return this.#topics.choice === null ? this.#unboundIdentity() : this.#member.identity;
  }

  /** Rebalances with the next poll. */
  enforceRebalance(): void {
    this.#member?.requestRejoin();
  }

  /** Commits (with auto commit), leaves the group; gives up on a broker that does not answer within `timeoutMs`. */
  async close(timeoutMs: number = CLOSE_TIMEOUT_MS): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const stopped = this.#fetcher.stop();
    this.#gate.open();
    this.#nudge();
    const left = this.#member === null ? stopped : Promise.all([stopped, this.#leave(this.#member)]).then(() => {});
    await this.#waitUntil(this.#now() + timeoutMs, left);
    this.#coordinator?.close();
  }

  #unboundIdentity(): GroupIdentity {
    return { groupId: this.#options.group?.groupId ?? '', generationId: -1, memberId: '', instanceId: null };
  }

  #now(): number {
    return this.#cluster.options.clock.monotonicMs();
  }

  #nudge(): void {
    this.#wakeWaiter?.();
    this.#fetcher.wake();
  }

  async #poll<T>(read: (deadlineMs: number) => Promise<T>, hasCome: (outcome: T) => boolean, timeoutMs: number): Promise<T> {
    const deadlineMs = this.#now() + timeoutMs;
    this.#gate.enter();
    try {
      for (;;) {
        if (this.#isClosed || this.#cluster.isClosed) throw new ClientError('CLOSED', 'the consumer was closed');
        const isReady = await this.#serve(deadlineMs);
        const outcome = await read(isReady ? Math.min(deadlineMs, this.#now() + WAIT_SLICE_MS) : 0);
        if (hasCome(outcome) || this.#isWoken || this.#isClosed || this.#now() >= deadlineMs) {
          this.#isWoken = false;
          return outcome;
        }
      }
    } finally {
      await this.#gate.leave();
    }
  }

  /** Looks after the group; false while records cannot be handed out yet. */
  async #serve(deadlineMs: number): Promise<boolean> {
    this.#member?.onPoll();
    this.#topics.checkIfDue(this.#preparing !== null);
    if (!this.#isReady()) {
      this.#preparing ??= this.#prepare().finally(() => {
        this.#preparing = null;
      });
      // what is assigned already is handed out meanwhile
      const hasRecords = this.#partitions.states.size > 0;
      await this.#waitUntil(hasRecords ? Math.min(deadlineMs, this.#now() + BUSY_SLICE_MS) : deadlineMs, this.#preparing);
    }
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
    if (this.#preparing !== null || this.#isWoken || this.#isClosed) return false;
    this.#commitIfDue();
    return true;
  }

  #isReady(): boolean {
    if (this.#preparing !== null) return false;
    if (this.#topics.choice !== null && (this.#topics.counts === null || this.#member?.needsWork === true)) return false;
    return this.#partitions.haveAllPositions;
  }

  /** Waits for `work`, which must not fail, until the deadline or `wake`. */
  async #waitUntil(deadlineMs: number, work: Promise<void>): Promise<void> {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#wakeWaiter = () => {
      if (this.#isWoken || this.#isClosed) end();
    };
    const timer = this.#cluster.options.clock.setTimer(Math.max(deadlineMs - this.#now(), 0), end);
    await Promise.race([work, ended]);
    timer.cancel();
    this.#wakeWaiter = null;
  }

  /** Everything that must be known before records can be fetched, tried until it succeeds. The next poll tells what cannot succeed. */
  async #prepare(): Promise<void> {
    while (!this.#isClosed) {
      try {
        if (this.#topics.choice !== null) await this.#takePartitions();
        const member = this.#member;
        await this.#partitions.findPositions(member === null ? null : (assignment, isStable) => member.committed(assignment, isStable));
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

  async #takePartitions(): Promise<void> {
    const member = this.#member;
    if (member === null) {
      if (this.#topics.counts === null) this.#takeAll(await this.#topics.resolve());
      return;
    }
    // a member that has given something up goes another round at once
    while (!this.#isClosed && (member.needsWork || this.#topics.counts === null)) {
      const counts = await this.#topics.resolve();
      await member.work([...counts.keys()], this.#host);
    }
  }

  readonly #host: AssignmentHost = {
    owned: () => this.#partitions.byTopic(),
    revoke: (partitions) => this.#gate.run(() => this.#revoke(partitions)),
    lose: (partitions) => this.#gate.run(() => this.#lose(partitions)),
    assign: (partitions) => this.#gate.run(() => this.#assignMore(partitions)),
    partitionCounts: (topics) => countPartitions(this.#cluster, topics, this.#options.allowAutoCreateTopics),
  };

  async #revoke(partitions: Assignment): Promise<void> {
    this.#partitions.setLeaving(partitions, true);
    try {
      await this.#listener?.onRevoked?.(listPartitions(partitions));
      if (this.#options.enableAutoCommit) await this.commit().catch((error: Error) => this.#cluster.options.logger.debug('offsets could not be committed before partitions were given up', { error: error.message }));
    } catch (error) {
      this.#partitions.setLeaving(partitions, false);
      throw error;
    }
    this.#partitions.remove(partitions);
    this.#fetcher.assign(this.#partitions.states);
  }

  async #lose(partitions: Assignment): Promise<void> {
    if (isEmptyAssignment(partitions)) return;
    const lost = listPartitions(partitions);
    this.#partitions.remove(partitions);
    this.#fetcher.assign(this.#partitions.states);
    await (this.#listener?.onLost ?? this.#listener?.onRevoked)?.call(this.#listener, lost);
  }

  async #assignMore(partitions: Assignment): Promise<void> {
    this.#nextCommitMs = this.#now() + this.#options.autoCommitIntervalMs;
    this.#partitions.add(partitions);
    this.#fetcher.assign(this.#partitions.states);
    await this.#listener?.onAssigned?.(listPartitions(partitions));
  }

  /** Without a group. Partitions that are new since the last look are read from their beginning, so that nothing is missed. */
  #takeAll(counts: ReadonlyMap<string, number>): void {
    const isFirst = this.#partitions.states.size === 0;
    const startAt: StartAt = isFirst ? this.#options.autoOffsetReset : 'earliest';
    const states = new Map<string, PartitionState>();
    for (const [topic, count] of counts) {
      for (let partition = 0; partition < count; partition++) {
        const key = partitionKey(topic, partition);
        states.set(key, this.#partitions.states.get(key) ?? new PartitionState(topic, partition, -1, startAt));
      }
    }
    this.#setStates(states);
  }

  #setStates(states: ReadonlyMap<string, PartitionState>): void {
    this.#partitions.replace(states);
    this.#fetcher.assign(states);
  }

  #onTopics(before: ReadonlyMap<string, number>, now: ReadonlyMap<string, number>): void {
    const areTopicsSame = before.size === now.size && [...now.keys()].every((topic) => before.has(topic));
    if (this.#member === null) this.#takeAll(now);
    else if (!areTopicsSame || this.#member.isLeader) this.#member.requestRejoin();
    this.#nudge();
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

  async #leave(member: Membership): Promise<void> {
    const { logger } = this.#cluster.options;
    await this.#preparing?.catch(() => {});
    const owned = this.#topics.choice === null ? new Map<string, number[]>() : this.#partitions.byTopic();
    try {
      if (!isEmptyAssignment(owned)) await this.#listener?.onRevoked?.(listPartitions(owned));
      if (this.#options.enableAutoCommit && !member.needsWork) await this.commit();
    } catch (error) {
      logger.warn(`Offsets could not be committed while closing: ${(error as Error).message}`);
    }
    await member.leave().catch((error: Error) => logger.debug('the group could not be left', { error: error.message }));
  }
}
