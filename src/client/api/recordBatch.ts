import { forEachFetchedRecord } from '../consumer/fetchedRecords.ts';
import type { TakenPartition } from '../consumer/fetcher.ts';
import { ClientError } from '../core/clientError.ts';
import { readHeaders, type RecordCursor, type RecordHeader } from '../../record/iterate.ts';
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
  readonly #keyStart: number;
  readonly #keyLength: number;
  readonly #valueStart: number;
  readonly #valueLength: number;
  readonly #headersStart: number;
  readonly #headerCount: number;

  constructor(topic: string, partition: number, cursor: RecordCursor, key: K, value: V) {
    this.topic = topic;
    this.partition = partition;
    this.offset = cursor.offset;
    this.timestampMs = cursor.timestampMs;
    this.key = key;
    this.value = value;
    this.#bytes = cursor.bytes;
    this.#keyStart = cursor.keyStart;
    this.#keyLength = cursor.keyLength;
    this.#valueStart = cursor.valueStart;
    this.#valueLength = cursor.valueLength;
    this.#headersStart = cursor.headersStart;
    this.#headerCount = cursor.headerCount;
  }

  get headers(): readonly RecordHeader[] {
    return readHeaders(this.#bytes, this.#headersStart, this.#headerCount);
  }

  /** The key as it was sent, null for none. */
  get keyBytes(): Buffer | null {
    return this.#keyLength < 0 ? null : this.#bytes.subarray(this.#keyStart, this.#keyStart + this.#keyLength);
  }

  /** The value as it was sent, null for none. */
  get valueBytes(): Buffer | null {
    return this.#valueLength < 0 ? null : this.#bytes.subarray(this.#valueStart, this.#valueStart + this.#valueLength);
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
    const { bytes, from, aborted } = this.taken;
    try {
      forEachFetchedRecord(bytes, { fromOffset: from, aborted, checkCrcs: this.#checkCrcs }, visitor);
    } catch (error) {
      if (!(error instanceof RecordError)) throw error;
      throw new ClientError('CORRUPT_DATA', `records of ${this.topic}-${this.partition} at and after offset ${from} cannot be read: ${error.message}`, error);
    }
  }

  /** All records. Throws ClientError SERIALIZATION_FAILED for one that cannot be read, unless `onPoison` takes it. */
  toArray(onPoison?: (poison: PoisonRecord) => void): ConsumedRecord<K, V>[] {
    const records: ConsumedRecord<K, V>[] = [];
    this.each((record) => records.push(record), onPoison ?? raise);
    return records;
  }

  each(onRecord: (record: ConsumedRecord<K, V>) => void, onPoison: (poison: PoisonRecord) => void): void {
    const { topic, partition } = this;
    const { key: keys, value: values } = this.#deserializers;
    this.visit((cursor) => {
      let key: K;
      let value: V;
      try {
        key = keys.deserialize(cursor.key(), topic);
        value = values.deserialize(cursor.value(), topic);
      } catch (error) {
        onPoison(this.#poison(cursor, error));
        return;
      }
      onRecord(new ConsumedRecord(topic, partition, cursor, key, value));
    });
  }

  [Symbol.iterator](): Iterator<ConsumedRecord<K, V>> {
    return this.toArray()[Symbol.iterator]();
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

  #poison(cursor: RecordCursor, cause: unknown): PoisonRecord {
    const { topic, partition } = this;
    const { offset, timestampMs } = cursor;
    const error = new ClientError('SERIALIZATION_FAILED', `the record at ${topic}-${partition} offset ${offset} cannot be deserialized: ${(cause as Error).message}`, cause);
    return { topic, partition, offset, timestampMs, key: cursor.key(), value: cursor.value(), headers: cursor.headers(), error };
  }
}

function raise({ error }: PoisonRecord): never {
  throw error;
}
