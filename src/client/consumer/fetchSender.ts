import { throwOnError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeFetchRequest, readFetchResponse, writeFetchRequest, type FetchResponse } from '../../protocol/generated/fetch.ts';
import type { Cluster } from '../core/cluster.ts';
import type { BrokerConnection } from '../core/connection.ts';
import type { ConsumerOptions } from './consumerOptions.ts';
import { FetchSession, type SessionFields, type WantedPartition } from './fetchSession.ts';

/** Version 12 is the last one that names topics instead of ids; 4 the first one with batches of magic 2. */
const fetchApi = { apiKey: ApiKey.Fetch, versionMax: 12, write: writeFetchRequest, read: readFetchResponse } as const;
const VERSION_MIN = 4;
const SESSION_VERSION = 7;
const REPLICA_NONE = -1;

/** Sends a consumer's fetches: on connections of their own, since a fetch waits at the broker, and in a session with each broker. */
export class FetchSender {
  readonly #cluster: Cluster;
  readonly #options: ConsumerOptions;
  readonly #channel: string;
  readonly #sessions = new Map<number, FetchSession>();

  constructor(cluster: Cluster, options: ConsumerOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.#channel = cluster.openChannel('fetch');
  }

  /** One fetch; one at a time from each broker. Partitions that have nothing to tell are not in the answer. Throws as BrokerConnection.request does, and KafkaError. */
  async fetch(brokerId: number, wanted: readonly WantedPartition[]): Promise<FetchResponse> {
    const connection = await this.#cluster.connectionTo(brokerId, this.#channel);
    if (connection.throttledForMs > 0) await this.#cluster.pause(connection.throttledForMs);
    const version = connection.versionOf(fetchApi, VERSION_MIN);
    const answer = version < SESSION_VERSION ? await this.#send(connection, version, FetchSession.whole(wanted)) : await this.#fetchInSession(brokerId, connection, version, wanted);
    throwOnError(answer.errorCode);
    if (this.#options.decodeBatches !== undefined) await this.#decode(answer, this.#options.decodeBatches);
    return answer;
  }

  async #decode({ responses }: FetchResponse, decodeBatches: NonNullable<ConsumerOptions['decodeBatches']>): Promise<void> {
    for (const { partitions } of responses) {
      for (const data of partitions) {
        const decoded = data.records === null ? null : decodeBatches(data.records as Buffer, this.#options.checkCrcs);
        if (decoded !== null) data.records = await decoded;
      }
    }
  }

  /** Ends the connections at once, a fetch that waits at a broker with them. Brokers that hold a session are told, if that takes no new connection; what they answer is not waited for. */
  async close(): Promise<void> {
    this.#cluster.closeChannel(this.#channel);
    const farewells = [...this.#sessions].map(async ([brokerId, session]) => {
      const fields = session.close();
      const connection = fields === null ? null : await this.#cluster.openConnectionTo(brokerId);
      if (fields === null || connection === null) return;
      this.#send(connection, connection.versionOf(fetchApi, SESSION_VERSION), fields, 0).catch(() => {});
    });
    this.#sessions.clear();
    await Promise.allSettled(farewells);
  }

  async #fetchInSession(brokerId: number, connection: BrokerConnection, version: number, wanted: readonly WantedPartition[]): Promise<FetchResponse> {
    let session = this.#sessions.get(brokerId);
    if (session === undefined) this.#sessions.set(brokerId, (session = new FetchSession()));
    try {
      const answer = await this.#send(connection, version, session.next(wanted));
      if (session.onAnswer(answer.errorCode, answer.sessionId)) return answer;
      // the broker has forgotten the session: everything is asked anew
      const again = await this.#send(connection, version, session.next(wanted));
      session.onAnswer(again.errorCode, again.sessionId);
      return again;
    } catch (error) {
      session.onFailure();
      throw error;
    }
  }

  #send(connection: BrokerConnection, version: number, fields: SessionFields, waitMs = this.#options.fetchWaitMsMax): Promise<FetchResponse> {
    const { fetchMinBytes, fetchMaxBytes, isolationLevel, rackId = '' } = this.#options;
    const body = makeFetchRequest({
      replicaId: REPLICA_NONE, maxWaitMs: waitMs, minBytes: fetchMinBytes, maxBytes: fetchMaxBytes, isolationLevel: isolationLevel === 'read_committed' ? 1 : 0, rackId, ...fields,
    });
    return connection.request(fetchApi, body, { version, timeoutMs: waitMs + this.#cluster.options.requestTimeoutMs });
  }
}
