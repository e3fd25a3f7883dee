/** The log of requests that took long, other than those that wait on purpose. */
import { LimitedLog } from '../base/limitedLog.ts';
import type { Clock, Logger } from '../base/ports.ts';
import { ApiKey } from '../protocol/generated/apis.ts';

/** They are answered when something happens or a time that the client named is over. */
const WAITING: ReadonlySet<number> = new Set([
  ApiKey.Fetch, ApiKey.JoinGroup, ApiKey.SyncGroup, ApiKey.ShareFetch, ApiKey.DeleteTopics, ApiKey.CreateTopics, ApiKey.CreatePartitions, ApiKey.ElectLeaders,
]);
const CLIENT_ID_SHOWN_MAX = 100;

export interface TimedRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly clientId: string;
  readonly connection: { readonly remoteAddress: string; readonly principal: string };
  readonly receivedMs: number;
}

export class SlowRequests {
  /** A disk that stalls makes every request slow: lines would not help it. */
  readonly #log: LimitedLog;
  readonly #limitMs: () => number;

  /** `limitMs` is asked anew: it may be set while running; -1 logs nothing. */
  constructor(logger: Logger, clock: Clock, limitMs: () => number) {
    this.#log = new LimitedLog(logger, clock);
    this.#limitMs = limitMs;
  }

  note(api: string, request: TimedRequest, nowMs: number): void {
    const totalMs = nowMs - request.receivedMs;
    // Nearly all requests end here.
    if (totalMs < 1) return;
    const limitMs = this.#limitMs();
    if (limitMs < 0 || totalMs <= limitMs || WAITING.has(request.apiKey)) return;
    this.#log.warn('slow request', 'a request was slow', {
      api, version: request.apiVersion, totalMs: Math.round(totalMs), clientId: request.clientId.slice(0, CLIENT_ID_SHOWN_MAX),
      client: request.connection.remoteAddress, principal: request.connection.principal,
    });
  }
}
