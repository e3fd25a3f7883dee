import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { nextBatch } from '../../record/batchHeader.ts';
import { ToolError } from '../toolError.ts';

const PREFIX_BYTES = 12;
const MAGIC_END = 17;

export interface FoundBatch {
  readonly position: number;
  /** A copy: the batch alone, from its base offset on. */
  readonly bytes: Buffer;
}

/** The file under a segment, read batch by batch. Close it. */
export class SegmentFile {
  readonly #descriptor: number;
  readonly path: string;
  readonly sizeBytes: number;

  constructor(path: string) {
    this.path = path;
    try {
      this.#descriptor = openSync(path, 'r');
    } catch (error) {
      throw new ToolError((error as NodeJS.ErrnoException).code === 'ENOENT' ? `There is no file ${path}` : (error as Error).message);
    }
    this.sizeBytes = fstatSync(this.#descriptor).size;
  }

  /** Whole batches from `position` to before `end`. Stops at bytes that are none. */
  *batches(position = 0, end = this.sizeBytes): Generator<FoundBatch> {
    for (let at = position; at + PREFIX_BYTES <= end;) {
      const prefix = this.read(at, MAGIC_END);
      const sizeBytes = prefix.length < PREFIX_BYTES ? 0 : prefix.readInt32BE(PREFIX_BYTES - 4) + PREFIX_BYTES;
      if (sizeBytes < MAGIC_END || at + sizeBytes > Math.min(end, this.sizeBytes)) return;
      const bytes = this.read(at, sizeBytes);
      if (bytes.length < sizeBytes || nextBatch(bytes, 0) !== sizeBytes) return;
      yield { position: at, bytes };
      at += sizeBytes;
    }
  }

  /** As many bytes as there are. */
  read(position: number, lengthBytes: number): Buffer {
    const bytes = Buffer.allocUnsafe(Math.max(Math.min(lengthBytes, this.sizeBytes - position), 0));
    return bytes.subarray(0, readSync(this.#descriptor, bytes, 0, bytes.length, position));
  }

  close(): void {
    closeSync(this.#descriptor);
  }
}
