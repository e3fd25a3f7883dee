import type { Clock, Logger, Timer } from '../../../base/ports.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { Partition } from '../../partition/partition.ts';
import type { Waiting } from '../../waiting.ts';
import type { ShareConfig, ShareGroupConfig } from '../config.ts';
import type { StateOutcome, StateRead } from '../coordinator/shareCoordinator.ts';
import type { SharePartitionKey } from '../coordinator/records.ts';
import type { SharePersister } from '../persister.ts';
import { acknowledge } from './acknowledge.ts';
import type { Acknowledgement } from './acknowledge.ts';
import { acquire } from './acquire.ts';
import type { AcquireRequest, Acquired } from './acquire.ts';
import { Flight } from './flight.ts';
import type { StateBatch } from './inFlight.ts';
import { firstOffsetOf } from './offsetReset.ts';

export interface SharePartitionPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly waiting: Waiting;
  readonly config: ShareConfig;
  readonly persister: SharePersister;
  /** Somebody else leads it, or set its offsets: what is known here is of no use any more. */
  readonly onFenced: (partition: SharePartition) => void;
}

type Done = (outcome: StateOutcome) => void;
type Status = 'idle' | 'loading' | 'active' | 'failed' | 'fenced';

interface Write {
  readonly batches: readonly StateBatch[];
  readonly done: Done;
}

const FINE: StateOutcome = { errorCode: ErrorCode.NONE, message: null };

/**
 * One partition as one group shares it, on the broker that leads it: gives the flight its time, its limits and its share coordinator. Writes of one
 * share partition go one after the other; what is decided meanwhile goes together in the next.
 */
export class SharePartition {
  readonly key: SharePartitionKey;
  readonly partition: Partition;
  /** Under which it is led here. */
  readonly leaderEpoch: number;
  readonly #ports: SharePartitionPorts;
  #flight: Flight | null = null;
  #status: Status = 'idle';
  #failure: StateOutcome = FINE;
  #stateEpoch = 0;
  /** The coordinator does not know yet where it begins. */
  #isStartUnkept = false;
  #isWriting = false;
  #waitingWrites: Write[] = [];
  #timer: Timer | null = null;
  #timerMs = Infinity;
  /** A fetch reads for somebody: others wait, so that nothing is read twice. */
  #isReading = false;
  #isWanted = false;

  constructor(key: SharePartitionKey, partition: Partition, ports: SharePartitionPorts) {
    this.key = key;
    this.partition = partition;
    this.#ports = ports;
    this.leaderEpoch = partition.leaderEpoch;
  }

  get isActive(): boolean {
    return this.#status === 'active';
  }

  /** Why it cannot be used, and will not be by waiting; NONE while it can or may. */
  get failure(): StateOutcome {
    return this.#failure;
  }

  get config(): ShareGroupConfig {
    return this.#ports.config.group(this.key.groupId);
  }

  /** For a look at it; null until it is loaded. */
  get flight(): Flight | null {
    return this.#flight;
  }

  /** Reads the kept state, once. Whoever waits for the partition looks again when that is done. */
  load(): void {
    if (this.#status !== 'idle') return;
    this.#status = 'loading';
    this.#ports.persister.read(this.key, this.leaderEpoch, (read) => this.#onRead(read));
  }

  #onRead(read: StateRead): void {
    if (this.#status !== 'loading') return;
    if (read.errorCode !== ErrorCode.NONE) return this.#fail(read);
    this.#stateEpoch = read.stateEpoch;
    if (read.startOffset !== -1) return this.#start(read.startOffset, read.batches);
    this.#isStartUnkept = true;
    firstOffsetOf(this.partition, this.config.offsetReset, this.#ports.clock.now()).then(
      (offset) => this.#start(offset, []),
      (error: unknown) => this.#fail({ errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, message: String(error) }),
    );
  }

  #start(startOffset: number, batches: readonly StateBatch[]): void {
    if (this.#status !== 'loading') return;
    this.#flight = new Flight({ startOffset, batches });
    this.#status = 'active';
    this.#ports.waiting.wake(this.partition);
  }

  #fail({ errorCode, message }: StateOutcome): void {
    this.#status = 'failed';
    this.#failure = { errorCode: toldError(errorCode), message };
    this.#ports.logger.warn('the state of a share partition cannot be read', { ...this.key, errorCode, reason: message });
    this.#ports.waiting.wake(this.partition);
    this.#ports.onFenced(this);
  }

