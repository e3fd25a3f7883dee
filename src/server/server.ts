/** Listens, keeps the connections, and looks after them from time to time. */
import type { Clock, Logger, Timer } from '../base/ports.ts';
import { assert } from '../base/assert.ts';
import type { SecurityProtocol } from '../base/securityProtocol.ts';
import type { Network, Wire, WireListener } from '../base/wire.ts';
import type { RequestSink } from '../broker/contract.ts';
import { ANONYMOUS, type ConnectionLogin, type Identity, type LoginConnection } from '../broker/security/login.ts';
import { RequestBudget } from './budget.ts';
import { Connection } from './connection.ts';
import { Admission } from './admission.ts';
import { ConnectionQuota } from './connectionQuota.ts';
import type { ConnectionHost } from './host.ts';
import { LimitedLog } from '../base/limitedLog.ts';
import { bindListener, type BoundListener, type ListenerOptions } from './listeners.ts';
import { MemoryPressure } from './memoryPressure.ts';
import {
  CLOSING_MS_MAX, DESTROY_MS_MAX, DRAIN_MS_DEFAULT, LISTEN_BACKLOG_MIN, QUEUED_REQUEST_BYTES_DEFAULT, STALLED_MS_MAX, SWEEP_MS_MAX, SWEEP_MS_MIN, noConnectionLimits, type ConnectionLimits, type ServerSettings,
} from './settings.ts';
import { Throttles } from './throttles.ts';

export interface ServerOptions {
  /** Asked anew where a setting may change while running. */
  readonly settings: () => ServerSettings;
  readonly listeners: readonly ListenerOptions[];
  /** Default: none beside those of the settings. */
  readonly limits?: ConnectionLimits;
  readonly network: Network;
  readonly sink: RequestSink;
  /** Needed for listeners with SASL or TLS. */
  readonly authentication?: ServerAuthentication;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Who a connection is; the broker's `Authentication` has all of it. */
export interface ServerAuthentication {
  loginFor(connection: LoginConnection, protocol: SecurityProtocol): ConnectionLogin | null;
  identityOf(subject: string | null): Identity;
}

export interface Server {
  /** Opens every listener, or none: rejects with the first error after closing the others. Connections wait until `serve`. */
  open(): Promise<readonly BoundListener[]>;
  /** From now on requests are read. */
  serve(): void;
  readonly connectionCount: number;
  /** Memory that requests hold now. */
  readonly requestBytes: number;
  /** Stops accepting, lets requests in flight be answered for `drainMs`, then closes everything. */
  close(drainMs?: number): Promise<void>;
}

export function createServer(options: ServerOptions): Server {
  return new NodeServer(options);
}

class NodeServer implements Server, ConnectionHost {
  readonly sink: RequestSink;
  readonly logger: Logger;
  readonly budget: RequestBudget;
  readonly requestBytesMax: number;
  tick = 0;
  readonly #options: ServerOptions;
  readonly #clock: Clock;
  readonly #connections = new Set<Connection>();
  readonly #quota: ConnectionQuota;
  readonly #admission: Admission<ListenerOptions>;
  readonly #throttles: Throttles;
  readonly #log: LimitedLog;
  readonly #pressure: MemoryPressure;
  readonly #sweepMs: number;
  #wireListeners: WireListener[] = [];
  #early: [ListenerOptions, Wire][] | null = [];
  #toFlush: Connection[] = [];
  #sweepTimer: Timer | null = null;
  #nextId = 1;
  #isClosing = false;
  #onEmpty: (() => void) | null = null;

  constructor(options: ServerOptions) {
    const { sink, logger, clock } = options;
    const settings = options.settings();
    this.#options = options;
    this.sink = sink;
    this.logger = logger;
    this.#clock = clock;
    this.requestBytesMax = settings.socketRequestMaxBytes;
    this.#log = new LimitedLog(logger, clock);
    this.#quota = new ConnectionQuota(options.settings, options.limits ?? noConnectionLimits);
    this.#admission = this.#openAdmission(Math.max(settings.socketListenBacklogSize, LISTEN_BACKLOG_MIN));
    this.#throttles = new Throttles(clock);
    this.#pressure = new MemoryPressure(this.#connections, this.#log);
    const limitBytes = settings.queuedMaxRequestBytes > 0 ? settings.queuedMaxRequestBytes : QUEUED_REQUEST_BYTES_DEFAULT;
    this.budget = new RequestBudget(limitBytes, this.#pressure);
    this.#pressure.watch(this.budget);
    const idleMs = settings.connectionsMaxIdleMs;
    this.#sweepMs = idleMs < 0 ? SWEEP_MS_MAX : Math.min(Math.max(idleMs / 4, SWEEP_MS_MIN), SWEEP_MS_MAX);
  }

  #openAdmission(waitingMax: number): Admission<ListenerOptions> {
    const { limits = noConnectionLimits } = this.#options;
    return new Admission({
      quota: this.#quota,
      clock: this.#clock,
      log: this.#log,
      waitingMax,
      openMax: () => limits.openMax,
      admit: (listener, wire) => this.#connect(listener, wire),
      closeIdlest: () => this.#closeIdlest(),
    });
  }

  get connectionCount(): number {
    return this.#connections.size;
  }

  get requestBytes(): number {
    return this.budget.usedBytes;
  }

