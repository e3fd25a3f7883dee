import { ProtocolError } from './protocolError.ts';
import type { Int64 } from './types.ts';

/** Whether a value of the wire is an offset that we can compute with: a whole number in 0..2^53-1. */
export function isSafeOffset(value: Int64 | bigint): boolean {
  return typeof value === 'number' && value >= 0 && Number.isSafeInteger(value);
}

/** Whether a value of the wire can be computed with at all: special offsets and timestamps may be negative. */
export function isSafeInt64(value: Int64 | bigint): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value);
}

/** The door for offsets that come from outside. `what` names the field in the error. */
export function offsetOrThrow(value: Int64 | bigint, what: string): number {
  if (!isSafeOffset(value)) throw new ProtocolError('OUT_OF_RANGE', `${what} is no offset in 0..2^53-1: ${String(value)}`);
  return value as number;
}

/** The door for other 64-bit values: an offset that may be a special negative one, a timestamp, a producer id. */
export function int64OrThrow(value: Int64 | bigint, what: string): number {
  if (!isSafeInt64(value)) throw new ProtocolError('OUT_OF_RANGE', `${what} is outside of -2^53+1..2^53-1: ${String(value)}`);
  return value as number;
}
