/** What each library does in the comparison, and how it is timed. */
import { performance } from 'node:perf_hooks';
import type { BenchLibrary, ConsumerWish, OnRecords } from './libraries/library.ts';

const BATCH = 1000;
const CONCURRENT = 5;
const IN_FLIGHT = 1000;
/** As @platformatic/kafka's own benchmark has it. */
const THEIR_BATCH = 100;
const THEIR_FETCH_BYTES = 2048;
const THEIR_WAIT_MS = 10;

export interface Figure {
  readonly perSecond: number;
  /** User and system time of this process for each record; null: not known. */
  readonly cpuUs: number | null;
}

class Watch {
  readonly #startMs = performance.now();
  readonly #cpu = process.cpuUsage();

  read(count: number): Figure {
    const { user, system } = process.cpuUsage(this.#cpu);
    return { perSecond: (count / (performance.now() - this.#startMs)) * 1000, cpuUs: (user + system) / count };
  }
}

/** `count` records in batches of 1000, five at once, acks 1, partition 0. */
export async function produceBatches(library: BenchLibrary, topic: string, count: number, value: Buffer): Promise<Figure> {
  const producer = await library.producer({ topic, acks: 1, isSequential: false });
  const prepared = producer.prepare(value, BATCH);
  await producer.sendValues(producer.prepare(value, 1));
  const watch = new Watch();
  let left = count / BATCH;
  await Promise.all(Array.from({ length: CONCURRENT }, async () => {
    while (left-- > 0) await producer.sendValues(prepared);
  }));
  const figure = watch.read(count);
  await producer.close();
  return figure;
}

/** Single records, each awaited, a thousand in flight, acks 1. */
export async function sendSingles(library: BenchLibrary, topic: string, count: number, value: Buffer): Promise<Figure> {
  const producer = await library.producer({ topic, acks: 1, isSequential: false });
  await producer.sendValue(value);
  const watch = new Watch();
  let left = count;
  await Promise.all(Array.from({ length: IN_FLIGHT }, async () => {
    while (left-- > 0) await producer.sendValue(value);
  }));
  const figure = watch.read(count);
  await producer.close();
  return figure;
}

/** The clock starts when the first records have come, which do not count: finding the group is no part of it. */
export async function consumeAll(consume: (wish: ConsumerWish, onRecords: OnRecords) => Promise<void>, topic: string, count: number, valueBytes: number): Promise<Figure> {
  let watch: Watch | null = null;
  let figure: Figure | null = null;
  let first = 0;
  let seen = 0;
  let bytes = 0;
  await consume({ topic, maxBytes: 0, waitMsMax: 0 }, (records, size) => {
    seen += records;
    bytes += size;
    if (watch === null) {
      first = records;
      watch = new Watch();
    } else if (seen >= count) figure ??= watch.read(seen - first);
    return seen < count;
  });
  if (bytes !== seen * valueBytes) throw new Error(`${bytes} bytes came in ${seen} records`);
  if (figure === null) throw new Error(`all ${seen} records came at once: that is too few to time`);
  return figure;
}

const theirRecord = (index: number) => ({ key: `111-${index}`, value: '222', headers: { a: '123', b: '456' } });

/** One record a call, each awaited before the next, acks 0. */
export async function theirSingles(library: BenchLibrary, topic: string, count: number): Promise<Figure> {
  const producer = await library.producer({ topic, acks: 0, isSequential: true });
  const watch = new Watch();
  for (let index = 0; index < count; index++) await producer.sendRecords([theirRecord(index)]);
  const figure = watch.read(count);
  await producer.close();
  return figure;
}

/** A hundred records a call, each awaited before the next, acks 0. Counts calls. */
export async function theirBatches(library: BenchLibrary, topic: string, count: number): Promise<Figure> {
  const producer = await library.producer({ topic, acks: 0, isSequential: true });
  const watch = new Watch();
  for (let call = 0; call < count; call++) await producer.sendRecords(Array.from({ length: THEIR_BATCH }, (_, index) => theirRecord(call * THEIR_BATCH + index)));
  const figure = watch.read(count);
  await producer.close();
  return figure;
}

/** Record by record, 2 KiB a fetch, from batches of one record. The first record is not timed. */
export async function theirConsume(library: BenchLibrary, topic: string, count: number): Promise<Figure> {
  let watch: Watch | null = null;
  let figure: Figure | null = null;
  let seen = 0;
  await library.consumeSingly({ topic, maxBytes: THEIR_FETCH_BYTES, waitMsMax: THEIR_WAIT_MS }, () => {
    watch ??= new Watch();
    if (++seen === count) figure = watch.read(count);
    return seen < count;
  });
  return figure as unknown as Figure;
}