  /** Ends its life: locks run out no more, and whoever comes is told so. */
  fence(): void {
    if (this.#status === 'fenced') return;
    this.#status = 'fenced';
    if (this.#failure.errorCode === ErrorCode.NONE) this.#failure = { errorCode: ErrorCode.NOT_LEADER_OR_FOLLOWER, message: null };
    this.#timer?.cancel();
    this.#timer = null;
    this.#ports.waiting.wake(this.partition);
  }

  /** From where to read for a fetch; -1 while there is nothing that could be acquired whatever is in the log. */
  get acquirableFrom(): number {
    const flight = this.#flight;
    if (this.#status !== 'active' || flight === null) return -1;
    const log = this.partition.onlineLog;
    if (log !== null && flight.dropBefore(log.logStartOffset)) this.#ports.logger.info('a share partition begins later with its log', { ...this.key, startOffset: flight.startOffset });
    const offset = flight.nextFetchOffset;
    return offset < flight.nextNewOffset || flight.inFlightCount < this.config.partitionRecordLocksMax ? offset : -1;
  }

  /** Asked for when it is free: nobody else reads until `endRead`. */
  beginRead(): void {
    this.#isReading = true;
  }

  endRead(): void {
    this.#isReading = false;
    if (!this.#isWanted) return;
    this.#isWanted = false;
    this.#ports.waiting.wake(this.partition);
  }

  /** Whether a fetch may read now; if not, whoever asked is woken when it may. */
  get isFree(): boolean {
    this.#isWanted ||= this.#isReading;
    return !this.#isReading;
  }

  acquire(request: AcquireRequest): Acquired[] {
    const flight = this.#flight;
    if (this.#status !== 'active' || flight === null) return [];
    const { recordLockDurationMs, deliveryCountLimit, partitionRecordLocksMax } = this.config;
    const limits = { lockDurationMs: recordLockDurationMs, deliveryCount: deliveryCountLimit, recordLocks: partitionRecordLocksMax };
    const acquired = acquire(flight, request, limits, this.#ports.clock.monotonicMs());
    this.#armTimer();
    // Who comes after a restart must begin where these began, even if nobody acknowledges them.
    if (acquired.length > 0 && this.#isStartUnkept) this.#write([], () => undefined);
    return acquired;
  }

  /** Records of aborted transactions are nobody's. */
  archive(first: number, last: number): void {
    this.#flight?.archiveNow(first, last);
    this.#flight?.advanceStart();
  }

  acknowledge(memberId: string, acknowledgements: readonly Acknowledgement[], done: Done): void {
    const flight = this.#flight;
    if (this.#status !== 'active' || flight === null) return done(this.#notActive());
    const { deliveryCountLimit, recordLockDurationMs, isRenewEnabled } = this.config;
    const limits = { deliveryCount: deliveryCountLimit, lockDurationMs: recordLockDurationMs, isRenewEnabled };
    const outcome = acknowledge(flight, memberId, acknowledgements, limits, this.#ports.clock.monotonicMs());
    if (!('change' in outcome)) return done(outcome);
    this.#keep(flight, outcome.change, done);
  }

  /** Gives back what a member that has gone holds. */
  release(memberId: string, done: Done): void {
    const flight = this.#flight;
    if (this.#status !== 'active' || flight === null) return done(FINE);
    this.#keep(flight, flight.release(memberId, this.config.deliveryCountLimit), done);
  }

  #notActive(): StateOutcome {
    if (this.#failure.errorCode !== ErrorCode.NONE) return this.#failure;
    return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, message: 'The share partition is being loaded.' };
  }

  #keep(flight: Flight, change: { readonly ticket: number; readonly batches: readonly StateBatch[] }, done: Done): void {
    if (change.batches.length === 0) return done(FINE);
    this.#write(change.batches, (outcome) => {
      flight.complete(change.ticket, outcome.errorCode === ErrorCode.NONE, this.#ports.clock.monotonicMs());
      this.#armTimer();
      done(outcome);
      this.#ports.waiting.wake(this.partition);
    });
  }

  #write(batches: readonly StateBatch[], done: Done): void {
    this.#waitingWrites.push({ batches, done });
    if (!this.#isWriting) this.#writeNext();
  }

  #writeNext(): void {
    const writes = this.#waitingWrites;
    const flight = this.#flight;
    if (writes.length === 0 || flight === null) return;
    this.#waitingWrites = [];
    this.#isWriting = true;
    this.#isStartUnkept = false;
    const write = {
      stateEpoch: this.#stateEpoch,
      leaderEpoch: this.leaderEpoch,
      startOffset: flight.startOffset,
      deliveryCompleteCount: flight.doneCount,
      batches: writes.length === 1 ? writes[0]!.batches : writes.flatMap((one) => one.batches),
    };
    this.#ports.persister.write(this.key, write, (outcome) => this.#onWritten(writes, outcome));
  }

  #onWritten(writes: readonly Write[], { errorCode, message }: StateOutcome): void {
    this.#isWriting = false;
    const told = errorCode === ErrorCode.NONE ? FINE : { errorCode: toldError(errorCode), message };
    if (errorCode !== ErrorCode.NONE) {
      this.#isStartUnkept = true;
      this.#ports.logger.warn('the state of a share partition could not be kept', { ...this.key, errorCode, reason: message });
    }
    for (const { done } of writes) done(told);
    if (isFencing(errorCode)) this.#ports.onFenced(this);
    if (!this.#isWriting) this.#writeNext();
  }

  #armTimer(): void {
    const flight = this.#flight;
    if (flight === null || this.#status !== 'active' || flight.nextDeadlineMs >= this.#timerMs) return;
    this.#timer?.cancel();
    this.#timerMs = flight.nextDeadlineMs;
    if (this.#timerMs === Infinity) return;
    const delayMs = Math.max(this.#timerMs - this.#ports.clock.monotonicMs(), 1);
    this.#timer = this.#ports.clock.setTimer(delayMs, () => this.#onDeadline());
  }

  /** Records whose member did not answer in time are given back; that holds at once, and is kept as soon as it can be. */
  #onDeadline(): void {
    this.#timer = null;
    this.#timerMs = Infinity;
    const flight = this.#flight;
    if (flight === null || this.#status !== 'active') return;
    const batches = flight.expire(this.#ports.clock.monotonicMs(), this.config.deliveryCountLimit);
    this.#armTimer();
    if (batches.length === 0) return;
    this.#write(batches, () => undefined);
    this.#ports.waiting.wake(this.partition);
  }
}

/** After these the state that is kept is another one's. */
function isFencing(errorCode: number): boolean {
  return errorCode === ErrorCode.FENCED_STATE_EPOCH || errorCode === ErrorCode.FENCED_LEADER_EPOCH || errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION
    || errorCode === ErrorCode.INVALID_REQUEST;
}

/** What a client is told when the share coordinator refused. */
function toldError(errorCode: number): number {
  switch (errorCode) {
    case ErrorCode.NOT_COORDINATOR:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.FENCED_LEADER_EPOCH:
    case ErrorCode.FENCED_STATE_EPOCH:
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
      return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.GROUP_ID_NOT_FOUND:
      return errorCode;
    default:
      return ErrorCode.UNKNOWN_SERVER_ERROR;
  }
}
