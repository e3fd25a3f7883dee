/**
 * A byte stream between two parties. `net` makes them of TCP and TLS sockets and of in-process pairs; a simulation
 * makes its own.
 */

/** What the owner of a wire wants to hear. All calls come from the event loop, never from inside a `Wire` method. */
export interface WireHandler {
  /**
   * Bytes arrived. `bytes` is BORROWED: it may be the memory of a shared landing buffer and is valid only until
   * this call returns; copy what must live longer.
   */
  onBytes(bytes: Buffer): void;
  /**
   * Where the next read should land, or null for the wire's own landing buffer. A handler that knows the length of
   * a frame it has begun returns the rest of its own buffer, so that large frames are read in place; `onBytes` then
   * gets exactly a prefix of the buffer returned. Wires that cannot honour this ignore it and give borrowed bytes.
   */
  nextReadBuffer?(): Buffer | null;
  /** The handshake of a TLS wire is done; comes before the first bytes, and never on others. */
  onSecured?(peer: TlsPeer): void;
  /** Everything written so far was handed to the kernel; comes after a `write` that returned false. */
  onDrain(): void;
  /** The last call. `error` is absent on an orderly end. */
  onClose(error?: Error): void;
}

/** What a TLS handshake has shown of the other side. */
export interface TlsPeer {
  /** The subject of its certificate, checked, as RFC 2253 writes it: `CN=alice,O=team`; null: it showed none. */
  readonly subject: string | null;
}

export interface Wire {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  /** Must be called once, before bytes are expected. */
  start(handler: WireHandler): void;
  /**
   * Queues chunks to be sent in order with one system call where the platform can. The chunks are borrowed until
   * `onWritten`: the caller must not change or release them before. Returns false when more than the wire's high
   * water mark is waiting.
   */
  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean;
  /** Bytes accepted by `write` and not yet handed to the kernel. */
  readonly pendingBytes: number;
  /** Stops reading: no more `onBytes` until `resume`. */
  pause(): void;
  resume(): void;
  /** Sends what is queued, then closes. */
  end(): void;
  /** Closes at once. */
  destroy(error?: Error): void;
}

export interface WireListener {
  readonly port: number;
  readonly host: string;
  /** Stops accepting; wires that are open stay open. Resolves when the port is free. */
  close(): Promise<void>;
}

export interface Network {
  /** Rejects with the system's error (code EADDRINUSE, ...). Port 0 picks a free one. */
  listen(options: { readonly host: string; readonly port: number; readonly backlog?: number }, accept: (wire: Wire) => void): Promise<WireListener>;
  /** Rejects on refusal and after `timeoutMs`. */
  connect(options: { readonly host: string; readonly port: number; readonly timeoutMs: number }): Promise<Wire>;
}
