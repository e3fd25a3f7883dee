import type { Clock, Logger, Timer } from '../../../base/ports.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { CoordinatorRuntime, CoordinatorShard } from '../../coordinator.ts';
import { snapshotOf } from './machine.ts';
import type { KeptState, ShareShardState } from './machine.ts';
import { coordinatorKey } from './records.ts';
import type { ShareChange } from './records.ts';

/** What pruning needs of the log beside what every coordinator does. */
export interface PrunableLog {
  /** Offset of the next record; -1 when the partition is not here. */
  endOffset(partition: number): number;
  /** Rejects when it could not be done. */
  deleteBefore(partition: number, offset: number): Promise<void>;
}

/** Fewer records than this are not worth a pruning. */
const RECORDS_MIN = 1_000;
/** Snapshots of one write. */
const SNAPSHOTS_PER_WRITE = 200;

type Shard = CoordinatorShard<ShareShardState, ShareChange>;

/**
 * Keeps `__share_group_state` short, whose records nothing else removes: now and then every share partition of a shard is snapshotted, and
 * what lies before is deleted. A shard is left alone until it holds several times what its snapshots take.
 */
export class Pruning {
  readonly #runtime: CoordinatorRuntime<ShareShardState, ShareChange>;
  readonly #log: PrunableLog;
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #intervalMs: number;
  /** A shard's count of records when it was pruned last. */
  readonly #prunedAt = new WeakMap<ShareShardState, number>();
  #timer: Timer;
  #isClosed = false;

  constructor(runtime: CoordinatorRuntime<ShareShardState, ShareChange>, log: PrunableLog, ports: { readonly clock: Clock; readonly logger: Logger }, intervalMs: number) {
    this.#runtime = runtime;
    this.#log = log;
    this.#clock = ports.clock;
    this.#logger = ports.logger;
    this.#intervalMs = intervalMs;
    this.#timer = this.#clock.setTimer(intervalMs, () => this.#run());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer.cancel();
  }

  #run(): void {
    if (this.#isClosed) return;
    for (const shard of this.#runtime.known()) this.#prune(shard);
    this.#timer = this.#clock.setTimer(this.#intervalMs, () => this.#run());
  }

  #prune(shard: Shard): void {
    const state = shard.current;
    if (state === null || state.recordCount - (this.#prunedAt.get(state) ?? 0) < Math.max(RECORDS_MIN, 2 * state.kept.size)) return;
    // Whatever is still on its way will lie behind this offset.
    const endOffset = this.#log.endOffset(shard.partition);
    if (endOffset <= 0) return;
    this.#prunedAt.set(state, state.recordCount + state.kept.size);
    this.#snapshotNext(shard, state, [...state.kept.values()], endOffset);
  }

  /** One write after the other: a client's write waits for one at most. */
  #snapshotNext(shard: Shard, state: ShareShardState, kept: readonly KeptState[], endOffset: number): void {
    if (shard.current !== state) return;
    const now = kept.slice(0, SNAPSHOTS_PER_WRITE);
    const rest = kept.slice(SNAPSHOTS_PER_WRITE);
    const changes = now.flatMap(({ key }) => {
      const present = state.kept.get(coordinatorKey(key));
      // Deleted meanwhile.
      return present === undefined ? [] : [snapshotOf(state, present)];
    });
    shard.write({
      changes,
      settle: (errorCode) => {
        if (errorCode !== ErrorCode.NONE) return;
        if (rest.length > 0) this.#snapshotNext(shard, state, rest, endOffset);
        else this.#deleteBefore(shard.partition, endOffset);
      },
    });
  }

  #deleteBefore(partition: number, endOffset: number): void {
    this.#log.deleteBefore(partition, endOffset).catch((error: unknown) => {
      this.#logger.warn('old share group state could not be deleted', { partition, reason: String(error) });
    });
  }
}
