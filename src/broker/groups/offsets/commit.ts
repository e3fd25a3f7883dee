import { ErrorCode } from '../../../protocol/errors.ts';
import type { OffsetCommitRequest, OffsetCommitRequestPartition, OffsetCommitResponseTopic } from '../../../protocol/generated/offsetCommit.ts';
import { isSafeInt64 } from '../../../protocol/offsets.ts';
import { checkMember } from '../classic/checks.ts';
import { ClassicState } from '../classic/group.ts';
import type { ClassicGroup } from '../classic/group.ts';
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
export function commitOffsets(state: GroupState, request: OffsetCommitRequest, apiVersion: number): OffsetCommit {
  const group = state.groups.get(request.groupId);
  const errorCode = checkCommit(group, request, apiVersion);
  if (errorCode !== ErrorCode.NONE) return { errorCode, changes: [], topics: [] };
  if (group !== undefined) keepSession(state, group, request.memberId);
  const changes: GroupChange[] = [];
  const topics = request.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map((partition) => {
      const { partitionIndex } = partition;
      if ((partition.committedMetadata?.length ?? 0) > state.settings.metadataLengthMax) return { partitionIndex, errorCode: ErrorCode.OFFSET_METADATA_TOO_LARGE };
      const value = committedOffset(partition, topicId, request.retentionTimeMs, state.now());
      changes.push({ kind: 'offset', groupId: request.groupId, topic: name, partition: partitionIndex, value });
      return { partitionIndex, errorCode: ErrorCode.NONE };
    }),
  }));
  return { errorCode: ErrorCode.NONE, changes, topics };
}

function checkCommit(group: ClassicGroup | undefined, request: OffsetCommitRequest, apiVersion: number): number {
  const { generationIdOrMemberEpoch: generation, memberId, groupInstanceId } = request;
  if (group === undefined) {
    if (generation < 0) return ErrorCode.NONE;
    return apiVersion >= GROUP_ID_NOT_FOUND_FROM ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION;
  }
  return checkMemberCommit(group, memberId, groupInstanceId, generation);
}

/** Whether offsets may be committed under this identity; generation -1 is somebody outside of the group's management. */
export function checkMemberCommit(group: ClassicGroup, memberId: string, instanceId: string | null, generation: number): number {
  if (group.is(ClassicState.dead)) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  if (generation < 0 && group.isEmpty) return ErrorCode.NONE;
  if (generation < 0 && memberId === '' && instanceId === null) return ErrorCode.UNKNOWN_MEMBER_ID;
  const memberError = checkMember(group, memberId, instanceId);
  if (memberError !== ErrorCode.NONE) return memberError;
  if (generation !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  // the member knows the new generation and has not been told what it may consume in it
  return group.is(ClassicState.completingRebalance) ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
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
