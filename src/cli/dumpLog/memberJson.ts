/** The formats of Java's consumers inside of a classic group's record: ConsumerProtocolSubscription and ConsumerProtocolAssignment, as JSON. */
import { Reader } from '../../protocol/reader.ts';

const OWNED_SINCE = 1;
const GENERATION_SINCE = 2;
const RACK_SINCE = 3;

/** What `read` makes of the bytes; of bytes that are not of that format, the base64 itself. */
export function readOr(base64: unknown, read: (reader: Reader, version: number) => unknown): unknown {
  if (typeof base64 !== 'string' || base64 === '') return base64;
  try {
    const reader = new Reader(Buffer.from(base64, 'base64'));
    return read(reader, Math.min(reader.int16(), RACK_SINCE));
  } catch {
    return base64;
  }
}

export function readSubscription(reader: Reader, version: number): unknown {
  const topics = list(reader, () => reader.string(false));
  const userData = bytes(reader);
  const owned = version < OWNED_SINCE ? {} : { ownedPartitions: partitions(reader) };
  const generation = version < GENERATION_SINCE ? {} : { generationId: reader.int32() };
  return { topics, userData, ...owned, ...generation, ...(version < RACK_SINCE ? {} : { rackId: reader.nullableString(false) }) };
}

export const readAssignment = (reader: Reader): unknown => ({ assignedPartitions: partitions(reader), userData: bytes(reader) });

const partitions = (reader: Reader): unknown[] => list(reader, () => ({ topic: reader.string(false), partitions: list(reader, () => reader.int32()) }));
const bytes = (reader: Reader): string | null => reader.nullableBytes(false)?.toString('base64') ?? null;

/** A count beyond the bytes that are there ends in the reader's own error. */
const list = <T>(reader: Reader, read: () => T): T[] => Array.from({ length: Math.max(Math.min(reader.int32(), reader.end), 0) }, read);
