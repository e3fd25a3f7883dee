import { AppendStatus } from '../../src/base/disk.ts';
import type { Compute, RecordPlan, RecordResult, RecordStatus } from '../../src/binding/compute.ts';

const CRC32C_POLYNOMIAL = 0x82f63b78;
const table = makeTable();

function makeTable(): Uint32Array {
  const made = new Uint32Array(256 * 8);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ CRC32C_POLYNOMIAL : crc >>> 1;
    made[byte] = crc >>> 0;
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = made[byte]!;
    for (let slice = 1; slice < 8; slice++) {
      crc = (crc >>> 8) ^ made[crc & 255]!;
      made[slice * 256 + byte] = crc >>> 0;
    }
  }
  return made;
}

function crc32c(bytes: Uint8Array, previous = 0): number {
  let crc = ~previous;
  let at = 0;
  const last = bytes.length - 8;
  for (; at <= last; at += 8) {
    const low = crc ^ (bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24));
    crc =
      table[1792 + (low & 255)]! ^
      table[1536 + ((low >>> 8) & 255)]! ^
      table[1280 + ((low >>> 16) & 255)]! ^
      table[1024 + (low >>> 24)]! ^
      table[768 + bytes[at + 4]!]! ^
      table[512 + bytes[at + 5]!]! ^
      table[256 + bytes[at + 6]!]! ^
      table[bytes[at + 7]!]!;
  }
  for (; at < bytes.length; at++) crc = (crc >>> 8) ^ table[(crc ^ bytes[at]!) & 255]!;
  return ~crc >>> 0;
}

/** Reads zig-zag varints of one records section; `ok` turns false for good at the first wrong one. */
class VarintReader {
  at = 0;
  ok = true;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  /** 32 bits, at most 5 bytes. */
  int(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.#next();
      value |= (byte & 127) << shift;
      if (byte < 128) return (value >>> 1) ^ -(value & 1);
    }
    this.ok = false;
    return 0;
  }

  /** 64 bits, at most 10 bytes. */
  long(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#next();
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) {
        const bits = BigInt.asUintN(64, value);
        return BigInt.asIntN(64, (bits >> 1n) ^ -(bits & 1n));
      }
    }
    this.ok = false;
    return 0n;
  }

  /** Skips `count` bytes that must end at or before `end`. */
  skip(count: number, end: number): void {
    if (count < 0 || count > end - this.at) this.ok = false;
    else this.at += count;
  }

  #next(): number {
    if (this.at < this.#bytes.length) return this.#bytes[this.at++]!;
    this.ok = false;
    return 0;
  }
}

function skipHeaders(reader: VarintReader, end: number): void {
  const headers = reader.int();
  if (headers < 0 || headers > end - reader.at) {
    reader.ok = false;
    return;
  }
  for (let index = 0; index < headers && reader.ok; index++) {
    reader.skip(reader.int(), end);
    const valueLength = reader.int();
    if (valueLength !== -1) reader.skip(valueLength, end);
  }
}

function checkRecord(reader: VarintReader, index: number, plan: RecordPlan, result: RecordResult, total: number): RecordStatus {
  const length = reader.int();
  const end = reader.at + length;
  if (!reader.ok || length < 0 || end > total) return AppendStatus.invalidRecord;
  reader.skip(1, end);
  const timestampMs = Number(BigInt(plan.timestampBase) + reader.long());
  const offsetDelta = reader.int();
  const keyLength = reader.int();
  if (keyLength !== -1) reader.skip(keyLength, end);
  const valueLength = reader.int();
  if (valueLength !== -1) reader.skip(valueLength, end);
  skipHeaders(reader, end);
  if (!reader.ok || reader.at !== end || offsetDelta !== index) return AppendStatus.invalidRecord;
  if (plan.requireKeys && keyLength < 0) return AppendStatus.missingKey;
  if (!Number.isSafeInteger(timestampMs)) return AppendStatus.invalidTimestamp;
  if (timestampMs !== -1 && (timestampMs < plan.timestampMin || timestampMs > plan.timestampMax)) return AppendStatus.invalidTimestamp;
  if (timestampMs > result.maxTimestampMs) {
    result.maxTimestampMs = timestampMs;
    result.offsetDeltaOfMaxTimestamp = index;
  }
  return AppendStatus.ok;
}

function checkRecords(bytes: Uint8Array, count: number, plan: RecordPlan, result: RecordResult): RecordStatus {
  result.maxTimestampMs = -1;
  result.offsetDeltaOfMaxTimestamp = -1;
  result.badRecordIndex = -1;
  const reader = new VarintReader(bytes);
  for (let index = 0; index < count; index++) {
    const status = checkRecord(reader, index, plan, result, bytes.length);
    if (status !== AppendStatus.ok) {
      result.badRecordIndex = index;
      return status;
    }
  }
  if (reader.at === bytes.length) return AppendStatus.ok;
  result.badRecordIndex = count;
  return AppendStatus.invalidRecord;
}

/** TypeScript version: the oracle that the compiled cores are compared with. */
export const plainCompute: Compute = { name: 'plain', crc32c, checkRecords };
