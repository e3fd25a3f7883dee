/** The lines of batches and records. */
import { compute } from '../../binding/load.ts';
import {
  attributesOf, baseOffsetOf, baseSequenceOf, baseTimestampOf, codecIn, crcOf, hasDeleteHorizon, HEADER_BYTES, isControl, isLogAppendTime, isTransactional, lastOffsetOf, lastSequenceOf, leaderEpochOf, magicOf,
  maxTimestampOf, producerEpochOf, producerIdOf, recordCountOf, sizeOf,
} from '../../record/batchHeader.ts';
import { CODEC_NAMES, recordsOf } from '../../record/codecs.ts';
import { controlTypeOf, coordinatorEpochOf } from '../../record/control.ts';
import { RecordCursor } from '../../record/iterate.ts';
import { decodeLegacy, isLegacy } from '../../record/legacy.ts';
import type { FoundBatch } from './batches.ts';

/** From the attributes to the end: what the checksum covers. */
const CRC_BEGIN = 21;
const LEGACY_CRC_AT = 12;
const LEGACY_ATTRIBUTES_AT = 17;
const INFLATED_MAX_BYTES = 2 ** 30;
const CONTROL_NAMES = ['ABORT', 'COMMIT', 'LEADER_CHANGE', 'SNAPSHOT_HEADER', 'SNAPSHOT_FOOTER', 'KRAFT_VERSION', 'KRAFT_VOTERS'];

/** Turns a key and a value into what is printed after the record; null: nothing. */
export type Parser = (key: Buffer | null, value: Buffer | null, offset: number) => { readonly key: string | null; readonly value: string | null };

export interface RecordOptions {
  /** null: no contents. */
  readonly parser: Parser | null;
  readonly skipsMetadata: boolean;
}

export const timestampName = (attributes: number): string => (isLogAppendTime(attributes) ? 'LogAppendTime' : 'CreateTime');

export function batchLine({ bytes, position }: FoundBatch): string {
  const magic = magicOf(bytes, 0);
  const attributes = isLegacy(bytes, 0) ? (bytes[LEGACY_ATTRIBUTES_AT] ?? 0) : attributesOf(bytes, 0);
  const codec = CODEC_NAMES[codecIn(attributes)] ?? `unknown(${codecIn(attributes)})`;
  if (isLegacy(bytes, 0)) {
    const records = legacyRecords(bytes);
    const last = records.at(-1);
    return `offset: ${last?.offset ?? baseOffsetOf(bytes, 0)} position: ${position} ${timestampName(attributes)}: ${last?.timestampMs ?? -1} size: ${bytes.length} magic: ${magic} compresscodec: ${codec} crc: ${bytes.readUInt32BE(LEGACY_CRC_AT)} isvalid: ${records.length > 0}`;
  }
  const horizon = hasDeleteHorizon(attributes) ? `OptionalLong[${baseTimestampOf(bytes, 0)}]` : 'OptionalLong.empty';
  const isValid = bytes.length >= HEADER_BYTES && compute.crc32c(bytes.subarray(CRC_BEGIN)) === crcOf(bytes, 0);
  return `baseOffset: ${baseOffsetOf(bytes, 0)} lastOffset: ${lastOffsetOf(bytes, 0)} count: ${recordCountOf(bytes, 0)} baseSequence: ${baseSequenceOf(bytes, 0)} lastSequence: ${lastSequenceOf(bytes, 0)}`
    + ` producerId: ${producerIdOf(bytes, 0)} producerEpoch: ${producerEpochOf(bytes, 0)} partitionLeaderEpoch: ${leaderEpochOf(bytes, 0)} isTransactional: ${isTransactional(attributes)} isControl: ${isControl(attributes)}`
    + ` deleteHorizonMs: ${horizon} position: ${position} ${timestampName(attributes)}: ${maxTimestampOf(bytes, 0)} size: ${sizeOf(bytes, 0)} magic: ${magic} compresscodec: ${codec} crc: ${crcOf(bytes, 0)} isvalid: ${isValid}`;
}

