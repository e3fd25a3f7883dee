/** Batches built by hand for the Disk suite: independent of src/record, so that a shared mistake shows. */
import { plainCompute } from '../../binding/plainCompute.ts';

export interface RecordSpec {
  timestampMs?: number;
  key?: string | null;
  value?: string | null;
  headers?: readonly (readonly [string, string | null])[];
  /** Overrides, to lie. */
  offsetDelta?: number;
  lengthDelta?: number;
}

export interface BatchSpec {
  baseOffset?: number;
  leaderEpoch?: number;
  attributes?: number;
  baseTimestampMs?: number;
  maxTimestampMs?: number;
  producerId?: number;
  producerEpoch?: number;
  baseSequence?: number;
  records?: readonly RecordSpec[];
  /** Bytes in place of records (compressed or garbage) and what the header says about them. */
  payload?: Uint8Array;
  count?: number;
  lastOffsetDelta?: number;
  magic?: number;
  /** Overrides the length field. */
  length?: number;
  /** XORed into the CRC, to break it. */
  crcFlip?: number;
}

export function varint(value: number | bigint): number[] {
  const big = BigInt(value);
  let bits = BigInt.asUintN(64, (big << 1n) ^ (big >> 63n));
  const bytes: number[] = [];
  while (bits >= 128n) {
    bytes.push(Number(bits & 127n) | 128);
    bits >>= 7n;
  }
  bytes.push(Number(bits));
  return bytes;
}

function lengthPrefixed(text: string | null): Uint8Array[] {
  if (text === null) return [Uint8Array.from(varint(-1))];
  const bytes = Buffer.from(text);
  return [Uint8Array.from(varint(bytes.length)), bytes];
}

export function recordBytes(spec: RecordSpec, index: number, baseTimestampMs: number): Buffer {
  const headers = spec.headers ?? [];
  const start = [0, ...varint(BigInt(spec.timestampMs ?? baseTimestampMs) - BigInt(baseTimestampMs)), ...varint(spec.offsetDelta ?? index)];
  const body = Buffer.concat([
    Uint8Array.from(start),
    ...lengthPrefixed(spec.key ?? null),
    ...lengthPrefixed(spec.value === undefined ? `value-${index}` : spec.value),
    Uint8Array.from(varint(headers.length)),
    ...headers.flatMap(([key, value]) => [...lengthPrefixed(key), ...lengthPrefixed(value)]),
  ]);
  return Buffer.concat([Uint8Array.from(varint(body.length + (spec.lengthDelta ?? 0))), body]);
}

/** One batch v2 as a producer would send it, or as `spec` twists it. */
export function batch(spec: BatchSpec = {}): Buffer {
  const records = spec.records ?? [{}];
  const baseTimestampMs = spec.baseTimestampMs ?? records[0]?.timestampMs ?? 1000;
  const payload = spec.payload ?? Buffer.concat(records.map((record, index) => recordBytes(record, index, baseTimestampMs)));
  const count = spec.count ?? records.length;
  const bytes = Buffer.alloc(61 + payload.length);
  bytes.writeBigInt64BE(BigInt(spec.baseOffset ?? 0), 0);
  bytes.writeInt32BE(spec.length ?? 49 + payload.length, 8);
  bytes.writeInt32BE(spec.leaderEpoch ?? -1, 12);
  bytes.writeInt8(spec.magic ?? 2, 16);
  bytes.writeInt16BE(spec.attributes ?? 0, 21);
  bytes.writeInt32BE(spec.lastOffsetDelta ?? count - 1, 23);
  bytes.writeBigInt64BE(BigInt(baseTimestampMs), 27);
  const largest = records.reduce((most, record) => Math.max(most, record.timestampMs ?? baseTimestampMs), -1);
  bytes.writeBigInt64BE(BigInt(spec.maxTimestampMs ?? largest), 35);
  bytes.writeBigInt64BE(BigInt(spec.producerId ?? -1), 43);
  bytes.writeInt16BE(spec.producerEpoch ?? -1, 51);
  bytes.writeInt32BE(spec.baseSequence ?? -1, 53);
  bytes.writeInt32BE(count, 57);
  bytes.set(payload, 61);
  bytes.writeUInt32BE((plainCompute.crc32c(bytes.subarray(21)) ^ (spec.crcFlip ?? 0)) >>> 0, 17);
  return bytes;
}

/** Whether the stored batch's CRC covers its bytes. */
export function hasRightCrc(bytes: Buffer, at = 0): boolean {
  const end = at + 12 + bytes.readInt32BE(at + 8);
  return bytes.readUInt32BE(at + 17) === plainCompute.crc32c(bytes.subarray(at + 21, end));
}
