import { assert } from '../base/assert.ts';
import { ProtocolError } from './protocolError.ts';
import { emptyBytes, zeroUuid } from './types.ts';
import type { Int64, RecordBytes, UnknownTaggedField, Uuid } from './types.ts';

const LONGEST_STRING = 0x7fff;
const LONGEST_FRAME = 0x7fffffff;
/** Up to here a loop over the characters beats the call into Node. */
const SHORT_STRING = 48;
const UUID_BYTES = 16;
const TWO_POW_32 = 4294967296;
const FRAME_LENGTH_BYTES = 4;

export interface WriterOptions {
  /** Size of one slab, bytes. Many small messages share a slab. Default 64 KiB. */
  readonly slabBytes?: number;
  /** Record bytes up to this many are copied, longer ones are sent by reference. Default 512. */
  readonly copyBytesMax?: number;
}

/**
 * Writes Kafka's primitive types. What was written comes out of `take()` as a list of chunks: views of slabs, and between
 * them the record bytes that callers handed in, by reference. A slab is never written twice, so chunks stay valid for as
 * long as somebody holds them, and one writer can serve any number of connections in turn.
 *
 * `flexible` chooses between the compact encodings (KIP-482) and the classic ones. A value that its type cannot hold
 * raises a `ProtocolError`; `abortFrame` then takes back what the frame had written.
 */
export class Writer {
  private buffer: Buffer = emptyBytes;
  private position = 0;
  /** Where the piece begins that is not yet a chunk. */
  private pieceStart = 0;
  private chunks: Uint8Array[] = [];
  /** Bytes in `chunks`. */
  private chunkBytes = 0;
  /** Where the open frame's length goes: an offset into `frameHead`, or into the piece while that is null. -1: no frame. */
  private frameStart = -1;
  private frameHead: Buffer | null = null;
  private frameChunks = 0;
  private frameChunkBytes = 0;
  private readonly slabBytes: number;
  private readonly copyBytesMax: number;

  constructor(options: WriterOptions = {}) {
    this.slabBytes = options.slabBytes ?? 64 * 1024;
    this.copyBytesMax = options.copyBytesMax ?? 512;
    assert(this.slabBytes >= 64, 'a slab holds at least 64 bytes');
  }

  /** Bytes written since the last `take`. */
  get length(): number {
    return this.chunkBytes + this.position - this.pieceStart;
  }

  /** Hands over all chunks written so far. */
  take(): Uint8Array[] {
    assert(this.frameStart < 0, 'a frame is open');
    this.closePiece();
    const chunks = this.chunks;
    this.chunks = [];
    this.chunkBytes = 0;
    if (this.buffer.length > this.slabBytes) this.dropSlab();
    return chunks;
  }

  /** A slab made for one large message must not be kept alive by the small ones that follow. */
  private dropSlab(): void {
    this.buffer = emptyBytes;
    this.position = 0;
    this.pieceStart = 0;
  }

  /** As `take`, joined into one buffer (a copy only when there is more than one chunk). */
  takeBuffer(): Buffer {
    const chunks = this.take();
    return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
  }

  /** Opens a frame: room for the length that `endFrame` fills in. Frames do not nest. */
  beginFrame(): void {
    assert(this.frameStart < 0, 'a frame is open');
    this.need(FRAME_LENGTH_BYTES);
    this.frameStart = this.position - this.pieceStart;
    this.frameHead = null;
    this.frameChunks = this.chunks.length;
    this.frameChunkBytes = this.chunkBytes;
    this.position += FRAME_LENGTH_BYTES;
  }

  /** Closes the frame. Returns its size in bytes, the length field included. */
  endFrame(): number {
    assert(this.frameStart >= 0, 'no frame is open');
    const size = this.length - this.frameChunkBytes - this.frameStart;
    if (size - FRAME_LENGTH_BYTES > LONGEST_FRAME) throw new ProtocolError('TOO_LARGE', `frame of ${size} bytes`);
    const head = this.frameHead ?? this.buffer;
    const at = this.frameHead === null ? this.pieceStart + this.frameStart : this.frameStart;
    head.writeInt32BE(size - FRAME_LENGTH_BYTES, at);
    this.frameStart = -1;
    this.frameHead = null;
    return size;
  }

