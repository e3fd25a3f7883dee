/** The requests of the scale measurements. */
import { makeConsumerGroupHeartbeatRequest, readConsumerGroupHeartbeatResponse, writeConsumerGroupHeartbeatRequest } from '../../src/protocol/generated/consumerGroupHeartbeat.ts';
import type { ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse } from '../../src/protocol/generated/consumerGroupHeartbeat.ts';
import { ApiKey } from '../../src/protocol/generated/apis.ts';
import { readDescribeGroupsResponse, writeDescribeGroupsRequest } from '../../src/protocol/generated/describeGroups.ts';
import type { DescribeGroupsRequest, DescribeGroupsResponse } from '../../src/protocol/generated/describeGroups.ts';
import { readFindCoordinatorResponse, writeFindCoordinatorRequest } from '../../src/protocol/generated/findCoordinator.ts';
import type { FindCoordinatorRequest, FindCoordinatorResponse } from '../../src/protocol/generated/findCoordinator.ts';
import { readHeartbeatResponse, writeHeartbeatRequest } from '../../src/protocol/generated/heartbeat.ts';
import type { HeartbeatRequest, HeartbeatResponse } from '../../src/protocol/generated/heartbeat.ts';
import { makeJoinGroupRequest, makeJoinGroupRequestProtocol, readJoinGroupResponse, writeJoinGroupRequest } from '../../src/protocol/generated/joinGroup.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../../src/protocol/generated/joinGroup.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic, readOffsetCommitResponse, writeOffsetCommitRequest } from '../../src/protocol/generated/offsetCommit.ts';
import type { OffsetCommitRequest, OffsetCommitResponse } from '../../src/protocol/generated/offsetCommit.ts';
import { makeSyncGroupRequest, makeSyncGroupRequestAssignment, readSyncGroupResponse, writeSyncGroupRequest } from '../../src/protocol/generated/syncGroup.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../../src/protocol/generated/syncGroup.ts';
import type { Call } from '../broker/load/connection.ts';

export const findCoordinator: Call<FindCoordinatorRequest, FindCoordinatorResponse> = { apiKey: ApiKey.FindCoordinator, apiVersion: 2, write: writeFindCoordinatorRequest, read: readFindCoordinatorResponse };
export const describeGroups: Call<DescribeGroupsRequest, DescribeGroupsResponse> = { apiKey: ApiKey.DescribeGroups, apiVersion: 3, write: writeDescribeGroupsRequest, read: readDescribeGroupsResponse };
export const joinGroup: Call<JoinGroupRequest, JoinGroupResponse> = { apiKey: ApiKey.JoinGroup, apiVersion: 5, write: writeJoinGroupRequest, read: readJoinGroupResponse };
export const syncGroup: Call<SyncGroupRequest, SyncGroupResponse> = { apiKey: ApiKey.SyncGroup, apiVersion: 3, write: writeSyncGroupRequest, read: readSyncGroupResponse };
export const heartbeat: Call<HeartbeatRequest, HeartbeatResponse> = { apiKey: ApiKey.Heartbeat, apiVersion: 3, write: writeHeartbeatRequest, read: readHeartbeatResponse };
export const offsetCommit: Call<OffsetCommitRequest, OffsetCommitResponse> = { apiKey: ApiKey.OffsetCommit, apiVersion: 9, write: writeOffsetCommitRequest, read: readOffsetCommitResponse };
export const consumerHeartbeat: Call<ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse> = {
  apiKey: ApiKey.ConsumerGroupHeartbeat, apiVersion: 0, write: writeConsumerGroupHeartbeatRequest, read: readConsumerGroupHeartbeatResponse,
};

const SESSION_TIMEOUT_MS = 1_800_000;
const REBALANCE_TIMEOUT_MS = 300_000;
const MEMBER_BYTES = 64;

export function joinRequest(groupId: string, memberId: string): JoinGroupRequest {
  const protocols = [makeJoinGroupRequestProtocol({ name: 'range', metadata: Buffer.alloc(MEMBER_BYTES) })];
  return makeJoinGroupRequest({ groupId, memberId, sessionTimeoutMs: SESSION_TIMEOUT_MS, rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS, protocolType: 'consumer', protocols });
}

export function syncRequest(groupId: string, generationId: number, memberId: string, members: readonly string[]): SyncGroupRequest {
  const assignments = members.map((member) => makeSyncGroupRequestAssignment({ memberId: member, assignment: Buffer.alloc(MEMBER_BYTES) }));
  return makeSyncGroupRequest({ groupId, generationId, memberId, assignments });
}

export function commitRequest(groupId: string, generationIdOrMemberEpoch: number, memberId: string, partition: number): OffsetCommitRequest {
  const partitions = [makeOffsetCommitRequestPartition({ partitionIndex: partition, committedOffset: 1, committedMetadata: '' })];
  return makeOffsetCommitRequest({ groupId, generationIdOrMemberEpoch, memberId, topics: [makeOffsetCommitRequestTopic({ name: 'scale', partitions })] });
}

export function consumerHeartbeatRequest(groupId: string, memberId: string, memberEpoch: number): ConsumerGroupHeartbeatRequest {
  const joining = memberEpoch === 0 ? { subscribedTopicNames: ['scale'], rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS, topicPartitions: [] } : {};
  return makeConsumerGroupHeartbeatRequest({ groupId, memberId, memberEpoch, ...joining });
}
