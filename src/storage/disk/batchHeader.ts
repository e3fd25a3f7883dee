import type { BatchPosition, ScannedBatch } from '../../base/disk.ts';

/** Byte positions in a batch v2 header (docs/formats/segment.md). */
export const BatchField = {
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
  count: 57,
  records: 61,
} as const;

export const BATCH_HEADER_BYTES = BatchField.records;
/** Bytes before those that the length field counts. */
export const BATCH_PREFIX_BYTES = 12;
/** The smallest length field: a header without records. */
export const BATCH_LENGTH_MIN = BATCH_HEADER_BYTES - BATCH_PREFIX_BYTES;
export const ATTRIBUTE_CODEC_MASK = 7;
export const ATTRIBUTE_CODEC_MAX = 4;
export const ATTRIBUTE_LOG_APPEND_TIME = 8;
export const RELATIVE_OFFSET_MAX = 2 ** 31 - 1;

/** A batch header field by field, as numbers. Reused by whoever walks batches. */
export class BatchHeader implements ScannedBatch {
  position = 0;
  sizeBytes = 0;
  baseOffset = 0;
  lastOffset = 0;
  maxTimestampMs = -1;
  baseTimestampMs = -1;
  leaderEpoch = -1;
  attributes = 0;
  producerId = -1;
  producerEpoch = -1;
  baseSequence = -1;
  records = 0;
  magic = 0;
  crc = 0;
  lastOffsetDelta = 0;

  /** Reads the 61 bytes at `at`; they must be there. */
  read(bytes: DataView, at: number): void {
    this.baseOffset = Number(bytes.getBigInt64(at));
    this.sizeBytes = bytes.getInt32(at + BatchField.length) + BATCH_PREFIX_BYTES;
    this.leaderEpoch = bytes.getInt32(at + BatchField.leaderEpoch);
    this.magic = bytes.getInt8(at + BatchField.magic);
    this.crc = bytes.getUint32(at + BatchField.crc);
    this.attributes = bytes.getInt16(at + BatchField.attributes);
    this.lastOffsetDelta = bytes.getInt32(at + BatchField.lastOffsetDelta);
    this.lastOffset = this.baseOffset + this.lastOffsetDelta;
    this.baseTimestampMs = Number(bytes.getBigInt64(at + BatchField.baseTimestamp));
    this.maxTimestampMs = Number(bytes.getBigInt64(at + BatchField.maxTimestamp));
    this.producerId = Number(bytes.getBigInt64(at + BatchField.producerId));
    this.producerEpoch = bytes.getInt16(at + BatchField.producerEpoch);
    this.baseSequence = bytes.getInt32(at + BatchField.baseSequence);
    this.records = bytes.getInt32(at + BatchField.count);
  }

  /**
   * What every reader of a segment relies on: a magic 2 header whose lengths, deltas and count make sense and whose offsets ascend
   * from `offsetMin` within `segmentBaseOffset`'s reach. Says nothing about the bytes after the header.
   */
  isPlausible(offsetMin: number, segmentBaseOffset: number): boolean {
    return (
      this.magic === 2 &&
      this.sizeBytes >= BATCH_HEADER_BYTES &&
      this.lastOffsetDelta >= 0 &&
      this.records >= 0 &&
      this.records <= this.lastOffsetDelta + 1 &&
      this.baseOffset >= offsetMin &&
      Number.isSafeInteger(this.lastOffset + 1) &&
      this.lastOffset - segmentBaseOffset <= RELATIVE_OFFSET_MAX &&
      Number.isSafeInteger(this.maxTimestampMs) &&
      Number.isSafeInteger(this.baseTimestampMs)
    );
  }

  copyPosition(found: BatchPosition): void {
    found.position = this.position;
    found.sizeBytes = this.sizeBytes;
    found.baseOffset = this.baseOffset;
    found.lastOffset = this.lastOffset;
    found.maxTimestampMs = this.maxTimestampMs;
  }
}
