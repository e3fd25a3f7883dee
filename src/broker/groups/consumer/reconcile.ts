/**
 * How a member comes from what it is assigned to what it shall be assigned: first it gives up, then its epoch rises, then it gets what others have given up. So
 * no partition has two consumers.
 */
import type { Uuid } from '../../../protocol/types.ts';
import type { Assignment, EpochAssignment, TopicPartitionList } from '../modern/assignment.ts';
import { NOTHING_OWNED } from '../modern/assignment.ts';
import { isReconciledTo, MemberState } from './member.ts';
import type { ConsumerMember } from './member.ts';

export interface Target {
  readonly epoch: number;
  readonly assignment: Assignment;
}

export interface Reconciliation {
  readonly target: Target;
  /** Ids of the topics that the member is subscribed to. */
  readonly subscribedIds: () => ReadonlySet<Uuid>;
  /** The subscription has changed with this request: what it no longer names is given up at once. */
  readonly hasSubscriptionChanged: boolean;
  /** What the member says it consumes; null: it does not say. */
  readonly owned: readonly TopicPartitionList[] | null;
  /** Whether somebody may consume the partition now. */
  readonly isOwned: (topicId: Uuid, partition: number) => boolean;
}

/** The member one step further; the same when there is nothing to do. */
export function reconcile(member: ConsumerMember, step: Reconciliation): ConsumerMember {
  if (!step.hasSubscriptionChanged && isReconciledTo(member, step.target.epoch)) return member;
  switch (member.state) {
    case MemberState.stable:
      return member.epoch === step.target.epoch ? dropUnsubscribed(member, step) : advance(member, step);
    case MemberState.unrevokedPartitions:
      if (!stillOwns(step.owned, member.revoking)) return advance(member, step);
      return step.hasSubscriptionChanged ? dropUnsubscribed(member, step) : member;
    default:
      return advance(member, step);
  }
}

/** A member that does not say what it consumes may still consume all of it. */
function stillOwns(owned: readonly TopicPartitionList[] | null, revoking: EpochAssignment): boolean {
  if (owned === null) return true;
  for (const { topicId, partitions } of owned) {
    const given = revoking.get(topicId);
    if (given !== undefined && partitions.some((partition) => given.has(partition))) return true;
  }
  return false;
}

/** Takes away what the member is no longer subscribed to; its epoch stays. */
function dropUnsubscribed(member: ConsumerMember, { subscribedIds, owned }: Reconciliation): ConsumerMember {
  const wanted = subscribedIds();
  const assigned = new Map(member.assigned);
  const revoking = new Map(member.revoking);
  for (const [topicId, partitions] of member.assigned) {
    if (wanted.has(topicId)) continue;
    assigned.delete(topicId);
    revoking.set(topicId, new Map([...(revoking.get(topicId) ?? []), ...partitions]));
  }
  if (assigned.size === member.assigned.size) return member;
  const kept = { ...member, previousEpoch: member.epoch, assigned };
  return stillOwns(owned, revoking) ? { ...kept, state: MemberState.unrevokedPartitions, revoking } : kept;
}

interface Plan {
  readonly kept: Map<Uuid, ReadonlyMap<number, number>>;
  readonly revoked: Map<Uuid, ReadonlyMap<number, number>>;
  readonly added: Map<Uuid, number[]>;
  hasUnreleased: boolean;
}

function advance(member: ConsumerMember, step: Reconciliation): ConsumerMember {
  const { kept, revoked, added, hasUnreleased } = planOf(member, step);
  const { epoch } = step.target;
  if (revoked.size > 0 && stillOwns(step.owned, revoked)) {
    return { ...member, state: MemberState.unrevokedPartitions, previousEpoch: member.epoch, assigned: kept, revoking: revoked };
  }
  const assigned = new Map(kept);
  for (const [topicId, partitions] of added) {
    assigned.set(topicId, new Map([...(kept.get(topicId) ?? []), ...partitions.map((partition): [number, number] => [partition, epoch])]));
  }
  const state = hasUnreleased ? MemberState.unreleasedPartitions : MemberState.stable;
  return { ...member, state, previousEpoch: member.epoch, epoch, assigned, revoking: NOTHING_OWNED };
}

function planOf(member: ConsumerMember, { target, subscribedIds, isOwned }: Reconciliation): Plan {
  const wanted = subscribedIds();
  const plan: Plan = { kept: new Map(), revoked: new Map(), added: new Map(), hasUnreleased: false };
  for (const topicId of new Set([...target.assignment.keys(), ...member.assigned.keys()])) {
    const current = member.assigned.get(topicId) ?? new Map<number, number>();
    const goal: ReadonlySet<number> = wanted.has(topicId) ? (target.assignment.get(topicId) ?? new Set()) : new Set();
    const kept = new Map<number, number>();
    const revoked = new Map<number, number>();
    for (const [partition, epoch] of current) (goal.has(partition) ? kept : revoked).set(partition, epoch);
    const added: number[] = [];
    for (const partition of goal) {
      if (current.has(partition)) continue;
      if (isOwned(topicId, partition)) plan.hasUnreleased = true;
      else added.push(partition);
    }
    if (kept.size > 0) plan.kept.set(topicId, kept);
    if (revoked.size > 0) plan.revoked.set(topicId, revoked);
    if (added.length > 0) plan.added.set(topicId, added);
  }
  return plan;
}
