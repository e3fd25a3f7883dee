/**
 * A guard stands in front of a handler and decides, as Kafka does for that API, what of a request the caller may have: it refuses the request, answers it, or
 * takes out what is not allowed and adds the refusals to the handler's answer. Without an authorizer no guard is there.
 */
import type { BrokerConfig } from '../../../config/types.ts';
import type { ClusterMetadata } from '../../../metadata/types.ts';
import type { ApiHandler, ClientConnection, RequestContext } from '../../contract.ts';
import { Caller } from './access.ts';
import type { Access } from './access.ts';

export interface GuardServices {
  readonly metadata: ClusterMetadata;
  readonly config: BrokerConfig;
}

export interface GuardCall extends GuardServices {
  readonly access: Access;
  readonly caller: Caller;
  readonly apiVersion: number;
}

export type Verdict<Request, Response> =
  /** The handler's `errorResponse` with this code. */
  | { readonly refusal: number; readonly message?: string }
  | { readonly response: Response }
  /** The handler works on `request` (default: what was asked), and `finish` mends its answer. */
  | { readonly request?: Request; readonly finish: (response: Response) => void };

/** Null lets the request pass as it is. */
export type Guard<Request, Response> = (request: Request, call: GuardCall) => Verdict<Request, Response> | null;

export interface GuardOfApi {
  readonly apiKey: number;
  // Each guard has its own request and response types; the list of them can name none.
  // eslint-disable-next-line typescript/no-explicit-any
  readonly guard: Guard<any, any>;
}

export function guardOf<Request, Response>(apiKey: number, guard: Guard<Request, Response>): GuardOfApi {
  return { apiKey, guard };
}

type AnyHandler = ApiHandler<unknown, unknown, unknown>;

/** The handler behind its guard. */
export function guarded(handler: AnyHandler, guard: Guard<unknown, unknown>, access: Access, services: GuardServices): AnyHandler {
  return {
    apiKey: handler.apiKey,
    name: handler.name,
    minVersion: handler.minVersion,
    maxVersion: handler.maxVersion,
    read: (reader, version) => handler.read(reader, version),
    write: (writer, response, version) => handler.write(writer, response, version),
    errorResponse: (request, code, message, version) => handler.errorResponse(request, code, message, version),
    handle(request, context, own) {
      const call: GuardCall = {
        access, metadata: services.metadata, config: services.config, caller: new Caller(access, context.connection), apiVersion: context.apiVersion,
      };
      const verdict = guard(request, call);
      if (verdict === null) return handler.handle(request, context, own);
      if ('refusal' in verdict) return context.reply(handler.errorResponse(request, verdict.refusal, verdict.message ?? null, context.apiVersion));
      if ('response' in verdict) return context.reply(verdict.response);
      return handler.handle(verdict.request ?? request, new FinishingContext(context, verdict.finish), own);
    },
  };
}

/** Mends the answer on its way out. */
class FinishingContext implements RequestContext<unknown> {
  readonly #context: RequestContext<unknown>;
  readonly #finish: (response: unknown) => void;

  constructor(context: RequestContext<unknown>, finish: (response: unknown) => void) {
    this.#context = context;
    this.#finish = finish;
  }

  get apiKey(): number {
    return this.#context.apiKey;
  }

  get apiVersion(): number {
    return this.#context.apiVersion;
  }

  get correlationId(): number {
    return this.#context.correlationId;
  }

  get clientId(): string {
    return this.#context.clientId;
  }

  get connection(): ClientConnection {
    return this.#context.connection;
  }

  get receivedMs(): number {
    return this.#context.receivedMs;
  }

  reply(response: unknown, onSent?: () => void): void {
    this.#finish(response);
    this.#context.reply(response, onSent);
  }

  replyNothing(): void {
    this.#context.replyNothing();
  }

  closeConnection(reason: string): void {
    this.#context.closeConnection(reason);
  }
}

/** Parts what may be done from what may not; null when everything may. */
export function split<Item>(items: readonly Item[], isAllowed: (item: Item) => boolean): { allowed: Item[]; denied: Item[] } | null {
  let denied: Item[] | null = null;
  for (const item of items) if (!isAllowed(item)) (denied ??= []).push(item);
  if (denied === null) return null;
  const refused = new Set(denied);
  return { allowed: items.filter((item) => !refused.has(item)), denied };
}
