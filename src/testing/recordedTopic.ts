/** What is in a topic, read from the broker's own logs, for a test to look at. */
import type { Broker } from '../broker/index.ts';
import { attributesOf, codecIn, isControl, nextBatch } from '../record/batchHeader.ts';
import { recordsOf } from '../record/codecs.ts';
import { decodeBatch } from '../record/iterate.ts';
import type { Log } from '../storage/types.ts';

export interface RecordedHeader {
  readonly key: string;
  readonly value: Buffer | null;
}

/** One record, with copies of its bytes. */
export interface RecordedRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordedHeader[];
  /** The value as text, null for a tombstone. */
  text(): string | null;
  /** The value as JSON; throws where it is none. */
  json<T = unknown>(): T;
}

const READ_BYTES = 1 << 20;
const INFLATED_BYTES_MAX = 1 << 28;

/** All records of a topic below the last stable offset, by partition and offset; those of aborted transactions are there too, as a log keeps them. */
export function recordsIn(broker: Broker, topic: string): RecordedRecord[] {
  const state = broker.services.partitions.topic(topic);
  if (state === undefined) return [];
  return state.partitions.flatMap(({ index, onlineLog }) => (onlineLog === null ? [] : recordsOfLog(onlineLog, topic, index)));
}

function recordsOfLog(log: Log, topic: string, partition: number): RecordedRecord[] {
  const records: RecordedRecord[] = [];
  const end = log.highWatermark;
  let offset = log.logStartOffset;
  while (offset < end) {
    const result = log.read(offset, READ_BYTES, end, true);
    const bytes = Buffer.from(result.bytes);
    result.release();
    if (bytes.length === 0) break;
    const next = collect(bytes, offset, topic, partition, records);
    if (next <= offset) break;
    offset = next;
  }
  return records;
}

/** Returns the offset behind the last batch. */
function collect(bytes: Buffer, fromOffset: number, topic: string, partition: number, records: RecordedRecord[]): number {
  let next = fromOffset;
  for (let at = 0, end = nextBatch(bytes, 0); end !== -1; at = end, end = nextBatch(bytes, at)) {
    next = Number(bytes.readBigInt64BE(at)) + bytes.readInt32BE(at + LAST_OFFSET_DELTA) + 1;
    const attributes = attributesOf(bytes, at);
    if (isControl(attributes)) continue;
    const inflated = codecIn(attributes) === 0 ? null : recordsOf(bytes, at, INFLATED_BYTES_MAX);
    for (const record of decodeBatch(bytes, at, inflated)) {
      if (record.offset >= fromOffset) records.push(recorded(topic, partition, record));
    }
  }
  return next;
}

const LAST_OFFSET_DELTA = 23;

function recorded(topic: string, partition: number, record: ReturnType<typeof decodeBatch>[number]): RecordedRecord {
  const value = copyOf(record.value);
  return {
    topic, partition, offset: record.offset, timestampMs: record.timestampMs, key: copyOf(record.key), value,
    headers: record.headers.map(({ key, value: content }) => ({ key: String(key), value: copyOf(content) })),
    text: () => (value === null ? null : value.toString('utf8')),
    json: <T>() => JSON.parse(String(value)) as T,
  };
}

const copyOf = (bytes: Uint8Array | null): Buffer | null => (bytes === null ? null : Buffer.from(bytes));
