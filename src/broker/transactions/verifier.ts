/**
 * Asks the coordinator whether a partition is part of a transaction before the first write of that transaction reaches the partition's log; for clients
 * that leave it to the broker (KIP-890, version 2) it is made a part. What one turn asks of one transaction is asked at once.
 */
import type { Clock } from '../../base/ports.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { Log, Verification } from '../../storage/types.ts';
import type { Partition } from '../partition/partition.ts';
import type { TransactionSettings } from './settings.ts';
import { EPOCH_BUMP_VERSION } from './transaction.ts';
import type { TransactionPartitions } from './transaction.ts';
import type { TransactionCoordinator } from './transactionCoordinator.ts';

/**
 * What the client's version of its request expects: `add` the partition; `verify` it, and hear TRANSACTION_ABORTABLE when it is missing; `verifyOld` hears
 * INVALID_TXN_STATE.
 */
export type VerificationMode = 'add' | 'verify' | 'verifyOld';

export interface VerificationRequest {
  readonly transactionalId: string;
  readonly producerId: number;
  readonly producerEpoch: number;
  readonly mode: VerificationMode;
}

/** `verification` goes with the append; undefined when the transaction is open in the log already, or nothing is verified. */
export type Verified = (errorCode: number, verification: Verification | undefined) => void;

/** Of KIP-890: by which rules a client's writes are judged in the log. */
export function transactionVersionOf(mode: VerificationMode): number {
  return mode === 'add' ? EPOCH_BUMP_VERSION : 0;
}

export interface VerifierOptions {
  readonly coordinator: Pick<TransactionCoordinator, 'addPartitions' | 'verifyPartitions'>;
  readonly settings: () => TransactionSettings;
  readonly clock: Clock;
}

interface Asked {
  readonly partition: Partition;
  readonly log: Log;
  readonly firstSequence: number;
  readonly done: Verified;
}

export class TransactionVerifier {
  readonly #options: VerifierOptions;
  /** Gathered in this turn, by transaction and mode. */
  #gathered = new Map<string, { readonly request: VerificationRequest; readonly asked: Asked[] }>();

  constructor(options: VerifierOptions) {
    this.#options = options;
  }

  /** The partition has a log and may be written to. `done` may come at once. */
  verify(partition: Partition, firstSequence: number, request: VerificationRequest, done: Verified): void {
    const log = partition.log!;
    const known = log.producer(request.producerId);
    const isOpen = known !== undefined && known.transactionFirstOffset >= 0 && known.epoch === request.producerEpoch;
    if (isOpen || (request.mode !== 'add' && !this.#options.settings().verifiesPartitions)) return done(ErrorCode.NONE, undefined);
    this.#gather(request, { partition, log, firstSequence, done });
  }

  #gather(request: VerificationRequest, asked: Asked): void {
    if (this.#gathered.size === 0) queueMicrotask(() => this.#askAll());
    const key = `${request.mode} ${request.producerId} ${request.producerEpoch} ${request.transactionalId}`;
    const group = this.#gathered.get(key);
    if (group === undefined) this.#gathered.set(key, { request, asked: [asked] });
    else group.asked.push(asked);
  }

  #askAll(): void {
    const groups = this.#gathered;
    this.#gathered = new Map();
    const nowMs = this.#options.clock.monotonicMs();
    for (const { request, asked } of groups.values()) {
      if (request.mode === 'add') this.#add(request, asked, nowMs + this.#options.settings().addRetryMs);
      else this.#verify(request, asked);
    }
  }

  #verify(request: VerificationRequest, asked: readonly Asked[]): void {
    const places = asked.map(({ partition }) => ({ topic: partition.topic.name, partition: partition.index }));
    const verifications = begin(request, asked);
    this.#options.coordinator.verifyPartitions(request.transactionalId, request, places, (errorCodes) => {
      asked.forEach((one, index) => settle(one, verifications[index]!, request.mode, errorCodes[index]!));
    });
  }

  /** A transaction that is being ended makes way soon: the client need not come again for that. */
  #add(request: VerificationRequest, asked: readonly Asked[], untilMs: number): void {
    const { coordinator, clock, settings } = this.#options;
    const verifications = begin(request, asked);
    coordinator.addPartitions(request.transactionalId, request, partitionsOf(asked), EPOCH_BUMP_VERSION, (errorCode) => {
      if (errorCode === ErrorCode.CONCURRENT_TRANSACTIONS && clock.monotonicMs() < untilMs) {
        clock.setTimer(settings().addRetryBackoffMs, () => this.#add(request, asked, untilMs));
      } else {
        asked.forEach((one, index) => settle(one, verifications[index]!, request.mode, errorCode));
      }
    });
  }
}

/** In the same breath as the coordinator is asked: the marker of the transaction before may come at any time until then, and ends what was begun. */
function begin({ producerId, producerEpoch }: VerificationRequest, asked: readonly Asked[]): Verification[] {
  return asked.map(({ log, firstSequence }) => log.beginVerification(producerId, producerEpoch, firstSequence));
}

function partitionsOf(asked: readonly Asked[]): TransactionPartitions {
  const partitions = new Map<string, Set<number>>();
  for (const { partition } of asked) {
    const indexes = partitions.get(partition.topic.name);
    if (indexes === undefined) partitions.set(partition.topic.name, new Set([partition.index]));
    else indexes.add(partition.index);
  }
  return partitions;
}

function settle({ log, done }: Asked, verification: Verification, mode: VerificationMode, errorCode: number): void {
  if (errorCode === ErrorCode.NONE) return done(ErrorCode.NONE, verification);
  // What may be sent again keeps its place before later batches.
  if (!mayPass(errorCode)) log.dropVerification(verification);
  done(toldError(errorCode, mode), undefined);
}

function mayPass(errorCode: number): boolean {
  switch (errorCode) {
    case ErrorCode.CONCURRENT_TRANSACTIONS:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return true;
    default:
      return false;
  }
}

/** Who writes hears of epochs, where who speaks to the coordinator hears of fencing. */
function toldError(errorCode: number, mode: VerificationMode): number {
  if (errorCode === ErrorCode.PRODUCER_FENCED) return ErrorCode.INVALID_PRODUCER_EPOCH;
  return errorCode === ErrorCode.TRANSACTION_ABORTABLE && mode === 'verifyOld' ? ErrorCode.INVALID_TXN_STATE : errorCode;
}
