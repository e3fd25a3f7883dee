/**
 * The runtime under every coordinator (groups, transactions, share state): one shard a partition of the coordinator's topic. A shard holds a state that
 * is rebuilt by replaying the partition, changes it by records, and answers only when those records are below the high watermark.
 *
 * Decisions run one after another on the JS thread. What a decision asks to be written joins the batch that is open; while a batch is on its way
 * the next one gathers (group commit), so at most one append of a shard is in flight. When an append fails, the state goes back to what it was
 * before that batch and everything decided after it.
 */
import { assert } from '../base/assert.ts';
import type { Clock, Logger } from '../base/ports.ts';
import { ErrorCode } from '../protocol/errors.ts';
import { Writer } from '../protocol/writer.ts';
import { ShardTimers } from './coordinatorTimers.ts';
import type { BatchTransaction, CoordinatorLog, CoordinatorRecord, LoadedRecord } from './contract.ts';
import type { CoordinatorMachine, CoordinatorOptions, ShardHost, Undo, Write } from './coordinatorMachine.ts';

export type { CoordinatorMachine, CoordinatorOptions, ShardHost, Undo, Write } from './coordinatorMachine.ts';

/** What the runtime adds to each record when it judges the size of a batch: length fields and attributes. */
const RECORD_OVERHEAD_BYTES = 24;

interface Batch {
  readonly records: CoordinatorRecord[];
  readonly transaction: BatchTransaction | undefined;
  readonly undo: Undo;
  settles: ((errorCode: number) => void)[];
  bytes: number;
  readonly openedMs: number;
}

type ShardStatus = 'idle' | 'loading' | 'active' | 'failed';

/** After these this node no longer speaks for the partition. */
function endsLeadership(errorCode: number): boolean {
  return errorCode === ErrorCode.NOT_LEADER_OR_FOLLOWER || errorCode === ErrorCode.FENCED_LEADER_EPOCH || errorCode === ErrorCode.NOT_COORDINATOR;
}

/** What clients are told about a failed append: an error that makes them look for the coordinator again, or try again. */
export function coordinatorError(errorCode: number): number {
  switch (errorCode) {
    case ErrorCode.UNKNOWN_TOPIC_OR_PARTITION:
    case ErrorCode.NOT_ENOUGH_REPLICAS:
    case ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND:
    case ErrorCode.REQUEST_TIMED_OUT:
      return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    case ErrorCode.NOT_LEADER_OR_FOLLOWER:
    case ErrorCode.FENCED_LEADER_EPOCH:
    case ErrorCode.KAFKA_STORAGE_ERROR:
      return ErrorCode.NOT_COORDINATOR;
    case ErrorCode.MESSAGE_TOO_LARGE:
    case ErrorCode.RECORD_LIST_TOO_LARGE:
    case ErrorCode.INVALID_FETCH_SIZE:
      return ErrorCode.UNKNOWN_SERVER_ERROR;
    default:
      return errorCode;
  }
}

/** One partition of a coordinator's topic. */
export class CoordinatorShard<State, Change> implements ShardHost<Change> {
  readonly partition: number;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly timers: ShardTimers;
  private readonly machine: CoordinatorMachine<State, Change>;
  private readonly log: CoordinatorLog;
  private readonly options: CoordinatorOptions;
  private readonly writer: Writer;
  private status: ShardStatus = 'idle';
  private state: State | null = null;
  /** Grows with every load and unload: what belongs to an earlier life is ignored. */
  private life = 0;
  /** The head is in flight when `appending`; the last one is open. */
  private batches: Batch[] = [];
  private appending = false;
  private flushDue = false;
  private pendingWrites = 0;
  private commitTimer: { cancel(): void } | null = null;
  /** Of the last append, 0 when it went well: a disk that stays full is told once. */
  private lastFailure: number = ErrorCode.NONE;

  constructor(
    partition: number,
    machine: CoordinatorMachine<State, Change>,
    log: CoordinatorLog,
    ports: { readonly clock: Clock; readonly logger: Logger },
    options: CoordinatorOptions,
    writer: Writer,
  ) {
    this.partition = partition;
    this.machine = machine;
    this.log = log;
    this.clock = ports.clock;
    this.logger = ports.logger;
    this.options = options;
    this.writer = writer;
    this.timers = new ShardTimers(ports.clock, (error) => this.logDefect('a timer of a coordinator failed', error));
  }

  get isActive(): boolean {
    return this.status === 'active';
  }

  /** True while some decision waits for its append: the state may still be taken back. */
  get hasPendingWrites(): boolean {
    return this.batches.length > 0;
  }

