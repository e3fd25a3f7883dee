/** Keeps the compacted logs of a store clean: the dirtiest first, several at a time, within one budget of memory and I/O. */
import type { Timer } from '../../base/ports.ts';
import type { Compactor } from '../../record/compact/compactor.ts';
import { diskTrouble } from '../diskErrors.ts';
import type { PartitionLog } from '../log.ts';
import type { LogEnvironment, LogState } from '../logState.ts';
import type { LogTable } from '../logTable.ts';
import { LogError } from '../types.ts';
import { logToClean, needsCleaning } from './cleanable.ts';
import type { LogToClean } from './cleanable.ts';
import { cleanLog } from './cleanLog.ts';
import type { CleanOutcome, CleanStats } from './cleanLog.ts';
import { Cleaning, CleaningAborted, Uncleanable } from './cleaning.ts';
import type { CleanerSettings } from './settings.ts';
import { Throttle } from './throttle.ts';

/** One chunk at least: a header, and a record of some size. */
const CHUNK_BYTES_MIN = 4096;

interface LastRun extends CleanStats {
  readonly elapsedMs: number;
}

/** What a cleaner says about itself; the names are Kafka's. */
export interface CleanerFigures {
  readonly maxDirtyPercent: number;
  readonly timeSinceLastRunMs: number;
  readonly maxBufferUtilizationPercent: number;
  readonly cleanerRecopyPercent: number;
  readonly maxCleanTimeSecs: number;
  readonly maxCompactionDelaySecs: number;
  readonly deadThreadCount: number;
}

/** A loop that cleans one log after the other. */
interface CleanerThread {
  isStopped: boolean;
  pause: { readonly timer: Timer; readonly wake: () => void } | null;
  lastRun: LastRun | null;
  maxCompactionDelayMs: number;
  ended: Promise<void>;
}

export class Cleaner {
  readonly #table: LogTable;
  readonly #environment: LogEnvironment;
  readonly #compactor: Compactor;
  readonly #throttle: Throttle;
  /** Logs whose records could not be compacted, with the reason. */
  readonly #uncleanable = new Map<PartitionLog, string>();
  #settings: CleanerSettings;
  #threads: CleanerThread[] = [];
  #dirtiestRatio = 0;
  #lastRunMs: number;
  #isStarted = false;

  constructor(table: LogTable, environment: LogEnvironment, compactor: Compactor, settings: CleanerSettings) {
    this.#table = table;
    this.#environment = environment;
    this.#compactor = compactor;
    this.#settings = settings;
    this.#throttle = new Throttle(environment.ports.clock, settings.ioMaxBytesPerSecond);
    this.#lastRunMs = environment.ports.clock.monotonicMs();
  }

