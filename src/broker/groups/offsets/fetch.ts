import { ErrorCode } from '../../../protocol/errors.ts';
import type { OffsetFetchResponsePartitions, OffsetFetchResponseTopics } from '../../../protocol/generated/offsetFetch.ts';
import { zeroUuid } from '../../../protocol/types.ts';
import type { Uuid } from '../../../protocol/types.ts';
import type { CommittedOffset } from '../records.ts';
import type { GroupState } from '../state.ts';

const NO_OFFSET = -1;

/** Whose offsets are asked for, resolved: name always known, id zero when it is not. */
export interface FetchedTopic {
  readonly name: string;
  readonly topicId: Uuid;
  readonly partitionIndexes: readonly number[];
}

/** Offset -1 where nothing is committed, or only for an earlier topic of the same name. `requireStable`: an error where an open transaction may change it. */
export function fetchOffsets(state: GroupState, groupId: string, topics: readonly FetchedTopic[], requireStable = false): OffsetFetchResponseTopics[] {
  const stored = state.offsets.topicsOf(groupId);
  return topics.map(({ name, topicId, partitionIndexes }) => {
    const partitions = stored?.get(name);
    const fetchedOf = (index: number): OffsetFetchResponsePartitions =>
      requireStable && state.pending.has(groupId, name, index) ? noOffset(index, ErrorCode.UNSTABLE_OFFSET_COMMIT) : fetched(index, partitions?.get(index), topicId);
    return { name, topicId, partitions: partitionIndexes.map(fetchedOf) };
  });
}

/** Everything the group has committed. */
export function fetchAllOffsets(state: GroupState, groupId: string, requireStable = false): OffsetFetchResponseTopics[] {
  const stored = state.offsets.topicsOf(groupId);
  if (stored === undefined) return [];
  return [...stored].map(([name, partitions]) => ({
    name,
    topicId: zeroUuid,
    partitions: [...partitions].map(([index, committed]) =>
      requireStable && state.pending.has(groupId, name, index) ? noOffset(index, ErrorCode.UNSTABLE_OFFSET_COMMIT) : fetched(index, committed, zeroUuid)),
  }));
}

function fetched(partitionIndex: number, committed: CommittedOffset | undefined, topicId: Uuid): OffsetFetchResponsePartitions {
  if (committed === undefined || isOfOther(topicId, committed.topicId)) return noOffset(partitionIndex, ErrorCode.NONE);
  return {
    partitionIndex,
    committedOffset: committed.offset,
    committedLeaderEpoch: committed.leaderEpoch,
    metadata: committed.metadata,
    errorCode: ErrorCode.NONE,
  };
}

function isOfOther(wanted: Uuid, committed: Uuid): boolean {
  return wanted !== zeroUuid && committed !== zeroUuid && wanted !== committed;
}

export function noOffset(partitionIndex: number, errorCode: number): OffsetFetchResponsePartitions {
  return { partitionIndex, committedOffset: NO_OFFSET, committedLeaderEpoch: -1, metadata: '', errorCode };
}
