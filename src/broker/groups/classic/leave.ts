import { ErrorCode } from '../../../protocol/errors.ts';
import type { MemberIdentity, MemberResponse } from '../../../protocol/generated/leaveGroup.ts';
import type { GroupState, GroupWrite } from '../state.ts';
import { checkMember } from './checks.ts';
import { ClassicState } from './states.ts';
import type { ClassicGroup } from './group.ts';
import { afterLeave, noteRemoved, removeMember } from './rebalance.ts';

export interface Leaving {
  /** Of the whole request. */
  readonly errorCode: number;
  readonly members: readonly MemberResponse[];
  readonly write: GroupWrite | null;
}

/** Takes members out: themselves by member id, static ones by an administrator who knows but their instance id. */
export function leaveGroup(state: GroupState, groupId: string, leaving: readonly MemberIdentity[]): Leaving {
  const group = state.classicGroup(groupId);
  if (group === undefined) return { errorCode: ErrorCode.NONE, members: leaving.map((member) => answer(member, ErrorCode.UNKNOWN_MEMBER_ID)), write: null };
  if (group.is(ClassicState.dead)) return { errorCode: ErrorCode.COORDINATOR_NOT_AVAILABLE, members: [], write: null };
  const members = leaving.map((member) => answer(member, leaveMember(group, member)));
  const left = members.filter(({ errorCode }) => errorCode === ErrorCode.NONE);
  if (left.length === 0) return { errorCode: ErrorCode.NONE, members, write: null };
  noteRemoved(state, group, left.map(nameOf), `LeaveGroup: ${leaving[0]?.reason ?? 'not provided'}`);
  return { errorCode: ErrorCode.NONE, members, write: afterLeave(state, group, `${left.length} members left`) };
}

/** An administrator names a static member by its instance alone. */
function nameOf({ memberId, groupInstanceId }: MemberResponse): string {
  return memberId === '' ? (groupInstanceId ?? '') : memberId;
}

function answer({ memberId, groupInstanceId }: MemberIdentity, errorCode: number): MemberResponse {
  return { memberId, groupInstanceId, errorCode };
}

function leaveMember(group: ClassicGroup, { memberId, groupInstanceId }: MemberIdentity): number {
  if (memberId === '') {
    const staticId = groupInstanceId === null ? undefined : group.staticMembers.get(groupInstanceId);
    if (staticId === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    removeMember(group, group.member(staticId));
    return ErrorCode.NONE;
  }
  if (group.pendingJoins.has(memberId)) {
    group.remove(memberId);
    return ErrorCode.NONE;
  }
  const errorCode = checkMember(group, memberId, groupInstanceId);
  if (errorCode === ErrorCode.NONE) removeMember(group, group.member(memberId));
  return errorCode;
}
