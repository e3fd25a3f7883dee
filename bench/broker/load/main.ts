/** One load process: drives a broker as the order in its last argument says and prints the figures as one line of JSON. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds, residentMegabytes } from '../processStats.ts';
import { openAs } from './entry.ts';
import { Fetching } from './fetching.ts';
import { buildBatch } from './frames.ts';
import type { LoadAnswer, LoadOrder } from './order.ts';
import { Producing } from './producing.ts';
import { Tally } from './tally.ts';
import { createTopic, deleteTopic } from './topic.ts';

interface Loading {
  start(): void;
  stop(): Promise<void>;
}

async function openAll(order: LoadOrder, tally: Tally, fail: (error: Error) => void): Promise<Loading[]> {
  const indices = Array.from({ length: order.connections }, (_, index) => index);
  if (order.mode === 'fetch') {
    await fill(order);
    return Promise.all(indices.map((index) => Fetching.open(order, index, tally, fail)));
  }
  const batch = buildBatch(order.batchRecords, order.recordBytes, order.producers === 'transactional');
  return Promise.all(indices.map((index) => Producing.open(order, index, batch, tally, fail)));
}

async function fill(order: LoadOrder): Promise<void> {
  const batch = buildBatch(order.batchRecords, order.recordBytes);
  const count = Math.ceil(order.fillBytes / batch.length);
  const plain: LoadOrder = { ...order, producers: 'plain' };
  const fillPartition = (partition: number): Promise<void> =>
    new Promise((resolve, reject) => {
      Producing.open(plain, partition, batch, new Tally(), reject).then((producing) => producing.sendSome(count)).then(resolve, reject);
    });
  await Promise.all(Array.from({ length: order.partitions }, (_, partition) => fillPartition(partition)));
}

async function measure(order: LoadOrder): Promise<Record<string, number>> {
  const tally = new Tally(order.mode === 'produce' ? order.bytesMax : Infinity);
  let fail: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, reject) => (fail = reject));
  failed.catch(() => {});
  const loads = await Promise.race([openAll(order, tally, fail), failed]);
  for (const load of loads) load.start();
  // A topic just made may take a while to be written to.
  await Promise.race([tally.begun, failed]);
  await Promise.race([sleep(order.warmUpSeconds * 1000), failed]);
  const cpuBefore = order.pid > 0 ? cpuSeconds(order.pid) : 0;
  const startedAt = performance.now();
  tally.isMeasuring = true;
  await Promise.race([sleep(order.seconds * 1000), tally.full, failed]);
  tally.isMeasuring = false;
  const figures = tally.figures((performance.now() - startedAt) / 1000);
  if (order.pid > 0) addProcessFigures(figures, order.pid, cpuSeconds(order.pid) - cpuBefore, tally);
  await Promise.race([Promise.all(loads.map((load) => load.stop())), failed]);
  return figures;
}

function addProcessFigures(figures: Record<string, number>, pid: number, cpu: number, tally: Tally): void {
  figures['cpuSecondsPerGigabyte'] = cpu / (tally.bytes / 1e9);
  figures['cpuMicrosecondsPerRequest'] = (cpu * 1e6) / tally.requests;
  figures['residentMegabytes'] = residentMegabytes(pid, 'anonymous');
}

const order = JSON.parse(process.argv.at(-1) ?? '') as LoadOrder;
const control = await openAs('administrator', order);
await createTopic(control, order);
const answer: LoadAnswer = { figures: await measure(order) };
await deleteTopic(control, order);
control.close();
console.log(JSON.stringify(answer));
