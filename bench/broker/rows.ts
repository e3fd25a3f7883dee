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
import type { LoadAnswer, LoadOrder } from './load/order.ts';
import { findPeer } from './peers.ts';
import type { Peer } from './peers.ts';
import { startBareNode, startBroker } from './process.ts';
import type { RunningBroker } from './process.ts';
import { residentMegabytes } from './processStats.ts';

const CHILD_TIMEOUT_MS = 180_000;
const START_ROUNDS = 6;
const IDLE_MS = 1500;
/** Of one round: what it leaves in the page cache must not slow down the next ones. */
const BYTES_MAX = 1e9;

type Load = Pick<LoadOrder, 'mode' | 'topicConfig' | 'partitions' | 'connections' | 'inFlight' | 'recordBytes' | 'batchRecords' | 'requestsPerSecond'>;

/** Deleted topics must not fill the disk while the rows go on. */
const DELETE_SOON = { 'file.delete.delay.ms': '1000' };
const FSYNC = { ...DELETE_SOON, 'flush.messages': '1' };
const batches: Load = { mode: 'produce', topicConfig: DELETE_SOON, partitions: 4, connections: 4, inFlight: 5, recordBytes: 100, batchRecords: 1000, requestsPerSecond: 0 };
const small: Load = { ...batches, partitions: 16, connections: 64, inFlight: 1, batchRecords: 1 };

const LOADS: Readonly<Record<string, Load>> = {
  'produce-100B': batches,
  'produce-1KB': { ...batches, recordBytes: 1000, batchRecords: 900 },
  'fetch-1conn': { ...batches, mode: 'fetch', connections: 1 },
  'fetch-4conn': { ...batches, mode: 'fetch' },
  'small-64conn': small,
  'fsync-64conn': { ...small, topicConfig: FSYNC },
  'fsync-100Bx1000': { ...batches, topicConfig: FSYNC },
  'paced-500': { ...small, connections: 8, requestsPerSecond: 500 },
};

export interface BrokerRun {
  readonly root: string;
  readonly loads: readonly Row[];
  readonly starts: readonly Row[];
  readonly options: BenchOptions;
  readonly recorder: Recorder;
  readonly say: (line: string) => void;
}

interface Target {
  readonly contender: string;
  readonly ran: string;
  readonly host: string;
  readonly port: number;
  readonly pid: number;
}

/** Returns the rows that were run or skipped. */
export async function runBrokerRows(run: BrokerRun): Promise<Row[]> {
  const { loads, starts, options, recorder, say } = run;
  const wantsCompare = options.only.length === 0 || options.only.includes('compare');
  if (loads.length === 0 && starts.length === 0 && !wantsCompare) return [];
  const { peer, reason } = await findPeer(run.root, options);
  if (peer === null) say(`\nApache Kafka beside it: SKIPPED, ${reason}`);
  const compared: Row[] = [];
  try {
    for (const row of starts) await runStarts(row, run, peer, reason);
    if (options.withProfile) for (const row of loads) await profileLoad(row, run);
    const broker = await startOrSkip(run);
    if (broker === null) return [...loads, ...starts];
    try {
      await runLoads(run, broker, peer, reason);
      if (peer !== null && wantsCompare && !options.isQuick) compared.push(...runCompare(run.root, broker, peer, options, recorder, say));
    } finally {
      await broker.stop();
    }
  } finally {
    await peer?.stop();
  }
  return [...loads, ...starts, ...compared];
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

function orderFor(row: Row, { host, port, pid }: Pick<Target, 'host' | 'port' | 'pid'>, round: string, options: BenchOptions): LoadOrder {
  const load = LOADS[row.name];
  if (load === undefined) throw new Error(`${row.name} has no load`);
  return {
    ...load,
    host,
    port,
    pid,
    topic: `bench-${row.name}-${process.pid}-${round}`,
    fillBytes: options.isQuick ? 1e6 : 128e6,
    warmUpSeconds: Math.min(options.seconds / 4, 0.5),
    seconds: options.seconds,
    bytesMax: BYTES_MAX,
  };
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
