/**
 * What the settings of a log do: segment size, index interval, flush policy and batch size against throughput, latency, memory and recovery time.
 * `node bench/tuning/run.mjs [--mib N] [--rounds N] [--only NAME,...] [--write]`; needs a build (npm run build). Prints tables; with --write they and the charts
 * (docs/charts/tuning-*.svg) are put into docs/tuning.md. Set TMPDIR to measure another disk.
 */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { tuningChart } from './chart.mjs';

const root = path.resolve(import.meta.dirname, '../..');
const { values } = parseArgs({ options: { mib: { type: 'string', default: '96' }, rounds: { type: 'string', default: '3' }, only: { type: 'string' }, write: { type: 'boolean', default: false } } });
const totalBytes = Number(values.mib) * 2 ** 20;
const rounds = Number(values.rounds);
const TIMEOUT_MS = 300_000;

const median = (numbers) => [...numbers].sort((left, right) => left - right)[numbers.length >> 1];
const fixed = (digits) => (value) => value.toFixed(digits);
const short = (value) => (value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(value >= 0.1 ? 2 : 3));

const COLUMNS = {
  recordsPerSecond: { title: 'thousand records/s', of: (run) => run.recordsPerSecond / 1000, text: fixed(0) },
  megabytesPerSecond: { title: 'MB/s', of: (run) => run.megabytesPerSecond, text: fixed(0) },
  p50: { title: 'append p50, ms', of: (run) => run.p50, text: short },
  p99: { title: 'append p99, ms', of: (run) => run.p99, text: short },
  lookup: { title: 'lookup p50, us', of: (run) => run.lookup, text: short },
  memory: { title: 'memory, MB', of: (run) => run.memory, text: fixed(1) },
  recovery: { title: 'recovery, ms', of: (run) => run.recovery, text: fixed(0) },
};

const MIB = 2 ** 20;
const SETTINGS = [
  {
    name: 'batch-size',
    title: 'Records in a batch (100 bytes each)',
    throughput: 'recordsPerSecond',
    variants: [1, 10, 100, 1000, 5000].map((records) => ({ label: `${records}`, records, bytes: Math.min(totalBytes, records * 6_000_000) })),
  },
  {
    name: 'durability',
    title: 'Durability (flush policy)',
    throughput: 'recordsPerSecond',
    variants: [
      { label: "'none'", bytes: totalBytes / 2 },
      { label: '{ everyMs: 100 }', settings: { durability: { everyMs: 100 } }, bytes: totalBytes / 2 },
      { label: '{ everyMs: 10 }', settings: { durability: { everyMs: 10 } }, bytes: totalBytes / 2 },
      { label: "'everyAppend'", settings: { durability: 'everyAppend' }, stage: 'durable', bytes: totalBytes / 4 },
      { label: "'everyAppend', 16 at a time", settings: { durability: 'everyAppend' }, stage: 'durable', inFlight: 16, bytes: totalBytes / 2 },
    ],
  },
  {
    name: 'segment-size',
    title: 'Segment size',
    throughput: 'megabytesPerSecond',
    variants: [1, 4, 16, 128, 1024].map((mib) => ({ label: `${mib} MiB`, settings: { segmentBytes: mib * MIB } })),
  },
  {
    name: 'index-interval',
    title: 'Index interval (batches of 50 records)',
    throughput: 'megabytesPerSecond',
    variants: [512, 4096, 65_536, MIB].map((bytes) => ({ label: `${bytes} bytes`, settings: { indexIntervalBytes: bytes }, records: 50 })),
  },
];

function child(folder, variant, step) {
  const { status, signal, stdout, stderr } = spawnSync(
    process.execPath, ['--expose-gc', path.join(import.meta.dirname, 'measure.mjs'), folder, JSON.stringify({ bytes: totalBytes, ...variant, step })], { encoding: 'utf8', timeout: TIMEOUT_MS });
  if (step === 'write' ? signal !== 'SIGKILL' || stdout === '' : status !== 0) throw new Error(`${variant.label}, ${step}: ${stderr.trim() || signal || `code ${status}`}`);
  return JSON.parse(stdout);
}

