/** LeaveGroup (13), versions 0 to 5: members go. Since version 3 several at once, static ones by their instance id. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readLeaveGroupRequest, writeLeaveGroupResponse } from '../../../protocol/generated/leaveGroup.ts';
import type { LeaveGroupRequest, LeaveGroupResponse, MemberIdentity } from '../../../protocol/generated/leaveGroup.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';

const SEVERAL_MEMBERS_FROM = 3;

function leavingMembers(request: LeaveGroupRequest, version: number): readonly MemberIdentity[] {
  return version >= SEVERAL_MEMBERS_FROM ? request.members : [{ memberId: request.memberId, groupInstanceId: null, reason: null }];
}

export const leaveGroupHandler: ApiHandler<GroupServices, LeaveGroupRequest, LeaveGroupResponse> = {
  ...spanOf(ApiKey.LeaveGroup),
  read: readLeaveGroupRequest,
  write: writeLeaveGroupResponse,
  handle(request, context, services) {
    const hasSeveral = context.apiVersion >= SEVERAL_MEMBERS_FROM;
    services.groupCoordinator.leave(request.groupId, leavingMembers(request, context.apiVersion), (errorCode, members) => {
      if (hasSeveral) return answer(context, { throttleTimeMs: 0, errorCode, members: [...members] });
      // there was but one member to say something about
      answer(context, { throttleTimeMs: 0, errorCode: errorCode === ErrorCode.NONE ? (members[0]?.errorCode ?? ErrorCode.NONE) : errorCode, members: [] });
    });
  },
  errorResponse: (_request, errorCode) => ({ throttleTimeMs: 0, errorCode, members: [] }),
};
