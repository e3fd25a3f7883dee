/** Our broker as a process of its own, on a free port and an empty folder. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SecurityProtocol } from '../../src/base/securityProtocol.ts';
import { errorText } from '../errorText.ts';
import { cpuSeconds } from './processStats.ts';

const HOST = '127.0.0.1';
const START_TIMEOUT_MS = 20_000;
const STOP_TIMEOUT_MS = 20_000;
const POLL_MS = 1;
const OUTPUT_CHARACTERS_MAX = 10_000;

export interface RunningBroker {
  readonly host: string;
  readonly port: number;
  readonly pid: number;
  /** Of the second listener; 0: there is none. */
  readonly securedPort: number;
  /** From the start of the process to the first connection accepted. */
  readonly startMilliseconds: number;
  /** User and system time until then; drifts less. */
  readonly startCpuMilliseconds: number;
  /** Stops it in order and removes its data. */
  stop(): Promise<void>;
}

export interface BrokerOptions {
  /** Settings of the broker, beside its listener and its folder. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Where its data lies, and stays when it stops; absent: a temporary folder. */
  readonly dataFolder?: string;
  readonly startTimeoutMs?: number;
  /** After this an orderly stop becomes a kill. */
  readonly stopTimeoutMs?: number;
  /** A second listener under the name of its protocol. */
  readonly secured?: SecurityProtocol;
}

/** Rejects with what the broker said when it does not start. */
export async function startBroker(root: string, nodeOptions: readonly string[] = [], options: BrokerOptions = {}): Promise<RunningBroker> {
  const program = path.join(root, 'bin/kafka-server-start');
  if (!existsSync(program)) throw new Error('bin/kafka-server-start is not there');
  const securedPort = options.secured === undefined ? 0 : await freePort();
  const broker = await startListening((port, folder) => {
    const second = options.secured === undefined ? '' : `,${options.secured}://${HOST}:${securedPort}`;
    const listener = `PLAINTEXT://${HOST}:${port}${second}`;
    const own = Object.entries(options.settings ?? {}).map(([key, value]) => `${key}=${value}`);
    const overrides = [`listeners=${listener}`, `advertised.listeners=${listener}`, `log.dirs=${options.dataFolder ?? path.join(folder, 'data')}`, ...own];
    return [...nodeOptions, program, ...overrides.flatMap((setting) => ['--override', setting])];
  }, options.startTimeoutMs, options.stopTimeoutMs);
  return { ...broker, securedPort };
}

/** What no program of Node can beat: one that does nothing but listen. */
export async function startBareNode(): Promise<RunningBroker> {
  return startListening((port) => ['--eval', `require('node:net').createServer().listen(${port}, '${HOST}')`]);
}

async function startListening(argumentsFor: (port: number, folder: string) => string[], timeoutMs = START_TIMEOUT_MS, stopTimeoutMs = STOP_TIMEOUT_MS): Promise<RunningBroker> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'tidelog-bench-broker-'));
  const port = await freePort();
  const startedAt = performance.now();
  const child = spawn(process.execPath, argumentsFor(port, folder), { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = outputOf(child);
  const stop = (): Promise<void> => stopBroker(child, folder, stopTimeoutMs);
  try {
    await untilListening(child, port, output, timeoutMs);
  } catch (error) {
    await stop();
    throw error;
  }
  const pid = child.pid as number;
  return { host: HOST, port, pid, securedPort: 0, startMilliseconds: performance.now() - startedAt, startCpuMilliseconds: cpuSeconds(pid) * 1000, stop };
}

function outputOf(child: ChildProcess): () => string {
  let text = '';
  const take = (piece: Buffer): void => {
    text = (text + piece.toString()).slice(-OUTPUT_CHARACTERS_MAX);
  };
  child.stdout?.on('data', take);
  child.stderr?.on('data', take);
  return () => text.trim();
}

async function untilListening(child: ChildProcess, port: number, output: () => string, timeoutMs: number): Promise<void> {
  let failure: string | null = null;
  child.once('error', (error) => (failure = error.message));
  child.once('exit', (code, signal) => (failure = `it ended with ${signal ?? `code ${code}`}`));
  const end = performance.now() + timeoutMs;
  while (!(await accepts(port))) {
    if (failure !== null || performance.now() > end) throw new Error(`the broker did not start: ${failure ?? 'it does not listen'}; ${errorText(output())}`);
    await sleep(POLL_MS);
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, HOST);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function stopBroker(child: ChildProcess, folder: string, timeoutMs: number): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
    await ended;
    clearTimeout(timer);
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, HOST, () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
