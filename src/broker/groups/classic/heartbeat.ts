import { ErrorCode } from '../../../protocol/errors.ts';
import type { HeartbeatRequest } from '../../../protocol/generated/heartbeat.ts';
import type { GroupState } from '../state.ts';
import { checkMember } from './checks.ts';
import { ClassicState } from './states.ts';
import { resetSession } from './rebalance.ts';

/** Returns the error code: REBALANCE_IN_PROGRESS asks a living member to join again. */
export function heartbeat(state: GroupState, request: HeartbeatRequest): number {
  const group = state.classicGroup(request.groupId);
  if (group === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
  if (group.is(ClassicState.dead)) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  const memberError = checkMember(group, request.memberId, request.groupInstanceId);
  if (memberError !== ErrorCode.NONE) return memberError;
  if (request.generationId !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  resetSession(state, group, group.member(request.memberId));
  return group.is(ClassicState.preparingRebalance) ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}
