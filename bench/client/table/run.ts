/**
 * `--table`: every library on Tidelog and on an Apache Kafka, by turns, in one run; then @platformatic/kafka's own benchmark with ours in it. Writes
 * bench/results/clients.json and, where it was a whole run, the tables of docs/client.md.
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { findPeer } from '../../broker/peers.ts';
import { startBroker } from '../../broker/process.ts';
import { errorText } from '../../errorText.ts';
import { parseOptions } from '../../options.ts';
import { commitOf } from '../../report/results.ts';
import { summarise } from '../../report/statistics.ts';
import { installLibraries, nodeIn } from '../libraries/installed.ts';
import type { Figure } from '../work.ts';
import { javaIsAbsent, javaVersion, runJava } from './java.ts';
import { fillSource, NODE_LIBRARIES, type Answer, type NodeLibrary, type Order } from './order.ts';
import { markdownOf, withTables, type BrokerTable, type Comparison, type Row } from './report.ts';

const root = path.resolve(import.meta.dirname, '../..');
const CHILD_TIMEOUT_MS = 180_000;
const SIZE_BYTES = 100;
const JAVA = 'Java client';
/** About two seconds of each. */
const COUNTS: Readonly<Record<string, number>> = { tidelog: 3_000_000, '@platformatic/kafka': 500_000, kafkajs: 200_000, [JAVA]: 1_500_000 };
const SINGLES: Readonly<Record<NodeLibrary, number>> = { tidelog: 300_000, '@platformatic/kafka': 30_000, kafkajs: 20_000 };
/** As theirs has it. */
const THEIR_RECORDS = 100_000;
const THEIR_BATCHES = 1000;

interface Run {
  readonly rounds: number;
  /** Part of the records, for a quick look. */
  readonly share: number;
  readonly folder: string;
  readonly libraryError: string;
  readonly version: string;
  /** The program that runs the Node libraries. */
  readonly node: string;
}

type Rounds = Map<string, { readonly version: string; readonly figures: Map<string, Figure[]> }>;

export async function runTable(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({ args: [...args], options: { table: { type: 'boolean' }, rounds: { type: 'string', default: '3' }, share: { type: 'string', default: '1' }, 'no-peers': { type: 'boolean', default: false }, results: { type: 'string' }, node: { type: 'string' } } });
  const [rounds, share] = [Number(values.rounds), Number(values.share)];
  if (!(Number.isInteger(rounds) && rounds > 0) || !(share > 0 && share <= 1)) throw new RangeError('wanted: --table [--rounds N] [--share 0..1] [--no-peers] [--results FOLDER] [--node PROGRAM]');
  const before = os.loadavg()[0] as number;
  const run: Run = { rounds, share, version: (JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }).version, ...findLibraries(values.node) };
  const ours = await startBroker(root);
  const tables: BrokerTable[] = [];
  const kafka = values['no-peers'] ? { peer: null, reason: '--no-peers' } : await findPeer(root, parseOptions([], '')!);
  try {
    tables.push(await measureOn(`Tidelog ${run.version}`, `${ours.host}:${ours.port}`, run));
  } finally {
    await ours.stop();
  }
  if (kafka.peer === null) console.error(`*** SKIPPED: the clients on Apache Kafka: ${kafka.reason}`);
  else {
    try {
      tables.push(await measureOn(`Apache Kafka ${javaVersion() ?? ''}`.trim(), `${kafka.peer.host}:${kafka.peer.port}`, run));
    } finally {
      await kafka.peer.stop();
    }
  }
  report({ date: new Date().toISOString(), commit: commitOf(root), machine: `${os.cpus()[0]?.model ?? 'unknown'}, ${os.availableParallelism()} cores, ${os.type()} ${os.release()}`, node: execFileSync(run.node, ['--version'], { encoding: 'utf8' }).trim().slice(1), loadAverage: { before, after: os.loadavg()[0] as number }, rounds, sizeBytes: SIZE_BYTES, tables }, values.results, share === 1 && kafka.peer !== null);
}

function findLibraries(node: string | undefined): Pick<Run, 'folder' | 'libraryError' | 'node'> {
  try {
    const folder = installLibraries();
    return { folder, libraryError: '', node: node ?? nodeIn(folder) };
  } catch (error) {
    return { folder: '', libraryError: errorText((error as Error).message), node: node ?? process.execPath };
  }
}

