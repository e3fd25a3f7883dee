import type { Timer } from '../../base/ports.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import type { FetchResponse, PartitionData } from '../../protocol/generated/fetch.ts';
import type { RecordCursor } from '../../record/iterate.ts';
import { RecordError } from '../../record/recordError.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { isRetriableError, type Backoff } from '../core/wait.ts';
import type { ConsumerOptions } from './consumerOptions.ts';
import { endOfEpoch } from './epochCheck.ts';
import { forEachFetchedRecord, offsetAfter, type AbortedProducer } from './fetchedRecords.ts';
import { FetchSender } from './fetchSender.ts';
import type { WantedPartition } from './fetchSession.ts';
import { partitionKey, type PartitionState } from './partitionState.ts';

/** The next fetch begins while less than this waits to be handed out. */
const PREFETCH_BYTES = 4 * 1024 * 1024;

/** Called for each record while its bytes are there: copy what must stay. Return false to stop after it. */
export type RecordListener = (topic: string, partition: number, record: RecordCursor) => boolean | void;

/** What one fetch brought of one partition: whole batches, and perhaps the beginning of another one. */
export interface FetchedPartition {
  readonly state: PartitionState;
  readonly bytes: Buffer;
  readonly aborted: readonly AbortedProducer[] | null;
  /** Offset after the last whole batch. */
  readonly next: number;
  /** `state.round` when it was asked for: older ones are worth nothing. */
  readonly round: number;
}

/** Handed out: records at `from` and after. */
export interface TakenPartition extends FetchedPartition {
  readonly from: number;
  /** `state.seeks` at that time. */
  readonly seeks: number;
}

interface AskedPartition extends WantedPartition {
  readonly state: PartitionState;
  readonly round: number;
}

/** Keeps one fetch under way to each leader, ahead of what is handed out. */
export class Fetcher {
  readonly #cluster: Cluster;
  readonly #options: ConsumerOptions;
  readonly #backoff: Backoff;
  readonly #sender: FetchSender;
  readonly #prefetchBytes: number;
  #states: ReadonlyMap<string, PartitionState> = new Map();
  readonly #ready: FetchedPartition[] = [];
  #readyBytes = 0;
  readonly #asking = new Set<number>();
  #isFindingLeaders = false;
  #failure: Error | null = null;
  #wakeWaiter: (() => void) | null = null;
  #isStopped = false;

  constructor(cluster: Cluster, options: ConsumerOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#backoff = cluster.backoff();
    this.#sender = new FetchSender(cluster, options);
    this.#prefetchBytes = options.prefetchBytes ?? PREFETCH_BYTES;
  }

  /** The partitions to read from now on, by `partitionKey`. */
  assign(states: ReadonlyMap<string, PartitionState>): void {
    for (const state of this.#states.values()) if (states.get(partitionKey(state.topic, state.partition)) !== state) state.isRevoked = true;
    this.#states = states;
    this.dropStale();
  }

  /** Forgets what was fetched for partitions that were revoked or are read from elsewhere now. */
  dropStale(): void {
    const kept = this.#ready.filter(({ state, round }) => !state.isRevoked && state.round === round);
    this.#ready.splice(0, this.#ready.length, ...kept);
    this.#readyBytes = kept.reduce((bytes, item) => bytes + item.bytes.length, 0);
  }

  /** Hands out what has been fetched, or waits for it until `deadlineMs` or `wake`. Returns how many records. */
  async poll(listener: RecordListener, deadlineMs: number): Promise<number> {
    await this.#await(deadlineMs);
    const count = this.#handOut(listener);
    this.#fill();
    return count;
  }

  /** As poll, but gives the bytes away, one partition at a time; null when nothing came. The position moves behind them. */
  async take(deadlineMs: number): Promise<TakenPartition | null> {
    await this.#await(deadlineMs);
    const place = this.#nextReady();
    if (place === -1) return null;
    const [item] = this.#ready.splice(place, 1) as [FetchedPartition];
    this.#readyBytes -= item.bytes.length;
    const { state, bytes, aborted, next, round } = item;
    const from = state.position;
    state.position = Math.max(from, next);
    state.leaderEpoch = state.fetchEpoch;
    this.#fill();
    return { state, bytes, aborted, next, round, from, seeks: state.seeks };
  }

  async #await(deadlineMs: number): Promise<void> {
    this.#fill();
    if (this.#nextReady() === -1 && this.#failure === null) await this.#wait(deadlineMs);
    const failure = this.#failure;
    this.#failure = null;
    if (failure !== null) throw failure;
  }

  /** Place of the first part that may be handed out, -1 for none. */
  #nextReady(): number {
    return this.#ready.findIndex(({ state }) => !state.isPaused && !state.isLeaving);
  }

  /** Ends the wait of a poll. */
  wake(): void {
    this.#wakeWaiter?.();
  }

  /** No more fetches; one that waits at a broker is not waited for. Resolves when brokers know it. */
  stop(): Promise<void> {
    this.#isStopped = true;
    this.wake();
    return this.#sender.close();
  }

