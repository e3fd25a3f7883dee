import { loadFrom, versionIn } from './installed.ts';
import type { BenchLibrary, BenchProducer, ConsumerWish, OnRecords, ProducerWish } from './library.ts';

/** The part of @platformatic/kafka that is used here. */
interface Message {
  readonly topic: string;
  readonly partition: number;
  readonly key?: string;
  readonly value: Buffer | string;
  readonly headers?: Readonly<Record<string, string>>;
}
interface TheirProducer {
  send(order: { readonly messages: readonly Message[]; readonly acks: number }): Promise<unknown>;
  close(): Promise<void>;
}
interface TheirStream {
  on(event: 'data', listener: (message: { readonly value: Buffer }) => void): void;
  on(event: 'error', listener: (error: Error) => void): void;
}
interface TheirConsumer {
  consume(options: { readonly topics: readonly string[]; readonly mode: string }): Promise<TheirStream>;
  close(force: boolean): Promise<void>;
}
interface TheirAdmin {
  createTopics(options: { readonly topics: readonly string[]; readonly partitions: number; readonly replicas: number }): Promise<unknown>;
  close(): Promise<void>;
}
interface Platformatic {
  readonly Admin: new (options: object) => TheirAdmin;
  readonly Producer: new (options: object) => TheirProducer;
  readonly Consumer: new (options: object) => TheirConsumer;
  readonly stringSerializers: object;
}

/** Its streams hold so many records; its documentation has 1,024 and says to raise it for throughput. */
const HIGH_WATER_RECORDS = 100_000;

export async function openPlatformatic(bootstrap: string, folder: string): Promise<BenchLibrary> {
  const library = (await loadFrom(folder, '@platformatic/kafka')) as Platformatic;
  const base = { clientId: 'bench', bootstrapBrokers: [bootstrap] };
  const read = (wish: ConsumerWish, onRecords: OnRecords, options: object): Promise<void> => readAll(library, { ...base, ...options }, wish, onRecords);
  return {
    name: '@platformatic/kafka',
    version: versionIn(folder, '@platformatic/kafka'),
    async createTopic(topic, partitions) {
      const admin = new library.Admin(base);
      await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
      await admin.close();
    },
    producer: async (wish) => makeProducer(library, base, wish),
    consume: (wish, onRecords) => read(wish, onRecords, { maxBytes: 2 ** 20, highWaterMark: HIGH_WATER_RECORDS }),
    consumeSingly: (wish, onRecords) => read(wish, onRecords, {}),
    close: async () => {},
  };
}

async function readAll({ Consumer }: Platformatic, base: object, { topic, maxBytes, waitMsMax }: ConsumerWish, onRecords: OnRecords): Promise<void> {
  const consumer = new Consumer({
    ...base, groupId: `bench-${process.pid}-${Math.random()}`, autocommit: false, ...(maxBytes > 0 ? { minBytes: 1, maxBytes } : {}), ...(waitMsMax > 0 ? { maxWaitTime: waitMsMax } : {}),
  });
  const stream = await consumer.consume({ topics: [topic], mode: 'earliest' });
  await new Promise<void>((resolve, reject) => {
    let isOver = false;
    stream.on('error', reject);
    stream.on('data', ({ value }) => {
      if (isOver || onRecords(1, value.length)) return;
      isOver = true;
      resolve();
    });
  });
  await consumer.close(true);
}

function makeProducer({ Producer, stringSerializers }: Platformatic, base: object, { topic, acks }: ProducerWish): BenchProducer {
  const producer = new Producer(base);
  const texts = new Producer({ ...base, serializers: stringSerializers });
  return {
    prepare: (value, count) => Array.from({ length: count }, () => ({ topic, partition: 0, value })),
    sendValues: (prepared) => producer.send({ messages: prepared as Message[], acks }),
    sendValue: (value) => producer.send({ messages: [{ topic, partition: 0, value }], acks }),
    sendRecords: (records) => texts.send({ messages: records.map((record) => ({ topic, partition: 0, ...record })), acks }),
    async close() {
      await producer.close();
      await texts.close();
    },
  };
}
