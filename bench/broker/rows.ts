/** Runs the broker's rows: our broker, and a Kafka where one is to be had, under the same load in turn. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Row } from '../catalogue.ts';
import { runChild } from '../child.ts';
import type { BenchOptions } from '../options.ts';
import { profileLines, profileOptions } from '../report/profile.ts';
import type { Recorder } from '../report/recorder.ts';
import { runCompare } from './compare.ts';
import type { LoadAnswer } from './load/order.ts';
import { orderFor } from './loads.ts';
import type { Target } from './loads.ts';
import { findPeer } from './peers.ts';
import type { Peer } from './peers.ts';
import { startBareNode, startBroker } from './process.ts';
import type { RunningBroker } from './process.ts';
import { residentMegabytes } from './processStats.ts';
import { runSecuredRows } from './securedRows.ts';

const CHILD_TIMEOUT_MS = 180_000;
const START_ROUNDS = 6;
const IDLE_MS = 1500;
export interface BrokerRun {
  readonly root: string;
  readonly loads: readonly Row[];
  readonly secured: readonly Row[];
  readonly starts: readonly Row[];
  readonly options: BenchOptions;
  readonly recorder: Recorder;
  readonly say: (line: string) => void;
}

/** Returns the rows that were run or skipped. */
export async function runBrokerRows(run: BrokerRun): Promise<Row[]> {
  const { loads, secured, starts, options, recorder, say } = run;
  const wantsCompare = options.only.length === 0 || options.only.includes('compare');
  if (loads.length === 0 && secured.length === 0 && starts.length === 0 && !wantsCompare) return [];
  const { peer, reason } = await findPeer(run.root, options);
  if (peer === null) say(`\nApache Kafka beside it: SKIPPED, ${reason}`);
  const compared: Row[] = [];
  try {
    for (const row of starts) await runStarts(row, run, peer, reason);
    if (options.withProfile) for (const row of loads) await profileLoad(row, run);
    const broker = loads.length === 0 && !wantsCompare ? null : await startOrSkip(run);
    try {
      if (broker !== null) await runLoads(run, broker, peer, reason);
      if (broker !== null && peer !== null && wantsCompare && !options.isQuick) compared.push(...runCompare(run.root, broker, peer, options, recorder, say));
    } finally {
      await broker?.stop();
    }
    await runSecuredRows({ ...run, rows: secured, peer, reason });
  } finally {
    await peer?.stop();
  }
  return [...loads, ...secured, ...starts, ...compared];
}

async function startOrSkip({ root, loads, recorder }: BrokerRun): Promise<RunningBroker | null> {
  try {
    return await startBroker(root);
  } catch (error) {
    for (const row of loads) {
      for (const contender of row.contenders) recorder.skip(row, contender, contender === 'tidelog' ? (error as Error).message : 'not without ours');
      recorder.finishRow(row);
    }
    return null;
  }
}

async function runStarts(row: Row, { root, options, recorder }: BrokerRun, peer: Peer | null, reason: string): Promise<void> {
  const starts: Readonly<Record<string, () => Promise<RunningBroker>>> = { tidelog: () => startBroker(root), 'bare node': startBareNode };
  for (let round = 0; round < (options.isQuick ? 1 : START_ROUNDS); round += 1) {
    for (const [contender, start] of Object.entries(starts)) await startOnce(row, contender, start, options, recorder);
  }
  if (peer === null || peer.startMilliseconds === null || peer.pid === 0) recorder.skip(row, 'kafka', peer === null ? reason : 'it was running already');
  else recorder.add(row, 'kafka', { milliseconds: peer.startMilliseconds, idleResidentMegabytes: residentMegabytes(peer.pid, 'all') }, 'kafka');
  recorder.finishRow(row);
}

async function startOnce(row: Row, contender: string, start: () => Promise<RunningBroker>, options: BenchOptions, recorder: Recorder): Promise<void> {
  if (recorder.isSkipped(row, contender)) return;
  try {
    const { startMilliseconds, startCpuMilliseconds, pid, stop } = await start();
    try {
      await sleep(options.isQuick ? 0 : IDLE_MS);
      recorder.add(row, contender, { milliseconds: startMilliseconds, cpuMilliseconds: startCpuMilliseconds, idleResidentMegabytes: residentMegabytes(pid, 'all') }, contender);
    } finally {
      await stop();
    }
  } catch (error) {
    recorder.skip(row, contender, (error as Error).message);
  }
}

async function runLoads({ loads, options, recorder }: BrokerRun, broker: RunningBroker, peer: Peer | null, reason: string): Promise<void> {
  const targets: Target[] = [{ contender: 'tidelog', ran: 'tidelog', host: broker.host, port: broker.port, pid: broker.pid }];
  if (peer !== null) targets.push({ contender: 'kafka', ran: 'kafka', host: peer.host, port: peer.port, pid: peer.pid });
  for (const row of loads) {
    if (peer === null) recorder.skip(row, 'kafka', reason);
    // An uncounted round first where a just-in-time compiler of somebody else's has to warm up.
    for (let round = peer === null ? 0 : -1; round < options.rounds; round += 1) {
      for (const target of targets) await runRound(row, target, round, options, recorder);
    }
    recorder.finishRow(row);
  }
}

/** The row once more on a broker of its own; it does not count. */
async function profileLoad(row: Row, { root, options, say }: BrokerRun): Promise<void> {
  const profiles = mkdtempSync(path.join(os.tmpdir(), 'tidelog-bench-profile-'));
  try {
    const broker = await startBroker(root, profileOptions(profiles));
    try {
      await runChild({ program: 'load', order: orderFor(row, broker, 'profile', options), timeoutMs: CHILD_TIMEOUT_MS });
    } finally {
      await broker.stop();
    }
    profileLines(profiles, row.name).forEach(say);
  } catch (error) {
    say(`no profile of ${row.name}: ${(error as Error).message}`);
  }
  rmSync(profiles, { recursive: true });
}

async function runRound(row: Row, target: Target, round: number, options: BenchOptions, recorder: Recorder): Promise<void> {
  if (recorder.isSkipped(row, target.contender)) return;
  try {
    const answer = (await runChild({ program: 'load', order: orderFor(row, target, `round-${round + 1}`, options), timeoutMs: CHILD_TIMEOUT_MS })) as LoadAnswer;
    if (round >= 0) recorder.add(row, target.contender, answer.figures, target.ran);
  } catch (error) {
    recorder.skip(row, target.contender, (error as Error).message);
  }
}
