import { definite } from '../../../base/assert.ts';
import type { Uuid } from '../../../protocol/types.ts';
import type { ClusterView } from '../cluster.ts';
import type { Draft } from '../draft.ts';
import { isSameAssignment, listOf, NOTHING_ASSIGNED } from '../modern/assignment.ts';
import { mayAssign, valueFor } from '../modern/settings.ts';
import { assignors } from './assignors/index.ts';
import type { AssignorInput } from './assignors/assignor.ts';
import type { ConsumerGroup } from './group.ts';
import type { ConsumerMember } from './member.ts';

/** Ids of those of the member's topics that exist. */
export function topicIdsOf(group: ConsumerGroup, member: ConsumerMember, cluster: ClusterView): Set<Uuid> {
  const ids = new Set<Uuid>();
  for (const topic of group.topicsOf(member)) {
    const id = cluster.idOf(topic);
    if (id !== undefined) ids.add(id);
  }
  return ids;
}

/** Shares the partitions out anew when the group has changed, and not more often than `assignment.interval.ms` (KIP-1263). */
export function updateTarget(draft: Draft, group: ConsumerGroup): void {
  if (!isTargetDue(draft, group)) return;
  const { state } = draft;
  const { groupId } = group;
  const name = group.preferredAssignor ?? state.settings.consumer.assignors[0]!;
  const assign = definite(assignors.get(name), `the assignor ${name}`);
  const targets = assign(inputOf(group, state.cluster));
  for (const memberId of group.members.keys()) {
    const target = targets.get(memberId) ?? NOTHING_ASSIGNED;
    const isKnown = group.targets.has(memberId);
    if (isKnown && isSameAssignment(group.targetOf(memberId), target)) continue;
    draft.put('consumerMemberTarget', groupId, memberId, { topicPartitions: listOf(target) });
  }
  draft.put('consumerTarget', groupId, '', { assignmentEpoch: group.epoch, assignmentTimestamp: state.now() });
  state.host.logger.debug('a group has a new target assignment', { groupId, epoch: group.epoch, assignor: name, memberCount: group.members.size });
}

/** Whether the group has changed since it was last shared out, and that is long enough ago. */
export function isTargetDue({ state }: Pick<Draft, 'state'>, { groupId, epoch, assignmentEpoch, assignmentTimestampMs }: ConsumerGroup): boolean {
  if (assignmentEpoch >= epoch) return false;
  const intervalMs = valueFor(state.settings.consumer, 'assignmentIntervalMs', 'consumer', state.cluster.groupConfigOf(groupId));
  return mayAssign(state.now(), assignmentTimestampMs, intervalMs);
}

function inputOf(group: ConsumerGroup, cluster: ClusterView): AssignorInput {
  const bySubscription = new Map<string, ReadonlySet<Uuid>>();
  const members = [...group.members.values()].map((member) => {
    const key = `${member.regex}\n${member.topics.join('\n')}`;
    let topicIds = bySubscription.get(key);
    if (topicIds === undefined) bySubscription.set(key, (topicIds = topicIdsOf(group, member, cluster)));
    return { memberId: member.memberId, instanceId: member.instanceId, topicIds, target: group.targetOf(member.memberId) };
  });
  return {
    members,
    partitionCountOf: (topicId) => {
      const name = cluster.nameOf(topicId);
      return name === undefined ? 0 : cluster.partitionCountOf(name);
    },
  };
}