  /** Takes back all that was written since `beginFrame`. */
  abortFrame(): void {
    assert(this.frameStart >= 0, 'no frame is open');
    if (this.frameHead === null) {
      this.position = this.pieceStart + this.frameStart;
    } else {
      this.chunks.length = this.frameChunks;
      this.chunkBytes = this.frameChunkBytes;
      if (this.frameStart > 0) this.push(this.frameHead.subarray(0, this.frameStart));
      this.pieceStart = this.position;
    }
    this.frameStart = -1;
    this.frameHead = null;
  }

  private push(chunk: Uint8Array): void {
    this.chunks.push(chunk);
    this.chunkBytes += chunk.length;
  }

  private closePiece(): void {
    if (this.position === this.pieceStart) return;
    const piece = this.buffer.subarray(this.pieceStart, this.position);
    if (this.frameStart >= 0 && this.frameHead === null) this.frameHead = piece;
    this.push(piece);
    this.pieceStart = this.position;
  }

  /** Makes room for `bytes` more in one run; the open piece moves to a new slab when it must. */
  private need(bytes: number): void {
    if (this.position + bytes > this.buffer.length) this.grow(bytes);
  }

  private grow(bytes: number): void {
    // Finished frames stay where they are; only the open one moves.
    if (this.frameStart > 0 && this.frameHead === null) this.splitBeforeFrame();
    const kept = this.position - this.pieceStart;
    const wanted = kept + bytes;
    if (wanted > LONGEST_FRAME) throw new ProtocolError('TOO_LARGE', `message of more than ${LONGEST_FRAME} bytes`);
    const next = Buffer.allocUnsafeSlow(Math.max(this.slabBytes, Math.min(2 * wanted, LONGEST_FRAME)));
    this.buffer.copy(next, 0, this.pieceStart, this.position);
    this.buffer = next;
    this.pieceStart = 0;
    this.position = kept;
  }

  private splitBeforeFrame(): void {
    const boundary = this.pieceStart + this.frameStart;
    this.push(this.buffer.subarray(this.pieceStart, boundary));
    this.pieceStart = boundary;
    this.frameStart = 0;
    this.frameChunks = this.chunks.length;
    this.frameChunkBytes = this.chunkBytes;
  }

  boolean(value: boolean): void {
    this.need(1);
    this.buffer[this.position++] = value ? 1 : 0;
  }

  int8(value: number): void {
    if ((value << 24) >> 24 !== value) outOfRange('int8', value);
    this.need(1);
    this.buffer[this.position++] = value;
  }

  int16(value: number): void {
    if ((value << 16) >> 16 !== value) outOfRange('int16', value);
    this.put16(value);
  }

  uint16(value: number): void {
    if ((value & 0xffff) !== value) outOfRange('uint16', value);
    this.put16(value);
  }

  private put16(value: number): void {
    this.need(2);
    const buffer = this.buffer;
    const at = this.position;
    buffer[at] = value >> 8;
    buffer[at + 1] = value;
    this.position = at + 2;
  }

  int32(value: number): void {
    if ((value | 0) !== value) outOfRange('int32', value);
    this.put32(value);
  }

  uint32(value: number): void {
    if (value >>> 0 !== value) outOfRange('uint32', value);
    this.put32(value | 0);
  }

  private put32(value: number): void {
    this.need(4);
    const buffer = this.buffer;
    const at = this.position;
    buffer[at] = value >> 24;
    buffer[at + 1] = value >> 16;
    buffer[at + 2] = value >> 8;
    buffer[at + 3] = value;
    this.position = at + 4;
  }

  /** A safe integer, or any bigint of 64 bits (which passes under the type `Int64`, see there). */
  int64(value: Int64 | bigint): void {
    if (typeof value === 'bigint') {
      this.bigint64(value);
      return;
    }
    if (!Number.isSafeInteger(value)) outOfRange('int64', value);
    this.need(8);
    this.put32(Math.floor(value / TWO_POW_32) | 0);
    this.put32(value | 0);
  }

