import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { forEachFetchedRecord } from '../consumer/fetchedRecords.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { isRetriableError } from '../core/wait.ts';
import { Acknowledge, type AcknowledgementRange, type AcknowledgeType } from '../share/acknowledgements.ts';
import { ShareMember, type SharePartition } from '../share/shareMember.ts';
import { ShareSession, type SharedPartitionData } from '../share/shareSession.ts';
import { RecordError } from '../../record/recordError.ts';
import { checkNumber, checkOneOf, checkOptionNames } from './optionCheck.ts';
import { ConsumedRecord } from './recordBatch.ts';
import { bytes, type Deserializer } from './serdes.ts';

export interface ShareConsumerOptions<K, V> {
  readonly groupId: string;
  readonly key?: Deserializer<K>;
  readonly value?: Deserializer<V>;
  /** `implicit`: what was handed out is accepted with the next poll or commit; `explicit`: each record must be acknowledged before that. */
  readonly acknowledgement?: 'implicit' | 'explicit';
  readonly maxRecords?: number;
  readonly fetchMinBytes?: number;
  readonly fetchMaxBytes?: number;
  readonly fetchWaitMsMax?: number;
  readonly rackId?: string;
  /** Hears how acknowledgements ended. */
  readonly onAcknowledged?: (topic: string, partition: number, offsets: readonly AcknowledgementRange[], error: Error | null) => void;
}

const OPTION_NAMES = ['groupId', 'key', 'value', 'acknowledgement', 'maxRecords', 'fetchMinBytes', 'fetchMaxBytes', 'fetchWaitMsMax', 'rackId', 'onAcknowledged'] as const;
const MAX_RECORDS = 500;
const FETCH_MAX_BYTES = 52_428_800;
const FETCH_WAIT_MS = 500;
const POLL_MS = 1000;
const CLOSE_TIMEOUT_MS = 5000;

/** A record of a share group. */
export interface SharedRecord<K, V> {
  readonly record: ConsumedRecord<K, V>;
  /** 1 when nobody had it before. */
  readonly deliveryCount: number;
}

interface Acquired {
  readonly session: ShareSession;
  readonly place: SharePartition;
  readonly offset: number;
}

/** Takes records of a share group (KIP-932): each record goes to one of the group's consumers, which says what becomes of it. */
export class ShareConsumer<K, V> {
  readonly #cluster: Cluster;
  readonly #options: ShareConsumerOptions<K, V>;
  readonly #member: ShareMember;
  readonly #onClose: () => void;
  readonly #sessions = new Map<number, ShareSession>();
  readonly #fetching = new Map<number, Promise<void>>();
  /** Handed out and not acknowledged. */
  #open = new Map<string, Acquired>();
  #ready: { readonly shared: SharedRecord<K, V>; readonly acquired: Acquired }[] = [];
  #failure: Error | null = null;
  #wakeWaiter: (() => void) | null = null;
  #isClosed = false;

  constructor(cluster: Cluster, options: ShareConsumerOptions<K, V>, onClose: () => void = () => {}) {
    checkOptionNames('a share consumer', options, OPTION_NAMES);
    checkOneOf('acknowledgement', options.acknowledgement, ['implicit', 'explicit']);
    checkNumber('maxRecords', options.maxRecords, { min: 1 });
    if (typeof options.groupId !== 'string' || options.groupId === '') throw new ClientError('INVALID_ARGUMENT', 'a share consumer needs a groupId');
    this.#cluster = cluster;
    this.#options = options;
    this.#onClose = onClose;
    this.#member = new ShareMember(cluster, options.groupId, options.rackId ?? null, () => this.#wakeWaiter?.());
  }

  subscribe(topics: readonly string[]): void {
    this.#member.subscribe([...new Set(topics)]);
  }

