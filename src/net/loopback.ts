/**
 * A network inside the process: for embedding a broker beside its client, and for tests. Chunks are handed over by
 * reference in the next turn of the event loop.
 */
import type { Network, Wire, WireHandler, WireListener } from '../base/wire.ts';
import { WRITE_HIGH_WATER_BYTES } from './streamWire.ts';
import { NetworkError } from './systemError.ts';

const FIRST_FREE_PORT = 49_152;
const LAST_PORT = 65_535;
const ADDRESS = '127.0.0.1';

interface Listening extends WireListener {
  readonly accept: (wire: Wire) => void;
}

/** Each call makes a network of its own; only its own listeners can be reached through it. Hosts that mean this machine are one. */
export function createLoopbackNetwork(): Network {
  const listeners = new Map<string, Listening>();
  let nextPort = FIRST_FREE_PORT;

  function freePort(host: string): number {
    for (let tries = FIRST_FREE_PORT; tries <= LAST_PORT; tries += 1) {
      const port = nextPort;
      nextPort = port === LAST_PORT ? FIRST_FREE_PORT : port + 1;
      if (!listeners.has(keyOf(host, port))) return port;
    }
    throw new NetworkError('EADDRINUSE', 'no free port');
  }

  return {
    async listen({ host, port }, accept) {
      const bound = port === 0 ? freePort(host) : port;
      const key = keyOf(host, bound);
      if (listeners.has(key)) throw new NetworkError('EADDRINUSE', `address already in use ${host}:${bound}`);
      const close = async () => {
        if (listeners.get(key) === listening) listeners.delete(key);
      };
      const listening: Listening = { host, port: bound, accept, close };
      listeners.set(key, listening);
      return listening;
    },
    async connect({ host, port }) {
      const listening = listeners.get(keyOf(host, port)) ?? listeners.get(keyOf('0.0.0.0', port));
      if (!listening) throw new NetworkError('ECONNREFUSED', `nothing listens on ${host}:${port}`);
      const [near, far] = createWirePair(freePort(host), port);
      setImmediate(() => listening.accept(far));
      return near;
    },
  };
}

const THIS_MACHINE = new Set(['localhost', '127.0.0.1', '::1', '0.0.0.0', '::', '']);

function keyOf(host: string, port: number): string {
  const name = host.toLowerCase();
  return `${THIS_MACHINE.has(name) ? ADDRESS : name}:${port}`;
}

/** Two wires, each the other end of the other. */
export function createWirePair(nearPort = 1, farPort = 2): [LoopbackWire, LoopbackWire] {
  const near = new LoopbackWire(nearPort, farPort);
  const far = new LoopbackWire(farPort, nearPort);
  near.join(far);
  far.join(near);
  return [near, far];
}

interface QueuedWrite {
  readonly chunks: readonly Uint8Array[];
  delivered: number;
  readonly onWritten: (() => void) | undefined;
}

export class LoopbackWire implements Wire {
  readonly remoteAddress = ADDRESS;
  readonly localAddress = ADDRESS;
  readonly remotePort: number;
  readonly localPort: number;
  #peer: LoopbackWire | null = null;
  #handler: WireHandler | null = null;
  /** What this side has written and the other has not taken. */
  #queue: QueuedWrite[] = [];
  #pendingBytes = 0;
  #isPaused = false;
  #isEnding = false;
  #isClosed = false;
  #isScheduled = false;
  #wantsDrain = false;
  #error: Error | undefined;

  constructor(localPort: number, remotePort: number) {
    this.localPort = localPort;
    this.remotePort = remotePort;
  }

  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  /** For the maker of the pair. */
  join(peer: LoopbackWire): void {
    this.#peer = peer;
  }

  start(handler: WireHandler): void {
    this.#handler = handler;
    if (this.#isClosed) setImmediate(() => handler.onClose(this.#error));
    else this.#peer?.schedule();
  }

  write(chunks: readonly Uint8Array[], onWritten?: () => void): boolean {
    if (this.#isClosed || this.#isEnding || chunks.length === 0) {
      onWritten?.();
      return true;
    }
    let lengthBytes = 0;
    for (const chunk of chunks) lengthBytes += chunk.length;
    this.#pendingBytes += lengthBytes;
    this.#queue.push({ chunks, delivered: 0, onWritten });
    this.schedule();
    const hasRoom = this.#pendingBytes <= WRITE_HIGH_WATER_BYTES;
    if (!hasRoom) this.#wantsDrain = true;
    return hasRoom;
  }

  pause(): void {
    this.#isPaused = true;
  }

  resume(): void {
    this.#isPaused = false;
    this.#peer?.schedule();
  }

  end(): void {
    this.#isEnding = true;
    this.schedule();
  }

  destroy(error?: Error): void {
    if (this.#isClosed) return;
    this.#close(error);
    this.#peer?.lose();
  }

  /** Delivers in the next turn what the other side can take. */
  schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#deliver();
    });
  }

  /** The other side is gone. */
  lose(): void {
    setImmediate(() => this.#close(undefined));
  }

  #isTaking(): boolean {
    return this.#handler !== null && !this.#isPaused && !this.#isClosed;
  }

  #take(bytes: Uint8Array): void {
    this.#handler?.onBytes(Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  }

  #deliver(): void {
    const peer = this.#peer;
    if (peer === null) return;
    while (this.#queue.length > 0 && peer.#isTaking()) this.#deliverChunk(peer);
    if (this.#queue.length > 0 || this.#isClosed) return;
    if (this.#wantsDrain) {
      this.#wantsDrain = false;
      this.#handler?.onDrain();
    }
    if (this.#isEnding) this.destroy();
  }

  /** A call of the reader may pause it, or close either side. */
  #deliverChunk(peer: LoopbackWire): void {
    const write = this.#queue[0] as QueuedWrite;
    const chunk = write.chunks[write.delivered] as Uint8Array;
    write.delivered += 1;
    const isLast = write.delivered === write.chunks.length;
    if (isLast) this.#queue.shift();
    this.#pendingBytes -= chunk.length;
    if (chunk.length > 0) peer.#take(chunk);
    if (isLast) write.onWritten?.();
  }

  #close(error: Error | undefined): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#error = error;
    const queue = this.#queue;
    this.#queue = [];
    this.#pendingBytes = 0;
    for (const { onWritten } of queue) onWritten?.();
    const handler = this.#handler;
    if (handler !== null) setImmediate(() => handler.onClose(error));
  }
}
