/** A wire over a socket whose TLS handshake is still under way, and after it. */
import type net from 'node:net';
import type tls from 'node:tls';
import type { TlsPeer, Wire, WireHandler } from '../../base/wire.ts';
import type { WireAddresses } from '../streamWire.ts';
import { subjectName } from './distinguishedName.ts';
import { takeReads } from './tlsReads.ts';
import { tlsWireOf } from './tlsWire.ts';
import type { HandshakeEnd, TlsServer } from './tlsServer.ts';

export class TlsAcceptedWire implements Wire, HandshakeEnd {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly #socket: net.Socket;
  readonly #addresses: WireAddresses;
  #handler: WireHandler | null = null;
  /** Once the handshake is done. */
  #secured: Wire | null = null;
  #error: Error | undefined;
  #isPaused = false;
  #isClosed = false;

  readonly #server: TlsServer;

  constructor(socket: net.Socket, addresses: WireAddresses, server: TlsServer) {
    this.remoteAddress = addresses.remoteAddress;
    this.remotePort = addresses.remotePort;
    this.localAddress = addresses.localAddress;
    this.localPort = addresses.localPort;
    this.#socket = socket;
    this.#addresses = addresses;
    this.#server = server;
    socket.on('close', () => this.#lost());
  }

  get pendingBytes(): number {
    return this.#secured?.pendingBytes ?? 0;
  }

  start(handler: WireHandler): void {
    this.#handler = handler;
    // Not before: what follows the handshake at once must find its reader.
    if (this.#isClosed) queueMicrotask(() => handler.onClose(this.#error));
    else this.#server.secure(this.#socket, this);
  }

  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean {
    if (this.#secured !== null) return this.#secured.write(chunks, onWritten);
    // Nobody can have asked anything yet.
    onWritten?.();
    return true;
  }

  pause(): void {
    this.#isPaused = true;
    this.#secured?.pause();
  }

  resume(): void {
    this.#isPaused = false;
    this.#secured?.resume();
  }

  end(): void {
    if (this.#secured === null) this.#socket.destroy();
    else this.#secured.end();
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    if (this.#secured === null) this.#socket.destroy();
    else this.#secured.destroy(error);
  }

  onSecured(socket: tls.TLSSocket): void {
    const handler = this.#handler as WireHandler;
    const certificate = socket.getPeerX509Certificate();
    let peer: TlsPeer;
    try {
      peer = { subject: certificate === undefined ? null : subjectName(certificate.raw) };
    } catch (error) {
      this.onFailed(error as Error);
      socket.destroy();
      return;
    }
    socket.setNoDelay(true);
    this.#secured = tlsWireOf(socket, this.#addresses, takeReads(socket));
    handler.onSecured?.(peer);
    this.#secured.start(handler);
    if (this.#isPaused) this.#secured.pause();
  }

  onFailed(error: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  /** After the handshake the wire over the secured socket tells of the end. */
  #lost(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    // Who only looks whether the port is open is nothing to speak of.
    if (this.#secured === null && this.#socket.bytesRead > 0) this.#error ??= new Error('the handshake was not finished, or the certificate not trusted');
    if (this.#secured === null) this.#handler?.onClose(this.#error);
  }
}
