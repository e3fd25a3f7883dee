import type { Undo } from '../../coordinator.ts';
import type { Uuid } from '../../../protocol/types.ts';
import type { ShareGroupStatePartitionMetadataValue } from '../../../protocol/generated/records/shareGroupStatePartitionMetadata.ts';
import { ClassicGroup } from '../classic/group.ts';
import { assignmentOf } from '../modern/assignment.ts';
import type { ModernRecord } from '../modernRecords.ts';
import type { GroupState } from '../state.ts';
import { NO_STATE_PARTITIONS, ShareGroup, newMember } from './group.ts';
import type { ShareMember, StatePartitions, TopicPartitions } from './group.ts';

type ShareKind = 'shareGroup' | 'shareMember' | 'shareTarget' | 'shareMemberTarget' | 'shareCurrent' | 'shareStatePartitions';
export type ShareChange = { [Kind in ShareKind]: ModernRecord<Kind> }[ShareKind];

/** A record of a share group. */
export function applyShare(state: GroupState, change: ShareChange, undo: Undo | null): void {
  const group = change.value === null ? shareGroupOf(state, change.groupId) : createShareGroup(state, change.groupId, undo);
  // the end of what is gone
  if (group === undefined) return;
  switch (change.kind) {
    case 'shareGroup':
      return applyGroup(state, group, change, undo);
    case 'shareMember':
      return applyMember(group, change, undo);
    case 'shareTarget':
      set(group, 'assignmentEpoch', change.value?.assignmentEpoch ?? 1, undo);
      return set(group, 'assignmentTimestampMs', Number(change.value?.assignmentTimestamp ?? 0), undo);
    case 'shareMemberTarget':
      return setIn(group.targets, change.subject, change.value === null ? undefined : assignmentOf(change.value.topicPartitions), undo);
    case 'shareCurrent':
      return applyCurrent(group, change, undo);
    case 'shareStatePartitions':
      return set(group, 'statePartitions', change.value === null ? NO_STATE_PARTITIONS : statePartitionsOf(change.value), undo);
  }
}

export function shareGroupOf(state: GroupState, groupId: string): ShareGroup | undefined {
  const group = state.groups.get(groupId);
  return group instanceof ShareGroup ? group : undefined;
}

function createShareGroup(state: GroupState, groupId: string, undo: Undo | null): ShareGroup {
  const present = state.groups.get(groupId);
  if (present instanceof ShareGroup) return present;
  if (present !== undefined && !(present instanceof ClassicGroup && present.members.size === 0)) {
    throw new Error(`group ${groupId} is of type ${present.type}, and a record says that it is a share group`);
  }
  const group = new ShareGroup(groupId);
  setIn(state.groups, groupId, group, undo);
  return group;
}

/** Undefined: taken out. */
function setIn<Value>(map: Map<string, Value>, key: string, value: Value | undefined, undo: Undo | null): void {
  const before = map.get(key);
  put(map, key, value);
  undo?.push(() => put(map, key, before));
}

function put<Value>(map: Map<string, Value>, key: string, value: Value | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}

function set<Key extends 'epoch' | 'metadataHash' | 'assignmentEpoch' | 'assignmentTimestampMs' | 'statePartitions'>(
  group: ShareGroup, key: Key, value: ShareGroup[Key], undo: Undo | null,
): void {
  const before = group[key];
  group[key] = value;
  undo?.push(() => {
    group[key] = before;
  });
}

function applyGroup(state: GroupState, group: ShareGroup, { groupId, value }: ModernRecord<'shareGroup'>, undo: Undo | null): void {
  if (value === null) return setIn(state.groups, groupId, undefined, undo);
  set(group, 'epoch', value.epoch, undo);
  set(group, 'metadataHash', Number(value.metadataHash), undo);
}

function applyMember(group: ShareGroup, { subject, value }: ModernRecord<'shareMember'>, undo: Undo | null): void {
  if (value === null) return setIn(group.members, subject, undefined, undo);
  const { rackId, clientId, clientHost, subscribedTopicNames } = value;
  setMember(group, { ...(group.members.get(subject) ?? newMember(subject)), rackId, clientId, clientHost, topics: subscribedTopicNames }, undo);
}

function applyCurrent(group: ShareGroup, { subject, value }: ModernRecord<'shareCurrent'>, undo: Undo | null): void {
  const before = group.members.get(subject);
  if (before === undefined && value === null) return;
  const member = before ?? newMember(subject);
  if (value === null) return setMember(group, { ...member, epoch: 0, previousEpoch: 0, assigned: new Map() }, undo);
  setMember(group, { ...member, epoch: value.memberEpoch, previousEpoch: value.previousMemberEpoch, assigned: assignmentOf(value.assignedPartitions) }, undo);
}

function setMember(group: ShareGroup, member: ShareMember, undo: Undo | null): void {
  setIn(group.members, member.memberId, member, undo);
}

function statePartitionsOf({ initializingTopics, initializedTopics, deletingTopics }: ShareGroupStatePartitionMetadataValue): StatePartitions {
  return {
    initializing: topicsOf(initializingTopics),
    initialized: topicsOf(initializedTopics),
    deleting: new Map(deletingTopics.map(({ topicId, topicName }) => [topicId, topicName])),
  };
}

function topicsOf(topics: ShareGroupStatePartitionMetadataValue['initializedTopics']): Map<Uuid, TopicPartitions> {
  return new Map(topics.map(({ topicId, topicName, partitions }) => [topicId, { name: topicName, partitions: new Set(partitions) }]));
}

/** As the record has it. */
export function statePartitionsValue({ initializing, initialized, deleting }: StatePartitions): ShareGroupStatePartitionMetadataValue {
  const listOf = (topics: ReadonlyMap<Uuid, TopicPartitions>): ShareGroupStatePartitionMetadataValue['initializedTopics'] =>
    [...topics].map(([topicId, { name, partitions }]) => ({ topicId, topicName: name, partitions: [...partitions] }));
  return {
    initializingTopics: listOf(initializing),
    initializedTopics: listOf(initialized),
    deletingTopics: [...deleting].map(([topicId, topicName]) => ({ topicId, topicName })),
  };
}
