import { randomBytes } from 'node:crypto';
import { systemRandom } from '../../base/systemPorts.ts';
import { packageVersion } from '../../base/version.ts';
import type { Network } from '../../base/wire.ts';
import { createTcpNetwork } from '../../net/tcp.ts';
import { clientClock } from '../clientClock.ts';
import { parseBootstrap } from '../core/bootstrap.ts';
import { Cluster, type ClusterOptions } from '../core/cluster.ts';
import type { RequestObserver } from '../core/requestObserver.ts';
import { apiSpec } from '../../protocol/framing.ts';
import { KafkaJSNonRetriableError, toKafkaJSError } from './errors.ts';
import type { Emitter } from './events.ts';
import { portLogger, type Logger, type logCreator, type logLevel } from './logger.ts';
import { toSecurity, type SASLOptions, type SslOptions } from './security.ts';
import { defaultRetry, RetrySchedule, sleep, type RetryOptions } from './retry.ts';

export type BrokersFunction = () => string[] | Promise<string[]>;

export interface KafkaConfig {
  brokers: string[] | BrokersFunction;
  clientId?: string;
  connectionTimeout?: number;
  authenticationTimeout?: number;
  reauthenticationThreshold?: number;
  requestTimeout?: number;
  enforceRequestTimeout?: boolean;
  retry?: RetryOptions;
  logLevel?: logLevel;
  logCreator?: logCreator;
  ssl?: boolean | SslOptions;
  sasl?: SASLOptions;
  /** Not KafkaJS's: a network of one's own (one that encrypts, or inside the process), and how a connection says who we are. */
  network?: Network;
  authenticate?: ClusterOptions['authenticate'];
}

const CONNECTION_TIMEOUT_MS = 1000;
const REQUEST_TIMEOUT_MS = 30_000;
const METADATA_MAX_AGE_MS = 300_000;
/** A timeout that was switched off. */
const NO_TIMEOUT_MS = 2 ** 31 - 1;

/** One cluster for each producer, consumer and admin, made when it connects. */
export class LazyCluster {
  readonly #config: KafkaConfig;
  readonly #logger: Logger;
  readonly #retry: RetryOptions;
  readonly #metadataMaxAgeMs: number;
  readonly #observer: RequestObserver;
  #cluster: Cluster | null = null;

  constructor(config: KafkaConfig, logger: Logger, emitter: Emitter, requestEvent: string, options: { readonly retry?: RetryOptions | undefined; readonly metadataMaxAge?: number | undefined } = {}) {
    this.#config = config;
    this.#logger = logger;
    this.#retry = { ...config.retry, ...options.retry };
    this.#metadataMaxAgeMs = options.metadataMaxAge ?? METADATA_MAX_AGE_MS;
    this.#observer = requestObserver(emitter, requestEvent);
  }

  get retry(): RetryOptions {
    return this.#retry;
  }

  get isConnected(): boolean {
    return this.#cluster !== null && !this.#cluster.isClosed;
  }

  /** Rejects with KafkaJSNumberOfRetriesExceeded when no broker answers. */
  async connect(): Promise<Cluster> {
    if (this.#cluster !== null && !this.#cluster.isClosed) return this.#cluster;
    const cluster = new Cluster(await this.#options());
    this.#cluster = cluster;
    const schedule = new RetrySchedule(this.#retry);
    for (;;) {
      try {
        await cluster.anyConnection();
        return cluster;
      } catch (error) {
        const failure = toKafkaJSError(error);
        if (schedule.isOver || (failure as { readonly retriable?: boolean }).retriable === false) {
          this.disconnect();
          throw schedule.isOver ? schedule.exceeded(failure) : failure;
        }
        await sleep(clientClock, schedule.next(systemRandom.next()));
      }
    }
  }

  /** Throws KafkaJSError where it is not connected. */
  get(what: string): Cluster {
    if (this.#cluster === null || this.#cluster.isClosed) throw new KafkaJSNonRetriableError(`The ${what} is disconnected`);
    return this.#cluster;
  }

  disconnect(): void {
    this.#cluster?.close();
    this.#cluster = null;
  }

  async #options(): Promise<ClusterOptions> {
    const { brokers, clientId, connectionTimeout, requestTimeout, enforceRequestTimeout, ssl, sasl } = this.#config;
    const { network, authenticate } = { ...toSecurity(ssl, sasl), ...own(this.#config) };
    const list = typeof brokers === 'function' ? await brokers() : brokers;
    const requestTimeoutMs = enforceRequestTimeout === false ? NO_TIMEOUT_MS : (requestTimeout ?? REQUEST_TIMEOUT_MS);
    const { initialRetryTime, maxRetryTime } = { ...defaultRetry, ...this.#retry };
    return {
      bootstrap: parseBootstrap(list.join(',')), clientId: clientId ?? `kafkajs-${randomBytes(4).toString('hex')}`, network: network ?? createTcpNetwork(), clock: clientClock, random: systemRandom,
      logger: portLogger(this.#logger), requestTimeoutMs, apiTimeoutMs: Math.max(maxRetryTime, requestTimeoutMs === NO_TIMEOUT_MS ? 0 : requestTimeoutMs),
      connectTimeoutMs: connectionTimeout ?? CONNECTION_TIMEOUT_MS, retryBackoffMs: initialRetryTime, retryBackoffMaxMs: maxRetryTime, metadataMaxAgeMs: this.#metadataMaxAgeMs,
      softwareVersion: packageVersion(), observer: this.#observer, ...(authenticate === undefined ? {} : { authenticate }),
    };
  }
}

const own = ({ network, authenticate }: KafkaConfig): Pick<KafkaConfig, 'network' | 'authenticate'> => ({ ...(network === undefined ? {} : { network }), ...(authenticate === undefined ? {} : { authenticate }) });

function requestObserver(emitter: Emitter, event: string): RequestObserver {
  return {
    get isActive() {
      return emitter.has(event);
    },
    onRequest({ apiKey, apiVersion, host, port, clientId }) {
      const createdAt = clientClock.now();
      return () => emitter.emit(event, {
        broker: `${host}:${port}`, clientId, correlationId: -1, createdAt, sentAt: createdAt, pendingDuration: 0, duration: clientClock.now() - createdAt, size: -1,
        apiName: apiSpec(apiKey)?.name ?? String(apiKey), apiKey, apiVersion,
      });
    },
  };
}
