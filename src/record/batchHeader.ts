/**
 * The header of a record batch (magic 2) as functions over (bytes, offset), so that the hot path makes no object.
 * `offset` is where the batch starts. The layout is that of Kafka's record batch, KIP-98.
 *
 * Only `baseOffsetOf` and `lastOffsetOf` throw; the others return what the bytes say. Ask `nextBatch` or
 * `headerDefect` first: the functions read 61 bytes at `offset` and expect them to be there.
 */
import { RecordError } from './recordError.ts';

export const HEADER_BYTES = 61;
/** Base offset and length: what precedes the bytes that `length` counts. */
export const LOG_OVERHEAD_BYTES = 12;
export const MAGIC = 2;
/** The smallest value that a magic 2 batch's length field may have. */
export const LENGTH_MIN = HEADER_BYTES - LOG_OVERHEAD_BYTES;
/** A message of magic 0 with neither key nor value: CRC, magic, attributes, two lengths. */
const LEGACY_LENGTH_MIN = 14;

/** Where each field starts, from the start of the batch. */
export const Field = {
  baseOffset: 0,
  length: 8,
  leaderEpoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  lastOffsetDelta: 23,
  baseTimestamp: 27,
  maxTimestamp: 35,
  producerId: 43,
  producerEpoch: 51,
  baseSequence: 53,
  recordCount: 57,
} as const;

/** Compression codecs by their number in the attributes. */
export const Codec = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 } as const;
export type Codec = (typeof Codec)[keyof typeof Codec];

export const Attribute = {
  codecMask: 0x07,
  logAppendTime: 0x08,
  transactional: 0x10,
  control: 0x20,
  deleteHorizon: 0x40,
} as const;

const TWO_32 = 2 ** 32;

/** A signed 64-bit big-endian integer as a number: exact within +-(2^53-1), the nearest double outside. */
export function readInt64(bytes: Buffer, offset: number): number {
  return bytes.readInt32BE(offset) * TWO_32 + bytes.readUInt32BE(offset + 4);
}

/** `value` must be an integer; outside the int64 range it is an error of the caller. */
export function writeInt64(bytes: Buffer, value: number, offset: number): void {
  const high = Math.floor(value / TWO_32);
  bytes.writeInt32BE(high, offset);
  bytes.writeUInt32BE(value - high * TWO_32, offset + 4);
}

/** Throws RecordError CORRUPT_HEADER outside 0..2^53-1. */
export function baseOffsetOf(bytes: Buffer, offset: number): number {
  const value = readInt64(bytes, offset);
  if (value < 0 || value > Number.MAX_SAFE_INTEGER) throw new RecordError('CORRUPT_HEADER', `base offset ${value} is out of range`);
  return value;
}

/** Offset of the last record; throws as baseOffsetOf. */
export function lastOffsetOf(bytes: Buffer, offset: number): number {
  return baseOffsetOf(bytes, offset) + lastOffsetDeltaOf(bytes, offset);
}

/** Size of the whole batch, with the twelve bytes that its length field does not count. */
export function sizeOf(bytes: Buffer, offset: number): number {
  return bytes.readInt32BE(offset + Field.length) + LOG_OVERHEAD_BYTES;
}

export function leaderEpochOf(bytes: Buffer, offset: number): number {
  return bytes.readInt32BE(offset + Field.leaderEpoch);
}

/** 2 here; magic 0 and 1 (`legacy.ts`) have theirs at the same place. */
export function magicOf(bytes: Buffer, offset: number): number {
  return bytes.readInt8(offset + Field.magic);
}

/** The CRC32C that the batch claims, unsigned; it covers everything from the attributes on. */
export function crcOf(bytes: Buffer, offset: number): number {
  return bytes.readUInt32BE(offset + Field.crc);
}

export function attributesOf(bytes: Buffer, offset: number): number {
  return bytes.readInt16BE(offset + Field.attributes);
}

export function lastOffsetDeltaOf(bytes: Buffer, offset: number): number {
  return bytes.readInt32BE(offset + Field.lastOffsetDelta);
}

/** Milliseconds, -1 for none; the delete horizon where `hasDeleteHorizon`. */
export function baseTimestampOf(bytes: Buffer, offset: number): number {
  return readInt64(bytes, offset + Field.baseTimestamp);
}

/** Milliseconds, -1 for none; the append time where `isLogAppendTime`. */
export function maxTimestampOf(bytes: Buffer, offset: number): number {
  return readInt64(bytes, offset + Field.maxTimestamp);
}

/** -1 for none. */
export function producerIdOf(bytes: Buffer, offset: number): number {
  return readInt64(bytes, offset + Field.producerId);
}