  /** The state for a look at it, or null with the reason in `unavailable()`. */
  get current(): State | null {
    return this.status === 'active' ? this.state : null;
  }

  /** Why the shard cannot be asked: 0 when it can. Starts to load a partition that this node leads and has not loaded. */
  unavailable(): number {
    if (this.status === 'active') return ErrorCode.NONE;
    if (this.status === 'idle' && this.log.leads(this.partition)) this.load();
    if (this.status === 'loading') return ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
    return this.status === 'failed' ? ErrorCode.COORDINATOR_NOT_AVAILABLE : ErrorCode.NOT_COORDINATOR;
  }

  /**
   * Runs `decide` on the state and writes what it asks for. Returns 0, or why it was not run: then nothing has changed and
   * nothing will be called.
   */
  submit(decide: (state: State) => Write<Change> | null): number {
    const unavailable = this.unavailable();
    if (unavailable !== ErrorCode.NONE) return unavailable;
    if (this.pendingWrites >= this.options.pendingWritesMax) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
    this.write(decide(this.state as State));
    return ErrorCode.NONE;
  }

  /** Calls `settle` when everything decided so far is below the high watermark (at once when it is), or why that failed. */
  afterPending(settle: (errorCode: number) => void): void {
    this.write({ changes: [], settle });
  }

  write(write: Write<Change> | null): void {
    if (write === null) return;
    if (this.status !== 'active') return this.settleOne(write.settle, ErrorCode.NOT_COORDINATOR);
    if (write.changes.length === 0) {
      const last = this.batches.at(-1);
      if (last === undefined) return this.settleOne(write.settle, ErrorCode.NONE);
      last.settles.push(write.settle);
      this.pendingWrites++;
      return;
    }
    const records = this.encode(write);
    const batch = this.openBatch(bytesOf(records), write.transaction);
    for (const record of records) batch.records.push(record);
    batch.settles.push(write.settle);
    this.pendingWrites++;
    if (write.undo !== undefined) batch.undo.push(...write.undo);
    if (write.decided !== true) for (const change of write.changes) this.applyChange(change, write.transaction, batch.undo);
    this.flushLater();
  }

  /** What cannot be written has not happened. */
  private encode({ changes, undo = [] }: Write<Change>): CoordinatorRecord[] {
    try {
      return changes.map((change) => this.machine.encode(change, this.writer));
    } catch (error) {
      this.writer.takeBuffer();
      for (const step of undo.toReversed()) step();
      throw error;
    }
  }

  private applyChange(change: Change, transaction: BatchTransaction | undefined, undo: Undo): void {
    if (transaction === undefined) this.machine.apply(this.state as State, change, undo);
    else this.machine.applyPending?.(this.state as State, transaction.producerId, change, undo);
  }

  /**
   * Writes the marker that ends a transaction in this partition. `settle` as for `write`; returns 0, or why nothing was done: then `settle` is not
   * called.
   */
  endTransaction(transaction: BatchTransaction & { readonly marker: NonNullable<BatchTransaction['marker']> }, settle: (errorCode: number) => void): number {
    const unavailable = this.unavailable();
    if (unavailable !== ErrorCode.NONE) return unavailable;
    const batch = this.openBatch(RECORD_OVERHEAD_BYTES, transaction);
    batch.settles.push(settle);
    this.pendingWrites++;
    this.machine.endTransaction?.(this.state as State, transaction.producerId, transaction.marker.isCommit, batch.undo);
    this.flushLater();
    return ErrorCode.NONE;
  }

  /** The batch that takes `bytes` more. */
  private openBatch(bytes: number, transaction: BatchTransaction | undefined): Batch {
    const last = this.batches.at(-1);
    const isSent = this.appending && this.batches.length === 1;
    if (last !== undefined && !isSent && last.bytes + bytes <= this.options.batchBytesMax && isJoint(last.transaction, transaction)) {
      last.bytes += bytes;
      return last;
    }
    const batch: Batch = { records: [], transaction, undo: [], settles: [], bytes, openedMs: this.clock.monotonicMs() };
    this.batches.push(batch);
    return batch;
  }

  private flushLater(): void {
    if (this.flushDue || this.appending) return;
    this.flushDue = true;
    this.options.defer(() => {
      this.flushDue = false;
      this.flush();
    });
  }

  private flush(): void {
    const head = this.batches[0];
    if (this.appending || this.status !== 'active' || head === undefined) return;
    this.appending = true;
    const { life } = this;
    let isDone = false;
    const done = (errorCode: number): void => {
      if (isDone) return;
      isDone = true;
      if (life === this.life) this.onAppended(errorCode);
    };
    try {
      this.log.append(this.partition, head.records, done, head.transaction);
    } catch (error) {
      this.logDefect('the append of a coordinator failed', error);
      done(ErrorCode.UNKNOWN_SERVER_ERROR);
    }
    if (this.appending && this.commitTimer === null) this.armCommitTimer();
  }

