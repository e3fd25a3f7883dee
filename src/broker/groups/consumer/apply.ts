import type { Undo } from '../../coordinator.ts';
import { ClassicGroup } from '../classic/group.ts';
import type { ModernRecord } from '../modernRecords.ts';
import { assignmentOf } from '../modern/assignment.ts';
import type { GroupState } from '../state.ts';
import { ConsumerGroup } from './group.ts';
import { newMember, withFacts, withProgress } from './member.ts';
import type { ConsumerMember } from './member.ts';

export type ConsumerKind = 'consumerGroup' | 'consumerPartitions' | 'consumerMember' | 'consumerTarget' | 'consumerMemberTarget' | 'consumerCurrent' | 'consumerRegex';
export type ConsumerChange = { [Kind in ConsumerKind]: ModernRecord<Kind> }[ConsumerKind];

/** A record of a consumer group. */
export function applyConsumer(state: GroupState, change: ConsumerChange, undo: Undo | null): void {
  const group = change.value === null ? consumerGroupOf(state, change.groupId) : createConsumerGroup(state, change.groupId, undo);
  // the end of what is gone
  if (group === undefined) return;
  switch (change.kind) {
    case 'consumerGroup':
      return applyGroup(state, group, change, undo);
    case 'consumerPartitions':
      return set(group, 'hasPartitionsRecord', change.value !== null, undo);
    case 'consumerMember':
      return applyMember(group, change, undo);
    case 'consumerTarget':
      set(group, 'assignmentEpoch', change.value?.assignmentEpoch ?? 1, undo);
      return set(group, 'assignmentTimestampMs', Number(change.value?.assignmentTimestamp ?? 0), undo);
    case 'consumerMemberTarget':
      return applyTarget(group, change, undo);
    case 'consumerCurrent':
      return applyCurrent(group, change, undo);
    case 'consumerRegex':
      return applyRegex(group, change, undo);
  }
}

export function consumerGroupOf(state: GroupState, groupId: string): ConsumerGroup | undefined {
  const group = state.groups.get(groupId);
  return group instanceof ConsumerGroup ? group : undefined;
}

/** Offsets that were read before it have opened a simple group in its place. */
function createConsumerGroup(state: GroupState, groupId: string, undo: Undo | null): ConsumerGroup {
  const present = state.groups.get(groupId);
  if (present instanceof ConsumerGroup) return present;
  if (present !== undefined && !(present instanceof ClassicGroup && present.protocolType === null && present.members.size === 0)) {
    throw new Error(`group ${groupId} is of type ${present.type}, and a record says that it is a consumer group`);
  }
  const group = new ConsumerGroup(groupId);
  state.groups.set(groupId, group);
  undo?.push(() => {
    if (present === undefined) state.groups.delete(groupId);
    else state.groups.set(groupId, present);
  });
  return group;
}

function set<Key extends 'epoch' | 'metadataHash' | 'assignmentEpoch' | 'assignmentTimestampMs' | 'hasPartitionsRecord'>(
  group: ConsumerGroup, key: Key, value: ConsumerGroup[Key], undo: Undo | null,
): void {
  const before = group[key];
  group[key] = value;
  undo?.push(() => {
    group[key] = before;
  });
}

function applyGroup(state: GroupState, group: ConsumerGroup, { groupId, value }: ModernRecord<'consumerGroup'>, undo: Undo | null): void {
  if (value !== null) {
    set(group, 'epoch', value.epoch, undo);
    return set(group, 'metadataHash', Number(value.metadataHash), undo);
  }
  state.groups.delete(groupId);
  undo?.push(() => state.groups.set(groupId, group));
}

function applyMember(group: ConsumerGroup, { subject, value }: ModernRecord<'consumerMember'>, undo: Undo | null): void {
  const before = group.members.get(subject);
  if (value === null) group.removeMember(subject);
  else group.setMember(withFacts(before ?? newMember(subject), value));
  undo?.push(() => restore(group, subject, before));
}

function applyCurrent(group: ConsumerGroup, { subject, value }: ModernRecord<'consumerCurrent'>, undo: Undo | null): void {
  const before = group.members.get(subject);
  if (before === undefined && value === null) return;
  group.setMember(withProgress(before ?? newMember(subject), value));
  undo?.push(() => restore(group, subject, before));
}

function restore(group: ConsumerGroup, memberId: string, before: ConsumerMember | undefined): void {
  if (before === undefined) group.removeMember(memberId);
  else group.setMember(before);
}

function applyTarget(group: ConsumerGroup, { subject, value }: ModernRecord<'consumerMemberTarget'>, undo: Undo | null): void {
  const before = group.targets.get(subject);
  if (value === null) group.targets.delete(subject);
  else group.targets.set(subject, assignmentOf(value.topicPartitions));
  undo?.push(() => {
    if (before === undefined) group.targets.delete(subject);
    else group.targets.set(subject, before);
  });
}

function applyRegex(group: ConsumerGroup, { subject, value }: ModernRecord<'consumerRegex'>, undo: Undo | null): void {
  const before = group.resolved.get(subject) ?? null;
  group.setResolved(subject, value === null ? null : { topics: new Set(value.topics), version: Number(value.version), timestampMs: Number(value.timestamp) });
  undo?.push(() => group.setResolved(subject, before));
}
