import { ErrorCode } from '../../../protocol/errors.ts';
import type { SyncGroupRequest } from '../../../protocol/generated/syncGroup.ts';
import { emptyBytes } from '../../../protocol/types.ts';
import type { GroupState, GroupWrite } from '../state.ts';
import { checkMember, groupWriteError } from './checks.ts';
import { ClassicState } from './states.ts';
import type { ClassicGroup } from './group.ts';
import type { SyncReply } from './member.ts';
import { dropPendingSync, failSyncs, prepareRebalance, resetSession, writeGroup } from './rebalance.ts';
import { copyOf } from './record.ts';
import { syncError, syncedReply } from './replies.ts';

/** `reply` is called now, or when the leader's assignment is below the high watermark. */
export function syncGroup(state: GroupState, request: SyncGroupRequest, reply: SyncReply): GroupWrite | null {
  const group = state.classicGroup(request.groupId);
  if (group === undefined || group.isEmpty) return refuse(reply, ErrorCode.UNKNOWN_MEMBER_ID);
  const errorCode = checkSync(group, request);
  if (errorCode !== ErrorCode.NONE) return refuse(reply, errorCode);
  const member = group.member(request.memberId);
  if (group.is(ClassicState.preparingRebalance)) return refuse(reply, ErrorCode.REBALANCE_IN_PROGRESS);
  if (group.is(ClassicState.stable)) {
    dropPendingSync(group, request.memberId);
    reply(syncedReply(group, member));
    return null;
  }
  member.syncReply = reply;
  dropPendingSync(group, request.memberId);
  return group.isLeader(request.memberId) ? writeAssignment(state, group, request) : null;
}

function refuse(reply: SyncReply, errorCode: number): null {
  reply(syncError(errorCode));
  return null;
}

function checkSync(group: ClassicGroup, request: SyncGroupRequest): number {
  if (group.is(ClassicState.dead)) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const memberError = checkMember(group, request.memberId, request.groupInstanceId);
  if (memberError !== ErrorCode.NONE) return memberError;
  if (request.generationId !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  const isOther = differs(request.protocolType, group.protocolType) || differs(request.protocolName, group.protocolName);
  return isOther ? ErrorCode.INCONSISTENT_GROUP_PROTOCOL : ErrorCode.NONE;
}

function differs(said: string | null, present: string | null): boolean {
  return said !== null && present !== null && said !== present;
}

/** The group is stable when its assignment is written, not before: what members do by it must outlive this coordinator. */
function writeAssignment(state: GroupState, group: ClassicGroup, request: SyncGroupRequest): GroupWrite {
  const assignments = new Map<string, Buffer>();
  for (const { memberId, assignment } of request.assignments) if (group.members.has(memberId)) assignments.set(memberId, copyOf(assignment));
  const { generation } = group;
  return writeGroup(group, ({ memberId }) => assignments.get(memberId) ?? emptyBytes, (errorCode) => {
    if (!group.is(ClassicState.completingRebalance) || group.generation !== generation) return;
    if (errorCode === ErrorCode.NONE) return becomeStable(state, group, assignments);
    failSyncs(state, group, groupWriteError(errorCode));
    state.host.write(prepareRebalance(state, group, `the assignment could not be written (error ${errorCode})`));
  });
}

function becomeStable(state: GroupState, group: ClassicGroup, assignments: ReadonlyMap<string, Buffer>): void {
  group.transitionTo(ClassicState.stable, state.now());
  for (const member of group.members.values()) {
    member.assignment = assignments.get(member.memberId) ?? emptyBytes;
    if (member.answerSync(syncedReply(group, member))) resetSession(state, group, member);
  }
}
