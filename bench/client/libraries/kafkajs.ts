import type { Consumer, Kafka, Message, Producer } from 'kafkajs';
import { loadFrom, versionIn } from './installed.ts';
import type { BenchLibrary, BenchProducer, ConsumerWish, ProducerWish } from './library.ts';

export async function openKafkajs(bootstrap: string, folder: string): Promise<BenchLibrary> {
  const { Kafka: Class, logLevel } = (await loadFrom(folder, 'kafkajs')) as typeof import('kafkajs');
  const kafka = new Class({ clientId: 'bench', brokers: [bootstrap], logLevel: logLevel.NOTHING });
  return {
    name: 'kafkajs',
    version: versionIn(folder, 'kafkajs'),
    async createTopic(topic, partitions) {
      const admin = kafka.admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }], waitForLeaders: true });
      await admin.disconnect();
    },
    producer: (wish) => makeProducer(kafka, wish),
    consume: (wish, onRecords) => readAll(kafka, wish, (consumer, isEnough) => consumer.run({
      autoCommit: false,
      eachBatch: async ({ batch: { messages } }) => {
        let bytes = 0;
        for (const { value } of messages) bytes += value?.length ?? 0;
        isEnough(!onRecords(messages.length, bytes));
      },
    })),
    consumeSingly: (wish, onRecords) => readAll(kafka, wish, (consumer, isEnough) => consumer.run({
      autoCommit: false,
      partitionsConsumedConcurrently: 1,
      eachMessage: async ({ message: { value } }) => isEnough(!onRecords(1, value?.length ?? 0)),
    })),
    close: async () => {},
  };
}

async function readAll(kafka: Kafka, { topic, maxBytes, waitMsMax }: ConsumerWish, run: (consumer: Consumer, isEnough: (enough: boolean) => void) => Promise<void>): Promise<void> {
  const consumer = kafka.consumer({ groupId: `bench-${process.pid}-${Math.random()}`, ...(maxBytes > 0 ? { maxBytes } : {}), ...(waitMsMax > 0 ? { maxWaitTimeInMs: waitMsMax } : {}) });
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((resolve, reject) => {
    consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error));
    run(consumer, (enough) => {
      if (enough) resolve();
    }).catch(reject);
  });
  await consumer.disconnect();
}

async function makeProducer(kafka: Kafka, { topic, acks }: ProducerWish): Promise<BenchProducer> {
  const producer: Producer = kafka.producer();
  await producer.connect();
  const send = (messages: Message[]): Promise<unknown> => producer.send({ topic, acks, messages });
  return {
    prepare: (value, count) => Array.from({ length: count }, () => ({ value, partition: 0 })),
    sendValues: (prepared) => send(prepared as Message[]),
    sendValue: (value) => send([{ value, partition: 0 }]),
    sendRecords: (records) => send(records.map((record) => ({ ...record, partition: 0 }))),
    close: () => producer.disconnect(),
  };
}

