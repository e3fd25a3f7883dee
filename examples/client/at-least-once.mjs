/**
 * At least once: a record counts as done when its handler has returned, and only what is done without a gap is committed. After a crash a few records come
 * again. Eight records are handled at once, those of one key in order; what fails is tried again later and ends among the dead letters.
 * `node examples/client/at-least-once.mjs [HOST:PORT]`
 */
import { createClient, serdes } from 'tidelog/client';

const client = createClient({ bootstrap: process.argv[2] ?? 'localhost:9092' });
const topic = 'example-orders';
const count = 20;

const producer = client.producer({ key: serdes.string, value: serdes.json() });
await producer.sendBatch({ topic, records: Array.from({ length: count }, (_, n) => ({ key: `customer-${n % 5}`, value: { order: n } })) });
await producer.close();

const failures = client.producer();
const consumer = client.consumer({ key: serdes.string, value: serdes.json(), groupId: 'example-billing', autoOffsetReset: 'earliest' });
const runner = client.run(consumer, {
  topics: [topic],
  lanes: 8,
  attempts: 2,
  failureProducer: failures,
  retryTopics: [{ topic: `${topic}.retry`, delayMs: 500 }],
  deadLetterTopic: `${topic}.dead`,
  async handler({ key, value }, { attempt }) {
    if (value.order === 13) throw new Error('the card was refused');
    console.log(`${key}: order ${value.order} billed at try ${attempt}`);
  },
});

const { setTimeout: sleep } = await import('node:timers/promises');
while (runner.stats().handled + runner.stats().deadLettered < count) await sleep(50);
await runner.stop();
console.log(runner.stats());
await client.close();
