/** Networks whose wires are TLS: one for the listeners of a broker, one for a client. */
import net from 'node:net';
import tls from 'node:tls';
import type { TlsSettings } from '../../base/securityProtocol.ts';
import type { Network, Wire } from '../../base/wire.ts';
import { errorCode, NetworkError } from '../systemError.ts';
import { createSocketReads } from '../socketReads.ts';
import { addressesOf, listenSockets, type TcpNetworkOptions } from '../tcp.ts';
import { contextOptions } from './contextOptions.ts';
import { loadTlsMaterial } from './keyMaterial.ts';
import { TlsAcceptedWire } from './tlsAcceptedWire.ts';
import { TlsError } from './tlsError.ts';
import type { TlsServer } from './tlsServer.ts';
import { tlsWireOf } from './tlsWire.ts';

/** Listens only. */
export function createTlsServerNetwork(server: TlsServer, options: TcpNetworkOptions = {}): Network {
  return {
    listen: (at, accept) => listenSockets(at, (socket, addresses) => accept(new TlsAcceptedWire(socket, addresses, server)), options),
    connect: () => Promise.reject(new NetworkError('EOPNOTSUPP', 'a network of listeners does not connect')),
  };
}

/** Connects only. Keys are read once, at the first connection. */
export function createTlsClientNetwork(settings: TlsSettings): Network {
  let context: Promise<tls.SecureContextOptions> | null = null;
  return {
    listen: () => Promise.reject(new NetworkError('EOPNOTSUPP', 'a network of a client does not listen')),
    async connect(to) {
      context ??= loadTlsMaterial(settings).then((material) => contextOptions(settings, material));
      return connect(to, await context, settings.endpointIdentificationAlgorithm !== '');
    },
  };
}

function connect(to: { readonly host: string; readonly port: number; readonly timeoutMs: number }, context: tls.SecureContextOptions, checksName: boolean): Promise<Wire> {
  return new Promise((resolve, reject) => {
    const reads = createSocketReads();
    // The reads are Node's own option of its sockets, which the types of TLS leave out.
    const onread = { onread: { buffer: reads.buffer, callback: reads.callback } };
    const socket = tls.connect({
      ...onread, ...context, host: to.host, port: to.port, rejectUnauthorized: true, ...(net.isIP(to.host) === 0 ? { servername: to.host } : {}), ...(checksName ? {} : { checkServerIdentity: () => undefined }),
    });
    const timer = setTimeout(() => socket.destroy(new NetworkError('ETIMEDOUT', `no TLS connection to ${to.host}:${to.port} within ${to.timeoutMs} ms`)), to.timeoutMs);
    let isConnected = false;
    socket.once('connect', () => (isConnected = true));
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(isConnected && !isOfNetwork(error) ? new TlsError(`the TLS handshake failed: ${(error as { readonly reason?: string }).reason ?? error.message}`) : error);
    };
    const closed = (): void => fail(new NetworkError('ECONNRESET', `${to.host}:${to.port} closed the connection during the TLS handshake`));
    socket.once('error', fail);
    socket.once('close', closed);
    socket.once('secureConnect', () => {
      clearTimeout(timer);
      socket.off('error', fail);
      socket.off('close', closed);
      const addresses = addressesOf(socket);
      if (addresses === null) {
        socket.on('error', () => {});
        socket.destroy();
        reject(new NetworkError('ECONNRESET', `${to.host}:${to.port} closed the connection at once`));
        return;
      }
      socket.setNoDelay(true);
      socket.pause();
      resolve(tlsWireOf(socket, addresses, reads));
    });
  });
}

/** The other side went away, or took too long: that may pass. */
function isOfNetwork(error: Error): boolean {
  return error instanceof NetworkError || /^(?:ECONN|ETIMEDOUT|EPIPE|EHOST|ENET)/.test(errorCode(error));
}
