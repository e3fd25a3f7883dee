import { ProtocolError } from './protocolError.ts';
import type { ProtocolErrorCode } from './protocolError.ts';
import { readText } from './shortText.ts';
import { emptyBytes, zeroUuid } from './types.ts';
import type { Int64, Tagged, Uuid } from './types.ts';

/** What went wrong first, and at which byte of the buffer. */
export interface ReadFailure {
  readonly code: ProtocolErrorCode;
  readonly message: string;
  readonly position: number;
}

/** Kafka's own limit: string lengths are 16 bit, and compact ones are held to the same. */
const LONGEST_STRING = 0x7fff;
const LONGEST_ARRAY = 0x7fffffff;

/**
 * What the decoded form of one message may take on the heap (an estimate made from array lengths). A frame of a hundred
 * megabytes can claim a hundred million structs; each is an object for us.
 */
export const defaultHeapBytesMax = 256 * 1024 * 1024;

const NUMBER_HEAP_BYTES = 8;
const STRING_HEAP_BYTES = 40;
const UUID_HEAP_BYTES = 48;
const TAG_HEAP_BYTES = 160;
const UUID_BYTES = 16;
const TWO_POW_32 = 4294967296;
const MAX_HIGH = 0x1fffff;
const MIN_HIGH = -0x200000;

/**
 * Reads Kafka's primitive types from one contiguous buffer. Failures stick: no primitive throws; after the first
 * failure every read returns zero, empty or null, and `failure` says what happened where. Ask once, at the end: `finish()`.
 *
 * Bytes, records and unknown tagged fields are views of the buffer, not copies: they live as long as it does.
 * A reader may be used again for another buffer by `reset`.
 *
 * `flexible` chooses between the compact encodings (KIP-482) and the classic ones.
 */
export class Reader {
  buffer: Buffer;
  /** Index in `buffer` of the next byte. */
  position: number;
  /** Index in `buffer` behind the last byte that may be read; drawn in to `position` by a failure. */
  end: number;
  failure: ReadFailure | null;
  /** The tag that the last `beginTag` found, or -1. */
  tag: number;
  private heapBytesLeft: number;

  constructor(buffer: Buffer = emptyBytes, start = 0, end = buffer.length, heapBytesMax = defaultHeapBytesMax) {
    this.buffer = buffer;
    this.position = start;
    this.end = end;
    this.failure = null;
    this.tag = -1;
    this.heapBytesLeft = heapBytesMax;
  }

  /** Starts over on another range. */
  reset(buffer: Buffer, start = 0, end = buffer.length, heapBytesMax = defaultHeapBytesMax): this {
    this.buffer = buffer;
    this.position = start;
    this.end = end;
    this.failure = null;
    this.heapBytesLeft = heapBytesMax;
    return this;
  }

  get remaining(): number {
    return this.end - this.position;
  }

  /** Throws the first failure, or on bytes left over unless `allowTrailing`. */
  finish(allowTrailing = false): void {
    if (this.failure === null && !allowTrailing && this.position < this.end) {
      this.fail('TRAILING_BYTES', `${this.end - this.position} bytes are left after the message`);
    }
    if (this.failure !== null) throw new ProtocolError(this.failure.code, `${this.failure.message} (at byte ${this.failure.position})`);
  }

  /** Notes the first failure and ends all reading. Returns 0, what a failed read yields. */
  fail(code: ProtocolErrorCode, message: string): 0 {
    if (this.failure === null) this.failure = { code, message, position: this.position };
    this.end = this.position;
    return 0;
  }

  private underflow(wanted: number): 0 {
    return this.failure === null ? this.fail('TRUNCATED', `${wanted} bytes wanted, ${this.end - this.position} left`) : 0;
  }

  boolean(): boolean {
    return this.int8() !== 0;
  }

  int8(): number {
    const at = this.position;
    if (at >= this.end) return this.underflow(1);
    this.position = at + 1;
    return (this.buffer[at]! << 24) >> 24;
  }

  int16(): number {
    const at = this.position;
    if (at + 2 > this.end) return this.underflow(2);
    this.position = at + 2;
    const buffer = this.buffer;
    return ((buffer[at]! << 24) >> 16) | buffer[at + 1]!;
  }

  uint16(): number {
    return this.int16() & 0xffff;
  }

  int32(): number {
    const at = this.position;
    if (at + 4 > this.end) return this.underflow(4);
    this.position = at + 4;
    const buffer = this.buffer;
    return (buffer[at]! << 24) | (buffer[at + 1]! << 16) | (buffer[at + 2]! << 8) | buffer[at + 3]!;
  }

  uint32(): number {
    return this.int32() >>> 0;
  }

  /** A number when safe, else the bigint under a cast (see `Int64`). */
  int64(): Int64 {
    const at = this.position;
    if (at + 8 > this.end) return this.underflow(8);
    const high = this.int32();
    const low = this.int32() >>> 0;
    if (high > MAX_HIGH || high < MIN_HIGH || (high === MIN_HIGH && low === 0)) {
      return this.buffer.readBigInt64BE(at) as unknown as number;
    }
    return high * TWO_POW_32 + low;
  }

