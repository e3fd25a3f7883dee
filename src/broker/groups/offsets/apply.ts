import type { Undo } from '../../coordinator.ts';
import type { GroupChange } from '../records.ts';
import type { GroupState } from '../state.ts';

type OffsetChange = GroupChange & { readonly kind: 'offset' };

/** Takes a committed offset, or its tombstone, into the state. `order`: that of an offset which was pending; else the change is the latest in the log. */
export function applyOffset(state: GroupState, change: OffsetChange, undo: Undo | null, order = Infinity): void {
  if (change.value === null) return removeOffset(state, change, undo);
  const { groupId, topic, partition, value } = change;
  createForOffset(state, groupId, undo);
  const before = state.offsets.put(groupId, topic, partition, value);
  undo?.push(() => {
    if (before === undefined) state.offsets.remove(groupId, topic, partition);
    else state.offsets.put(groupId, topic, partition, before);
  });
  state.pending.overtake(groupId, topic, partition, order, undo);
}

function removeOffset(state: GroupState, { groupId, topic, partition }: OffsetChange, undo: Undo | null): void {
  state.pending.drop(groupId, topic, partition, undo);
  const before = state.offsets.remove(groupId, topic, partition);
  if (before === undefined) return;
  undo?.push(() => {
    if (!state.groups.has(groupId)) state.createGroup(groupId);
    state.offsets.put(groupId, topic, partition, before);
  });
}

/** Somebody who manages itself commits: its group begins with that. */
export function createForOffset(state: GroupState, groupId: string, undo: Undo | null): void {
  if (state.groups.has(groupId)) return;
  state.createGroup(groupId);
  undo?.push(() => {
    const group = state.groups.get(groupId);
    if (group !== undefined) state.dropIfUnused(group);
  });
}
