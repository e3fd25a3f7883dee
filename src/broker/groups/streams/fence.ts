/** Members go: by themselves, or because a deadline has passed. */
import type { Draft } from '../draft.ts';
import { decideAlone } from '../modern/decide.ts';
import { valueFor } from '../modern/settings.ts';
import type { GroupState } from '../state.ts';
import { putEpoch } from './epoch.ts';
import type { StreamsGroup } from './group.ts';
import { StreamsMemberState } from './member.ts';
import type { StreamsMember } from './member.ts';

export function fenceStreamsMember(draft: Draft, group: StreamsGroup, member: StreamsMember): void {
  const { groupId } = group;
  const { memberId } = member;
  draft.put('streamsCurrent', groupId, memberId, null);
  if (group.targets.has(memberId)) draft.put('streamsMemberTarget', groupId, memberId, null);
  draft.put('streamsMember', groupId, memberId, null);
  putEpoch(draft, group, group.metadataHash, group.validatedEpoch, group.lastConfigs ?? new Map());
  group.dropTimers(memberId);
  draft.onUndo(() => resetStreamsSession(draft.state, group, member));
}

/** From now the member has its session timeout to speak again. */
export function resetStreamsSession(state: GroupState, group: StreamsGroup, { memberId }: StreamsMember): void {
  const timers = group.timersOf(memberId);
  timers.session ??= fencingTimer(state, group, memberId, 'no heartbeat within the session timeout', null);
  timers.session.set(valueFor(state.settings.streams, 'sessionTimeoutMs', 'streams', state.cluster.groupConfigOf(group.groupId)));
}

/** A member that is to give tasks up has its rebalance timeout for it. */
export function watchTaskRevocation(state: GroupState, group: StreamsGroup, { memberId, state: progress, epoch, rebalanceTimeoutMs }: StreamsMember): void {
  const timers = group.timersOf(memberId);
  timers.rebalance?.cancel();
  if (progress !== StreamsMemberState.unrevokedTasks) return;
  timers.rebalance = fencingTimer(state, group, memberId, `tasks not given up within the rebalance timeout of ${rebalanceTimeoutMs} ms`, epoch);
  timers.rebalance.set(rebalanceTimeoutMs);
}

function fencingTimer(state: GroupState, group: StreamsGroup, memberId: string, reason: string, epoch: number | null) {
  return state.host.timers.create(() => {
    const member = group.members.get(memberId);
    if (state.groups.get(group.groupId) !== group || member === undefined) return;
    if (epoch !== null && member.epoch !== epoch) return;
    state.host.logger.info('a member is removed from a group', { groupId: group.groupId, memberId, epoch: member.epoch, reason });
    decideAlone(state, `the end of a member of ${group.groupId}`, (draft) => fenceStreamsMember(draft, group, member));
  });
}
