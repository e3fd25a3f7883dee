import { ErrorCode, throwOnError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeFindCoordinatorRequest, readFindCoordinatorResponse, writeFindCoordinatorRequest } from '../../protocol/generated/findCoordinator.ts';
import type { ClientApi } from './clientApi.ts';
import type { Channel, Cluster } from './cluster.ts';
import type { BrokerConnection } from './connection.ts';

/** From version 4 on many keys are asked for at once, which is not needed here. */
const findCoordinatorApi = { apiKey: ApiKey.FindCoordinator, versionMax: 3, write: writeFindCoordinatorRequest, read: readFindCoordinatorResponse } as const;

export const CoordinatorKind = { group: 0, transaction: 1 } as const;
export type CoordinatorKind = (typeof CoordinatorKind)[keyof typeof CoordinatorKind];

/** Codes that say that the coordinator is another broker now, or none. */
export function isCoordinatorLost(code: number): boolean {
  return code === ErrorCode.NOT_COORDINATOR || code === ErrorCode.COORDINATOR_NOT_AVAILABLE;
}

/** The broker that coordinates one group or transactional id: looked up when needed, and again after a failure. */
export class Coordinator {
  readonly #cluster: Cluster;
  readonly #kind: CoordinatorKind;
  readonly #key: string;
  readonly #channel: Channel;
  #brokerId = -1;

  constructor(cluster: Cluster, kind: CoordinatorKind, key: string) {
    this.#cluster = cluster;
    this.#kind = kind;
    this.#key = key;
    this.#channel = cluster.openChannel(kind === CoordinatorKind.group ? 'group' : 'transaction');
  }

  /** Nobody will ask any more. */
  close(): void {
    this.#cluster.closeChannel(this.#channel);
  }

  /** It has moved: look it up again. */
  forget(): void {
    this.#brokerId = -1;
  }

  async connection(channel: Channel = this.#channel): Promise<BrokerConnection> {
    if (this.#brokerId < 0) {
      const connection = await this.#cluster.anyConnection();
      const answer = await connection.request(findCoordinatorApi, makeFindCoordinatorRequest({ key: this.#key, keyType: this.#kind }));
      throwOnError(answer.errorCode, answer.errorMessage);
      this.#brokerId = answer.nodeId;
    }
    return this.#cluster.connectionTo(this.#brokerId, channel);
  }

  /** One request, one try. Throws as BrokerConnection.request does; the coordinator is looked up again after that. */
  async ask<Request, Response>(api: ClientApi<Request, Response>, body: Request | ((version: number) => Request), options: { readonly timeoutMs?: number; readonly versionMin?: number; readonly channel?: Channel } = {}): Promise<Response> {
    try {
      const connection = await this.connection(options.channel);
      const version = connection.versionOf(api, options.versionMin ?? 0);
      const request = typeof body === 'function' ? (body as (version: number) => Request)(version) : body;
      return await connection.request(api, request, options.timeoutMs === undefined ? { version } : { version, timeoutMs: options.timeoutMs });
    } catch (error) {
      this.forget();
      throw error;
    }
  }
}
