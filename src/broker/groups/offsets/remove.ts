/** Ways in which offsets and groups go: asked for, with their topic, or of age. All of them are tombstones. */
import { ErrorCode } from '../../../protocol/errors.ts';
import type { Group } from '../group.ts';
import type { CommittedOffset, GroupChange } from '../records.ts';
import type { GroupState } from '../state.ts';

function offsetTombstone(groupId: string, topic: string, partition: number): GroupChange {
  return { kind: 'offset', groupId, topic, partition, value: null };
}

/** OffsetDelete: whether the group lets anybody delete its offsets. */
export function checkOffsetDelete(group: Group | undefined): number {
  return group?.offsetDeleteError() ?? ErrorCode.GROUP_ID_NOT_FOUND;
}

export function deleteOffsets(state: GroupState, groupId: string, topic: string, partitions: readonly number[]): GroupChange[] {
  const isKept = (partition: number): boolean => state.offsets.get(groupId, topic, partition) !== undefined || state.pending.has(groupId, topic, partition);
  return partitions.filter(isKept).map((partition) => offsetTombstone(groupId, topic, partition));
}

/** DeleteGroups: why the group must stay, or 0. */
export function checkGroupDelete(group: Group | undefined): number {
  return group?.deleteError() ?? ErrorCode.GROUP_ID_NOT_FOUND;
}

/** The group with all that it has committed. */
export function deleteGroup(state: GroupState, group: Group): GroupChange[] {
  return [...allOffsetTombstones(state, group.groupId), ...group.tombstones()];
}

function allOffsetTombstones(state: GroupState, groupId: string): GroupChange[] {
  const changes: GroupChange[] = [];
  for (const [topic, partitions] of state.offsets.topicsOf(groupId) ?? []) {
    for (const partition of partitions.keys()) changes.push(offsetTombstone(groupId, topic, partition));
  }
  for (const { topic, partition } of state.pending.partitionsOf(groupId)) changes.push(offsetTombstone(groupId, topic, partition));
  return changes;
}

/** What all groups have committed for topics that are gone. */
export function dropTopics(state: GroupState, topics: readonly string[]): GroupChange[] {
  const changes: GroupChange[] = [];
  for (const groupId of state.offsets.groupIds()) {
    const stored = state.offsets.topicsOf(groupId);
    for (const topic of topics) {
      for (const partition of stored?.get(topic)?.keys() ?? []) changes.push(offsetTombstone(groupId, topic, partition));
    }
  }
  for (const groupId of state.pending.groupIds()) {
    for (const { topic, partition } of state.pending.partitionsOf(groupId)) if (topics.includes(topic)) changes.push(offsetTombstone(groupId, topic, partition));
  }
  return changes;
}

export interface Expiry {
  readonly changes: readonly GroupChange[];
  /** Nothing is left of the group, and the log never knew it: it can be forgotten without a record. */
  readonly isUnused: boolean;
}

/**
 * What of a group is of age (KIP-211): offsets of an empty group once it has been empty for the retention time, offsets of topics that a living
 * group no longer consumes, offsets of a simple group that were not renewed, and the empty group itself once nothing is left of it.
 */
export function expireGroup(state: GroupState, group: Group): Expiry {
  const { groupId } = group;
  const stored = state.offsets.topicsOf(groupId);
  const base = stored === undefined ? null : group.retentionBase;
  if (stored !== undefined && base === null) return { changes: [], isUnused: false };
  const nowMs = state.now();
  const changes: GroupChange[] = [];
  let isAnyKept = false;
  for (const [topic, partitions] of stored ?? []) {
    const isUsed = group.isSubscribedTo(topic);
    for (const [partition, committed] of partitions) {
      const sinceMs = base === 'commit' ? committed.commitTimestampMs : base!;
      if (!isUsed && !state.pending.has(groupId, topic, partition) && isOfAge(committed, sinceMs, nowMs, state.settings.offsetRetentionMs)) changes.push(offsetTombstone(groupId, topic, partition));
      else isAnyKept = true;
    }
  }
  const isGone = !isAnyKept && group.mayEnd && !state.pending.hasGroup(groupId);
  if (isGone && group.isPersisted) changes.push(...group.tombstones());
  return { changes, isUnused: isGone && !group.isPersisted };
}

function isOfAge(committed: CommittedOffset, sinceMs: number, nowMs: number, retentionMs: number): boolean {
  if (committed.expireTimestampMs !== -1) return nowMs >= committed.expireTimestampMs;
  return nowMs - sinceMs >= retentionMs;
}
