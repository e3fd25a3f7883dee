/** Builds batches as build.ts does, in the addon: JavaScript lays keys and values one behind the other, C++ frames them all at once. */
import { assert } from '../base/assert.ts';
import { compute } from '../binding/load.ts';
import { Codec, HEADER_BYTES } from './batchHeader.ts';
import { BatchBuilder, SMALL_PARTS, TIMESTAMP_MAX_MS, encodeHeaders, writeHeader } from './build.ts';
import type { BatchOptions } from './build.ts';
import { compress, DEFAULT_LEVEL } from './codecs.ts';
import type { RecordHeader } from './iterate.ts';
import { RecordError } from './recordError.ts';
import { varintBytes, varlongBytes } from './varint.ts';

/** What a program that appends many records needs of a builder. */
export interface RecordBuilder {
  readonly recordCount: number;
  /** What the batch takes, were it closed now without compression. */
  readonly sizeBytes: number;
  /** Smallest timestamp appended but for -1 (none); Infinity without any. */
  readonly minTimestampMs: number;
  /** As BatchBuilder.append. */
  append(key: Uint8Array | null, value: Uint8Array | null, headers: readonly RecordHeader[] | null, timestampMs: number): number;
  /** As BatchBuilder.close. */
  close(options?: BatchOptions): Buffer;
}

/** As PackedField of native/core/build.h. */
const FIELDS = 4;
/** Length, attributes, timestamp and offset deltas, lengths of key and value, count of headers: at their longest. */
const FRAMING_BYTES_MAX = 36;
const RECORDS_MIN = 64;
/** A builder keeps memory up to so many times what it was made with. */
const KEPT_GROWTH_MAX = 4;
const SIZE_MAX_BYTES = 0x7fffffff;
const NO_BYTES = Buffer.alloc(0);

/** The addon's way where it is in use, else BatchBuilder's. Arguments as BatchBuilder's; memory to be reused may have any size. */
export function newRecordBuilder(capacityBytes = 16_384, reuse: (() => Buffer | null) | null = null): RecordBuilder {
  return compute.buildRecords === undefined ? new BatchBuilder(capacityBytes, reuse) : new PackedBuilder(capacityBytes, reuse);
}

/** Keys and values in one buffer, their lengths and timestamps in columns: no object and no framing a record. */
export class PackedBuilder implements RecordBuilder {
  #content: Buffer;
  #contentBytes = 0;
  #fields = new Int32Array(RECORDS_MIN * FIELDS);
  #timestamps = new Float64Array(RECORDS_MIN);
  #count = 0;
  #sizeBytes = HEADER_BYTES;
  #baseTimestamp = -1;
  #minTimestamp = Infinity;
  #maxTimestamp = -1;
  /** Where records are framed that are compressed then. */
  #scratch: Buffer = NO_BYTES;
  readonly #capacityBytes: number;
  readonly #reuse: (() => Buffer | null) | null;

  constructor(capacityBytes: number, reuse: (() => Buffer | null) | null = null) {
    this.#capacityBytes = capacityBytes;
    this.#content = Buffer.allocUnsafeSlow(capacityBytes);
    this.#reuse = reuse;
  }

