/** Opens the addresses of one listener name on one port. */
import type { SecurityProtocol } from '../base/securityProtocol.ts';
import type { Network, Wire, WireListener } from '../base/wire.ts';
import { errorCode } from '../net/systemError.ts';

/** A `ListenerConfig` has all of it. */
export interface ListenerOptions {
  readonly name: string;
  /** Addresses to bind, all on `port`. */
  readonly hosts: readonly string[];
  /** 0 picks a free port. */
  readonly port: number;
  readonly advertisedHost: string;
  /** 0: the port that was bound. */
  readonly advertisedPort: number;
  readonly securityProtocol: SecurityProtocol;
  /** What makes its wires; the server's own network if absent. A listener with TLS has one. */
  readonly network?: Network;
}

export interface BoundListener {
  readonly name: string;
  /** Addresses that listen. */
  readonly hosts: readonly string[];
  readonly port: number;
  readonly advertisedHost: string;
  readonly advertisedPort: number;
}

/** A port could not be opened; the message says what to try. */
export class ListenError extends Error {
  override readonly name = 'ListenError';
  /** The system's code: EADDRINUSE, EACCES, EADDRNOTAVAIL, ... */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

const FREE_PORT_TRIES = 10;
const IPV6_ABSENT = new Set(['EADDRNOTAVAIL', 'EAFNOSUPPORT', 'EINVAL', 'EPROTONOSUPPORT']);

/** Rejects with ListenError, nothing left open. */
export async function bindListener(
  listener: ListenerOptions,
  network: Network,
  backlog: number,
  accept: (wire: Wire) => void,
): Promise<{ wireListeners: WireListener[]; bound: BoundListener }> {
  for (let tries = 1; ; tries += 1) {
    const wireListeners: WireListener[] = [];
    try {
      await bindHosts(listener, network, backlog, accept, wireListeners);
      return { wireListeners, bound: describe(listener, wireListeners) };
    } catch (error) {
      await Promise.all(wireListeners.map((opened) => opened.close()));
      // The port that was free for one address was not for the next.
      const mayRetry = listener.port === 0 && errorCode(error) === 'EADDRINUSE' && tries < FREE_PORT_TRIES;
      if (!mayRetry) throw error;
    }
  }
}

async function bindHosts(
  listener: ListenerOptions,
  network: Network,
  backlog: number,
  accept: (wire: Wire) => void,
  opened: WireListener[],
): Promise<void> {
  for (const host of listener.hosts) {
    const port = opened[0]?.port ?? listener.port;
    try {
      opened.push(await network.listen({ host, port, backlog }, accept));
    } catch (error) {
      if (!isIpv6Absent(host, error)) throw listenError(listener, host, port, error);
      if (host === '::') opened.push(await listenOnIpv4(listener, network, backlog, accept, port));
    }
  }
  if (opened.length === 0) throw new ListenError('EADDRNOTAVAIL', `listener ${listener.name}: none of ${listener.hosts.join(', ')} is an address of this machine`);
}

/** Every interface of a machine that has no IPv6. */
async function listenOnIpv4(
  listener: ListenerOptions,
  network: Network,
  backlog: number,
  accept: (wire: Wire) => void,
  port: number,
): Promise<WireListener> {
  try {
    return await network.listen({ host: '0.0.0.0', port, backlog }, accept);
  } catch (error) {
    throw listenError(listener, '0.0.0.0', port, error);
  }
}

function isIpv6Absent(host: string, error: unknown): boolean {
  return (host === '::1' || host === '::') && IPV6_ABSENT.has(errorCode(error));
}

function describe(listener: ListenerOptions, opened: readonly WireListener[]): BoundListener {
  const port = (opened[0] as WireListener).port;
  return {
    name: listener.name,
    hosts: opened.map(({ host }) => host),
    port,
    advertisedHost: listener.advertisedHost,
    advertisedPort: listener.advertisedPort === 0 ? port : listener.advertisedPort,
  };
}

function listenError(listener: ListenerOptions, host: string, port: number, error: unknown): ListenError {
  const code = errorCode(error);
  return new ListenError(code, `listener ${listener.name}: ${adviceFor(code, host, port, error)}`);
}

function adviceFor(code: string, host: string, port: number, error: unknown): string {
  const at = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `port ${port} is in use on ${host}. Is a broker running already? Stop it, or choose another port: --override listeners=PLAINTEXT://localhost:${port === 9092 ? 9192 : 9092}`;
    case 'EACCES':
    case 'EPERM':
      return `may not listen on ${at}; ports below 1024 need more rights: choose a higher one`;
    case 'EADDRNOTAVAIL':
      return `${host} is not an address of this machine; set the host in listeners to one that is, or leave it empty for every interface`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `the host name ${host} cannot be resolved`;
    default:
      return `cannot listen on ${at}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
