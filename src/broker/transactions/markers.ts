import { ErrorCode, errorName } from '../../protocol/errors.ts';
import type { BatchTransaction } from '../contract.ts';
import { completed } from './decisions.ts';
import type { TransactionState } from './state.ts';
import { TransactionStatus } from './transaction.ts';
import type { Transaction } from './transaction.ts';

/** A marker that ends a transaction in one partition. */
export type TransactionMarker = BatchTransaction & { readonly marker: NonNullable<BatchTransaction['marker']> };

/** Puts markers where the data of transactions is. */
export interface MarkerWriter {
  /** `done` exactly once, maybe at once, with 0 when the marker is below the high watermark. UNKNOWN_TOPIC_OR_PARTITION: there is no such partition any more. */
  write(topic: string, partition: number, marker: TransactionMarker, done: (errorCode: number) => void): void;
}

const RETRY_MS = 50;
const RETRY_MS_MAX = 2_000;

/** How the answer of one partition counts. */
function isWritten(errorCode: number): boolean {
  // A topic that has been deleted has nothing to end.
  return errorCode === ErrorCode.NONE || errorCode === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
}

/** The partition has seen later markers of this producer: asking again would change nothing. */
function isOvertaken(errorCode: number): boolean {
  return errorCode === ErrorCode.INVALID_PRODUCER_EPOCH || errorCode === ErrorCode.TRANSACTION_COORDINATOR_FENCED;
}

/**
 * Ends transactions that are prepared: a marker into each of their partitions, again until it is there, and then the record that the transaction is
 * complete. A transaction that is another one by now (the shard was given up, a write was taken back) is left alone.
 */
export class MarkerSender {
  readonly #writer: MarkerWriter;
  readonly #coordinatorEpochOf: (partition: number) => number;

  constructor(writer: MarkerWriter, coordinatorEpochOf: (partition: number) => number) {
    this.#writer = writer;
    this.#coordinatorEpochOf = coordinatorEpochOf;
  }

  /** `transaction` is prepared, and the record of it is below the high watermark. */
  send(state: TransactionState, transaction: Transaction): void {
    new Ending(state, transaction, this.#writer, this.#coordinatorEpochOf(state.host.partition)).sendAll();
  }
}

/** The end of one transaction. */
class Ending {
  readonly #state: TransactionState;
  readonly #transaction: Transaction;
  readonly #writer: MarkerWriter;
  readonly #marker: TransactionMarker;
  #left: { readonly topic: string; readonly partition: number }[] = [];
  #waiting = 0;
  #retryMs = RETRY_MS;

  constructor(state: TransactionState, transaction: Transaction, writer: MarkerWriter, coordinatorEpoch: number) {
    this.#state = state;
    this.#transaction = transaction;
    this.#writer = writer;
    this.#marker = {
      producerId: transaction.producerId,
      producerEpoch: transaction.producerEpoch,
      transactionVersion: transaction.clientVersion,
      marker: { isCommit: transaction.status === TransactionStatus.prepareCommit, coordinatorEpoch },
    };
    for (const [topic, indexes] of transaction.partitions) for (const partition of indexes) this.#left.push({ topic, partition });
  }

  /** Still the transaction that the shard has. */
  get #isCurrent(): boolean {
    return this.#state.get(this.#transaction.transactionalId) === this.#transaction;
  }

  sendAll(): void {
    const places = this.#left;
    this.#left = [];
    this.#waiting = places.length + 1;
    for (const place of places) this.#writer.write(place.topic, place.partition, this.#marker, (errorCode) => this.#onWritten(place, errorCode));
    this.#settleOne();
  }

  #onWritten(place: { readonly topic: string; readonly partition: number }, errorCode: number): void {
    if (isOvertaken(errorCode)) this.#warn('a partition refuses the marker of a transaction, which it has ended already', place, errorCode);
    else if (!isWritten(errorCode)) this.#left.push(place);
    this.#settleOne();
  }

  #settleOne(): void {
    this.#waiting--;
    if (this.#waiting > 0 || !this.#isCurrent) return;
    if (this.#left.length === 0) this.#complete();
    else this.#later(() => this.sendAll());
  }

  #complete(): void {
    const { host } = this.#state;
    const value = completed(this.#transaction, host.clock.now());
    host.write({
      changes: [{ transactionalId: value.transactionalId, value }],
      // The write was taken back: the transaction is prepared still.
      settle: (errorCode) => {
        if (errorCode !== ErrorCode.NONE) this.#later(() => this.#complete());
      },
    });
  }

  /** On a shard that was given up the timer is never set, or goes with it. */
  #later(run: () => void): void {
    const timer = this.#state.host.timers.create(() => {
      if (this.#isCurrent) run();
    });
    timer.set(this.#retryMs);
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MS_MAX);
  }

  #warn(message: string, place: { readonly topic: string; readonly partition: number }, errorCode: number): void {
    const { transactionalId, producerId, producerEpoch } = this.#transaction;
    this.#state.host.logger.warn(message, { transactionalId, producerId, producerEpoch, ...place, error: errorName(errorCode) });
  }
}
