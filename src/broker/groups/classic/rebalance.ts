/**
 * How a group comes from one generation to the next: PreparingRebalance waits for JoinGroup of everybody, CompletingRebalance for the leader's
 * assignment. Timing and order of the steps are Kafka's.
 */
import { assert } from '../../../base/assert.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { JoinGroupResponse } from '../../../protocol/generated/joinGroup.ts';
import { emptyBytes } from '../../../protocol/types.ts';
import type { GroupState, GroupWrite } from '../state.ts';
import { joinError, syncError } from './replies.ts';
import { ClassicState } from './states.ts';
import type { ClassicGroup } from './group.ts';
import type { ClassicMember } from './member.ts';
import { groupRecord, newGroupRecord } from './record.ts';

/** From now the member has its session timeout (or `delayMs`) to speak again. */
export function resetSession(state: GroupState, group: ClassicGroup, member: ClassicMember, delayMs = member.sessionTimeoutMs): void {
  member.session ??= state.host.timers.create(() => state.host.write(expireMember(state, group, member)));
  member.session.set(delayMs);
}

function expireMember(state: GroupState, group: ClassicGroup, member: ClassicMember): GroupWrite | null {
  if (group.members.get(member.memberId) !== member || member.needsNoHeartbeat) return null;
  const { memberId, sessionTimeoutMs } = member;
  noteRemoved(state, group, [memberId], member.isNew ? 'its first rebalance took too long' : `no heartbeat for ${sessionTimeoutMs} ms`);
  removeMember(group, member);
  return afterExpiry(state, group, `member ${member.memberId} missed its session timeout`);
}

/** Takes out a member that is there. One that waits in a rebalance is told to join anew, in case it is alive after all. */
export function removeMember(group: ClassicGroup, member: ClassicMember): void {
  group.answerJoin(member, joinError('', ErrorCode.UNKNOWN_MEMBER_ID));
  group.remove(member.memberId);
}

/** Members named in one line of the log. */
const MEMBERS_LOGGED_MAX = 20;

/** Whoever is expelled learns it from an error code that looks the same for every cause: the log has the cause. */
export function noteRemoved(state: GroupState, group: ClassicGroup, memberIds: readonly string[], reason: string): void {
  const fields = { groupId: group.groupId, generation: group.generation, state: group.state, members: memberIds.slice(0, MEMBERS_LOGGED_MAX), reason };
  state.host.logger.info('members are removed from a group', memberIds.length > MEMBERS_LOGGED_MAX ? { ...fields, memberCount: memberIds.length } : fields);
}

/** A session has ended; this also cuts the initial delay short when everybody else is there. */
function afterExpiry(state: GroupState, group: ClassicGroup, reason: string): GroupWrite | null {
  if (group.is(ClassicState.stable) || group.is(ClassicState.completingRebalance)) return prepareRebalance(state, group, reason);
  return group.is(ClassicState.preparingRebalance) && group.hasAllMembersJoined ? completeJoin(state, group) : null;
}

/** Members or pending members have left by themselves. */
export function afterLeave(state: GroupState, group: ClassicGroup, reason: string): GroupWrite | null {
  if (group.is(ClassicState.stable) || group.is(ClassicState.completingRebalance)) return prepareRebalance(state, group, reason);
  state.dropIfUnused(group);
  return completeJoinWhenReady(state, group);
}

/** Gives out a member id and waits a session timeout for the member to come back with it. */
export function awaitPendingMember(state: GroupState, group: ClassicGroup, memberId: string, sessionTimeoutMs: number): void {
  const timer = state.host.timers.create(() => state.host.write(expirePendingMember(state, group, memberId)));
  group.addPendingJoin(memberId, timer);
  timer.set(sessionTimeoutMs);
}

