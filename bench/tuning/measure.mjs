/**
 * One process of the tuning runs: `node measure.mjs FOLDER JSON`. Its variant's `step` is `write` (fills a store, looks up, prints what it measured and dies as by
 * kill -9, with nothing closed) or `recover` (opens what such a writer left).
 */
import { readFileSync, writeSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { openLogs } from '../../dist/storage/index.js';
import { BatchBuilder } from '../../dist/record/build.js';

const RECORD_BYTES = 100;
const LOOKUPS = 2000;
const [folder, json] = process.argv.slice(2);
const { step, settings = {}, records = 1000, stage = 'accepted', inFlight = 1, bytes } = JSON.parse(json);

const percentile = (numbers, fraction) => [...numbers].sort((left, right) => left - right)[Math.floor((numbers.length - 1) * fraction)];
const answer = (figures) => writeSync(1, `${JSON.stringify(figures)}\n`);

/** Memory of its own, MB: without the pages of mapped files, where the system tells them apart. */
function ownMegabytes() {
  globalThis.gc?.();
  try {
    return Number(/^RssAnon:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024;
  } catch {
    return process.memoryUsage.rss() / 2 ** 20;
  }
}

function batchOf(count) {
  const builder = new BatchBuilder(count * (RECORD_BYTES + 12));
  for (let index = 0; index < count; index += 1) builder.append(null, Buffer.alloc(RECORD_BYTES, index), null, Date.now());
  return builder.close();
}

async function append(log, batch, count) {
  const latencies = [];
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  for (let sent = 0; sent < count; sent += inFlight) {
    const before = performance.now();
    await Promise.all(Array.from({ length: inFlight }, () => log.appendBatch(batch)[stage]));
    latencies.push(performance.now() - before);
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { latencies, seconds, cpuSeconds: (user + system) / 1e6 };
}

async function lookUp(log) {
  const lookups = [];
  for (let index = 0; index < LOOKUPS; index += 1) {
    const from = Math.floor((((index * 7919) % 10_007) / 10_007) * log.endOffset);
    const before = performance.now();
    const reader = log.readBatches({ from, to: from + 1, maxBytes: 1, views: true });
    await reader.next();
    await reader.return();
    lookups.push((performance.now() - before) * 1000);
  }
  return lookups;
}

async function write() {
  const batch = batchOf(records);
  const count = Math.max(Math.ceil(bytes / batch.length), 50);
  const before = ownMegabytes();
  const logs = await openLogs(folder, { settings });
  const log = await logs.open('t');
  const { latencies, seconds, cpuSeconds } = await append(log, batch, count);
  const lookups = await lookUp(log);
  const written = count * batch.length;
  answer({
    megabytesPerSecond: written / 1e6 / seconds,
    recordsPerSecond: (count * records) / seconds,
    cpuSecondsPerGigabyte: cpuSeconds / (written / 1e9),
    p50: percentile(latencies, 0.5),
    p99: percentile(latencies, 0.99),
    lookup: percentile(lookups, 0.5),
    memory: Math.max(ownMegabytes() - before, 0),
  });
  process.kill(process.pid, 'SIGKILL');
}

async function recover() {
  const before = performance.now();
  const logs = await openLogs(folder, { settings });
  const milliseconds = performance.now() - before;
  const log = await logs.open('t');
  if (log.sizeBytes < bytes / 2) throw new Error(`only ${log.sizeBytes} bytes were recovered`);
  await logs.close();
  answer({ recovery: milliseconds });
}

await (step === 'write' ? write() : recover());
