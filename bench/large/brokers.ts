/** Brokers that are started on the same folder again and again, and killed. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuSeconds } from '../broker/processStats.ts';
import { shareJars } from '../broker/peers.ts';

const HOST = '127.0.0.1';
const STOP_TIMEOUT_MS = 60_000;
const POLL_MS = 20;

export interface LargeBroker {
  readonly contender: string;
  readonly host: string;
  readonly port: number;
  /** Its log directory. */
  readonly logFolder: string;
  readonly pid: number;
  /** Returns performance.now() of the moment before. */
  start(): number;
  /** Why it does not run any more. */
  failure(): string | null;
  cpuSeconds(): number;
  kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void>;
}

abstract class StartedBroker implements LargeBroker {
  abstract readonly contender: string;
  abstract readonly logFolder: string;
  readonly host = HOST;
  readonly port: number;
  protected child: ChildProcess | null = null;
  #output = '';
  #ended: string | null = null;

  constructor(port: number) {
    this.port = port;
  }

  protected abstract command(): readonly [string, readonly string[]];
  abstract get pid(): number;

  start(): number {
    this.#ended = null;
    this.#output = '';
    const [program, args] = this.command();
    const startedAt = performance.now();
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const take = (bytes: Buffer): void => {
      this.#output = (this.#output + bytes.toString()).slice(-4000);
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('error', (error) => (this.#ended = error.message));
    child.once('exit', (code, signal) => {
      if (code !== 0 || signal !== null) this.#ended = `it ended with ${signal ?? `code ${code}`}; ${this.#output.trim().split('\n').at(-1) ?? ''}`;
    });
    this.child = child;
    return startedAt;
  }

  failure(): string | null {
    return this.#ended;
  }

  cpuSeconds(): number {
    return cpuSeconds(this.pid);
  }

  async kill(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const { pid } = this;
    const end = performance.now() + STOP_TIMEOUT_MS;
    send(pid, signal);
    while (send(pid, 0)) {
      if (performance.now() > end) send(pid, 'SIGKILL');
      await sleep(POLL_MS);
    }
  }
}

/** False where there is no such process. */
function send(pid: number, signal: NodeJS.Signals | 0): boolean {
  if (!(pid > 0)) return false;
  try {
    process.kill(pid, signal);
    return true;
  } catch {
    return false;
  }
}

export class LargeTidelog extends StartedBroker {
  readonly contender = 'tidelog';
  readonly logFolder: string;
  readonly #root: string;

  constructor(root: string, folder: string, port: number) {
    super(port);
    this.#root = root;
    this.logFolder = path.join(folder, 'tidelog');
  }

  protected command(): readonly [string, readonly string[]] {
    const listener = `PLAINTEXT://${HOST}:${this.port}`;
    const settings = [`listeners=${listener}`, `advertised.listeners=${listener}`, `log.dirs=${this.logFolder}`];
    return [process.execPath, [path.join(this.#root, 'bin/kafka-server-start'), ...settings.flatMap((setting) => ['--override', setting])]];
  }

  get pid(): number {
    return this.failure() === null ? (this.child?.pid ?? 0) : 0;
  }
}

/** By the scripts of a peers folder, whose shell is in the time: some hundredths of a second. */
export class LargeKafka extends StartedBroker {
  readonly contender = 'kafka';
  readonly logFolder: string;
  readonly #scripts: string;
  readonly #folder: string;

  constructor(scripts: string, folder: string, port: number) {
    super(port);
    this.#scripts = scripts;
    this.#folder = path.join(folder, 'kafka');
    this.logFolder = path.join(this.#folder, `data-${port}`);
    mkdirSync(this.#folder);
    shareJars(this.#folder);
  }

  override start(): number {
    rmSync(path.join(this.#folder, 'pid'), { force: true });
    return super.start();
  }

  protected command(): readonly [string, readonly string[]] {
    return [path.join(this.#scripts, 'kafka-up'), [String(this.port), this.#folder]];
  }

  /** The script's child. */
  get pid(): number {
    try {
      return Number(readFileSync(path.join(this.#folder, 'pid'), 'utf8'));
    } catch {
      return 0;
    }
  }
}
