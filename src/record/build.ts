import { assert } from '../base/assert.ts';
import { compute } from '../binding/load.ts';
import { Attribute, Codec, Field, HEADER_BYTES, LOG_OVERHEAD_BYTES, MAGIC, writeInt64 } from './batchHeader.ts';
import { DEFAULT_LEVEL, compress } from './codecs.ts';
import type { RecordHeader } from './iterate.ts';
import { RecordError } from './recordError.ts';
import { varintBytes, varlongBytes, writeVarint, writeVarlong } from './varint.ts';

/** How a batch is closed; what is absent takes the value of a plain batch of no producer. */
export interface BatchOptions {
  readonly codec?: Codec;
  /** As `compress` in codecs.ts takes it. */
  readonly level?: number;
  readonly baseOffset?: number;
  /** -1 unless the broker writes it. */
  readonly leaderEpoch?: number;
  readonly producerId?: number;
  readonly producerEpoch?: number;
  readonly baseSequence?: number;
  readonly isTransactional?: boolean;
  readonly isControl?: boolean;
  /** Set: LogAppendTime, and this is the batch's max timestamp. */
  readonly logAppendTimeMs?: number;
  /** Set: takes the place of the base timestamp. Only right for a builder that was begun with the same base timestamp. */
  readonly hasDeleteHorizon?: boolean;
  /** At least the last record's; larger where compaction dropped the batch's last records. */
  readonly lastOffsetDelta?: number;
}

const NO_HEADERS: readonly RecordHeader[] = [];
const CAPACITY_MIN_BYTES = 512;
const SIZE_MAX_BYTES = 0x7fffffff;
/** Beyond it, timestamp deltas would not be exact. (Year 144,683.) */
export const TIMESTAMP_MAX_MS = 2 ** 52 - 1;
/** What is less than this part of the memory that it was built in is a small batch. */
export const SMALL_PARTS = 4;
/** Longest varint and varlong. */
const VARINT_BYTES_MAX = 5;
const VARLONG_BYTES_MAX = 10;

/**
 * Most bytes that one record can take in a batch, whatever its place.
 * `keyBytes` and `valueBytes` are lengths, 0 for null.
 */
export function recordBytesMax(keyBytes: number, valueBytes: number, headers: readonly RecordHeader[] = NO_HEADERS): number {
  return 1 + VARLONG_BYTES_MAX + VARINT_BYTES_MAX * 5 + keyBytes + valueBytes + headersBytes(headers);
}

function headersBytes(headers: readonly RecordHeader[]): number {
  let bytes = 0;
  for (const header of headers) {
    const keyBytes = Buffer.byteLength(header.key);
    const valueBytes = header.value === null ? -1 : header.value.length;
    bytes += varintBytes(keyBytes) + keyBytes + varintBytes(valueBytes) + Math.max(valueBytes, 0);
  }
  return bytes;
}

/**
 * Builds one batch of magic 2 in one growing buffer, with no object per record. Append records, `close` it, and start the
 * next batch with the same builder: `close` gives the buffer away.
 */
export class BatchBuilder {
  #bytes: Buffer;
  #at = HEADER_BYTES;
  #count = 0;
  #lastOffsetDelta = -1;
  #baseTimestamp = -1;
  #fixedBaseTimestamp = -1;
  #maxTimestamp = -1;
  #minTimestamp = Infinity;
  readonly #capacityBytes: number;
  readonly #reuse: (() => Buffer | null) | null;

  /**
   * `capacityBytes`: what the buffer begins with; the batch size aimed at. `reuse` may give memory of that size in which nobody reads any more, to save
   * making new one for each batch.
   */
  constructor(capacityBytes = 16_384, reuse: (() => Buffer | null) | null = null) {
    this.#capacityBytes = Math.max(capacityBytes, CAPACITY_MIN_BYTES);
    this.#reuse = reuse;
    this.#bytes = this.#memory();
  }