function legacyRecords(bytes: Buffer): ReturnType<typeof decodeLegacy> {
  try {
    return decodeLegacy(bytes, 0, INFLATED_MAX_BYTES);
  } catch {
    return [];
  }
}

/** The largest timestamp among the records of a batch. */
export function maxRecordTimestamp(bytes: Buffer): number {
  if (isLegacy(bytes, 0)) return Math.max(-1, ...legacyRecords(bytes).map(({ timestampMs }) => timestampMs));
  let max = -1;
  const cursor = openCursor(bytes);
  while (cursor.next()) max = Math.max(max, cursor.timestampMs);
  return max;
}

function openCursor(bytes: Buffer): RecordCursor {
  const cursor = new RecordCursor();
  const isPlain = codecIn(attributesOf(bytes, 0)) === 0;
  cursor.open(bytes, 0, isPlain ? null : recordsOf(bytes, 0, INFLATED_MAX_BYTES));
  return cursor;
}

/** A line for each record. `onOffset` hears every offset. */
export function* recordLines({ bytes }: FoundBatch, options: RecordOptions, onOffset: (offset: number) => void): Generator<string> {
  if (isLegacy(bytes, 0)) {
    const name = timestampName(bytes[LEGACY_ATTRIBUTES_AT] ?? 0);
    for (const { offset, timestampMs, key, value } of legacyRecords(bytes)) {
      onOffset(offset);
      const metadata = `offset: ${offset} ${name}: ${timestampMs} keySize: ${key?.length ?? -1} valueSize: ${value?.length ?? -1} isValid: true crc: ${bytes.readUInt32BE(LEGACY_CRC_AT)}`;
      yield* contentsLine(metadata, options, (parser) => parser(asBuffer(key), asBuffer(value), offset));
    }
    return;
  }
  const attributes = attributesOf(bytes, 0);
  const sequence = baseSequenceOf(bytes, 0);
  const cursor = openCursor(bytes);
  while (cursor.next()) {
    onOffset(cursor.offset);
    const key = cursor.key();
    const value = cursor.value();
    const headers = cursor.headerCount === 0 ? [] : cursor.headers().map((header) => header.key);
    const sequenceText = sequence < 0 ? -1 : (sequence + cursor.index) % 2 ** 31;
    const metadata = `offset: ${cursor.offset} ${timestampName(attributes)}: ${cursor.timestampMs} keySize: ${cursor.keyLength} valueSize: ${cursor.valueLength} sequence: ${sequenceText} headerKeys: [${headers.join(',')}]`
      + (isControl(attributes) ? controlText(key, value) : '');
    yield* contentsLine(metadata, options, isControl(attributes) ? null : (parser) => parser(key, value, cursor.offset));
  }
}

const asBuffer = (bytes: Uint8Array | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));

function controlText(key: Buffer | null, value: Buffer | null): string {
  const type = controlTypeOf(key);
  const name = CONTROL_NAMES[type] ?? 'UNKNOWN';
  return type <= 1 && type >= 0 ? ` endTxnMarker: ${name} coordinatorEpoch: ${coordinatorEpochOf(value)}` : ` controlType: ${name}(${type})`;
}

/** The line of a record; of one whose contents cannot be read, what is known of it. */
function* contentsLine(metadata: string, { parser, skipsMetadata }: RecordOptions, read: ((parser: Parser) => ReturnType<Parser>) | null): Generator<string> {
  const head = skipsMetadata ? '' : metadata;
  try {
    yield lineOf(head, parser === null || read === null ? null : read(parser));
  } catch (error) {
    if (head !== '') yield lineOf(head, null);
    throw error;
  }
}

function lineOf(metadata: string, contents: ReturnType<Parser> | null): string {
  const key = contents?.key ?? null;
  const value = contents?.value ?? null;
  return metadata === '' && key === null && value === null ? '' : ['|', metadata, key === null ? '' : `key: ${key}`, value === null ? '' : `payload: ${value}`].filter((part) => part !== '').join(' ');
}
