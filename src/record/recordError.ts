/** Why bytes are not a record batch, or records cannot become one. */
export type RecordErrorCode =
  /** The bytes end before the batch or record does. */
  | 'TRUNCATED'
  /** A header field that no valid batch has: size, count, delta, offset or producer id. */
  | 'CORRUPT_HEADER'
  /** CRC32C (magic 2) or CRC32 (magic 0 and 1) differs. */
  | 'CORRUPT_CHECKSUM'
  /** A record's length, varint, count or offset delta lies, or bytes are left after the last one. */
  | 'CORRUPT_RECORD'
  /** The compressed bytes are not what their codec writes. */
  | 'CORRUPT_COMPRESSION'
  /** A magic other than 0, 1 and 2. */
  | 'UNSUPPORTED_MAGIC'
  /** A codec number that Kafka does not know, or a codec (feature) that cannot be read here. */
  | 'UNSUPPORTED_COMPRESSION'
  /** The inflated form would pass its cap, or the built form its format's limit. */
  | 'TOO_LARGE';

/** Bytes from outside that are not valid records, or records that the format cannot hold. */
export class RecordError extends Error {
  override readonly name = 'RecordError';
  readonly code: RecordErrorCode;
  /** Index of the offending record in its batch; -1 when it is not about one record. */
  readonly recordIndex: number;

  constructor(code: RecordErrorCode, message: string, recordIndex = -1) {
    super(message);
    this.code = code;
    this.recordIndex = recordIndex;
  }
}