  start(): void {
    this.#isStarted = true;
    if (!this.#settings.enable) return;
    this.#threads = Array.from({ length: this.#settings.threads }, () => this.#startThread());
  }

  /** Cleanings under way end at their next step. Resolves when none is left. */
  async stop(): Promise<void> {
    this.#isStarted = false;
    await this.#stopThreads();
  }

  async #stopThreads(): Promise<void> {
    const threads = this.#threads;
    this.#threads = [];
    for (const thread of threads) {
      thread.isStopped = true;
      thread.pause?.wake();
    }
    for (const log of this.#table.all()) log.state.cleaning?.abort();
    await Promise.all(threads.map((thread) => thread.ended));
  }

  /** Takes new settings into use: the threads begin anew, as Kafka's do, and what they were at is tried again. */
  async reconfigure(settings: CleanerSettings): Promise<void> {
    const before = this.#settings;
    this.#settings = settings;
    if (settings.ioMaxBytesPerSecond !== before.ioMaxBytesPerSecond) this.#throttle.setRate(settings.ioMaxBytesPerSecond);
    const names = Object.keys(settings) as (keyof CleanerSettings)[];
    if (!this.#isStarted || names.every((name) => settings[name] === before[name])) return;
    await this.#stopThreads();
    if (this.#isStarted) this.start();
  }

  get settings(): CleanerSettings {
    return this.#settings;
  }

  #startThread(): CleanerThread {
    const thread: CleanerThread = { isStopped: false, pause: null, lastRun: null, maxCompactionDelayMs: 0, ended: Promise.resolve() };
    thread.ended = this.#runThread(thread);
    return thread;
  }

  async #runThread(thread: CleanerThread): Promise<void> {
    while (!thread.isStopped) {
      const found = this.#dirtiest(thread);
      if (found === null) await this.#pause(thread, this.#settings.backoffMs);
      else if (!(await this.#cleanInThread(thread, found.log, found.candidate))) await this.#pause(thread, this.#settings.backoffMs);
    }
  }

  #pause(thread: CleanerThread, delayMs: number): Promise<void> {
    if (thread.isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const wake = (): void => {
        thread.pause?.timer.cancel();
        thread.pause = null;
        resolve();
      };
      thread.pause = { timer: this.#environment.ports.clock.setTimer(delayMs, wake), wake };
    });
  }

  /** The log with the largest share of dirty bytes among those that need a cleaning. */
  #dirtiest(thread: CleanerThread): { readonly log: PartitionLog; readonly candidate: LogToClean } | null {
    const nowMs = this.#environment.ports.clock.now();
    this.#lastRunMs = this.#environment.ports.clock.monotonicMs();
    this.#dirtiestRatio = 0;
    thread.maxCompactionDelayMs = 0;
    let best: { readonly log: PartitionLog; readonly candidate: LogToClean } | null = null;
    for (const log of this.#table.all()) {
      if (!log.state.config.cleanupPolicy.compact || !this.#mayClean(log)) continue;
      const candidate = this.#candidate(log, nowMs);
      if (candidate === null) continue;
      this.#dirtiestRatio = Math.max(this.#dirtiestRatio, candidate.cleanableRatio);
      thread.maxCompactionDelayMs = Math.max(thread.maxCompactionDelayMs, candidate.compactionDelayMs);
      if (!needsCleaning(log.state, candidate)) continue;
      if (best === null || candidate.cleanableRatio > best.candidate.cleanableRatio) best = { log, candidate };
    }
    return best;
  }

  #mayClean({ state }: PartitionLog): boolean {
    return state.refusal === null && state.cleaning === null && state.cleaningHolds === 0 && !state.segments.isEmpty && !this.#isUncleanable(state);
  }

  #isUncleanable(state: LogState): boolean {
    for (const log of this.#uncleanable.keys()) if (log.state === state) return true;
    return false;
  }

  #candidate(log: PartitionLog, nowMs: number): LogToClean | null {
    try {
      return logToClean(log.state, nowMs);
    } catch (error) {
      this.#environment.ports.logger.warn(log.state.diskFailure(error, 'looking for what to compact').message);
      return null;
    }
  }

  async #cleanInThread(thread: CleanerThread, log: PartitionLog, candidate: LogToClean): Promise<boolean> {
    const startedMs = this.#environment.ports.clock.monotonicMs();
    const outcome = await this.#clean(log, candidate).catch((error: unknown) => this.#onFailed(log, error));
    if (outcome === null) return false;
    thread.lastRun = { ...outcome.stats, elapsedMs: this.#environment.ports.clock.monotonicMs() - startedMs };
    // Deletion waited for the end of the cleaning.
    log.applyRetention(this.#environment.ports.clock.now());
    return true;
  }

  /** Rejects as cleanLog. */
  async #clean(log: PartitionLog, candidate: LogToClean): Promise<CleanOutcome> {
    const { state } = log;
    const cleaning = new Cleaning();
    state.cleaning = cleaning;
    try {
      const { threads, dedupeBufferSizeBytes, ioBufferLoadFactor, ioBufferSizeBytes } = this.#settings;
      const outcome = await cleanLog(state, candidate, cleaning, {
        compactor: this.#compactor,
        dedupeBytes: Math.floor(dedupeBufferSizeBytes / Math.max(threads, 1)),
        loadFactor: ioBufferLoadFactor,
        chunkBytes: Math.max(Math.floor(ioBufferSizeBytes / Math.max(threads, 1) / 2), CHUNK_BYTES_MIN),
        throttle: (bytes) => cleaning.wait(this.#environment.ports.clock, this.#throttle.waitFor(bytes)),
      });
      state.cleanedOffset = outcome.endOffset;
      this.#report(state, candidate, outcome);
      await state.host.saveCleanedOffsets();
      return outcome;
    } finally {
      state.cleaning = null;
      cleaning.end();
    }
  }

  #report(state: LogState, candidate: LogToClean, { endOffset, stats }: CleanOutcome): void {
    const { logger } = this.#environment.ports;
    logger.info('a log was compacted', {
      log: state.name, fromOffset: candidate.firstDirtyOffset, endOffset, readBytes: stats.readBytes, writtenBytes: stats.writtenBytes,
      readRecords: stats.readRecords, writtenRecords: stats.writtenRecords,
    });
    if (stats.recordsWithoutKey > 0) logger.warn('records without a key were dropped by compaction', { log: state.name, records: stats.recordsWithoutKey });
  }

