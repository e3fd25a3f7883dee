/** What a store does by itself from time to time. All on the clock port. */
import type { Timer } from '../base/ports.ts';
import { diskTrouble } from './diskErrors.ts';
import { concurrently } from './concurrently.ts';
import type { LogDirectory } from './logDirectory.ts';
import type { PartitionLog } from './log.ts';
import type { LogEnvironment, LogState } from './logState.ts';
import type { LogTable } from './logTable.ts';
import { dropStraySnapshots } from './recovery.ts';
import { saveBelowRecoveryPoint, saveProducerSnapshot } from './sideFiles.ts';

export interface DutySettings {
  /** log.retention.check.interval.ms: retention, and rolling segments that grew old. */
  readonly retentionCheckIntervalMs: number;
  /** log.initial.task.delay.ms: the first run of all but the high watermarks and producers. */
  readonly initialDelayMs: number;
  /** log.flush.offset.checkpoint.interval.ms. */
  readonly recoveryPointIntervalMs: number;
  /** log.flush.start.offset.checkpoint.interval.ms. */
  readonly startOffsetIntervalMs: number;
  /** replica.high.watermark.checkpoint.interval.ms. */
  readonly highWatermarkIntervalMs: number;
  /** producer.id.expiration.check.interval.ms. */
  readonly producerExpiryIntervalMs: number;
}

/** Logs that one turn of the event loop looks at, so that ten thousand of them do not stop the traffic. */
const LOGS_A_TURN = 200;
/** From a segment that became durable behind a roll to the write of the recovery points. */
const ROLLED_CHECKPOINT_DELAY_MS = 1000;
/** Logs whose small files are written at the same time. */
export const FILES_AT_ONCE = 16;

/** Runs `work` after `firstMs`, then every `intervalMs`, counted from the end of the last run. */
class Periodic {
  #timer: Timer | null = null;
  #isStopped = false;
  readonly #environment: LogEnvironment;
  readonly #intervalMs: number;
  #delayMs: number;
  readonly #work: () => Promise<void>;

  constructor(environment: LogEnvironment, firstMs: number, intervalMs: number, work: () => Promise<void>) {
    this.#environment = environment;
    this.#delayMs = firstMs;
    this.#intervalMs = intervalMs;
    this.#work = work;
  }

  start(): void {
    if (this.#isStopped) return;
    this.#timer = this.#environment.ports.clock.setTimer(this.#delayMs, () => {
      this.#delayMs = this.#intervalMs;
      this.#work().then(
        () => this.start(),
        (error: unknown) => {
          this.#environment.ports.logger.error('a background duty failed', { reason: String(error) });
          this.start();
        },
      );
    });
  }

  stop(): void {
    this.#isStopped = true;
    this.#timer?.cancel();
  }
}

export class Duties {
  readonly #table: LogTable;
  readonly #directories: readonly LogDirectory[];
  readonly #environment: LogEnvironment;
  readonly #periodic: readonly Periodic[];
  /** Directories with segments that became durable since their recovery points were last written. */
  readonly #rolled = new Map<LogDirectory, Timer>();
  #isStopped = false;

