import type { Clock, Logger } from '../base/ports.ts';
import type { Counter, Histogram, MetricsRegistry } from '../metrics/registry.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { apiSpec, beginResponse, readRequestHeader } from '../protocol/framing.ts';
import type { ApiSpec } from '../protocol/apiSpec.ts';
import type { RequestHeader } from '../protocol/framing.ts';
import { ApiKey } from '../protocol/generated/apis.ts';
import { ProtocolError } from '../protocol/protocolError.ts';
import { Reader } from '../protocol/reader.ts';
import { Writer } from '../protocol/writer.ts';
import type { ClientQuotas } from './quotas/clientQuotas.ts';
import type { ApiHandler, ClientConnection, ReplySlot, RequestContext, RequestSink } from './contract.ts';
import { errorCodeOf, errorMessageOf } from './errorMapping.ts';
import { SlowRequests } from './slowRequests.ts';

/**
 * What a request may take on the heap once it is decoded, records aside: more than a hundred thousand partitions. Everybody waits while one request is
 * worked on, so that a frame may not hold as many as its bytes allow.
 */
const REQUEST_HEAP_BYTES_MAX = 32 * 1024 * 1024;

/** A handler together with the services that it was written for. */
export interface Served {
  readonly handler: ApiHandler<unknown, unknown, unknown>;
  readonly services: unknown;
}

interface Entry extends Served {
  readonly requests: Counter;
  readonly errors: Counter;
  readonly requestBytes: Counter;
  /** From the whole frame to the reply handed over. */
  readonly totalTimeMs: Histogram;
}

export interface DispatchOptions {
  readonly served: readonly Served[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: MetricsRegistry;
  /** Requests that take longer are logged; -1, the default: none. */
  readonly slowRequestMs?: () => number;
  readonly quotas: ClientQuotas;
}

/** From a frame to the handler of its API, and from the handler's answer to a frame. */
export class Dispatcher implements RequestSink {
  readonly #entries: (Entry | undefined)[] = [];
  /** What `readRequestHeader` judges by. */
  readonly #spans: (ApiSpec | undefined)[] = [];
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #slowRequests: SlowRequests;
  readonly #quotas: ClientQuotas;
  /** One for all: bodies are read whole before anything else happens. */
  readonly #reader = new Reader();
  readonly #writer = new Writer();

  constructor(options: DispatchOptions) {
    this.#clock = options.clock;
    this.#logger = options.logger;
    this.#slowRequests = new SlowRequests(options.logger, options.clock, options.slowRequestMs ?? (() => -1));
    this.#quotas = options.quotas;
    for (const served of options.served) {
      const { apiKey, name, minVersion, maxVersion } = served.handler;
      const spec = apiSpec(apiKey);
      this.#spans[apiKey] = spec === undefined ? undefined : { ...spec, min: minVersion, max: maxVersion };
      const labels = { request: name };
      this.#entries[apiKey] = {
        ...served,
        requests: options.metrics.counter('requests', labels),
        errors: options.metrics.counter('request_errors', labels),
        requestBytes: options.metrics.counter('request_bytes', labels),
        totalTimeMs: options.metrics.histogram('request_total_time_ms', labels),
      };
    }
  }

