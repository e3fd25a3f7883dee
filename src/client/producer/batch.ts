import { Attribute, attributesOf, codecIn, HEADER_BYTES, Field, writeInt64, type Codec } from '../../record/batchHeader.ts';
import { BatchBuilder, renewCrc } from '../../record/build.ts';
import { recordsOf } from '../../record/codecs.ts';
import type { RecordHeader } from '../../record/iterate.ts';
import { RecordCursor } from '../../record/iterate.ts';
import { varintBytes } from '../../record/varint.ts';
import { cutRanges, type SinkRange } from './delivery.ts';

/** Who sends: what the broker tells repeated batches by. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

/** Compresses a whole batch, which is not compressed and stays as it is. */
export type BatchEncoder = (batch: Buffer) => Promise<Buffer>;

/** How batches are compressed when they are closed, by `codec`, or each time that they are sent, by `encode`. */
export interface Compression {
  readonly codec: Codec;
  /** As `compress` in record/codecs.ts takes it. */
  readonly level: number;
  /** An application's own; null: none. */
  readonly encode: BatchEncoder | null;
}

/** A closed batch on its way. */
export interface OutgoingBatch {
  /** Whole and ready to be sent but for identity and sequence; its own memory. */
  readonly bytes: Buffer;
  readonly records: number;
  readonly encode: BatchEncoder | null;
  /** Who wants to hear of which records. */
  readonly sinks: readonly SinkRange[];
  /** Given up at this time of the monotonic clock. */
  readonly deadlineMs: number;
  /** First sequence number, -1 until it is sent for the first time under the current identity. */
  baseSequence: number;
  /** Times that it was sent and failed. */
  failures: number;
  /** It was sent and may have arrived. */
  wasSent: boolean;
  /** How the last try went wrong, until that is dealt with. */
  error: Error | null;
  isDone: boolean;
}

export const SEQUENCES = 2 ** 31;

export function makeBatch(bytes: Buffer, records: number, deadlineMs: number, encode: BatchEncoder | null, sinks: readonly SinkRange[]): OutgoingBatch {
  return { bytes, records, encode, sinks, deadlineMs, baseSequence: -1, failures: 0, wasSent: false, error: null, isDone: false };
}

/** Writes identity and sequence into the header, and whether the batch is part of a transaction. */
export function stampBatch(batch: OutgoingBatch, identity: ProducerIdentity, baseSequence: number, isTransactional = false): void {
  batch.baseSequence = baseSequence;
  if (isTransactional) batch.bytes.writeInt16BE(batch.bytes.readInt16BE(Field.attributes) | Attribute.transactional, Field.attributes);
  writeInt64(batch.bytes, identity.producerId, Field.producerId);
  batch.bytes.writeInt16BE(identity.producerEpoch, Field.producerEpoch);
  batch.bytes.writeInt32BE(baseSequence, Field.baseSequence);
  renewCrc(batch.bytes);
}

/** Two batches of half the records each, for a broker that found the one too large. */
export function splitBatch(batch: OutgoingBatch, level: number): [OutgoingBatch, OutgoingBatch] {
  const codec = codecIn(attributesOf(batch.bytes, 0)) as Codec;
  const cursor = new RecordCursor();
  cursor.open(batch.bytes, 0, recordsOf(batch.bytes, 0, Number.MAX_SAFE_INTEGER));
  const half = Math.ceil(batch.records / 2);
  const take = (from: number, count: number): OutgoingBatch => {
    const builder = new BatchBuilder(batch.bytes.length);
    for (let left = count; left > 0 && cursor.next(); left--) builder.append(cursor.key(), cursor.value(), cursor.headers(), cursor.timestampMs);
    return makeBatch(builder.close({ codec, level }), count, batch.deadlineMs, batch.encode, cutRanges(batch.sinks, from, from + count));
  };
  return [take(0, half), take(half, batch.records - half)];
}

/** Attributes, timestamp, offset delta and length of a record at their longest, as Kafka's client reckons them. */
const RECORD_OVERHEAD_BYTES = 21;

/** What a record takes at most as the only one of its batch: what Kafka's client holds against max.request.size. */
export function serializedSizeMax(key: Uint8Array | null, value: Uint8Array | null, headers: readonly RecordHeader[] | undefined): number {
  let bytes = HEADER_BYTES + RECORD_OVERHEAD_BYTES + fieldBytes(key) + fieldBytes(value) + varintBytes(headers?.length ?? 0);
  for (const header of headers ?? []) {
    const keyBytes = Buffer.byteLength(header.key);
    bytes += varintBytes(keyBytes) + keyBytes + fieldBytes(header.value);
  }
  return bytes;
}

const fieldBytes = (field: Uint8Array | null): number => (field === null ? varintBytes(-1) : varintBytes(field.length) + field.length);
