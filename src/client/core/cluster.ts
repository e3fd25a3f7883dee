import type { Clock, Logger, Random } from '../../base/ports.ts';
import type { Network } from '../../base/wire.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeMetadataRequest, makeMetadataRequestTopic, readMetadataResponse, writeMetadataRequest, type MetadataResponse, type MetadataResponseTopic } from '../../protocol/generated/metadata.ts';
import type { BrokerAddress } from './bootstrap.ts';
import type { ClientApi } from './clientApi.ts';
import { ClientError } from './clientError.ts';
import { BrokerConnection } from './connection.ts';
import { Backoff, isRetriableError, Pauses } from './wait.ts';

const metadataApi = { apiKey: ApiKey.Metadata, versionMax: 12, write: writeMetadataRequest, read: readMetadataResponse } as const;

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
}

export interface PartitionLeader {
  /** -1: there is none. */
  readonly leader: number;
  readonly leaderEpoch: number;
}

interface KnownTopic {
  readonly leaders: readonly PartitionLeader[];
  readonly askedMs: number;
}

/** Knows the brokers and who leads what, and keeps one connection to each broker that is asked. */
export class Cluster {
  readonly options: ClusterOptions;
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  readonly #pauses: Pauses;
  readonly #topics = new Map<string, KnownTopic>();
  /** Questions about a topic that are under way: who asks meanwhile shares the answer. */
  readonly #asking = new Map<string, Promise<readonly PartitionLeader[]>>();
  #brokers = new Map<number, BrokerAddress>();
  #controllerId = -1;
  #isClosed = false;

  constructor(options: ClusterOptions) {
    this.options = options;
    this.#pauses = new Pauses(options.clock);
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
  async connectionTo(brokerId: number): Promise<BrokerConnection> {
    if (!this.#brokers.has(brokerId)) await this.metadata([]);
    const address = this.#brokers.get(brokerId);
    if (address === undefined) throw new KafkaError(ErrorCode.BROKER_NOT_AVAILABLE, `broker ${brokerId} is not in the cluster`);
    return this.#connect(address);
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

  /** What is known of the topic's leaders has proved wrong. */
  forget(topic: string): void {
    this.#topics.delete(topic);
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
    if (topic.errorCode === ErrorCode.NONE) this.#topics.set(topic.name, { leaders: leadersIn(topic), askedMs: this.options.clock.monotonicMs() });
    else this.#topics.delete(topic.name);
  }

  #candidates(): BrokerAddress[] {
    const known = [...this.#brokers.values()];
    const others = this.options.bootstrap.filter(({ host, port }) => !known.some((address) => address.host === host && address.port === port));
    return [...known, ...others];
  }

  #connect(address: BrokerAddress): Promise<BrokerConnection> {
    if (this.#isClosed) return Promise.reject(new ClientError('CLOSED', 'the client was closed'));
    const key = `${address.host}:${address.port}`;
    const known = this.#connections.get(key);
    if (known === undefined) return this.#open(key, address);
    return known.then((connection) => {
      if (connection.isOpen) return connection;
      if (this.#connections.get(key) === known) this.#connections.delete(key);
      return this.#connect(address);
    });
  }

  #open(key: string, address: BrokerAddress): Promise<BrokerConnection> {
    const opened = this.#dial(key, address);
    this.#connections.set(key, opened);
    opened.catch(() => {
      if (this.#connections.get(key) === opened) this.#connections.delete(key);
    });
    return opened;
  }

  async #dial(key: string, address: BrokerAddress): Promise<BrokerConnection> {
    const { network, clientId, requestTimeoutMs, clock, connectTimeoutMs, softwareVersion, logger } = this.options;
    const wire = await network.connect({ host: address.host, port: address.port, timeoutMs: connectTimeoutMs }).catch((error: Error) => {
      const message = `Connection to ${key} could not be established: ${reasonOf(error)}`;
      logger.warn(message);
      throw new ClientError('CONNECTION_REFUSED', message);
    });
    return BrokerConnection.open(wire, { clientId, requestTimeoutMs, clock, softwareName: 'tidelog', softwareVersion });
  }
}

/** A host with several addresses fails with one error for each of them. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map((inner: Error) => inner.message).join(', ');
  return error.message;
}

/** Partitions are numbered from 0 without gaps; a number beyond their count is nothing to make an array of. */
function leadersIn({ partitions }: MetadataResponseTopic): PartitionLeader[] {
  const leaders: PartitionLeader[] = Array.from(partitions, () => ({ leader: -1, leaderEpoch: -1 }));
  for (const { partitionIndex, leaderId, leaderEpoch } of partitions) {
    if (partitionIndex >= 0 && partitionIndex < leaders.length) leaders[partitionIndex] = { leader: leaderId, leaderEpoch };
  }
  return leaders;
}
