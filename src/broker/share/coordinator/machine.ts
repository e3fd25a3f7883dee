/** The share coordinator's state under records, and what it decides (KIP-932). */
import { ErrorCode } from '../../../protocol/errors.ts';
import type { CoordinatorMachine, ShardHost, Undo } from '../../coordinator.ts';
import type { StateBatch } from '../partition/inFlight.ts';
import { coordinatorKey, decodeShareChange, encodeShareChange } from './records.ts';
import type { ShareChange, SharePartitionKey, ShareState, ShareUpdate } from './records.ts';
import { combine } from './stateBatches.ts';

/** What a shard keeps of one share partition. */
export interface KeptState {
  readonly key: SharePartitionKey;
  readonly state: ShareState;
  /** Updates since its snapshot. */
  readonly updateCount: number;
}

export class ShareShardState {
  readonly host: ShardHost<ShareChange>;
  readonly kept = new Map<string, KeptState>();
  /** Records seen, live and in replay. */
  recordCount = 0;

  constructor(host: ShardHost<ShareChange>) {
    this.host = host;
  }
}

export const shareMachine: CoordinatorMachine<ShareShardState, ShareChange> = {
  create: (host) => new ShareShardState(host),
  apply,
  encode: encodeShareChange,
  decode: decodeShareChange,
  onActive: () => undefined,
  onInactive: () => undefined,
};

function apply(shard: ShareShardState, change: ShareChange, undo: Undo | null): void {
  const key = coordinatorKey(change.key);
  const before = shard.kept.get(key);
  shard.recordCount++;
  const after = applied(change, before);
  if (after === null) shard.kept.delete(key);
  else shard.kept.set(key, after);
  undo?.push(() => {
    if (before === undefined) shard.kept.delete(key);
    else shard.kept.set(key, before);
  });
}

function applied(change: ShareChange, before: KeptState | undefined): KeptState | null {
  const { key } = change;
  if (change.kind === 'snapshot') return change.value === null ? null : { key, state: change.value, updateCount: 0 };
  // The snapshot that it belongs to was pruned: a newer one follows, or the partition is deleted.
  if (before === undefined) return null;
  return { ...before, state: updated(before.state, change.value), updateCount: before.updateCount + 1 };
}

function updated(state: ShareState, update: ShareUpdate): ShareState {
  const startOffset = update.startOffset === -1 ? state.startOffset : update.startOffset;
  return {
    ...state,
    startOffset,
    leaderEpoch: update.leaderEpoch === -1 ? state.leaderEpoch : update.leaderEpoch,
    deliveryCompleteCount: update.deliveryCompleteCount,
    batches: combine(state.batches, update.batches, startOffset),
  };
}

/** What a leader writes; -1 for an epoch that it does not say. */
export interface StateWrite {
  readonly stateEpoch: number;
  readonly leaderEpoch: number;
  readonly startOffset: number;
  readonly deliveryCompleteCount: number;
  readonly batches: readonly StateBatch[];
}

export interface Decision {
  readonly errorCode: number;
  readonly message: string | null;
  readonly changes: readonly ShareChange[];
}

const refused = (errorCode: number, message: string): Decision => ({ errorCode, message, changes: [] });
const decided = (...changes: ShareChange[]): Decision => ({ errorCode: ErrorCode.NONE, message: null, changes });

const isStale = (asked: number, known: number): boolean => asked !== -1 && asked < known;

/** `updatesMax`: after so many updates comes a snapshot. */
export function decideWrite(shard: ShareShardState, key: SharePartitionKey, write: StateWrite, updatesMax: number): Decision {
  const kept = shard.kept.get(coordinatorKey(key));
  if (kept === undefined) return refused(ErrorCode.INVALID_REQUEST, 'Write operation on uninitialized share partition not allowed.');
  const { state } = kept;
  if (isStale(write.leaderEpoch, state.leaderEpoch)) return refused(ErrorCode.FENCED_LEADER_EPOCH, `The leader epoch ${write.leaderEpoch} is older than ${state.leaderEpoch}.`);
  if (isStale(write.stateEpoch, state.stateEpoch)) return refused(ErrorCode.FENCED_STATE_EPOCH, `The state epoch ${write.stateEpoch} is older than ${state.stateEpoch}.`);
  return decided(recordOf(shard, kept, write, updatesMax));
}

function recordOf(shard: ShareShardState, { key, state, updateCount }: KeptState, write: StateWrite, updatesMax: number): ShareChange {
  const update: ShareUpdate = {
    snapshotEpoch: state.snapshotEpoch,
    leaderEpoch: write.leaderEpoch === -1 ? state.leaderEpoch : write.leaderEpoch,
    startOffset: write.startOffset,
    deliveryCompleteCount: write.deliveryCompleteCount,
    batches: combine([], write.batches, 0),
  };
  if (updateCount < updatesMax) return { kind: 'update', key, value: update };
  return { kind: 'snapshot', key, value: renewed(shard, updated(state, update)) };
}

function renewed(shard: ShareShardState, state: ShareState): ShareState {
  const nowMs = shard.host.clock.now();
  return { ...state, snapshotEpoch: state.snapshotEpoch + 1, createTimestampMs: nowMs, writeTimestampMs: nowMs };
}

/** The present state anew, so that everything before can be pruned. */
export function snapshotOf(shard: ShareShardState, { key, state }: KeptState): ShareChange {
  return { kind: 'snapshot', key, value: { ...renewed(shard, state), createTimestampMs: state.createTimestampMs } };
}

/** Sets the offsets of a share partition, new or known, and forgets its records. */
export function decideInitialize(shard: ShareShardState, key: SharePartitionKey, stateEpoch: number, startOffset: number): Decision {
  const kept = shard.kept.get(coordinatorKey(key));
  if (kept !== undefined && isStale(stateEpoch, kept.state.stateEpoch)) return refused(ErrorCode.FENCED_STATE_EPOCH, `The state epoch ${stateEpoch} is older than ${kept.state.stateEpoch}.`);
  const nowMs = shard.host.clock.now();
  const value: ShareState = {
    snapshotEpoch: kept === undefined ? 0 : kept.state.snapshotEpoch + 1,
    stateEpoch,
    leaderEpoch: 0,
    startOffset,
    deliveryCompleteCount: startOffset === -1 ? -1 : 0,
    createTimestampMs: nowMs,
    writeTimestampMs: nowMs,
    batches: [],
  };
  return decided({ kind: 'snapshot', key, value });
}

/** A reader that leads in a later epoch fences the leader before it. */
export function decideRead(shard: ShareShardState, key: SharePartitionKey, leaderEpoch: number, updatesMax: number): Decision {
  const kept = shard.kept.get(coordinatorKey(key));
  if (kept === undefined) return refused(ErrorCode.INVALID_REQUEST, 'Read operation on uninitialized share partition not allowed.');
  const { state } = kept;
  if (isStale(leaderEpoch, state.leaderEpoch)) return refused(ErrorCode.FENCED_LEADER_EPOCH, `The leader epoch ${leaderEpoch} is older than ${state.leaderEpoch}.`);
  if (leaderEpoch === -1 || leaderEpoch === state.leaderEpoch) return decided();
  const { startOffset, deliveryCompleteCount } = state;
  return decided(recordOf(shard, kept, { stateEpoch: -1, leaderEpoch, startOffset, deliveryCompleteCount, batches: [] }, updatesMax));
}

/** Nothing to delete is fine, too. */
export function decideDelete(shard: ShareShardState, key: SharePartitionKey): Decision {
  return shard.kept.has(coordinatorKey(key)) ? decided({ kind: 'snapshot', key, value: null }) : decided();
}
