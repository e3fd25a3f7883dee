/**
 * A wire over any duplex stream of Node. Works everywhere (TLS, other runtimes); `TcpWire` is the fast path for what
 * Node's own TCP sockets allow.
 */
import type { Duplex } from 'node:stream';
import type { Wire, WireHandler } from '../base/wire.ts';
import { landingBuffer } from './landing.ts';
import type { SocketReads } from './socketReads.ts';

/** Bytes waiting above which `write` returns false. */
export const WRITE_HIGH_WATER_BYTES = 1 << 20;

/** Both ends of a connection, as text and number. */
export interface WireAddresses {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export class SocketWire implements Wire {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly #stream: Duplex;
  readonly #hasReads: boolean;
  #handler: WireHandler | null = null;
  #error: Error | undefined;
  #isClosed = false;
  #pendingBytes = 0;
  #wantsDrain = false;

  /** With `reads` the stream's own reads bring nothing. */
  constructor(stream: Duplex, addresses: WireAddresses, reads: SocketReads | null = null) {
    this.remoteAddress = addresses.remoteAddress;
    this.remotePort = addresses.remotePort;
    this.localAddress = addresses.localAddress;
    this.localPort = addresses.localPort;
    this.#stream = stream;
    this.#hasReads = reads !== null;
    if (reads !== null) reads.wire = this;
    stream.on('error', (error) => (this.#error ??= error));
    stream.on('close', () => this.#closed());
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  start(handler: WireHandler): void {
    this.#handler = handler;
    if (this.#isClosed) {
      queueMicrotask(() => handler.onClose(this.#error));
      return;
    }
    if (!this.#hasReads) this.#stream.on('data', (bytes: Buffer) => handler.onBytes(bytes));
    this.#stream.resume();
  }

  /** For the reads. */
  nextReadBuffer(): Buffer {
    return this.#handler?.nextReadBuffer?.() ?? landingBuffer();
  }

  takeBytes(lengthBytes: number, buffer: Buffer): void {
    if (this.#handler === null || this.#isClosed) return;
    this.#handler.onBytes(lengthBytes === buffer.length ? buffer : buffer.subarray(0, lengthBytes));
  }

  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean {
    if (this.#isClosed || this.#stream.writableEnded || this.#stream.destroyed) {
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
    this.#stream.cork();
    for (let index = 0; index < last; index += 1) this.#stream.write(chunks[index]);
    this.#stream.write(chunks[last], () => this.#written(lengthBytes, onWritten));
    this.#stream.uncork();
    const hasRoom = this.#pendingBytes <= WRITE_HIGH_WATER_BYTES;
    if (!hasRoom) this.#wantsDrain = true;
    return hasRoom;
  }

  pause(): void {
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#isClosed) this.#stream.resume();
  }

  end(): void {
    this.#stream.end();
    // Nobody reads the rest of what the other side sends, but its end must be seen.
    this.#stream.resume();
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.#stream.destroy();
  }

  #written(lengthBytes: number, onWritten: (() => void) | undefined): void {
    this.#pendingBytes -= lengthBytes;
    onWritten?.();
    if (this.#pendingBytes > 0 || !this.#wantsDrain || this.#isClosed) return;
    this.#wantsDrain = false;
    this.#handler?.onDrain();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#handler?.onClose(this.#error);
  }
}