  private bigint64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) outOfRange('int64', value);
    this.need(8);
    this.buffer.writeBigInt64BE(value, this.position);
    this.position += 8;
  }

  float64(value: number): void {
    this.need(8);
    this.buffer.writeDoubleBE(value, this.position);
    this.position += 8;
  }

  uuid(value: Uuid): void {
    this.need(UUID_BYTES);
    const at = this.position;
    if (value === zeroUuid) {
      this.buffer.fill(0, at, at + UUID_BYTES);
    } else if (value.length !== zeroUuid.length || this.buffer.write(value, at, UUID_BYTES, 'base64url') !== UUID_BYTES) {
      outOfRange('uuid', value);
    }
    this.position = at + UUID_BYTES;
  }

  /** An unsigned varint of at most 32 bits. */
  unsignedVarint(value: number): void {
    if (value >>> 0 !== value) outOfRange('varint', value);
    this.need(5);
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.position++] = rest;
  }

  string(value: string, flexible: boolean): void {
    if (value.length <= SHORT_STRING) this.shortString(value, flexible);
    else this.longString(value, flexible);
  }

  nullableString(value: string | null, flexible: boolean): void {
    if (value !== null) this.string(value, flexible);
    else if (flexible) this.boolean(false);
    else this.put16(-1);
  }

  /** Writes as if all were ASCII, and starts over when it is not. */
  private shortString(value: string, flexible: boolean): void {
    const length = value.length;
    this.need(length + 2);
    const start = this.position;
    const buffer = this.buffer;
    let at = start;
    if (!flexible) buffer[at++] = 0;
    buffer[at++] = flexible ? length + 1 : length;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit > 0x7f) {
        this.longString(value, flexible);
        return;
      }
      buffer[at++] = unit;
    }
    this.position = at;
  }

  private longString(value: string, flexible: boolean): void {
    const bytes = Buffer.byteLength(value);
    if (bytes > LONGEST_STRING) throw new ProtocolError('TOO_LARGE', `string of ${bytes} bytes`);
    if (flexible) this.unsignedVarint(bytes + 1);
    else this.put16(bytes);
    this.need(bytes);
    this.buffer.write(value, this.position, bytes, 'utf8');
    this.position += bytes;
  }

  private length32(length: number, flexible: boolean): void {
    if (flexible) this.unsignedVarint(length + 1);
    else this.int32(length);
  }

  /** Copies the bytes. */
  bytes(value: Uint8Array, flexible: boolean): void {
    this.length32(value.length, flexible);
    this.raw(value);
  }

  nullableBytes(value: Uint8Array | null, flexible: boolean): void {
    if (value === null) this.length32(-1, flexible);
    else this.bytes(value, flexible);
  }

  /** Copies bytes as they are, with no length. */
  raw(value: Uint8Array): void {
    this.need(value.length);
    this.buffer.set(value, this.position);
    this.position += value.length;
  }

  /** Record bytes: sent by reference unless short, so they must not change until the chunks were sent. */
  records(value: RecordBytes, flexible: boolean): void {
    if (value instanceof Uint8Array) {
      this.length32(value.length, flexible);
      this.refer(value);
      return;
    }
    let length = 0;
    for (const part of value) length += part.length;
    if (length > LONGEST_FRAME) throw new ProtocolError('TOO_LARGE', `records of ${length} bytes`);
    this.length32(length, flexible);
    for (const part of value) this.refer(part);
  }

  nullableRecords(value: RecordBytes | null, flexible: boolean): void {
    if (value === null) this.length32(-1, flexible);
    else this.records(value, flexible);
  }

  private refer(value: Uint8Array): void {
    if (value.length <= this.copyBytesMax) {
      this.raw(value);
      return;
    }
    this.closePiece();
    this.push(value);
  }

  /** The length of an array; null is -1. */
  arrayLength(length: number, flexible: boolean): void {
    this.length32(length, flexible);
  }

  /** Before a nullable struct. */
  structPresent(present: boolean): void {
    this.int8(present ? 1 : -1);
  }

  /** Before a nullable struct behind a tag. */
  taggedStructPresent(present: boolean): void {
    this.unsignedVarint(present ? 1 : 0);
  }

  int8Array(values: readonly number[], flexible: boolean): void {
    this.arrayLength(values.length, flexible);
    for (let i = 0; i < values.length; i++) this.int8(values[i]!);
  }

  int16Array(values: readonly number[], flexible: boolean): void {
    this.arrayLength(values.length, flexible);
    for (let i = 0; i < values.length; i++) this.int16(values[i]!);
  }

  int32Array(values: readonly number[], flexible: boolean): void {
    this.arrayLength(values.length, flexible);
    for (let i = 0; i < values.length; i++) this.int32(values[i]!);
  }

  int64Array(values: readonly Int64[], flexible: boolean): void {
    this.arrayLength(values.length, flexible);
    for (let i = 0; i < values.length; i++) this.int64(values[i]!);
  }

  stringArray(values: readonly string[], flexible: boolean): void {
    this.arrayLength(values.length, flexible);
    for (let i = 0; i < values.length; i++) this.string(values[i]!, flexible);
  }

  uuidArray(values: readonly Uuid[], flexible: boolean): void {
    this.arrayLength(values.length, flexible);
    for (let i = 0; i < values.length; i++) this.uuid(values[i]!);
  }

  nullableInt8Array(values: readonly number[] | null, flexible: boolean): void {
    if (values === null) this.arrayLength(-1, flexible);
    else this.int8Array(values, flexible);
  }

  nullableInt16Array(values: readonly number[] | null, flexible: boolean): void {
    if (values === null) this.arrayLength(-1, flexible);
    else this.int16Array(values, flexible);
  }

  nullableInt32Array(values: readonly number[] | null, flexible: boolean): void {
    if (values === null) this.arrayLength(-1, flexible);
    else this.int32Array(values, flexible);
  }

  nullableInt64Array(values: readonly Int64[] | null, flexible: boolean): void {
    if (values === null) this.arrayLength(-1, flexible);
    else this.int64Array(values, flexible);
  }

  nullableStringArray(values: readonly string[] | null, flexible: boolean): void {
    if (values === null) this.arrayLength(-1, flexible);
    else this.stringArray(values, flexible);
  }

  nullableUuidArray(values: readonly Uuid[] | null, flexible: boolean): void {
    if (values === null) this.arrayLength(-1, flexible);
    else this.uuidArray(values, flexible);
  }

  /** The tagged section of a struct that has set no tag it knows. */
  unknownTags(fields: readonly UnknownTaggedField[] | undefined): void {
    if (fields === undefined) {
      this.boolean(false);
      return;
    }
    this.unsignedVarint(fields.length);
    for (const field of fields) this.unknownTag(field);
  }

  /** Those unknown tags that belong between two known ones: `from <= tag < to`. */
  unknownTagsBetween(fields: readonly UnknownTaggedField[] | undefined, from: number, to: number): void {
    if (fields === undefined) return;
    for (const field of fields) {
      if (field.tag >= from && field.tag < to) this.unknownTag(field);
    }
  }

  private unknownTag(field: UnknownTaggedField): void {
    this.unsignedVarint(field.tag);
    this.unsignedVarint(field.data.length);
    this.raw(field.data);
  }

  /** Opens a tagged field. Returns a mark for `endTag`. Tagged fields nest; none holds bytes by reference. */
  beginTag(tag: number): number {
    this.unsignedVarint(tag);
    this.need(1);
    this.position++;
    return this.position - this.frameBase();
  }

  /** Closes a tagged field: fills in its size, for which one byte was left free. */
  endTag(mark: number): void {
    const start = mark + this.frameBase();
    const size = this.position - start;
    let sizeBytes = 1;
    for (let rest = size >>> 7; rest > 0; rest >>>= 7) sizeBytes++;
    if (sizeBytes > 1) {
      this.need(sizeBytes - 1);
      const moved = mark + this.frameBase();
      this.buffer.copyWithin(moved + sizeBytes - 1, moved, moved + size);
    }
    this.position = mark + this.frameBase() - 1;
    this.unsignedVarintIn(size);
    this.position += size;
  }

  /** What marks are counted from: it moves with the open piece, and does not change when finished frames are split off. */
  private frameBase(): number {
    return this.frameStart >= 0 && this.frameHead === null ? this.pieceStart + this.frameStart : this.pieceStart;
  }

  private unsignedVarintIn(value: number): void {
    let rest = value;
    while (rest > 0x7f) {
      this.buffer[this.position++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.buffer[this.position++] = rest;
  }
}

function outOfRange(type: string, value: number | bigint | string): never {
  throw new ProtocolError('OUT_OF_RANGE', `${String(value)} is no ${type}`);
}
