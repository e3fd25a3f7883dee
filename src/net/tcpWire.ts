/**
 * A wire over one of Node's TCP sockets. Reads land in the process's landing buffer, or where the handler wants them; writes go to the
 * socket's `_write`/`_writev` directly, which take whole buffers and try the system call at once: the queue of the
 * stream above them would only cost time. `SocketWire` serves where a socket cannot be had this way.
 */
/* oxlint-disable no-underscore-dangle -- the names are Node's */
import type net from 'node:net';
import type { SocketReads } from './socketReads.ts';
import { StreamWire, type WireAddresses } from './streamWire.ts';

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

export class TcpWire extends StreamWire<net.Socket & SocketInside> {
  readonly #writeDone: WriteDone = (error) => this.#onWriteDone(error);
  #isEnding = false;
  /** Set while a system call is tried, so that its end is told from one that comes later. */
  #isTrying = false;
  #isTried = false;
  /** Callbacks of the writes that the kernel has not taken whole, in order; null where nobody asked. */
  #waiting: ((() => void) | null)[] = [];

  constructor(socket: net.Socket, reads: SocketReads, addresses: WireAddresses) {
    super(socket as unknown as net.Socket & SocketInside, addresses, reads);
  }

  get pendingBytes(): number {
    return this.#waiting.length === 0 ? 0 : (this.stream._handle?.writeQueueSize ?? 0);
  }

  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean {
    const isGone = this.isClosed || this.#isEnding || this.stream.destroyed;
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
    return this.hasRoom();
  }

  override end(): void {
    this.#isEnding = true;
    super.end();
  }

  /** Returns true when the slab holds bytes of this write. */
  #send(chunks: readonly Uint8Array[]): boolean {
    const first = chunks[0] as Uint8Array;
    if (chunks.length === 1) {
      this.stream._write(first, 'buffer', this.#writeDone);
      return false;
    }
    const items: ChunkItem[] & { allBuffers?: boolean } = [];
    const usesSlab = joinSmall(chunks, items);
    if (items.length === 1) {
      this.stream._write((items[0] as ChunkItem).chunk, 'buffer', this.#writeDone);
    } else {
      items.allBuffers = true;
      this.stream._writev(items, this.#writeDone);
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
    if (this.#waiting.length === 0) this.drained();
  }

  /** The system answers every write also when the socket closes; this holds if one day it does not. */
  protected releaseWrites(): void {
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
