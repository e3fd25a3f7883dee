/** Checks of one client batch's header that need no state, as Kafka's LogValidator makes them. */
import {
  HEADER_BYTES, LENGTH_MIN, LOG_OVERHEAD_BYTES, MAGIC, attributesOf, baseOffsetOf, baseSequenceOf, codecIn, crcOf, Field, isControl, isLogAppendTime, isTransactional, lastOffsetDeltaOf,
  magicOf, producerEpochOf, producerIdOf, readInt64, recordCountOf, sizeOf, Codec,
} from '../record/batchHeader.ts';
import { compute } from '../binding/load.ts';
import { LogError } from './types.ts';

const LEGACY_SIZE_MIN = 26;

/** Null when `bytes` is exactly one batch whose header a client may send (or a coordinator: control batches, and batches of a producer without a sequence). The CRC and the records are not looked at. */
export function clientBatchDefect(bytes: Buffer, isCoordinator: boolean): LogError | null {
  if (bytes.length < LEGACY_SIZE_MIN) return new LogError('corrupt', `${bytes.length} bytes are no record batch`);
  if (magicOf(bytes, 0) !== MAGIC) return new LogError('unsupportedMagic', `magic ${magicOf(bytes, 0)} is not supported: only 2 is`);
  if (bytes.length < HEADER_BYTES) return new LogError('corrupt', `${bytes.length} bytes are no record batch`);
  const sizeBytes = sizeOf(bytes, 0);
  if (sizeBytes < LENGTH_MIN + LOG_OVERHEAD_BYTES || sizeBytes > bytes.length) return new LogError('corrupt', `batch size ${sizeBytes} does not fit the ${bytes.length} bytes given`);
  if (sizeBytes < bytes.length) return severalBatches(bytes, sizeBytes);
  return headerDefect(bytes, isCoordinator);
}

function severalBatches(bytes: Buffer, sizeBytes: number): LogError {
  const rest = bytes.length - sizeBytes;
  if (rest < HEADER_BYTES) return new LogError('corrupt', `${rest} bytes follow the batch`);
  return new LogError('invalidRecord', 'a produce request may hold one batch for a partition, not several');
}

function headerDefect(bytes: Buffer, isCoordinator: boolean): LogError | null {
  const attributes = attributesOf(bytes, 0);
  const count = recordCountOf(bytes, 0);
  if (readInt64(bytes, 0) !== 0) return new LogError('invalidRecord', `the base offset of the batch should be 0, but it is ${readInt64(bytes, 0)}`);
  if (lastOffsetDeltaOf(bytes, 0) < 0) return new LogError('invalidRecord', `last offset delta ${lastOffsetDeltaOf(bytes, 0)} is negative`);
  if (count <= 0) return new LogError('invalidRecord', `record count ${count} is not positive`);
  if (count !== lastOffsetDeltaOf(bytes, 0) + 1) return new LogError('invalidRecord', `record count ${count} does not match last offset delta ${lastOffsetDeltaOf(bytes, 0)}`);
  if (codecIn(attributes) > Codec.zstd) return new LogError('unsupportedCompression', `compression codec ${codecIn(attributes)} is unknown`);
  if (isControl(attributes) && !isCoordinator) return new LogError('invalidRecord', 'clients are not allowed to write control records');
  if (isLogAppendTime(attributes)) return new LogError('invalidTimestamp', 'a producer must not set the timestamp type to LogAppendTime');
  return producerDefect(bytes, attributes, isCoordinator);
}

function producerDefect(bytes: Buffer, attributes: number, isCoordinator: boolean): LogError | null {
  const producerId = producerIdOf(bytes, 0);
  if (producerId === -1) return isTransactional(attributes) ? new LogError('invalidRecord', 'a transactional batch needs a producer id') : null;
  if (producerId < -1 || !Number.isSafeInteger(producerId)) return new LogError('invalidRecord', `producer id ${producerId} is out of range`);
  if (producerEpochOf(bytes, 0) < 0) return new LogError('invalidRecord', `producer epoch ${producerEpochOf(bytes, 0)} is negative`);
  if (baseSequenceOf(bytes, 0) < 0 && !isCoordinator) {
    return new LogError('invalidRecord', `sequence ${baseSequenceOf(bytes, 0)} of producer ${producerId} is negative`);
  }
  return null;
}

/** True when the CRC of the batch that fills `bytes` is right. */
export function crcIsRight(bytes: Buffer): boolean {
  return compute.crc32c(bytes.subarray(Field.attributes)) === crcOf(bytes, 0);
}

/** What is wrong with batches that carry their own offsets, where they must not begin before `nextOffset`. */
export function replicaBatchDefect(bytes: Buffer, nextOffset: number): LogError | null {
  if (bytes.length < HEADER_BYTES) return new LogError('corrupt', `${bytes.length} bytes are no record batch`);
  if (magicOf(bytes, 0) !== MAGIC) return new LogError('unsupportedMagic', `magic ${magicOf(bytes, 0)} is not supported: only 2 is`);
  const first = readInt64(bytes, 0);
  if (!Number.isSafeInteger(first) || first < 0) return new LogError('corrupt', `base offset ${first} is out of range`);
  return baseOffsetOf(bytes, 0) < nextOffset ? new LogError('invalidRecord', `offset ${first} is below the log's end ${nextOffset}`) : null;
}
