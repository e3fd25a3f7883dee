import type { CoordinatorMachine, ShardHost, Undo } from '../coordinator.ts';
import { prepareRebalance, resetSession } from './classic/rebalance.ts';
import { restoreGroup } from './classic/record.ts';
import { ClassicGroup } from './classic/group.ts';
import type { Group } from './group.ts';
import { isModern } from './modernRecords.ts';
import { applyModern } from './modern/apply.ts';
import { applyOffset } from './offsets/apply.ts';
import { applyPending, endTransaction } from './offsets/transactions.ts';
import { decodeGroupChange, encodeGroupChange } from './records.ts';
import type { GroupChange } from './records.ts';
import { GroupState } from './state.ts';
import type { GroupContext } from './state.ts';

/** Groups and offsets as a state under records. */
export function groupMachine(context: GroupContext): CoordinatorMachine<GroupState, GroupChange> {
  return {
    create: (host: ShardHost<GroupChange>) => new GroupState(host, context),
    apply,
    applyPending,
    endTransaction,
    encode: encodeGroupChange,
    decode: decodeGroupChange,
    onActive,
    onInactive,
  };
}

function apply(state: GroupState, change: GroupChange, undo: Undo | null): void {
  if (isModern(change)) return applyModern(state, change, undo);
  if (change.kind === 'group') applyGroup(state, change, undo);
  else applyOffset(state, change, undo);
}

function applyGroup(state: GroupState, change: GroupChange & { kind: 'group' }, undo: Undo | null): void {
  const { groupId } = change;
  const before = state.groups.get(groupId);
  // the end of a classic group that has become one of another kind is no news to that one
  if (change.value === null && before !== undefined && !(before instanceof ClassicGroup)) return;
  if (change.value === null) state.groups.delete(groupId);
  else state.groups.set(groupId, restoreGroup(groupId, change.value, state.tally));
  undo?.push(() => undoGroup(state, groupId, before));
}

/** A group that began in the meantime stays: people wait in it. The log still knows its predecessor. */
function undoGroup(state: GroupState, groupId: string, before: Group | undefined): void {
  const present = state.groups.get(groupId);
  if (before === undefined) state.groups.delete(groupId);
  else if (!(present instanceof ClassicGroup) || !(before instanceof ClassicGroup)) state.groups.set(groupId, before);
  else present.isPersisted ||= before.isPersisted;
}

function onActive(state: GroupState): void {
  for (const group of state.classicGroups()) {
    for (const member of group.members.values()) resetSession(state, group, member);
    if (group.members.size > state.settings.membersMax) {
      state.host.write(prepareRebalance(state, group, 'the loaded group is larger than group.max.size'));
    }
  }
}

function onInactive(state: GroupState, errorCode: number): void {
  for (const group of state.groups.values()) group.abandon(errorCode, state.now());
  state.groups.clear();
}
