import type { Uuid } from '../../../protocol/types.ts';
import type { Draft } from '../draft.ts';
import { isSameAssignment, listOf, NOTHING_ASSIGNED } from '../modern/assignment.ts';
import { mayAssign } from '../modern/settings.ts';
import type { ClusterView } from '../cluster.ts';
import { assignSimply } from './assignor.ts';
import type { Assignable } from './assignor.ts';
import type { ShareGroup } from './group.ts';

/** Shares the partitions out anew when the group has changed, and not more often than `share.assignment.interval.ms` (KIP-1263). */
export function updateTarget(draft: Draft, group: ShareGroup, intervalMs: number): void {
  const { state } = draft;
  if (group.assignmentEpoch >= group.epoch || !mayAssign(state.now(), group.assignmentTimestampMs, intervalMs)) return;
  const { groupId } = group;
  const members = [...group.members.values()].map(({ memberId, topics }) => ({ memberId, topicIds: idsOf(topics, state.cluster), target: group.targetOf(memberId) }));
  const targets = assignSimply(members, assignableOf(group, state.cluster));
  for (const memberId of group.members.keys()) {
    const target = targets.get(memberId) ?? NOTHING_ASSIGNED;
    if (group.targets.has(memberId) && isSameAssignment(group.targetOf(memberId), target)) continue;
    draft.put('shareMemberTarget', groupId, memberId, { topicPartitions: listOf(target) });
  }
  draft.put('shareTarget', groupId, '', { assignmentEpoch: group.epoch, assignmentTimestamp: state.now() });
}

function idsOf(topics: readonly string[], cluster: ClusterView): Set<Uuid> {
  return new Set(topics.flatMap((topic) => cluster.idOf(topic) ?? []));
}

/** Only what the share coordinator knows of: nothing else could be read. */
function assignableOf(group: ShareGroup, cluster: ClusterView): Assignable {
  const assignable = new Map<Uuid, ReadonlySet<number>>();
  for (const topic of group.subscribedTopics) {
    const topicId = cluster.idOf(topic);
    const known = topicId === undefined ? undefined : group.statePartitions.initialized.get(topicId);
    if (topicId !== undefined && known !== undefined) assignable.set(topicId, known.partitions);
  }
  return assignable;
}

/** Whether every partition that is initialized for a topic of the group's is in somebody's target. */
export function isFullyTargeted(group: ShareGroup): boolean {
  const { initialized } = group.statePartitions;
  if (group.assignedFrom === initialized) return true;
  const targeted = new Set<string>();
  for (const target of group.targets.values()) for (const [topicId, partitions] of target) for (const partition of partitions) targeted.add(`${partition}/${topicId}`);
  const subscribed = group.subscribedTopics;
  for (const [topicId, { name, partitions }] of initialized) {
    if (!subscribed.has(name)) continue;
    for (const partition of partitions) if (!targeted.has(`${partition}/${topicId}`)) return false;
  }
  group.assignedFrom = initialized;
  return true;
}
