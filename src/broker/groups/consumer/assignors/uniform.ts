import type { Uuid } from '../../../../protocol/types.ts';
import { compareText } from './assignor.ts';
import type { AssignedMember, AssignorInput } from './assignor.ts';
import type { Assignment } from '../../modern/assignment.ts';

/** A member while partitions are dealt. */
interface Hand {
  readonly member: AssignedMember;
  readonly partitions: Map<Uuid, Set<number>>;
  count: number;
}

interface Loose {
  readonly topicId: Uuid;
  readonly partition: number;
}

/** As many partitions for each member as for the others, as far as subscriptions let it; whoever has a partition keeps it if that can be. */
export function assignUniformly(input: AssignorInput): Map<string, Assignment> {
  const members = input.members.toSorted((a, b) => compareText(a.memberId, b.memberId));
  if (members.length === 0) return new Map();
  const hands = members.map((member): Hand => ({ member, partitions: new Map(), count: 0 }));
  const loose = keepTargets(hands, input);
  if (hasOneSubscription(members)) dealEvenly(hands, loose);
  else dealByNeed(hands, loose);
  return new Map(hands.map(({ member, partitions }) => [member.memberId, partitions]));
}

function hasOneSubscription(members: readonly AssignedMember[]): boolean {
  const [{ topicIds: first } = { topicIds: new Set<Uuid>() }, ...others] = members;
  return others.every(({ topicIds }) => topicIds === first || (topicIds.size === first.size && [...topicIds].every((topicId) => first.has(topicId))));
}

/** Gives back to members what they have and may keep; returns what nobody has. */
function keepTargets(hands: readonly Hand[], { partitionCountOf }: AssignorInput): Loose[] {
  const taken = new Map<Uuid, Set<number>>();
  for (const { member } of hands) for (const topicId of member.topicIds) if (!taken.has(topicId)) taken.set(topicId, new Set());
  for (const hand of hands) {
    for (const [topicId, partitions] of hand.member.target) {
      if (!hand.member.topicIds.has(topicId)) continue;
      const count = partitionCountOf(topicId);
      const takenOfTopic = taken.get(topicId)!;
      for (const partition of partitions) {
        if (partition >= count || takenOfTopic.has(partition)) continue;
        takenOfTopic.add(partition);
        put(hand, topicId, partition);
      }
    }
  }
  const loose: Loose[] = [];
  for (const [topicId, takenOfTopic] of taken) {
    const count = partitionCountOf(topicId);
    for (let partition = 0; partition < count; partition++) if (!takenOfTopic.has(partition)) loose.push({ topicId, partition });
  }
  return loose;
}

function put(hand: Hand, topicId: Uuid, partition: number): void {
  const partitions = hand.partitions.get(topicId);
  if (partitions === undefined) hand.partitions.set(topicId, new Set([partition]));
  else partitions.add(partition);
  hand.count++;
}

function drop(hand: Hand, topicId: Uuid, partition: number): void {
  const partitions = hand.partitions.get(topicId)!;
  partitions.delete(partition);
  if (partitions.size === 0) hand.partitions.delete(topicId);
  hand.count--;
}

/** All may have all: each gets the same number, or one more. Those who have most keep the one more. */
function dealEvenly(hands: readonly Hand[], loose: Loose[]): void {
  const total = loose.length + hands.reduce((sum, { count }) => sum + count, 0);
  const quota = Math.floor(total / hands.length);
  let extras = total % hands.length;
  const quotas = new Map<Hand, number>();
  for (const hand of hands.toSorted((a, b) => b.count - a.count)) {
    quotas.set(hand, extras > 0 ? quota + 1 : quota);
    extras = Math.max(extras - 1, 0);
  }
  for (const hand of hands) giveUpBeyond(hand, quotas.get(hand)!, loose);
  let next = 0;
  for (const hand of hands) {
    while (hand.count < quotas.get(hand)! && next < loose.length) {
      const { topicId, partition } = loose[next++]!;
      put(hand, topicId, partition);
    }
  }
}

function giveUpBeyond(hand: Hand, quota: number, loose: Loose[]): void {
  for (const [topicId, partitions] of [...hand.partitions].toReversed()) {
    for (const partition of [...partitions].toReversed()) {
      if (hand.count <= quota) return;
      drop(hand, topicId, partition);
      loose.push({ topicId, partition });
    }
  }
}

/** Members differ in what they may have: each partition goes to whoever has least of those who may, then partitions move while that evens out. */
function dealByNeed(hands: readonly Hand[], loose: readonly Loose[]): void {
  const takers = new Map<Uuid, Hand[]>();
  for (const hand of hands) {
    for (const topicId of hand.member.topicIds) {
      const known = takers.get(topicId);
      if (known === undefined) takers.set(topicId, [hand]);
      else known.push(hand);
    }
  }
  // topics with few takers first: they have the least choice
  const ordered = loose.toSorted((a, b) => takers.get(a.topicId)!.length - takers.get(b.topicId)!.length);
  for (const { topicId, partition } of ordered) put(least(takers.get(topicId)!), topicId, partition);
  let hasMoved = true;
  for (let round = 0; hasMoved && round < EVEN_OUT_ROUNDS_MAX; round++) hasMoved = evenOut(hands, takers);
}

/** Each round moves towards balance; the bound is for time, and never reached by groups of a usual size. */
const EVEN_OUT_ROUNDS_MAX = 50;

function least(hands: readonly Hand[]): Hand {
  let best = hands[0]!;
  for (const hand of hands) if (hand.count < best.count) best = hand;
  return best;
}

function evenOut(hands: readonly Hand[], takers: ReadonlyMap<Uuid, readonly Hand[]>): boolean {
  let hasMoved = false;
  for (const hand of hands.toSorted((a, b) => b.count - a.count)) {
    for (const [topicId, partitions] of hand.partitions) {
      for (const partition of partitions) {
        const other = least(takers.get(topicId)!);
        if (other.count + 1 >= hand.count) break;
        drop(hand, topicId, partition);
        put(other, topicId, partition);
        hasMoved = true;
      }
    }
  }
  return hasMoved;
}
