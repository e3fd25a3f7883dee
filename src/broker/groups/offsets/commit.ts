import { ErrorCode } from '../../../protocol/errors.ts';
import type { OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitResponseTopic } from '../../../protocol/generated/offsetCommit.ts';
import { isSafeInt64 } from '../../../protocol/offsets.ts';
import { ClassicGroup } from '../classic/group.ts';
import { ClassicState } from '../classic/states.ts';
import type { Committer, Group } from '../group.ts';
import { resetSession } from '../classic/rebalance.ts';
import type { CommittedOffset, GroupChange } from '../records.ts';
import type { GroupState } from '../state.ts';

/** From this version on an unknown group is said to be one. */
const GROUP_ID_NOT_FOUND_FROM = 9;
const NO_RETENTION = -1;
const NO_TIMESTAMP = -1;

export interface OffsetCommit {
  /** Of the whole request; then nothing else is filled. */
  readonly errorCode: number;
  readonly changes: readonly GroupChange[];
  readonly topics: OffsetCommitResponseTopic[];
}

/** Topics in the request are known to exist, and carry name and id whichever of them the client sent. */
export function commitOffsets(state: GroupState, request: OffsetCommitRequest, apiVersion: number, isTransactional = false): OffsetCommit {
  const group = state.groups.get(request.groupId);
  const { memberId, groupInstanceId: instanceId, generationIdOrMemberEpoch: epoch } = request;
  const committer: Committer = { memberId, instanceId, epoch, apiVersion, isTransactional };
  const errorCode = checkCommit(group, committer);
  if (errorCode !== ErrorCode.NONE) return { errorCode, changes: [], topics: [] };
  if (group instanceof ClassicGroup && !isTransactional) keepSession(state, group, request.memberId);
  const changes: GroupChange[] = [];
  const topics = request.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map((partition) => {
      const { partitionIndex } = partition;
      if ((partition.committedMetadata?.length ?? 0) > state.settings.metadataLengthMax) return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE };
      const partitionError = group?.partitionCommitError(committer, topicId, partitionIndex, name) ?? ErrorCode.NONE;
      if (partitionError !== ErrorCode.NONE) return { partitionIndex, errorCode: partitionError };
      const value = committedOffset(partition, topicId, request.retentionTimeMs, state.now());
      changes.push({ kind: 'offset', groupId: request.groupId, topic: name, partition: partitionIndex, value });
      return { partitionIndex, errorCode: ErrorCode.NONE };
    }),
  }));
  return { errorCode: ErrorCode.NONE, changes, topics };
}

function checkCommit(group: Group | undefined, committer: Committer): number {
  if (group !== undefined) return group.commitError(committer);
  if (committer.epoch < 0) return ErrorCode.NONE;
  return committer.apiVersion >= GROUP_ID_NOT_FOUND_FROM ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION;
}

/** A commit is as good as a heartbeat. */
function keepSession(state: GroupState, group: ClassicGroup, memberId: string): void {
  if (!group.is(ClassicState.stable) && !group.is(ClassicState.preparingRebalance)) return;
  const member = group.members.get(memberId);
  if (member !== undefined) resetSession(state, group, member);
}

function committedOffset(partition: OffsetCommitRequestPartition, topicId: string, retentionMs: number, nowMs: number): CommittedOffset {
  const { commitTimestamp } = partition;
  return {
    offset: partition.committedOffset,
    leaderEpoch: partition.committedLeaderEpoch < 0 ? -1 : partition.committedLeaderEpoch,
    metadata: partition.committedMetadata ?? '',
    commitTimestampMs: commitTimestamp === NO_TIMESTAMP || !isSafeInt64(commitTimestamp) ? nowMs : commitTimestamp,
    expireTimestampMs: expireTimestamp(retentionMs, nowMs),
    topicId,
  };
}

/** -1 when the broker's retention holds. One that ends past all time is held to be none. */
function expireTimestamp(retentionMs: number, nowMs: number): number {
  return retentionMs !== NO_RETENTION && isSafeInt64(retentionMs) && isSafeInt64(nowMs + retentionMs) ? nowMs + retentionMs : NO_RETENTION;
}
