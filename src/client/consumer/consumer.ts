import { groupBy } from '../../base/collections.ts';
import { ErrorCode, KafkaError, throwOnError } from '../../protocol/errors.ts';
import { makeFetchPartition, makeFetchRequest, makeFetchTopic, readFetchResponse, writeFetchRequest, type FetchResponse, type PartitionData } from '../../protocol/generated/fetch.ts';
import { makeListOffsetsPartition, makeListOffsetsRequest, makeListOffsetsTopic, readListOffsetsResponse, writeListOffsetsRequest } from '../../protocol/generated/listOffsets.ts';
import type { RecordCursor } from '../../record/iterate.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { isRetriableError, retrying, wait } from '../core/wait.ts';
import { forEachFetchedRecord } from './fetchedRecords.ts';
import { GroupMember, type GroupOptions } from './groupMember.ts';

/** Version 12 is the last one that names topics instead of ids. */
const fetchApi = { apiKey: 1, versionMax: 12, write: writeFetchRequest, read: readFetchResponse } as const;
const listOffsetsApi = { apiKey: 2, versionMax: 7, write: writeListOffsetsRequest, read: readListOffsetsResponse } as const;

/** Special timestamps of ListOffsets. */
export const OffsetAt = { latest: -1, earliest: -2 } as const;

const NO_SESSION_EPOCH = -1;

export interface ConsumerOptions {
  readonly fetchMinBytes: number;
  readonly fetchWaitMsMax: number;
  readonly fetchMaxBytes: number;
  readonly maxPartitionFetchBytes: number;
  readonly isolationLevel: 'read_uncommitted' | 'read_committed';
  /** Where a partition without a committed offset, or out of range, begins. */
  readonly autoOffsetReset: 'earliest' | 'latest' | 'none';
  readonly enableAutoCommit: boolean;
  readonly autoCommitIntervalMs: number;
  /** Absent: partitions are assigned by hand. */
  readonly group?: GroupOptions;
}

export const defaultConsumerOptions: ConsumerOptions = {
  fetchMinBytes: 1, fetchWaitMsMax: 500, fetchMaxBytes: 52_428_800, maxPartitionFetchBytes: 1_048_576, isolationLevel: 'read_uncommitted', autoOffsetReset: 'latest',
  enableAutoCommit: true, autoCommitIntervalMs: 5000,
};

/** Called for each record while its bytes are there: copy what must stay. Return false to stop before the next one. */
export type RecordListener = (topic: string, partition: number, record: RecordCursor) => boolean | void;

interface Position {
  readonly topic: string;
  readonly partition: number;
  /** -1: to be looked up. */
  offset: number;
}

/**
 * Reads records in `poll`, from partitions assigned by hand or by a group. Not safe for overlapping polls.
 */
export class Consumer {
  readonly #cluster: Cluster;
  readonly #options: ConsumerOptions;
  readonly #member: GroupMember | null;
  #topics: readonly string[] = [];
  #positions = new Map<string, Position>();
  #committed = new Map<string, number>();
  #nextCommitMs = 0;

  constructor(cluster: Cluster, options: Partial<ConsumerOptions>) {
    this.#cluster = cluster;
    this.#options = { ...defaultConsumerOptions, ...options };
    this.#member = this.#options.group === undefined ? null : new GroupMember(cluster, this.#options.group);
  }

