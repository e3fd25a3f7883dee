/**
 * The transaction coordinator: finds the shard of a transactional id, runs the request on it, and answers when what it changed is kept. What is decided is in
 * decisions.ts.
 */
import type { Clock, Logger, Timer } from '../../base/ports.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { coordinatorError, CoordinatorRuntime } from '../coordinator.ts';
import type { CoordinatorShard } from '../coordinator.ts';
import type { CoordinatorLog } from '../contract.ts';
import { partitionFor } from '../groups/partition.ts';
import { completed, decideAddPartitions, decideEnd, decideInit, decideServerAbort, isTimedOut, TWO_PHASE_TIMEOUT_MS, verifyPartition } from './decisions.ts';
import type { Circumstances, Decision, EndRequest, InitRequest, ProducerIdentity } from './decisions.ts';
import { MarkerSender } from './markers.ts';
import type { MarkerWriter } from './markers.ts';
import type { TransactionChange } from './records.ts';
import type { TransactionSettings } from './settings.ts';
import { transactionMachine } from './state.ts';
import type { TransactionState } from './state.ts';
import { EPOCH_BUMP_VERSION, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, TransactionStatus, isPrepared, isSettled } from './transaction.ts';
import type { Transaction, TransactionPartitions } from './transaction.ts';

type TransactionShard = CoordinatorShard<TransactionState, TransactionChange>;

export interface TransactionCoordinatorOptions {
  /** `__transaction_state` */
  readonly log: CoordinatorLog;
  readonly settings: () => TransactionSettings;
  readonly ports: { readonly clock: Clock; readonly logger: Logger };
  readonly markers: MarkerWriter;
  /** A producer id that nobody else has. Rejects with MetadataError. */
  readonly nextProducerId: () => Promise<number>;
  /** Level of the feature transaction.version. */
  readonly serverVersion: () => number;
  /** Of the partition's leader: markers of an earlier one are refused. */
  readonly coordinatorEpochOf: (partition: number) => number;
  /** What a failure to get a producer id is called, as a Kafka error code. */
  readonly errorCodeOf: (error: unknown) => number;
  /** Runs a task when the present turn is over; the next microtask if not given. */
  readonly defer?: (task: () => void) => void;
}

/** Who a producer is from now on; NO_PRODUCER_ID and NO_PRODUCER_EPOCH with an error. */
export type IdentityReply = (errorCode: number, producerId: number, producerEpoch: number) => void;

/** What the older versions of all requests can carry; ids are kept for days. */
const ID_LENGTH_MAX = 32_767;
const BATCH_BYTES_MAX = 1_000_000;
const PENDING_WRITES_MAX = 50_000;
const LOAD_RETRY_MS = 5_000;
/** Tombstones of one write. */
const REMOVALS_PER_WRITE = 1_000;

export class TransactionCoordinator {
  readonly #runtime: CoordinatorRuntime<TransactionState, TransactionChange>;
  readonly #options: TransactionCoordinatorOptions;
  readonly #markers: MarkerSender;
  #abortTimer: Timer;
  #removeTimer: Timer;
  #isClosed = false;

  constructor(options: TransactionCoordinatorOptions) {
    const { log, ports, settings, serverVersion, defer = queueMicrotask } = options;
    this.#options = options;
    this.#markers = new MarkerSender(options.markers, options.coordinatorEpochOf);
    const machine = transactionMachine({ serverVersion, onActive: (state) => this.#resume(state) });
    this.#runtime = new CoordinatorRuntime(machine, log, ports, {
      get commitTimeoutMs(): number {
        return settings().commitTimeoutMs;
      },
      batchBytesMax: BATCH_BYTES_MAX,
      pendingWritesMax: PENDING_WRITES_MAX,
      loadRetryMs: LOAD_RETRY_MS,
      defer,
    });
    this.#abortTimer = this.#setAbortTimer();
    this.#removeTimer = this.#setRemoveTimer();
  }

