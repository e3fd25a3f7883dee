/**
 * At most once: the offset is committed before the record is handled. A crash in between loses the record, and nothing is ever handled twice: for
 * readings that are worthless when they are late. `node examples/client/at-most-once.mjs [HOST:PORT]`
 */
import { createClient, serdes } from 'tidelog/client';

const client = createClient({ bootstrap: process.argv[2] ?? 'localhost:9092' });
const topic = 'example-readings';

const producer = client.producer({ key: serdes.string, value: serdes.json(), acks: 0 });
for (let n = 0; n < 10; n += 1) {
  const hasRoom = producer.push({ topic, key: `sensor-${n % 3}`, value: { n, celsius: 20 + n / 10 } });
  if (!hasRoom) await producer.ready();
}
await producer.close();

const consumer = client.consumer({ key: serdes.string, value: serdes.json(), groupId: 'example-dashboard', autoOffsetReset: 'earliest', autoCommit: false });
consumer.subscribe([topic]);
let left = 10;
for await (const batch of consumer.batches()) {
  await consumer.commit([{ topic: batch.topic, partition: batch.partition, offset: batch.nextOffset }]);
  for (const { key, value } of batch) {
    console.log(`${key}: ${value.celsius} °C`);
    left -= 1;
  }
  if (left <= 0) break;
}
await client.close();
