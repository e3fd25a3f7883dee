/**
 * `STARTS [COLD]`: the broker inside a test. COLD fresh processes (10), then STARTS starts (1000) in this one; each start goes on to the first record consumed, then
 * everything is closed. Another process does the same without V8's compilers, whose code would look like a leak, and counts what is left of heap, descriptors and
 * handles. Prints medians and what is left; the exit code is 1 where something is.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import path from 'node:path';
import v8 from 'node:v8';
import vm from 'node:vm';
import { createClient, serdes } from '../../src/client/index.ts';
import { startBroker } from '../../src/testing/index.ts';

/** Before this many starts caches fill and code is compiled. */
const WARM_UP = 50;
/** V8's own tables grow a little. */
const LEFT_BYTES_MAX = 200_000;
const COUNTING = 'count-what-is-left';
const NO_COMPILERS = ['--no-opt', '--no-sparkplug'];

interface Holdings {
  readonly heapBytes: number;
  readonly descriptors: number;
  readonly handles: number;
}

v8.setFlagsFromString('--expose-gc');
const collect = vm.runInNewContext('gc') as () => void;

async function holdings(): Promise<Holdings> {
  for (let turn = 0; turn < 5; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    collect();
  }
  let descriptors = -1;
  try {
    descriptors = readdirSync('/proc/self/fd').length;
  } catch {
    // only Linux tells
  }
  return { heapBytes: process.memoryUsage().heapUsed, descriptors, handles: process.getActiveResourcesInfo().length };
}

async function startOnce(): Promise<{ readonly startMs: number; readonly firstRecordMs: number }> {
  const begin = performance.now();
  const broker = await startBroker({ topics: { orders: {} } });
  const started = performance.now();
  const client = createClient({ bootstrap: broker.bootstrap });
  const producer = client.producer({ value: serdes.string });
  await producer.send({ topic: 'orders', value: 'first' });
  const consumer = client.consumer({ value: serdes.string, autoOffsetReset: 'earliest' });
  consumer.subscribe(['orders']);
  const batch = await consumer.nextBatch(20_000);
  const consumed = performance.now();
  if (batch?.toArray().length !== 1) throw new Error('the record did not come');
  await client.close();
  await broker.close();
  return { startMs: started - begin, firstRecordMs: consumed - begin };
}

const median = (values: readonly number[]): number => Math.round([...values].sort((a, b) => a - b)[values.length >> 1]! * 10) / 10;

function coldStarts(count: number): Record<string, number> {
  const script = path.join(import.meta.dirname, '../../bench/testing/cold.mjs');
  const runs = Array.from({ length: count }, () => JSON.parse(execFileSync(process.execPath, [script], { encoding: 'utf8' })) as Record<string, number>);
  return Object.fromEntries(Object.keys(runs[0] ?? {}).map((name) => [name, median(runs.map((run) => run[name] as number))]));
}

async function countLeft(starts: number): Promise<void> {
  for (let start = 0; start < WARM_UP; start++) await startOnce();
  const before = await holdings();
  for (let start = 0; start < starts; start++) await startOnce();
  const after = await holdings();
  console.log(JSON.stringify({ heapBytes: after.heapBytes - before.heapBytes, descriptors: after.descriptors - before.descriptors, handles: after.handles - before.handles }));
}

async function measure(starts: number, cold: number): Promise<void> {
  const coldMedians = coldStarts(cold);
  for (let start = 0; start < WARM_UP; start++) await startOnce();
  const times: { readonly startMs: number; readonly firstRecordMs: number }[] = [];
  const cpu = process.cpuUsage();
  for (let start = 0; start < starts; start++) times.push(await startOnce());
  const { user, system } = process.cpuUsage(cpu);
  const counted = execFileSync(process.execPath, [...NO_COMPILERS, path.join(import.meta.dirname, 'testing.js'), COUNTING, String(starts)], { encoding: 'utf8' });
  const left = JSON.parse(counted) as Holdings;
  console.log(JSON.stringify({
    cold: coldMedians, starts,
    warm: { start_ms: median(times.map(({ startMs }) => startMs)), first_record_ms: median(times.map(({ firstRecordMs }) => firstRecordMs)), cpu_ms: Math.round((user + system) / starts / 100) / 10 },
    left,
  }));
  if (left.heapBytes > LEFT_BYTES_MAX || left.descriptors > 0 || left.handles > 0) {
    console.error('something is left behind');
    process.exitCode = 1;
  }
}

const args = process.argv.slice(2);
if (args[0] === COUNTING) await countLeft(Number(args[1]));
else {
  const [starts = 1000, cold = 10] = args.map(Number);
  if (!(starts > 0) || !(cold > 0)) throw new RangeError('wanted: STARTS [COLD]');
  await measure(starts, cold);
}