  /** For a member of a group: takes effect at the next poll. */
  subscribe(topics: readonly string[]): void {
    if (this.#member === null) throw new ClientError('INVALID_ARGUMENT', 'To use the group management, you must provide a valid group.id');
    this.#topics = topics;
    this.#member.needsJoin = true;
  }

  /** By hand, with where to begin: an offset, or -1 for the end, -2 for the beginning. */
  assign(partitions: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[]): void {
    this.#positions = new Map(partitions.map(({ topic, partition, offset }) => [`${topic}/${partition}`, { topic, partition, offset: offset >= 0 ? offset : offset - 1 }]));
  }

  get assignment(): readonly { readonly topic: string; readonly partition: number }[] {
    return [...this.#positions.values()];
  }

  /** Offset of the next record of each partition. */
  position(topic: string, partition: number): number {
    return this.#positions.get(`${topic}/${partition}`)?.offset ?? -1;
  }

  /** One round: joins if it must, fetches from every leader, hands out records. Returns how many. A broker that is away for a moment is waited for. */
  async poll(listener: RecordListener): Promise<number> {
    if (this.#member?.needsJoin === true) await this.#join(this.#member);
    await this.#commitIfDue();
    try {
      await this.#lookUpPositions();
      return await this.#fetchAll(listener);
    } catch (error) {
      if (!isRetriableError(error)) throw error;
      for (const topic of new Set([...this.#positions.values()].map((position) => position.topic))) this.#cluster.forget(topic);
      await wait(this.#cluster.options.clock, this.#cluster.options.retryBackoffMs);
      return 0;
    }
  }

  /** Commits what poll has handed out. */
  async commit(): Promise<void> {
    if (this.#member === null) return;
    const changed = [...this.#positions.entries()].filter(([key, position]) => position.offset >= 0 && this.#committed.get(key) !== position.offset);
    await this.#member.commit(changed.map(([, { topic, partition, offset }]) => ({ topic, partition, offset })));
    for (const [key, position] of changed) this.#committed.set(key, position.offset);
  }

  /** Commits (with auto commit) and leaves the group. */
  async close(): Promise<void> {
    if (this.#member === null) return;
    if (this.#options.enableAutoCommit && !this.#member.needsJoin) await this.commit().catch((error: Error) => this.#cluster.options.logger.warn('the last commit failed', { error: error.message }));
    await this.#member.leave();
  }

  async #join(member: GroupMember): Promise<void> {
    if (this.#options.enableAutoCommit && this.#positions.size > 0) await this.commit().catch(() => undefined);
    const assignment = await member.join(this.#topics);
    const committed = await member.committed(assignment);
    this.#positions = new Map();
    this.#committed = new Map(committed);
    for (const [topic, partitions] of assignment) {
      for (const partition of partitions) this.#positions.set(`${topic}/${partition}`, { topic, partition, offset: committed.get(`${topic}/${partition}`) ?? this.#resetOffset(topic, partition) });
    }
    this.#nextCommitMs = this.#cluster.options.clock.monotonicMs() + this.#options.autoCommitIntervalMs;
  }

  /** -3 for "earliest", -2 for "latest": special timestamps less one, so that they differ from offsets and from "unknown". */
  #resetOffset(topic: string, partition: number): number {
    switch (this.#options.autoOffsetReset) {
      case 'earliest':
        return OffsetAt.earliest - 1;
      case 'latest':
        return OffsetAt.latest - 1;
      default:
        throw new ClientError('INVALID_ARGUMENT', `Undefined offset with no reset policy for partition ${topic}-${partition}`);
    }
  }

  async #commitIfDue(): Promise<void> {
    if (this.#member === null || !this.#options.enableAutoCommit) return;
    const now = this.#cluster.options.clock.monotonicMs();
    if (now < this.#nextCommitMs) return;
    this.#nextCommitMs = now + this.#options.autoCommitIntervalMs;
    await this.commit().catch((error: Error) => this.#cluster.options.logger.warn('auto commit failed', { error: error.message }));
  }

  async #lookUpPositions(): Promise<void> {
    for (const position of this.#positions.values()) {
      if (position.offset < 0) position.offset = await this.listOffset(position.topic, position.partition, position.offset + 1);
    }
  }

  /** Offset for a timestamp, or -1 (latest) or -2 (earliest). */
  listOffset(topic: string, partition: number, timestamp: number): Promise<number> {
    return retrying(this.#cluster.retryOptions, async () => {
      const connection = await this.#leaderConnection(topic, partition);
      const isolationLevel = this.#options.isolationLevel === 'read_committed' ? 1 : 0;
      const topics = [makeListOffsetsTopic({ name: topic, partitions: [makeListOffsetsPartition({ partitionIndex: partition, timestamp })] })];
      const answer = await connection.request(listOffsetsApi, makeListOffsetsRequest({ replicaId: -1, isolationLevel, topics }), { version: connection.versionOf(listOffsetsApi, 1) });
      const result = answer.topics[0]?.partitions[0];
      if (result === undefined) throw new ClientError('INVALID_RESPONSE', 'the answer does not name the partition');
      if (result.errorCode !== ErrorCode.NONE) this.#cluster.forget(topic);
      throwOnError(result.errorCode);
      return result.offset;
    });
  }

  async #leaderConnection(topic: string, partition: number) {
    const leaders = await this.#cluster.leadersOf(topic);
    const leader = leaders[partition]?.leader ?? -1;
    if (leader < 0) {
      this.#cluster.forget(topic);
      throw new ClientError('NO_LEADER', `${topic}-${partition} has no leader`);
    }
    return this.#cluster.connectionTo(leader);
  }

  async #fetchAll(listener: RecordListener): Promise<number> {
    const byLeader = new Map<number, Position[]>();
    for (const position of this.#positions.values()) {
      const leader = (await this.#cluster.leadersOf(position.topic))[position.partition]?.leader ?? -1;
      if (leader < 0) throw new ClientError('NO_LEADER', `${position.topic}-${position.partition} has no leader`);
      const list = byLeader.get(leader);
      if (list) list.push(position);
      else byLeader.set(leader, [position]);
    }
    if (byLeader.size === 0) {
      await wait(this.#cluster.options.clock, this.#options.fetchWaitMsMax);
      return 0;
    }
    const answers = await Promise.all([...byLeader].map(([leader, positions]) => this.#fetchFrom(leader, positions)));
    let count = 0;
    for (const answer of answers) {
      throwOnError(answer.errorCode);
      for (const topic of answer.responses) for (const partition of topic.partitions) count += this.#handOut(topic.topic, partition, listener);
    }
    return count;
  }

  async #fetchFrom(leader: number, positions: readonly Position[]): Promise<FetchResponse> {
    const { fetchWaitMsMax, fetchMinBytes, fetchMaxBytes, maxPartitionFetchBytes, isolationLevel } = this.#options;
    const topics = [...groupBy(positions, (position) => position.topic)].map(([topic, all]) =>
      makeFetchTopic({ topic, partitions: all.map(({ partition, offset }) => makeFetchPartition({ partition, fetchOffset: offset, partitionMaxBytes: maxPartitionFetchBytes })) }));
    const body = makeFetchRequest({
      replicaId: -1, maxWaitMs: fetchWaitMsMax, minBytes: fetchMinBytes, maxBytes: fetchMaxBytes, isolationLevel: isolationLevel === 'read_committed' ? 1 : 0,
      sessionId: 0, sessionEpoch: NO_SESSION_EPOCH, topics });
    const connection = await this.#cluster.connectionTo(leader);
    return connection.request(fetchApi, body, { version: connection.versionOf(fetchApi, 4), timeoutMs: fetchWaitMsMax + this.#cluster.options.requestTimeoutMs });
  }

  #handOut(topic: string, data: PartitionData, listener: RecordListener): number {
    const position = this.#positions.get(`${topic}/${data.partitionIndex}`);
    if (position === undefined) return 0;
    if (data.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE) {
      position.offset = this.#resetOffset(topic, data.partitionIndex);
      return 0;
    }
    throwOnError(data.errorCode, `${topic}-${data.partitionIndex}`);
    const bytes = data.records as Buffer | null;
    if (bytes === null || bytes.length === 0) return 0;
    let count = 0;
    const aborted = this.#options.isolationLevel === 'read_committed' ? (data.abortedTransactions ?? []) : null;
    position.offset = forEachFetchedRecord(bytes, position.offset, aborted, (record) => {
      count++;
      return listener(topic, data.partitionIndex, record);
    });
    if (count === 0 && position.offset < data.highWatermark && bytes.length > 0) return 0;
    return count;
  }
}

/** Raised by `poll` for a partition that does not exist. */
export function isUnknownTopic(error: unknown): boolean {
  return error instanceof KafkaError && error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}
