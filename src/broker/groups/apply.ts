import type { Undo } from '../coordinator.ts';
import { ClassicGroup } from './classic/group.ts';
import { restoreGroup } from './classic/record.ts';
import type { Group } from './group.ts';
import { applyModern } from './modern/apply.ts';
import { isModern } from './modernRecords.ts';
import { applyOffset } from './offsets/apply.ts';
import type { GroupChange } from './records.ts';
import type { GroupState } from './state.ts';

/** CoordinatorMachine.apply: what a record changes, live and in replay. */
export function applyChange(state: GroupState, change: GroupChange, undo: Undo | null): void {
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
