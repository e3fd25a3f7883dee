import { ErrorCode } from '../../../protocol/errors.ts';
import type { Committer } from '../group.ts';
import { checkMember } from './checks.ts';
import { ClassicState } from './states.ts';
import type { ClassicGroup } from './group.ts';

/** Whether offsets may be committed under this identity; generation -1 is somebody outside of the group's management. */
export function checkClassicCommit(group: ClassicGroup, { memberId, instanceId, epoch: generation, isTransactional }: Committer): number {
  if (group.is(ClassicState.dead)) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  if (generation < 0 && group.isEmpty) return ErrorCode.NONE;
  // a producer of an older release does not say for whom it commits
  if (generation < 0 && memberId === '' && instanceId === null) return isTransactional ? ErrorCode.NONE : ErrorCode.UNKNOWN_MEMBER_ID;
  const memberError = checkMember(group, memberId, instanceId);
  if (memberError !== ErrorCode.NONE) return memberError;
  if (generation !== group.generation) return ErrorCode.ILLEGAL_GENERATION;
  // the member knows the new generation and has not been told what it may consume in it
  return group.is(ClassicState.completingRebalance) && !isTransactional ? ErrorCode.REBALANCE_IN_PROGRESS : ErrorCode.NONE;
}
