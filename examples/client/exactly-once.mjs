/**
 * Exactly once: what is read, what comes of it and how far was read become visible together or not at all, whatever crashes.
 * `node examples/client/exactly-once.mjs [HOST:PORT]`
 */
import { createClient, runExactlyOnce, serdes } from 'tidelog/client';

const client = createClient({ bootstrap: process.argv[2] ?? 'localhost:9092' });
const [payments, balances] = ['example-payments', 'example-bookings'];
const count = 20;

const source = client.producer({ key: serdes.string, value: serdes.json() });
await source.sendBatch({ topic: payments, records: Array.from({ length: count }, (_, n) => ({ key: `account-${n % 4}`, value: { cents: n * 100 } })) });
await source.close();

const consumer = client.consumer({ key: serdes.string, value: serdes.json(), groupId: 'example-ledger', isolationLevel: 'read_committed', autoCommit: false, autoOffsetReset: 'earliest' });
const producer = client.producer({ key: serdes.string, value: serdes.json(), transactionalId: 'example-ledger-1' });
const stop = new AbortController();
let booked = 0;
await runExactlyOnce({
  consumer,
  producer,
  topics: [payments],
  signal: stop.signal,
  transform(batch, transaction) {
    for (const { key, value } of batch) {
      transaction.push({ topic: balances, key, value: { booked: value.cents } });
      booked += 1;
    }
    if (booked >= count) stop.abort();
  },
});
console.log(`${booked} payments booked`);
await client.close();
