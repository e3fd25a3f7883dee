import type { Clock, Timer } from '../../base/ports.ts';
import type { Wire, WireHandler } from '../../base/wire.ts';
import { FrameReader } from '../../net/frameReader.ts';
import { decodeResponse, encodeRequest } from '../../protocol/framing.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeApiVersionsRequest, readApiVersionsResponse, writeApiVersionsRequest, type ApiVersionsResponse } from '../../protocol/generated/apiVersions.ts';
import type { Reader } from '../../protocol/reader.ts';
import { Writer } from '../../protocol/writer.ts';
import type { ClientApi } from './clientApi.ts';
import { ClientError } from './clientError.ts';
import type { ClusterCounters, RequestEnd, RequestObserver } from './requestObserver.ts';

/** A response larger than this is taken for garbage (fetch.max.bytes and one oversized batch fit well). */
const RESPONSE_MAX_BYTES = 512 * 1024 * 1024;
/** A response is given so much memory at once: a fetch from one partition fits, and is not copied while it grows. */
const RESPONSE_FIRST_BYTES = 2 * 1024 * 1024;
const ERROR_CODE_BYTES = 2;

const apiVersionsApi = { apiKey: ApiKey.ApiVersions, versionMax: 3, write: writeApiVersionsRequest, read: readApiVersions } as const;

/** A broker that does not know the version asked for answers in version 0 (KIP-511). */
function readApiVersions(reader: Reader, version: number): ApiVersionsResponse {
  const errorCode = reader.int16();
  reader.position -= ERROR_CODE_BYTES;
  return readApiVersionsResponse(reader, errorCode === ErrorCode.UNSUPPORTED_VERSION ? 0 : version);
}

/** Exactly one of the two is called, exactly once. */
interface PendingRequest {
  readonly onAnswer: (frame: Buffer) => void;
  readonly onFailure: (error: ClientError) => void;
  readonly deadline: Timer;
}

export interface ConnectionOptions {
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  readonly softwareName: string;
  readonly softwareVersion: string;
  readonly observer?: RequestObserver;
  readonly counters?: ClusterCounters;
}

interface LoginRenewal {
  readonly atMs: number;
  readonly renew: () => Promise<void>;
}

interface HeldRequests {
  readonly writes: { readonly chunks: readonly Uint8Array[]; readonly onWritten: (() => void) | undefined }[];
  readonly pending: PendingRequest[];
}

const isLogin = (apiKey: number): boolean => apiKey === ApiKey.SaslHandshake || apiKey === ApiKey.SaslAuthenticate;

export interface RequestOptions {
  /** Absent: the newest one that both sides speak. */
  readonly version?: number;
  readonly timeoutMs?: number;
}

/** One connection to one broker: requests in a pipeline, answers in order, versions agreed at the start. */
export class BrokerConnection implements WireHandler {
  readonly #wire: Wire;
  readonly #options: ConnectionOptions;
  readonly #writer = new Writer();
  readonly #pending: PendingRequest[] = [];
  readonly #versions = new Map<number, { readonly min: number; readonly max: number }>();
  readonly #frames: FrameReader;
  readonly #features = new Map<string, number>();
  #throttledUntilMs = 0;
  #renewal: LoginRenewal | null = null;
  /** While a login is renewed: what is to be sent after it, and who waits for the answers. */
  #held: HeldRequests | null = null;
  #correlationId = 0;
  #closedBy: ClientError | null = null;

