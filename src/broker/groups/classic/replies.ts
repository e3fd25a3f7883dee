import { ErrorCode } from '../../../protocol/errors.ts';
import type { JoinGroupResponse } from '../../../protocol/generated/joinGroup.ts';
import type { SyncGroupResponse } from '../../../protocol/generated/syncGroup.ts';
import { emptyBytes } from '../../../protocol/types.ts';
import type { ClassicGroup } from './group.ts';
import type { ClassicMember } from './member.ts';

export function joinError(memberId: string, errorCode: number): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode,
    generationId: -1,
    protocolType: null,
    protocolName: null,
    leader: '',
    skipAssignment: false,
    memberId,
    members: [],
  };
}

export function syncError(errorCode: number): SyncGroupResponse {
  return { throttleTimeMs: 0, errorCode, protocolType: null, protocolName: null, assignment: emptyBytes };
}

export function syncedReply(group: ClassicGroup, member: ClassicMember): SyncGroupResponse {
  return { throttleTimeMs: 0, errorCode: ErrorCode.NONE, protocolType: group.protocolType, protocolName: group.protocolName, assignment: member.assignment };
}
