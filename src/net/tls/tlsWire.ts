/**
 * A wire over one of Node's TLS sockets. Bytes go to the socket's `_write` one buffer at a time: several at once (`_writev`, which the queue of the stream above uses)
 * Node copies into memory that it makes for each write, and that V8 then has to collect. What is small is joined to whole records, so that neither a record nor a system
 * call is spent on the few bytes before each fetched batch.
 */
/* oxlint-disable no-underscore-dangle -- the names are Node's */
import type tls from 'node:tls';
import type { Wire, WireHandler } from '../../base/wire.ts';
import { landingBuffer } from '../landing.ts';
import type { ReadTarget, SocketReads } from '../socketReads.ts';
import { SocketWire, WRITE_HIGH_WATER_BYTES, type WireAddresses } from '../socketWire.ts';

type WriteDone = (error?: Error | null) => void;
interface SocketInside {
  _write(bytes: Uint8Array, encoding: string, done: WriteDone): void;
}

/** The most that one record of TLS holds. */
const RECORD_BYTES = 16 * 1024;
/** Encrypted at a time, while everybody else waits the better part of a millisecond; each piece costs a turn of the event loop. A multiple of the record. */
const PIECE_BYTES = 64 * RECORD_BYTES;

interface Queued {
  readonly bytes: Uint8Array;
  readonly onWritten: (() => void) | null;
}

/** The fast wire where the socket's reads could be taken over, else one over its stream. */
export function tlsWireOf(socket: tls.TLSSocket, addresses: WireAddresses, reads: SocketReads | null): Wire {
  const hasWrites = typeof (socket as unknown as Partial<SocketInside>)._write === 'function';
  return reads !== null && hasWrites ? new TlsWire(socket, addresses, reads) : new SocketWire(socket, addresses, reads);
}

export class TlsWire implements Wire, ReadTarget {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly #socket: tls.TLSSocket & SocketInside;
  readonly #writeDone: WriteDone = (error) => this.#onWriteDone(error);
  #handler: WireHandler | null = null;
  #error: Error | undefined;
  #isClosed = false;
  #isEnding = false;
  #queue: Queued[] = [];
  /** Of the first in the queue: what was sent of it. */
  #sentOfFirst = 0;
  #pendingBytes = 0;
  /** Node takes one write at a time; 0: none is under way. */
  #sendingBytes = 0;
  /** Of chunks whose last byte is in the write under way. */
  #finishing: (() => void)[] = [];
  #wantsDrain = false;

  constructor(socket: tls.TLSSocket, addresses: WireAddresses, reads: SocketReads) {
    this.remoteAddress = addresses.remoteAddress;
    this.remotePort = addresses.remotePort;
    this.localAddress = addresses.localAddress;
    this.localPort = addresses.localPort;
    this.#socket = socket as unknown as tls.TLSSocket & SocketInside;
    reads.wire = this;
    socket.on('error', (error) => (this.#error ??= error));
    socket.on('close', () => this.#closed());
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  start(handler: WireHandler): void {
    this.#handler = handler;
    if (this.#isClosed) queueMicrotask(() => handler.onClose(this.#error));
    else this.#socket.resume();
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
    const last = chunks.length - 1;
    if (this.#isClosed || this.#isEnding || this.#socket.destroyed || last < 0) {
      onWritten?.();
      return true;
    }
    for (let index = 0; index <= last; index += 1) {
      const bytes = chunks[index] as Uint8Array;
      this.#pendingBytes += bytes.length;
      this.#queue.push({ bytes, onWritten: index === last && onWritten !== undefined ? onWritten : null });
    }
    if (this.#sendingBytes === 0) this.#sendSome();
    const hasRoom = this.#pendingBytes <= WRITE_HIGH_WATER_BYTES;
    if (!hasRoom) this.#wantsDrain = true;
    return hasRoom;
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    if (!this.#isClosed && !this.#socket.destroyed) this.#socket.resume();
  }

  end(): void {
    this.#isEnding = true;
    if (this.#sendingBytes === 0) this.#socket.end();
    // Nobody reads the rest of what the other side sends, but its end must be seen.
    this.#socket.resume();
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  #sendSome(): void {
    const piece = this.#nextPiece();
    if (piece === null) return this.#callFinished();
    this.#sendingBytes = piece.length;
    this.#socket._write(piece, 'buffer', this.#writeDone);
  }

  /** Null when nothing is left to be sent. */
  #nextPiece(): Uint8Array | null {
    const first = this.#queue[0];
    if (first === undefined) return null;
    const left = first.bytes.length - this.#sentOfFirst;
    if (left < RECORD_BYTES && this.#queue.length > 1) return this.#joined();
    const length = left <= PIECE_BYTES && this.#queue.length === 1 ? left : Math.min(left - (left % RECORD_BYTES), PIECE_BYTES);
    const piece = first.bytes.subarray(this.#sentOfFirst, this.#sentOfFirst + length);
    this.#advance(first, length);
    return length === 0 ? this.#nextPiece() : piece;
  }

  /** One record of what is in front, or less where there is no more. */
  #joined(): Uint8Array | null {
    let total = -this.#sentOfFirst;
    for (let index = 0; index < this.#queue.length && total < RECORD_BYTES; index += 1) total += (this.#queue[index] as Queued).bytes.length;
    const record = Buffer.allocUnsafe(Math.min(total, RECORD_BYTES));
    let used = 0;
    while (this.#queue.length > 0 && (used < record.length || this.#queue[0]?.bytes.length === 0)) {
      const first = this.#queue[0] as Queued;
      const length = Math.min(first.bytes.length - this.#sentOfFirst, record.length - used);
      record.set(first.bytes.subarray(this.#sentOfFirst, this.#sentOfFirst + length), used);
      used += length;
      this.#advance(first, length);
    }
    return used === 0 ? this.#nextPiece() : record;
  }

  #advance(first: Queued, length: number): void {
    this.#sentOfFirst += length;
    if (this.#sentOfFirst < first.bytes.length) return;
    this.#queue.shift();
    this.#sentOfFirst = 0;
    if (first.onWritten !== null) this.#finishing.push(first.onWritten);
  }

  #onWriteDone(error: Error | null | undefined): void {
    if (error) this.destroy(error);
    if (this.#isClosed) return;
    this.#pendingBytes -= this.#sendingBytes;
    this.#sendingBytes = 0;
    this.#callFinished();
    if (this.#socket.destroyed) return;
    if (this.#sendingBytes === 0) this.#sendSome();
    if (this.#sendingBytes > 0) return;
    if (this.#isEnding) this.#socket.end();
    if (!this.#wantsDrain) return;
    this.#wantsDrain = false;
    this.#handler?.onDrain();
  }

  #callFinished(): void {
    if (this.#finishing.length === 0) return;
    const finished = this.#finishing;
    this.#finishing = [];
    for (const onWritten of finished) onWritten();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#pendingBytes = 0;
    const queue = this.#queue;
    this.#queue = [];
    this.#callFinished();
    for (const { onWritten } of queue) onWritten?.();
    this.#handler?.onClose(this.#error);
  }
}
