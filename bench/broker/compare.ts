/** The rows of the peers folder's own `compare`: the same prebuilt load, by a program that is not ours, on both brokers in turn. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import type { Figure, Row } from '../catalogue.ts';
import type { BenchOptions } from '../options.ts';
import type { Recorder } from '../report/recorder.ts';
import { peersFolder, runs } from './peers.ts';
import type { Peer } from './peers.ts';
import type { RunningBroker } from './process.ts';

const TIMEOUT_MS = 1_800_000;

/** Figures as `compare` names them. */
const FIGURES: Readonly<Record<string, Figure>> = {
  rec_s: { key: 'rec_s', unit: 'M records/s', better: 'higher', scale: 1e-6 },
  MB_s: { key: 'MB_s', unit: 'MB/s', better: 'higher' },
  req_s: { key: 'req_s', unit: 'k req/s', better: 'higher', scale: 1e-3 },
  cpu_s_per_GB: { key: 'cpu_s_per_GB', unit: 'CPU-s/GB', better: 'lower' },
  cpu_us_per_req: { key: 'cpu_us_per_req', unit: 'us CPU/req', better: 'lower' },
  p50_ms: { key: 'p50_ms', unit: 'p50 ms', better: 'lower' },
  p99_ms: { key: 'p99_ms', unit: 'p99 ms', better: 'lower' },
};

type Side = Readonly<Record<string, number>>;
interface ComparedRow {
  readonly ours?: Side;
  readonly peer?: Side;
  readonly ours_error?: string;
  readonly peer_error?: string;
}

/** Returns the rows that were run; says so when it cannot run. `compare` gives medians only. */
export function runCompare(root: string, broker: RunningBroker, peer: Peer, options: BenchOptions, recorder: Recorder, say: (line: string) => void): Row[] {
  const folder = peersFolder(root);
  const missing = [folder === null ? 'the peers folder' : '', runs('go', 'version') ? '' : 'go', runs('python3', '--version') ? '' : 'python3'].filter((name) => name !== '');
  if (folder === null || missing.length > 0) {
    say(`\ncompare: SKIPPED, missing: ${missing.join(', ')}`);
    return [];
  }
  const address = ({ host, port }: { host: string; port: number }): string => `${host}:${port}`;
  const args = [address(broker), String(broker.pid), address(peer), String(peer.pid), '--rounds', String(options.rounds), '--seconds', String(options.seconds), '--json'];
  say('\ncompare: runs ...');
  const result = spawnSync(path.join(folder, 'compare'), args, { encoding: 'utf8', timeout: TIMEOUT_MS });
  if (result.status !== 0) {
    say(`compare: FAILED: ${(result.stderr ?? '').trim().split('\n').at(-1) ?? ''}`);
    return [];
  }
  const compared = JSON.parse(result.stdout) as Record<string, ComparedRow>;
  return Object.entries(compared).map(([name, row]) => record(name, row, recorder));
}

function record(name: string, compared: ComparedRow, recorder: Recorder): Row {
  const keys = Object.keys(compared.ours ?? compared.peer ?? {}).filter((key) => FIGURES[key] !== undefined);
  const row: Row = { name: `compare ${name}`, title: name, group: 'compare', figures: keys.map((key) => FIGURES[key] as Figure), contenders: ['tidelog', 'kafka'] };
  add(row, 'tidelog', compared.ours, compared.ours_error, recorder);
  add(row, 'kafka', compared.peer, compared.peer_error, recorder);
  recorder.finishRow(row);
  return row;
}

function add(row: Row, contender: string, side: Side | undefined, error: string | undefined, recorder: Recorder): void {
  if (side === undefined) return recorder.skip(row, contender, error ?? 'not run');
  if ((side['errors'] ?? 0) > 0) return recorder.skip(row, contender, `${side['errors']} requests failed`);
  recorder.add(row, contender, side, contender);
}
