import type { Clock, Logger, Random } from '../../base/ports.ts';
import type { Network } from '../../base/wire.ts';
import { ErrorCode, KafkaError, throwOnError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeMetadataRequest, makeMetadataRequestTopic, readMetadataResponse, writeMetadataRequest, type MetadataResponse, type MetadataResponseTopic } from '../../protocol/generated/metadata.ts';
import { zeroUuid, type Uuid } from '../../protocol/types.ts';
import type { BrokerAddress } from './bootstrap.ts';
import type { ClientApi } from './clientApi.ts';
import { ClientError } from './clientError.ts';
import type { BrokerConnection } from './connection.ts';
import { Dialing } from './dialing.ts';
import { makeClusterCounters, type ClusterCounters, type RequestObserver } from './requestObserver.ts';
import { Backoff, isRetriableError, Pauses } from './wait.ts';

const metadataApi = { apiKey: ApiKey.Metadata, versionMax: 13, write: writeMetadataRequest, read: readMetadataResponse } as const;

export interface ClusterOptions {
  /** Where to begin; any one that answers will do. */
  readonly bootstrap: readonly BrokerAddress[];
  readonly clientId: string;
  readonly network: Network;
  /** Its timers should keep the process alive while something is awaited. */
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly requestTimeoutMs: number;
  /** How long a call keeps trying before it gives up (default.api.timeout.ms). */
  readonly apiTimeoutMs: number;
  readonly connectTimeoutMs: number;
  readonly retryBackoffMs: number;
  readonly retryBackoffMaxMs: number;
  readonly metadataMaxAgeMs: number;
  readonly softwareVersion: string;
  /** Pauses before a broker that could not be reached is dialled again; they double. */
  readonly reconnectBackoffMs?: number;
  readonly reconnectBackoffMaxMs?: number;
  /** Known brokers are forgotten for the bootstrap list after so long without metadata (KIP-899); Infinity: never. */
  readonly rebootstrapTriggerMs?: number;
  /** Proves on a new connection who we are, before anything else is sent. Throws ClientError AUTHENTICATION_FAILED. */
  readonly authenticate?: (connection: BrokerConnection, address: BrokerAddress) => Promise<void>;
  /** Sees every request. */
  readonly observer?: RequestObserver;
}

/**
 * Names the connections of one user. A broker serves the requests of a connection one after the other, so what may wait long (a fetch, a join, a produce
 * with acks -1) has connections of its own; `main` is for short questions.
 */
export type Channel = string;

const MAIN: Channel = 'main';

export interface PartitionLeader {
  /** -1: there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
}

const REBOOTSTRAP_TRIGGER_MS = 300_000;

interface KnownTopic {
  readonly id: Uuid;
  readonly leaders: readonly PartitionLeader[];
  readonly askedMs: number;
}

/** Knows the brokers and who leads what, and keeps one connection to each broker that is asked. */
export class Cluster {
  readonly options: ClusterOptions;
  readonly counters: ClusterCounters = makeClusterCounters();
  readonly #dialing: Dialing;
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  readonly #pauses: Pauses;
  readonly #topics = new Map<string, KnownTopic>();
  /** Questions about a topic that are under way: who asks meanwhile shares the answer. */
  readonly #asking = new Map<string, Promise<readonly PartitionLeader[]>>();
  readonly #namesById = new Map<Uuid, string>();
  #brokers = new Map<number, BrokerAddress>();
  #metadataMs: number;
  #controllerId = -1;
  #channels = 0;
  #isClosed = false;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.#pauses = new Pauses(options.clock);
    this.#dialing = new Dialing(options, this.counters, (delayMs) => this.pause(delayMs));
    this.#metadataMs = options.clock.monotonicMs();
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  backoff(): Backoff {
    const { random, retryBackoffMs, retryBackoffMaxMs } = this.options;
    return new Backoff(random, retryBackoffMs, retryBackoffMaxMs);
  }

  /** Waits, or until the cluster is closed. */
  pause(delayMs: number): Promise<void> {
    return this.#pauses.pause(delayMs);
  }

  /** Tries again while the error is one that may pass and time is left. */
  async retrying<T>(attempt: () => Promise<T>, timeoutMs = this.options.apiTimeoutMs): Promise<T> {
    const deadlineMs = this.options.clock.monotonicMs() + timeoutMs;
    const backoff = this.backoff();
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        const delayMs = backoff.next();
        if (!isRetriableError(error) || this.#isClosed || this.options.clock.monotonicMs() + delayMs > deadlineMs) throw error;
        await this.pause(delayMs);
      }
    }
  }

