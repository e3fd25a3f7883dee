/** Batches that compaction writes: whole, without some of their records, or as a header alone. */
import { Attribute, Codec, Field, HEADER_BYTES, LOG_OVERHEAD_BYTES, attributesOf, baseOffsetOf, codecIn, isLogAppendTime, maxTimestampOf, sizeOf, writeInt64 } from '../batchHeader.ts';
import { renewCrc } from '../build.ts';
import { compress } from '../codecs.ts';
import { RecordCursor } from '../iterate.ts';
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from '../varint.ts';

const cursor = new RecordCursor();
/** Length, attributes, timestamp and offset delta at their longest. */
const PLACE_BYTES_MAX = 21;

export class BatchOutput {
  #bytes: Buffer;
  #at = 0;

  constructor(capacityBytes: number) {
    this.#bytes = Buffer.allocUnsafeSlow(capacityBytes);
  }

  /** What was added, in memory of its own; nothing may be added after it. */
  take(): Uint8Array {
    return this.#at === this.#bytes.length ? this.#bytes : new Uint8Array(this.#bytes.subarray(0, this.#at));
  }

  #reserve(moreBytes: number): void {
    if (this.#at + moreBytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#at + moreBytes, this.#bytes.length * 2));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }

  /** The batch as it is. */
  addWhole(chunk: Buffer, at: number): void {
    const sizeBytes = sizeOf(chunk, at);
    this.#reserve(sizeBytes);
    chunk.copy(this.#bytes, this.#at, at, at + sizeBytes);
    this.#at += sizeBytes;
  }

  /** The header alone: offsets, sequence, producer and largest timestamp stay. */
  addEmpty(chunk: Buffer, at: number): void {
    this.#reserve(HEADER_BYTES);
    const header = this.#bytes.subarray(this.#at, this.#at + HEADER_BYTES);
    chunk.copy(header, 0, at, at + HEADER_BYTES);
    header.writeInt32BE(HEADER_BYTES - LOG_OVERHEAD_BYTES, Field.length);
    header.writeInt16BE(attributesOf(chunk, at) & ~(Attribute.codecMask | Attribute.deleteHorizon), Field.attributes);
    writeInt64(header, -1, Field.baseTimestamp);
    header.writeInt32BE(0, Field.recordCount);
    renewCrc(header);
    this.#at += HEADER_BYTES;
  }

  /**
   * The batch with the records that `stays` marks by their index, at least one. Offsets, sequence and last offset are the batch's. With a horizon (not
   * -1) it takes the place of the base timestamp; else that is the first record's. `records` as RecordCursor.open takes it.
   */
  addPart(chunk: Buffer, at: number, records: Buffer | null, stays: Uint8Array, horizonMs: number): void {
    const attributes = attributesOf(chunk, at);
    const part = new PartOfRecords(chunk, at, records, stays, horizonMs);
    const section = codecIn(attributes) === Codec.none ? part.bytes : compress(codecIn(attributes) as Codec, part.bytes);
    const sizeBytes = HEADER_BYTES + section.length;
    this.#reserve(sizeBytes);
    const batch = this.#bytes.subarray(this.#at, this.#at + sizeBytes);
    chunk.copy(batch, 0, at, at + HEADER_BYTES);
    batch.set(section, HEADER_BYTES);
    batch.writeInt32BE(sizeBytes - LOG_OVERHEAD_BYTES, Field.length);
    batch.writeInt16BE(horizonMs < 0 ? attributes & ~Attribute.deleteHorizon : attributes | Attribute.deleteHorizon, Field.attributes);
    writeInt64(batch, part.baseTimestampMs, Field.baseTimestamp);
    writeInt64(batch, isLogAppendTime(attributes) ? maxTimestampOf(chunk, at) : part.maxTimestampMs, Field.maxTimestamp);
    batch.writeInt32BE(part.count, Field.recordCount);
    renewCrc(batch);
    this.#at += sizeBytes;
  }
}

/** Some records of a batch, with the deltas that their new base timestamp asks for; everything else of them byte for byte. */
class PartOfRecords {
  readonly bytes: Buffer;
  count = 0;
  baseTimestampMs: number;
  maxTimestampMs = -1;

  constructor(chunk: Buffer, at: number, records: Buffer | null, stays: Uint8Array, horizonMs: number) {
    this.baseTimestampMs = horizonMs;
    cursor.open(chunk, at, records);
    const baseOffset = baseOffsetOf(chunk, at);
    let room: Buffer = Buffer.allocUnsafe((records?.length ?? sizeOf(chunk, at)) + PLACE_BYTES_MAX);
    let end = 0;
    while (cursor.next()) {
      if (stays[cursor.index] === 0) continue;
      const contentBytes = cursor.contentEnd - cursor.contentStart;
      room = withRoom(room, end, contentBytes + PLACE_BYTES_MAX);
      end = this.#add(room, end, cursor.offset - baseOffset, contentBytes);
    }
    this.bytes = room.subarray(0, end);
  }

  #add(room: Buffer, end: number, offsetDelta: number, contentBytes: number): number {
    const { timestampMs } = cursor;
    if (this.count === 0 && this.baseTimestampMs < 0) this.baseTimestampMs = timestampMs;
    this.count += 1;
    this.maxTimestampMs = Math.max(this.maxTimestampMs, timestampMs);
    const timestampDelta = timestampMs - this.baseTimestampMs;
    let at = writeVarint(room, end, 1 + varlongBytes(timestampDelta) + varintBytes(offsetDelta) + contentBytes);
    room[at] = 0;
    at = writeVarlong(room, at + 1, timestampDelta);
    at = writeVarint(room, at, offsetDelta);
    cursor.bytes.copy(room, at, cursor.contentStart, cursor.contentEnd);
    return at + contentBytes;
  }
}

function withRoom(room: Buffer, used: number, moreBytes: number): Buffer {
  if (used + moreBytes <= room.length) return room;
  const larger = Buffer.allocUnsafe(Math.max(used + moreBytes, room.length * 2));
  room.copy(larger, 0, 0, used);
  return larger;
}