  /** Which partition of `__transaction_state` keeps the id. */
  partitionFor(transactionalId: string): number {
    return partitionFor(transactionalId, this.#runtime.log.partitionCount);
  }

  /** This node leads the partition now: its transactions are loaded, and those that were being ended are ended. */
  onElected(partition: number): void {
    this.#runtime.onElected(partition);
  }

  /** Another node leads the partition now. */
  onResigned(partition: number): void {
    this.#runtime.onResigned(partition);
  }

  close(): void {
    this.#isClosed = true;
    this.#abortTimer.cancel();
    this.#removeTimer.cancel();
    this.#runtime.close();
  }

  #shardOf(transactionalId: string): TransactionShard {
    return this.#runtime.shard(this.partitionFor(transactionalId));
  }

  /** Kafka's limits of `transaction.timeout.ms`. */
  isTimeoutAllowed(timeoutMs: number): boolean {
    return timeoutMs > 0 && timeoutMs <= this.#options.settings().timeoutMsMax;
  }

  init(asked: InitRequest, reply: IdentityReply): void {
    if (asked.transactionalId === '' || asked.transactionalId.length > ID_LENGTH_MAX) return refuse(reply, ErrorCode.INVALID_REQUEST);
    const isTwoPhase = asked.isTwoPhase === true;
    if (isTwoPhase && !this.#options.settings().allowsTwoPhase) return refuse(reply, ErrorCode.TRANSACTIONAL_ID_AUTHORIZATION_FAILED);
    if (!isTwoPhase && !this.isTimeoutAllowed(asked.timeoutMs)) return refuse(reply, ErrorCode.INVALID_TRANSACTION_TIMEOUT);
    const request = isTwoPhase ? { ...asked, timeoutMs: TWO_PHASE_TIMEOUT_MS } : asked;
    const decide = (known: Transaction | undefined, circumstances: Circumstances): Decision => decideInit(known, request, circumstances);
    this.#decide(request.transactionalId, decide, (errorCode, changed) => {
      if (errorCode !== ErrorCode.NONE || changed === undefined) return refuse(reply, errorCode);
      // what the producer before left open ends first
      if (changed.status !== TransactionStatus.empty) return refuse(reply, ErrorCode.CONCURRENT_TRANSACTIONS);
      reply(ErrorCode.NONE, changed.producerId, changed.producerEpoch);
    });
  }

  /** `clientVersion`: 0 for AddPartitionsToTxn and AddOffsetsToTxn of clients, 2 for what the broker adds in their place. */
  addPartitions(transactionalId: string, producer: ProducerIdentity, partitions: TransactionPartitions, clientVersion: number, reply: (errorCode: number) => void): void {
    if (transactionalId === '') return reply(ErrorCode.INVALID_REQUEST);
    const decide = (known: Transaction | undefined, { nowMs }: Circumstances): Decision => decideAddPartitions(known, producer, partitions, clientVersion, nowMs);
    this.#decide(transactionalId, decide, reply);
  }

  /**
   * Whether the producer's transaction has each of the partitions: an error code for each. What is being written counts once it is kept.
   */
  verifyPartitions(
    transactionalId: string, producer: ProducerIdentity, places: readonly { readonly topic: string; readonly partition: number }[], reply: (errorCodes: readonly number[]) => void,
  ): void {
    const all = (errorCode: number): void => reply(places.map(() => errorCode));
    if (transactionalId === '') return all(ErrorCode.INVALID_REQUEST);
    const errorCode = this.#shardOf(transactionalId).submit((state) => {
      const verdicts = places.map(({ topic, partition }) => verifyPartition(state.get(transactionalId), producer, topic, partition));
      return { changes: [], settle: (writeError) => (writeError === ErrorCode.NONE ? reply(verdicts) : all(coordinatorError(writeError))) };
    });
    if (errorCode !== ErrorCode.NONE) all(errorCode);
  }

  /** EndTxn. The answer to clients of version 2 is who they are in their next transaction. */
  end(transactionalId: string, request: EndRequest, reply: IdentityReply): void {
    if (transactionalId === '') return refuse(reply, ErrorCode.INVALID_REQUEST);
    const decide = (known: Transaction | undefined, circumstances: Circumstances): Decision => decideEnd(known, request, circumstances);
    const tellsIdentity = request.clientVersion >= EPOCH_BUMP_VERSION;
    this.#decide(transactionalId, decide, (errorCode, changed, known) => {
      if (errorCode !== ErrorCode.NONE) return refuse(reply, errorCode);
      const present = changed === undefined ? known : completed(changed, 0);
      if (!tellsIdentity || present === undefined) return refuse(reply, ErrorCode.NONE);
      reply(ErrorCode.NONE, present.producerId, present.producerEpoch);
    });
  }

  /**
   * Runs a decision, with a new producer id when it asks for one, and writes what it changes. `done` when that is kept: with what it changed, and what was
   * known before. A transaction that is prepared by it is ended.
   */
  #decide(
    transactionalId: string, decide: (known: Transaction | undefined, circumstances: Circumstances) => Decision,
    done: (errorCode: number, changed?: Transaction, known?: Transaction) => void, freshProducerId: number | null = null,
  ): void {
    let needsProducerId = false;
    const errorCode = this.#shardOf(transactionalId).submit((state) => {
      const known = state.get(transactionalId);
      const decision = decide(known, this.#circumstances(freshProducerId));
      if (decision.kind === 'needsProducerId') {
        needsProducerId = true;
        return null;
      }
      if (decision.kind === 'change') return this.#changeTo(state, decision.next, (writeError) => done(coordinatorError(writeError), decision.next, known));
      if (decision.errorCode !== ErrorCode.NONE) return done(decision.errorCode), null;
      return { changes: [], settle: (writeError) => done(coordinatorError(writeError), undefined, known) };
    });
    if (errorCode !== ErrorCode.NONE) return done(errorCode);
    if (needsProducerId) this.#decideWithId(transactionalId, decide, done);
  }

  #decideWithId(transactionalId: string, decide: (known: Transaction | undefined, circumstances: Circumstances) => Decision, done: (errorCode: number, changed?: Transaction, known?: Transaction) => void): void {
    this.#options.nextProducerId().then(
      (producerId) => this.#decide(transactionalId, decide, done, producerId),
      (error: unknown) => done(this.#options.errorCodeOf(error)),
    );
  }

  #circumstances(freshProducerId: number | null): Circumstances {
    return { nowMs: this.#options.ports.clock.now(), serverVersion: this.#options.serverVersion(), freshProducerId };
  }

  #changeTo(state: TransactionState, next: Transaction, done: (errorCode: number) => void): { changes: TransactionChange[]; settle: (errorCode: number) => void } {
    const settle = (errorCode: number): void => {
      if (isPrepared(next)) this.#endWhenKept(state, next, errorCode);
      done(errorCode);
    };
    return { changes: [{ transactionalId: next.transactionalId, value: next }], settle };
  }

  /** A write that took too long for its client may be kept all the same, and then owes its markers. */
  #endWhenKept(state: TransactionState, prepared: Transaction, errorCode: number): void {
    if (errorCode === ErrorCode.REQUEST_TIMED_OUT) {
      state.host.write({ changes: [], settle: (later) => this.#endWhenKept(state, prepared, later) });
    } else if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND) {
      if (state.get(prepared.transactionalId) === prepared) this.#markers.send(state, prepared);
    }
  }

  /** After a load: whatever was prepared owes its markers; some may have been written before, and are written once more. */
  #resume(state: TransactionState): void {
    for (const transaction of state.all()) if (isPrepared(transaction)) this.#markers.send(state, transaction);
  }

  #setAbortTimer(): Timer {
    return this.#options.ports.clock.setTimer(this.#options.settings().abortIntervalMs, () => {
      if (this.#isClosed) return;
      this.#abortTimer = this.#setAbortTimer();
      this.#forEachActive((shard) => this.#abortTimedOut(shard));
    });
  }

  #setRemoveTimer(): Timer {
    return this.#options.ports.clock.setTimer(this.#options.settings().removeIntervalMs, () => {
      if (this.#isClosed) return;
      this.#removeTimer = this.#setRemoveTimer();
      this.#forEachActive((shard) => this.#removeExpired(shard));
    });
  }

  /** A defect in one shard must not end the others, nor the process. */
  #forEachActive(run: (shard: TransactionShard) => void): void {
    for (const shard of this.#runtime.known()) {
      if (!shard.isActive) continue;
      try {
        run(shard);
      } catch (error) {
        shard.logger.error('a task of the transaction coordinator failed', { partition: shard.partition, error: String(error) });
      }
    }
  }

  #abortTimedOut(shard: TransactionShard): void {
    const nowMs = this.#options.ports.clock.now();
    const late = [...(shard.current?.ongoing() ?? [])].filter((transaction) => isTimedOut(transaction, nowMs));
    for (const transaction of late) {
      const { transactionalId } = transaction;
      const decide = (known: Transaction | undefined, circumstances: Circumstances): Decision =>
        (known === transaction ? decideServerAbort(known, circumstances) : { kind: 'answer', errorCode: ErrorCode.CONCURRENT_TRANSACTIONS });
      this.#decide(transactionalId, decide, (errorCode) => {
        if (errorCode === ErrorCode.NONE) shard.logger.info('a transaction took too long and is aborted', { transactionalId, producerId: transaction.producerId });
        else if (errorCode !== ErrorCode.CONCURRENT_TRANSACTIONS) shard.logger.warn('a transaction that took too long could not be aborted', { transactionalId, errorCode });
      });
    }
  }

  #removeExpired(shard: TransactionShard): void {
    const state = shard.current;
    if (state === null) return;
    const bound = this.#options.ports.clock.now() - this.#options.settings().idExpirationMs;
    const changes: TransactionChange[] = [];
    for (const transaction of state.all()) {
      if (isSettled(transaction) && transaction.updatedMs <= bound) changes.push({ transactionalId: transaction.transactionalId, value: null });
    }
    for (let from = 0; from < changes.length; from += REMOVALS_PER_WRITE) {
      shard.write({ changes: changes.slice(from, from + REMOVALS_PER_WRITE), settle: (errorCode) => this.#noteRemoval(shard, errorCode) });
    }
  }

  #noteRemoval(shard: TransactionShard, errorCode: number): void {
    if (errorCode !== ErrorCode.NONE) shard.logger.warn('transactional ids of age stay until the next look', { partition: shard.partition, errorCode });
  }

  /** The transaction, or the error code that says why it cannot be told. */
  describe(transactionalId: string): Transaction | number {
    if (transactionalId === '') return ErrorCode.INVALID_REQUEST;
    const shard = this.#shardOf(transactionalId);
    const state = shard.current;
    if (state === null) return shard.unavailable();
    return state.get(transactionalId) ?? ErrorCode.TRANSACTIONAL_ID_NOT_FOUND;
  }

  /** All transactions of the partitions that this node leads; an error code while one of them is being loaded. */
  list(): Iterable<Transaction> | number {
    const states: TransactionState[] = [];
    for (let partition = 0; partition < this.#runtime.log.partitionCount; partition++) {
      const shard = this.#runtime.shard(partition);
      const errorCode = shard.unavailable();
      if (errorCode === ErrorCode.NOT_COORDINATOR) continue;
      if (errorCode !== ErrorCode.NONE) return errorCode;
      if (shard.current !== null) states.push(shard.current);
    }
    return allOf(states);
  }
}

function* allOf(states: readonly TransactionState[]): Generator<Transaction> {
  for (const state of states) yield* state.all();
}

function refuse(reply: IdentityReply, errorCode: number): void {
  reply(errorCode, NO_PRODUCER_ID, NO_PRODUCER_EPOCH);
}