  onRequest(frame: Buffer, connection: ClientConnection, slot: ReplySlot): void {
    try {
      const reader = this.#reader.reset(frame, 0, frame.length, REQUEST_HEAP_BYTES_MAX);
      const header = readRequestHeader(reader, this.#spans);
      if (header.verdict === 'ok') this.#handle(reader, header, frame.length, connection, slot);
      else this.#refuse(header, connection, slot);
    } catch (error) {
      this.#logger.error('a request could not be dispatched', { connection: connection.id, reason: describe(error) });
      slot.close('internal error');
    }
  }

  /** As Kafka: an ApiVersions that is too new learns what there is, everything else that is not served ends the connection. */
  #refuse(header: RequestHeader, connection: ClientConnection, slot: ReplySlot): void {
    const { apiKey, apiVersion, verdict } = header;
    if (verdict === 'unsupportedVersion' && apiKey === ApiKey.ApiVersions) {
      const entry = this.#entries[apiKey]!;
      const context = new DispatchContext(this, entry, { ...header, apiVersion: 0 }, connection, slot, this.#clock.monotonicMs());
      context.reply(entry.handler.errorResponse({ services: entry.services }, ErrorCode.UNSUPPORTED_VERSION, null, 0));
      return;
    }
    slot.close(`${verdict}: API ${apiKey} version ${apiVersion} of client ${shownClientId(header.clientId)}`);
  }

  /** Answers a request by its API's own error, whatever it asks for. False when it cannot be read; then nothing was answered. */
  answerError(frame: Buffer, connection: ClientConnection, slot: ReplySlot, errorCode: number, message: string | null): boolean {
    const reader = new Reader().reset(frame, 0, frame.length, REQUEST_HEAP_BYTES_MAX);
    const header = readRequestHeader(reader, this.#spans);
    if (header.verdict !== 'ok') return false;
    const entry = this.#entries[header.apiKey]!;
    try {
      const request = entry.handler.read(reader, header.apiVersion);
      reader.finish(true);
      const context = new DispatchContext(this, entry, header, connection, slot, this.#clock.monotonicMs());
      context.reply(entry.handler.errorResponse(request, errorCode, message, header.apiVersion));
      return true;
    } catch (error) {
      if (error instanceof ProtocolError) return false;
      throw error;
    }
  }

  #handle(reader: Reader, header: RequestHeader, frameBytes: number, connection: ClientConnection, slot: ReplySlot): void {
    const entry = this.#entries[header.apiKey]!;
    entry.requests.add();
    entry.requestBytes.add(frameBytes);
    const context = new DispatchContext(this, entry, header, connection, slot, this.#clock.monotonicMs());
    context.frameBytes = frameBytes;
    const request = this.#read(reader, entry, header, slot);
    if (request === undefined) return;
    try {
      const pending = entry.handler.handle(request, context, entry.services);
      if (pending !== undefined) pending.catch((error: unknown) => this.#fail(context, request, error));
    } catch (error) {
      this.#fail(context, request, error);
    }
    if (this.#quotas.isActive) context.busyMs = this.#clock.monotonicMs() - context.receivedMs;
  }

  #read(reader: Reader, entry: Entry, header: RequestHeader, slot: ReplySlot): unknown {
    try {
      const request = entry.handler.read(reader, header.apiVersion);
      // Bytes behind the body are let pass, as Kafka does.
      reader.finish(true);
      return request;
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      slot.close(`malformed ${entry.handler.name} request, version ${header.apiVersion}, of client ${shownClientId(header.clientId)}: ${error.message}`);
      return undefined;
    }
  }

  #fail(context: DispatchContext, request: unknown, error: unknown): void {
    const { handler, errors } = context.entry;
    errors.add();
    const code = errorCodeOf(error);
    if (code === ErrorCode.UNKNOWN_SERVER_ERROR) {
      this.#logger.error('a request failed', { api: handler.name, version: context.apiVersion, clientId: context.clientId, reason: describe(error) });
    }
    if (context.isAnswered) return;
    try {
      context.reply(handler.errorResponse(request, code, errorMessageOf(error), context.apiVersion));
    } catch (second) {
      this.onUnanswerable(context, second);
    }
  }

  /** Nothing can be said any more but that it is over. */
  onUnanswerable(context: DispatchContext, error: unknown): void {
    const { handler } = context.entry;
    this.#logger.error('a reply could not be made', { api: handler.name, version: context.apiVersion, clientId: context.clientId, reason: describe(error) });
    context.closeConnection('internal error');
  }

  /** A reply says for how long its connection is not read from (KIP-219): what its handler found, or what the request itself has used up. */
  #tellThrottle(context: DispatchContext, response: Throttled): void {
    context.throttleMs = Math.max(response.throttleTimeMs ?? 0, this.throttleOf(context));
    if (response.throttleTimeMs !== undefined) response.throttleTimeMs = context.throttleMs;
  }

  /** Counts a request that is answered, and returns how long its client has to wait. */
  throttleOf({ apiKey, connection, clientId, frameBytes, busyMs, receivedMs }: DispatchContext): number {
    if (!this.#quotas.isActive) return 0;
    const forBytes = apiKey === ApiKey.Produce ? this.#quotas.produce(connection, clientId, frameBytes) : 0;
    return Math.max(forBytes, this.#quotas.request(connection, clientId, busyMs < 0 ? this.#clock.monotonicMs() - receivedMs : busyMs));
  }

  /** Encodes a reply; null when it cannot be written. */
  encode(context: DispatchContext, response: unknown): Uint8Array[] | null {
    if (this.#quotas.isActive) this.#tellThrottle(context, response as Throttled);
    const writer = this.#writer;
    beginResponse(writer, context.apiKey, context.apiVersion, context.correlationId);
    try {
      context.entry.handler.write(writer, response, context.apiVersion);
      writer.endFrame();
    } catch (error) {
      writer.abortFrame();
      this.onUnanswerable(context, error);
      return null;
    }
    const nowMs = this.#clock.monotonicMs();
    context.entry.totalTimeMs.record(nowMs - context.receivedMs);
    this.#slowRequests.note(context.entry.handler.name, context, nowMs);
    return writer.take();
  }
}

/** Nearly every response has the field. */
interface Throttled {
  throttleTimeMs?: number;
}

class DispatchContext implements RequestContext<unknown> {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly clientId: string;
  readonly connection: ClientConnection;
  readonly receivedMs: number;
  readonly entry: Entry;
  readonly slot: ReplySlot;
  isAnswered = false;
  frameBytes = 0;
  /** How long its handler ran before it returned; -1 until then. */
  busyMs = -1;
  /** How long nothing is read from the connection after the reply. */
  throttleMs = 0;
  readonly #dispatcher: Dispatcher;

  constructor(dispatcher: Dispatcher, entry: Entry, header: RequestHeader, connection: ClientConnection, slot: ReplySlot, receivedMs: number) {
    this.#dispatcher = dispatcher;
    this.entry = entry;
    this.apiKey = header.apiKey;
    this.apiVersion = header.apiVersion;
    this.correlationId = header.correlationId;
    this.clientId = header.clientId ?? '';
    this.connection = connection;
    this.slot = slot;
    this.receivedMs = receivedMs;
  }

  reply(response: unknown, onSent?: () => void): void {
    const chunks = this.isAnswered ? null : this.#dispatcher.encode(this, response);
    if (chunks === null) {
      // Answered before, closed, or closed just now.
      onSent?.();
      return;
    }
    this.isAnswered = true;
    this.slot.send(chunks, onSent);
    if (this.throttleMs > 0) this.connection.throttle(this.throttleMs);
  }

  replyNothing(): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.slot.none();
    const throttleMs = this.#dispatcher.throttleOf(this);
    if (throttleMs > 0) this.connection.throttle(throttleMs);
  }

  closeConnection(reason: string): void {
    if (this.isAnswered) return;
    this.isAnswered = true;
    this.slot.close(reason);
  }
}

const CLIENT_ID_SHOWN_MAX = 100;

/** What a client calls itself may be as long as a frame. */
const shownClientId = (clientId: string | null): string => JSON.stringify((clientId ?? '').slice(0, CLIENT_ID_SHOWN_MAX));

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error));
