import type { Uuid } from '../../../protocol/types.ts';
import type { Assignment } from '../modern/assignment.ts';

export interface AssignedMember {
  readonly memberId: string;
  /** Topics that it wants and that exist. */
  readonly topicIds: ReadonlySet<Uuid>;
  /** What it has now. */
  readonly target: Assignment;
}

/** Partitions that can be shared out, by topic id. */
export type Assignable = ReadonlyMap<Uuid, ReadonlySet<number>>;

/** While partitions are shared out. */
interface Load {
  readonly member: AssignedMember;
  readonly assigned: Map<Uuid, Set<number>>;
  count: number;
}

interface Slot {
  readonly topicId: Uuid;
  readonly partition: number;
  sharedBy: number;
}

/**
 * The `simple` assignor: every partition goes to a member that wants it, and every member gets a partition, shared with others when there are fewer partitions than members.
 * Loads are even as far as subscriptions let them be, and members keep what they have as far as that lets them.
 */
export function assignSimply(members: readonly AssignedMember[], assignable: Assignable): Map<string, Assignment> {
  const loads = members.map((member): Load => ({ member, assigned: new Map(), count: 0 }));
  const slots: Slot[] = [];
  for (const [topicId, partitions] of assignable) for (const partition of partitions) slots.push({ topicId, partition, sharedBy: 0 });
  keep(loads, slots);
  for (const slot of slots) {
    if (slot.sharedBy > 0) continue;
    const taker = leastLoaded(loads, slot.topicId);
    if (taker !== null) give(taker, slot);
  }
  for (const load of loads) {
    if (load.count > 0) continue;
    const slot = leastShared(slots, load.member.topicIds);
    if (slot !== null) give(load, slot);
  }
  return new Map(loads.map(({ member, assigned }) => [member.memberId, assigned]));
}

/** Members keep of their own up to what an even share is. */
function keep(loads: readonly Load[], slots: readonly Slot[]): void {
  const membersOf = new Map<Uuid, number>();
  for (const { member } of loads) for (const topicId of member.topicIds) membersOf.set(topicId, (membersOf.get(topicId) ?? 0) + 1);
  const wanted = slots.filter(({ topicId }) => membersOf.has(topicId));
  const countMax = Math.max(1, Math.ceil(wanted.length / Math.max(loads.length, 1)));
  const sharedMax = Math.max(1, Math.ceil(loads.length / Math.max(wanted.length, 1)));
  for (const slot of wanted) {
    for (const load of loads) {
      if (slot.sharedBy >= sharedMax) break;
      const { topicIds, target } = load.member;
      const isOwn = topicIds.has(slot.topicId) && target.get(slot.topicId)?.has(slot.partition) === true;
      if (isOwn && load.count < countMax) give(load, slot);
    }
  }
}

function give(load: Load, slot: Slot): void {
  const partitions = load.assigned.get(slot.topicId);
  if (partitions === undefined) load.assigned.set(slot.topicId, new Set([slot.partition]));
  else partitions.add(slot.partition);
  load.count++;
  slot.sharedBy++;
}

function leastLoaded(loads: readonly Load[], topicId: Uuid): Load | null {
  let least: Load | null = null;
  for (const load of loads) {
    if (load.member.topicIds.has(topicId) && (least === null || load.count < least.count)) least = load;
  }
  return least;
}

function leastShared(slots: readonly Slot[], topicIds: ReadonlySet<Uuid>): Slot | null {
  let least: Slot | null = null;
  for (const slot of slots) if (topicIds.has(slot.topicId) && (least === null || slot.sharedBy < least.sharedBy)) least = slot;
  return least;
}
