/**
 * A wire over one of Node's TCP sockets. Reads land in the process's landing buffer, or where the handler wants them; writes go to the
 * socket's `_write`/`_writev` directly, which take whole buffers and try the system call at once: the queue of the
 * stream above them would only cost time. `SocketWire` serves where a socket cannot be had this way.
 */
/* oxlint-disable no-underscore-dangle -- the names are Node's */
import type net from 'node:net';
import type { Wire, WireHandler } from '../base/wire.ts';
import { landingBuffer } from './landing.ts';
import type { SocketReads } from './socketReads.ts';
import { WRITE_HIGH_WATER_BYTES, type WireAddresses } from './socketWire.ts';

/** What is used of a socket beyond its public face; `isFastSocket` says whether it is there. */
interface Handle {
  readonly writeQueueSize: number;
}
type ChunkItem = { readonly chunk: Uint8Array };
type WriteDone = (error?: Error | null) => void;
interface SocketInside {
  _handle: Handle | null;
  _write(bytes: Uint8Array, encoding: string, done: WriteDone): void;
  _writev(chunks: ChunkItem[] & { allBuffers?: boolean }, done: WriteDone): void;
}

/** Chunks below this are copied together: an entry of its own costs the kernel more. */
const SMALL_CHUNK_BYTES = 2 * 1024;
const SLAB_BYTES = 64 * 1024;
/** Where small chunks are joined. Free again when a write is done at once; replaced when the kernel has not taken all of it. */
let slab: Buffer | null = null;

/** True when the socket has the parts that this wire builds on. */
export function isFastSocket(socket: net.Socket): boolean {
  const inside = socket as unknown as SocketInside;
  const hasWrites = typeof inside._write === 'function' && typeof inside._writev === 'function';
  return hasWrites && typeof inside._handle?.writeQueueSize === 'number';
}

export class TcpWire implements Wire {
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localAddress: string;
  readonly localPort: number;
  readonly #socket: net.Socket & SocketInside;
  readonly #writeDone: WriteDone = (error) => this.#onWriteDone(error);
  #handler: WireHandler | null = null;
  #error: Error | undefined;
  #isClosed = false;
  #isEnding = false;
  /** Set while a system call is tried, so that its end is told from one that comes later. */
  #isTrying = false;
  #isTried = false;
  /** Callbacks of the writes that the kernel has not taken whole, in order; null where nobody asked. */
  #waiting: ((() => void) | null)[] = [];
  #wantsDrain = false;

  constructor(socket: net.Socket, reads: SocketReads, addresses: WireAddresses) {
    this.remoteAddress = addresses.remoteAddress;
    this.remotePort = addresses.remotePort;
    this.localAddress = addresses.localAddress;
    this.localPort = addresses.localPort;
    this.#socket = socket as unknown as net.Socket & SocketInside;
    reads.wire = this;
    socket.on('error', (error) => (this.#error ??= error));
    socket.on('close', () => this.#closed());
  }

  get pendingBytes(): number {
    return this.#waiting.length === 0 ? 0 : (this.#socket._handle?.writeQueueSize ?? 0);
  }

  start(handler: WireHandler): void {
    this.#handler = handler;
    if (this.#isClosed) queueMicrotask(() => handler.onClose(this.#error));
    else this.#socket.resume();
  }

  /** For the socket: where its next read goes. */
  nextReadBuffer(): Buffer {
    return this.#handler?.nextReadBuffer?.() ?? landingBuffer();
  }

  /** From the socket. */
  takeBytes(lengthBytes: number, buffer: Buffer): void {
    if (this.#handler === null || this.#isClosed) return;
    this.#handler.onBytes(lengthBytes === buffer.length ? buffer : buffer.subarray(0, lengthBytes));
  }

  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean {
    const isGone = this.#isClosed || this.#isEnding || this.#socket.destroyed;
    if (isGone || chunks.length === 0) {
      onWritten?.();
      return true;
    }
    this.#isTrying = true;
    this.#isTried = false;
    const usesSlab = this.#send(chunks);
    this.#isTrying = false;
    if (this.#isTried) {
      onWritten?.();
      return true;
    }
    if (usesSlab) slab = null;
    this.#waiting.push(onWritten ?? null);
    const hasRoom = this.pendingBytes <= WRITE_HIGH_WATER_BYTES;
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
    this.#socket.end();
    // Nobody reads the rest of what the other side sends, but its end must be seen.
    this.#socket.resume();
  }

  destroy(error?: Error): void {
    this.#error ??= error;
    this.#socket.destroy();
  }

  /** Returns true when the slab holds bytes of this write. */
  #send(chunks: readonly Uint8Array[]): boolean {
    const first = chunks[0] as Uint8Array;
    if (chunks.length === 1) {
      this.#socket._write(first, 'buffer', this.#writeDone);
      return false;
    }
    const items: ChunkItem[] & { allBuffers?: boolean } = [];
    const usesSlab = joinSmall(chunks, items);
    if (items.length === 1) {
      this.#socket._write((items[0] as ChunkItem).chunk, 'buffer', this.#writeDone);
    } else {
      items.allBuffers = true;
      this.#socket._writev(items, this.#writeDone);
    }
    return usesSlab;
  }

  #onWriteDone(error: Error | null | undefined): void {
    if (error) this.destroy(error);
    if (this.#isTrying) {
      this.#isTried = true;
      return;
    }
    const onWritten = this.#waiting.shift();
    onWritten?.();
    if (this.#waiting.length > 0 || !this.#wantsDrain || this.#isClosed) return;
    this.#wantsDrain = false;
    this.#handler?.onDrain();
  }

  #closed(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#releaseWaiting();
    this.#handler?.onClose(this.#error);
  }

  /** The system answers every write also when the socket closes; this holds if one day it does not. */
  #releaseWaiting(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const onWritten of waiting) onWritten?.();
  }
}

/** Lists the chunks, runs of small ones joined in the slab. Returns true when the slab was used. */
function joinSmall(chunks: readonly Uint8Array[], items: ChunkItem[]): boolean {
  slab ??= Buffer.allocUnsafeSlow(SLAB_BYTES);
  let used = 0;
  let runStart = 0;
  for (const chunk of chunks) {
    const fits = chunk.length <= SMALL_CHUNK_BYTES && used + chunk.length <= SLAB_BYTES;
    if (fits) {
      slab.set(chunk, used);
      used += chunk.length;
      continue;
    }
    if (used > runStart) items.push({ chunk: slab.subarray(runStart, used) });
    runStart = used;
    items.push({ chunk });
  }
  if (used > runStart) items.push({ chunk: slab.subarray(runStart, used) });
  return used > 0;
}
