/** The results as a file: what was measured, on what, and the chart beside it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { NATIVE, WASM } from '../catalogue.ts';
import type { Row } from '../catalogue.ts';
import { chart } from './chart.ts';
import type { Bar, ChartSection } from './chart.ts';
import type { Measurement, Ratio, Recorder, Skipped } from './recorder.ts';

export interface Results {
  readonly date: string;
  /** Short id; `+` behind it: the work tree had changes. */
  readonly commit: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    readonly memoryGigabytes: number;
    readonly system: string;
    readonly node: string;
  };
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly secondsARound: number;
  readonly rows: readonly Pick<Row, 'name' | 'title' | 'group' | 'figures'>[];
  readonly measurements: readonly Measurement[];
  readonly ratios: readonly Ratio[];
  readonly skipped: readonly Skipped[];
}

export interface RunFacts {
  readonly root: string;
  readonly rows: readonly Row[];
  readonly isQuick: boolean;
  readonly rounds: number;
  readonly seconds: number;
}

export function resultsOf(recorder: Recorder, facts: RunFacts): Results {
  return {
    date: new Date().toISOString(),
    commit: commitOf(facts.root),
    machine: {
      cpu: os.cpus()[0]?.model ?? 'unknown',
      cores: os.availableParallelism(),
      memoryGigabytes: Math.round(os.totalmem() / 2 ** 30),
      system: `${os.type()} ${os.release()} ${os.arch()}`,
      node: process.version,
    },
    isQuick: facts.isQuick,
    rounds: facts.rounds,
    secondsARound: facts.seconds,
    rows: facts.rows.map(({ name, title, group, figures }) => ({ name, title, group, figures })),
    measurements: recorder.measurements,
    ratios: recorder.ratios,
    skipped: recorder.skipped,
  };
}

/** Short id, with `+` where the work tree has changes. */
export function commitOf(root: string): string {
  try {
    const git = (...args: string[]): string => execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    return `${git('rev-parse', '--short', 'HEAD')}${git('status', '--porcelain', '--untracked-files=no', '--', 'src', 'native', 'wasm') === '' ? '' : '+'}`;
  } catch {
    return 'unknown';
  }
}

/** Returns the names of the files written. */
export function writeResults(folder: string, results: Results): string[] {
  mkdirSync(folder, { recursive: true });
  const json = `${JSON.stringify(results, null, 1)}\n`;
  const dated = `${results.date.slice(0, 10)}-${results.commit.replace('+', '')}.json`;
  const files: [string, string][] = [[dated, json], ['latest.json', json]];
  const sections = sectionsOf(results);
  if (sections.some((section) => section.bars.length > 0)) files.push(['chart.svg', chart('Tidelog beside its peers, in one run on one machine: how many times better', sections)]);
  for (const [name, content] of files) writeFileSync(path.join(folder, name), content);
  return files.map(([name]) => path.join(folder, name));
}

/** Ours (native where it ran) against each peer in what the row is about; beside Kafka its second figure, the CPU, too. */
function sectionsOf(results: Results): ChartSection[] {
  const isNative = results.ratios.some((ratio) => ratio.contender === NATIVE);
  const barsOf = (groups: readonly string[], figureCount: number, isOfCores = false): Bar[] =>
    results.rows
      .filter((row) => groups.includes(row.group))
      .flatMap((row) =>
        row.figures.slice(0, figureCount).flatMap((figure) =>
          results.ratios
            .filter((ratio) => ratio.row === row.name && ratio.figure === figure.key && (ratio.contender !== WASM || !isNative) && (ratio.peer === WASM) === isOfCores)
            .map((ratio) => ({ label: `${row.title}${figureCount > 1 ? `, ${figure.unit}` : ''}`, peer: ratio.peer, ratio: ratio.ratio })),
        ),
      );
  return [
    { title: 'Storage engine', bars: barsOf(['engine'], 1) },
    { title: 'Broker', bars: barsOf([barsOf(['compare'], 1).length > 0 ? 'compare' : 'broker', 'large', 'start-up'], 2) },
    { title: 'The addon beside WebAssembly', bars: barsOf(['engine'], 1, true) },
  ];
}
