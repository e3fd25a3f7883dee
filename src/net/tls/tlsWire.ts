/**
 * A wire over one of Node's TLS sockets. Bytes go to the socket's `_write` one buffer at a time: several at once (`_writev`, which the queue of the stream above uses)
 * Node copies into memory that it makes for each write, and that V8 then has to collect. What is small is joined to whole records, so that neither a record nor a system
 * call is spent on the few bytes before each fetched batch.
 */
/* oxlint-disable no-underscore-dangle -- the names are Node's */
import type tls from 'node:tls';
import type { Wire } from '../../base/wire.ts';
import type { SocketReads } from '../socketReads.ts';
import { SocketWire } from '../socketWire.ts';
import { StreamWire, type WireAddresses } from '../streamWire.ts';

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

export class TlsWire extends StreamWire<tls.TLSSocket & SocketInside> {
  readonly #writeDone: WriteDone = (error) => this.#onWriteDone(error);
  #isEnding = false;
  #queue: Queued[] = [];
  /** Of the first in the queue: what was sent of it. */
  #sentOfFirst = 0;
  #pendingBytes = 0;
  /** Node takes one write at a time; 0: none is under way. */
  #sendingBytes = 0;
  /** Of chunks whose last byte is in the write under way. */
  #finishing: (() => void)[] = [];

  constructor(socket: tls.TLSSocket, addresses: WireAddresses, reads: SocketReads) {
    super(socket as unknown as tls.TLSSocket & SocketInside, addresses, reads);
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean {
    const last = chunks.length - 1;
    if (this.isClosed || this.#isEnding || this.stream.destroyed || last < 0) {
      onWritten?.();
      return true;
    }
    for (let index = 0; index <= last; index += 1) {
      const bytes = chunks[index] as Uint8Array;
      this.#pendingBytes += bytes.length;
      this.#queue.push({ bytes, onWritten: index === last && onWritten !== undefined ? onWritten : null });
    }
    if (this.#sendingBytes === 0) this.#sendSome();
    return this.hasRoom();
  }

  /** What waits is sent before the stream is told that this was all. */
  override end(): void {
    this.#isEnding = true;
    if (this.#sendingBytes === 0) super.end();
    else this.stream.resume();
  }

  #sendSome(): void {
    const piece = this.#nextPiece();
    if (piece === null) return this.#callFinished();
    this.#sendingBytes = piece.length;
    this.stream._write(piece, 'buffer', this.#writeDone);
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
    if (this.isClosed) return;
    this.#pendingBytes -= this.#sendingBytes;
    this.#sendingBytes = 0;
    this.#callFinished();
    if (this.stream.destroyed) return;
    if (this.#sendingBytes === 0) this.#sendSome();
    if (this.#sendingBytes > 0) return;
    if (this.#isEnding) this.stream.end();
    this.drained();
  }

  #callFinished(): void {
    if (this.#finishing.length === 0) return;
    const finished = this.#finishing;
    this.#finishing = [];
    for (const onWritten of finished) onWritten();
  }

  protected releaseWrites(): void {
    this.#pendingBytes = 0;
    const queue = this.#queue;
    this.#queue = [];
    this.#callFinished();
    for (const { onWritten } of queue) onWritten?.();
  }
}
