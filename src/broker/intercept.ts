/** What stands before a handler and decides what of a request it gets to see: refuses it, answers it, or takes a part out and adds to the answer. */
import type { ApiHandler, ClientConnection, RequestContext } from './contract.ts';

export type Verdict<Request, Response> =
  /** The handler's `errorResponse` with this code. */
  | { readonly refusal: number; readonly message?: string }
  | { readonly response: Response }
  /** There is no reply that could say it: the connection ends. */
  | { readonly close: string }
  /** The handler works on `request` (default: what was asked), and `finish` mends its answer. Where it answers nothing, the connection ends if there is an `ending`. */
  | { readonly request?: Request; readonly finish: (response: Response) => void; readonly ending?: string };

type AnyHandler = ApiHandler<unknown, unknown, unknown>;

/** The same API with `decide` before it; null lets a request pass as it is. */
export function intercepted(handler: AnyHandler, decide: (request: unknown, context: RequestContext<unknown>) => Verdict<unknown, unknown> | null): AnyHandler {
  return {
    apiKey: handler.apiKey,
    name: handler.name,
    minVersion: handler.minVersion,
    maxVersion: handler.maxVersion,
    read: (reader, version) => handler.read(reader, version),
    write: (writer, response, version) => handler.write(writer, response, version),
    errorResponse: (request, code, message, version) => handler.errorResponse(request, code, message, version),
    handle(request, context, services) {
      const verdict = decide(request, context);
      if (verdict === null) return handler.handle(request, context, services);
      if ('refusal' in verdict) return context.reply(handler.errorResponse(request, verdict.refusal, verdict.message ?? null, context.apiVersion));
      if ('response' in verdict) return context.reply(verdict.response);
      if ('close' in verdict) return context.closeConnection(verdict.close);
      return handler.handle(verdict.request ?? request, new FinishingContext(context, verdict.finish, verdict.ending ?? null), services);
    },
  };
}

/** Mends the answer on its way out. */
class FinishingContext implements RequestContext<unknown> {
  readonly #context: RequestContext<unknown>;
  readonly #finish: (response: unknown) => void;
  readonly #ending: string | null;

  constructor(context: RequestContext<unknown>, finish: (response: unknown) => void, ending: string | null) {
    this.#context = context;
    this.#finish = finish;
    this.#ending = ending;
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
    if (this.#ending === null) this.#context.replyNothing();
    else this.#context.closeConnection(this.#ending);
  }

  closeConnection(reason: string): void {
    this.#context.closeConnection(reason);
  }
}

/** Parts what passes from what does not; null when everything passes. */
export function split<Item>(items: readonly Item[], isAllowed: (item: Item) => boolean): { allowed: Item[]; denied: Item[] } | null {
  let denied: Item[] | null = null;
  for (const item of items) if (!isAllowed(item)) (denied ??= []).push(item);
  if (denied === null) return null;
  const refused = new Set(denied);
  return { allowed: items.filter((item) => !refused.has(item)), denied };
}
