/** One process: what `tidelog/testing` costs the first time. Prints one JSON line: milliseconds to import, and from the start to the first record consumed. */
const begin = performance.now();
const { startBroker } = await import('tidelog/testing');
const { createClient, serdes } = await import('tidelog/client');
const imported = performance.now();
const broker = await startBroker({ topics: { orders: {} } });
const client = createClient({ bootstrap: broker.bootstrap });
const producer = client.producer({ value: serdes.string });
await producer.send({ topic: 'orders', value: 'first' });
const consumer = client.consumer({ value: serdes.string, autoOffsetReset: 'earliest' });
consumer.subscribe(['orders']);
const [batch] = [await consumer.nextBatch(20_000)];
const consumed = performance.now();
const { user, system } = process.cpuUsage();
if ([...batch].length !== 1) throw new Error('the record did not come');
await client.close();
await broker.close();
console.log(JSON.stringify({ import_ms: imported - begin, first_record_ms: consumed - imported, process_cpu_ms: (user + system) / 1000 }));
