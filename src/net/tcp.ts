/** The system's TCP as a `Network`. */
/* oxlint-disable no-underscore-dangle -- the names are Node's */
import net from 'node:net';
import type { Network, Wire, WireListener } from '../base/wire.ts';
import { NetworkError } from './systemError.ts';
import { SocketWire } from './socketWire.ts';
import type { WireAddresses } from './streamWire.ts';
import { createSocketReads } from './socketReads.ts';
import { isFastSocket, TcpWire } from './tcpWire.ts';

export interface TcpNetworkOptions {
  /** Hears of connections that could not be accepted (too many open files, ...). They are dropped, the listener goes on. */
  readonly onAcceptError?: (error: Error) => void;
  /** Use streams as they are, without what the fast path needs of them. */
  readonly isPlain?: boolean;
}

export function createTcpNetwork(options: TcpNetworkOptions = {}): Network {
  return {
    listen: (at, accept) => listenSockets(at, (socket, addresses) => accept(wireOf(socket, addresses, options)), options),
    connect: (to) => connect(to, options.isPlain ?? false),
  };
}

const DEFAULT_BACKLOG = 511;
/** Others run Node's programs, but their sockets are made differently inside. */
const isNode = process.versions['bun'] === undefined && process.versions['deno'] === undefined;

/** Opens a listener; `accept` gets sockets that are paused, and hears their errors or not as it likes. */
export function listenSockets(
  at: { readonly host: string; readonly port: number; readonly backlog?: number },
  accept: (socket: net.Socket, addresses: WireAddresses) => void,
  options: TcpNetworkOptions,
): Promise<WireListener> {
  return new Promise((resolve, reject) => {
    const server = net.createServer({ noDelay: true, keepAlive: true, pauseOnConnect: true });
    server.on('connection', (socket) => acceptSocket(socket, accept));
    server.once('error', reject);
    server.listen({ host: at.host, port: at.port, backlog: at.backlog ?? DEFAULT_BACKLOG, exclusive: true }, () => {
      server.off('error', reject);
      server.on('error', (error) => options.onAcceptError?.(error));
      resolve(toListener(server, at.host));
    });
  });
}

function toListener(server: net.Server, host: string): WireListener {
  const { port } = server.address() as net.AddressInfo;
  let closing: Promise<void> | null = null;
  return {
    host,
    port,
    close() {
      // Its callback would wait for open connections; the port itself is free at once.
      if (closing === null) server.close();
      closing ??= new Promise((resolve) => setImmediate(resolve));
      return closing;
    },
  };
}

function acceptSocket(socket: net.Socket, accept: (socket: net.Socket, addresses: WireAddresses) => void): void {
  socket.on('error', () => {});
  const addresses = addressesOf(socket);
  if (addresses === null) {
    socket.destroy();
    return;
  }
  accept(socket, addresses);
}

function wireOf(socket: net.Socket, addresses: WireAddresses, options: TcpNetworkOptions): Wire {
  if (options.isPlain || !isNode || !isFastSocket(socket)) return new SocketWire(socket, addresses);
  const reads = createSocketReads();
  const taken = takeOver(socket, reads);
  return new TcpWire(taken, reads, addresses);
}

/**
 * Moves the accepted handle into a socket that reads into our own memory; Node offers that for sockets it
 * makes for us, but not for those that a server accepts.
 */
function takeOver(socket: net.Socket, reads: ReturnType<typeof createSocketReads>): net.Socket {
  const inside = socket as unknown as { _handle: unknown };
  const handle = inside._handle;
  inside._handle = null;
  // Only leaves the server's count of connections; there is no handle left to close.
  socket.destroy();
  const options = { handle, manualStart: true, onread: { buffer: reads.buffer, callback: reads.callback } };
  return new net.Socket(options as unknown as net.SocketConstructorOpts);
}

/** Null when the other side has gone before it was accepted. */
export function addressesOf(socket: net.Socket): WireAddresses | null {
  const { remoteAddress, remotePort, localAddress, localPort } = socket;
  if (remoteAddress === undefined || remotePort === undefined) return null;
  return {
    remoteAddress: plainAddress(remoteAddress),
    remotePort,
    localAddress: plainAddress(localAddress ?? ''),
    localPort: localPort ?? 0,
  };
}

/** An IPv4 address as such where a listener for both families shows it inside an IPv6 one. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && net.isIPv4(address.slice(7)) ? address.slice(7) : address;
}

function connect(to: { readonly host: string; readonly port: number; readonly timeoutMs: number }, isPlain: boolean): Promise<Wire> {
  return new Promise((resolve, reject) => {
    const reads = createSocketReads();
    const onread = { buffer: reads.buffer, callback: reads.callback };
    const target = { host: to.host, port: to.port, noDelay: true };
    const isFast = !isPlain && isNode;
    const socket = net.connect(!isFast ? target : ({ ...target, onread } as unknown as net.NetConnectOpts));
    const timer = setTimeout(() => socket.destroy(new NetworkError('ETIMEDOUT', `no connection to ${to.host}:${to.port} within ${to.timeoutMs} ms`)), to.timeoutMs);
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    socket.once('error', fail);
    socket.once('connect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      const addresses = addressesOf(socket);
      if (addresses === null) {
        socket.on('error', () => {});
        socket.destroy();
        reject(new NetworkError('ECONNRESET', `${to.host}:${to.port} closed the connection at once`));
        return;
      }
      socket.pause();
      resolve(isFast ? new TcpWire(socket, reads, addresses) : new SocketWire(socket, addresses));
    });
  });
}
