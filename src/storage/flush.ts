/**
 * Group commit. Each log notes who waits for which offset; one round of a log directory makes many logs durable with
 * one Disk.sync. While a round runs, requests gather for the next one.
 */
import { DiskError } from '../base/disk.ts';
import type { Disk, Segment } from '../base/disk.ts';
import type { Timer } from '../base/ports.ts';
import type { LogState } from './logState.ts';
import { concurrently } from './concurrently.ts';
import { nameDurably } from './naming.ts';
import type { AppendDone, AppendInfo } from './types.ts';
import { LogError } from './types.ts';

/** Folders synced at the same time: each is an open file meanwhile. */
const FOLDERS_AT_ONCE = 16;

interface Waiter {
  /** Satisfied when everything below is durable. */
  readonly offset: number;
  readonly appended: AppendDone | null;
  readonly info: AppendInfo | null;
  readonly flushed: ((error: LogError | null) => void) | null;
}

/** The flushing side of one log. */
export class LogFlush {
  readonly state: LogState;
  /** In the queue of the directory's next round. */
  isQueued = false;
  readonly #waiters: Waiter[] = [];
  /** Left behind by rolls and not synced yet. */
  #sealed: Segment[] = [];
  #roundOffset = 0;
  /** Cuts make the outcome of a round that was under way worthless. */
  #generation = 0;
  #roundGeneration = 0;
  #roundSealedCount = 0;
  #roundHasActive = false;
  #roundHasCut = false;
  #wantsActive = false;
  #timer: Timer | null = null;

  constructor(state: LogState) {
    this.state = state;
  }

  /** True when the record at `offset` will be durable without asking again. */
  isAwaited(offset: number): boolean {
    return offset >= this.state.durableOffset && offset < this.state.syncRequestedOffset;
  }

  /** Answers an append once everything below `offset` is durable. */
  answerWhenDurable(offset: number, done: AppendDone, info: AppendInfo): void {
    this.#waiters.push({ offset, appended: done, info, flushed: null });
  }

  /** Everything appended so far is to become durable. */
  requestAll(): void {
    this.#wantsActive = true;
    this.state.syncRequestedOffset = this.state.logEndOffset;
    this.state.host.requestSync(this.state);
  }

  flush(done: (error: LogError | null) => void): void {
    const { state } = this;
    if (state.refusal !== null) return done(state.refusal);
    if (state.durableOffset >= state.logEndOffset && !state.folderDirty && !state.cutIsUnsynced) return done(null);
    this.#waiters.push({ offset: state.logEndOffset, appended: null, info: null, flushed: done });
    this.requestAll();
  }

