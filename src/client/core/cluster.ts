import type { Clock, Logger, Random } from '../../base/ports.ts';
import type { Network } from '../../base/wire.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { makeMetadataRequest, makeMetadataRequestTopic, readMetadataResponse, writeMetadataRequest, type MetadataResponse } from '../../protocol/generated/metadata.ts';
import type { ClientApi } from './clientApi.ts';
import { ClientError } from './clientError.ts';
import { BrokerConnection } from './connection.ts';
import { retrying, type RetryOptions } from './wait.ts';

const metadataApi = { apiKey: 3, versionMax: 12, write: writeMetadataRequest, read: readMetadataResponse } as const;

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface ClusterOptions {
  /** Where to begin; any one that answers will do. */
  readonly bootstrap: readonly BrokerAddress[];
  readonly clientId: string;
  readonly network: Network;
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
  readonly leader: number;
  readonly leaderEpoch: number;
}

/** `host:port,host:port`, `[::1]:9092`; ClientError INVALID_ARGUMENT for anything else. */
export function parseBootstrap(text: string): BrokerAddress[] {
  const addresses = text.split(',').map((part) => part.trim()).filter((part) => part !== '').map((part) => {
    const match = /^(?:[A-Za-z_0-9]+:\/\/)?(?:\[([0-9A-Fa-f:.%]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(part);
    const port = Number(match?.[3] ?? 0);
    if (match === null || port < 1 || port > 65535) throw new ClientError('INVALID_ARGUMENT', `Invalid url in bootstrap.servers: ${part} (it must be host:port)`);
    return { host: match[1] ?? match[2] ?? '', port };
  });
  if (addresses.length === 0) throw new ClientError('INVALID_ARGUMENT', 'No bootstrap server was given (host:port)');
  return addresses;
}

/** Knows the brokers and who leads what, and keeps one connection to each broker that is asked. */
export class Cluster {
  readonly options: ClusterOptions;
  readonly #connections = new Map<string, Promise<BrokerConnection>>();
  readonly #brokers = new Map<number, BrokerAddress>();
  readonly #leaders = new Map<string, PartitionLeader[]>();
  readonly #refreshedMs = new Map<string, number>();
  #controllerId = -1;
  #isClosed = false;

  constructor(options: ClusterOptions) {
    this.options = options;
  }

  get retryOptions(): RetryOptions {
    const { clock, apiTimeoutMs, retryBackoffMs, retryBackoffMaxMs } = this.options;
    return { clock, timeoutMs: apiTimeoutMs, backoffMs: retryBackoffMs, backoffMaxMs: retryBackoffMaxMs };
  }

  /** Any broker that answers: known ones first, then the bootstrap list. */
  async anyConnection(): Promise<BrokerConnection> {
    const candidates = [...this.#brokers.values(), ...this.options.bootstrap];
    let last: unknown = null;
    for (const address of candidates) {
      try {
        return await this.#connect(address);
      } catch (error) {
        if (this.#isClosed) throw error;
        last = error;
      }
    }
    const names = this.options.bootstrap.map(({ host, port }) => `${host}:${port}`).join(', ');
    throw new ClientError('CONNECTION_REFUSED', `no broker answers at ${names}: ${(last as Error | null)?.message ?? 'none is known'}`);
  }

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

  /** One request to any broker, tried again while that may help. */
  askAny<Request, Response>(api: ClientApi<Request, Response>, body: Request): Promise<Response> {
    return retrying(this.retryOptions, async () => (await this.anyConnection()).request(api, body));
  }

  /** Metadata of the topics named (null: all) as the broker answers it; the leaders are remembered. */
  async metadata(topics: readonly string[] | null, allowAutoTopicCreation = false): Promise<MetadataResponse> {
    const connection = await this.anyConnection();
    const version = connection.versionOf(metadataApi);
    const named = topics?.map((name) => makeMetadataRequestTopic({ name })) ?? null;
    const answer = await connection.request(metadataApi, makeMetadataRequest({ topics: named, allowAutoTopicCreation }), { version });
    this.#brokers.clear();
    for (const { nodeId, host, port } of answer.brokers) this.#brokers.set(nodeId, { host, port });
    this.#controllerId = answer.controllerId;
    for (const topic of answer.topics) this.#rememberLeaders(topic);
    return answer;
  }

  /** Leaders of a topic's partitions by index, from what is known if it is fresh. Throws the topic's KafkaError. */
  async leadersOf(topic: string, options: { readonly refresh?: boolean; readonly allowAutoTopicCreation?: boolean } = {}): Promise<readonly PartitionLeader[]> {
    const ageMs = this.options.clock.monotonicMs() - (this.#refreshedMs.get(topic) ?? -Infinity);
    const known = this.#leaders.get(topic);
    if (known !== undefined && options.refresh !== true && ageMs < this.options.metadataMaxAgeMs) return known;
    const answer = await this.metadata([topic], options.allowAutoTopicCreation ?? false);
    const found = answer.topics.find((candidate) => candidate.name === topic);
    if (found === undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, topic);
    if (found.errorCode !== ErrorCode.NONE) throw new KafkaError(found.errorCode, topic);
    return this.#leaders.get(topic) ?? [];
  }

  forget(topic: string): void {
    this.#refreshedMs.delete(topic);
  }

  close(): void {
    this.#isClosed = true;
    for (const connection of this.#connections.values()) connection.then((open) => open.close(), () => {});
    this.#connections.clear();
  }

  #rememberLeaders(topic: MetadataResponse['topics'][number]): void {
    if (topic.name === null || topic.errorCode !== ErrorCode.NONE) return;
    const leaders: PartitionLeader[] = [];
    for (const partition of topic.partitions) leaders[partition.partitionIndex] = { leader: partition.leaderId, leaderEpoch: partition.leaderEpoch };
    this.#leaders.set(topic.name, leaders);
    this.#refreshedMs.set(topic.name, this.options.clock.monotonicMs());
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
    const { network, clientId, requestTimeoutMs, clock, connectTimeoutMs, softwareVersion } = this.options;
    const opened = network
      .connect({ host: address.host, port: address.port, timeoutMs: connectTimeoutMs })
      .catch((error: Error) => {
        throw new ClientError('CONNECTION_REFUSED', `Connection to ${key} could not be established: ${error.message}`);
      })
      .then((wire) => BrokerConnection.open(wire, { clientId, requestTimeoutMs, clock, softwareName: 'tidelog', softwareVersion }));
    this.#connections.set(key, opened);
    opened.catch(() => {
      if (this.#connections.get(key) === opened) this.#connections.delete(key);
    });
    return opened;
  }
}
