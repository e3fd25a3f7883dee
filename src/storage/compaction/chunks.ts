/** Reads a segment in chunks of whole batches, copied, for another thread to work on. */
import type { BatchPosition } from '../../base/disk.ts';
import { Field, LOG_OVERHEAD_BYTES, MAGIC, magicOf, nextBatch, sizeOf } from '../../record/batchHeader.ts';
import type { LogState } from '../logState.ts';
import type { SegmentSlot } from '../segments.ts';
import { LogError } from '../types.ts';
import { Uncleanable } from './cleaning.ts';

export class ChunkReader {
  readonly #state: LogState;
  readonly #chunkBytes: number;
  readonly #checkGoing: () => void;

  /** `checkGoing` throws when the work is to end. */
  constructor(state: LogState, chunkBytes: number, checkGoing: () => void) {
    this.#state = state;
    this.#chunkBytes = chunkBytes;
    this.#checkGoing = checkGoing;
  }

  /** Whole batches from `position` on, in memory of their own; larger than a chunk only where one batch is. Throws DiskError, LogError, Uncleanable. */
  async read(slot: SegmentSlot, position: number): Promise<Buffer> {
    let bytes = await this.#copy(slot, position, this.#chunkBytes);
    let end = endOfWholeBatches(bytes);
    if (end === 0) {
      bytes = await this.#copy(slot, position, this.#sizeOfFirst(slot, position, bytes));
      end = endOfWholeBatches(bytes);
    }
    if (end === 0) throw new Uncleanable(`no whole batch is at ${position} of segment ${slot.baseOffset}`);
    return bytes.subarray(0, end);
  }

  #sizeOfFirst(slot: SegmentSlot, position: number, start: Buffer): number {
    const hasHeader = start.length > Field.magic;
    const sizeBytes = hasHeader ? sizeOf(start, 0) : -1;
    if (hasHeader && magicOf(start, 0) !== MAGIC) throw new Uncleanable(`a batch of magic ${magicOf(start, 0)} is at ${position} of segment ${slot.baseOffset}`);
    if (sizeBytes > start.length && position + sizeBytes <= slot.sizeBytes) return sizeBytes;
    throw new Uncleanable(`the batch at ${position} of segment ${slot.baseOffset} is torn or corrupt`);
  }

  async #copy(slot: SegmentSlot, position: number, lengthBytes: number): Promise<Buffer> {
    const { segments, name } = this.#state;
    const segment = segments.open(slot);
    if (!segment.isResident(position, lengthBytes)) await new Promise<void>((resolve) => segment.load(position, lengthBytes, resolve));
    this.#checkGoing();
    // It may have been closed for being idle meanwhile.
    const view = segments.open(slot).view(position, lengthBytes);
    const copy = Buffer.from(new Uint8Array(view.bytes).buffer);
    const { intact } = view;
    view.release();
    if (!intact) throw new LogError('storage', `a page of ${name} at ${slot.baseOffset} cannot be read`);
    return copy;
  }

  /** Where in the segment the batch that holds `offset`, or the one after it, begins; the end where there is none. */
  positionOf(slot: SegmentSlot, offset: number): number {
    if (offset <= slot.baseOffset) return 0;
    const found: BatchPosition = { position: 0, sizeBytes: 0, baseOffset: 0, lastOffset: 0, maxTimestampMs: -1 };
    return this.#state.segments.open(slot).locateOffset(offset, found) ? found.position : slot.sizeBytes;
  }
}

/** Also ends before a batch that is not of magic 2. */
function endOfWholeBatches(bytes: Buffer): number {
  let at = 0;
  if (bytes.length <= LOG_OVERHEAD_BYTES) return 0;
  for (let next = nextBatch(bytes, 0); next !== -1; next = nextBatch(bytes, at)) {
    if (magicOf(bytes, at) !== MAGIC) return at;
    at = next;
  }
  return at;
}
