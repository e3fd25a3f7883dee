/**
 * Reads the records of one batch of magic 2. `RecordCursor` walks them without an object per record; `decodeBatch` is for
 * those who would rather have objects. Both check every length against what is there and throw RecordError on a lie.
 */
import { PLACE_FIELDS, PlaceField } from '../binding/compute.ts';
import { compute } from '../binding/load.ts';
import { Codec, HEADER_BYTES, attributesOf, baseOffsetOf, baseTimestampOf, codecIn, isLogAppendTime, lastOffsetDeltaOf, maxTimestampOf, recordCountOf, sizeOf } from './batchHeader.ts';
import { RecordError } from './recordError.ts';

export interface RecordHeader {
  readonly key: string;
  readonly value: Uint8Array | null;
}

export interface DecodedRecord {
  readonly offset: number;
  /** Milliseconds, -1 for none. */
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/**
 * Called for each record with places in the bytes of the records: a length of -1 means null. Return false to stop.
 */
export type RecordVisitor = (
  offset: number,
  timestampMs: number,
  keyStart: number,
  keyLength: number,
  valueStart: number,
  valueLength: number,
  headersStart: number,
  headerCount: number,
) => boolean | void;

const NO_BYTES = Buffer.alloc(0);

/** What Buffer makes its own views of. Called directly it costs half of `subarray`. */
const BufferView = (Buffer as unknown as { readonly [Symbol.species]: new (memory: ArrayBufferLike, start: number, length: number) => Buffer })[Symbol.species];
const isDirect = typeof BufferView === 'function' && Object.getPrototypeOf(new BufferView(new ArrayBuffer(1), 0, 1)) === Buffer.prototype;
const NO_HEADERS: readonly RecordHeader[] = [];
/** Attributes, timestamp delta, offset delta, two lengths and the header count: one byte each at least. */
const RECORD_BODY_BYTES_MIN = 6;
/** The addon finds the places of so many records at a time; of fewer than the least, JavaScript does it as fast. */
const PLACED_RECORDS = 256;
const PLACED_RECORDS_MIN = 16;
const PLACED_BYTES_MAX = 0x7fffffff;
/** Before the first record: no offset, null for key and value. */
const FIRST_ROW = [-1, 0, 0, -1, 0, -1, 0, 0, 0];

/**
 * Stands on one record at a time. Make one, `open` it on batch after batch. Its fields describe the current record after `next` returned
 * true; places are in `bytes`, which is the batch itself or its inflated records.
 */
export class RecordCursor {
  bytes: Buffer = NO_BYTES;
  /** Position of the current record in the batch, from 0. */
  index = -1;
  /** PLACE_FIELDS numbers and a timestamp delta a record: those that the addon found, or the one that was decoded here. */
  #rows = Int32Array.from(FIRST_ROW);
  #timestampDeltas = new Float64Array(1);
  /** Where the current record's numbers begin in #rows. */
  #row = 0;
  #memory: ArrayBufferLike = NO_BYTES.buffer;
  /** Where `bytes` begins in its memory. */
  #memoryStart = 0;
  #at = 0;
  #end = 0;
  #count = 0;
  #baseOffset = 0;
  #baseTimestamp = 0;
  #appendTimestamp = -1;
  #hasAppendTime = false;
  #offsetDelta = -1;
  #lastOffsetDelta = 0;
  /** The addon found the records from #placedFrom up to #placedEnd. */
  #placedFrom = 0;
  #placedEnd = 0;
  #mayPlace = false;

  /**
   * Starts on the whole batch at `position` (see nextBatch) of magic 2. `records` is its inflated records section, or null where it is not
   * compressed. Nothing is copied: the bytes must stay as they are until the last look at a key, value or header.
   */
  open(batch: Buffer, position: number, records: Buffer | null): void {
    const attributes = attributesOf(batch, position);
    if (records === null && codecIn(attributes) !== Codec.none) throw new RecordError('UNSUPPORTED_COMPRESSION', 'the records are compressed and were not inflated');
    this.bytes = records ?? batch;
    this.#memory = this.bytes.buffer;
    this.#memoryStart = this.bytes.byteOffset;
    this.#at = records === null ? position + HEADER_BYTES : 0;
    this.#end = records === null ? position + sizeOf(batch, position) : records.length;
    this.#baseOffset = baseOffsetOf(batch, position);
    this.#baseTimestamp = baseTimestampOf(batch, position);
    this.#hasAppendTime = isLogAppendTime(attributes);
    this.#appendTimestamp = this.#hasAppendTime ? maxTimestampOf(batch, position) : -1;
    this.#lastOffsetDelta = lastOffsetDeltaOf(batch, position);
    this.#offsetDelta = -1;
    this.index = -1;
    this.#count = recordCountOf(batch, position);
    this.#placedEnd = 0;
    this.#mayPlace = this.#count >= PLACED_RECORDS_MIN && compute.placeRecords !== undefined && this.#end <= PLACED_BYTES_MAX;
    this.#checkBounds();
  }