  private constructor(wire: Wire, options: ConnectionOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#frames = new FrameReader(RESPONSE_MAX_BYTES, {
      onFrame: (frame, isOwn) => this.#onFrame(isOwn ? frame : Buffer.from(frame)),
      onBadLength: (length) => this.#fail(new ClientError('INVALID_RESPONSE', `the broker sent a response of ${length} bytes`)),
    }, undefined, RESPONSE_FIRST_BYTES);
  }

  /** Asks for the broker's API versions first. Rejects with ClientError or KafkaError. */
  static async open(wire: Wire, options: ConnectionOptions): Promise<BrokerConnection> {
    const connection = new BrokerConnection(wire, options);
    wire.start(connection);
    try {
      await connection.#negotiate();
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  get isOpen(): boolean {
    return this.#closedBy === null;
  }

  offers(apiKey: number): boolean {
    return this.#versions.has(apiKey);
  }

  /** Newest version of an API that the broker offers, -1 for none. */
  offeredVersion(apiKey: number): number {
    return this.#versions.get(apiKey)?.max ?? -1;
  }

  /** Level of a feature that the cluster has finalized (as `transaction.version`), 0 where it names none. */
  featureLevel(name: string): number {
    return this.#features.get(name) ?? 0;
  }

  /** How long the broker wants to hear nothing (KIP-219); 0 mostly. */
  get throttledForMs(): number {
    return this.#throttledUntilMs === 0 ? 0 : Math.max(this.#throttledUntilMs - this.#options.clock.monotonicMs(), 0);
  }

  /** The newest version that both sides speak; ClientError UNSUPPORTED_VERSION when there is none. */
  versionOf<Request, Response>(api: ClientApi<Request, Response>, versionMin = 0): number {
    const offered = this.#versions.get(api.apiKey);
    const version = Math.min(offered?.max ?? -1, api.versionMax);
    if (offered === undefined || version < offered.min || version < versionMin) {
      throw new ClientError('UNSUPPORTED_VERSION', `the broker at ${this.#wire.remoteAddress}:${this.#wire.remotePort} offers no version of API ${api.apiKey} that this client speaks`);
    }
    return version;
  }

  /**
   * Sends one request and resolves with its answer. Bytes in the answer are views of a buffer of its own. Rejects with ClientError
   * (REQUEST_TIMED_OUT, CONNECTION_CLOSED, INVALID_RESPONSE, UNSUPPORTED_VERSION, CLOSED), ProtocolError for a body that cannot be written.
   */
  request<Request, Response>(api: ClientApi<Request, Response>, body: Request, options: RequestOptions = {}): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      this.ask(api, body, options, resolve, reject);
    });
  }

  /** As `request`, with callbacks. Throws where nothing was sent. */
  ask<Request, Response>(api: ClientApi<Request, Response>, body: Request, options: RequestOptions, onResponse: (response: Response) => void, onError: (error: Error) => void): void {
    const apiVersion = options.version ?? this.versionOf(api);
    const end = this.#observe(api.apiKey, apiVersion);
    const correlationId = this.#write(api, apiVersion, body);
    const onFailure = (error: ClientError): void => {
      end?.(error);
      onError(error);
    };
    const onAnswer = (frame: Buffer): void => {
      let response: Response;
      try {
        response = decodeResponse(frame, { apiKey: api.apiKey, apiVersion, correlationId }, api.read);
      } catch (failure) {
        const error = new ClientError('INVALID_RESPONSE', `the answer to API ${api.apiKey} version ${apiVersion} cannot be read: ${(failure as Error).message}`);
        onFailure(error);
        this.#fail(new ClientError('CONNECTION_CLOSED', error.message));
        return;
      }
      this.#noteThrottle(response);
      end?.(null);
      onResponse(response);
    };
    const timeoutMs = options.timeoutMs ?? this.#options.requestTimeoutMs;
    const deadline = this.#options.clock.setTimer(timeoutMs, () => this.#fail(new ClientError('REQUEST_TIMED_OUT', `no answer to API ${api.apiKey} within ${timeoutMs} ms`)));
    const isHeld = this.#held !== null && !isLogin(api.apiKey);
    (isHeld ? this.#held!.pending : this.#pending).push({ onAnswer, onFailure, deadline });
  }

  /** For requests that have no answer (Produce with acks=0). Resolves when the system has taken the bytes, or the connection is gone. */
  sendWithoutAnswer<Request, Response>(api: ClientApi<Request, Response>, body: Request, version: number): Promise<void> {
    return new Promise((resolve) => {
      this.#write(api, version, body, resolve);
    });
  }

  /** The first request after `afterMs` waits until `renew` has logged in anew; when that fails, the connection does (KIP-368). */
  renewLoginAfter(afterMs: number, renew: () => Promise<void>): void {
    this.#renewal = { atMs: this.#options.clock.monotonicMs() + afterMs, renew };
  }

  /** Everything that waits fails with CLOSED. */
  close(): void {
    this.#fail(new ClientError('CLOSED', 'the connection was closed'));
  }

  onBytes(bytes: Buffer): void {
    this.#frames.onBytes(bytes);
  }

  nextReadBuffer(): Buffer | null {
    return this.#frames.nextReadBuffer();
  }

  onDrain(): void {}

  onClose(error?: Error): void {
    this.#fail(new ClientError('CONNECTION_CLOSED', error === undefined ? 'the broker closed the connection' : `the connection failed: ${error.message}`));
  }

  async #negotiate(): Promise<void> {
    const body = makeApiVersionsRequest({ clientSoftwareName: this.#options.softwareName, clientSoftwareVersion: this.#options.softwareVersion });
    let answer = await this.request(apiVersionsApi, body, { version: apiVersionsApi.versionMax });
    if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION) answer = await this.request(apiVersionsApi, makeApiVersionsRequest(), { version: 0 });
    if (answer.errorCode !== ErrorCode.NONE) throw new KafkaError(answer.errorCode);
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) this.#versions.set(apiKey, { min: minVersion, max: maxVersion });
    for (const { name, maxVersionLevel } of answer.finalizedFeatures) this.#features.set(name, maxVersionLevel);
  }

  #renewIfDue({ atMs, renew }: LoginRenewal): void {
    if (this.#options.clock.monotonicMs() < atMs) return;
    this.#renewal = null;
    this.#held = { writes: [], pending: [] };
    renew().then(() => this.#sendHeld(), (error: unknown) => this.#fail(error instanceof ClientError ? error : new ClientError('AUTHENTICATION_FAILED', String(error))));
  }

  #sendHeld(): void {
    const held = this.#held;
    this.#held = null;
    if (held === null) return;
    this.#pending.push(...held.pending);
    for (const { chunks, onWritten } of held.writes) this.#wire.write(chunks, onWritten);
  }

  #observe(apiKey: number, apiVersion: number): RequestEnd | null {
    const { observer, counters, clientId } = this.#options;
    if (counters !== undefined) counters.requests += 1;
    if (observer?.isActive !== true) return null;
    return observer.onRequest({ apiKey, apiVersion, host: this.#wire.remoteAddress, port: this.#wire.remotePort, clientId });
  }

  #noteThrottle(response: unknown): void {
    const throttleMs = (response as { readonly throttleTimeMs?: number }).throttleTimeMs ?? 0;
    if (throttleMs <= 0) return;
    const { clock, counters, requestTimeoutMs } = this.#options;
    const heldMs = Math.min(throttleMs, requestTimeoutMs);
    this.#throttledUntilMs = Math.max(this.#throttledUntilMs, clock.monotonicMs() + heldMs);
    if (counters !== undefined) counters.throttledMs += heldMs;
  }

  #write<Request, Response>(api: ClientApi<Request, Response>, apiVersion: number, body: Request, onWritten?: () => void): number {
    if (this.#closedBy !== null) throw this.#closedBy;
    if (this.#renewal !== null && !isLogin(api.apiKey)) this.#renewIfDue(this.#renewal);
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff;
    encodeRequest(this.#writer, { apiKey: api.apiKey, apiVersion, correlationId: this.#correlationId, clientId: this.#options.clientId, body, write: api.write });
    const chunks = this.#writer.take();
    const { counters } = this.#options;
    if (counters !== undefined) for (const chunk of chunks) counters.bytesSent += chunk.length;
    if (this.#held !== null && !isLogin(api.apiKey)) this.#held.writes.push({ chunks, onWritten });
    else this.#wire.write(chunks, onWritten);
    return this.#correlationId;
  }

  /** True: the frame's memory is kept. */
  #onFrame(frame: Buffer): boolean {
    const pending = this.#pending.shift();
    if (pending === undefined) {
      this.#fail(new ClientError('INVALID_RESPONSE', 'the broker answered what was not asked'));
      return true;
    }
    const { counters } = this.#options;
    if (counters !== undefined) counters.bytesReceived += frame.length;
    pending.deadline.cancel();
    pending.onAnswer(frame);
    return true;
  }

  /** A late answer can't be told from the next one: every failure ends the connection and all that waits on it. */
  #fail(error: ClientError): void {
    if (this.#closedBy !== null) return;
    this.#closedBy = error;
    this.#frames.close();
    this.#wire.destroy();
    const { counters } = this.#options;
    const waiting = [...this.#pending.splice(0), ...(this.#held?.pending ?? [])];
    const writes = this.#held?.writes ?? [];
    this.#held = null;
    if (counters !== undefined) counters.failedRequests += waiting.length;
    for (const { onWritten } of writes) onWritten?.();
    for (const pending of waiting) {
      pending.deadline.cancel();
      pending.onFailure(error);
    }
  }
}