  constructor(table: LogTable, directories: readonly LogDirectory[], environment: LogEnvironment, settings: DutySettings) {
    this.#table = table;
    this.#directories = directories;
    this.#environment = environment;
    const { initialDelayMs, highWatermarkIntervalMs, producerExpiryIntervalMs } = settings;
    this.#periodic = [
      new Periodic(environment, initialDelayMs, settings.retentionCheckIntervalMs, () => this.#retainAll()),
      new Periodic(environment, initialDelayMs, settings.recoveryPointIntervalMs, () => this.#inEach(checkpointDirectory)),
      new Periodic(environment, initialDelayMs, settings.startOffsetIntervalMs, () => this.#inEach((directory) => directory.saveStartOffsets())),
      new Periodic(environment, highWatermarkIntervalMs, highWatermarkIntervalMs, () => this.#inEach((directory) => directory.saveHighWatermarks())),
      new Periodic(environment, producerExpiryIntervalMs, producerExpiryIntervalMs, () => this.#expireProducers()),
    ];
  }

  start(): void {
    for (const duty of this.#periodic) duty.start();
    for (const directory of this.#directories) {
      directory.onSegmentDurable = () => this.#checkpointSoon(directory);
      // What a recovery found was synced while other logs were loaded.
      for (const { state } of directory.logs) if (state.recoveryPoint < state.durableOffset) this.#checkpointSoon(directory);
    }
  }

  stop(): void {
    this.#isStopped = true;
    for (const duty of this.#periodic) duty.stop();
    for (const timer of this.#rolled.values()) timer.cancel();
  }

  /** So that a start after a kill never has to read again what many rolls have made durable. Segments of one second share the write. */
  #checkpointSoon(directory: LogDirectory): void {
    if (this.#isStopped || this.#rolled.has(directory)) return;
    const timer = this.#environment.ports.clock.setTimer(ROLLED_CHECKPOINT_DELAY_MS, () => {
      this.#rolled.delete(directory);
      void this.#orWarn(directory, () => checkpointDirectory(directory));
    });
    this.#rolled.set(directory, timer);
  }

  async #eachLog(work: (log: PartitionLog) => void): Promise<void> {
    let count = 0;
    for (const log of this.#table.all()) {
      if (this.#isStopped) return;
      work(log);
      count += 1;
      if (count % LOGS_A_TURN === 0) await this.#nextTurn();
    }
  }

  #nextTurn(): Promise<void> {
    return new Promise((resolve) => void this.#environment.ports.clock.setTimer(0, resolve));
  }

  #retainAll(): Promise<void> {
    return this.#eachLog((log) => {
      log.roll();
      log.applyRetention(this.#environment.ports.clock.now());
      log.closeIdleSegments();
    });
  }

  #expireProducers(): Promise<void> {
    return this.#eachLog((log) => void log.state.producers.expire(this.#environment.ports.clock.now(), this.#environment.producerIdExpirationMs));
  }

  async #inEach(work: (directory: LogDirectory) => Promise<void>): Promise<void> {
    for (const directory of this.#directories) await this.#orWarn(directory, () => work(directory));
  }

  async checkpointAll(): Promise<void> {
    for (const directory of this.#directories) {
      await checkpointDirectory(directory);
      await directory.saveHighWatermarks();
    }
  }

  async #orWarn(directory: LogDirectory, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      // A full disk keeps the old checkpoint, which is still true.
      if (diskTrouble(error) === 'broken') return directory.fail(`a checkpoint could not be written: ${(error as Error).message}`);
      this.#environment.ports.logger.warn('a checkpoint could not be written', { directory: directory.path, reason: String(error) });
    }
  }
}

/** Moves the recovery points up to what is durable and writes them, with the start offsets. */
export async function checkpointDirectory(directory: LogDirectory): Promise<void> {
  // A promise for each of hundreds of thousands of logs at rest would stop the traffic for as long as all of them take.
  const changed = [...directory.logs].filter(({ state }) => needsCheckpoint(state));
  await concurrently(changed, FILES_AT_ONCE, ({ state }) => advanceRecoveryPoint(state));
  await directory.saveOffsets();
}

function needsCheckpoint(state: LogState): boolean {
  if (state.refusal !== null) return false;
  if (state.durableOffset !== state.recoveryPoint || state.checksums.isDirty || state.epochs.isUnsaved(state.logEndOffset)) return true;
  return state.segments.slots.some((slot) => slot.transactions?.dirty === true);
}

async function advanceRecoveryPoint(state: LogState): Promise<void> {
  // Others came first.
  if (!needsCheckpoint(state)) return;
  const point = state.durableOffset;
  // Producers of now are those at the recovery point when nothing is waiting: a restart then replays nothing.
  if (point === state.logEndOffset && state.producers.size > 0) {
    saveProducerSnapshot(state);
    dropStraySnapshots(state);
  }
  if (await saveBelowRecoveryPoint(state)) state.recoveryPoint = Math.max(state.recoveryPoint, Math.min(point, state.durableOffset));
}
