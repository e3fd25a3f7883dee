/** Runs the engine's rows: each round of each contender in a process of its own, contenders in turn so that drift hits all alike. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Row } from '../catalogue.ts';
import { runChild } from '../child.ts';
import type { BenchOptions } from '../options.ts';
import { profileLines } from '../report/profile.ts';
import type { Recorder } from '../report/recorder.ts';
import { sizesFor } from './work.ts';
import type { WorkAnswer, WorkName, WorkOrder } from './work.ts';

const CHILD_TIMEOUT_MS = 600_000;

/** TIDELOG_CORE of each of our contenders. */
const CORES: Readonly<Record<string, string>> = { native: 'native', wasm: 'wasm' };

/** What a process of its own does before the row's. */
const PREPARATIONS: Readonly<Record<string, WorkName>> = { recovery: 'recovery-fill' };
/** The same once for all rounds: they leave what they find as it was. */
const SHARED_PREPARATIONS: Readonly<Record<string, WorkName>> = { 'idle-logs': 'idle-fill', 'lookup-100GB': 'large-fill' };

export async function runEngineRows(rows: readonly Row[], options: BenchOptions, recorder: Recorder, say: (line: string) => void): Promise<void> {
  for (const row of rows) {
    const preparation = SHARED_PREPARATIONS[row.name];
    if (preparation === undefined) await runRow(row, null, options, recorder, say);
    else await inFolder((folder) => runPrepared(row, preparation, folder, options, recorder, say));
  }
}

async function runPrepared(row: Row, preparation: WorkName, folder: string, options: BenchOptions, recorder: Recorder, say: (line: string) => void): Promise<void> {
  try {
    await prepare(preparation, row, folder, options);
  } catch (error) {
    for (const contender of row.contenders) recorder.skip(row, contender, (error as Error).message);
  }
  await runRow(row, folder, options, recorder, say);
}

/** By the first of ours that can be had: the files are the same. */
async function prepare(preparation: WorkName, row: Row, folder: string, options: BenchOptions): Promise<void> {
  const makers = row.contenders.filter((contender) => CORES[contender] !== undefined);
  for (const [index, contender] of makers.entries()) {
    try {
      await work(preparation, contender, folder, options, null);
      return;
    } catch (error) {
      if (index + 1 === makers.length) throw error;
      rmSync(folder, { recursive: true });
      mkdirSync(folder);
    }
  }
}

/** `shared`: the folder of all rounds; null: each has its own. */
async function runRow(row: Row, shared: string | null, options: BenchOptions, recorder: Recorder, say: (line: string) => void): Promise<void> {
  for (let round = 0; round < options.rounds; round += 1) {
    for (const contender of row.contenders) await runRound(row, contender, shared, options, recorder);
  }
  recorder.finishRow(row);
  if (options.withProfile) await profileRow(row, shared, options, recorder, say);
}

/** One more round of each of ours, which does not count. */
async function profileRow(row: Row, shared: string | null, options: BenchOptions, recorder: Recorder, say: (line: string) => void): Promise<void> {
  for (const contender of row.contenders) {
    if (CORES[contender] === undefined || recorder.isSkipped(row, contender)) continue;
    const profiles = mkdtempSync(path.join(os.tmpdir(), 'tidelog-bench-profile-'));
    try {
      await within(shared, (folder) => prepareAndWork(row, contender, folder, options, profiles));
      profileLines(profiles, `${row.name}, ${contender}`).forEach(say);
    } catch (error) {
      say(`no profile of ${row.name}, ${contender}: ${(error as Error).message}`);
    }
    rmSync(profiles, { recursive: true });
  }
}

async function runRound(row: Row, contender: string, shared: string | null, options: BenchOptions, recorder: Recorder): Promise<void> {
  if (recorder.isSkipped(row, contender)) return;
  try {
    const answer = await within(shared, (folder) => prepareAndWork(row, contender, folder, options, null));
    if (contender === 'native' && !answer.ran.startsWith('native')) recorder.skip(row, contender, `the addon was not loaded; what ran is: ${answer.ran}`);
    else recorder.add(row, contender, answer.figures, answer.ran);
  } catch (error) {
    recorder.skip(row, contender, (error as Error).message);
  }
}

const within = <T>(shared: string | null, work: (folder: string) => Promise<T>): Promise<T> => (shared === null ? inFolder(work) : work(shared));

async function inFolder<T>(work: (folder: string) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-bench-'));
  try {
    return await work(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function prepareAndWork(row: Row, contender: string, folder: string, options: BenchOptions, profileFolder: string | null): Promise<WorkAnswer> {
  const preparation = PREPARATIONS[row.name];
  if (preparation !== undefined) await work(preparation, contender, folder, options, null);
  return work(row.name as WorkName, contender, folder, options, profileFolder);
}

async function work(name: WorkName, contender: string, folder: string, options: BenchOptions, profileFolder: string | null): Promise<WorkAnswer> {
  const sizes = sizesFor(options.seconds, options.isQuick);
  const order: WorkOrder = { work: name, contender, folder, sizes, startedAtMs: performance.timeOrigin + performance.now(), profileFolder };
  const core = CORES[contender];
  const answer = await runChild({
    program: 'engine',
    order,
    ...(core === undefined ? {} : { env: { TIDELOG_CORE: core } }),
    nodeOptions: ['--expose-gc'],
    timeoutMs: CHILD_TIMEOUT_MS,
    ...(name === 'recovery-fill' ? { expectedSignal: 'SIGKILL' as const } : {}),
  });
  return answer as WorkAnswer;
}
