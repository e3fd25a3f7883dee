import type { ScanResult, ScannedBatch } from '../../base/disk.ts';
import type { Compute } from '../../binding/compute.ts';
import { BATCH_HEADER_BYTES, BatchField, BatchHeader } from './batchHeader.ts';
import type { OpenFile } from './fileHost.ts';

const CHUNK_BYTES = 1 << 20;

/** Reads a file forward through one chunk, so that a batch of any claimed size costs bounded memory. */
class ForwardReader {
  readonly #file: OpenFile;
  readonly #end: number;
  readonly #chunk: Buffer;
  #start: number;
  #filled = 0;

  constructor(file: OpenFile, position: number, end: number) {
    this.#file = file;
    this.#start = position;
    this.#end = end;
    this.#chunk = Buffer.allocUnsafe(Math.max(BATCH_HEADER_BYTES, Math.min(CHUNK_BYTES, end - position)));
  }

  /** Whether `bytesAt` has this range at hand, without a read. */
  covers(position: number, lengthMin: number): boolean {
    return position >= this.#start && Math.min(position + lengthMin, this.#end) <= this.#start + this.#filled;
  }

  /** Reads the chunk that starts at `position`. */
  async fill(position: number): Promise<void> {
    this.#start = position;
    this.#filled = await this.#file.readAsync(this.#chunk.subarray(0, Math.min(this.#chunk.length, this.#end - position)), position);
  }

  /** The bytes of the chunk from `position` on. Valid until the next fill. */
  bytesAt(position: number): Buffer {
    return this.#chunk.subarray(position - this.#start, this.#filled);
  }
}

/**
 * Checks header and CRC of every batch from `fromPosition` to `end`; see Segment.scan. `fromOffset` is the least offset that the first of
 * them may have.
 */
export async function scanBatches(
  file: OpenFile, segmentBaseOffset: number, fromPosition: number, fromOffset: number, end: number, compute: Compute,
  visit: (batch: ScannedBatch) => void,
): Promise<ScanResult> {
  const reader = new ForwardReader(file, fromPosition, end);
  const header = new BatchHeader();
  let position = fromPosition;
  let nextOffset = fromOffset;
  let batches = 0;
  const result = (stopReason: ScanResult['stopReason']): ScanResult => ({ validBytes: position, nextOffset, batches, stopReason });
  while (position < end) {
    if (end - position < BATCH_HEADER_BYTES) return result((await isZeroToTheEnd(reader, position, end)) ? 'zeros' : 'torn');
    if (!reader.covers(position, BATCH_HEADER_BYTES)) await reader.fill(position);
    const bytes = reader.bytesAt(position);
    if (bytes.length < BATCH_HEADER_BYTES) return result('torn');
    header.read(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0);
    header.position = position;
    if (!header.isPlausible(nextOffset, segmentBaseOffset)) return result((await isZeroToTheEnd(reader, position, end)) ? 'zeros' : 'corrupt');
    if (header.sizeBytes > end - position) return result('torn');
    const sum = bytes.length >= header.sizeBytes
      ? compute.crc32c(bytes.subarray(BatchField.attributes, header.sizeBytes))
      : await checksum(reader, position + BatchField.attributes, position + header.sizeBytes, compute);
    if (sum !== header.crc) return result('corrupt');
    visit(header);
    position += header.sizeBytes;
    nextOffset = header.lastOffset + 1;
    batches++;
  }
  return result('');
}

/** What was kept ahead of appends, or a file system that lost what was not synced. */
async function isZeroToTheEnd(reader: ForwardReader, from: number, end: number): Promise<boolean> {
  for (let position = from; position < end; ) {
    if (!reader.covers(position, 1)) await reader.fill(position);
    const bytes = reader.bytesAt(position).subarray(0, end - position);
    if (bytes.length === 0 || bytes.some((byte) => byte !== 0)) return false;
    position += bytes.length;
  }
  return true;
}

/** CRC32C of a range that goes past one chunk; -1 when the file ends before. */
async function checksum(reader: ForwardReader, from: number, end: number, compute: Compute): Promise<number> {
  let crc = 0;
  for (let position = from; position < end; ) {
    if (!reader.covers(position, 1)) await reader.fill(position);
    const bytes = reader.bytesAt(position);
    if (bytes.length === 0) return -1;
    const part = bytes.subarray(0, end - position);
    crc = compute.crc32c(part, crc);
    position += part.length;
  }
  return crc;
}
