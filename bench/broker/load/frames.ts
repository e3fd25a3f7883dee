/** Prebuilt produce requests. Those of a producer with an id get their sequence, and the checksum for it, without a look at the records. */
import { compute } from '../../../src/binding/load.ts';
import { BatchBuilder } from '../../../src/record/build.ts';
import { Field, HEADER_BYTES, writeInt64 } from '../../../src/record/batchHeader.ts';
import { produce, produceByProducer, produceRequest } from './calls.ts';
import { encode } from './connection.ts';
import type { LoadOrder } from './order.ts';

const SEQUENCE_BITS = 32;
const SEQUENCE_MAX = 0x7fffffff;

export function buildBatch(records: number, recordBytes: number, isTransactional = false): Buffer {
  const builder = new BatchBuilder(records * (recordBytes + 12) + 64);
  const letters = Buffer.alloc(recordBytes + records);
  for (let index = 0; index < letters.length; index += 1) letters[index] = 97 + ((index * 7919) % 26);
  const now = Date.now();
  for (let index = 0; index < records; index += 1) builder.append(null, letters.subarray(index, index + recordBytes), null, now);
  return builder.close({ isTransactional });
}

/** What one connection sends. */
export class Frames {
  /** As many as are in flight: one is written anew only when its answer has come. */
  readonly #frames: Buffer[] = [];
  readonly #batchAt: number;
  readonly #batchBytes: number;
  readonly #records: number;
  readonly #isNumbered: boolean;
  /** What each bit of the sequence does to the checksum: it is linear. */
  readonly #bitEffects: number[] = [];
  /** Of the batch with sequence 0. */
  #firstChecksum = 0;
  #next = 0;
  #sequence = 0;

  constructor(order: LoadOrder, partition: number, batch: Buffer, transactionalId: string | null) {
    const { producers = 'plain', topic, inFlight, batchRecords } = order;
    this.#isNumbered = producers === 'idempotent' || producers === 'transactional';
    this.#records = batchRecords;
    this.#batchBytes = batch.length;
    const call = producers === 'plain' ? produce : produceByProducer;
    const frame = encode(call, produceRequest(topic, partition, batch, producers === 'plain' ? null : { transactionalId }));
    this.#batchAt = frame.indexOf(batch.subarray(0, HEADER_BYTES));
    for (let count = 0; count < (this.#isNumbered ? inFlight : 1); count += 1) this.#frames.push(Buffer.from(frame));
  }

  /** Of the batch to be sent next. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Who sends from now on, beginning with sequence 0. Nothing may be in flight. */
  identify(producerId: number, producerEpoch: number): void {
    for (const frame of this.#frames) {
      writeInt64(frame, producerId, this.#batchAt + Field.producerId);
      frame.writeInt16BE(producerEpoch, this.#batchAt + Field.producerEpoch);
    }
    const frame = this.#frames[0] as Buffer;
    if (this.#bitEffects.length === 0) {
      const plain = this.#checksum(frame, 0);
      for (let bit = 0; bit < SEQUENCE_BITS; bit += 1) this.#bitEffects.push(this.#checksum(frame, (1 << bit) | 0) ^ plain);
    }
    this.#firstChecksum = this.#checksum(frame, 0);
    this.#sequence = 0;
  }

  #checksum(frame: Buffer, sequence: number): number {
    frame.writeInt32BE(sequence, this.#batchAt + Field.baseSequence);
    return compute.crc32c(frame.subarray(this.#batchAt + Field.attributes, this.#batchAt + this.#batchBytes));
  }

  /** Goes on from a batch that was refused; those behind it were refused, too. Nothing may be in flight. */
  rewind(sequence: number): void {
    this.#sequence = sequence;
  }

  next(): Buffer {
    const frame = this.#frames[this.#next] as Buffer;
    if (!this.#isNumbered) return frame;
    this.#next = (this.#next + 1) % this.#frames.length;
    const sequence = this.#sequence;
    let checksum = this.#firstChecksum;
    for (let rest = sequence; rest !== 0; rest &= rest - 1) checksum ^= this.#bitEffects[31 - Math.clz32(rest & -rest)] as number;
    frame.writeInt32BE(sequence, this.#batchAt + Field.baseSequence);
    frame.writeUInt32BE(checksum >>> 0, this.#batchAt + Field.crc);
    this.#sequence = (sequence + this.#records) & SEQUENCE_MAX;
    return frame;
  }
}