  /** How long a record stays with this consumer before it goes to another one, as the brokers said last; null before. */
  get acquisitionLockTimeoutMs(): number | null {
    const timeoutMs = Math.max(0, ...[...this.#sessions.values()].map((session) => session.acquisitionLockTimeoutMs));
    return timeoutMs === 0 ? null : timeoutMs;
  }

  get subscription(): readonly string[] {
    return this.#member.topics;
  }

  /** Records acquired for us, or none after `timeoutMs`. Throws ClientError INVALID_STATE where records are not acknowledged that must be. */
  async poll(timeoutMs = POLL_MS): Promise<SharedRecord<K, V>[]> {
    const deadlineMs = this.#now() + timeoutMs;
    this.#settleOpen();
    for (;;) {
      if (this.#isClosed) throw new ClientError('CLOSED', 'the share consumer was closed');
      const failure = this.#failure ?? this.#member.failure;
      this.#failure = null;
      if (failure !== null) throw failure;
      if (this.#ready.length > 0) return this.#handOut();
      const leftMs = deadlineMs - this.#now();
      if (leftMs <= 0) return [];
      await this.#fetchAll(leftMs);
      if (this.#ready.length === 0) await this.#wait(leftMs);
    }
  }

  /** Says what becomes of a record that the last poll gave. */
  acknowledge({ topic, partition, offset }: { readonly topic: string; readonly partition: number; readonly offset: number }, type: AcknowledgeType = 'accept'): void {
    const key = `${offset}/${partition}/${topic}`;
    const acquired = this.#open.get(key);
    if (acquired === undefined) throw new ClientError('INVALID_STATE', `the record at ${topic}-${partition} offset ${offset} was not handed out by the last poll, or is acknowledged already`);
    if (type !== 'renew') this.#open.delete(key);
    acquired.session.acknowledge(acquired.place, offset, Acknowledge[type]);
  }

  /** Sends acknowledgements now instead of with the next poll. Rejects with the first failure; `onAcknowledged` hears of each. */
  async commit(): Promise<void> {
    this.#settleOpen(false);
    const outcomes = await Promise.allSettled([...this.#sessions.values()].map((session) => session.commit()));
    const failed = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** Records as they come. In implicit mode asking for the next poll's records accepts those before. */
  async *records({ signal }: { readonly signal?: AbortSignal } = {}): AsyncGenerator<SharedRecord<K, V>, void, void> {
    while (!this.#isOver(signal)) {
      for (const shared of await this.poll()) {
        yield shared;
        if (this.#isOver(signal)) return;
      }
    }
  }

  /** Sends acknowledgements, gives back what was not acknowledged, leaves. */
  async close(timeoutMs = CLOSE_TIMEOUT_MS): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#wakeWaiter?.();
    for (const { acquired } of this.#ready.splice(0)) acquired.session.acknowledge(acquired.place, acquired.offset, Acknowledge.release);
    const isImplicit = this.#options.acknowledgement !== 'explicit';
    for (const { session, place, offset } of this.#open.values()) session.acknowledge(place, offset, isImplicit ? Acknowledge.accept : Acknowledge.release);
    this.#open.clear();
    const ending = Promise.allSettled([...this.#sessions.values()].map((session) => session.close())).then(() => this.#member.leave()).catch(() => {});
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const timer = this.#cluster.options.clock.setTimer(timeoutMs, end);
    await Promise.race([ending, ended]);
    timer.cancel();
    this.#onClose();
  }

  #isOver(signal: AbortSignal | undefined): boolean {
    return this.#isClosed || signal?.aborted === true;
  }

  #now(): number {
    return this.#cluster.options.clock.monotonicMs();
  }

  /** What the last poll gave is accepted, or must have been acknowledged. */
  #settleOpen(isStrict = true): void {
    if (this.#options.acknowledgement === 'explicit') {
      if (isStrict && this.#open.size > 0) throw new ClientError('INVALID_STATE', `${this.#open.size} record(s) of the last poll are not acknowledged: with explicit acknowledgement each must be before the next poll`);
      return;
    }
    for (const { session, place, offset } of this.#open.values()) session.acknowledge(place, offset, Acknowledge.accept);
    this.#open = new Map();
  }

  #handOut(): SharedRecord<K, V>[] {
    const ready = this.#ready.splice(0, this.#options.maxRecords ?? MAX_RECORDS);
    for (const { shared, acquired } of ready) this.#open.set(`${acquired.offset}/${shared.record.partition}/${shared.record.topic}`, acquired);
    return ready.map(({ shared }) => shared);
  }

  async #wait(leftMs: number): Promise<void> {
    let end = () => {};
    const woken = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#wakeWaiter = end;
    const timer = this.#cluster.options.clock.setTimer(Math.min(leftMs, FETCH_WAIT_MS), end);
    await Promise.race([woken, ...this.#fetching.values()]);
    timer.cancel();
    this.#wakeWaiter = null;
  }

  /** Asks every broker that leads something of ours and is not asked yet; and those whom we owe something. */
  async #fetchAll(leftMs: number): Promise<void> {
    const byBroker = await this.#leaders().catch((error: Error) => {
      if (!isRetriableError(error)) throw error;
      return new Map<number, SharePartition[]>();
    });
    for (const [brokerId, session] of this.#sessions) if (!byBroker.has(brokerId) && session.hasPending && !this.#fetching.has(brokerId)) void session.commit().catch(() => {});
    for (const [brokerId, wanted] of byBroker) {
      if (this.#fetching.has(brokerId)) continue;
      const fetching = this.#fetch(this.#sessionOf(brokerId), wanted, leftMs).finally(() => this.#fetching.delete(brokerId));
      this.#fetching.set(brokerId, fetching);
    }
  }

  async #leaders(): Promise<Map<number, SharePartition[]>> {
    const byBroker = new Map<number, SharePartition[]>();
    for (const place of this.#member.assignment) {
      let topic = this.#cluster.topicNameOf(place.topicId);
      if (topic === null) await this.#cluster.metadata(null);
      topic = this.#cluster.topicNameOf(place.topicId);
      if (topic === null) continue;
      const leader = (await this.#cluster.leadersOf(topic))[place.partition]?.leader ?? -1;
      if (leader < 0) {
        this.#cluster.forget(topic);
        continue;
      }
      const known = byBroker.get(leader);
      if (known === undefined) byBroker.set(leader, [place]);
      else known.push(place);
    }
    return byBroker;
  }

  #sessionOf(brokerId: number): ShareSession {
    let session = this.#sessions.get(brokerId);
    if (session === undefined) {
      const { onAcknowledged } = this.#options;
      session = new ShareSession(this.#cluster, brokerId, this.#options.groupId, this.#member.memberId, (topicId, partition, ranges, error) => {
        onAcknowledged?.(this.#cluster.topicNameOf(topicId) ?? topicId, partition, ranges, error);
      });
      this.#sessions.set(brokerId, session);
    }
    return session;
  }

  async #fetch(session: ShareSession, wanted: readonly SharePartition[], leftMs: number): Promise<void> {
    const { maxRecords = MAX_RECORDS, fetchMinBytes = 1, fetchMaxBytes = FETCH_MAX_BYTES, fetchWaitMsMax = FETCH_WAIT_MS } = this.#options;
    try {
      const limits = { maxWaitMs: Math.max(Math.floor(Math.min(fetchWaitMsMax, leftMs)), 0), minBytes: fetchMinBytes, maxBytes: fetchMaxBytes, maxRecords };
      for (const part of await session.fetch(wanted, limits)) this.#accept(session, part);
    } catch (error) {
      const isPassing = isRetriableError(error) || (error instanceof KafkaError && SESSION_ERRORS.has(error.code));
      for (const { topicId } of wanted) this.#cluster.forget(this.#cluster.topicNameOf(topicId) ?? '');
      if (!isPassing && !this.#isClosed) this.#failure ??= error as Error;
      await this.#cluster.pause(this.#cluster.options.retryBackoffMs);
    }
  }

  #accept(session: ShareSession, { topicId, data }: SharedPartitionData): void {
    const topic = this.#cluster.topicNameOf(topicId);
    if (topic === null) return;
    if (data.errorCode !== ErrorCode.NONE) {
      const error = new KafkaError(data.errorCode, `${topic}-${data.partitionIndex}`);
      this.#cluster.forget(topic);
      if (!error.retriable && !error.refreshMetadata) this.#failure ??= error;
      return;
    }
    const place = { topicId, partition: data.partitionIndex };
    const counts = new Map<number, number>();
    for (const { firstOffset, lastOffset, deliveryCount } of data.acquiredRecords) for (let offset = firstOffset; offset <= lastOffset && counts.size < ACQUIRED_MAX; offset += 1) counts.set(offset, deliveryCount);
    this.#decode(session, topic, place, data.records as Buffer | null, counts);
    // acquired, but no record: the end of a transaction, or compacted away
    for (const offset of counts.keys()) session.acknowledge(place, offset, Acknowledge.gap);
  }

  /** Takes what is decoded out of `counts`. A record that cannot be deserialized is rejected, so that it comes to nobody again. */
  #decode(session: ShareSession, topic: string, place: SharePartition, records: Buffer | null, counts: Map<number, number>): void {
    if (records === null || records.length === 0 || counts.size === 0) return;
    const keys = this.#options.key ?? (bytes as unknown as Deserializer<K>);
    const values = this.#options.value ?? (bytes as unknown as Deserializer<V>);
    try {
      forEachFetchedRecord(records, { fromOffset: 0, aborted: null, checkCrcs: true }, (cursor) => {
        const { offset } = cursor;
        const deliveryCount = counts.get(offset);
        if (deliveryCount === undefined) return;
        counts.delete(offset);
        try {
          const record = new ConsumedRecord(topic, place.partition, cursor, keys.deserialize(cursor.key(), topic), values.deserialize(cursor.value(), topic));
          this.#ready.push({ shared: { record, deliveryCount }, acquired: { session, place, offset } });
        } catch (error) {
          session.acknowledge(place, offset, Acknowledge.reject);
          this.#failure ??= new ClientError('SERIALIZATION_FAILED', `the record at ${topic}-${place.partition} offset ${offset} was rejected, since it cannot be deserialized: ${(error as Error).message}`, error);
        }
      });
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      for (const offset of counts.keys()) session.acknowledge(place, offset, Acknowledge.release);
      counts.clear();
      this.#failure ??= new ClientError('CORRUPT_DATA', `records of ${topic}-${place.partition} cannot be read: ${error.message}`, error);
    }
  }
}

/** More records than this cannot be acquired at once: a broker that says so lies. */
const ACQUIRED_MAX = 1_000_000;

const SESSION_ERRORS: ReadonlySet<number> = new Set([
  ErrorCode.SHARE_SESSION_NOT_FOUND, ErrorCode.INVALID_SHARE_SESSION_EPOCH, ErrorCode.SHARE_SESSION_LIMIT_REACHED, ErrorCode.UNKNOWN_TOPIC_ID, ErrorCode.INCONSISTENT_TOPIC_ID,
]);