  get recordCount(): number {
    return this.#count;
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  get minTimestampMs(): number {
    return this.#minTimestamp;
  }

  append(key: Uint8Array | null, value: Uint8Array | null, headers: readonly RecordHeader[] | null, timestampMs: number): number {
    if (!(timestampMs >= -1 && timestampMs <= TIMESTAMP_MAX_MS) || !Number.isInteger(timestampMs)) throw new RangeError(`timestamp ${timestampMs} is not an integer in [-1, 2^52)`);
    const framed = headers === null || headers.length === 0 ? NO_BYTES : encodeHeaders(headers);
    const index = this.#count;
    const keyBytes = key === null ? -1 : key.length;
    const valueBytes = value === null ? -1 : value.length;
    let at = this.#contentBytes;
    this.#reserve(at + Math.max(keyBytes, 0) + Math.max(valueBytes, 0) + framed.length);
    const content = this.#content;
    if (key !== null) {
      content.set(key, at);
      at += keyBytes;
    }
    if (value !== null) {
      content.set(value, at);
      at += valueBytes;
    }
    const fields = this.#fields;
    const row = index * FIELDS;
    fields[row] = keyBytes;
    fields[row + 1] = valueBytes;
    fields[row + 2] = headers === null ? 0 : headers.length;
    fields[row + 3] = framed.length;
    if (framed.length > 0) {
      content.set(framed, at);
      at += framed.length;
    }
    this.#timestamps[index] = timestampMs;
    if (index === 0) this.#baseTimestamp = timestampMs;
    const body = 1 + varlongBytes(timestampMs - this.#baseTimestamp) + varintBytes(index) + varintBytes(keyBytes) + varintBytes(valueBytes) + varintBytes(fields[row + 2]!) + at - this.#contentBytes;
    this.#sizeBytes += body + varintBytes(body);
    if (timestampMs > this.#maxTimestamp) this.#maxTimestamp = timestampMs;
    if (timestampMs < this.#minTimestamp && timestampMs !== -1) this.#minTimestamp = timestampMs;
    this.#contentBytes = at;
    this.#count = index + 1;
    return index;
  }

  #reserve(contentBytes: number): void {
    if (contentBytes > this.#content.length) this.#growContent(contentBytes);
    if (this.#count === this.#timestamps.length) this.#growColumns();
  }

  #growContent(neededBytes: number): void {
    if (neededBytes + (this.#count + 1) * FRAMING_BYTES_MAX + HEADER_BYTES > SIZE_MAX_BYTES) throw new RecordError('TOO_LARGE', 'a batch cannot pass 2 GiB');
    const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(neededBytes, this.#content.length * 2), SIZE_MAX_BYTES));
    this.#content.copy(larger, 0, 0, this.#contentBytes);
    this.#content = larger;
  }

  #growColumns(): void {
    const fields = new Int32Array(this.#fields.length * 2);
    fields.set(this.#fields);
    this.#fields = fields;
    const timestamps = new Float64Array(this.#timestamps.length * 2);
    timestamps.set(this.#timestamps);
    this.#timestamps = timestamps;
  }

  close(options: BatchOptions = {}): Buffer {
    const codec = options.codec ?? Codec.none;
    const batch = codec === Codec.none ? this.#build() : this.#buildCompressed(codec, options.level ?? DEFAULT_LEVEL);
    writeHeader(batch, codec, options, { records: this.#count, lastOffsetDelta: this.#count - 1, baseTimestamp: this.#baseTimestamp, maxTimestamp: this.#maxTimestamp });
    this.#reset();
    return batch;
  }

  #reset(): void {
    this.#contentBytes = 0;
    this.#count = 0;
    this.#sizeBytes = HEADER_BYTES;
    this.#baseTimestamp = -1;
    this.#minTimestamp = Infinity;
    this.#maxTimestamp = -1;
    // one large record is no reason to keep so much
    if (this.#content.length > this.#capacityBytes * KEPT_GROWTH_MAX) this.#content = Buffer.allocUnsafeSlow(this.#capacityBytes);
    if (this.#scratch.length > this.#capacityBytes * KEPT_GROWTH_MAX) this.#scratch = NO_BYTES;
  }

  #build(): Buffer {
    const neededBytes = this.#sizeBytes + FRAMING_BYTES_MAX;
    const isSmall = neededBytes * SMALL_PARTS < this.#capacityBytes;
    const target = isSmall ? Buffer.allocUnsafe(neededBytes) : this.#memory(neededBytes);
    this.#frame(target.subarray(HEADER_BYTES));
    return target.subarray(0, this.#sizeBytes);
  }

  #memory(neededBytes: number): Buffer {
    const spare = this.#reuse?.() ?? null;
    return spare !== null && spare.length >= neededBytes ? spare : Buffer.allocUnsafeSlow(Math.max(neededBytes, this.#capacityBytes));
  }

  #buildCompressed(codec: Codec, level: number): Buffer {
    const recordsBytes = this.#sizeBytes - HEADER_BYTES;
    if (this.#scratch.length < recordsBytes + FRAMING_BYTES_MAX) this.#scratch = Buffer.allocUnsafeSlow(Math.max(recordsBytes + FRAMING_BYTES_MAX, this.#capacityBytes));
    this.#frame(this.#scratch);
    const compressed = compress(codec, this.#scratch.subarray(0, recordsBytes), level);
    const batch = Buffer.allocUnsafeSlow(HEADER_BYTES + compressed.length);
    batch.set(compressed, HEADER_BYTES);
    return batch;
  }

  /** The addon wants room for the longest framing behind the last record. */
  #frame(target: Buffer): void {
    const content = this.#content.subarray(0, this.#contentBytes);
    const written = compute.buildRecords?.(target, content, this.#fields, this.#timestamps, this.#count, this.#baseTimestamp) ?? -1;
    assert(written === this.#sizeBytes - HEADER_BYTES, 'columns agree with their content');
  }
}
