/**
 * A real Apache Kafka to measure beside ours: one that runs already (`--peer`), or one started by the scripts of a peers folder
 * (TIDELOG_PEERS, or `../shared/peers` beside the project), which also holds the load program `compare`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { BenchOptions } from '../options.ts';

const START_TIMEOUT_MS = 300_000;
const STOP_TIMEOUT_MS = 30_000;
const PORT = 29_092;

export interface Peer {
  readonly host: string;
  readonly port: number;
  /** 0 when it is not known. */
  readonly pid: number;
  /** Process start to listening, null where it was running already. */
  readonly startMilliseconds: number | null;
  stop(): Promise<void>;
}

export interface PeerSearch {
  readonly peer: Peer | null;
  /** Why there is none; '' when there is. */
  readonly reason: string;
}

/** The folder with the scripts, or null. */
export function peersFolder(root: string): string | null {
  const folder = path.resolve(root, process.env['TIDELOG_PEERS'] ?? '../shared/peers');
  return existsSync(path.join(folder, 'kafka-up')) ? folder : null;
}

export async function findPeer(root: string, options: BenchOptions): Promise<PeerSearch> {
  if (options.peer !== null) return { peer: { ...options.peer, startMilliseconds: null, stop: async () => {} }, reason: '' };
  if (!options.withPeers) return { peer: null, reason: options.isQuick ? 'not in a quick run' : '--no-peers' };
  const folder = peersFolder(root);
  if (folder === null) return { peer: null, reason: 'no Apache Kafka to start: give --peer HOST:PORT,PID or TIDELOG_PEERS=FOLDER' };
  if (!runs('java', '-version')) return { peer: null, reason: 'no Java on the path' };
  try {
    return { peer: startKafka(folder), reason: '' };
  } catch (error) {
    return { peer: null, reason: (error as Error).message };
  }
}

function startKafka(scripts: string): Peer {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-bench-kafka-'));
  shareJars(folder);
  const result = spawnSync(path.join(scripts, 'kafka-up'), [String(PORT), folder], { encoding: 'utf8', timeout: START_TIMEOUT_MS });
  const [pid, seconds] = (result.stdout ?? '').trim().split(/\s+/).map(Number);
  if (result.status !== 0 || !(Number(pid) > 0)) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(`Apache Kafka did not start: ${(result.stderr ?? '').trim().split('\n').at(-1) ?? ''}`);
  }
  return { host: '127.0.0.1', port: PORT, pid: Number(pid), startMilliseconds: Number(seconds) * 1000, stop: () => stopKafka(Number(pid), folder) };
}

/** The jars are fetched once for all runs, where `kafka-up` keeps them. */
export function shareJars(folder: string): void {
  const shared = path.join(os.tmpdir(), 'peer-kafka', 'lib');
  mkdirSync(shared, { recursive: true });
  symlinkSync(shared, path.join(folder, 'lib'));
}

async function stopKafka(pid: number, folder: string): Promise<void> {
  const end = Date.now() + STOP_TIMEOUT_MS;
  signal(pid, 'SIGTERM');
  while (signal(pid, 0)) {
    if (Date.now() > end) signal(pid, 'SIGKILL');
    await sleep(100);
  }
  rmSync(folder, { recursive: true, force: true });
}

/** False when there is no such process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    process.kill(pid, name);
    return true;
  } catch {
    return false;
  }
}

/** Whether a program is there and runs. */
export function runs(program: string, ...args: string[]): boolean {
  return spawnSync(program, args, { stdio: 'ignore' }).status === 0;
}