  private onAppended(errorCode: number): void {
    this.appending = false;
    if (errorCode === ErrorCode.NONE || errorCode === ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND) {
      const batch = this.batches.shift();
      assert(batch !== undefined, 'the batch in flight is the first');
      this.lastFailure = ErrorCode.NONE;
      if (this.batches.length > 0) this.flushLater();
      else this.dropCommitTimer();
      return this.settleAll(batch.settles, errorCode);
    }
    if (errorCode !== this.lastFailure) this.logger.warn('a coordinator could not write', { topic: this.log.topic, partition: this.partition, errorCode });
    this.lastFailure = errorCode;
    if (errorCode === ErrorCode.KAFKA_STORAGE_ERROR) this.onStorageError();
    else if (endsLeadership(errorCode)) this.unload(errorCode);
    else this.takeBack(errorCode);
  }

  /** A log that stays in use has kept nothing of the batch (its disk is full, perhaps): only that is lost. One that went offline holds nobody knows what. */
  private onStorageError(): void {
    if (this.log.leads(this.partition)) this.takeBack(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    else this.unload(ErrorCode.KAFKA_STORAGE_ERROR);
  }

  /** The state goes back to what the log holds. */
  private takeBack(errorCode: number): void {
    const failed = this.batches;
    this.batches = [];
    this.dropCommitTimer();
    for (const batch of failed.toReversed()) for (const step of batch.undo.toReversed()) step();
    const [head, ...others] = failed;
    if (head !== undefined) this.settleAll(head.settles, errorCode);
    // what stopped a batch of a transaction is no matter of those behind it
    const errorOfOthers = head?.transaction === undefined ? errorCode : ErrorCode.COORDINATOR_NOT_AVAILABLE;
    for (const batch of others) this.settleAll(batch.settles, errorOfOthers);
  }

  private settleAll(settles: readonly ((errorCode: number) => void)[], errorCode: number): void {
    this.pendingWrites -= settles.length;
    for (const settle of settles) this.settleOne(settle, errorCode);
  }

  private settleOne(settle: (errorCode: number) => void, errorCode: number): void {
    try {
      settle(errorCode);
    } catch (error) {
      this.logDefect('a coordinator failed to answer', error);
    }
  }

  private logDefect(message: string, error: unknown): void {
    this.logger.error(message, { topic: this.log.topic, partition: this.partition, error: error instanceof Error ? error.stack : String(error) });
  }

  private armCommitTimer(): void {
    const oldest = this.batches[0];
    if (oldest === undefined) return;
    const leftMs = oldest.openedMs + this.options.commitTimeoutMs - this.clock.monotonicMs();
    this.commitTimer = this.clock.setTimer(Math.max(leftMs, 1), () => this.onCommitTimeout());
  }

  private dropCommitTimer(): void {
    this.commitTimer?.cancel();
    this.commitTimer = null;
  }

  /** Clients are told; the records stay on their way, and still count as pending so that a stuck log cannot collect without bound. */
  private onCommitTimeout(): void {
    this.commitTimer = null;
    const bound = this.clock.monotonicMs() - this.options.commitTimeoutMs;
    const overdue = this.batches.filter((batch) => batch.openedMs <= bound && batch.settles.length > 0);
    for (const batch of overdue) {
      const { settles } = batch;
      batch.settles = settles.map(() => ignore);
      for (const settle of settles) this.settleOne(settle, ErrorCode.REQUEST_TIMED_OUT);
    }
    if (this.appending && this.commitTimer === null) this.commitTimer = this.clock.setTimer(this.options.commitTimeoutMs, () => this.onCommitTimeout());
  }

  /** Replays the partition; without effect when it is loaded or loading. */
  load(): void {
    if (this.status === 'active' || this.status === 'loading') return;
    const life = ++this.life;
    const state = this.machine.create(this);
    this.status = 'loading';
    this.state = state;
    const startedMs = this.clock.monotonicMs();
    let failure: unknown = null;
    let recordCount = 0;
    const visit = (record: LoadedRecord): void => {
      if (life !== this.life || failure !== null) return;
      recordCount++;
      failure = this.replay(state, record);
    };
    const onMarker = (producerId: number, isCommit: boolean): void => {
      if (life === this.life && failure === null) this.machine.endTransaction?.(state, producerId, isCommit, null);
    };
    const onLoaded = (error: unknown): void => {
      if (life !== this.life) return;
      if (error !== null) return this.onLoadFailed(error);
      const fields = { topic: this.log.topic, partition: this.partition, recordCount, tookMs: this.clock.monotonicMs() - startedMs };
      if (recordCount === 0) this.logger.debug('a coordinator has nothing to load', fields);
      else this.logger.info('a coordinator has loaded', fields);
      this.status = 'active';
      this.timers.open();
      this.activate(state);
    };
    this.log.load(this.partition, visit, onMarker).then(
      () => onLoaded(failure),
      (error: unknown) => onLoaded(failure ?? error),
    );
  }

  private activate(state: State): void {
    try {
      this.machine.onActive(state);
    } catch (error) {
      this.logDefect('a coordinator failed to take up its state', error);
      this.unload(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    }
  }

  /** Null, or why the record cannot be taken. */
  private replay(state: State, record: LoadedRecord): unknown {
    try {
      const change = this.machine.decode(record.key, record.value);
      if (change === null) return null;
      if (record.producerId === undefined) this.machine.apply(state, change, null);
      else this.machine.applyPending?.(state, record.producerId, change, null);
      return null;
    } catch (error) {
      return new Error(`the record at offset ${record.offset} cannot be replayed`, { cause: error });
    }
  }

  private onLoadFailed(error: unknown): void {
    this.logger.error('a coordinator failed to load', { topic: this.log.topic, partition: this.partition, error: describeError(error) });
    this.state = null;
    this.status = 'failed';
    const { life } = this;
    this.clock.setTimer(this.options.loadRetryMs, () => {
      if (life !== this.life || this.status !== 'failed') return;
      this.status = 'idle';
      if (this.log.leads(this.partition)) this.load();
    });
  }

  /** Gives the partition up: everybody who waits is told `errorCode` (as clients know it), and the state is dropped. */
  unload(errorCode: number = ErrorCode.NOT_COORDINATOR): void {
    const { status, state, batches } = this;
    this.life++;
    this.status = 'idle';
    this.state = null;
    this.batches = [];
    this.appending = false;
    this.timers.close();
    this.dropCommitTimer();
    if (status === 'active' && state !== null) this.machine.onInactive(state, coordinatorError(errorCode));
    for (const batch of batches) this.settleAll(batch.settles, errorCode);
  }
}

function ignore(): void {
  // its client has been answered
}

/** Whether a batch of `first` takes what belongs to `second`; a marker stands alone. */
function isJoint(first: BatchTransaction | undefined, second: BatchTransaction | undefined): boolean {
  if (first === undefined || second === undefined) return first === second;
  return first.marker === null && second.marker === null && first.producerId === second.producerId && first.producerEpoch === second.producerEpoch;
}

function bytesOf(records: readonly CoordinatorRecord[]): number {
  let bytes = 0;
  for (const { key, value } of records) bytes += key.length + (value === null ? 0 : value.length) + RECORD_OVERHEAD_BYTES;
  return bytes;
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${describeError(error.cause)}`;
}

/** All shards of one coordinator, made when first asked for. */
export class CoordinatorRuntime<State, Change> {
  readonly log: CoordinatorLog;
  private readonly shards = new Map<number, CoordinatorShard<State, Change>>();
  private readonly machine: CoordinatorMachine<State, Change>;
  private readonly ports: { readonly clock: Clock; readonly logger: Logger };
  private readonly options: CoordinatorOptions;
  private readonly writer = new Writer();

  constructor(
    machine: CoordinatorMachine<State, Change>,
    log: CoordinatorLog,
    ports: { readonly clock: Clock; readonly logger: Logger },
    options: CoordinatorOptions,
  ) {
    this.machine = machine;
    this.log = log;
    this.ports = ports;
    this.options = options;
  }

  shard(partition: number): CoordinatorShard<State, Change> {
    assert(partition >= 0 && partition < this.log.partitionCount, 'a partition of the coordinator topic');
    const known = this.shards.get(partition);
    if (known !== undefined) return known;
    const shard = new CoordinatorShard(partition, this.machine, this.log, this.ports, this.options, this.writer);
    this.shards.set(partition, shard);
    return shard;
  }

  /** The shards that were ever asked for or elected. */
  known(): IterableIterator<CoordinatorShard<State, Change>> {
    return this.shards.values();
  }

  onElected(partition: number): void {
    this.shard(partition).load();
  }

  onResigned(partition: number): void {
    this.shards.get(partition)?.unload();
  }

  close(): void {
    for (const shard of this.shards.values()) shard.unload();
  }
}
