import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import type { Assignment } from './assignor.ts';
import type { ConsumerOptions } from './consumerOptions.ts';
import type { CommittedOffset, OffsetToCommit } from './groupOffsets.ts';
import { lookUpOffsets, OffsetAt } from './offsetLookup.ts';
import { partitionKey, PartitionState } from './partitionState.ts';
import type { TopicPartition } from './rebalanceListener.ts';

type CommittedLookup = (assignment: Assignment, isStable: boolean) => Promise<Map<string, CommittedOffset>>;

/** The partitions that a consumer reads now: where each stands, and what of it was committed. */
export class AssignedPartitions {
  readonly #cluster: Cluster;
  readonly #options: ConsumerOptions;
  #states: ReadonlyMap<string, PartitionState> = new Map();
  readonly #committed = new Map<string, number>();

  constructor(cluster: Cluster, options: ConsumerOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  get states(): ReadonlyMap<string, PartitionState> {
    return this.#states;
  }

  get haveAllPositions(): boolean {
    for (const state of this.#states.values()) if (!state.hasPosition) return false;
    return true;
  }

  replace(states: ReadonlyMap<string, PartitionState>): void {
    for (const [key, state] of this.#states) {
      if (states.get(key) === state) continue;
      state.isRevoked = true;
      this.#committed.delete(key);
    }
    this.#states = states;
  }

  add(assignment: Assignment): void {
    const states = new Map(this.#states);
    for (const [topic, partitions] of assignment) for (const partition of partitions) states.set(partitionKey(topic, partition), new PartitionState(topic, partition, -1, 'committed'));
    this.replace(states);
  }

  /** They are being given up, or stay after all. */
  setLeaving(assignment: Assignment, isLeaving: boolean): void {
    for (const [topic, partitions] of assignment) {
      for (const partition of partitions) {
        const state = this.#states.get(partitionKey(topic, partition));
        if (state !== undefined) state.isLeaving = isLeaving;
      }
    }
  }

  remove(assignment: Assignment): void {
    const states = new Map(this.#states);
    for (const [topic, partitions] of assignment) for (const partition of partitions) states.delete(partitionKey(topic, partition));
    this.replace(states);
  }

  /** By topic. */
  byTopic(): Map<string, number[]> {
    return byTopic([...this.#states.values()]);
  }

  /** Throws ClientError INVALID_STATE for a partition that is not assigned. */
  get(topic: string, partition: number): PartitionState {
    const state = this.#states.get(partitionKey(topic, partition));
    if (state === undefined) throw new ClientError('INVALID_STATE', `${topic}-${partition} is not assigned to this consumer`);
    return state;
  }

  /** Those named, or all. */
  choose(partitions: readonly TopicPartition[] | undefined): PartitionState[] {
    return partitions === undefined ? [...this.#states.values()] : partitions.map(({ topic, partition }) => this.get(topic, partition));
  }

  /** What the application is done with and the group does not know yet. */
  uncommitted(): OffsetToCommit[] {
    const offsets: OffsetToCommit[] = [];
    for (const [key, { topic, partition, consumed, leaderEpoch }] of this.#states) {
      if (consumed >= 0 && this.#committed.get(key) !== consumed) offsets.push({ topic, partition, offset: consumed, leaderEpoch });
    }
    return offsets;
  }

  noteCommitted(offsets: readonly OffsetToCommit[]): void {
    for (const { topic, partition, offset } of offsets) {
      const key = partitionKey(topic, partition);
      if (this.#states.has(key)) this.#committed.set(key, offset);
    }
  }

  /** Looks up what has no position yet. Throws ClientError NO_OFFSET where the reset policy is none. */
  async findPositions(committed: CommittedLookup | null): Promise<void> {
    await this.#takeCommitted(committed);
    const lacking = [...this.#states.values()].filter((state) => !state.hasPosition);
    if (lacking.length === 0) return;
    const questions = lacking.map(({ topic, partition, startAt }) => ({ topic, partition, timestamp: timestampFor(topic, partition, startAt) }));
    const isReadCommitted = this.#options.isolationLevel === 'read_committed';
    const tooYoung: PartitionState[] = [];
    await lookUpOffsets(this.#cluster, isReadCommitted, questions, (topic, partition, offset) => {
      const state = this.#states.get(partitionKey(topic, partition));
      if (state === undefined || state.hasPosition || !lacking.includes(state)) return;
      if (offset >= 0) state.seek(offset);
      else tooYoung.push(state);
    });
    // no record is as young as what was asked for: wait for the next one
    for (const state of tooYoung) state.reset('latest');
    if (tooYoung.length > 0) await this.findPositions(committed);
  }

  async #takeCommitted(committed: CommittedLookup | null): Promise<void> {
    const waiting = [...this.#states].filter(([, state]) => !state.hasPosition && state.startAt === 'committed');
    if (waiting.length === 0) return;
    const known = committed === null ? new Map<string, CommittedOffset>() : await committed(byTopic(waiting.map(([, state]) => state)), this.#options.isolationLevel === 'read_committed');
    for (const [key, state] of waiting) {
      if (state.isRevoked || state.hasPosition) continue;
      const offset = known.get(key)?.offset ?? -1;
      if (offset < 0) state.startAt = this.#options.autoOffsetResetOf?.(state.topic) ?? this.#options.autoOffsetReset;
      else {
        state.seek(offset);
        this.#committed.set(key, offset);
      }
    }
  }
}

function timestampFor(topic: string, partition: number, startAt: PartitionState['startAt']): number {
  if (typeof startAt === 'number') return startAt;
  if (startAt === 'earliest' || startAt === 'latest') return OffsetAt[startAt];
  throw new ClientError('NO_OFFSET', `Undefined offset with no reset policy for partition ${topic}-${partition}`);
}

export function byTopic(partitions: readonly TopicPartition[]): Map<string, number[]> {
  const topics = new Map<string, number[]>();
  for (const { topic, partition } of partitions) {
    const known = topics.get(topic);
    if (known === undefined) topics.set(topic, [partition]);
    else known.push(partition);
  }
  return topics;
}
