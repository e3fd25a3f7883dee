import type { CoordinatorMachine, ShardHost } from '../coordinator.ts';
import { applyChange } from './apply.ts';
import { resetSession as resetMemberSession, watchRevocation } from './consumer/fence.ts';
import { ConsumerGroup } from './consumer/group.ts';
import { prepareRebalance, resetSession } from './classic/rebalance.ts';
import { applyPending, endTransaction } from './offsets/transactions.ts';
import { decodeGroupChange, encodeGroupChange } from './records.ts';
import type { GroupChange } from './records.ts';
import { resetStreamsSession, watchTaskRevocation } from './streams/fence.ts';
import { StreamsGroup } from './streams/group.ts';
import { GroupState } from './state.ts';
import type { GroupContext } from './state.ts';

/** Groups and offsets as a state under records. */
export function groupMachine(context: GroupContext): CoordinatorMachine<GroupState, GroupChange> {
  return {
    create: (host: ShardHost<GroupChange>) => new GroupState(host, context),
    apply: applyChange,
    applyPending,
    endTransaction,
    encode: encodeGroupChange,
    decode: decodeGroupChange,
    onActive,
    onInactive,
  };
}

function onActive(state: GroupState): void {
  for (const group of state.groups.values()) {
    if (group instanceof ConsumerGroup) resumeConsumerGroup(state, group);
    if (group instanceof StreamsGroup) resumeStreamsGroup(state, group);
  }
  for (const group of state.classicGroups()) {
    for (const member of group.members.values()) resetSession(state, group, member);
    if (group.members.size > state.settings.membersMax) {
      state.host.write(prepareRebalance(state, group, 'the loaded group is larger than group.max.size'));
    }
  }
}

function resumeConsumerGroup(state: GroupState, group: ConsumerGroup): void {
  for (const member of group.members.values()) {
    resetMemberSession(state, group, member);
    if (member.classic === null) watchRevocation(state, group, member);
  }
}

function resumeStreamsGroup(state: GroupState, group: StreamsGroup): void {
  for (const member of group.members.values()) {
    resetStreamsSession(state, group, member);
    watchTaskRevocation(state, group, member);
  }
}

function onInactive(state: GroupState, errorCode: number): void {
  for (const group of state.groups.values()) group.abandon(errorCode, state.now());
  state.groups.clear();
}
