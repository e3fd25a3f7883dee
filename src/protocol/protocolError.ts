/** Why bytes are not a message, or a value cannot become one. */
export type ProtocolErrorCode =
  /** The input ends before the message does. */
  | 'TRUNCATED'
  /** A length, count or varint that no valid message has. */
  | 'INVALID_LENGTH'
  /** Well-formed so far, but the decoded form would pass the memory limit, or the encoded one the size limit. */
  | 'TOO_LARGE'
  /** Null where the version in use allows none. */
  | 'UNEXPECTED_NULL'
  /** Bytes are left after the message. */
  | 'TRAILING_BYTES'
  /** A value outside the range of its field's type. */
  | 'OUT_OF_RANGE'
  /** A field was set that the version in use does not have and that must not be dropped in silence. */
  | 'UNSUPPORTED_FIELD'
  /** No codec for this API or version. */
  | 'UNSUPPORTED_VERSION'
  /** An answer to another request than the one that was asked. */
  | 'WRONG_CORRELATION';

/** Bytes from outside that are not a valid message, or a message that cannot be written in the version asked for. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code: ProtocolErrorCode;

  constructor(code: ProtocolErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** For generated writers: `field` (`Message.field`) is set, `version` lacks it, and Kafka does not mark it ignorable. */
export function refuseField(field: string, version: number): never {
  throw new ProtocolError('UNSUPPORTED_FIELD', `${field} is set, but version ${version} has no such field`);
}

/** For generated writers: a field that is nullable in some versions only. */
export function presentIn<T>(value: T | null, field: string, version: number): T {
  if (value === null) throw new ProtocolError('UNEXPECTED_NULL', `${field} must not be null in version ${version}`);
  return value;
}
