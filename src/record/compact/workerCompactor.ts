import type { Piscina } from 'piscina';
import { availableParallelism } from 'node:os';
import { findLibrary, loadLibrary } from '../codecs/library.ts';
import { findWorkerPath } from '../workerInflater.ts';
import type { CompactAnswer, CompactTask } from './compactTask.ts';
import { InlineCompactor } from './compactor.ts';
import type { Compactor } from './compactor.ts';

const IDLE_TIMEOUT_MS = 30_000;

/** Chunks on piscina's threads, which start with the first task and end when idle. */
export class WorkerCompactor implements Compactor {
  readonly #workerPath: string;
  readonly #threadsMax: number;
  #pool: Piscina | null = null;
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
    const pool = (this.#pool ??= this.#open(failing));
    return (await pool.run(task, { transferList: [task.chunk.buffer as ArrayBuffer, task.plans.buffer as ArrayBuffer], signal: failing.signal })) as CompactAnswer;
  }

  #open(failing: AbortController): Piscina {
    const library = loadPiscina();
    if (library === null) throw new Error('piscina is not installed');
    const pool = new library.Piscina({ filename: this.#workerPath, minThreads: 0, maxThreads: this.#threadsMax, idleTimeout: IDLE_TIMEOUT_MS });
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
    pool?.destroy().catch(() => {});
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#failing.abort(new Error('closed'));
    const pool = this.#pool;
    this.#pool = null;
    await pool?.destroy();
  }
}

/** Loaded with the first task: a store that compacts nothing does not pay for it. */
const loadPiscina = (): typeof import('piscina') | null => loadLibrary<typeof import('piscina')>('piscina');

/** Made with the first task: looking for the worker and for piscina takes longer than the rest of opening a store. */
class ChosenCompactor implements Compactor {
  #chosen: Compactor | null = null;
  #isClosed = false;

  async run(task: CompactTask): Promise<CompactAnswer> {
    if (this.#isClosed) throw new Error('closed');
    return (this.#chosen ??= choose()).run(task);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#chosen?.close();
  }
}

function choose(): Compactor {
  const workerPath = findWorkerPath('compact.worker', 'compact');
  return workerPath === null || findLibrary('piscina') === null ? new InlineCompactor() : new WorkerCompactor(workerPath);
}

/** Worker threads where the built worker and piscina are at hand, else the caller's own thread. */
export const openCompactor = (): Compactor => new ChosenCompactor();