function expirePendingMember(state: GroupState, group: ClassicGroup, memberId: string): GroupWrite | null {
  if (!group.pendingJoins.has(memberId)) return null;
  state.host.logger.debug('a member did not come back with the id that it was given', { groupId: group.groupId, memberId });
  group.remove(memberId);
  state.dropIfUnused(group);
  // it had nothing: those who work go on
  return group.is(ClassicState.preparingRebalance) && group.hasAllMembersJoined ? completeJoin(state, group) : null;
}

export function rebalanceOrCompleteJoin(state: GroupState, group: ClassicGroup, reason: string): GroupWrite | null {
  return group.canRebalance ? prepareRebalance(state, group, reason) : completeJoinWhenReady(state, group);
}

/** The initial rebalance of a group always waits for its delay. */
function completeJoinWhenReady(state: GroupState, group: ClassicGroup): GroupWrite | null {
  const isRejoin = group.is(ClassicState.preparingRebalance) && group.previousState !== ClassicState.empty;
  return isRejoin && group.hasAllMembersJoined ? completeJoin(state, group) : null;
}

export function prepareRebalance(state: GroupState, group: ClassicGroup, reason: string): GroupWrite | null {
  if (group.is(ClassicState.completingRebalance)) failSyncs(state, group, ErrorCode.REBALANCE_IN_PROGRESS);
  group.pendingSyncs.clear();
  group.syncTimer?.cancel();
  const isInitial = group.isEmpty;
  group.transitionTo(ClassicState.preparingRebalance, state.now());
  state.host.logger.info('a group prepares to rebalance', { groupId: group.groupId, generation: group.generation, reason });
  if (isInitial) {
    const delayMs = state.settings.initialRebalanceDelayMs;
    waitForJoins(state, group, delayMs, Math.max(group.rebalanceTimeoutMs - delayMs, 0));
    return null;
  }
  if (group.hasAllMembersJoined) return completeJoin(state, group);
  setJoinTimer(state, group, group.rebalanceTimeoutMs, () => completeJoin(state, group));
  return null;
}

/** The initial delay, again and again while new members arrive and `leftMs` lasts. */
function waitForJoins(state: GroupState, group: ClassicGroup, delayMs: number, leftMs: number): void {
  setJoinTimer(state, group, delayMs, () => {
    if (!group.newMemberAdded || leftMs === 0) return completeJoin(state, group);
    group.newMemberAdded = false;
    waitForJoins(state, group, Math.min(state.settings.initialRebalanceDelayMs, leftMs), Math.max(leftMs - delayMs, 0));
    return null;
  });
}

function setJoinTimer(state: GroupState, group: ClassicGroup, delayMs: number, run: () => GroupWrite | null): void {
  group.joinTimer?.cancel();
  group.joinTimer = state.host.timers.create(() => {
    if (group.is(ClassicState.preparingRebalance)) state.host.write(run());
  });
  group.joinTimer.set(delayMs);
}

/** Ends the wait for JoinGroup: with the members that have come and the static ones that have not. */
function completeJoin(state: GroupState, group: ClassicGroup): GroupWrite | null {
  group.joinTimer?.cancel();
  removeAbsent(state, group);
  if (!group.electJoinedLeader() && group.members.size > 0) {
    // only static members are left, all silent: their sessions end this
    setJoinTimer(state, group, group.rebalanceTimeoutMs, () => completeJoin(state, group));
    return null;
  }
  group.newMemberAdded = false;
  group.startGeneration(state.now());
  state.host.logger.info('a group begins a generation', { groupId: group.groupId, generation: group.generation, memberCount: group.members.size });
  if (group.isEmpty) return becomeEmpty(state, group);
  answerJoins(state, group);
  group.syncTimer?.cancel();
  const { generation } = group;
  group.syncTimer = state.host.timers.create(() => state.host.write(expireSyncs(state, group, generation)));
  group.syncTimer.set(group.rebalanceTimeoutMs);
  return null;
}