  async open(): Promise<readonly BoundListener[]> {
    const bound: BoundListener[] = [];
    const { listeners, network, settings } = this.#options;
    const backlog = Math.max(settings().socketListenBacklogSize, LISTEN_BACKLOG_MIN);
    try {
      for (const listener of listeners) {
        assert(listener.securityProtocol === 'PLAINTEXT' || this.#options.authentication !== undefined, 'a secured listener needs authentication');
        const accept = (wire: Wire) => this.#accept(listener, wire);
        const opened = await bindListener(listener, listener.network ?? network, backlog, accept);
        this.#wireListeners.push(...opened.wireListeners);
        bound.push(opened.bound);
      }
    } catch (error) {
      await this.#closeListeners();
      throw error;
    }
    this.#planSweep();
    return bound;
  }

  serve(): void {
    const early = this.#early ?? [];
    this.#early = null;
    for (const [listener, wire] of early) this.#accept(listener, wire);
  }

  async close(drainMs = DRAIN_MS_DEFAULT): Promise<void> {
    if (this.#isClosing) return;
    this.#isClosing = true;
    await this.#closeListeners();
    for (const [, wire] of this.#early ?? []) wire.destroy();
    this.#early = null;
    this.#admission.close();
    for (const connection of this.#connections) connection.drain();
    await this.#untilEmpty(drainMs);
    for (const connection of this.#connections) connection.destroy();
    await this.#untilEmpty(DESTROY_MS_MAX);
    this.#sweepTimer?.cancel();
  }

  // For connections.

  flushSoon(connection: Connection): void {
    this.#toFlush.push(connection);
    if (this.#toFlush.length === 1) queueMicrotask(() => this.#flushAll());
  }

  waitForTurn(connection: Connection): void {
    this.#clock.setTimer(0, () => connection.turnCame());
  }

  waitFor(connection: Connection, durationMs: number): void {
    this.#throttles.add(connection, durationMs);
  }

  onConnectionClosed(connection: Connection, error: Error | undefined): void {
    if (!this.#connections.delete(connection)) return;
    this.#admission.release(connection.listenerName, connection.remoteAddress);
    this.#throttles.remove(connection);
    this.#pressure.onConnectionClosed(connection);
    this.logger.debug('connection closed', { connection: connection.id, address: connection.remoteAddress, ...(error ? { reason: error.message } : {}) });
    if (this.#connections.size === 0) this.#onEmpty?.();
  }

  loginFor(connection: Connection): ConnectionLogin | null {
    return this.#options.authentication?.loginFor(connection, connection.securityProtocol) ?? null;
  }

  identityOf(subject: string | null): Identity {
    return this.#options.authentication?.identityOf(subject) ?? ANONYMOUS;
  }

  onRefused(connection: Connection, reason: string): void {
    const { remoteAddress, remotePort, listenerName } = connection;
    this.#log.warn('refused', `closing the connection: ${reason}`, { address: `${remoteAddress}:${remotePort}`, listener: listenerName });
  }

  #flushAll(): void {
    const connections = this.#toFlush;
    this.#toFlush = [];
    for (const connection of connections) connection.flushPlanned();
  }

  #accept(listener: ListenerOptions, wire: Wire): void {
    if (this.#early !== null) {
      this.#early.push([listener, wire]);
      return;
    }
    if (this.#isClosing) wire.destroy();
    else this.#admission.arrive(listener, wire);
  }

  #connect(listener: ListenerOptions, wire: Wire): void {
    const connection = new Connection(this.#nextId, listener.name, listener.securityProtocol, wire, this);
    this.#nextId += 1;
    this.#connections.add(connection);
    this.#pressure.onConnection(connection);
    connection.start();
  }

  #closeIdlest(): void {
    let idlest: Connection | null = null;
    for (const connection of this.#connections) {
      if (!this.#quota.isProtected(connection.listenerName) && (idlest === null || connection.activeTick < idlest.activeTick)) idlest = connection;
    }
    if (idlest === null) return;
    this.#log.warn('idlest', 'closing a connection for one of the protected listener: max.connections is reached', { address: idlest.remoteAddress, listener: idlest.listenerName });
    idlest.destroy();
  }

  async #closeListeners(): Promise<void> {
    const listeners = this.#wireListeners;
    this.#wireListeners = [];
    await Promise.all(listeners.map((listener) => listener.close()));
  }

  #untilEmpty(timeoutMs: number): Promise<void> {
    if (this.#connections.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = this.#clock.setTimer(timeoutMs, resolve);
      this.#onEmpty = () => {
        timer.cancel();
        resolve();
      };
    });
  }

  #planSweep(): void {
    this.#sweepTimer = this.#clock.setTimer(this.#sweepMs, () => {
      this.#sweep();
      this.#planSweep();
    });
  }

  /** One look at each connection, in place of a timer for each. */
  #sweep(): void {
    this.tick += 1;
    const idleMs = this.#options.settings().connectionsMaxIdleMs;
    const idleTicks = idleMs < 0 ? Infinity : Math.ceil(idleMs / this.#sweepMs);
    const closingTicks = Math.ceil(CLOSING_MS_MAX / this.#sweepMs);
    for (const connection of this.#connections) {
      const reason = connection.idleReason(this.tick, idleTicks, closingTicks);
      if (reason === null) continue;
      this.logger.debug(`closing a connection: ${reason}`, { connection: connection.id, address: connection.remoteAddress });
      connection.destroy();
    }
    this.#pressure.sweep(this.tick, Math.ceil(STALLED_MS_MAX / this.#sweepMs));
  }
}
