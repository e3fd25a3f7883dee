import { existsSync, readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { failure, noLimits, runInflateTask } from './inflateTask.ts';
import type { InflateTask } from './inflateTask.ts';
import { InflateStatus } from './inflater.ts';
import type { InflateDone, InflateLimits, InflateOutcome, Inflater, RecompressTarget } from './inflater.ts';
import { InlineInflater } from './inlineInflater.ts';
import { WorkerPool } from './workerPool.ts';

export interface WorkerInflaterOptions {
  /** The built inflate.worker.js. */
  readonly workerPath: string;
  readonly threadsMax?: number;
  /** Batches that are queued or worked on hold no more memory than this; past it tasks are answered `busy`. */
  readonly queuedBytesMax?: number;
  readonly queuedTasksMax?: number;
}

/** Below these the work costs the caller's thread no more than handing it to another one (30 to 60 us, and 100 us more until the answer). */
const INLINE_COMPRESSED_BYTES_MAX = 4096;
const INLINE_INFLATED_BYTES_MAX = 16_384;
const THREADS_MAX = 4;
const QUEUED_BYTES_MAX = 256 * 2 ** 20;
const QUEUED_TASKS_MAX = 10_000;
const IDLE_TIMEOUT_MS = 30_000;

/** Inflates on worker threads, which start with the first task that needs one and end when idle. */
export class WorkerInflater implements Inflater {
  readonly #pool: WorkerPool<InflateTask, InflateOutcome>;
  readonly #queuedBytesMax: number;
  readonly #queuedTasksMax: number;
  #queuedBytes = 0;
  #queuedTasks = 0;
  #isClosed = false;

  constructor(options: WorkerInflaterOptions) {
    const threadsMax = options.threadsMax ?? Math.min(THREADS_MAX, Math.max(1, availableParallelism() - 1));
    this.#pool = new WorkerPool({ workerPath: options.workerPath, threadsMax, idleTimeoutMs: IDLE_TIMEOUT_MS });
    this.#queuedBytesMax = options.queuedBytesMax ?? QUEUED_BYTES_MAX;
    this.#queuedTasksMax = options.queuedTasksMax ?? QUEUED_TASKS_MAX;
  }

  /** Tasks that were given and not answered. */
  get queuedTasks(): number {
    return this.#queuedTasks;
  }

  inflate(batch: Buffer, limits: InflateLimits, done: InflateDone): void {
    this.#run({ kind: 'inflate', batch, limits, target: null }, done);
  }

  recompress(batch: Buffer, limits: InflateLimits, target: RecompressTarget, done: InflateDone): void {
    this.#run({ kind: 'recompress', batch, limits, target }, done);
  }

  readRecords(batch: Buffer, inflatedSizeMaxBytes: number, done: InflateDone): void {
    this.#run({ kind: 'readRecords', batch, limits: noLimits(inflatedSizeMaxBytes), target: null }, done);
  }

  #run(task: InflateTask, done: InflateDone): void {
    if (this.#isClosed) {
      done(failure(InflateStatus.failed, 'closed'));
      return;
    }
    const outcome = runInline(task);
    if (outcome !== null) {
      done(outcome);
      return;
    }
    const sizeBytes = task.batch.length;
    // A batch larger than the whole budget still gets its turn when nothing else is there.
    if (this.#queuedTasks >= this.#queuedTasksMax || (this.#queuedTasks > 0 && this.#queuedBytes + sizeBytes > this.#queuedBytesMax)) {
      done(failure(InflateStatus.busy, `${this.#queuedTasks} batches are waiting to be inflated`));
      return;
    }
    this.#queuedTasks += 1;
    this.#queuedBytes += sizeBytes;
    // The caller's bytes may change after this call; the copy is handed over, not copied again.
    const batch = new Uint8Array(task.batch);
    this.#pool.run({ ...task, batch }, [batch.buffer], (error, outcome) => {
      this.#queuedTasks -= 1;
      this.#queuedBytes -= sizeBytes;
      done(outcome === null ? failure(InflateStatus.failed, error?.message ?? '') : withBuffer(outcome));
    });
  }

  close(): Promise<void> {
    this.#isClosed = true;
    return this.#pool.close();
  }
}

/** A Buffer comes out of a thread as a plain Uint8Array. */
function withBuffer(outcome: InflateOutcome): InflateOutcome {
  const bytes: Uint8Array | null = outcome.bytes;
  return bytes === null ? outcome : { ...outcome, bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length) };
}

/** Tiny batches are answered at once; null where a thread is the better place. */
function runInline(task: InflateTask): InflateOutcome | null {
  if (task.batch.length > INLINE_COMPRESSED_BYTES_MAX) return null;
  const inflatedSizeMaxBytes = Math.min(task.limits.inflatedSizeMaxBytes, INLINE_INFLATED_BYTES_MAX);
  const outcome = runInflateTask({ ...task, limits: { ...task.limits, inflatedSizeMaxBytes } });
  return outcome.status === InflateStatus.inflatedTooLarge && inflatedSizeMaxBytes < task.limits.inflatedSizeMaxBytes ? null : outcome;
}

/**
 * The built worker `name` of this package (its source in `folder` of this room), wherever this file was bundled to; null where it was not built, or where this runs from TypeScript
 * sources (a worker thread could not load them).
 */
export function findWorkerPath(name = 'inflate.worker', folder = '.'): string | null {
  const here = fileURLToPath(import.meta.url);
  if (here.endsWith('.ts')) return null;
  for (let place = dirname(here); ; place = dirname(place)) {
    if (isPackageRoot(place)) {
      // The bundle starts faster; without it (a plain tsc build) the compiled file does the same.
      return [join(place, 'dist/bundle', `${name}.js`), join(place, 'dist/record', folder, `${name}.js`)].find((path) => existsSync(path)) ?? null;
    }
    if (place === dirname(place)) return null;
  }
}

function isPackageRoot(folder: string): boolean {
  try {
    return (JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as { name?: unknown }).name === 'tidelog';
  } catch {
    return false;
  }
}

/** Worker threads where the built worker is at hand, else the caller's own thread. */
export function openInflater(options: Omit<WorkerInflaterOptions, 'workerPath'> = {}): Inflater {
  const workerPath = findWorkerPath();
  return workerPath === null ? new InlineInflater() : new WorkerInflater({ ...options, workerPath });
}
