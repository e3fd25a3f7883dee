/** Members go: by themselves, or because a deadline has passed. */
import type { Draft } from '../draft.ts';
import { decideAlone } from '../modern/decide.ts';
import { valueFor } from '../modern/settings.ts';
import type { GroupState } from '../state.ts';
import { downgrade, mayDowngrade } from './downgrade.ts';
import { raiseEpoch } from './epoch.ts';
import type { ConsumerGroup } from './group.ts';
import type { ConsumerMember } from './member.ts';
import { MemberState } from './member.ts';
import { dropUnused } from './regex.ts';

/** Takes members out. When only classic ones are left, the group becomes a classic one. */
export function fenceMembers(draft: Draft, group: ConsumerGroup, members: readonly ConsumerMember[]): void {
  if (members.length === 0) return;
  if (mayDowngrade(draft.state, group, new Set(members.map(({ memberId }) => memberId)))) {
    dropMemberTimers(draft, group, [...group.members.values()]);
    return downgrade(draft, group, members);
  }
  for (const { memberId } of members) removeMember(draft, group, memberId);
  for (const { regex } of members) dropUnused(draft, group, regex);
  raiseEpoch(draft, group, true);
  dropMemberTimers(draft, group, members);
}

export function removeMember(draft: Draft, { groupId, targets }: ConsumerGroup, memberId: string): void {
  draft.put('consumerCurrent', groupId, memberId, null);
  if (targets.has(memberId)) draft.put('consumerMemberTarget', groupId, memberId, null);
  draft.put('consumerMember', groupId, memberId, null);
}

/** A member that comes back because it could not be removed has its session anew. */
function dropMemberTimers(draft: Draft, group: ConsumerGroup, members: readonly ConsumerMember[]): void {
  for (const { memberId } of members) group.dropTimers(memberId);
  draft.onUndo(() => {
    for (const member of members) resetSession(draft.state, group, member);
  });
}

/** From now the member has its session timeout to speak again. */
export function resetSession(state: GroupState, group: ConsumerGroup, member: ConsumerMember): void {
  const ownMs = valueFor(state.settings.consumer, 'sessionTimeoutMs', 'consumer', state.cluster.groupConfigOf(group.groupId));
  const timers = group.timersOf(member.memberId);
  timers.session ??= fencingTimer(state, group, member.memberId, 'no heartbeat within the session timeout');
  timers.session.set(member.classic?.sessionTimeoutMs ?? ownMs);
}

/** A member that is to give partitions up has its rebalance timeout for it. */
export function watchRevocation(state: GroupState, group: ConsumerGroup, { memberId, state: progress, epoch, rebalanceTimeoutMs }: ConsumerMember): void {
  const timers = group.timersOf(memberId);
  timers.rebalance?.cancel();
  if (progress !== MemberState.unrevokedPartitions) return;
  timers.rebalance = fencingTimer(state, group, memberId, `partitions not given up within the rebalance timeout of ${rebalanceTimeoutMs} ms`, epoch);
  timers.rebalance.set(rebalanceTimeoutMs);
}

/** A classic member was told to join again. */
export function awaitJoin(state: GroupState, group: ConsumerGroup, { memberId, rebalanceTimeoutMs }: ConsumerMember): void {
  const timers = group.timersOf(memberId);
  if (timers.join?.isSet === true) return;
  timers.join = fencingTimer(state, group, memberId, 'no JoinGroup within the rebalance timeout');
  timers.join.set(rebalanceTimeoutMs);
}

/** A classic member has joined, and has its rebalance timeout to ask for its assignment. */
export function awaitSync(state: GroupState, group: ConsumerGroup, { memberId, rebalanceTimeoutMs }: ConsumerMember): void {
  const timers = group.timersOf(memberId);
  timers.sync ??= fencingTimer(state, group, memberId, 'no SyncGroup within the rebalance timeout');
  timers.sync.set(rebalanceTimeoutMs);
}

/** Fences the member when the deadline passes; only in `epoch`, if one is given. */
function fencingTimer(state: GroupState, group: ConsumerGroup, memberId: string, reason: string, epoch: number | null = null) {
  return state.host.timers.create(() => {
    const member = group.members.get(memberId);
    if (state.groups.get(group.groupId) !== group || member === undefined) return;
    if (epoch !== null && member.epoch !== epoch) return;
    state.host.logger.info('a member is removed from a group', { groupId: group.groupId, memberId, epoch: member.epoch, reason });
    decideAlone(state, `the end of a member of ${group.groupId}`, (draft) => fenceMembers(draft, group, [member]));
  });
}
