import type { Undo } from '../../coordinator.ts';
import { ClassicGroup } from '../classic/group.ts';
import type { ModernRecord } from '../modernRecords.ts';
import type { GroupState } from '../state.ts';
import { StreamsGroup } from './group.ts';
import { newStreamsMember, withFacts, withProgress } from './member.ts';
import type { StreamsMember } from './member.ts';
import { tasksOf } from './tasks.ts';

export type StreamsKind = 'streamsGroup' | 'streamsMember' | 'streamsTarget' | 'streamsMemberTarget' | 'streamsCurrent' | 'streamsTopology';
export type StreamsChange = { [Kind in StreamsKind]: ModernRecord<Kind> }[StreamsKind];

/** A record of a streams group. */
export function applyStreams(state: GroupState, change: StreamsChange, undo: Undo | null): void {
  const group = change.value === null ? streamsGroupOf(state, change.groupId) : createStreamsGroup(state, change.groupId, undo);
  // the end of what is gone
  if (group === undefined) return;
  switch (change.kind) {
    case 'streamsGroup':
      return applyGroup(state, group, change, undo);
    case 'streamsMember':
      return applyMember(group, change.subject, change.value === null ? null : (before) => withFacts(before, change.value!), undo);
    case 'streamsCurrent':
      if (!group.members.has(change.subject) && change.value === null) return;
      return applyMember(group, change.subject, (before) => withProgress(before, change.value), undo);
    case 'streamsTarget':
      set(group, 'assignmentEpoch', change.value?.assignmentEpoch ?? 1, undo);
      return set(group, 'assignmentTimestampMs', Number(change.value?.assignmentTimestamp ?? 0), undo);
    case 'streamsMemberTarget':
      return applyTarget(group, change, undo);
    case 'streamsTopology':
      return set(group, 'topology', change.value, undo);
  }
}

export function streamsGroupOf(state: GroupState, groupId: string): StreamsGroup | undefined {
  const group = state.groups.get(groupId);
  return group instanceof StreamsGroup ? group : undefined;
}

/** Offsets that were read before it have opened a simple group in its place. */
function createStreamsGroup(state: GroupState, groupId: string, undo: Undo | null): StreamsGroup {
  const present = state.groups.get(groupId);
  if (present instanceof StreamsGroup) return present;
  if (present !== undefined && !(present instanceof ClassicGroup && present.protocolType === null && present.members.size === 0)) {
    throw new Error(`group ${groupId} is of type ${present.type}, and a record says that it is a streams group`);
  }
  const group = new StreamsGroup(groupId);
  state.groups.set(groupId, group);
  undo?.push(() => {
    if (present === undefined) state.groups.delete(groupId);
    else state.groups.set(groupId, present);
  });
  return group;
}

function set<Key extends 'epoch' | 'metadataHash' | 'validatedEpoch' | 'lastConfigs' | 'assignmentEpoch' | 'assignmentTimestampMs' | 'topology'>(
  group: StreamsGroup, key: Key, value: StreamsGroup[Key], undo: Undo | null,
): void {
  const before = group[key];
  group[key] = value;
  undo?.push(() => {
    group[key] = before;
  });
}

function applyGroup(state: GroupState, group: StreamsGroup, { groupId, value }: ModernRecord<'streamsGroup'>, undo: Undo | null): void {
  if (value === null) {
    state.groups.delete(groupId);
    undo?.push(() => state.groups.set(groupId, group));
    return;
  }
  set(group, 'epoch', value.epoch, undo);
  set(group, 'metadataHash', Number(value.metadataHash), undo);
  set(group, 'validatedEpoch', value.validatedTopologyEpoch, undo);
  set(group, 'lastConfigs', value.lastAssignmentConfigs === null ? null : new Map(value.lastAssignmentConfigs.map(({ key, value: text }) => [key, text])), undo);
}

/** Null: the member goes. */
function applyMember(group: StreamsGroup, memberId: string, change: ((before: StreamsMember) => StreamsMember) | null, undo: Undo | null): void {
  const before = group.members.get(memberId);
  if (change === null) group.removeMember(memberId);
  else group.setMember(change(before ?? newStreamsMember(memberId)));
  undo?.push(() => {
    if (before === undefined) group.removeMember(memberId);
    else group.setMember(before);
  });
}

function applyTarget(group: StreamsGroup, { subject, value }: ModernRecord<'streamsMemberTarget'>, undo: Undo | null): void {
  const before = group.targets.get(subject);
  if (value === null) group.targets.delete(subject);
  else group.targets.set(subject, { active: tasksOf(value.activeTasks), standby: tasksOf(value.standbyTasks), warmup: tasksOf(value.warmupTasks) });
  undo?.push(() => {
    if (before === undefined) group.targets.delete(subject);
    else group.targets.set(subject, before);
  });
}
