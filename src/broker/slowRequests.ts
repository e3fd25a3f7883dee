/** The log of requests that took long, other than those that wait on purpose. */
import type { Logger } from '../base/ports.ts';
import { ApiKey } from '../protocol/generated/apis.ts';

/** They are answered when something happens or a time that the client named is over. */
const WAITING: ReadonlySet<number> = new Set([
  ApiKey.Fetch, ApiKey.JoinGroup, ApiKey.SyncGroup, ApiKey.ShareFetch, ApiKey.DeleteTopics, ApiKey.CreateTopics, ApiKey.CreatePartitions, ApiKey.ElectLeaders,
]);
/** A disk that stalls makes every request slow: lines would not help it. */
const LINES_MAX = 10;
const WINDOW_MS = 10_000;
const CLIENT_ID_SHOWN_MAX = 100;

export interface TimedRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly clientId: string;
  readonly connection: { readonly remoteAddress: string; readonly principal: string };
  readonly receivedMs: number;
}

export class SlowRequests {
  readonly #logger: Logger;
  readonly #limitMs: () => number;
  #windowStartMs = 0;
  #lines = 0;
  #left = 0;

  /** `limitMs` is asked anew: it may be set while running; -1 logs nothing. */
  constructor(logger: Logger, limitMs: () => number) {
    this.#logger = logger;
    this.#limitMs = limitMs;
  }

  note(api: string, request: TimedRequest, nowMs: number): void {
    const totalMs = nowMs - request.receivedMs;
    // Nearly all requests end here.
    if (totalMs < 1) return;
    const limitMs = this.#limitMs();
    if (limitMs < 0 || totalMs <= limitMs || WAITING.has(request.apiKey) || !this.#admit(nowMs)) return;
    this.#logger.warn('a request was slow', {
      api, version: request.apiVersion, totalMs: Math.round(totalMs), clientId: request.clientId.slice(0, CLIENT_ID_SHOWN_MAX),
      client: request.connection.remoteAddress, principal: request.connection.principal, ...(this.#left > 0 ? { notLoggedBefore: this.#left } : {}),
    });
    this.#left = 0;
  }

  #admit(nowMs: number): boolean {
    if (nowMs - this.#windowStartMs >= WINDOW_MS) {
      this.#windowStartMs = nowMs;
      this.#lines = 0;
    }
    this.#lines++;
    if (this.#lines <= LINES_MAX) return true;
    this.#left++;
    return false;
  }
}
