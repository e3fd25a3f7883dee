/**
 * `HOST:PORT N SIZE`: what the client does against any broker. Produces N records of SIZE bytes in batches of 1000, five at once, acks 1; consumes them;
 * then sends single records, each awaited, a thousand in flight. Prints one JSON line.
 * `--table`: this and other libraries, on Tidelog and on Apache Kafka: see table/run.ts.
 */
import { performance } from 'node:perf_hooks';
import { createClient, type Client } from '../../src/client/index.ts';
import { carryOut, type Order } from './table/order.ts';
import { runTable } from './table/run.ts';

const BATCH = 1000;
const CONCURRENT = 5;
const SINGLES_IN_FLIGHT = 1000;

interface Figures {
  produce_s: number;
  consume_s: number;
  single_s: number;
  produce_cpu_us: number;
  consume_cpu_us: number;
  single_cpu_us: number;
}

const cpuUs = (): number => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

async function timed(count: number, work: () => Promise<void>): Promise<{ perSecond: number; cpuUs: number }> {
  const startMs = performance.now();
  const startCpu = cpuUs();
  await work();
  return { perSecond: Math.round((count / (performance.now() - startMs)) * 1000), cpuUs: Math.round(((cpuUs() - startCpu) / count) * 1000) / 1000 };
}

async function produce(client: Client, topic: string, count: number, value: Buffer): Promise<void> {
  const producer = client.producer({ acks: 1 });
  const records = Array.from({ length: BATCH }, () => ({ value }));
  let left = count / BATCH;
  await Promise.all(Array.from({ length: CONCURRENT }, async () => {
    while (left-- > 0) await producer.sendBatch({ topic, partition: 0, records });
  }));
  await producer.close();
}

async function consume(client: Client, topic: string, count: number, sizeBytes: number): Promise<void> {
  const consumer = client.consumer({ autoOffsetReset: 'earliest' });
  consumer.assign([{ topic, partition: 0, start: 0 }]);
  let seen = 0;
  let bytes = 0;
  for await (const batch of consumer.batches()) {
    for (const record of batch) {
      seen += 1;
      bytes += record.value?.length ?? 0;
    }
    if (seen >= count) break;
  }
  if (bytes !== count * sizeBytes) throw new Error(`${bytes} bytes came instead of ${count * sizeBytes}`);
  await consumer.close();
}

async function sendSingles(client: Client, topic: string, count: number, value: Buffer): Promise<void> {
  const producer = client.producer({ acks: 1 });
  let left = count;
  await Promise.all(Array.from({ length: SINGLES_IN_FLIGHT }, async () => {
    while (left-- > 0) await producer.send({ topic, partition: 0, value });
  }));
  await producer.close();
}

async function measure(): Promise<void> {
  const [bootstrap, countText = '1000000', sizeText = '100'] = process.argv.slice(2);
  const count = Math.ceil(Number(countText) / BATCH) * BATCH;
  const sizeBytes = Number(sizeText);
  if (bootstrap === undefined || !(count > 0) || !(sizeBytes >= 0)) {
    console.error('wanted: HOST:PORT N SIZE, or --table [--rounds N] [--share 0..1] [--no-peers] [--results FOLDER]');
    process.exitCode = 2;
    return;
  }
  const client = createClient({ bootstrap });
  const suffix = `${sizeBytes}-${process.pid}-${Date.now()}`;
  const [topic, singlesTopic] = [`bench-client-${suffix}`, `bench-client-single-${suffix}`];
  for (const name of [topic, singlesTopic]) await client.admin.createTopic({ topic: name, partitions: 1 });
  const value = Buffer.alloc(sizeBytes, 97);
  const produced = await timed(count, () => produce(client, topic, count, value));
  const consumed = await timed(count, () => consume(client, topic, count, sizeBytes));
  const singles = Math.max(Math.floor(count / 10), 1);
  const single = await timed(singles, () => sendSingles(client, singlesTopic, singles, value));
  const figures: Figures = {
    produce_s: produced.perSecond, consume_s: consumed.perSecond, single_s: single.perSecond, produce_cpu_us: produced.cpuUs, consume_cpu_us: consumed.cpuUs, single_cpu_us: single.cpuUs,
  };
  await client.admin.deleteTopics([topic, singlesTopic]);
  await client.close();
  console.log(JSON.stringify({ lib: 'tidelog', size: sizeBytes, records: count, ...figures }));
}

if (process.argv[2] === '--table') await runTable(process.argv.slice(2));
else if (process.argv[2] === '--work') {
  console.log(JSON.stringify(await carryOut(JSON.parse(process.argv[3] ?? '') as Order)));
  // others leave timers and sockets behind
  process.exit(0);
} else await measure();
