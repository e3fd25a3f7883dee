import type { TransferListItem, Worker } from 'node:worker_threads';
import { definite } from '../base/assert.ts';

/** `answer` is null exactly when `error` is not. */
export type TaskDone<Answer> = (error: Error | null, answer: Answer | null) => void;

export interface WorkerPoolOptions {
  /** A script that answers each message `{ id, task }` with `{ id, answer, isWorn }`. */
  readonly workerPath: string;
  readonly threadsMax: number;
  /** A thread without work for so long ends. */
  readonly idleTimeoutMs: number;
}

export interface TaskMessage<Task> {
  readonly id: number;
  readonly task: Task;
}

export interface AnswerMessage<Answer> {
  readonly id: number;
  readonly answer: Answer;
  /** The thread holds memory that it would give back only when it pleases: it gets no further task, and ends after those that it has. */
  readonly isWorn: boolean;
}

interface Queued<Task, Answer> {
  readonly task: Task;
  readonly transfer: readonly TransferListItem[];
  readonly done: TaskDone<Answer>;
}

interface Thread<Answer> {
  readonly worker: Worker;
  readonly inFlight: Map<number, TaskDone<Answer>>;
  isWorn: boolean;
  idleTimer: NodeJS.Timeout | null;
}

/** A second task waits in the thread while it works on the first, so that it need not wait for this thread. */
const IN_FLIGHT_MAX = 2;

/**
 * Threads that start when there is work and end when there is none. Whatever happens to a thread, each of its tasks is answered, once, and the next
 * task finds a new thread; nothing is emitted or thrown. An idle pool does not keep the process alive.
 */
export class WorkerPool<Task, Answer> {
  readonly #options: WorkerPoolOptions;
  readonly #threads = new Set<Thread<Answer>>();
  /** Oldest last in #ready, newest last in #waiting: a queue without moving its elements. */
  #waiting: Queued<Task, Answer>[] = [];
  #ready: Queued<Task, Answer>[] = [];
  #lastId = 0;
  #startError = new Error('no thread');
  #isClosed = false;

  constructor(options: WorkerPoolOptions) {
    this.#options = options;
  }

  get threadCount(): number {
    return this.#threads.size;
  }

  /** `transfer` is given away. `done` comes later, never from inside the call. */
  run(task: Task, transfer: readonly TransferListItem[], done: TaskDone<Answer>): void {
    const queued = { task, transfer, done };
    if (this.#isClosed) {
      setImmediate(done, new Error('closed'), null);
      return;
    }
    const thread = this.#threadWithRoom();
    if (thread !== null) this.#give(thread, queued);
    else if (this.#threads.size > 0) this.#waiting.push(queued);
    else setImmediate(done, this.#startError, null);
  }

  #threadWithRoom(): Thread<Answer> | null {
    let best: Thread<Answer> | null = null;
    for (const thread of this.#threads) {
      if (thread.isWorn) continue;
      if (best === null || thread.inFlight.size < best.inFlight.size) best = thread;
    }
    if (best !== null && best.inFlight.size === 0) return best;
    const started = this.#threads.size < this.#options.threadsMax ? this.#start() : null;
    if (started !== null) return started;
    return best !== null && best.inFlight.size < IN_FLIGHT_MAX ? best : null;
  }

  /** Null where the system gives no further thread. */
  #start(): Thread<Answer> | null {
    let worker: Worker;
    try {
      const threads = process.getBuiltinModule('node:worker_threads');
      worker = new threads.Worker(this.#options.workerPath);
    } catch (error) {
      this.#startError = error as Error;
      return null;
    }
    const thread: Thread<Answer> = { worker, inFlight: new Map(), isWorn: false, idleTimer: null };
    this.#threads.add(thread);
    this.#listen(thread);
    return thread;
  }

  #listen(thread: Thread<Answer>): void {
    thread.worker.on('message', (message: AnswerMessage<Answer>) => this.#onAnswer(thread, message));
    thread.worker.on('messageerror', (error) => this.#onDeath(thread, error));
    thread.worker.on('error', (error) => this.#onDeath(thread, error instanceof Error ? error : new Error(String(error))));
    thread.worker.on('exit', (code) => this.#onDeath(thread, new Error(`worker thread ended with code ${code}`)));
  }

  #give(thread: Thread<Answer>, { task, transfer, done }: Queued<Task, Answer>): void {
    this.#lastId += 1;
    if (thread.idleTimer !== null) clearTimeout(thread.idleTimer);
    thread.idleTimer = null;
    thread.inFlight.set(this.#lastId, done);
    thread.worker.ref();
    const message: TaskMessage<Task> = { id: this.#lastId, task };
    thread.worker.postMessage(message, transfer);
  }

  #onAnswer(thread: Thread<Answer>, { id, answer, isWorn }: AnswerMessage<Answer>): void {
    const done = thread.inFlight.get(id);
    if (done === undefined) return;
    thread.inFlight.delete(id);
    thread.isWorn ||= isWorn;
    this.#goOn(thread);
    done(null, answer);
  }

  #goOn(thread: Thread<Answer>): void {
    if (thread.isWorn) {
      if (thread.inFlight.size === 0) this.#onDeath(thread, new Error('worn'));
      return;
    }
    const next = this.#takeOldest();
    if (next !== null) this.#give(thread, next);
    else if (thread.inFlight.size === 0) this.#rest(thread);
  }

  #takeOldest(): Queued<Task, Answer> | null {
    if (this.#ready.length === 0) {
      this.#ready = this.#waiting.toReversed();
      this.#waiting = [];
    }
    return this.#ready.pop() ?? null;
  }

  #rest(thread: Thread<Answer>): void {
    thread.worker.unref();
    thread.idleTimer = setTimeout(() => this.#onDeath(thread, new Error('idle')), this.#options.idleTimeoutMs);
    thread.idleTimer.unref();
  }

  /** Its tasks fail, for who knows which of them was to blame; those that wait go to another thread. */
  #onDeath(thread: Thread<Answer>, error: Error): void {
    if (!this.#threads.delete(thread)) return;
    if (thread.idleTimer !== null) clearTimeout(thread.idleTimer);
    void thread.worker.terminate();
    const failed = [...thread.inFlight.values()];
    thread.inFlight.clear();
    this.#giveWaiting();
    for (const done of failed) done(error, null);
  }

  #giveWaiting(): void {
    while (!this.#isClosed && this.#ready.length + this.#waiting.length > 0) {
      const thread = this.#threadWithRoom();
      if (thread === null && this.#threads.size > 0) return;
      const oldest = definite(this.#takeOldest(), 'a waiting task');
      if (thread === null) oldest.done(this.#startError, null);
      else this.#give(thread, oldest);
    }
  }

  /** What waits or is worked on fails. Resolves when the threads are gone. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const threads = [...this.#threads];
    const waiting = [...this.#ready.toReversed(), ...this.#waiting];
    this.#ready = [];
    this.#waiting = [];
    const error = new Error('closed');
    for (const thread of threads) this.#onDeath(thread, error);
    for (const { done } of waiting) done(error, null);
    await Promise.all(threads.map((thread) => thread.worker.terminate()));
  }
}
