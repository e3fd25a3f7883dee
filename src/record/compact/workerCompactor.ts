import type { Piscina } from 'piscina';
import { availableParallelism } from 'node:os';
import { findWorkerPath } from '../workerInflater.ts';
import type { CompactAnswer, CompactTask } from './compactTask.ts';
import { InlineCompactor } from './compactor.ts';
import type { Compactor } from './compactor.ts';

const IDLE_TIMEOUT_MS = 30_000;

/** Chunks on piscina's threads, which start with the first task and end when idle. */
export class WorkerCompactor implements Compactor {
  readonly #workerPath: string;
  readonly #threadsMax: number;
  #pool: Promise<Piscina> | null = null;
  /** Ends the tasks under way: piscina tells of a worker that could not start, but not whose task it had. */
  #failing = new AbortController();
  #isClosed = false;

  constructor(workerPath: string, threadsMax = availableParallelism()) {
    this.#workerPath = workerPath;
    this.#threadsMax = threadsMax;
  }

  async run(task: CompactTask): Promise<CompactAnswer> {
    if (this.#isClosed) throw new Error('closed');
    const failing = this.#failing;
    const pool = await (this.#pool ??= this.#open(failing));
    return (await pool.run(task, { transferList: [task.chunk.buffer as ArrayBuffer, task.plans.buffer as ArrayBuffer], signal: failing.signal })) as CompactAnswer;
  }

  async #open(failing: AbortController): Promise<Piscina> {
    const { Piscina } = await import('piscina');
    const pool = new Piscina({ filename: this.#workerPath, minThreads: 0, maxThreads: this.#threadsMax, idleTimeout: IDLE_TIMEOUT_MS });
    pool.on('error', (error) => this.#onPoolFailed(failing, error));
    return pool;
  }

  /** The next task finds a new pool. */
  #onPoolFailed(failing: AbortController, error: unknown): void {
    if (this.#failing !== failing) return;
    const pool = this.#pool;
    this.#pool = null;
    this.#failing = new AbortController();
    failing.abort(error);
    void pool?.then((failed) => failed.destroy()).catch(() => {});
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#failing.abort(new Error('closed'));
    const pool = this.#pool;
    this.#pool = null;
    await (await pool)?.destroy();
  }
}

/** Worker threads where the built worker is at hand, else the caller's own thread. */
export function openCompactor(): Compactor {
  const workerPath = findWorkerPath('compact.worker', 'compact');
  return workerPath === null ? new InlineCompactor() : new WorkerCompactor(workerPath);
}