  float64(): number {
    const at = this.position;
    if (at + 8 > this.end) return this.underflow(8);
    this.position = at + 8;
    return this.buffer.readDoubleBE(at);
  }

  uuid(): Uuid {
    const at = this.position;
    if (at + UUID_BYTES > this.end) {
      this.underflow(UUID_BYTES);
      return zeroUuid;
    }
    this.position = at + UUID_BYTES;
    let i = at;
    while (i < this.position && this.buffer[i] === 0) i++;
    return i === this.position ? zeroUuid : this.buffer.toString('base64url', at, this.position);
  }

  /** An unsigned varint of at most 32 bits. */
  unsignedVarint(): number {
    const at = this.position;
    if (at < this.end) {
      const first = this.buffer[at]!;
      if (first < 0x80) {
        this.position = at + 1;
        return first;
      }
    }
    return this.longVarint();
  }

  private longVarint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.position >= this.end) return this.underflow(1);
      const byte = this.buffer[this.position++]!;
      if (shift === 28 && byte > 0x0f) break;
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return this.fail('INVALID_LENGTH', 'varint of more than 32 bits');
  }

  /** Length of a string: -1 for null. The bytes are known to be there. */
  private stringLength(flexible: boolean): number {
    const length = flexible ? this.unsignedVarint() - 1 : this.int16();
    if (length > LONGEST_STRING || length < -1) return this.fail('INVALID_LENGTH', `string of length ${length}`);
    if (length > this.end - this.position) return this.underflow(length);
    return this.failure === null ? length : 0;
  }

  /** Length of bytes or records: -1 for null. The bytes are known to be there. */
  private bytesLength(flexible: boolean): number {
    const length = flexible ? this.unsignedVarint() - 1 : this.int32();
    if (length > LONGEST_ARRAY || length < -1) return this.fail('INVALID_LENGTH', `bytes of length ${length}`);
    if (length > this.end - this.position) return this.underflow(length);
    return this.failure === null ? length : 0;
  }

  string(flexible: boolean): string {
    const length = this.stringLength(flexible);
    if (length < 0) return this.fail('UNEXPECTED_NULL', 'null where a string is required') || '';
    const at = this.position;
    this.position = at + length;
    return readText(this.buffer, at, length);
  }

  nullableString(flexible: boolean): string | null {
    const length = this.stringLength(flexible);
    if (length < 0) return null;
    const at = this.position;
    this.position = at + length;
    return readText(this.buffer, at, length);
  }

  bytes(flexible: boolean): Buffer {
    const length = this.bytesLength(flexible);
    if (length < 0) return this.fail('UNEXPECTED_NULL', 'null where bytes are required') || emptyBytes;
    return this.view(length);
  }

  nullableBytes(flexible: boolean): Buffer | null {
    const length = this.bytesLength(flexible);
    return length < 0 ? null : this.view(length);
  }

  private view(length: number): Buffer {
    const at = this.position;
    this.position = at + length;
    return length === 0 ? emptyBytes : this.buffer.subarray(at, at + length);
  }

  /**
   * The length of an array that may not be null. An element takes `wireBytes` or more in the buffer and about `heapBytes`
   * once decoded; a length that cannot be true, or would cost too much, is a failure and yields 0.
   */
  arrayLength(flexible: boolean, wireBytes: number, heapBytes: number): number {
    const length = this.nullableArrayLength(flexible, wireBytes, heapBytes);
    return length >= 0 ? length : this.fail('UNEXPECTED_NULL', 'null where an array is required');
  }

  /** As `arrayLength`; null is -1. */
  nullableArrayLength(flexible: boolean, wireBytes: number, heapBytes: number): number {
    const length = flexible ? this.unsignedVarint() - 1 : this.int32();
    if (this.failure !== null) return 0;
    if (length <= 0) return length >= -1 ? length : this.fail('INVALID_LENGTH', `array of length ${length}`);
    if (length * wireBytes > this.end - this.position) {
      return this.fail('TRUNCATED', `array of ${length} elements in ${this.end - this.position} bytes`);
    }
    return this.charge(length * heapBytes) ? length : 0;
  }

  private charge(heapBytes: number): boolean {
    this.heapBytesLeft -= heapBytes;
    if (this.heapBytesLeft >= 0) return true;
    this.fail('TOO_LARGE', 'the message would take too much memory');
    return false;
  }

  /** For arrays of structs, where the loop is generated: false once anything failed. */
  get ok(): boolean {
    return this.failure === null;
  }

  /** Whether a nullable struct follows. */
  structPresent(): boolean {
    return this.int8() >= 0 && this.failure === null;
  }

  /** Whether a nullable struct follows behind a tag: a zero says that it does not. */
  taggedStructPresent(): boolean {
    return this.unsignedVarint() > 0 && this.failure === null;
  }

  int8Array(flexible: boolean): number[] {
    return this.numbers(this.arrayLength(flexible, 1, NUMBER_HEAP_BYTES), 1);
  }

  int16Array(flexible: boolean): number[] {
    return this.numbers(this.arrayLength(flexible, 2, NUMBER_HEAP_BYTES), 2);
  }

  int32Array(flexible: boolean): number[] {
    return this.numbers(this.arrayLength(flexible, 4, NUMBER_HEAP_BYTES), 4);
  }

  int64Array(flexible: boolean): Int64[] {
    return this.numbers(this.arrayLength(flexible, 8, 2 * NUMBER_HEAP_BYTES), 8);
  }

  stringArray(flexible: boolean): string[] {
    return this.texts(this.arrayLength(flexible, flexible ? 1 : 2, STRING_HEAP_BYTES), flexible);
  }

  uuidArray(flexible: boolean): Uuid[] {
    return this.uuids(this.arrayLength(flexible, UUID_BYTES, UUID_HEAP_BYTES));
  }

  nullableInt8Array(flexible: boolean): number[] | null {
    const length = this.nullableArrayLength(flexible, 1, NUMBER_HEAP_BYTES);
    return length < 0 ? null : this.numbers(length, 1);
  }

  nullableInt16Array(flexible: boolean): number[] | null {
    const length = this.nullableArrayLength(flexible, 2, NUMBER_HEAP_BYTES);
    return length < 0 ? null : this.numbers(length, 2);
  }

  nullableInt32Array(flexible: boolean): number[] | null {
    const length = this.nullableArrayLength(flexible, 4, NUMBER_HEAP_BYTES);
    return length < 0 ? null : this.numbers(length, 4);
  }

  nullableInt64Array(flexible: boolean): Int64[] | null {
    const length = this.nullableArrayLength(flexible, 8, 2 * NUMBER_HEAP_BYTES);
    return length < 0 ? null : this.numbers(length, 8);
  }

  nullableStringArray(flexible: boolean): string[] | null {
    const length = this.nullableArrayLength(flexible, flexible ? 1 : 2, STRING_HEAP_BYTES);
    return length < 0 ? null : this.texts(length, flexible);
  }

  nullableUuidArray(flexible: boolean): Uuid[] | null {
    const length = this.nullableArrayLength(flexible, UUID_BYTES, UUID_HEAP_BYTES);
    return length < 0 ? null : this.uuids(length);
  }

  private number(bytes: 1 | 2 | 4 | 8): number {
    if (bytes === 4) return this.int32();
    if (bytes === 8) return this.int64();
    return bytes === 2 ? this.int16() : this.int8();
  }

  private numbers(length: number, bytes: 1 | 2 | 4 | 8): number[] {
    if (length === 0) return [];
    const values = [this.number(bytes)];
    for (let i = 1; i < length; i++) values.push(this.number(bytes));
    return values;
  }

  private texts(length: number, flexible: boolean): string[] {
    if (length === 0) return [];
    const values = [this.string(flexible)];
    for (let i = 1; i < length && this.failure === null; i++) values.push(this.string(flexible));
    return values;
  }

  private uuids(length: number): Uuid[] {
    if (length === 0) return [];
    const values = [this.uuid()];
    for (let i = 1; i < length; i++) values.push(this.uuid());
    return values;
  }

  /** How many tagged fields follow. */
  tagCount(): number {
    const count = this.unsignedVarint();
    if (count * 2 > this.end - this.position) return this.fail('TRUNCATED', `${count} tagged fields in ${this.end - this.position} bytes`);
    return count;
  }

  /** Opens the next tagged field: its number is in `tag`. Returns where it ends, for `endTag` and `unknownTag`; -1 on failure. */
  beginTag(): number {
    this.tag = -1;
    const tag = this.unsignedVarint();
    const length = this.unsignedVarint();
    if (length > this.end - this.position) this.underflow(length);
    if (this.failure !== null) return -1;
    this.tag = tag;
    return this.position + length;
  }

  /** Closes a tagged field, which must have taken the bytes that its size said. */
  endTag(tagEnd: number): void {
    if (this.position !== tagEnd && this.failure === null) this.fail('INVALID_LENGTH', 'tagged field and its size disagree');
  }

  /** Keeps the tagged field just opened as bytes in `owner`. */
  unknownTag(owner: Tagged, tagEnd: number): void {
    if (tagEnd < 0 || !this.charge(TAG_HEAP_BYTES)) return;
    (owner.unknownTaggedFields ??= []).push({ tag: this.tag, data: this.view(tagEnd - this.position) });
  }

  /** The tagged section of a struct that knows no tags. */
  unknownTags(owner: Tagged): void {
    for (let left = this.tagCount(); left > 0 && this.failure === null; left--) this.unknownTag(owner, this.beginTag());
  }
}
