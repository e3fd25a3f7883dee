import { groupBy } from '../../base/collections.ts';
import { ErrorCode, KafkaError, throwOnError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeAcknowledgePartition, makeAcknowledgeTopic, makeShareAcknowledgeRequest, readShareAcknowledgeResponse, writeShareAcknowledgeRequest } from '../../protocol/generated/shareAcknowledge.ts';
import { makeFetchPartition, makeFetchTopic, makeForgottenTopic, makeShareFetchRequest, readShareFetchResponse, writeShareFetchRequest, type PartitionData } from '../../protocol/generated/shareFetch.ts';
import type { Cluster } from '../core/cluster.ts';
import { PendingAcknowledgements, type AcknowledgementRange } from './acknowledgements.ts';
import type { SharePartition } from './shareMember.ts';

const fetchApi = { apiKey: ApiKey.ShareFetch, versionMax: 2, write: writeShareFetchRequest, read: readShareFetchResponse } as const;
const acknowledgeApi = { apiKey: ApiKey.ShareAcknowledge, versionMax: 2, write: writeShareAcknowledgeRequest, read: readShareAcknowledgeResponse } as const;
const RENEW_VERSION = 2;
const CLOSING_EPOCH = -1;
const EPOCH_MAX = 2 ** 31 - 1;

export interface ShareFetchLimits {
  readonly maxWaitMs: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly maxRecords: number;
}

export interface SharedPartitionData {
  readonly topicId: string;
  readonly data: PartitionData;
}

/** Told for each partition whose acknowledgements were answered. */
export type AcknowledgementListener = (topicId: string, partition: number, ranges: readonly AcknowledgementRange[], error: Error | null) => void;

const keyOf = ({ topicId, partition }: SharePartition): string => `${partition}/${topicId}`;

/** The session with one broker: which partitions it serves us, in what state, and what we owe it. */
export class ShareSession {
  readonly #cluster: Cluster;
  readonly brokerId: number;
  readonly #groupId: string;
  readonly #memberId: string;
  readonly #onAcknowledged: AcknowledgementListener;
  readonly #channel: string;
  /** The broker knows these. */
  readonly #known = new Map<string, SharePartition>();
  readonly #pending = new Map<string, { readonly place: SharePartition; readonly offsets: PendingAcknowledgements }>();
  #epoch = 0;
  /** How long records stay with us, as the broker said last; 0 before. */
  acquisitionLockTimeoutMs = 0;
  #tail: Promise<unknown> = Promise.resolve();

  constructor(cluster: Cluster, brokerId: number, groupId: string, memberId: string, onAcknowledged: AcknowledgementListener) {
    this.#cluster = cluster;
    this.brokerId = brokerId;
    this.#groupId = groupId;
    this.#memberId = memberId;
    this.#onAcknowledged = onAcknowledged;
    this.#channel = cluster.openChannel('share');
  }

