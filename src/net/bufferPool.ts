/**
 * Buffers in which frames are put together from several reads, kept for the next frame instead of going back to the
 * system: fresh pages cost more than the copy into them.
 */

const CLASS_SIZE_MIN_BYTES = 16 * 1024;
const CLASS_SIZE_MAX_BYTES = 4 * 1024 * 1024;

export class BufferPool {
  readonly #freeBySize = new Map<number, Buffer[]>();
  readonly #keptBytesMax: number;
  #keptBytes = 0;

  /** Keeps at most `keptBytesMax` of free buffers. */
  constructor(keptBytesMax: number) {
    this.#keptBytesMax = keptBytesMax;
  }

  /** At least `sizeBytes`, contents arbitrary. Sizes between the classes are rounded up to a power of two. */
  take(sizeBytes: number): Buffer {
    if (sizeBytes <= CLASS_SIZE_MIN_BYTES / 2 || sizeBytes > CLASS_SIZE_MAX_BYTES) return Buffer.allocUnsafeSlow(sizeBytes);
    const classSize = Math.max(CLASS_SIZE_MIN_BYTES, 2 ** Math.ceil(Math.log2(sizeBytes)));
    const free = this.#freeBySize.get(classSize)?.pop();
    if (free === undefined) return Buffer.allocUnsafeSlow(classSize);
    this.#keptBytes -= classSize;
    return free;
  }

  /** For a buffer of `take` that nobody holds any more. */
  give(buffer: Buffer): void {
    const size = buffer.length;
    const isOfClass = size >= CLASS_SIZE_MIN_BYTES && size <= CLASS_SIZE_MAX_BYTES && (size & (size - 1)) === 0;
    if (!isOfClass || this.#keptBytes + size > this.#keptBytesMax) return;
    this.#keptBytes += size;
    const free = this.#freeBySize.get(size);
    if (free) free.push(buffer);
    else this.#freeBySize.set(size, [buffer]);
  }

  get keptBytes(): number {
    return this.#keptBytes;
  }
}
