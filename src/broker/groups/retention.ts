import type { Clock, Timer } from '../../base/ports.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { CoordinatorRuntime, CoordinatorShard } from '../coordinator.ts';
import { dropTopics, expireGroup } from './offsets/remove.ts';
import type { GroupChange } from './records.ts';
import type { GroupState } from './state.ts';

type GroupShard = CoordinatorShard<GroupState, GroupChange>;

/** Groups looked at before the event loop gets its turn. */
const GROUPS_PER_SLICE = 1_000;
const SLICE_PAUSE_MS = 1;
/** Records of one write, so that any number of tombstones fits the topic's limit for a batch. */
const CHANGES_PER_WRITE = 1_000;

/** Writes any number of changes in pieces, in order; `settle` hears of the last piece, which fails when an earlier one does. */
export function writeAll(shard: GroupShard, changes: readonly GroupChange[], settle: (errorCode: number) => void): void {
  let from = 0;
  for (; from + CHANGES_PER_WRITE < changes.length; from += CHANGES_PER_WRITE) {
    shard.write({ changes: changes.slice(from, from + CHANGES_PER_WRITE), settle: ignore });
  }
  shard.write({ changes: changes.slice(from), settle });
}

function ignore(): void {
  // the last piece tells
}

/** Lets offsets and groups go when they are of age, and when their topic has gone. */
export class Retention {
  private readonly runtime: CoordinatorRuntime<GroupState, GroupChange>;
  private readonly clock: Clock;
  private readonly intervalMs: () => number;
  private timer: Timer;
  private isClosed = false;
  /** Topics that went while a shard was loading. */
  private readonly late = new Map<number, string[]>();

  constructor(runtime: CoordinatorRuntime<GroupState, GroupChange>, clock: Clock, intervalMs: () => number) {
    this.runtime = runtime;
    this.clock = clock;
    this.intervalMs = intervalMs;
    this.timer = clock.setTimer(intervalMs(), () => this.expireShards());
  }

  close(): void {
    this.isClosed = true;
    this.timer.cancel();
  }

  dropTopics(topics: readonly string[]): void {
    for (const shard of this.runtime.known()) {
      if (shard.isActive) this.dropOf(shard, topics);
      else if (shard.unavailable() === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS) this.late.set(shard.partition, [...(this.late.get(shard.partition) ?? []), ...topics]);
    }
  }

  onShardActive(partition: number): void {
    const topics = this.late.get(partition);
    this.late.delete(partition);
    if (topics !== undefined) this.dropOf(this.runtime.shard(partition), topics);
  }

  private dropOf(shard: GroupShard, topics: readonly string[]): void {
    shard.submit((state) => {
      const changes = dropTopics(state, topics);
      const settle = (errorCode: number): void => {
        if (errorCode !== ErrorCode.NONE) shard.logger.warn('offsets of deleted topics stay until they are of age', { partition: shard.partition, topics, errorCode });
      };
      if (changes.length > 0) writeAll(shard, changes, settle);
      return null;
    });
  }

  private expireShards(): void {
    this.expireNext([...this.runtime.known()], []);
  }

  /** One slice of groups a turn, through all shards; then the interval begins anew. */
  private expireNext(shards: GroupShard[], groupIds: string[]): void {
    if (this.isClosed) return;
    const shard = shards.at(-1);
    if (shard === undefined) {
      this.timer = this.clock.setTimer(this.intervalMs(), () => this.expireShards());
      return;
    }
    const ids = groupIds.length > 0 ? groupIds : [...(shard.current?.groups.keys() ?? [])];
    const rest = ids.slice(GROUPS_PER_SLICE);
    this.expireSlice(shard, ids.slice(0, GROUPS_PER_SLICE));
    if (rest.length === 0) shards.pop();
    this.timer = this.clock.setTimer(SLICE_PAUSE_MS, () => this.expireNext(shards, rest));
  }

  /** A defect in one slice must not end the others, nor the process. */
  private expireSlice(shard: GroupShard, groupIds: readonly string[]): void {
    try {
      shard.submit((state) => {
        this.expireGroups(shard, state, groupIds);
        return null;
      });
    } catch (error) {
      shard.logger.error('the retention of groups failed', { partition: shard.partition, error: String(error) });
    }
  }

  private expireGroups(shard: GroupShard, state: GroupState, groupIds: readonly string[]): void {
    const changes: GroupChange[] = [];
    const unused: string[] = [];
    for (const groupId of groupIds) {
      const group = state.groups.get(groupId);
      if (group === undefined) continue;
      const expiry = expireGroup(state, group);
      changes.push(...expiry.changes);
      if (expiry.isUnused) unused.push(groupId);
    }
    if (changes.length > 0) writeAll(shard, changes, ignore);
    for (const groupId of unused) {
      const group = state.groups.get(groupId);
      if (group !== undefined) state.dropIfUnused(group);
    }
  }
}
