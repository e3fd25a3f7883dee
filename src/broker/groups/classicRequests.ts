/** JoinGroup, SyncGroup, Heartbeat and LeaveGroup: to classic groups, and to consumer groups that have members who speak the classic protocol. */
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import type { HeartbeatRequest } from '../../protocol/generated/heartbeat.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../../protocol/generated/joinGroup.ts';
import type { MemberIdentity, MemberResponse } from '../../protocol/generated/leaveGroup.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../../protocol/generated/syncGroup.ts';
import { coordinatorError } from '../coordinator.ts';
import { heartbeat } from './classic/heartbeat.ts';
import { joinGroup } from './classic/join.ts';
import type { GroupClient } from './classic/join.ts';
import { leaveGroup } from './classic/leave.ts';
import type { JoinReply, SyncReply } from './classic/member.ts';
import { joinError, syncError } from './classic/replies.ts';
import { syncGroup } from './classic/sync.ts';
import { consumerGroupOf } from './consumer/apply.ts';
import { heartbeatConsumerGroup, joinConsumerGroup, leaveConsumerGroup, syncConsumerGroup } from './consumer/classicMembers.ts';
import { decideFor } from './modern/decide.ts';
import type { GroupState, GroupWrite } from './state.ts';

/** `reply` is called now or later; the request's timeouts have been checked. */
export function join(state: GroupState, request: JoinGroupRequest, client: GroupClient, reply: JoinReply): GroupWrite | null {
  const { groupId, memberId } = request;
  const group = consumerGroupOf(state, groupId);
  if (group !== undefined && !group.isEmpty) {
    // unlike a classic group's, this refusal names no member
    return decideFor<JoinGroupResponse>(state, (error, response) => reply(response ?? joinError('', error!.code)), (draft) => joinConsumerGroup(draft, group, request, client));
  }
  if (memberId === '') makeRoom(state, groupId);
  return joinGroup(state, request, client, reply);
}

/** An empty group of a newer kind gives way to a classic one; its offsets stay. */
function makeRoom(state: GroupState, groupId: string): void {
  const group = state.groups.get(groupId);
  if (group === undefined || (group.type !== 'consumer' && group.type !== 'streams') || !group.isEmpty) return;
  state.host.write({
    changes: group.tombstones(),
    settle: (errorCode) => {
      if (errorCode !== ErrorCode.NONE) state.host.logger.warn('the end of an empty group could not be written', { groupId, errorCode });
    },
  });
}

export function sync(state: GroupState, request: SyncGroupRequest, reply: SyncReply): GroupWrite | null {
  const group = consumerGroupOf(state, request.groupId);
  if (group === undefined) return syncGroup(state, request, reply);
  return decideFor<SyncGroupResponse>(state, (error, response) => reply(response ?? syncError(error!.code)), (draft) => syncConsumerGroup(draft, group, request));
}

/** Returns the error code. */
export function beat(state: GroupState, request: HeartbeatRequest): number {
  const group = consumerGroupOf(state, request.groupId);
  if (group === undefined) return heartbeat(state, request);
  try {
    return heartbeatConsumerGroup({ state }, group, request);
  } catch (error) {
    if (error instanceof KafkaError) return error.code;
    throw error;
  }
}

type LeaveReply = (errorCode: number, members: readonly MemberResponse[]) => void;

export function leave(state: GroupState, groupId: string, members: readonly MemberIdentity[], reply: LeaveReply): GroupWrite | null {
  const group = consumerGroupOf(state, groupId);
  if (group !== undefined) {
    return decideFor<readonly MemberResponse[]>(state, (error, response) => reply(error?.code ?? ErrorCode.NONE, response ?? []), (draft) => leaveConsumerGroup(draft, group, members));
  }
  const left = leaveGroup(state, groupId, members);
  const { write } = left;
  if (write === null) {
    reply(left.errorCode, left.members);
    return null;
  }
  return {
    ...write,
    settle: (writeError) => {
      write.settle(writeError);
      reply(coordinatorError(writeError), writeError === ErrorCode.NONE ? left.members : []);
    },
  };
}
