/**
 * `<offset>.snapshot`: the producers of a partition when its log ended at that offset, in Kafka's format, big-endian.
 * int16 version 1 · uint32 CRC32C of what follows it · int32 count · per producer 46 bytes: int64 producer id, int16 epoch, int32 last sequence,
 * int64 last offset, int32 offset delta, int64 timestamp, int32 coordinator epoch, int64 first offset of the open transaction.
 */
import { readInt64, writeInt64 } from '../record/batchHeader.ts';
import { compute } from '../binding/load.ts';
import { NO_OFFSET, ProducerEntry } from './producerEntry.ts';

const VERSION = 1;
const CRC_START = 2;
const COUNT_START = 6;
const ENTRIES_START = 10;
const ENTRY_BYTES = 46;
/** 23 million producers. */
export const SNAPSHOT_SIZE_MAX_BYTES = 2 ** 30;

export function encodeProducerSnapshot(producers: Iterable<ProducerEntry>, count: number): Buffer {
  const bytes = Buffer.alloc(ENTRIES_START + count * ENTRY_BYTES);
  bytes.writeInt16BE(VERSION, 0);
  bytes.writeInt32BE(count, COUNT_START);
  let at = ENTRIES_START;
  for (const entry of producers) {
    writeInt64(bytes, entry.producerId, at);
    bytes.writeInt16BE(entry.epoch, at + 8);
    bytes.writeInt32BE(entry.lastSequence, at + 10);
    writeInt64(bytes, entry.lastOffset, at + 14);
    bytes.writeInt32BE(entry.lastOffsetDelta, at + 22);
    writeInt64(bytes, entry.lastTimestampMs, at + 26);
    bytes.writeInt32BE(entry.coordinatorEpoch, at + 34);
    writeInt64(bytes, entry.transactionFirstOffset, at + 38);
    at += ENTRY_BYTES;
  }
  bytes.writeUInt32BE(compute.crc32c(bytes.subarray(COUNT_START)), CRC_START);
  return bytes;
}

/** Null when the bytes are torn, corrupt or of another version: the caller falls back to an older snapshot. */
export function decodeProducerSnapshot(bytes: Buffer): ProducerEntry[] | null {
  if (bytes.length < ENTRIES_START || bytes.readInt16BE(0) !== VERSION) return null;
  if (bytes.readUInt32BE(CRC_START) !== compute.crc32c(bytes.subarray(COUNT_START))) return null;
  const count = bytes.readInt32BE(COUNT_START);
  if (count < 0 || bytes.length !== ENTRIES_START + count * ENTRY_BYTES) return null;
  const entries: ProducerEntry[] = [];
  for (let index = 0; index < count; index += 1) entries.push(decodeEntry(bytes, ENTRIES_START + index * ENTRY_BYTES));
  return entries;
}

function decodeEntry(bytes: Buffer, at: number): ProducerEntry {
  const entry = new ProducerEntry(readInt64(bytes, at));
  const epoch = bytes.readInt16BE(at + 8);
  const lastOffset = readInt64(bytes, at + 14);
  const timestampMs = readInt64(bytes, at + 26);
  if (lastOffset === NO_OFFSET) entry.moveToEpoch(epoch);
  else entry.addBatch(epoch, bytes.readInt32BE(at + 10), lastOffset, bytes.readInt32BE(at + 22), timestampMs);
  entry.lastTimestampMs = timestampMs;
  entry.coordinatorEpoch = bytes.readInt32BE(at + 34);
  entry.transactionFirstOffset = readInt64(bytes, at + 38);
  return entry;
}
