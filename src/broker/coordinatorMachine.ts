/** What a coordinator is made of, for those who write one: its state machine, what it wants written, what it may use. */
import type { Clock, Logger } from '../base/ports.ts';
import type { Writer } from '../protocol/writer.ts';
import type { ShardTimers } from './coordinatorTimers.ts';
import type { BatchTransaction, CoordinatorRecord } from './contract.ts';

/** Steps that take a change back; they run last to first. */
export type Undo = (() => void)[];

/** What a decision wants written. */
export interface Write<Change> {
  /** In this order, in one atomic batch. Empty: `settle` waits for what was decided before, and writes nothing. */
  readonly changes: readonly Change[];
  /** True when the decision has changed the state itself (and `settle` handles a failure): `apply` is not called. */
  readonly decided?: boolean;
  /** Steps that take back what the decision has changed itself, run when the write fails; then `settle` need not. */
  readonly undo?: Undo;
  /** The changes are a part of this transaction: they are kept by `applyPending` until its marker. */
  readonly transaction?: BatchTransaction;
  /** Exactly once: with 0 below the high watermark, or with the Kafka error code that stopped it. */
  readonly settle: (errorCode: number) => void;
}

/** The part of a coordinator that knows what its records mean. `decide` functions live beside it and run inside `CoordinatorShard.submit`. */
export interface CoordinatorMachine<State, Change> {
  /** An empty state, before its partition is replayed. */
  create(host: ShardHost<Change>): State;
  /** Live and in replay. `undo` is null in replay. */
  apply(state: State, change: Change, undo: Undo | null): void;
  /** A change of a transaction that is not over, live and in replay. Only where there are transactional writes. */
  applyPending?(state: State, producerId: number, change: Change, undo: Undo | null): void;
  /** The marker of the producer's transaction, live and in replay. */
  endTransaction?(state: State, producerId: number, isCommit: boolean, undo: Undo | null): void;
  encode(change: Change, writer: Writer): CoordinatorRecord;
  /** Null: a record of a kind that this coordinator does not keep. Throws on bytes that are no such record. */
  decode(key: Buffer, value: Buffer | null): Change | null;
  /** The whole partition was replayed: set timers, repair what a restart breaks. */
  onActive(state: State): void;
  /**
   * The shard is given up: answer with `errorCode` whoever waits inside the state. Its timers are gone already; writes that are still pending
   * settle after this.
   */
  onInactive(state: State, errorCode: number): void;
}

/** What a state may use of its shard. */
export interface ShardHost<Change> {
  readonly partition: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timers: ShardTimers;
  /** Writes without a request: from a timer, or from `settle`. On a shard that was given up it settles with NOT_COORDINATOR. */
  write(write: Write<Change> | null): void;
}

export interface CoordinatorOptions {
  /** How long a write may wait for the high watermark before its client is told REQUEST_TIMED_OUT, milliseconds. */
  readonly commitTimeoutMs: number;
  /** Key and value bytes of one append (a single decision may be larger). */
  readonly batchBytesMax: number;
  /** Decisions of one shard that wait for their append; more are refused with COORDINATOR_NOT_AVAILABLE. */
  readonly pendingWritesMax: number;
  /** After a failed load, milliseconds. */
  readonly loadRetryMs: number;
  /** Runs `task` when the present turn is over, so that all writes of a turn share one append. */
  readonly defer: (task: () => void) => void;
}