/** Dynamic members that have not rejoined; static ones may still come back within their session. */
function removeAbsent(state: GroupState, group: ClassicGroup): void {
  const absent = [...group.members.values()].filter((member) => member.joinReply === null && !member.isStatic).map(({ memberId }) => memberId);
  if (absent.length === 0) return;
  noteRemoved(state, group, absent, `no JoinGroup within the rebalance timeout of ${group.rebalanceTimeoutMs} ms`);
  for (const memberId of absent) group.remove(memberId);
}

/** Written when the first member joins; a failure is no harm: that member's SyncGroup writes the group again. */
export function writeNewGroup(state: GroupState, group: ClassicGroup): GroupWrite {
  group.isPersisted = true;
  return { changes: [newGroupRecord(group)], decided: true, settle: (errorCode) => warnUnwritten(state, group, errorCode) };
}

function warnUnwritten(state: GroupState, { groupId }: ClassicGroup, errorCode: number): void {
  if (errorCode !== ErrorCode.NONE) state.host.logger.warn('an empty group could not be written', { groupId, errorCode });
}

/** Written, so that after a restart the members of the last generation do not come back; a failure is no harm: they would soon expire. */
function becomeEmpty(state: GroupState, group: ClassicGroup): GroupWrite | null {
  if (!group.isPersisted && state.offsets.topicsOf(group.groupId) === undefined) {
    state.dropIfUnused(group);
    return null;
  }
  return writeGroup(group, () => emptyBytes, (errorCode) => warnUnwritten(state, group, errorCode));
}

/** The group as it stands; the state needs no change for it. */
export function writeGroup(group: ClassicGroup, assignmentOf: (member: ClassicMember) => Buffer, settle: (errorCode: number) => void): GroupWrite {
  // from here a tombstone may be needed, whether or not this append is known to have succeeded
  group.isPersisted = true;
  return { changes: [groupRecord(group, assignmentOf)], decided: true, settle };
}

function answerJoins(state: GroupState, group: ClassicGroup): void {
  for (const member of group.members.values()) {
    group.answerJoin(member, joinedReply(group, member.memberId));
    member.isNew = false;
    resetSession(state, group, member);
    group.pendingSyncs.add(member.memberId);
  }
}

/** The present generation; the leader also learns who is in it. */
export function joinedReply(group: ClassicGroup, memberId: string): JoinGroupResponse {
  return {
    throttleTimeMs: 0,
    errorCode: ErrorCode.NONE,
    generationId: group.generation,
    protocolType: group.protocolType,
    protocolName: group.protocolName,
    leader: group.leaderId ?? '',
    skipAssignment: false,
    memberId,
    members: group.isLeader(memberId) ? group.memberMetadata() : [],
  };
}

/** Members that joined and never asked for their assignment hold up nobody for longer than the rebalance timeout. */
function expireSyncs(state: GroupState, group: ClassicGroup, generation: number): GroupWrite | null {
  if (group.generation !== generation || group.pendingSyncs.size === 0) return null;
  if (!group.is(ClassicState.completingRebalance) && !group.is(ClassicState.stable)) return null;
  const late = [...group.pendingSyncs];
  noteRemoved(state, group, late, `no SyncGroup within the rebalance timeout of ${group.rebalanceTimeoutMs} ms`);
  for (const memberId of late) group.remove(memberId);
  return prepareRebalance(state, group, `${late.length} members sent no SyncGroup in time`);
}

/** The member's SyncGroup is here. */
export function dropPendingSync(group: ClassicGroup, memberId: string): void {
  group.pendingSyncs.delete(memberId);
  if (group.pendingSyncs.size === 0) group.syncTimer?.cancel();
}

/** Takes all assignments back and sends everybody who waits for one into the next round. */
export function failSyncs(state: GroupState, group: ClassicGroup, errorCode: number): void {
  assert(group.is(ClassicState.completingRebalance), 'assignments are awaited');
  for (const member of group.members.values()) {
    member.assignment = emptyBytes;
    if (member.answerSync(syncError(errorCode))) resetSession(state, group, member);
  }
}
