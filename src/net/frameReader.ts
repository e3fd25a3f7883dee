/**
 * Cuts a byte stream into frames: a signed 32-bit big-endian length, then that many bytes. Frames that lie whole in one read
 * are handed out where they are; others are put together in a buffer of their own, into which the wire reads directly.
 */
import { assert } from '../base/assert.ts';
import { BufferPool } from './bufferPool.ts';

export interface FrameSink {
  /**
   * One whole frame without its length. When `isOwn`, the sink may keep the memory and says so by returning true; else
   * the frame is borrowed until the call returns, and so it is when the sink returns false.
   */
  onFrame(frame: Buffer, isOwn: boolean): boolean;
  /** A length below 0 or above the limit. The reader takes no bytes from then on. */
  onBadLength(lengthBytes: number): void;
}

const PREFIX_BYTES = 4;
/** Memory for a frame that has begun grows with the bytes that arrived, not with the length that was claimed. */
const FIRST_CAPACITY_BYTES = 4 * 1024;
const GROWTH_FACTOR = 8;
const POOL_KEPT_BYTES_MAX = 16 * 1024 * 1024;

const sharedPool = new BufferPool(POOL_KEPT_BYTES_MAX);

export class FrameReader {
  #lengthMaxBytes: number;
  readonly #sink: FrameSink;
  readonly #pool: BufferPool;
  readonly #firstCapacityBytes: number;
  /** Length prefix cut by the end of a read. */
  #prefixBytes = 0;
  #prefixValue = 0;
  /** The frame being put together: its memory, how much has arrived, its length. */
  #partial: Buffer | null = null;
  #partialBytes = 0;
  #partialLength = 0;
  /** Bytes that arrived while stopped. */
  #backlog: Buffer | null = null;
  #isStopped = false;
  #isReading = false;
  #isBroken = false;

  /** `firstCapacityBytes`: what is reserved for a frame that has begun and claims so much, before its bytes have arrived. */
  constructor(lengthMaxBytes: number, sink: FrameSink, pool: BufferPool = sharedPool, firstCapacityBytes = FIRST_CAPACITY_BYTES) {
    this.#lengthMaxBytes = lengthMaxBytes;
    this.#sink = sink;
    this.#pool = pool;
    this.#firstCapacityBytes = firstCapacityBytes;
  }

  get lengthMaxBytes(): number {
    return this.#lengthMaxBytes;
  }

  /** For the frames that have not begun. */
  limit(lengthMaxBytes: number): void {
    this.#lengthMaxBytes = lengthMaxBytes;
  }

