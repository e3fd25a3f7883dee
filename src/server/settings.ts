/** What the server needs to know of the configuration; a `BrokerConfig` has all of it. */

export interface ServerSettings {
  /** Largest request frame. */
  readonly socketRequestMaxBytes: number;
  /** Taken as `LISTEN_BACKLOG_MIN` when below. */
  readonly socketListenBacklogSize: number;
  /** Negative: never. */
  readonly connectionsMaxIdleMs: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  /** Address to limit, over `maxConnectionsPerIp`. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  /** Memory of requests of all connections together; -1: `QUEUED_REQUEST_BYTES_DEFAULT`. */
  readonly queuedMaxRequestBytes: number;
}

/** Connections that may wait to be accepted, at least: a burst above the queue costs each client a second, a longer queue costs nothing. */
export const LISTEN_BACKLOG_MIN = 511;
/** Memory that requests may hold when the configuration does not say. */
export const QUEUED_REQUEST_BYTES_DEFAULT = 128 * 1024 * 1024;
/** Requests of one connection that wait for their reply; above this nothing is read from it. */
export const REQUESTS_IN_FLIGHT_MAX = 128;
/** Below this, reading goes on. */
export const REQUESTS_IN_FLIGHT_RESUME = 64;
/** Requests of one connection handled before others get their turn. */
export const REQUESTS_PER_TURN_MAX = 512;
/** Replies are written out when this much is ready, even amid a read with more requests. */
export const READY_REPLY_BYTES_MAX = 1024 * 1024;
/** How long a connection that is to be closed may take to accept its last replies. */
export const CLOSING_MS_MAX = 10_000;
/** How long the one connection that may read while memory is short can rest. */
export const STALLED_MS_MAX = 10_000;
/** How long closing what is left takes at most, once it was asked for. */
export const DESTROY_MS_MAX = 1_000;
/** How long requests in flight may take at shutdown. */
export const DRAIN_MS_DEFAULT = 3_000;
/** Shortest and longest time between two looks at idle connections. */
export const SWEEP_MS_MIN = 50;
export const SWEEP_MS_MAX = 5_000;

/** Limits of connections beside those of `ServerSettings`. Asked anew for each connection. */
export interface ConnectionLimits {
  /** Over what rates are measured. */
  readonly windows: number;
  readonly windowMs: number;
  /** Connections a second of the whole broker; Infinity: any. */
  readonly maxCreationRate: number;
  /** Its connections count over `maxConnections`: the idlest of other listeners goes for them. */
  readonly protectedListener: string | null;
  /** Connections that the process has files for. */
  readonly openMax: number;
  ofListener(name: string): { readonly maxConnections: number; readonly maxCreationRate: number };
  /** Connections a second of one address. */
  creationRateOf(address: string): number;
}

const UNLIMITED_LISTENER = { maxConnections: Infinity, maxCreationRate: Infinity };

export const noConnectionLimits: ConnectionLimits = {
  windows: 11, windowMs: 1000, maxCreationRate: Infinity, protectedListener: null, openMax: Infinity,
  ofListener: () => UNLIMITED_LISTENER, creationRateOf: () => Infinity,
};
