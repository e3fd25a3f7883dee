/** TLS for the sockets that a listener accepts. Keys can be replaced while connections are open; those keep what they began with. */
import { constants } from 'node:crypto';
import { unwatchFile, watchFile } from 'node:fs';
import type net from 'node:net';
import tls from 'node:tls';
import type { TlsSettings } from '../../base/securityProtocol.ts';
import { contextOptions } from './contextOptions.ts';
import { loadTlsMaterial, tlsFiles } from './keyMaterial.ts';

/** A client may take this long to say who it is. */
const HANDSHAKE_MS_MAX = 30_000;
/** How often files are looked at: links that are turned, as Kubernetes does it, are seen too. */
const WATCH_INTERVAL_MS = 2000;

export interface TlsServerOptions {
  /** Read anew at each change. */
  readonly settings: () => TlsSettings;
  /** New keys serve the connections to come (`error` null), or could not be used and the old ones stay. */
  /** How often files are looked at. */
  readonly watchIntervalMs?: number;
  readonly onReload?: (error: Error | null) => void;
}

/** Hears how the handshake of one socket ends. */
export interface HandshakeEnd {
  onSecured(socket: tls.TLSSocket): void;
  onFailed(error: Error): void;
}

export class TlsServer {
  readonly #options: TlsServerOptions;
  #server: tls.Server;
  #watched: string[] = [];
  #loaded: string;
  /** Handshakes under way, by the two ends of their connection. */
  readonly #shaking = new Map<string, HandshakeEnd>();
  #isClosed = false;

  private constructor(options: TlsServerOptions, settings: TlsSettings, context: tls.SecureContextOptions) {
    this.#options = options;
    this.#server = this.#createServer(settings, context);
    this.#loaded = JSON.stringify(settings);
    this.#watch(settings);
  }

  /** Rejects with TlsError. */
  static async open(options: TlsServerOptions): Promise<TlsServer> {
    const settings = options.settings();
    return new TlsServer(options, settings, contextOptions(settings, await loadTlsMaterial(settings)));
  }

  /** Begins the handshake of an accepted socket. */
  secure(socket: net.Socket, end: HandshakeEnd): void {
    const key = endsOf(socket);
    this.#shaking.set(key, end);
    socket.once('close', () => this.#shaking.delete(key));
    this.#server.emit('connection', socket);
  }

  /** Settings may have changed: takes new ones for connections to come; true when it did. Rejects with TlsError, and the old ones stay. */
  async refresh(): Promise<boolean> {
    if (JSON.stringify(this.#options.settings()) === this.#loaded) return false;
    await this.#reload();
    return true;
  }

  close(): void {
    this.#isClosed = true;
    for (const path of this.#watched) unwatchFile(path, this.#onFileChange);
    this.#watched = [];
  }

  async #reload(): Promise<void> {
    const settings = this.#options.settings();
    const context = contextOptions(settings, await loadTlsMaterial(settings));
    if (this.#isClosed) return;
    this.#server = this.#createServer(settings, context);
    this.#loaded = JSON.stringify(settings);
    this.#watch(settings);
  }

  readonly #onFileChange = (): void => {
    void this.#reload().then(() => this.#options.onReload?.(null), (error: Error) => this.#options.onReload?.(error));
  };

  #watch(settings: TlsSettings): void {
    for (const path of this.#watched) unwatchFile(path, this.#onFileChange);
    this.#watched = tlsFiles(settings);
    for (const path of this.#watched) watchFile(path, { interval: this.#options.watchIntervalMs ?? WATCH_INTERVAL_MS, persistent: false }, this.#onFileChange);
  }

  #createServer(settings: TlsSettings, context: tls.SecureContextOptions): tls.Server {
    const asksClient = settings.clientAuth !== 'none';
    const server = tls.createServer({
      ...context,
      requestCert: asksClient,
      // One that is only wished for may be missing; that it is good is checked below.
      rejectUnauthorized: settings.clientAuth === 'required',
      handshakeTimeout: HANDSHAKE_MS_MAX,
      // A session that is resumed would pass by a truststore that has changed since.
      ...(asksClient ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}),
    });
    server.on('secureConnection', (socket) => this.#onSecured(socket));
    server.on('tlsClientError', (error, socket) => this.#onFailed(error, socket));
    return server;
  }

  #onSecured(socket: tls.TLSSocket): void {
    socket.on('error', () => {});
    const end = this.#take(socket);
    if (end === undefined) {
      socket.destroy();
      return;
    }
    const isBad = !socket.authorized && socket.getPeerX509Certificate() !== undefined;
    if (isBad) end.onFailed(new Error(`the client's certificate is not trusted: ${String(socket.authorizationError)}`));
    else end.onSecured(socket);
  }

  #onFailed(error: Error, socket: tls.TLSSocket): void {
    this.#take(socket)?.onFailed(error);
  }

  #take(socket: net.Socket): HandshakeEnd | undefined {
    const key = endsOf(socket);
    const end = this.#shaking.get(key);
    this.#shaking.delete(key);
    return end;
  }
}

const endsOf = ({ remoteAddress, remotePort, localAddress, localPort }: net.Socket): string => `${remoteAddress}:${remotePort}>${localAddress}:${localPort}`;