  /** Memory that this reader holds between reads. */
  get heldBytes(): number {
    return (this.#partial?.length ?? 0) + (this.#backlog?.length ?? 0);
  }

  /** A frame has begun and not ended. */
  get isMidFrame(): boolean {
    return this.#partial !== null || this.#prefixBytes > 0;
  }

  get isStopped(): boolean {
    return this.#isStopped;
  }

  /** For the wire: where the next bytes should land, or null when anywhere will do. */
  nextReadBuffer(): Buffer | null {
    const partial = this.#partial;
    if (partial === null || this.#isStopped) return null;
    if (this.#partialBytes === partial.length) this.#grow();
    const room = this.#partial as Buffer;
    return room.subarray(this.#partialBytes, Math.min(room.length, this.#partialLength));
  }

  /** No frames until `resume`; bytes that still come are kept. May be called from `onFrame`. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Goes on with what was kept; may be stopped again meanwhile. Not to be called from `onFrame`. */
  resume(): void {
    assert(!this.#isReading, 'a frame reader is resumed while it reads');
    this.#isStopped = false;
    const backlog = this.#backlog;
    if (backlog === null) return;
    this.#backlog = null;
    this.#read(backlog);
  }

  /** Takes bytes that are borrowed for the call. */
  onBytes(bytes: Buffer): void {
    if (this.#isBroken) return;
    if (this.#isStopped) {
      this.#backlog = this.#backlog === null ? Buffer.from(bytes) : Buffer.concat([this.#backlog, bytes]);
      return;
    }
    this.#isReading = true;
    try {
      const taken = this.#partial === null ? 0 : this.#fillPartial(bytes);
      const rest = this.#readWhole(bytes, taken);
      if (rest < bytes.length && this.#isStopped && !this.#isBroken) this.#backlog = Buffer.from(bytes.subarray(rest));
    } finally {
      this.#isReading = false;
    }
  }

  /** Takes bytes that are the reader's own. */
  #read(bytes: Buffer): void {
    this.#isReading = true;
    try {
      const taken = this.#partial === null ? 0 : this.#fillPartial(bytes);
      const rest = this.#readWhole(bytes, taken);
      if (rest < bytes.length && this.#isStopped && !this.#isBroken) this.#backlog = bytes.subarray(rest);
    } finally {
      this.#isReading = false;
    }
  }

  /** Gives all memory back; no bytes may follow. */
  close(): void {
    this.#isBroken = true;
    this.#backlog = null;
    if (this.#partial !== null) this.#pool.give(this.#partial);
    this.#partial = null;
  }

  /** Hands out the frames from `start` on and begins the one that is cut. Returns where it ended. */
  #readWhole(bytes: Buffer, start: number): number {
    let position = start;
    const end = bytes.length;
    while (position < end && !this.#isStopped && !this.#isBroken) {
      if (this.#prefixBytes > 0 || end - position < PREFIX_BYTES) {
        position = this.#readPrefixByte(bytes, position);
        continue;
      }
      const length = bytes.readInt32BE(position);
      position += PREFIX_BYTES;
      if (end - position < length || length < 0 || length > this.#lengthMaxBytes) {
        return this.#begin(length, bytes, position);
      }
      this.#sink.onFrame(bytes.subarray(position, position + length), false);
      position += length;
    }
    return position;
  }

  #readPrefixByte(bytes: Buffer, position: number): number {
    this.#prefixValue = (this.#prefixValue << 8) | (bytes[position] as number);
    this.#prefixBytes += 1;
    if (this.#prefixBytes < PREFIX_BYTES) return position + 1;
    const length = this.#prefixValue;
    this.#prefixBytes = 0;
    this.#prefixValue = 0;
    return this.#begin(length, bytes, position + 1);
  }

  /** A frame whose length was read: checks it, and takes what is there of it. */
  #begin(length: number, bytes: Buffer, position: number): number {
    if (length < 0 || length > this.#lengthMaxBytes) {
      this.close();
      this.#sink.onBadLength(length);
      return bytes.length;
    }
    const available = bytes.length - position;
    if (available >= length) {
      this.#sink.onFrame(bytes.subarray(position, position + length), false);
      return position + length;
    }
    const capacity = Math.min(length, Math.max(this.#firstCapacityBytes, available * GROWTH_FACTOR));
    const partial = this.#pool.take(capacity);
    bytes.copy(partial, 0, position);
    this.#partial = partial;
    this.#partialBytes = available;
    this.#partialLength = length;
    return bytes.length;
  }

  /** Adds to the frame being put together; hands it out when it is whole. Returns how many of `bytes` were taken. */
  #fillPartial(bytes: Buffer): number {
    const taken = Math.min(bytes.length, this.#partialLength - this.#partialBytes);
    if (!this.#isInPlace(bytes)) {
      while ((this.#partial as Buffer).length - this.#partialBytes < taken) this.#grow();
      bytes.copy(this.#partial as Buffer, this.#partialBytes, 0, taken);
    }
    this.#partialBytes += taken;
    if (this.#partialBytes === this.#partialLength) this.#finishPartial();
    return taken;
  }

  /** True when the wire has read into the buffer that it was offered. */
  #isInPlace(bytes: Buffer): boolean {
    const partial = this.#partial as Buffer;
    return bytes.buffer === partial.buffer && bytes.byteOffset === partial.byteOffset + this.#partialBytes;
  }

  #grow(): void {
    const old = this.#partial as Buffer;
    const wanted = Math.max(this.#partialBytes * GROWTH_FACTOR, old.length + 1);
    const larger = this.#pool.take(Math.min(this.#partialLength, wanted));
    old.copy(larger, 0, 0, this.#partialBytes);
    this.#partial = larger;
    this.#pool.give(old);
  }

  #finishPartial(): void {
    const memory = this.#partial as Buffer;
    this.#partial = null;
    const frame = memory.length === this.#partialLength ? memory : memory.subarray(0, this.#partialLength);
    const isKept = this.#sink.onFrame(frame, true);
    if (!isKept) this.#pool.give(memory);
  }
}