  #checkBounds(): void {
    if (this.#end > this.bytes.length || this.#at > this.#end) throw new RecordError('TRUNCATED', 'the batch is longer than the bytes that hold it');
    if (this.#count < 0) throw new RecordError('CORRUPT_HEADER', `record count ${this.#count} is negative`);
    if (this.#baseOffset + this.#lastOffsetDelta > Number.MAX_SAFE_INTEGER) throw new RecordError('CORRUPT_HEADER', 'the last offset is out of range');
  }

  /** Moves to the next record. False after the last one, once it is sure that no byte is left. */
  next(): boolean {
    const index = this.index + 1;
    if (index < this.#placedEnd || (this.#mayPlace && this.#placeMore(index))) {
      this.index = index;
      this.#row = (index - this.#placedFrom) * PLACE_FIELDS;
      return true;
    }
    return this.#decodeNext(index);
  }

  /** False where the record at `index` is not for the addon; none after it is tried then. */
  #placeMore(index: number): boolean {
    const wanted = Math.min(this.#count - index, PLACED_RECORDS);
    if (wanted === 0) return false;
    if (this.#timestampDeltas.length === 1) {
      this.#rows = new Int32Array(PLACED_RECORDS * PLACE_FIELDS);
      this.#timestampDeltas = new Float64Array(PLACED_RECORDS);
    }
    const placed = compute.placeRecords!(this.bytes, this.#at, this.#end, this.#offsetDelta, this.#lastOffsetDelta, wanted, this.#rows, this.#timestampDeltas);
    this.#mayPlace = placed === wanted;
    if (placed === 0) return false;
    const last = (placed - 1) * PLACE_FIELDS;
    this.#at = this.#rows[last + PlaceField.end]!;
    this.#offsetDelta = this.#rows[last + PlaceField.offsetDelta]!;
    this.#placedFrom = index;
    this.#placedEnd = index + placed;
    return true;
  }

  #decodeNext(index: number): boolean {
    if (index >= this.#count) {
      if (this.#at !== this.#end) this.#refuse('bytes are left after the last record');
      return false;
    }
    this.index = index;
    this.#placedFrom = index;
    this.#row = 0;
    const bodyBytes = this.#varint();
    const start = this.#at;
    const end = start + bodyBytes;
    if (bodyBytes < RECORD_BODY_BYTES_MIN || end > this.#end) this.#refuse(`length ${bodyBytes} does not fit`);
    const bytes = this.bytes;
    this.#at = start + 1;
    // Nearly every record: both deltas in one byte, or the offset's in two.
    const first = bytes[start + 1]!;
    const second = bytes[start + 2]!;
    const third = bytes[start + 3]!;
    if (first < 0x80 && second < 0x80) this.#place((first >>> 1) ^ -(first & 1), (second >>> 1) ^ -(second & 1), start + 3);
    else if (first < 0x80 && third < 0x80) {
      const raw = (second & 0x7f) | (third << 7);
      this.#place((first >>> 1) ^ -(first & 1), (raw >>> 1) ^ -(raw & 1), start + 4);
    } else {
      const timestampDelta = this.#varlong();
      this.#place(timestampDelta, this.#varint(), this.#at);
    }
    const headers = this.#placeContent(end);
    if (headers !== 0) this.#skipHeaders(end, headers);
    if (this.#at !== end) this.#refuse('the record does not end where its length says');
    return true;
  }

  #place(timestampDelta: number, offsetDelta: number, at: number): void {
    this.#at = at;
    if (offsetDelta <= this.#offsetDelta || offsetDelta > this.#lastOffsetDelta) this.#refuse(`offset delta ${offsetDelta} is out of order`);
    this.#offsetDelta = offsetDelta;
    this.#rows[PlaceField.offsetDelta] = offsetDelta;
    this.#timestampDeltas[0] = timestampDelta;
  }

  /** Returns the count of headers. */
  #placeContent(end: number): number {
    const rows = this.#rows;
    rows[PlaceField.contentStart] = this.#at;
    rows[PlaceField.end] = end;
    const keyLength = this.#varint();
    rows[PlaceField.keyLength] = keyLength;
    rows[PlaceField.keyStart] = this.#at;
    if (keyLength > 0) this.#at += keyLength;
    if (keyLength < -1 || this.#at > end) this.#refuse(`key length ${keyLength} does not fit`);
    const valueLength = this.#varint();
    rows[PlaceField.valueLength] = valueLength;
    rows[PlaceField.valueStart] = this.#at;
    if (valueLength > 0) this.#at += valueLength;
    if (valueLength < -1 || this.#at > end) this.#refuse(`value length ${valueLength} does not fit`);
    const headers = this.#varint();
    rows[PlaceField.headers] = headers;
    rows[PlaceField.headersStart] = this.#at;
    if (headers < 0) this.#refuse(`header count ${headers} is negative`);
    return headers;
  }

  #skipHeaders(end: number, headers: number): void {
    // Each header takes two bytes at least, so that a lying count cannot keep the loop busy.
    if (headers > (end - this.#at) / 2) this.#refuse(`header count ${headers} does not fit`);
    for (let left = headers; left > 0; left -= 1) {
      const keyLength = this.#varint();
      if (keyLength < 0 || keyLength > end - this.#at) this.#refuse(`header key length ${keyLength} does not fit`);
      this.#at += keyLength;
      const valueLength = this.#varint();
      if (valueLength < -1 || valueLength > end - this.#at) this.#refuse(`header value length ${valueLength} does not fit`);
      if (valueLength > 0) this.#at += valueLength;
    }
  }

  get offset(): number {
    return this.#baseOffset + this.#rows[this.#row + PlaceField.offsetDelta]!;
  }

  get timestampMs(): number {
    return this.#hasAppendTime ? this.#appendTimestamp : this.#baseTimestamp + this.#timestampDeltas[this.index - this.#placedFrom]!;
  }

  get keyStart(): number {
    return this.#rows[this.#row + PlaceField.keyStart]!;
  }

  /** -1 for null. */
  get keyLength(): number {
    return this.#rows[this.#row + PlaceField.keyLength]!;
  }

  get valueStart(): number {
    return this.#rows[this.#row + PlaceField.valueStart]!;
  }

  /** -1 for null. */
  get valueLength(): number {
    return this.#rows[this.#row + PlaceField.valueLength]!;
  }

  get headersStart(): number {
    return this.#rows[this.#row + PlaceField.headersStart]!;
  }

  get headerCount(): number {
    return this.#rows[this.#row + PlaceField.headers]!;
  }

  /** From the length of the key to `contentEnd`: what does not depend on the record's place in its batch. */
  get contentStart(): number {
    return this.#rows[this.#row + PlaceField.contentStart]!;
  }

  get contentEnd(): number {
    return this.#rows[this.#row + PlaceField.end]!;
  }

  /** The timestamps are the broker's (LogAppendTime), not the producer's. */
  get hasAppendTime(): boolean {
    return this.#hasAppendTime;
  }

  /** A view of the current key, null where it has none. */
  key(): Buffer | null {
    const { keyLength } = this;
    return keyLength < 0 ? null : this.#view(this.keyStart, keyLength);
  }

  /** A view of the current value, null where it has none. */
  value(): Buffer | null {
    const { valueLength } = this;
    return valueLength < 0 ? null : this.#view(this.valueStart, valueLength);
  }

  #view(start: number, length: number): Buffer {
    return isDirect ? new BufferView(this.#memory, this.#memoryStart + start, length) : this.bytes.subarray(start, start + length);
  }

  headers(): readonly RecordHeader[] {
    return readHeaders(this.bytes, this.headersStart, this.headerCount);
  }

  #refuse(reason: string): never {
    throw new RecordError('CORRUPT_RECORD', `record ${this.index}: ${reason}`, this.index);
  }

  #varint(): number {
    const bytes = this.bytes;
    const at = this.#at;
    if (at >= this.#end) this.#refuse('the bytes end inside it');
    const first = bytes[at]!;
    if (first < 0x80) {
      this.#at = at + 1;
      return (first >>> 1) ^ -(first & 1);
    }
    const second = at + 1 < this.#end ? bytes[at + 1]! : 0x80;
    if (second < 0x80) {
      this.#at = at + 2;
      const raw = (first & 0x7f) | (second << 7);
      return (raw >>> 1) ^ -(raw & 1);
    }
    return this.#longVarint();
  }

  #longVarint(): number {
    let raw = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.#at >= this.#end) this.#refuse('the bytes end inside it');
      const byte = this.bytes[this.#at]!;
      this.#at += 1;
      if (shift === 28 && byte > 0x0f) break;
      raw |= (byte & 0x7f) << shift;
      if (byte < 0x80) return (raw >>> 1) ^ -(raw & 1);
    }
    return this.#refuse('a varint is too long');
  }

  #varlong(): number {
    const at = this.#at;
    if (at >= this.#end) this.#refuse('the bytes end inside it');
    const first = this.bytes[at]!;
    if (first < 0x80) {
      this.#at = at + 1;
      return (first >>> 1) ^ -(first & 1);
    }
    return this.#longVarlong();
  }

  #longVarlong(): number {
    let raw = 0;
    let scale = 1;
    for (let count = 0; count < 10; count += 1) {
      if (this.#at >= this.#end) this.#refuse('the bytes end inside it');
      const byte = this.bytes[this.#at]!;
      this.#at += 1;
      if (count === 9 && byte > 1) break;
      raw += (byte & 0x7f) * scale;
      scale *= 128;
      if (byte < 0x80) return raw % 2 === 0 ? raw / 2 : -(raw - 1) / 2 - 1;
    }
    return this.#refuse('a varlong is too long');
  }
}

/** Header views from a place that a RecordCursor has checked; `value` is a view, null where it has none. */
export function readHeaders(bytes: Buffer, start: number, count: number): readonly RecordHeader[] {
  if (count === 0) return NO_HEADERS;
  const headers: RecordHeader[] = [];
  let at = start;
  for (let left = count; left > 0; left -= 1) {
    const keyLength = checkedVarint(bytes, at);
    at = afterVarint(bytes, at);
    const key = bytes.toString('utf8', at, at + keyLength);
    at += keyLength;
    const valueLength = checkedVarint(bytes, at);
    at = afterVarint(bytes, at);
    headers.push({ key, value: valueLength < 0 ? null : bytes.subarray(at, at + valueLength) });
    if (valueLength > 0) at += valueLength;
  }
  return headers;
}

/** Places in the bytes of a record's key, value and headers; a length of -1 means null. */
export interface RecordContent {
  readonly keyStart: number;
  readonly keyLength: number;
  readonly valueStart: number;
  readonly valueLength: number;
  readonly headersStart: number;
  readonly headerCount: number;
}

/** What a RecordCursor that stood there had found: `start` is its `contentStart`. */
export function readContent(bytes: Buffer, start: number): RecordContent {
  const keyLength = checkedVarint(bytes, start);
  const keyStart = afterVarint(bytes, start);
  const valueAt = keyStart + Math.max(keyLength, 0);
  const valueLength = checkedVarint(bytes, valueAt);
  const valueStart = afterVarint(bytes, valueAt);
  const countAt = valueStart + Math.max(valueLength, 0);
  return { keyStart, keyLength, valueStart, valueLength, headersStart: afterVarint(bytes, countAt), headerCount: checkedVarint(bytes, countAt) };
}

function checkedVarint(bytes: Buffer, at: number): number {
  let raw = 0;
  let shift = 0;
  while (bytes[at]! >= 0x80) {
    raw |= (bytes[at]! & 0x7f) << shift;
    shift += 7;
    at += 1;
  }
  raw |= bytes[at]! << shift;
  return (raw >>> 1) ^ -(raw & 1);
}

/** Not derived from the value: a varint may be longer than it needs to be. */
function afterVarint(bytes: Buffer, at: number): number {
  while (bytes[at]! >= 0x80) at += 1;
  return at + 1;
}

/** Calls `onRecord` for each record of the batch at `position`; `batch`, `position` and `records` as in RecordCursor.open. False when the visitor stopped it. */
export function forEachRecord(batch: Buffer, position: number, records: Buffer | null, onRecord: RecordVisitor): boolean {
  const cursor = new RecordCursor();
  cursor.open(batch, position, records);
  while (cursor.next()) {
    const goesOn = onRecord(
      cursor.offset, cursor.timestampMs, cursor.keyStart, cursor.keyLength, cursor.valueStart, cursor.valueLength, cursor.headersStart, cursor.headerCount);
    if (goesOn === false) return false;
  }
  return true;
}

/** All records of a batch as objects whose keys and values are views; `batch`, `position` and `records` as in RecordCursor.open. */
export function decodeBatch(batch: Buffer, position = 0, records: Buffer | null = null): DecodedRecord[] {
  const decoded: DecodedRecord[] = [];
  const cursor = new RecordCursor();
  cursor.open(batch, position, records);
  while (cursor.next()) {
    decoded.push({ offset: cursor.offset, timestampMs: cursor.timestampMs, key: cursor.key(), value: cursor.value(), headers: cursor.headers() });
  }
  return decoded;
}