  /** Decides what a failure means for the log. */
  #onFailed(log: PartitionLog, error: unknown): null {
    const { logger } = this.#environment.ports;
    const { state } = log;
    if (error instanceof CleaningAborted || state.refusal !== null) return null;
    if (error instanceof Uncleanable) {
      this.#uncleanable.set(log, error.message);
      logger.warn('a log cannot be compacted and is left alone until the next start', { log: state.name, reason: error.message });
      return null;
    }
    logger.warn('a compaction was broken off and will be tried again', { log: state.name, reason: describe(state, error) });
    return null;
  }

  /** Cleans a log now, whatever its ratio, as far as may be. Null when there is nothing to clean. Rejects with LogError. */
  async cleanNow(log: PartitionLog): Promise<CleanOutcome | null> {
    const { state } = log;
    state.checkUsable();
    while (state.cleaning !== null) await state.cleaning.ended;
    state.checkUsable();
    if (state.cleaningHolds > 0) throw new LogError('busy', `${state.name} is being truncated`);
    const candidate = logToClean(state, this.#environment.ports.clock.now());
    if (candidate.cleanableBytes === 0) return null;
    try {
      return await this.#clean(log, candidate);
    } catch (error) {
      if (error instanceof Uncleanable) throw new LogError('corrupt', `${state.name} cannot be compacted: ${error.message}`);
      if (error instanceof CleaningAborted) throw new LogError('busy', `the compaction of ${state.name} was broken off`);
      throw asLogError(state, error);
    }
  }

  /** Logs of the directory that cannot be compacted, and their bytes that should be. */
  uncleanableIn(directory: string): { readonly count: number; readonly bytes: number } {
    let count = 0;
    let bytes = 0;
    for (const log of this.#uncleanable.keys()) {
      if (this.#table.get(log.topic, log.partition) !== log) this.#uncleanable.delete(log);
      else if (log.logDirectory === directory && log.online) {
        count += 1;
        bytes += this.#candidate(log, this.#environment.ports.clock.now())?.cleanableBytes ?? 0;
      }
    }
    return { count, bytes };
  }

  figures(): CleanerFigures {
    const runs = this.#threads.map((thread) => thread.lastRun).filter((run) => run !== null);
    const sum = (of: (run: LastRun) => number): number => runs.reduce((total, run) => total + of(run), 0);
    const max = (of: (run: LastRun) => number): number => runs.reduce((largest, run) => Math.max(largest, of(run)), 0);
    return {
      maxDirtyPercent: Math.floor(100 * this.#dirtiestRatio),
      timeSinceLastRunMs: Math.floor(this.#environment.ports.clock.monotonicMs() - this.#lastRunMs),
      maxBufferUtilizationPercent: Math.floor(100 * max((run) => run.bufferUtilization)),
      cleanerRecopyPercent: Math.floor((100 * sum((run) => run.writtenBytes)) / Math.max(sum((run) => run.readBytes), 1)),
      maxCleanTimeSecs: Math.floor(max((run) => run.elapsedMs) / 1000),
      maxCompactionDelaySecs: Math.floor(this.#threads.reduce((largest, thread) => Math.max(largest, thread.maxCompactionDelayMs), 0) / 1000),
      deadThreadCount: 0,
    };
  }
}

function asLogError(state: LogState, error: unknown): LogError {
  if (error instanceof LogError) return error;
  if (error instanceof Error && error.name === 'DiskError') return state.diskFailure(error, 'compacting');
  return new LogError('busy', `the compaction of ${state.name} was broken off: ${String(error)}`);
}

/** A broken medium takes the directory offline; a full disk, or a thread that died, is worth another try. */
function describe(state: LogState, error: unknown): string {
  if (error instanceof Error && error.name === 'DiskError' && diskTrouble(error) === 'broken') return state.diskFailure(error, 'compacting').message;
  return String(error);
}