  async #wait(deadlineMs: number): Promise<void> {
    const { clock } = this.#cluster.options;
    const leftMs = deadlineMs - clock.monotonicMs();
    if (leftMs <= 0 || this.#isStopped) return;
    let timer: Timer | null = null;
    await new Promise<void>((resolve) => {
      this.#wakeWaiter = resolve;
      timer = clock.setTimer(leftMs, resolve);
    });
    this.#wakeWaiter = null;
    (timer as Timer | null)?.cancel();
  }

  #handOut(listener: RecordListener): number {
    let count = 0;
    let isStopped = false;
    for (let place = this.#nextReady(); place !== -1 && !isStopped; place = this.#nextReady()) {
      const item = this.#ready[place] as FetchedPartition;
      const { state, bytes, aborted } = item;
      const next = this.#read(state, bytes, aborted, (record) => {
        count += 1;
        state.position = record.offset + 1;
        isStopped = listener(state.topic, state.partition, record) === false;
        return !isStopped;
      });
      // the listener may have sought elsewhere
      if (state.round === item.round) {
        state.position = Math.max(state.position, next);
        state.consumed = state.position;
      }
      // what is left of it is found again by the position
      if (isStopped) break;
      const at = this.#ready.indexOf(item);
      if (at === -1) continue;
      this.#ready.splice(at, 1);
      this.#readyBytes -= bytes.length;
    }
    return count;
  }

  #read(state: PartitionState, bytes: Buffer, aborted: readonly AbortedProducer[] | null, visit: (record: RecordCursor) => boolean): number {
    try {
      return forEachFetchedRecord(bytes, { fromOffset: state.position, aborted, checkCrcs: this.#options.checkCrcs }, visit);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      throw new ClientError('CORRUPT_DATA', `Received exception when fetching the next record from ${state.topic}-${state.partition} at offset ${state.position}: ${error.message}`);
    }
  }

  /** Begins a fetch to each broker that has none under way, as far as there is room. */
  #fill(): void {
    if (this.#isStopped || this.#cluster.isClosed || this.#readyBytes >= this.#prefetchBytes) return;
    const byBroker = new Map<number, AskedPartition[]>();
    let isLeaderMissing = false;
    for (const state of this.#states.values()) {
      if (!state.hasPosition || state.isPaused || state.isLeaving) continue;
      const broker = this.#brokerFor(state);
      if (broker < 0) isLeaderMissing = true;
      if (broker < 0 || this.#asking.has(broker) || state.isChecking) continue;
      const leaderEpoch = this.#cluster.knownLeaders(state.topic)?.[state.partition]?.leaderEpoch ?? -1;
      if (state.fetchEpoch >= 0 && leaderEpoch > state.checkedEpoch) {
        void this.#check(state, broker, leaderEpoch);
        continue;
      }
      const asked = byBroker.get(broker);
      const { topic, partition, fetchOffset: offset, round } = state;
      const item = { state, topic, partition, offset, round, leaderEpoch, maxBytes: this.#options.maxPartitionFetchBytes };
      if (asked === undefined) byBroker.set(broker, [item]);
      else asked.push(item);
    }
    for (const [broker, asked] of byBroker) void this.#ask(broker, asked);
    if (isLeaderMissing) void this.#findLeaders();
  }

  /** A new leader may lack what was read under an earlier one. */
  async #check(state: PartitionState, broker: number, leaderEpoch: number): Promise<void> {
    state.isChecking = true;
    const { round } = state;
    try {
      const end = await endOfEpoch(await this.#cluster.connectionTo(broker), state, leaderEpoch);
      if (state.round === round && !state.isRevoked) {
        state.checkedEpoch = leaderEpoch;
        if (end >= 0 && end < state.fetchOffset) this.#onTruncated(state, end);
      }
    } catch (error) {
      this.#cluster.forget(state.topic);
      if (!isRetriableError(error) && !(error instanceof KafkaError && error.refreshMetadata)) this.#fail(error as Error);
      await this.#cluster.pause(this.#backoff.next());
    }
    state.isChecking = false;
    this.#fill();
  }

  #onTruncated(state: PartitionState, end: number): void {
    const name = `${state.topic}-${state.partition}`;
    const reset = this.#options.autoOffsetResetOf?.(state.topic) ?? this.#options.autoOffsetReset;
    if (reset === 'none') return this.#fail(new ClientError('NO_OFFSET', `The log of partition ${name} was truncated: records from offset ${end} on were read up to ${state.fetchOffset} and are gone`));
    this.#cluster.options.logger.warn(`The log of partition ${name} was truncated: going on at offset ${end} instead of ${state.fetchOffset}`);
    state.seek(end);
    this.dropStale();
  }

  /** The leader, or the replica nearby that it named (KIP-392). -1 where nobody is known to lead. */
  #brokerFor(state: PartitionState): number {
    if (state.preferredReplica >= 0) {
      if (this.#cluster.options.clock.monotonicMs() < state.preferredUntilMs && this.#cluster.brokers.has(state.preferredReplica)) return state.preferredReplica;
      state.preferredReplica = -1;
    }
    return this.#cluster.knownLeaders(state.topic)?.[state.partition]?.leader ?? -1;
  }

  /** Asks who leads the partitions that have no known leader, after a pause if nobody can tell. */
  async #findLeaders(): Promise<void> {
    if (this.#isFindingLeaders) return;
    this.#isFindingLeaders = true;
    const lacking = [...this.#states.values()].filter((state) => state.hasPosition && !state.isPaused && this.#brokerFor(state) < 0);
    let isFound = true;
    for (const topic of new Set(lacking.map((state) => state.topic))) {
      if (this.#cluster.knownLeaders(topic) !== null) this.#cluster.forget(topic);
      try {
        await this.#cluster.leadersOf(topic);
      } catch (error) {
        isFound = false;
        if (!isRetriableError(error)) this.#fail(error as Error);
      }
    }
    isFound &&= lacking.every((state) => this.#brokerFor(state) >= 0);
    if (!isFound) await this.#cluster.pause(this.#backoff.next());
    this.#isFindingLeaders = false;
    this.#fill();
  }

  async #ask(leader: number, asked: readonly AskedPartition[]): Promise<void> {
    this.#asking.add(leader);
    let isWell = false;
    try {
      isWell = this.#acceptAll(await this.#sender.fetch(leader, asked), asked);
    } catch (error) {
      if (this.#isStopped) return;
      for (const { state } of asked) {
        state.preferredReplica = -1;
        this.#cluster.forget(state.topic);
      }
      if (!isRetriableError(error)) this.#fail(error as Error);
    }
    if (isWell) this.#backoff.reset();
    else await this.#cluster.pause(this.#backoff.next());
    this.#asking.delete(leader);
    this.#fill();
  }

  /** False when a partition could not be read for now. */
  #acceptAll(answer: FetchResponse, asked: readonly AskedPartition[]): boolean {
    const byKey = new Map(asked.map((item) => [partitionKey(item.state.topic, item.state.partition), item]));
    let isWell = true;
    for (const { topic, partitions } of answer.responses) {
      for (const data of partitions) {
        const item = byKey.get(partitionKey(topic, data.partitionIndex));
        if (item === undefined || item.state.isRevoked || item.state.round !== item.round) continue;
        if (data.errorCode === ErrorCode.NONE) this.#accept(item, data);
        else isWell = this.#onPartitionError(item.state, data.errorCode) && isWell;
      }
    }
    this.wake();
    return isWell;
  }

  #accept({ state, leaderEpoch }: AskedPartition, data: PartitionData): void {
    state.checkedEpoch = Math.max(state.checkedEpoch, leaderEpoch);
    state.highWatermark = data.highWatermark;
    state.lastStableOffset = data.lastStableOffset;
    state.logStartOffset = data.logStartOffset;
    this.#notePreferred(state, data.preferredReadReplica);
    const bytes = data.records as Buffer | null;
    if (bytes === null || bytes.length === 0) return;
    const next = offsetAfter(bytes, (epoch) => (state.fetchEpoch = epoch));
    if (next === -1) return this.#fail(new ClientError('CORRUPT_DATA', `the broker sent ${bytes.length} bytes of ${state.topic}-${state.partition} that hold no whole batch`));
    const aborted = this.#options.isolationLevel === 'read_committed' ? (data.abortedTransactions ?? []) : null;
    state.fetchOffset = Math.max(next, state.fetchOffset);
    this.#ready.push({ state, bytes, aborted, next, round: state.round });
    this.#readyBytes += bytes.length;
  }

  #notePreferred(state: PartitionState, brokerId: number): void {
    if (brokerId < 0 || brokerId === state.preferredReplica) return;
    state.preferredReplica = brokerId;
    state.preferredUntilMs = this.#cluster.options.clock.monotonicMs() + this.#cluster.options.metadataMaxAgeMs;
  }

  #onPartitionError(state: PartitionState, code: number): boolean {
    const name = `${state.topic}-${state.partition}`;
    if (state.preferredReplica >= 0) {
      // the replica nearby is behind or gone: back to the leader
      state.preferredReplica = -1;
      return false;
    }
    if (code === ErrorCode.OFFSET_OUT_OF_RANGE) {
      this.#onOutOfRange(state, name);
      return true;
    }
    const error = new KafkaError(code, name);
    const isPassing = error.retriable || error.refreshMetadata;
    if (!isPassing) this.#fail(error);
    this.#cluster.options.logger.debug('a partition cannot be read for now', { partition: name, error: error.codeName });
    this.#cluster.forget(state.topic);
    return false;
  }

  #onOutOfRange(state: PartitionState, name: string): void {
    // what is buffered comes first; the broker is asked again from there
    if (this.#ready.some((item) => item.state === state)) return;
    this.#cluster.options.logger.debug('the fetch offset is out of range', { partition: name, offset: state.fetchOffset });
    const reset = this.#options.autoOffsetResetOf?.(state.topic) ?? this.#options.autoOffsetReset;
    if (reset === 'none') this.#fail(new ClientError('NO_OFFSET', `Fetch position ${state.fetchOffset} is out of range for partition ${name}`));
    state.reset(reset);
  }

  /** Told by the next poll. */
  #fail(error: Error): void {
    this.#failure ??= error;
    this.wake();
  }
}
