/** One library's work on one broker, in a process of its own: the order it gets and what it answers. */
import { createClient } from '../../../src/client/index.ts';
import { openKafkajs } from '../libraries/kafkajs.ts';
import type { BenchLibrary } from '../libraries/library.ts';
import { openPlatformatic } from '../libraries/platformatic.ts';
import { openTidelog, visitAll } from '../libraries/tidelog.ts';
import { consumeAll, produceBatches, sendSingles, theirBatches, theirConsume, theirSingles, type Figure } from '../work.ts';

export const NODE_LIBRARIES = ['tidelog', '@platformatic/kafka', 'kafkajs'] as const;
export type NodeLibrary = (typeof NODE_LIBRARIES)[number];

export interface Order {
  readonly library: NodeLibrary;
  /** Of tidelog itself; the others' is with their packages. */
  readonly version: string;
  readonly folder: string;
  readonly bootstrap: string;
  readonly work: 'fair' | 'theirs';
  /** fair: records of produce and consume; theirs: single sends and consumed records. */
  readonly count: number;
  /** fair: single sends; theirs: sends of a hundred. */
  readonly secondCount: number;
  readonly sizeBytes: number;
  /** Partitions 0 of new topics take records; `theirs` reads from this one, which is filled already. */
  readonly sourceTopic: string;
}

export interface Answer {
  readonly version: string;
  readonly figures: Readonly<Record<string, Figure>>;
}

export async function carryOut(order: Order): Promise<Answer> {
  const library = await open(order);
  const suffix = `${process.pid}-${Date.now()}`;
  const figures = order.work === 'fair' ? await workFairly(library, order, suffix) : await workTheirWay(library, order, suffix);
  await library.close();
  return { version: library.version, figures };
}

async function open({ library, folder, bootstrap, version }: Order): Promise<BenchLibrary> {
  if (library === 'kafkajs') return openKafkajs(bootstrap, folder);
  return library === 'tidelog' ? openTidelog(bootstrap, version) : openPlatformatic(bootstrap, folder);
}

async function workFairly(library: BenchLibrary, { bootstrap, count, secondCount, sizeBytes }: Order, suffix: string): Promise<Record<string, Figure>> {
  const [topic, singles] = [`bench-${suffix}`, `bench-singles-${suffix}`];
  for (const name of [topic, singles]) await library.createTopic(name, 1);
  const value = Buffer.alloc(sizeBytes, 'a');
  const produce = await produceBatches(library, topic, count, value);
  const consume = await consumeAll(library.consume, topic, count, sizeBytes);
  const figures: Record<string, Figure> = { produce, consume, single: await sendSingles(library, singles, secondCount, value) };
  const client = createClient({ bootstrap });
  if (library.name === 'tidelog') figures['visit'] = await consumeAll((wish, onRecords) => visitAll(client, wish, onRecords), topic, count, sizeBytes);
  await client.admin.deleteTopics([topic, singles]);
  await client.close();
  return figures;
}

async function workTheirWay(library: BenchLibrary, { count, secondCount, sourceTopic }: Order, suffix: string): Promise<Record<string, Figure>> {
  const topic = `bench-theirs-${suffix}`;
  await library.createTopic(topic, 1);
  return { theirSingle: await theirSingles(library, topic, count), theirBatch: await theirBatches(library, topic, secondCount), theirConsume: await theirConsume(library, sourceTopic, count) };
}

/** What `theirs` reads: three partitions, each batch one record. */
export async function fillSource(bootstrap: string, topic: string, count: number): Promise<void> {
  const client = createClient({ bootstrap });
  await client.admin.createTopic({ topic, partitions: 3 });
  const producer = client.producer({ batchSizeBytes: 1 });
  const records = Array.from({ length: count }, (_, index) => ({
    partition: index % 3, key: Buffer.from(`key-${index}`), value: Buffer.from(`value-${index}`), headers: { [`header-key-${index}`]: `header-value-${index}` },
  }));
  for (let at = 0; at < count; at += 1000) await producer.sendBatch({ topic, records: records.slice(at, at + 1000) });
  await producer.close();
  await client.close();
}

export async function createTopic(bootstrap: string, topic: string): Promise<void> {
  const client = createClient({ bootstrap });
  await client.admin.createTopic({ topic, partitions: 1 });
  await client.close();
}