export function producerEpochOf(bytes: Buffer, offset: number): number {
  return bytes.readInt16BE(offset + Field.producerEpoch);
}

export function baseSequenceOf(bytes: Buffer, offset: number): number {
  return bytes.readInt32BE(offset + Field.baseSequence);
}

export function recordCountOf(bytes: Buffer, offset: number): number {
  return bytes.readInt32BE(offset + Field.recordCount);
}

/** The codec's number; 5 to 7 are none of `Codec`. */
export const codecIn = (attributes: number): number => attributes & Attribute.codecMask;
export const isLogAppendTime = (attributes: number): boolean => (attributes & Attribute.logAppendTime) !== 0;
export const isTransactional = (attributes: number): boolean => (attributes & Attribute.transactional) !== 0;
export const isControl = (attributes: number): boolean => (attributes & Attribute.control) !== 0;
export const hasDeleteHorizon = (attributes: number): boolean => (attributes & Attribute.deleteHorizon) !== 0;

/** Sequence of the last record; sequences wrap from 2^31-1 to 0. -1 without a producer. */
export function lastSequenceOf(bytes: Buffer, offset: number): number {
  const first = baseSequenceOf(bytes, offset);
  if (first < 0) return -1;
  const last = first + lastOffsetDeltaOf(bytes, offset);
  return last > 0x7fffffff ? last - 0x80000000 : last;
}

/**
 * Walks batches (of any magic) that lie back to back: returns where the batch after the one at `position` starts, or -1 when no whole
 * batch starts there, be it the end, a torn tail or a lie (`tailOf` tells them apart). When it returns a position, every header
 * function is safe at `position` provided that `magicOf` is 2.
 *
 *     for (let at = 0, next = nextBatch(bytes, 0); next !== -1; at = next, next = nextBatch(bytes, at)) visit(at);
 */
export function nextBatch(bytes: Buffer, position: number): number {
  const available = bytes.length - position;
  if (available < LOG_OVERHEAD_BYTES + LEGACY_LENGTH_MIN) return -1;
  const length = bytes.readInt32BE(position + Field.length);
  const lengthMin = bytes[position + Field.magic]! < MAGIC ? LEGACY_LENGTH_MIN : LENGTH_MIN;
  if (length < lengthMin || length > available - LOG_OVERHEAD_BYTES) return -1;
  return position + LOG_OVERHEAD_BYTES + length;
}

/** What is at `position`, where `nextBatch` returned -1. */
export function tailOf(bytes: Buffer, position: number): 'end' | 'torn' | 'corrupt' {
  const available = bytes.length - position;
  if (available <= 0) return 'end';
  if (available <= Field.magic) return 'torn';
  const lengthMin = bytes[position + Field.magic]! < MAGIC ? LEGACY_LENGTH_MIN : LENGTH_MIN;
  return bytes.readInt32BE(position + Field.length) < lengthMin ? 'corrupt' : 'torn';
}

/**
 * What is wrong with the header of the whole batch at `position` (after `nextBatch`), '' when nothing is: the checks that need no look at the
 * records or the CRC. The base offset is checked too, so that `baseOffsetOf` will not throw.
 */
export function headerDefect(bytes: Buffer, position: number): string {
  if (magicOf(bytes, position) !== MAGIC) return `magic ${magicOf(bytes, position)} is not 2`;
  const baseOffset = readInt64(bytes, position);
  const lastOffsetDelta = lastOffsetDeltaOf(bytes, position);
  if (baseOffset < 0 || baseOffset > Number.MAX_SAFE_INTEGER - 0x7fffffff) return `base offset ${baseOffset} is out of range`;
  if (lastOffsetDelta < 0) return `last offset delta ${lastOffsetDelta} is negative`;
  const count = recordCountOf(bytes, position);
  // Compaction leaves fewer records than offsets, and may keep an empty batch for its producer's sake.
  if (count < 0 || count - 1 > lastOffsetDelta) return `record count ${count} does not fit last offset delta ${lastOffsetDelta}`;
  if (codecIn(attributesOf(bytes, position)) > Codec.zstd) return `compression codec ${codecIn(attributesOf(bytes, position))} is unknown`;
  return producerDefect(bytes, position);
}

function producerDefect(bytes: Buffer, position: number): string {
  const producerId = producerIdOf(bytes, position);
  if (producerId < -1 || producerId > Number.MAX_SAFE_INTEGER) return `producer id ${producerId} is out of range`;
  if (producerId !== -1 && producerEpochOf(bytes, position) < 0) return `producer epoch ${producerEpochOf(bytes, position)} is negative`;
  return '';
}