  /** After an append: starts the clock of flush.ms where it is set and does not run. */
  noteAppended(): void {
    const { flushMs } = this.state.config;
    if (flushMs >= Number.MAX_SAFE_INTEGER || this.#timer !== null) return;
    this.#timer = this.state.environment.ports.clock.setTimer(flushMs, () => {
      this.#timer = null;
      if (this.state.refusal === null && this.state.durableOffset < this.state.logEndOffset) this.requestAll();
    });
  }

  /** A roll left this segment behind: it becomes durable in the background, as Kafka does it. */
  noteSealed(segment: Segment): void {
    this.#sealed.push(segment);
    this.state.host.requestSync(this.state);
  }

  /** The segment has still to be synced. */
  needs(segment: Segment): boolean {
    return this.#sealed.includes(segment);
  }

  /** As noteSealed for a log that is being loaded: the next request takes it along. */
  keepForSync(segment: Segment): void {
    this.#sealed.push(segment);
  }

  /** Segments that are gone need no sync. */
  forgetSegments(gone: ReadonlySet<Segment>): void {
    if (this.#sealed.length === 0) return;
    this.#sealed = this.#sealed.filter((segment) => !gone.has(segment));
    this.#roundSealedCount = 0;
    this.#generation += 1;
  }

  /** The log was cut to `endOffset`: what was to be durable above it is no more. Waiters above it fail. */
  onTruncate(endOffset: number): void {
    this.#generation += 1;
    this.#roundSealedCount = 0;
    const { state } = this;
    state.durableOffset = Math.min(state.durableOffset, endOffset);
    state.syncRequestedOffset = Math.min(state.syncRequestedOffset, endOffset);
    state.recoveryPoint = Math.min(state.recoveryPoint, endOffset);
    const cut = new LogError('storage', `${state.name} was truncated to ${endOffset}`);
    for (const waiter of this.#take((candidate) => candidate.offset > endOffset)) answer(waiter, cut);
  }

  /** Adds to `segments` what this round has to sync. */
  beginRound(segments: Segment[]): void {
    const { state } = this;
    this.isQueued = false;
    this.#roundGeneration = this.#generation;
    this.#roundSealedCount = this.#sealed.length;
    for (const segment of this.#sealed) segments.push(segment);
    this.#roundHasActive = this.#wantsActive;
    this.#roundHasCut = this.#wantsActive && state.cutIsUnsynced;
    if (this.#roundHasCut) state.cutIsUnsynced = false;
    this.#roundOffset = this.#wantsActive ? state.logEndOffset : state.segments.activeSlot.baseOffset;
    this.#wantsActive = false;
    const active = state.segments.activeSlot.segment;
    // Null while it is opened anew for being cut: the round is then worthless for this log. In an empty one nothing waits for a sync.
    if (active === null) this.#roundGeneration = state.segments.activeSlot.sizeBytes === 0 ? this.#roundGeneration : -1;
    else if (this.#roundHasActive) segments.push(active);
  }

  /** The round is over. Returns true when another one is needed. */
  endRound(): boolean {
    const { state } = this;
    if (this.#roundGeneration === this.#generation) {
      if (this.#roundSealedCount > 0) state.host.noteSegmentDurable();
      this.#sealed.splice(0, this.#roundSealedCount);
      state.durableOffset = Math.max(state.durableOffset, this.#roundOffset);
      state.syncRequestedOffset = Math.max(state.syncRequestedOffset, state.durableOffset);
      this.#answerDurable();
    } else {
      if (this.#roundHasActive) this.#wantsActive = true;
      if (this.#roundHasCut) state.cutIsUnsynced = true;
    }
    if (this.#waiters.length > 0) this.#wantsActive = true;
    return this.#wantsActive || this.#sealed.length > 0;
  }

  #answerDurable(): void {
    let count = 0;
    while (count < this.#waiters.length && (this.#waiters[count] as Waiter).offset <= this.state.durableOffset) count += 1;
    if (count === 0) return;
    for (const waiter of this.#waiters.splice(0, count)) answer(waiter, null);
  }

  #take(matches: (waiter: Waiter) => boolean): Waiter[] {
    const taken = this.#waiters.filter(matches);
    const kept = this.#waiters.filter((waiter) => !matches(waiter));
    this.#waiters.splice(0, this.#waiters.length, ...kept);
    return taken;
  }

  /** Nothing will become durable any more. */
  abandon(reason: LogError): void {
    this.#timer?.cancel();
    this.#timer = null;
    this.#sealed = [];
    this.#wantsActive = false;
    for (const waiter of this.#waiters.splice(0)) answer(waiter, reason);
  }
}

function answer(waiter: Waiter, error: LogError | null): void {
  waiter.appended?.(error, error === null ? waiter.info : null);
  waiter.flushed?.(error);
}

/** The rounds of one log directory. */
export class FlushGroup {
  readonly #disk: Disk;
  readonly #onFailed: (error: DiskError) => void;
  #queued: LogFlush[] = [];
  #round: LogFlush[] = [];
  #isScheduled = false;
  #isRunning = false;
  #isStopped = false;
  #idleWaiters: (() => void)[] = [];

  constructor(disk: Disk, onFailed: (error: DiskError) => void) {
    this.#disk = disk;
    this.#onFailed = onFailed;
  }

  request(log: LogFlush): void {
    if (log.isQueued || this.#isStopped) return;
    log.isQueued = true;
    this.#queued.push(log);
    this.#schedule();
  }

  /** Logs that go with the same turn of the event loop share the round. */
  #schedule(): void {
    if (this.#isRunning || this.#isScheduled || this.#queued.length === 0) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#begin();
    });
  }

  #begin(): void {
    const round = this.#queued.filter((log) => log.state.refusal === null);
    for (const log of this.#queued) log.isQueued = false;
    this.#queued = [];
    if (round.length === 0) return this.#rest();
    this.#isRunning = true;
    this.#round = round;
    const segments: Segment[] = [];
    for (const log of round) log.beginRound(segments);
    const renamed = round.filter(({ state }) => state.folderDirty || state.naming !== 'durable');
    if (renamed.length === 0) return this.#sync(segments);
    concurrently(renamed, FOLDERS_AT_ONCE, (log) => this.#syncFolder(log.state)).then(() => this.#sync(segments), this.#onFailure);
  }

  #sync(segments: readonly Segment[]): void {
    try {
      this.#disk.sync(segments, this.#onSynced);
    } catch (error) {
      this.#onFailure(error);
    }
  }

  readonly #onFailure = (error: unknown): void => {
    if (!(error instanceof DiskError)) throw error;
    this.#onSynced(error);
  };

  async #syncFolder(state: LogState): Promise<void> {
    if (state.naming !== 'durable') await nameDurably(state);
    const { folder } = state;
    if (!state.folderDirty) return;
    state.folderDirty = false;
    try {
      await this.#disk.syncDirectory(folder);
      // A full disk had no room for the topic's id; the records are to survive all the same.
      if (state.naming !== 'durable') await state.host.syncRoot();
    } catch (error) {
      state.folderDirty = true;
      // Deleted meanwhile: its name changed, nobody waits for it any more.
      if (state.refusal === null && state.folder === folder) throw error;
    }
  }

  readonly #onSynced = (error: DiskError | null): void => {
    const round = this.#round;
    this.#round = [];
    this.#isRunning = false;
    if (error !== null) {
      this.#isStopped = true;
      this.#onFailed(error);
      return this.#rest();
    }
    for (const log of round) {
      if (log.state.refusal === null && log.endRound()) this.request(log);
    }
    this.#schedule();
    this.#rest();
  };

  #rest(): void {
    if (this.#isRunning || this.#isScheduled) return;
    for (const wake of this.#idleWaiters.splice(0)) wake();
  }

  /** Resolves when no round runs or is about to. */
  idle(): Promise<void> {
    if (!this.#isRunning && !this.#isScheduled) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }
}