  #memory(): Buffer {
    const spare = this.#reuse?.() ?? null;
    return spare !== null && spare.length === this.#capacityBytes ? spare : Buffer.allocUnsafeSlow(this.#capacityBytes);
  }

  get recordCount(): number {
    return this.#count;
  }

  /** Bytes of the batch if it were closed now without compression. */
  get sizeBytes(): number {
    return this.#at;
  }

  /** Smallest timestamp appended but for -1 (none); Infinity without any. */
  get minTimestampMs(): number {
    return this.#minTimestamp;
  }

  /** Largest timestamp appended, -1 if none. */
  get maxTimestampMs(): number {
    return this.#maxTimestamp;
  }

  /** The base timestamp for an empty builder: else the first record's. (For batches with a delete horizon.) */
  startAt(baseTimestampMs: number): void {
    assert(this.#count === 0, 'startAt comes before the first record');
    this.#fixedBaseTimestamp = baseTimestampMs;
  }

  /** Bytes that `append` of the same would add: exact. */
  bytesOf(key: Uint8Array | null, value: Uint8Array | null, headers: readonly RecordHeader[], timestampMs: number): number {
    const body = bodyBytes(key, value, headers, timestampMs - this.#baseFor(timestampMs), this.#lastOffsetDelta + 1);
    return varintBytes(body) + body;
  }

  /**
   * Adds a record behind the last one and returns its offset delta. The bytes are copied.
   * Throws RecordError TOO_LARGE past 2 GiB, RangeError for a timestamp that is not an integer in [-1, 2^52).
   */
  append(key: Uint8Array | null, value: Uint8Array | null, headers: readonly RecordHeader[] | null, timestampMs: number): number {
    const offsetDelta = this.#lastOffsetDelta + 1;
    this.appendAt(offsetDelta, key, value, headers, timestampMs);
    return offsetDelta;
  }

  /** As append, with an offset delta of the caller's, larger than the last one. (Compaction leaves gaps.) */
  appendAt(offsetDelta: number, key: Uint8Array | null, value: Uint8Array | null, headers: readonly RecordHeader[] | null, timestampMs: number): void {
    assert(offsetDelta > this.#lastOffsetDelta && offsetDelta <= 0x7fffffff, 'offset deltas ascend');
    if (!(timestampMs >= -1 && timestampMs <= TIMESTAMP_MAX_MS) || !Number.isInteger(timestampMs)) throw new RangeError(`timestamp ${timestampMs} is not an integer in [-1, 2^52)`);
    const fields = headers ?? NO_HEADERS;
    const baseTimestamp = this.#baseFor(timestampMs);
    const body = bodyBytes(key, value, fields, timestampMs - baseTimestamp, offsetDelta);
    this.#reserve(body + VARINT_BYTES_MAX);
    const bytes = this.#bytes;
    let at = writeVarint(bytes, this.#at, body);
    bytes[at] = 0;
    at = writeVarlong(bytes, at + 1, timestampMs - baseTimestamp);
    at = writeVarint(bytes, at, offsetDelta);
    at = writeNullable(bytes, at, key);
    at = writeNullable(bytes, at, value);
    at = writeVarint(bytes, at, fields.length);
    if (fields.length > 0) at = writeHeaders(bytes, at, fields);
    this.#at = at;
    this.#count += 1;
    this.#lastOffsetDelta = offsetDelta;
    this.#baseTimestamp = baseTimestamp;
    if (timestampMs > this.#maxTimestamp) this.#maxTimestamp = timestampMs;
    if (timestampMs < this.#minTimestamp && timestampMs !== -1) this.#minTimestamp = timestampMs;
  }

  #baseFor(timestampMs: number): number {
    if (this.#count > 0) return this.#baseTimestamp;
    return this.#fixedBaseTimestamp === -1 ? timestampMs : this.#fixedBaseTimestamp;
  }

  #reserve(moreBytes: number): void {
    const needed = this.#at + moreBytes;
    if (needed <= this.#bytes.length) return;
    if (needed > SIZE_MAX_BYTES) throw new RecordError('TOO_LARGE', 'a batch cannot pass 2 GiB');
    const larger = Buffer.allocUnsafeSlow(Math.min(Math.max(needed, this.#bytes.length * 2), SIZE_MAX_BYTES));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }

  /**
   * The finished batch, CRC included; its memory is the caller's, and the builder is empty again. An empty builder gives a batch without records
   * (what compaction keeps for a producer's last sequence).
   */
  close(options: BatchOptions = {}): Buffer {
    const codec = options.codec ?? Codec.none;
    let batch = this.#bytes.subarray(0, this.#at);
    if (codec !== Codec.none) {
      const compressed = compress(codec, batch.subarray(HEADER_BYTES), options.level ?? DEFAULT_LEVEL);
      batch = Buffer.allocUnsafeSlow(HEADER_BYTES + compressed.length);
      batch.set(compressed, HEADER_BYTES);
    }
    const baseTimestamp = this.#count > 0 ? this.#baseTimestamp : this.#fixedBaseTimestamp;
    writeHeader(batch, codec, options, { records: this.#count, lastOffsetDelta: this.#lastOffsetDelta, baseTimestamp, maxTimestamp: this.#maxTimestamp });
    // a small batch has memory of its own size, so that many of them do not hold much
    if (codec === Codec.none && batch.length * SMALL_PARTS < this.#bytes.length) batch = copyOf(batch);
    else if (codec === Codec.none) this.#bytes = this.#memory();
    this.reset();
    return batch;
  }

  /** Forgets what was appended, keeps the memory. */
  reset(): void {
    this.#at = HEADER_BYTES;
    this.#count = 0;
    this.#lastOffsetDelta = -1;
    this.#baseTimestamp = -1;
    this.#fixedBaseTimestamp = -1;
    this.#maxTimestamp = -1;
    this.#minTimestamp = Infinity;
  }
}

/** What a header says of the records behind it. */
export interface RecordFigures {
  readonly records: number;
  /** -1 without records. */
  readonly lastOffsetDelta: number;
  readonly baseTimestamp: number;
  /** Largest timestamp, -1 if none. */
  readonly maxTimestamp: number;
}

/** Writes the header of the batch that fills `batch`, CRC included. */
export function writeHeader(batch: Buffer, codec: Codec, options: BatchOptions, figures: RecordFigures): void {
  const lastOffsetDelta = options.lastOffsetDelta ?? Math.max(figures.lastOffsetDelta, 0);
  assert(lastOffsetDelta >= figures.lastOffsetDelta, 'the last offset delta covers every record');
  writeInt64(batch, options.baseOffset ?? 0, Field.baseOffset);
  batch.writeInt32BE(batch.length - LOG_OVERHEAD_BYTES, Field.length);
  batch.writeInt32BE(options.leaderEpoch ?? -1, Field.leaderEpoch);
  batch[Field.magic] = MAGIC;
  batch.writeInt16BE(attributesFrom(codec, options), Field.attributes);
  batch.writeInt32BE(lastOffsetDelta, Field.lastOffsetDelta);
  writeInt64(batch, figures.baseTimestamp, Field.baseTimestamp);
  writeInt64(batch, options.logAppendTimeMs ?? figures.maxTimestamp, Field.maxTimestamp);
  writeInt64(batch, options.producerId ?? -1, Field.producerId);
  batch.writeInt16BE(options.producerEpoch ?? -1, Field.producerEpoch);
  batch.writeInt32BE(options.baseSequence ?? -1, Field.baseSequence);
  batch.writeInt32BE(figures.records, Field.recordCount);
  renewCrc(batch);
}

/** Writes the CRC of the batch that fills `batch`: needed after a change of any field from the attributes on. */
export function renewCrc(batch: Buffer): void {
  batch.writeUInt32BE(compute.crc32c(batch.subarray(Field.attributes)), Field.crc);
}

/** In memory that nothing else is in: it may be transferred. */
function copyOf(batch: Buffer): Buffer {
  const copy = Buffer.allocUnsafeSlow(batch.length);
  batch.copy(copy);
  return copy;
}

function attributesFrom(codec: Codec, options: BatchOptions): number {
  let attributes: number = codec;
  if (options.logAppendTimeMs !== undefined) attributes |= Attribute.logAppendTime;
  if (options.isTransactional) attributes |= Attribute.transactional;
  if (options.isControl) attributes |= Attribute.control;
  if (options.hasDeleteHorizon) attributes |= Attribute.deleteHorizon;
  return attributes;
}

function bodyBytes(key: Uint8Array | null, value: Uint8Array | null, headers: readonly RecordHeader[], timestampDelta: number, offsetDelta: number): number {
  let bytes = 1 + varlongBytes(timestampDelta) + varintBytes(offsetDelta) + varintBytes(headers.length);
  bytes += key === null ? 1 : varintBytes(key.length) + key.length;
  bytes += value === null ? 1 : varintBytes(value.length) + value.length;
  return headers.length === 0 ? bytes : bytes + headersBytes(headers);
}

function writeNullable(bytes: Buffer, at: number, field: Uint8Array | null): number {
  if (field === null) return writeVarint(bytes, at, -1);
  const start = writeVarint(bytes, at, field.length);
  bytes.set(field, start);
  return start + field.length;
}

/** The headers of one record as they lie in it, without their count. */
export function encodeHeaders(headers: readonly RecordHeader[]): Buffer {
  const bytes = Buffer.allocUnsafe(headersBytes(headers));
  writeHeaders(bytes, 0, headers);
  return bytes;
}

function writeHeaders(bytes: Buffer, at: number, headers: readonly RecordHeader[]): number {
  let place = at;
  for (const header of headers) {
    place = writeVarint(bytes, place, Buffer.byteLength(header.key));
    place += bytes.write(header.key, place);
    place = writeNullable(bytes, place, header.value);
  }
  return place;
}
