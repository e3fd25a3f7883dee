/**
 * A wire over any duplex stream of Node. Works everywhere (TLS, other runtimes); `TcpWire` is the fast path for what
 * Node's own TCP sockets allow.
 */
import type { Duplex } from 'node:stream';
import type { WireHandler } from '../base/wire.ts';
import type { SocketReads } from './socketReads.ts';
import { StreamWire, type WireAddresses } from './streamWire.ts';

export class SocketWire extends StreamWire<Duplex> {
  readonly #hasReads: boolean;
  #pendingBytes = 0;

  constructor(stream: Duplex, addresses: WireAddresses, reads: SocketReads | null = null) {
    super(stream, addresses, reads);
    this.#hasReads = reads !== null;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  override start(handler: WireHandler): void {
    if (!this.isClosed && !this.#hasReads) this.stream.on('data', (bytes: Buffer) => handler.onBytes(bytes));
    super.start(handler);
  }

  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean {
    if (this.isClosed || this.stream.writableEnded || this.stream.destroyed) {
      onWritten?.();
      return true;
    }
    let lengthBytes = 0;
    for (const chunk of chunks) lengthBytes += chunk.length;
    this.#pendingBytes += lengthBytes;
    const last = chunks.length - 1;
    if (last < 0) {
      onWritten?.();
      return true;
    }
    this.stream.cork();
    for (let index = 0; index < last; index += 1) this.stream.write(chunks[index]);
    this.stream.write(chunks[last], () => this.#written(lengthBytes, onWritten));
    this.stream.uncork();
    return this.hasRoom();
  }

  #written(lengthBytes: number, onWritten: (() => void) | undefined): void {
    this.#pendingBytes -= lengthBytes;
    onWritten?.();
    if (this.#pendingBytes === 0) this.drained();
  }

  /** The stream answers every write, also when it closes. */
  protected releaseWrites(): void {}
}
