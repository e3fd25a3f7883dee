/**
 * What the settings of a log do: segment size, index interval, flush policy and batch size against throughput, lookups, recovery and memory. Prints the tables of
 * docs/tuning.md. `node bench/tuning/run.mjs [FOLDER] [MIB]`; needs a build (npm run build).
 */
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { openLogs } from '../../dist/storage/index.js';
import { BatchBuilder } from '../../dist/record/build.js';

const root = mkdtempSync(path.join(process.argv[2] ?? tmpdir(), 'tidelog-tuning-'));
const totalBytes = Number(process.argv[3] ?? 128) * 2 ** 20;
const ROUNDS = 3;
const RECORD_BYTES = 100;

const batchOf = (records) => {
  const builder = new BatchBuilder(records * 110);
  for (let index = 0; index < records; index += 1) builder.append(null, Buffer.alloc(RECORD_BYTES, index), null, Date.now());
  return builder.close();
};
const median = (numbers) => [...numbers].sort((left, right) => left - right)[numbers.length >> 1];
const percentile = (numbers, fraction) => [...numbers].sort((left, right) => left - right)[Math.floor((numbers.length - 1) * fraction)];

/** Appends, looks up, and recovers a copy as after a kill. */
async function measure({ settings = {}, records = 1000, stage = 'accepted', bytes = totalBytes, inFlight = 1 }) {
  const folder = path.join(root, 'store');
  rmSync(folder, { recursive: true, force: true });
  const logs = await openLogs(folder, { settings });
  const log = await logs.open('t');
  const batch = batchOf(records);
  const count = Math.max(Math.ceil(bytes / batch.length), 50);
  const latencies = [];
  const started = performance.now();
  for (let sent = 0; sent < count; sent += inFlight) {
    const before = performance.now();
    await Promise.all(Array.from({ length: inFlight }, () => log.appendBatch(batch)[stage]));
    latencies.push(performance.now() - before);
  }
  const seconds = (performance.now() - started) / 1000;
  const lookups = [];
  for (let index = 0; index < 2000; index += 1) {
    const from = Math.floor(((index * 7919) % 10_007) / 10_007 * log.endOffset);
    const before = performance.now();
    const reader = log.readBatches({ from, to: from + 1, maxBytes: 1, views: true });
    await reader.next();
    await reader.return();
    lookups.push((performance.now() - before) * 1000);
  }
  const copy = path.join(root, 'copy');
  rmSync(copy, { recursive: true, force: true });
  cpSync(folder, copy, { recursive: true });
  for (const name of ['.lock', '.kafka_cleanshutdown', 'recovery-point-offset-checkpoint']) if (existsSync(path.join(copy, name))) rmSync(path.join(copy, name));
  const before = performance.now();
  const recovered = await openLogs(copy, { settings });
  const recoverySeconds = (performance.now() - before) / 1000;
  await recovered.close();
  const segments = Math.ceil(log.sizeBytes / (settings.segmentBytes ?? 2 ** 30));
  await logs.close();
  return {
    mbps: (count * batch.length) / 1e6 / seconds, recordsPerSecond: (count * records) / seconds,
    p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99), lookup: percentile(lookups, 0.5), recoverySeconds, segments,
    recoveryMBps: (count * batch.length) / 1e6 / recoverySeconds,
  };
}

async function table(title, columns, variants) {
  const rows = variants.map(({ name }) => ({ name, runs: [] }));
  // Round by round, so that what else the machine does meets all variants alike.
  for (let round = 0; round < ROUNDS; round += 1) for (const [index, variant] of variants.entries()) rows[index].runs.push(await measure(variant));
  console.log(`\n### ${title}\n\n| | ${columns.map(({ name }) => name).join(' | ')} | |\n|---|${columns.map(() => '---:|').join('')}---|`);
  const valueOf = (row, { of }) => median(row.runs.map(of));
  const largest = Math.max(...rows.map((row) => valueOf(row, columns[0])));
  for (const row of rows) {
    const cells = columns.map((column) => column.text(valueOf(row, column)));
    console.log(`| ${row.name} | ${cells.join(' | ')} | ${'█'.repeat(Math.max(1, Math.round((valueOf(row, columns[0]) / largest) * 30)))} |`);
  }
}

const mbps = { name: 'MB/s', of: (run) => run.mbps, text: (value) => value.toFixed(0) };
const krecords = { name: 'thousand records/s', of: (run) => run.recordsPerSecond / 1000, text: (value) => value.toFixed(0) };
const p50 = { name: 'append p50, ms', of: (run) => run.p50, text: (value) => value.toFixed(3) };
const p99 = { name: 'append p99, ms', of: (run) => run.p99, text: (value) => value.toFixed(3) };
const lookup = { name: 'lookup p50, us', of: (run) => run.lookup, text: (value) => value.toFixed(0) };
const recovery = { name: 'recovery, MB/s', of: (run) => run.recoveryMBps, text: (value) => value.toFixed(0) };

try {
  console.log(`Node ${process.version}, ${cpus().length} x ${cpus()[0].model}, ${(totalBytes / 2 ** 20).toFixed(0)} MiB a run, median of ${ROUNDS}.`);
  await measure({ bytes: 2 ** 24 });
  await table('Segment size', [mbps, p99, lookup, recovery], [1, 16, 128, 1024].map((mib) => ({ name: `${mib} MiB`, settings: { segmentBytes: mib * 2 ** 20 } })));
  await table('Index interval', [lookup, mbps], [512, 4096, 65_536, 1_048_576].map((bytes) => ({ name: `${bytes} bytes`, settings: { indexIntervalBytes: bytes }, records: 50 })));
  await table('Records in a batch', [krecords, mbps, p50], [1, 10, 100, 1000].map((records) => ({ name: `${records}`, records, bytes: Math.min(totalBytes, records * 6_000_000) })));
  await table('Durability', [krecords, p50, p99], [
    { name: "'none'", bytes: 2 ** 26 },
    { name: '{ everyMs: 100 }', settings: { durability: { everyMs: 100 } }, bytes: 2 ** 26 },
    { name: '{ everyMs: 10 }', settings: { durability: { everyMs: 10 } }, bytes: 2 ** 26 },
    { name: "'everyAppend', one at a time", settings: { durability: 'everyAppend' }, stage: 'durable', bytes: 2 ** 25 },
    { name: "'everyAppend', 16 at a time", settings: { durability: 'everyAppend' }, stage: 'durable', inFlight: 16, bytes: 2 ** 26 },
  ]);
} finally {
  rmSync(root, { recursive: true, force: true });
}
