/** Runs the engine's rows: each round of each contender in a process of its own, contenders in turn so that drift hits all alike. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Row } from '../catalogue.ts';
import { runChild } from '../child.ts';
import type { BenchOptions } from '../options.ts';
import { profileLines } from '../report/profile.ts';
import type { Recorder } from '../report/recorder.ts';
import { sizesFor } from './work.ts';
import type { WorkAnswer, WorkName, WorkOrder } from './work.ts';

const CHILD_TIMEOUT_MS = 180_000;

/** TIDELOG_CORE of each of our contenders. */
const CORES: Readonly<Record<string, string>> = { native: 'native', wasm: 'wasm' };

/** What a process of its own does before the row's. */
const PREPARATIONS: Readonly<Record<string, WorkName>> = { recovery: 'recovery-fill', 'idle-logs': 'idle-fill' };

export async function runEngineRows(rows: readonly Row[], options: BenchOptions, recorder: Recorder, say: (line: string) => void): Promise<void> {
  for (const row of rows) {
    for (let round = 0; round < options.rounds; round += 1) {
      for (const contender of row.contenders) await runRound(row, contender, options, recorder);
    }
    recorder.finishRow(row);
    if (options.withProfile) await profileRow(row, options, recorder, say);
  }
}

/** One more round of each of ours, which does not count. */
async function profileRow(row: Row, options: BenchOptions, recorder: Recorder, say: (line: string) => void): Promise<void> {
  for (const contender of row.contenders) {
    if (CORES[contender] === undefined || recorder.isSkipped(row, contender)) continue;
    const profiles = mkdtempSync(path.join(os.tmpdir(), 'tidelog-bench-profile-'));
    try {
      await inFolder((folder) => prepareAndWork(row, contender, folder, options, profiles));
      profileLines(profiles, `${row.name}, ${contender}`).forEach(say);
    } catch (error) {
      say(`no profile of ${row.name}, ${contender}: ${(error as Error).message}`);
    }
    rmSync(profiles, { recursive: true });
  }
}

async function runRound(row: Row, contender: string, options: BenchOptions, recorder: Recorder): Promise<void> {
  if (recorder.isSkipped(row, contender)) return;
  try {
    const answer = await inFolder((folder) => prepareAndWork(row, contender, folder, options, null));
    if (contender === 'native' && !answer.ran.startsWith('native')) recorder.skip(row, contender, `the addon was not loaded; what ran is: ${answer.ran}`);
    else recorder.add(row, contender, answer.figures, answer.ran);
  } catch (error) {
    recorder.skip(row, contender, (error as Error).message);
  }
}

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
