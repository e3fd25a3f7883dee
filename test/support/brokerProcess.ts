/** Starts `bin/kafka-server-start` as a process of its own, for tests that kill it, starve it or watch its memory. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const projectRoot = fileURLToPath(new URL('../../', import.meta.url));

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as net.AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

export async function temporaryFolder(label: string): Promise<string> {
  return mkdtemp(path.join(os.tmpdir(), `tidelog-${label}-`));
}

export interface BrokerProcess {
  readonly address: string;
  readonly port: number;
  readonly dataFolder: string;
  readonly pid: number;
  /** What it printed so far. */
  readonly output: () => string;
  /** Milliseconds from spawn to a port that accepts. */
  readonly startMs: number;
  kill(signal: NodeJS.Signals): Promise<number | null>;
  /** SIGTERM, then removes the data folder when it was made here. */
  close(): Promise<void>;
}

export interface BrokerOptions {
  readonly port?: number;
  readonly dataFolder?: string;
  readonly overrides?: Readonly<Record<string, string | number>>;
  readonly environment?: Readonly<Record<string, string>>;
  /** Further words of the command line. */
  readonly flags?: readonly string[];
  /** What stands before the command line: a program that replaces itself by the broker (`prlimit`, `nsenter`). */
  readonly prefix?: readonly string[];
}

const acceptsConnections = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });

/** Spawns a broker without waiting for it: for tests that kill it while it starts. */
export function spawnBroker(port: number, dataFolder: string, options: BrokerOptions = {}): { child: ChildProcess; output: () => string } {
  const settings: Record<string, string | number> = {
    listeners: `PLAINTEXT://127.0.0.1:${port}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'log.dirs': dataFolder,
    'group.initial.rebalance.delay.ms': 0,
    ...options.overrides,
  };
  const overrides = Object.entries(settings).flatMap(([key, value]) => ['--override', `${key}=${value}`]);
  const [program, ...words] = [...(options.prefix ?? []), process.execPath, path.join(projectRoot, 'bin/kafka-server-start'), ...overrides, ...(options.flags ?? [])] as [string, ...string[]];
  const child = spawn(program, words, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...options.environment },
  });
  let text = '';
  const collect = (piece: Buffer) => {
    text = (text + piece.toString()).slice(-200_000);
  };
  child.stdout.on('data', collect);
  child.stderr.on('data', collect);
  return { child, output: () => text };
}

export async function startBroker(options: BrokerOptions = {}): Promise<BrokerProcess> {
  const port = options.port ?? (await freePort());
  const dataFolder = options.dataFolder ?? (await temporaryFolder('broker'));
  const begun = performance.now();
  const { child, output } = spawnBroker(port, dataFolder, options);
  const exited = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
  let exitCode: number | null | undefined;
  void exited.then((code) => (exitCode = code));
  while (!(await acceptsConnections(port))) {
    if (exitCode !== undefined) throw new Error(`the broker ended with ${exitCode}:\n${output()}`);
    if (performance.now() - begun > 60_000) throw new Error(`the broker does not listen:\n${output()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  const startMs = performance.now() - begun;
  const kill = async (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  return {
    address: `127.0.0.1:${port}`, port, dataFolder, pid: child.pid ?? -1, output, startMs, kill,
    async close() {
      await kill('SIGTERM');
      if (options.dataFolder === undefined) await rm(dataFolder, { recursive: true, force: true });
    },
  };
}