/** A store is filled, its writer killed, and what it left is opened. */
function measure(variant) {
  const folder = mkdtempSync(path.join(tmpdir(), 'tidelog-tuning-'));
  try {
    return { ...child(folder, variant, 'write'), ...child(folder, variant, 'recover') };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Round by round, so that what else the machine does meets all variants alike. */
function runsOf(variants) {
  const runs = variants.map(() => []);
  for (let round = 0; round < rounds; round += 1) variants.forEach((variant, index) => runs[index].push(measure(variant)));
  return runs;
}

function tableOf(setting, runs) {
  const columns = [setting.throughput, 'p50', 'p99', 'lookup', 'memory', 'recovery'].map((name) => COLUMNS[name]);
  const rows = setting.variants.map(({ label }, index) => `| ${label} | ${columns.map(({ of, text }) => text(median(runs[index].map(of)))).join(' | ')} |`);
  return [`| | ${columns.map(({ title }) => title).join(' | ')} |`, `|---|${columns.map(() => '---:|').join('')}`, ...rows].join('\n');
}

function chartOf(setting, runs) {
  const panel = (title, name, wideName) => {
    const { of, text } = COLUMNS[name];
    const rows = setting.variants.map(({ label }, index) => {
      const value = median(runs[index].map(of));
      if (wideName === undefined) return { label, value, text: text(value) };
      const wide = median(runs[index].map(COLUMNS[wideName].of));
      return { label, value, wide, text: `${text(value)}, ${text(wide)}` };
    });
    return { title, rows };
  };
  const throughput = panel(`throughput, ${COLUMNS[setting.throughput].title}`, setting.throughput);
  const latency = panel('latency of an append, ms: median, and p99 behind it', 'p50', 'p99');
  return tuningChart(setting.title, [throughput, latency, panel('memory of its own, MB', 'memory'), panel('recovery after kill -9, ms', 'recovery')]);
}

/** Puts what was measured between the marks of docs/tuning.md. */
function writeDocs(results) {
  const file = path.join(root, 'docs/tuning.md');
  let page = readFileSync(file, 'utf8');
  const put = (name, content) => {
    const marked = new RegExp(`(<!-- measured: ${name} -->\n)[^]*?(<!-- end -->)`);
    if (!marked.test(page)) throw new Error(`docs/tuning.md has no place for ${name}`);
    page = page.replace(marked, (_, before, after) => `${before}${content}\n${after}`);
  };
  put('machine', machineText());
  mkdirSync(path.join(root, 'docs/charts'), { recursive: true });
  for (const { setting, table, chart } of results) {
    put(setting.name, `![${setting.title}](charts/tuning-${setting.name}.svg)\n\n${table}`);
    writeFileSync(path.join(root, `docs/charts/tuning-${setting.name}.svg`), chart);
  }
  writeFileSync(file, page);
}

const machineText = () => `Node ${process.version}, ${cpus().length} x ${cpus()[0].model}, ${values.mib} MiB a run, median of ${rounds}.`;

const wanted = values.only?.split(',') ?? SETTINGS.map(({ name }) => name);
const unknown = wanted.filter((name) => !SETTINGS.some((setting) => setting.name === name));
if (unknown.length > 0) throw new Error(`no setting is called ${unknown.join(', ')}; there are ${SETTINGS.map(({ name }) => name).join(', ')}`);
console.log(machineText());
const results = [];
for (const setting of SETTINGS.filter(({ name }) => wanted.includes(name))) {
  const runs = runsOf(setting.variants);
  const table = tableOf(setting, runs);
  results.push({ setting, table, chart: chartOf(setting, runs) });
  console.log(`\n### ${setting.title}\n\n${table}`);
}
if (values.write) writeDocs(results);
