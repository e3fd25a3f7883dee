import { FetchedRecords } from '../consumer/fetchedRecords.ts';
import type { TakenPartition } from '../consumer/fetcher.ts';
import { ClientError } from '../core/clientError.ts';
import { readContent, readHeaders, type RecordCursor, type RecordHeader } from '../../record/iterate.ts';
import { RecordError } from '../../record/recordError.ts';
import type { Deserializer } from './serdes.ts';

/** One record that came. Bytes are views of what was fetched, which they keep in memory. */
export class ConsumedRecord<K, V> {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Milliseconds since the epoch, -1 for none. */
  readonly timestampMs: number;
  readonly key: K;
  readonly value: V;
  readonly #bytes: Buffer;
  readonly #contentStart: number;

  constructor(topic: string, partition: number, cursor: RecordCursor, key: K, value: V) {
    this.topic = topic;
    this.partition = partition;
    this.offset = cursor.offset;
    this.timestampMs = cursor.timestampMs;
    this.key = key;
    this.value = value;
    this.#bytes = cursor.bytes;
    this.#contentStart = cursor.contentStart;
  }

  get headers(): readonly RecordHeader[] {
    const { headersStart, headerCount } = readContent(this.#bytes, this.#contentStart);
    return readHeaders(this.#bytes, headersStart, headerCount);
  }

  /** The key as it was sent, null for none. */
  get keyBytes(): Buffer | null {
    const { keyStart, keyLength } = readContent(this.#bytes, this.#contentStart);
    return keyLength < 0 ? null : this.#bytes.subarray(keyStart, keyStart + keyLength);
  }

  /** The value as it was sent, null for none. */
  get valueBytes(): Buffer | null {
    const { valueStart, valueLength } = readContent(this.#bytes, this.#contentStart);
    return valueLength < 0 ? null : this.#bytes.subarray(valueStart, valueStart + valueLength);
  }

  /** Bytes of the last header of that name; undefined: there is none. */
  header(name: string): Uint8Array | null | undefined {
    return this.headers.findLast(({ key }) => key === name)?.value;
  }
}

/** A record as bytes. */
export interface RawRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly timestampMs: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RecordHeader[];
}

/** A record that could not be deserialized. */
export interface PoisonRecord extends RawRecord {
  readonly error: ClientError;
}

export interface Deserializers<K, V> {
  readonly key: Deserializer<K>;
  readonly value: Deserializer<V>;
}

/** What one fetch brought of one partition. */
export class RecordBatch<K, V> implements Iterable<ConsumedRecord<K, V>> {
  readonly topic: string;
  readonly partition: number;
  readonly taken: TakenPartition;
  readonly #deserializers: Deserializers<K, V>;
  readonly #checkCrcs: boolean;

  constructor(taken: TakenPartition, deserializers: Deserializers<K, V>, checkCrcs: boolean) {
    this.topic = taken.state.topic;
    this.partition = taken.state.partition;
    this.taken = taken;
    this.#deserializers = deserializers;
    this.#checkCrcs = checkCrcs;
  }

  /** Bytes as fetched, compressed or not. */
  get sizeBytes(): number {
    return this.taken.bytes.length;
  }

  /** Offset of the next record after this batch: what to commit when all of it is done. */
  get nextOffset(): number {
    return this.taken.next;
  }

  /** Records behind this batch, as the leader said with it; -1: not known. */
  get lag(): number {
    const { highWatermark } = this.taken.state;
    return highWatermark < 0 ? -1 : Math.max(highWatermark - this.taken.next, 0);
  }

  /** The partition was revoked or sought meanwhile: what is left of the batch should not be handled. */
  get isStale(): boolean {
    return this.taken.state.isRevoked || this.taken.state.seeks !== this.taken.seeks;
  }

  /** Visits the records without an object for each: places in `cursor.bytes`. Return false to stop. Throws ClientError CORRUPT_DATA. */
  visit(visitor: (cursor: RecordCursor) => boolean | void): void {
    const reader = this.reader();
    while (reader.move()) if (visitor(reader.cursor) === false) return;
  }

  /** All records. Throws ClientError SERIALIZATION_FAILED for one that cannot be read, unless `onPoison` takes it. */
  toArray(onPoison?: (poison: PoisonRecord) => void): ConsumedRecord<K, V>[] {
    const records: ConsumedRecord<K, V>[] = [];
    this.each((record) => records.push(record), onPoison ?? raise);
    return records;
  }

  each(onRecord: (record: ConsumedRecord<K, V>) => void, onPoison: (poison: PoisonRecord) => void): void {
    const reader = this.reader();
    while (reader.move()) {
      const record = reader.current();
      if (isPoison(record)) onPoison(record);
      else onRecord(record);
    }
  }

  /** One record at a time, each made when it is asked for. Throws as `toArray`, at the record that cannot be read. */
  [Symbol.iterator](): Iterator<ConsumedRecord<K, V>> {
    return new BatchIterator(this.reader());
  }

  reader(): BatchReader<K, V> {
    return new BatchReader(this, this.#deserializers, this.#checkCrcs);
  }

  /** Waits for what deserializers must fetch first; null when that is nothing. */
  prepare(): Promise<void> | null {
    const { key, value } = this.#deserializers;
    if (key.prepareToDeserialize === undefined && value.prepareToDeserialize === undefined) return null;
    const pending: Promise<void>[] = [];
    this.visit((cursor) => {
      const keyPending = key.prepareToDeserialize?.(cursor.key(), this.topic) ?? null;
      const valuePending = value.prepareToDeserialize?.(cursor.value(), this.topic) ?? null;
      if (keyPending !== null) pending.push(keyPending);
      if (valuePending !== null) pending.push(valuePending);
    });
    // what cannot be fetched shows again when the record is deserialized
    return pending.length === 0 ? null : Promise.allSettled(pending).then(() => {});
  }
}

/** Goes through a batch once. */
export class BatchReader<K, V> {
  readonly cursor: RecordCursor;
  readonly #batch: RecordBatch<K, V>;
  readonly #keys: Deserializer<K>;
  readonly #values: Deserializer<V>;
  readonly #records: FetchedRecords;
  #isBroken = false;

  constructor(batch: RecordBatch<K, V>, { key, value }: Deserializers<K, V>, checkCrcs: boolean) {
    const { bytes, from: fromOffset, aborted } = batch.taken;
    this.#batch = batch;
    this.#keys = key;
    this.#values = value;
    this.#records = new FetchedRecords(bytes, { fromOffset, aborted, checkCrcs });
    this.cursor = this.#records.cursor;
  }

  /** To the next record; false after the last one. Throws ClientError CORRUPT_DATA, and is at the end then. */
  move(): boolean {
    if (this.#isBroken) return false;
    try {
      return this.#records.next();
    } catch (error) {
      this.#isBroken = true;
      if (!(error instanceof RecordError)) throw error;
      const { topic, partition, taken } = this.#batch;
      throw new ClientError('CORRUPT_DATA', `records of ${topic}-${partition} at and after offset ${taken.from} cannot be read: ${error.message}`, error);
    }
  }

  /** The record after `move` returned true. */
  current(): ConsumedRecord<K, V> | PoisonRecord {
    const { topic, partition } = this.#batch;
    const cursor = this.cursor;
    let key: K;
    let value: V;
    try {
      key = this.#keys.deserialize(cursor.key(), topic);
      value = this.#values.deserialize(cursor.value(), topic);
    } catch (error) {
      return this.#poison(error);
    }
    return new ConsumedRecord(topic, partition, cursor, key, value);
  }

  #poison(cause: unknown): PoisonRecord {
    const { topic, partition } = this.#batch;
    const cursor = this.cursor;
    const { offset, timestampMs } = cursor;
    const error = new ClientError('SERIALIZATION_FAILED', `the record at ${topic}-${partition} offset ${offset} cannot be deserialized: ${(cause as Error).message}`, cause);
    return { topic, partition, offset, timestampMs, key: cursor.key(), value: cursor.value(), headers: cursor.headers(), error };
  }
}

class BatchIterator<K, V> implements Iterator<ConsumedRecord<K, V>> {
  readonly #reader: BatchReader<K, V>;
  #isOver = false;

  constructor(reader: BatchReader<K, V>) {
    this.#reader = reader;
  }

  next(): IteratorResult<ConsumedRecord<K, V>> {
    if (this.#isOver || !this.#reader.move()) return this.return();
    const record = this.#reader.current();
    if (isPoison(record)) throw record.error;
    return { done: false, value: record };
  }

  return(): IteratorResult<ConsumedRecord<K, V>> {
    this.#isOver = true;
    return { done: true, value: undefined };
  }
}

export function isPoison<K, V>(record: ConsumedRecord<K, V> | PoisonRecord): record is PoisonRecord {
  return !(record instanceof ConsumedRecord);
}

function raise({ error }: PoisonRecord): never {
  throw error;
}
