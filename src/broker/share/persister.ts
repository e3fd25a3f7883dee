/**
 * Where the leader of a share partition keeps its state: the share coordinator, on whatever node it runs. Answers come through callbacks, each exactly
 * once.
 */
import type { Clock, Timer } from '../../base/ports.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { ShareCoordinator, StateOutcome, StateRead, StateSummary } from './coordinator/shareCoordinator.ts';
import type { StateWrite } from './coordinator/machine.ts';
import type { SharePartitionKey } from './coordinator/records.ts';

export interface SharePersister {
  initialize(key: SharePartitionKey, stateEpoch: number, startOffset: number, done: (outcome: StateOutcome) => void): void;
  read(key: SharePartitionKey, leaderEpoch: number, done: (read: StateRead) => void): void;
  write(key: SharePartitionKey, write: StateWrite, done: (outcome: StateOutcome) => void): void;
  delete(key: SharePartitionKey, done: (outcome: StateOutcome) => void): void;
  readSummary(key: SharePartitionKey, done: (summary: StateSummary) => void): void;
}

const FIRST_RETRY_MS = 10;
const RETRY_MS_MAX = 1_000;
/** A coordinator that cannot be reached so long is given up; who asked may ask again. */
const TOTAL_MS_MAX = 20_000;

function isPassing(errorCode: number): boolean {
  return errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS || errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE || errorCode === ErrorCode.NOT_COORDINATOR;
}

/** The share coordinator of this very node; makes its topic when the first state is to be kept. */
export class LocalSharePersister implements SharePersister {
  readonly #coordinator: ShareCoordinator;
  readonly #hasTopic: () => boolean;
  readonly #clock: Clock;
  readonly #timers = new Set<Timer>();
  #isClosed = false;

  constructor(coordinator: ShareCoordinator, hasTopic: () => boolean, clock: Clock) {
    this.#coordinator = coordinator;
    this.#hasTopic = hasTopic;
    this.#clock = clock;
  }

  initialize(key: SharePartitionKey, stateEpoch: number, startOffset: number, done: (outcome: StateOutcome) => void): void {
    this.#ask((answer) => this.#coordinator.initialize(key, stateEpoch, startOffset, answer), done);
  }

  read(key: SharePartitionKey, leaderEpoch: number, done: (read: StateRead) => void): void {
    this.#ask<StateRead>((answer) => this.#coordinator.read(key, leaderEpoch, answer), done);
  }

  write(key: SharePartitionKey, write: StateWrite, done: (outcome: StateOutcome) => void): void {
    this.#ask((answer) => this.#coordinator.write(key, write, answer), done);
  }

  delete(key: SharePartitionKey, done: (outcome: StateOutcome) => void): void {
    this.#ask((answer) => this.#coordinator.delete(key, answer), done);
  }

  readSummary(key: SharePartitionKey, done: (summary: StateSummary) => void): void {
    this.#ask<StateSummary>((answer) => this.#coordinator.readSummary(key, answer), done);
  }

  /** What still waits for another attempt is told by the coordinator's last answer; nothing is tried again. */
  close(): void {
    this.#isClosed = true;
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  #ask<Outcome extends StateOutcome>(attempt: (answer: (outcome: Outcome) => void) => void, done: (outcome: Outcome) => void): void {
    const startedMs = this.#clock.monotonicMs();
    let delayMs = FIRST_RETRY_MS;
    const run = (): void => attempt((outcome) => {
      const isOver = this.#isClosed || this.#clock.monotonicMs() - startedMs + delayMs > TOTAL_MS_MAX;
      if (isOver || !isPassing(outcome.errorCode)) return done(outcome);
      this.#later(delayMs, run);
      delayMs = Math.min(delayMs * 2, RETRY_MS_MAX);
    });
    if (this.#hasTopic()) return run();
    // A failure shows as a coordinator that is not there.
    this.#coordinator.ensureTopic().then(run, run);
  }

  #later(delayMs: number, run: () => void): void {
    const timer = this.#clock.setTimer(delayMs, () => {
      this.#timers.delete(timer);
      run();
    });
    this.#timers.add(timer);
  }
}
