import { describe, expect, it } from 'vitest';
import { forEachFetchedRecord, offsetAfter, type AbortedProducer } from '../../src/client/consumer/fetchedRecords.ts';
import { Codec } from '../../src/record/batchHeader.ts';
import { BatchBuilder } from '../../src/record/build.ts';
import { buildEndTransactionMarker, ControlType } from '../../src/record/control.ts';

interface BatchSpec {
  readonly base: number;
  readonly values?: readonly string[];
  readonly codec?: Codec;
  readonly producerId?: number;
  /** Ends the producer's transaction. */
  readonly marker?: 'commit' | 'abort';
}

function batch({ base, values = [], codec = Codec.none, producerId, marker }: BatchSpec): Buffer {
  const builder = new BatchBuilder();
  const transactional = producerId === undefined ? {} : { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true };
  if (marker !== undefined) {
    const bytes = buildEndTransactionMarker({ type: ControlType[marker], producerId: producerId ?? -1, producerEpoch: 0, coordinatorEpoch: 0, timestampMs: 1 });
    // the offset is outside of the checksum
    bytes.writeBigInt64BE(BigInt(base), 0);
    return bytes;
  }
  for (const value of values) builder.append(null, Buffer.from(value), null, 1);
  return builder.close({ baseOffset: base, codec, ...transactional });
}

function read(specs: readonly BatchSpec[], fromOffset: number, aborted: readonly AbortedProducer[] | null = null, stopAt = Infinity): { seen: string[]; next: number } {
  const seen: string[] = [];
  const next = forEachFetchedRecord(Buffer.concat(specs.map(batch)), { fromOffset, aborted, checkCrcs: true }, (record) => {
    seen.push(`${record.offset}${String(record.value())}`);
    return record.offset < stopAt;
  });
  return { seen, next };
}

const plain: readonly BatchSpec[] = [{ base: 0, values: ['a', 'b', 'c'] }, { base: 5, values: ['d', 'e'], codec: Codec.gzip }];

describe('fetched records', () => {
  it('begin at the offset asked for, also in the middle of a batch', () => {
    expect(read(plain, 0)).toEqual({ seen: ['0a', '1b', '2c', '5d', '6e'], next: 7 });
    expect(read(plain, 2)).toEqual({ seen: ['2c', '5d', '6e'], next: 7 });
    expect(read(plain, 3)).toEqual({ seen: ['5d', '6e'], next: 7 });
    expect(read(plain, 6)).toEqual({ seen: ['6e'], next: 7 });
  });

  it('stop after the record where the visitor says so', () => {
    expect(read(plain, 0, null, 1)).toEqual({ seen: ['0a', '1b'], next: 2 });
    expect(read(plain, 0, null, 5)).toEqual({ seen: ['0a', '1b', '2c', '5d'], next: 6 });
  });

  it('leave out a batch that is cut', () => {
    const bytes = Buffer.concat(plain.map(batch));
    const seen: number[] = [];
    expect(forEachFetchedRecord(bytes.subarray(0, bytes.length - 1), { fromOffset: 0, aborted: null, checkCrcs: true }, (record) => void seen.push(record.offset))).toBe(3);
    expect(seen).toEqual([0, 1, 2]);
    expect(offsetAfter(bytes)).toBe(7);
    expect(offsetAfter(bytes.subarray(0, bytes.length - 1))).toBe(3);
    expect(offsetAfter(bytes.subarray(0, 20))).toBe(-1);
  });

  it('leave out markers and what was aborted, of just that producer and transaction', () => {
    const log: readonly BatchSpec[] = [
      { base: 0, values: ['x'], producerId: 1 }, { base: 1, values: ['y'], producerId: 2 }, { base: 2, values: ['z'], producerId: 1 }, { base: 3, producerId: 1, marker: 'abort' },
      { base: 4, values: ['p'] }, { base: 5, values: ['x2'], producerId: 1 }, { base: 6, producerId: 2, marker: 'commit' }, { base: 7, producerId: 1, marker: 'commit' },
    ];
    const aborted = [{ producerId: 1, firstOffset: 0 }];
    expect(read(log, 0, aborted)).toEqual({ seen: ['1y', '4p', '5x2'], next: 8 });
    expect(read(log, 0, null).seen).toEqual(['0x', '1y', '2z', '4p', '5x2']);
    expect(read(log.slice(2), 2, aborted).seen).toEqual(['4p', '5x2']);
    expect(read(log.slice(5), 5, [])).toEqual({ seen: ['5x2'], next: 8 });
    expect(read(log, 0, [{ producerId: 1, firstOffset: 5 }, { producerId: 2, firstOffset: 1 }]).seen).toEqual(['0x', '2z', '4p']);
  });

  it('refuse old formats and wrong checksums', () => {
    const old = batch({ base: 0, values: ['a'] });
    old[16] = 1;
    expect(() => forEachFetchedRecord(old, { fromOffset: 0, aborted: null, checkCrcs: false }, () => {})).toThrow(/message format 1/);
    const damaged = batch({ base: 0, values: ['a'] });
    damaged[damaged.length - 2]! ^= 1;
    expect(() => forEachFetchedRecord(damaged, { fromOffset: 0, aborted: null, checkCrcs: true }, () => {})).toThrow(/checksum/);
  });
});
