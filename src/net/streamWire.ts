/** What the wires over Node's streams have in common: addresses, reads, the end. How bytes are written is each one's own. */
import type { Duplex } from 'node:stream';
import type { Wire, WireHandler } from '../base/wire.ts';
import { landingBuffer } from './landing.ts';
import type { ReadTarget, SocketReads } from './socketReads.ts';

/** Bytes waiting above which `write` returns false. */
export const WRITE_HIGH_WATER_BYTES = 1 << 20;

/** Both ends of a connection, as text and number. */
export interface WireAddresses {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
}

export abstract class StreamWire<Stream extends Duplex> implements Wire, ReadTarget {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  protected readonly stream: Stream;
  protected handler: WireHandler | null = null;
  protected isClosed = false;
  /** `write` said that there is no room. */
  protected wantsDrain = false;
  #error: Error | undefined;

  /** With `reads` the stream's own reads bring nothing. */
  constructor(stream: Stream, addresses: WireAddresses, reads: SocketReads | null) {
    this.remoteAddress = addresses.remoteAddress;
    this.remotePort = addresses.remotePort;
    this.localAddress = addresses.localAddress;
    this.localPort = addresses.localPort;
    this.stream = stream;
    if (reads !== null) reads.wire = this;
    stream.on('error', (error) => (this.#error ??= error));
    stream.on('close', () => this.#closed());
  }

  abstract get pendingBytes(): number;
  abstract write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean;
  /** Answers the writes that nobody will answer any more. */
  protected abstract releaseWrites(): void;

  start(handler: WireHandler): void {
    this.handler = handler;
    if (this.isClosed) queueMicrotask(() => handler.onClose(this.#error));
    else this.stream.resume();
  }

  /** For the reads: where the next one goes. */
  nextReadBuffer(): Buffer {
    return this.handler?.nextReadBuffer?.() ?? landingBuffer();
  }

  /** From the reads. */
  takeBytes(lengthBytes: number, buffer: Buffer): void {
    if (this.handler === null || this.isClosed) return;
    this.handler.onBytes(lengthBytes === buffer.length ? buffer : buffer.subarray(0, lengthBytes));
  }

  pause(): void {
    this.stream.pause();
  }

  resume(): void {
    if (!this.isClosed && !this.stream.destroyed) this.stream.resume();
  }

  end(): void {
    this.stream.end();
    // Nobody reads the rest of what the other side sends, but its end must be seen.
    this.stream.resume();
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.stream.destroy();
  }

  /** After a write: whether the caller may go on; if not, `onDrain` comes later. */
  protected hasRoom(): boolean {
    const hasRoom = this.pendingBytes <= WRITE_HIGH_WATER_BYTES;
    if (!hasRoom) this.wantsDrain = true;
    return hasRoom;
  }

  /** Nothing waits any more. */
  protected drained(): void {
    if (!this.wantsDrain || this.isClosed) return;
    this.wantsDrain = false;
    this.handler?.onDrain();
  }

  #closed(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.releaseWrites();
    this.handler?.onClose(this.#error);
  }
}