  /** The brokers as last heard of, by id. */
  get brokers(): ReadonlyMap<number, BrokerAddress> {
    return this.#brokers;
  }

  /** Any broker that answers: known ones first, then the bootstrap list. */
  async anyConnection(): Promise<BrokerConnection> {
    let last: unknown = null;
    for (const address of this.#candidates()) {
      try {
        return await this.#connect(address);
      } catch (error) {
        if (this.#isClosed || !isRetriableError(error)) throw error;
        last = error;
      }
    }
    throw new ClientError('CONNECTION_REFUSED', (last as Error | null)?.message ?? 'no broker is known');
  }

  /** The connection to a broker by its id. KafkaError BROKER_NOT_AVAILABLE when the cluster has none of that id. */
  async connectionTo(brokerId: number, channel: Channel = MAIN): Promise<BrokerConnection> {
    if (!this.#brokers.has(brokerId)) await this.metadata([]);
    const address = this.#brokers.get(brokerId);
    if (address === undefined) throw new KafkaError(ErrorCode.BROKER_NOT_AVAILABLE, `broker ${brokerId} is not in the cluster`);
    return this.#connect(address, channel);
  }

  /** The connection to a broker if there is one already, or null. */
  async openConnectionTo(brokerId: number, channel: Channel = MAIN): Promise<BrokerConnection | null> {
    const address = this.#brokers.get(brokerId);
    const opened = address === undefined ? undefined : this.#connections.get(keyOf(address, channel));
    const connection = (await opened?.catch(() => null)) ?? null;
    return connection?.isOpen === true ? connection : null;
  }

  async controllerConnection(): Promise<BrokerConnection> {
    if (this.#controllerId < 0) await this.metadata([]);
    return this.#controllerId < 0 ? this.anyConnection() : this.connectionTo(this.#controllerId);
  }

  /** The controller has moved: ask again who it is. */
  forgetController(): void {
    this.#controllerId = -1;
  }

  /** One request to any broker, tried again while that may help. */
  askAny<Request, Response>(api: ClientApi<Request, Response>, body: Request): Promise<Response> {
    return this.retrying(async () => (await this.anyConnection()).request(api, body));
  }

  /** Metadata of the topics named (null: all) as the broker answers it; the leaders are remembered. */
  async metadata(topics: readonly string[] | null, allowAutoTopicCreation = false): Promise<MetadataResponse> {
    const connection = await this.anyConnection();
    const named = topics?.map((name) => makeMetadataRequestTopic({ name })) ?? null;
    // in version 0 an empty list means all topics
    const version = connection.versionOf(metadataApi, 1);
    const answer = await connection.request(metadataApi, makeMetadataRequest({ topics: named, allowAutoTopicCreation: version < 4 || allowAutoTopicCreation }), { version });
    if (answer.errorCode === ErrorCode.REBOOTSTRAP_REQUIRED) this.#brokers.clear();
    throwOnError(answer.errorCode);
    this.counters.metadataRefreshes += 1;
    this.#metadataMs = this.options.clock.monotonicMs();
    if (answer.brokers.length > 0) this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
    this.#controllerId = answer.controllerId;
    for (const topic of answer.topics) this.#remember(topic);
    return answer;
  }

  /** Leaders of a topic's partitions by index, from what is known if that is fresh. Throws the topic's KafkaError. */
  async leadersOf(topic: string, allowAutoTopicCreation = false): Promise<readonly PartitionLeader[]> {
    const fresh = this.knownLeaders(topic);
    if (fresh !== null) return fresh;
    const underWay = this.#asking.get(topic);
    if (underWay !== undefined) return underWay;
    const asking = this.#askLeaders(topic, allowAutoTopicCreation);
    this.#asking.set(topic, asking);
    try {
      return await asking;
    } finally {
      this.#asking.delete(topic);
    }
  }

  /** What `leadersOf` would answer without asking a broker, or null. */
  knownLeaders(topic: string): readonly PartitionLeader[] | null {
    const known = this.#topics.get(topic);
    if (known === undefined || this.options.clock.monotonicMs() - known.askedMs >= this.options.metadataMaxAgeMs) return null;
    return known.leaders;
  }

  /** The topic's id as last known, the zero id where there is none. */
  topicIdOf(topic: string): Uuid {
    return this.#topics.get(topic)?.id ?? zeroUuid;
  }

  /** The name of a topic whose metadata was asked for, null for another one. */
  topicNameOf(id: Uuid): string | null {
    return this.#namesById.get(id) ?? null;
  }

  /** What is known of the topic's leaders has proved wrong. */
  forget(topic: string): void {
    this.#topics.delete(topic);
  }

  /** A channel that nobody else has. */
  openChannel(use: string): Channel {
    this.#channels += 1;
    return `${use}-${this.#channels}`;
  }

  /** Ends the connections of a channel: what they wait for fails with CLOSED. */
  closeChannel(channel: Channel): void {
    for (const [key, opened] of this.#connections) {
      if (!key.endsWith(`/${channel}`)) continue;
      this.#connections.delete(key);
      opened.then((connection) => connection.close(), () => {});
    }
  }

  /** Ends all connections and pauses; calls that wait fail with CLOSED. */
  close(): void {
    this.#isClosed = true;
    this.#pauses.close();
    for (const connection of this.#connections.values()) connection.then((open) => open.close(), () => {});
    this.#connections.clear();
  }

  async #askLeaders(topic: string, allowAutoTopicCreation: boolean): Promise<readonly PartitionLeader[]> {
    const answer = await this.metadata([topic], allowAutoTopicCreation);
    const found = answer.topics.find((candidate) => candidate.name === topic);
    if (found === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `topic ${topic} does not exist`);
    if (found.errorCode !== ErrorCode.NONE) throw new KafkaError(found.errorCode, `topic ${topic}`);
    return leadersIn(found);
  }

  #remember(topic: MetadataResponseTopic): void {
    if (topic.name === null) return;
    if (topic.errorCode !== ErrorCode.NONE) {
      this.#topics.delete(topic.name);
      return;
    }
    this.#topics.set(topic.name, { id: topic.topicId, leaders: leadersIn(topic), askedMs: this.options.clock.monotonicMs() });
    if (topic.topicId !== zeroUuid) this.#namesById.set(topic.topicId, topic.name);
  }

  /** Known brokers, then the bootstrap list; those that could not be reached lately last. */
  #candidates(): BrokerAddress[] {
    const isStale = this.options.clock.monotonicMs() - this.#metadataMs > (this.options.rebootstrapTriggerMs ?? REBOOTSTRAP_TRIGGER_MS);
    const known = isStale ? [] : [...this.#brokers.values()];
    const others = this.options.bootstrap.filter(({ host, port }) => !known.some((address) => address.host === host && address.port === port));
    return this.#dialing.ordered([...known, ...others]);
  }

  #connect(address: BrokerAddress, channel: Channel = MAIN): Promise<BrokerConnection> {
    if (this.#isClosed) return Promise.reject(new ClientError('CLOSED', 'the client was closed'));
    const key = keyOf(address, channel);
    const known = this.#connections.get(key);
    if (known === undefined) return this.#open(key, address);
    return known.then((connection) => {
      if (connection.isOpen) return connection;
      if (this.#connections.get(key) === known) this.#connections.delete(key);
      return this.#connect(address, channel);
    });
  }

  #open(key: string, address: BrokerAddress): Promise<BrokerConnection> {
    const opened = this.#dialing.dial(address);
    this.#connections.set(key, opened);
    opened.catch(() => {
      if (this.#connections.get(key) === opened) this.#connections.delete(key);
    });
    return opened;
  }
}

const keyOf = ({ host, port }: BrokerAddress, channel: Channel): string => `${host}:${port}/${channel}`;

/** Partitions are numbered from 0 without gaps; a number beyond their count is nothing to make an array of. */
function leadersIn({ partitions }: MetadataResponseTopic): PartitionLeader[] {
  const leaders: PartitionLeader[] = Array.from(partitions, () => ({ leader: -1, leaderEpoch: -1 }));
  for (const { partitionIndex, leaderId, leaderEpoch } of partitions) {
    if (partitionIndex >= 0 && partitionIndex < leaders.length) leaders[partitionIndex] = { leader: leaderId, leaderEpoch };
  }
  return leaders;
}