  get hasPending(): boolean {
    for (const { offsets } of this.#pending.values()) if (offsets.size > 0) return true;
    return false;
  }

  acknowledge(place: SharePartition, offset: number, type: number): void {
    const key = keyOf(place);
    let entry = this.#pending.get(key);
    if (entry === undefined) this.#pending.set(key, (entry = { place, offsets: new PendingAcknowledgements() }));
    entry.offsets.add(offset, type);
  }

  /** Sends what is owed, and asks for records of `wanted`. */
  fetch(wanted: readonly SharePartition[], limits: ShareFetchLimits): Promise<SharedPartitionData[]> {
    return this.#inOrder(() => this.#fetch(wanted, limits));
  }

  /** Sends what is owed without asking for more. */
  commit(): Promise<void> {
    return this.#inOrder(() => this.#commit(this.#epoch));
  }

  /** Sends what is owed and ends the session: the broker gives others what we have not acknowledged. */
  close(): Promise<void> {
    return this.#inOrder(async () => {
      try {
        if (this.#epoch > 0) await this.#commit(CLOSING_EPOCH);
      } finally {
        this.#cluster.closeChannel(this.#channel);
      }
    });
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work, work);
    this.#tail = result.catch(() => {});
    return result;
  }

  async #fetch(wanted: readonly SharePartition[], limits: ShareFetchLimits): Promise<SharedPartitionData[]> {
    const wantedKeys = new Set(wanted.map(keyOf));
    const isNew = this.#epoch === 0;
    if (isNew) this.#known.clear();
    const added = wanted.filter((place) => !this.#known.has(keyOf(place)));
    const forgotten = [...this.#known.values()].filter((place) => !wantedKeys.has(keyOf(place)));
    const owed = isNew ? new Map<string, Owed>() : this.#takeOwed();
    const named = new Map([...added, ...[...owed.values()].map(({ place }) => place)].map((place) => [keyOf(place), place]));
    const topics = [...groupBy(named.values(), ({ topicId }) => topicId)].map(([topicId, places]) => makeFetchTopic({
      topicId, partitions: places.map((place) => makeFetchPartition({ partitionIndex: place.partition, acknowledgementBatches: owed.get(keyOf(place))?.ranges ?? [] })),
    }));
    const forgottenTopicsData = [...groupBy(forgotten, ({ topicId }) => topicId)].map(([topicId, places]) => makeForgottenTopic({ topicId, partitions: places.map(({ partition }) => partition) }));
    const { maxWaitMs, minBytes, maxBytes, maxRecords } = limits;
    try {
      const connection = await this.#cluster.connectionTo(this.brokerId, this.#channel);
      const version = connection.versionOf(fetchApi);
      const isRenewAck = version >= RENEW_VERSION && [...owed.values()].some(({ hasRenewal }) => hasRenewal);
      const body = makeShareFetchRequest({
        groupId: this.#groupId, memberId: this.#memberId, shareSessionEpoch: this.#epoch, topics, forgottenTopicsData, batchSize: maxRecords,
        // a renewal asks for nothing else
        ...(isRenewAck ? { maxWaitMs: 0, minBytes: 0, maxBytes: 0, maxRecords: 0, isRenewAck } : { maxWaitMs, minBytes, maxBytes, maxRecords }),
      });
      const answer = await connection.request(fetchApi, body, { version, timeoutMs: maxWaitMs + this.#cluster.options.requestTimeoutMs });
      throwOnError(answer.errorCode, answer.errorMessage);
      this.acquisitionLockTimeoutMs = answer.acquisitionLockTimeoutMs;
      this.#moveOn(added, forgotten);
      const all = answer.responses.flatMap(({ topicId, partitions }) => partitions.map((data) => ({ topicId, data })));
      for (const { topicId, data } of all) this.#settle(owed, topicId, data.partitionIndex, data.acknowledgeErrorCode);
      this.#settleRest(owed, null);
      return all;
    } catch (error) {
      this.#reset();
      this.#settleRest(owed, error as Error);
      throw error;
    }
  }

  async #commit(epoch: number): Promise<void> {
    if (this.#epoch === 0) return;
    const owed = this.#takeOwed();
    if (owed.size === 0 && epoch !== CLOSING_EPOCH) return;
    const topics = [...groupBy(owed.values(), ({ place }) => place.topicId)].map(([topicId, all]) => makeAcknowledgeTopic({
      topicId, partitions: all.map(({ place, ranges }) => makeAcknowledgePartition({ partitionIndex: place.partition, acknowledgementBatches: [...ranges] })),
    }));
    try {
      const connection = await this.#cluster.connectionTo(this.brokerId, this.#channel);
      const version = connection.versionOf(acknowledgeApi);
      const isRenewAck = version >= RENEW_VERSION && [...owed.values()].some(({ hasRenewal }) => hasRenewal);
      const answer = await connection.request(acknowledgeApi, makeShareAcknowledgeRequest({ groupId: this.#groupId, memberId: this.#memberId, shareSessionEpoch: epoch, topics, ...(isRenewAck ? { isRenewAck } : {}) }), { version });
      throwOnError(answer.errorCode, answer.errorMessage);
      if (epoch === CLOSING_EPOCH) this.#reset();
      else this.#moveOn([], []);
      for (const { topicId, partitions } of answer.responses) for (const { partitionIndex, errorCode } of partitions) this.#settle(owed, topicId, partitionIndex, errorCode);
      this.#settleRest(owed, null);
    } catch (error) {
      this.#reset();
      this.#settleRest(owed, error as Error);
      throw error;
    }
  }

  #takeOwed(): Map<string, Owed> {
    const owed = new Map<string, Owed>();
    for (const [key, { place, offsets }] of this.#pending) {
      const { hasRenewal } = offsets;
      const ranges = offsets.take();
      if (ranges.length > 0) owed.set(key, { place, ranges, hasRenewal });
    }
    this.#pending.clear();
    return owed;
  }

  #moveOn(added: readonly SharePartition[], forgotten: readonly SharePartition[]): void {
    this.#epoch = this.#epoch === EPOCH_MAX ? 1 : this.#epoch + 1;
    for (const place of added) this.#known.set(keyOf(place), place);
    for (const place of forgotten) this.#known.delete(keyOf(place));
  }

  /** What the broker knew of us is gone; records that we have will be given to others when their locks run out. */
  #reset(): void {
    this.#epoch = 0;
    this.#known.clear();
  }

  #settle(owed: Map<string, Owed>, topicId: string, partition: number, code: number): void {
    const key = keyOf({ topicId, partition });
    const entry = owed.get(key);
    if (entry === undefined) return;
    owed.delete(key);
    this.#onAcknowledged(topicId, partition, entry.ranges, code === ErrorCode.NONE ? null : new KafkaError(code));
  }

  #settleRest(owed: Map<string, Owed>, error: Error | null): void {
    for (const { place, ranges } of owed.values()) this.#onAcknowledged(place.topicId, place.partition, ranges, error);
    owed.clear();
  }
}

interface Owed {
  readonly place: SharePartition;
  readonly ranges: AcknowledgementRange[];
  readonly hasRenewal: boolean;
}
