import type { BrokerAddress } from './bootstrap.ts';
import { ClientError } from './clientError.ts';
import type { ClusterOptions } from './cluster.ts';
import { BrokerConnection } from './connection.ts';
import type { ClusterCounters } from './requestObserver.ts';
import { Backoff } from './wait.ts';

const RECONNECT_BACKOFF_MS = 50;
const RECONNECT_BACKOFF_MAX_MS = 1000;

interface Failing {
  readonly backoff: Backoff;
  untilMs: number;
}

const keyOf = ({ host, port }: BrokerAddress): string => `${host}:${port}`;

/** Opens connections; holds back from addresses that failed (reconnect.backoff.ms). */
export class Dialing {
  readonly #options: ClusterOptions;
  readonly #counters: ClusterCounters;
  readonly #pause: (delayMs: number) => Promise<void>;
  readonly #failing = new Map<string, Failing>();

  constructor(options: ClusterOptions, counters: ClusterCounters, pause: (delayMs: number) => Promise<void>) {
    this.#options = options;
    this.#counters = counters;
    this.#pause = pause;
  }

  /** Those that did not fail first, then those whose pause ends soonest. */
  ordered(addresses: readonly BrokerAddress[]): BrokerAddress[] {
    if (this.#failing.size === 0) return [...addresses];
    const untilMs = (address: BrokerAddress): number => this.#failing.get(keyOf(address))?.untilMs ?? 0;
    return [...addresses].sort((a, b) => untilMs(a) - untilMs(b));
  }

  /** A connection whose versions are agreed on and whose user is known. Rejects with ClientError or KafkaError. */
  async dial(address: BrokerAddress): Promise<BrokerConnection> {
    const key = keyOf(address);
    const { clock } = this.#options;
    const leftMs = (this.#failing.get(key)?.untilMs ?? 0) - clock.monotonicMs();
    if (leftMs > 0) await this.#pause(leftMs);
    try {
      const connection = await this.#open(address);
      this.#failing.delete(key);
      this.#counters.connectionsOpened += 1;
      return connection;
    } catch (error) {
      this.#counters.connectionsFailed += 1;
      this.#noteFailure(key);
      throw error;
    }
  }

  async #open(address: BrokerAddress): Promise<BrokerConnection> {
    const { network, clientId, requestTimeoutMs, clock, connectTimeoutMs, softwareVersion, logger, observer, authenticate } = this.#options;
    const wire = await network.connect({ host: address.host, port: address.port, timeoutMs: connectTimeoutMs }).catch((error: Error) => {
      const message = `Connection to ${keyOf(address)} could not be established: ${reasonOf(error)}`;
      logger.warn(message);
      // As with a wrong password: trying again changes nothing.
      if (error.name === 'TlsError') throw new ClientError('AUTHENTICATION_FAILED', message, error);
      throw new ClientError('CONNECTION_REFUSED', message, error);
    });
    const connection = await BrokerConnection.open(wire, {
      clientId, requestTimeoutMs, clock, softwareName: 'tidelog', softwareVersion, counters: this.#counters, ...(observer === undefined ? {} : { observer }),
    });
    if (authenticate === undefined) return connection;
    try {
      await authenticate(connection, address);
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  #noteFailure(key: string): void {
    const { random, clock, reconnectBackoffMs = RECONNECT_BACKOFF_MS, reconnectBackoffMaxMs = RECONNECT_BACKOFF_MAX_MS } = this.#options;
    let failing = this.#failing.get(key);
    if (failing === undefined) this.#failing.set(key, (failing = { backoff: new Backoff(random, reconnectBackoffMs, reconnectBackoffMaxMs), untilMs: 0 }));
    failing.untilMs = clock.monotonicMs() + failing.backoff.next();
  }
}

/** A host with several addresses fails with one error for each of them. */
function reasonOf(error: Error): string {
  if (error instanceof AggregateError && error.errors.length > 0) return error.errors.map((inner: Error) => inner.message).join(', ');
  return error.message;
}
