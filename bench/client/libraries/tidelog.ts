import { createClient, serdes, type Client } from '../../../src/client/index.ts';
import type { BenchLibrary, BenchProducer, ConsumerWish, OnRecords, PlainRecord, ProducerWish } from './library.ts';

export function openTidelog(bootstrap: string, version: string): BenchLibrary {
  const client = createClient({ bootstrap });
  return {
    name: 'tidelog',
    version,
    async createTopic(topic, partitions) {
      await client.admin.createTopic({ topic, partitions });
    },
    producer: async (wish) => makeProducer(client, wish),
    async consume(wish, onRecords) {
      const consumer = openConsumer(client, wish);
      for await (const batch of consumer.batches()) {
        let count = 0;
        let bytes = 0;
        for (const record of batch) {
          count += 1;
          bytes += record.value?.length ?? 0;
        }
        if (!onRecords(count, bytes)) break;
      }
      await consumer.close();
    },
    async consumeSingly(wish, onRecords) {
      const consumer = openConsumer(client, wish);
      for await (const record of consumer) if (!onRecords(1, record.value?.length ?? 0)) break;
      await consumer.close();
    },
    close: () => client.close(),
  };
}

/** Reads without an object for each record. */
export async function visitAll(client: Client, wish: ConsumerWish, onRecords: OnRecords): Promise<void> {
  const consumer = openConsumer(client, wish);
  for await (const batch of consumer.batches()) {
    let count = 0;
    let bytes = 0;
    batch.visit((cursor) => {
      count += 1;
      bytes += cursor.valueLength;
    });
    if (!onRecords(count, bytes)) break;
  }
  await consumer.close();
}

function openConsumer(client: Client, { topic, maxBytes, waitMsMax }: ConsumerWish) {
  const consumer = client.consumer({
    groupId: `bench-${process.pid}-${Math.random()}`, autoCommit: false, autoOffsetReset: 'earliest', ...(maxBytes > 0 ? { fetchMaxBytes: maxBytes } : {}), ...(waitMsMax > 0 ? { fetchWaitMsMax: waitMsMax } : {}),
  });
  consumer.subscribe([topic]);
  return consumer;
}

function makeProducer(client: Client, { topic, acks, isSequential }: ProducerWish): BenchProducer {
  const options = { acks, ...(isSequential ? { lingerMs: 0 } : {}) } as const;
  const producer = client.producer(options);
  const texts = client.producer({ ...options, key: serdes.string, value: serdes.string });
  return {
    prepare: (value, count) => Array.from({ length: count }, () => ({ value })),
    sendValues: (prepared) => producer.sendBatch({ topic, partition: 0, records: prepared as { value: Buffer }[] }),
    sendValue: (value) => producer.send({ topic, partition: 0, value }),
    sendRecords: (records: readonly PlainRecord[]) => (records.length === 1 ? texts.send({ topic, partition: 0, ...(records[0] as PlainRecord) }) : texts.sendBatch({ topic, partition: 0, records })),
    async close() {
      await producer.close();
      await texts.close();
    },
  };
}