async function measureOn(broker: string, bootstrap: string, run: Run): Promise<BrokerTable> {
  const rounds: Rounds = new Map();
  const absent = new Map<string, string>();
  const javaReason = javaIsAbsent(root);
  if (javaReason !== '') absent.set(JAVA, javaReason);
  if (run.libraryError !== '') for (const library of NODE_LIBRARIES) if (library !== 'tidelog') absent.set(library, run.libraryError);
  const attempt = async (contender: string, work: () => Promise<Answer>): Promise<void> => {
    if (absent.has(contender)) return;
    try {
      const answer = await work();
      note(rounds, contender, answer);
      console.error(`${broker}, ${contender}: ${Object.entries(answer.figures).map(([name, { perSecond, cpuUs }]) => `${name} ${Math.round(perSecond)}/s ${cpuUs?.toFixed(2) ?? '-'} us`).join(', ')}`);
    } catch (error) {
      // once failed, a contender has no median of what worked
      absent.set(contender, errorText((error as Error).message));
    }
  };
  for (let round = 0; round < run.rounds; round++) {
    for (const library of NODE_LIBRARIES) await attempt(library, () => runChild(run.node, orderOf(run, library, bootstrap, 'fair', '')));
    await attempt(JAVA, async () => ({ version: javaVersion() ?? '', figures: await runJava(root, bootstrap, scaled(COUNTS[JAVA] as number, run), SIZE_BYTES) }));
  }
  const source = `bench-source-${process.pid}`;
  await fillSource(bootstrap, source, Math.ceil(scaled(THEIR_RECORDS, run) * 1.1));
  for (const library of NODE_LIBRARIES) await attempt(library, () => runChild(run.node, orderOf(run, library, bootstrap, 'theirs', source)));
  const contenders = [...rounds].filter(([contender]) => !absent.has(contender));
  return { broker, rows: contenders.map(([contender, { version, figures }]) => rowOf(contender, version, figures)), absent: [...absent].map(([contender, reason]) => ({ contender, reason })) };
}

const scaled = (count: number, { share }: Run): number => Math.max(Math.ceil((count * share) / 1000) * 1000, 1000);

function orderOf(run: Run, library: NodeLibrary, bootstrap: string, work: Order['work'], sourceTopic: string): Order {
  const [count, secondCount] = work === 'fair' ? [COUNTS[library] as number, SINGLES[library]] : [THEIR_RECORDS, THEIR_BATCHES];
  return { library, version: run.version, folder: run.folder, bootstrap, work, count: scaled(count, run), secondCount: Math.max(Math.ceil(secondCount * run.share), 100), sizeBytes: SIZE_BYTES, sourceTopic };
}

function note(rounds: Rounds, contender: string, { version, figures }: Answer): void {
  const entry = rounds.get(contender) ?? { version, figures: new Map<string, Figure[]>() };
  rounds.set(contender, entry);
  for (const [name, figure] of Object.entries(figures)) entry.figures.set(name, [...(entry.figures.get(name) ?? []), figure]);
}

function rowOf(contender: string, version: string, figures: ReadonlyMap<string, readonly Figure[]>): Row {
  const cpuOf = (all: readonly Figure[]): number[] => all.flatMap(({ cpuUs }) => (cpuUs === null ? [] : [cpuUs]));
  return { contender, version, figures: Object.fromEntries([...figures].map(([name, all]) => [name, { perSecond: summarise(all.map(({ perSecond }) => perSecond)), cpuUs: cpuOf(all).length === 0 ? null : summarise(cpuOf(all)) }])) };
}

/** The child's last line is its answer. */
function runChild(node: string, order: Order): Promise<Answer> {
  const child = spawn(node, [path.join(root, 'dist/bench/client.js'), '--work', JSON.stringify(order)], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const limit = setTimeout(() => child.kill('SIGKILL'), CHILD_TIMEOUT_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(limit);
      if (code === 0) resolve(JSON.parse(output.trimEnd().split('\n').at(-1) ?? '') as Answer);
      else reject(new Error(`it ended with ${signal ?? `code ${code}`}: ${errorText(errors)}`));
    });
  });
}

function report(comparison: Comparison, results: string | undefined, isWhole: boolean): void {
  const text = markdownOf(comparison);
  console.log(text);
  const folder = path.resolve(root, results ?? 'bench/results');
  mkdirSync(folder, { recursive: true });
  const files = [path.join(folder, 'clients.json')];
  writeFileSync(files[0] as string, `${JSON.stringify(comparison, null, 1)}\n`);
  if (isWhole && results === undefined) {
    const handbook = path.join(root, 'docs/client.md');
    writeFileSync(handbook, withTables(readFileSync(handbook, 'utf8'), text));
    files.push(handbook);
  }
  console.error(`written: ${files.map((file) => path.relative(process.cwd(), file)).join(', ')}`);
}
