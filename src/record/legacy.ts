/**
 * Message sets of magic 0 and 1, as old segments may still hold them: read only.
 *
 * One entry: offset int64, size int32, then CRC32 (IEEE) over what follows it, magic, attributes, timestamp int64 (magic 1), key and value
 * with int32 lengths. A compressed entry is a wrapper whose value holds entries of its own: in magic 0 with absolute offsets, in magic 1 with
 * offsets that count from 0 while the wrapper carries the last one.
 */
import { Codec, LOG_OVERHEAD_BYTES, magicOf, nextBatch, readInt64, tailOf } from './batchHeader.ts';
import { inflate } from './codecs.ts';
import { loadZlib } from './codecs/library.ts';
import { inflateLegacyLz4 } from './codecs/lz4.ts';
import type { DecodedRecord } from './iterate.ts';
import { RecordError } from './recordError.ts';

const CRC_AT = LOG_OVERHEAD_BYTES;
const MAGIC_AT = 16;
const ATTRIBUTES_AT = 17;
const TIMESTAMP_AT = 18;
const LENGTH_BYTES = 4;
const CODEC_MASK = 0x07;
const LOG_APPEND_TIME = 0x08;
const NO_HEADERS: DecodedRecord['headers'] = [];

/** One entry, whose key and value are views. */
interface LegacyMessage {
  readonly offset: number;
  readonly magic: number;
  readonly codec: number;
  readonly hasAppendTime: boolean;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
}

/** True when the entry at `position` is one of these, and not a batch of magic 2. */
export const isLegacy = (bytes: Buffer, position: number): boolean => magicOf(bytes, position) < 2;

/**
 * The records of the one entry (plain or wrapper) at `position`, which nextBatch has found whole. What its value inflates to is held under
 * `inflatedSizeMaxBytes`. Throws RecordError.
 */
export function decodeLegacy(bytes: Buffer, position: number, inflatedSizeMaxBytes: number): DecodedRecord[] {
  const message = readMessage(bytes, position);
  return message.codec === Codec.none ? [recordFrom(message, message.offset, message.timestampMs)] : unwrap(message, inflatedSizeMaxBytes);
}

function readMessage(bytes: Buffer, position: number): LegacyMessage {
  const end = nextBatch(bytes, position);
  if (end === -1) throw new RecordError('TRUNCATED', 'the message is not whole');
  const magic = bytes[position + MAGIC_AT]!;
  if (magic > 1) throw new RecordError('UNSUPPORTED_MAGIC', `magic ${magic} is neither 0 nor 1`);
  if (loadZlib().crc32(bytes.subarray(position + MAGIC_AT, end)) !== bytes.readUInt32BE(position + CRC_AT)) throw new RecordError('CORRUPT_CHECKSUM', 'the checksum differs');
  const offset = readInt64(bytes, position);
  if (offset < 0 || offset > Number.MAX_SAFE_INTEGER) throw new RecordError('CORRUPT_HEADER', `offset ${offset} is out of range`);
  const attributes = bytes[position + ATTRIBUTES_AT]!;
  const keyAt = position + TIMESTAMP_AT + (magic === 1 ? 8 : 0);
  const key = readField(bytes, keyAt, end);
  const valueAt = keyAt + LENGTH_BYTES + (key?.length ?? 0);
  const value = readField(bytes, valueAt, end);
  if (valueAt + LENGTH_BYTES + (value?.length ?? 0) !== end) throw new RecordError('CORRUPT_RECORD', 'bytes are left after the value');
  const hasAppendTime = magic === 1 && (attributes & LOG_APPEND_TIME) !== 0;
  const timestampMs = magic === 1 ? readInt64(bytes, position + TIMESTAMP_AT) : -1;
  return { offset, magic, codec: attributes & CODEC_MASK, hasAppendTime, timestampMs, key, value };
}

function readField(bytes: Buffer, at: number, end: number): Buffer | null {
  if (end - at < LENGTH_BYTES) throw new RecordError('CORRUPT_RECORD', 'the message ends inside a length');
  const length = bytes.readInt32BE(at);
  if (length === -1) return null;
  if (length < 0 || length > end - at - LENGTH_BYTES) throw new RecordError('CORRUPT_RECORD', `length ${length} does not fit`);
  return bytes.subarray(at + LENGTH_BYTES, at + LENGTH_BYTES + length);
}

function recordFrom(message: LegacyMessage, offset: number, timestampMs: number): DecodedRecord {
  return { offset, timestampMs, key: message.key, value: message.value, headers: NO_HEADERS };
}

function unwrap(wrapper: LegacyMessage, inflatedSizeMaxBytes: number): DecodedRecord[] {
  if (wrapper.value === null) throw new RecordError('CORRUPT_RECORD', 'a compressed message has no value');
  const inner = innerMessages(inflateValue(wrapper, wrapper.value, inflatedSizeMaxBytes), wrapper.magic);
  const last = inner.at(-1);
  if (last === undefined) throw new RecordError('CORRUPT_RECORD', 'a compressed message holds no message');
  // Magic 1 counts from 0, and the wrapper has the last one's offset; some old writers left absolute offsets, where the two are equal.
  const base = wrapper.magic === 1 ? wrapper.offset - last.offset : 0;
  if (base < 0) throw new RecordError('CORRUPT_HEADER', 'the offsets inside a compressed message pass its own');
  return inner.map((message) => recordFrom(message, base + message.offset, wrapper.hasAppendTime ? wrapper.timestampMs : message.timestampMs));
}

function inflateValue(wrapper: LegacyMessage, value: Buffer, inflatedSizeMaxBytes: number): Buffer {
  if (wrapper.codec === Codec.lz4 && wrapper.magic === 0) return inflateLegacyLz4(value, inflatedSizeMaxBytes);
  if (wrapper.codec === Codec.zstd) throw new RecordError('UNSUPPORTED_COMPRESSION', 'zstd is not defined for magic 0 and 1');
  return inflate(wrapper.codec, value, inflatedSizeMaxBytes);
}

function innerMessages(bytes: Buffer, magic: number): LegacyMessage[] {
  const messages: LegacyMessage[] = [];
  let at = 0;
  for (let next = nextBatch(bytes, 0); next !== -1; next = nextBatch(bytes, at)) {
    const message = readMessage(bytes, at);
    if (message.magic !== magic) throw new RecordError('CORRUPT_RECORD', `magic ${message.magic} inside a message of magic ${magic}`);
    if (message.codec !== Codec.none) throw new RecordError('CORRUPT_RECORD', 'a compressed message inside another');
    const before = messages.at(-1);
    if (before !== undefined && message.offset <= before.offset) throw new RecordError('CORRUPT_RECORD', 'offsets inside a compressed message do not ascend');
    messages.push(message);
    at = next;
  }
  if (tailOf(bytes, at) !== 'end') throw new RecordError('TRUNCATED', 'a compressed message ends inside one of its own');
  return messages;
}
