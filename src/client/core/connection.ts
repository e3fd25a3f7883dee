import type { Clock, Timer } from '../../base/ports.ts';
import type { Wire, WireHandler } from '../../base/wire.ts';
import { FrameReader } from '../../net/frameReader.ts';
import { decodeResponse, encodeRequest } from '../../protocol/framing.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { makeApiVersionsRequest, readApiVersionsResponse, writeApiVersionsRequest } from '../../protocol/generated/apiVersions.ts';
import { Writer } from '../../protocol/writer.ts';
import type { ClientApi } from './clientApi.ts';
import { ClientError } from './clientError.ts';

/** A response larger than this is taken for garbage (fetch.max.bytes and one oversized batch fit well). */
const RESPONSE_MAX_BYTES = 512 * 1024 * 1024;

const apiVersionsApi = {
  apiKey: 18, versionMax: 3, write: writeApiVersionsRequest, read: readApiVersionsResponse,
} as const;

interface PendingRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly correlationId: number;
  readonly settle: (error: Error | null, frame: Buffer | null) => void;
  readonly deadline: Timer;
}

export interface ConnectionOptions {
  readonly clientId: string;
  readonly requestTimeoutMs: number;
  readonly clock: Clock;
  readonly softwareName: string;
  readonly softwareVersion: string;
}

/** One connection to one broker: requests in a pipeline, answers in order, versions agreed at the start. */
export class BrokerConnection implements WireHandler {
  readonly #wire: Wire;
  readonly #options: ConnectionOptions;
  readonly #writer = new Writer();
  readonly #pending: PendingRequest[] = [];
  readonly #versions = new Map<number, { readonly min: number; readonly max: number }>();
  readonly #frames: FrameReader;
  #correlationId = 0;
  #closedBy: Error | null = null;

  private constructor(wire: Wire, options: ConnectionOptions) {
    this.#wire = wire;
    this.#options = options;
    this.#frames = new FrameReader(RESPONSE_MAX_BYTES, {
      onFrame: (frame, isOwn) => this.#onFrame(isOwn ? frame : Buffer.from(frame)),
      onBadLength: (length) => this.#fail(new ClientError('INVALID_RESPONSE', `a response of ${length} bytes`)),
    });
  }

  /** Asks for the broker's API versions first. Rejects with ClientError or KafkaError. */
  static async open(wire: Wire, options: ConnectionOptions): Promise<BrokerConnection> {
    const connection = new BrokerConnection(wire, options);
    wire.start(connection);
    await connection.#negotiate();
    return connection;
  }

  get isOpen(): boolean {
    return this.#closedBy === null;
  }

  get requestsInFlight(): number {
    return this.#pending.length;
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

  /** Sends one request and resolves with its answer. Bytes in the answer are views of a buffer of its own. */
  request<Request, Response>(api: ClientApi<Request, Response>, body: Request, options: { readonly version?: number; readonly timeoutMs?: number } = {}): Promise<Response> {
    return new Promise<Response>((resolve, reject) => {
      const version = options.version ?? this.versionOf(api);
      const correlationId = this.#send(api, version, body, options.timeoutMs ?? this.#options.requestTimeoutMs, (error, frame) => {
        if (error !== null || frame === null) return reject(error ?? new ClientError('CONNECTION_CLOSED', 'no answer'));
        try {
          resolve(decodeResponse(frame, { apiKey: api.apiKey, apiVersion: version, correlationId }, api.read));
        } catch (failure) {
          this.#fail(new ClientError('INVALID_RESPONSE', (failure as Error).message));
          reject(failure as Error);
        }
      });
    });
  }

  /** For requests that have no answer (Produce with acks=0). */
  sendWithoutAnswer<Request, Response>(api: ClientApi<Request, Response>, body: Request, version: number): void {
    if (this.#closedBy !== null) throw this.#closedBy;
    this.#encode(api, version, body, this.#nextCorrelationId());
  }

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
    if (answer.errorCode === ErrorCode.UNSUPPORTED_VERSION) answer = await this.request(apiVersionsApi, body, { version: 0 });
    if (answer.errorCode !== ErrorCode.NONE) throw new KafkaError(answer.errorCode);
    for (const { apiKey, minVersion, maxVersion } of answer.apiKeys) this.#versions.set(apiKey, { min: minVersion, max: maxVersion });
  }

  #nextCorrelationId(): number {
    this.#correlationId = (this.#correlationId + 1) & 0x7fffffff;
    return this.#correlationId;
  }

  #send<Request, Response>(api: ClientApi<Request, Response>, apiVersion: number, body: Request, timeoutMs: number, settle: PendingRequest['settle']): number {
    if (this.#closedBy !== null) {
      settle(this.#closedBy, null);
      return 0;
    }
    const correlationId = this.#nextCorrelationId();
    this.#encode(api, apiVersion, body, correlationId);
    const deadline = this.#options.clock.setTimer(timeoutMs, () => this.#fail(new ClientError('REQUEST_TIMED_OUT', `no answer to API ${api.apiKey} within ${timeoutMs} ms`)));
    this.#pending.push({ apiKey: api.apiKey, apiVersion, correlationId, settle, deadline });
    return correlationId;
  }

  #encode<Request, Response>(api: ClientApi<Request, Response>, apiVersion: number, body: Request, correlationId: number): void {
    encodeRequest(this.#writer, { apiKey: api.apiKey, apiVersion, correlationId, clientId: this.#options.clientId, body, write: api.write });
    this.#wire.write(this.#writer.take());
  }

  #onFrame(frame: Buffer): boolean {
    const pending = this.#pending.shift();
    if (pending === undefined) {
      this.#fail(new ClientError('INVALID_RESPONSE', 'an answer to nothing that was asked'));
      return true;
    }
    pending.deadline.cancel();
    pending.settle(null, frame);
    return true;
  }

  /** A late answer can't be told from the next one: every failure ends the connection and all that waits on it. */
  #fail(error: Error): void {
    if (this.#closedBy !== null) return;
    this.#closedBy = error;
    this.#frames.close();
    this.#wire.destroy();
    for (const pending of this.#pending.splice(0)) {
      pending.deadline.cancel();
      pending.settle(error, null);
    }
  }
}
