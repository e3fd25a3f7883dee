/** Turns keys and values into bytes and back. The types of a producer and a consumer come from here. */
import { ClientError } from '../core/clientError.ts';

export interface Serializer<T> {
  /** null bytes are a tombstone (or no key). May throw: the record is refused with SERIALIZATION_FAILED. */
  serialize(value: T, topic: string): Uint8Array | null;
  /** Where something must be fetched first (a schema): a promise to wait for before `serialize`, else null. */
  prepareToSerialize?(value: T, topic: string): Promise<void> | null;
}

export interface Deserializer<T> {
  /** `bytes` may be kept: they are a view of the fetched buffer, which then stays in memory. May throw. */
  deserialize(bytes: Buffer | null, topic: string): T;
  prepareToDeserialize?(bytes: Buffer | null, topic: string): Promise<void> | null;
}

export interface Serde<T> extends Serializer<T>, Deserializer<T> {}

const INT32_BYTES = 4;
const INT64_BYTES = 8;

function sized(bytes: Buffer | null, length: number, what: string): Buffer {
  if (bytes?.length !== length) throw new ClientError('SERIALIZATION_FAILED', `${bytes === null ? 'null' : `${bytes.length} bytes`} are no ${what}, which takes ${length}`);
  return bytes;
}

/** Bytes as they are. */
export const bytes: Serde<Uint8Array | null> & Deserializer<Buffer | null> = { serialize: (value) => value, deserialize: (value) => value };

/** UTF-8. */
export const string: Serde<string> = {
  serialize: (value) => Buffer.from(value, 'utf8'),
  deserialize: (value) => value?.toString('utf8') ?? '',
};

export function nullable<T>(serde: Serde<T>): Serde<T | null> {
  return {
    serialize: (value, topic) => (value === null ? null : serde.serialize(value, topic)),
    deserialize: (value, topic) => (value === null ? null : serde.deserialize(value, topic)),
    prepareToSerialize: (value, topic) => (value === null ? null : serde.prepareToSerialize?.(value, topic) ?? null),
    prepareToDeserialize: (value, topic) => (value === null ? null : serde.prepareToDeserialize?.(value, topic) ?? null),
  };
}

/** JSON text. undefined and null are a tombstone. `check` may throw, and narrows what was parsed. */
export function json<T = unknown>(check?: (parsed: unknown) => T): Serde<T> {
  return {
    serialize(value) {
      const text = value === undefined || value === null ? undefined : JSON.stringify(value);
      return text === undefined ? null : Buffer.from(text, 'utf8');
    },
    deserialize(value) {
      const parsed: unknown = value === null ? null : JSON.parse(value.toString('utf8'));
      return check === undefined ? (parsed as T) : check(parsed);
    },
  };
}

/** 32 bits, big-endian, as Java's IntegerSerializer. */
export const int32: Serde<number> = {
  serialize(value) {
    const buffer = Buffer.allocUnsafe(INT32_BYTES);
    buffer.writeInt32BE(value);
    return buffer;
  },
  deserialize: (value) => sized(value, INT32_BYTES, 'int32').readInt32BE(),
};

/** 64 bits, big-endian, as Java's LongSerializer. */
export const int64: Serde<bigint> = {
  serialize(value) {
    const buffer = Buffer.allocUnsafe(INT64_BYTES);
    buffer.writeBigInt64BE(value);
    return buffer;
  },
  deserialize: (value) => sized(value, INT64_BYTES, 'int64').readBigInt64BE(),
};

/** 64 bits, big-endian, as Java's DoubleSerializer. */
export const float64: Serde<number> = {
  serialize(value) {
    const buffer = Buffer.allocUnsafe(INT64_BYTES);
    buffer.writeDoubleBE(value);
    return buffer;
  },
  deserialize: (value) => sized(value, INT64_BYTES, 'double').readDoubleBE(),
};

/** Nothing: no key. */
export const none: Serde<null | undefined> = { serialize: () => null, deserialize: () => null };
