import { BATCH_HEADER_BYTES, BatchHeader } from './batchHeader.ts';
import type { OpenFile } from './fileHost.ts';

const CHUNK_BYTES = 4096;

/**
 * Steps from header to header of a segment file, reading a page at a time. Stops at the first header that makes no sense, which is
 * where a torn or foreign tail begins; says nothing about the bytes between headers.
 */
export class BatchWalk {
  readonly header = new BatchHeader();
  readonly #file: OpenFile;
  readonly #segmentBaseOffset: number;
  readonly #chunk = Buffer.alloc(CHUNK_BYTES);
  readonly #view = new DataView(this.#chunk.buffer, this.#chunk.byteOffset, CHUNK_BYTES);
  #chunkPosition = 0;
  #chunkBytes = 0;
  #position = 0;
  #end = 0;
  #offsetMin = 0;

  constructor(file: OpenFile, segmentBaseOffset: number) {
    this.#file = file;
    this.#segmentBaseOffset = segmentBaseOffset;
  }

  /** Where the next header is expected. */
  get position(): number {
    return this.#position;
  }

  start(position: number, end: number): void {
    this.#position = position;
    this.#end = end;
    this.#offsetMin = this.#segmentBaseOffset;
    this.#chunkBytes = 0;
  }

  /** Moves to the next batch and reads its header; false at the end or where no whole batch follows. */
  next(): boolean {
    const header = this.header;
    const position = this.#position;
    if (this.#end - position < BATCH_HEADER_BYTES || !this.#fill(position)) return false;
    header.read(this.#view, position - this.#chunkPosition);
    header.position = position;
    if (!header.isPlausible(this.#offsetMin, this.#segmentBaseOffset) || header.sizeBytes > this.#end - position) return false;
    this.#offsetMin = header.lastOffset + 1;
    this.#position = position + header.sizeBytes;
    return true;
  }

  #fill(position: number): boolean {
    const covered = position >= this.#chunkPosition && position + BATCH_HEADER_BYTES <= this.#chunkPosition + this.#chunkBytes;
    if (covered) return true;
    this.#chunkPosition = position;
    this.#chunkBytes = this.#file.read(this.#chunk.subarray(0, Math.min(CHUNK_BYTES, this.#end - position)), position);
    return this.#chunkBytes >= BATCH_HEADER_BYTES;
  }
}
