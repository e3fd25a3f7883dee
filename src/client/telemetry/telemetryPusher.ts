import type { Clock, Timer } from '../../base/ports.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeGetTelemetrySubscriptionsRequest, readGetTelemetrySubscriptionsResponse, writeGetTelemetrySubscriptionsRequest, type GetTelemetrySubscriptionsResponse } from '../../protocol/generated/getTelemetrySubscriptions.ts';
import { makePushTelemetryRequest, readPushTelemetryResponse, writePushTelemetryRequest } from '../../protocol/generated/pushTelemetry.ts';
import { zeroUuid, type Uuid } from '../../protocol/types.ts';
import { Codec } from '../../record/batchHeader.ts';
import { compress } from '../../record/codecs.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import { encodeMetrics, type ClientMetric } from './otlp.ts';

const subscriptionsApi = { apiKey: ApiKey.GetTelemetrySubscriptions, versionMax: 0, write: writeGetTelemetrySubscriptionsRequest, read: readGetTelemetrySubscriptionsResponse } as const;
const pushApi = { apiKey: ApiKey.PushTelemetry, versionMax: 0, write: writePushTelemetryRequest, read: readPushTelemetryResponse } as const;

/** Where a broker gives no interval. */
const INTERVAL_MS_DEFAULT = 300_000;
const FAREWELL_MS_MAX = 1000;

export interface TelemetryPusherParts {
  readonly cluster: Cluster;
  /** Its timers should not keep the process alive. */
  readonly clock: Clock;
  /** What can be told now. Called once a push. */
  readonly collect: () => readonly ClientMetric[];
  /** Whether anything is asked for: measure or don't. */
  readonly onSubscribed: (isWanted: boolean) => void;
}

/** Asks the brokers which metrics they want, and pushes those in the interval that they name (KIP-714). Failures are logged and never told to the application. */
export class TelemetryPusher {
  readonly #parts: TelemetryPusherParts;
  readonly #startedMs: number;
  #instanceId: Uuid = zeroUuid;
  #subscription: GetTelemetrySubscriptionsResponse | null = null;
  /** Totals as told last, and when. */
  #told = new Map<string, number>();
  #toldMs: number;
  #isCompressionRefused = false;
  #timer: Timer | null = null;
  #isOver = false;
  #asking: Promise<void> | null = null;

  constructor(parts: TelemetryPusherParts) {
    this.#parts = parts;
    this.#startedMs = parts.clock.now();
    this.#toldMs = this.#startedMs;
  }

  /** The brokers' name for this client. Rejects with ClientError UNSUPPORTED_VERSION where the brokers take no telemetry, KafkaError, and as Cluster.anyConnection does. */
  async instanceId(): Promise<Uuid> {
    if (this.#instanceId === zeroUuid) await this.#subscribe();
    return this.#instanceId;
  }

  /** Goes on by itself from now on. */
  start(): void {
    this.#after(0);
  }

  /** The last push, if any was asked for; takes a second at most. */
  async close(): Promise<void> {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#timer?.cancel();
    if (!this.#isWanted) return;
    let timer: Timer | null = null;
    const late = new Promise<void>((resolve) => {
      timer = this.#parts.cluster.options.clock.setTimer(FAREWELL_MS_MAX, resolve);
    });
    await Promise.race([late, this.#push(true).then(() => {}, () => {})]);
    (timer as Timer | null)?.cancel();
  }

  get #isWanted(): boolean {
    return (this.#subscription?.requestedMetrics.length ?? 0) > 0;
  }

  #after(delayMs: number): void {
    if (this.#isOver) return;
    this.#timer = this.#parts.clock.setTimer(delayMs, () => void this.#step());
  }

  async #step(): Promise<void> {
    const { cluster } = this.#parts;
    try {
      if (this.#subscription === null || !this.#isWanted) {
        await this.#subscribe();
        // spread: a thousand clients that start at once do not push at once
        const intervalMs = this.#intervalMs;
        this.#after(this.#isWanted ? intervalMs * (0.5 + cluster.options.random.next()) : intervalMs);
        return;
      }
      this.#after(this.#onPushed(await this.#push(false)));
    } catch (error) {
      cluster.options.logger.debug('metrics could not be pushed', { error: (error as Error).message });
      if (error instanceof ClientError && (error.code === 'UNSUPPORTED_VERSION' || error.code === 'CLOSED')) this.#stop();
      else this.#after(this.#intervalMs);
    }
  }

  get #intervalMs(): number {
    return Math.max(this.#subscription?.pushIntervalMs || INTERVAL_MS_DEFAULT, 1);
  }

  #stop(): void {
    this.#isOver = true;
    this.#parts.onSubscribed(false);
  }

  #subscribe(): Promise<void> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    });
    return this.#asking;
  }

  async #ask(): Promise<void> {
    const connection = await this.#parts.cluster.anyConnection();
    const answer = await connection.request(subscriptionsApi, makeGetTelemetrySubscriptionsRequest({ clientInstanceId: this.#instanceId }));
    if (answer.errorCode !== ErrorCode.NONE) throw new KafkaError(answer.errorCode);
    if (answer.clientInstanceId !== zeroUuid) this.#instanceId = answer.clientInstanceId;
    this.#subscription = answer;
    this.#parts.onSubscribed(this.#isWanted);
  }

  /** Resolves with the broker's error code. */
  async #push(isLast: boolean): Promise<number> {
    const { cluster, clock, collect } = this.#parts;
    const { subscriptionId, deltaTemporality, requestedMetrics, acceptedCompressionTypes, telemetryMaxBytes } = this.#subscription as GetTelemetrySubscriptionsResponse;
    const wanted = collect().filter(({ name }) => requestedMetrics.some((prefix) => prefix === '*' || name.startsWith(prefix)));
    const nowMs = clock.now();
    const bytes = await encodeMetrics(wanted, { startMs: deltaTemporality ? this.#toldMs : this.#startedMs, endMs: nowMs, before: deltaTemporality ? this.#told : null });
    const codec = this.#isCompressionRefused ? Codec.none : ((acceptedCompressionTypes.find((type) => type >= Codec.none && type <= Codec.zstd) ?? Codec.none) as Codec);
    const metrics = codec === Codec.none ? bytes : compress(codec, bytes);
    if (telemetryMaxBytes > 0 && metrics.length > telemetryMaxBytes) throw new ClientError('RECORD_TOO_LARGE', `metrics take ${metrics.length} bytes, and the broker takes ${telemetryMaxBytes}`);
    const connection = await cluster.anyConnection();
    const answer = await connection.request(pushApi, makePushTelemetryRequest({ clientInstanceId: this.#instanceId, subscriptionId, terminating: isLast, compressionType: codec, metrics }));
    if (answer.errorCode === ErrorCode.NONE) {
      this.#told = new Map(wanted.filter(({ isTotal }) => isTotal).map(({ name, value }) => [name, value]));
      this.#toldMs = nowMs;
    }
    return answer.errorCode;
  }

  /** How long until the next step. */
  #onPushed(errorCode: number): number {
    switch (errorCode) {
      case ErrorCode.NONE:
        return this.#intervalMs;
      case ErrorCode.UNSUPPORTED_COMPRESSION_TYPE:
        this.#isCompressionRefused = true;
        return 0;
      case ErrorCode.UNKNOWN_SUBSCRIPTION_ID:
        // what is wanted has changed: ask
        this.#subscription = null;
        return 0;
      default:
        this.#parts.cluster.options.logger.debug('the broker did not take the metrics', { error: new KafkaError(errorCode).codeName });
        return this.#intervalMs;
    }
  }
}
