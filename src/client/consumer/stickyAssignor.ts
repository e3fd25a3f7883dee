/**
 * Keeps as much as possible where it is while the loads of members differ by one at most (where their topics allow it): KIP-54, and KIP-429 for the
 * cooperative form.
 */
import { Writer } from '../../protocol/writer.ts';
import { Reader } from '../../protocol/reader.ts';
import { addPartition, compareMembers, type Assignment, type Assignor, type GroupAssignment, type MemberSubscription } from './assignor.ts';

/** A length of each of two fields; what the object takes. */
const PREVIOUS_TOPIC_BYTES_MIN = 6;
const PREVIOUS_TOPIC_HEAP_BYTES = 96;

interface Holder {
  readonly member: MemberSubscription;
  readonly topics: ReadonlySet<string>;
  /** Keys of partitions. */
  readonly held: Set<string>;
}

interface Place {
  readonly topic: string;
  readonly partition: number;
}

const keyOf = (topic: string, partition: number): string => `${partition}/${topic}`;

export const stickyAssignor: Assignor = {
  name: 'sticky',
  isCooperative: false,
  assign: (members, counts) => asAssignment(balance(members, counts), counts),
  userData: encodePrevious,
};

/** A partition that moves is given to nobody until its owner has let go of it; the group then rebalances once more. */
export const cooperativeStickyAssignor: Assignor = {
  name: 'cooperative-sticky',
  isCooperative: true,
  assign(members, counts) {
    const holders = balance(members, counts);
    const claimants = new Map<string, string>();
    for (const { memberId, owned } of members) for (const [topic, partitions] of owned) for (const partition of partitions) claimants.set(keyOf(topic, partition), memberId);
    for (const { member, held } of holders) {
      for (const key of held) {
        const claimant = claimants.get(key);
        if (claimant !== undefined && claimant !== member.memberId) held.delete(key);
      }
    }
    return asAssignment(holders, counts);
  },
};

function balance(members: readonly MemberSubscription[], counts: ReadonlyMap<string, number>): Holder[] {
  const holders = [...members].sort(compareMembers).map((member) => ({ member, topics: new Set(member.topics), held: new Set<string>() }));
  const places = placesOf(holders, counts);
  const owners = currentOwners(holders, places);
  for (const [key, holder] of owners) holder.held.add(key);
  for (const [key, { topic }] of places) {
    if (owners.has(key)) continue;
    const taker = leastLoaded(holders, topic);
    taker?.held.add(key);
  }
  level(holders, places);
  return holders;
}

function placesOf(holders: readonly Holder[], counts: ReadonlyMap<string, number>): Map<string, Place> {
  const places = new Map<string, Place>();
  const topics = new Set(holders.flatMap(({ member }) => [...member.topics]));
  for (const topic of [...topics].sort()) for (let partition = 0; partition < (counts.get(topic) ?? 0); partition += 1) places.set(keyOf(topic, partition), { topic, partition });
  return places;
}

/** Who says to own what; of two who say so the one of the later generation, of equals neither. */
function currentOwners(holders: readonly Holder[], places: ReadonlyMap<string, Place>): Map<string, Holder> {
  const owners = new Map<string, { readonly holder: Holder | null; readonly generationId: number }>();
  for (const holder of holders) {
    const { owned, generationId } = previousOf(holder.member);
    for (const [topic, partitions] of owned) {
      if (!holder.topics.has(topic)) continue;
      for (const partition of partitions) {
        const key = keyOf(topic, partition);
        if (!places.has(key)) continue;
        const known = owners.get(key);
        if (known === undefined || known.generationId < generationId) owners.set(key, { holder, generationId });
        else if (known.generationId === generationId) owners.set(key, { holder: null, generationId });
      }
    }
  }
  const settled = new Map<string, Holder>();
  for (const [key, { holder }] of owners) if (holder !== null) settled.set(key, holder);
  return settled;
}

function previousOf(member: MemberSubscription): { readonly owned: Assignment; readonly generationId: number } {
  if (member.owned.size > 0 || member.userData === null) return member;
  return decodePrevious(member.userData) ?? member;
}

function leastLoaded(holders: readonly Holder[], topic: string): Holder | null {
  let least: Holder | null = null;
  for (const holder of holders) if (holder.topics.has(topic) && (least === null || holder.held.size < least.held.size)) least = holder;
  return least;
}

/** Moves partitions from the most to the least loaded until no move makes it more even. Every move lowers the sum of squares, so it ends. */
function level(holders: readonly Holder[], places: ReadonlyMap<string, Place>): void {
  const byLoad = [...holders];
  do byLoad.sort((a, b) => b.held.size - a.held.size);
  while (byLoad.some((from) => moveOne(from, holders, places)));
}

/** The last one that another holder wants more; false: there is none. */
function moveOne(from: Holder, holders: readonly Holder[], places: ReadonlyMap<string, Place>): boolean {
  const takers = new Map<string, Holder | null>();
  for (const key of [...from.held].toReversed()) {
    const { topic } = places.get(key) as Place;
    let to = takers.get(topic);
    if (to === undefined) takers.set(topic, (to = leastLoaded(holders, topic)));
    if (to === null || from.held.size - to.held.size < 2) continue;
    from.held.delete(key);
    to.held.add(key);
    return true;
  }
  return false;
}

function asAssignment(holders: readonly Holder[], counts: ReadonlyMap<string, number>): GroupAssignment {
  const places = placesOf(holders, counts);
  const assignment: GroupAssignment = new Map(holders.map(({ member }) => [member.memberId, new Map<string, number[]>()]));
  for (const { member, held } of holders) {
    const sorted = [...held].map((key) => places.get(key) as Place).sort((a, b) => (a.topic === b.topic ? a.partition - b.partition : a.topic < b.topic ? -1 : 1));
    for (const { topic, partition } of sorted) addPartition(assignment, member.memberId, topic, partition);
  }
  return assignment;
}

/** As Java's sticky assignor writes it: topics with partitions, then the generation. */
function encodePrevious(owned: Assignment, generationId: number): Buffer {
  const writer = new Writer();
  writer.arrayLength(owned.size, false);
  for (const [topic, partitions] of owned) {
    writer.string(topic, false);
    writer.int32Array(partitions, false);
  }
  writer.int32(generationId);
  return writer.takeBuffer();
}

/** null for bytes that are something else. */
function decodePrevious(bytes: Buffer): { readonly owned: Assignment; readonly generationId: number } | null {
  try {
    const reader = new Reader(bytes);
    const owned = new Map<string, number[]>();
    for (let left = reader.arrayLength(false, PREVIOUS_TOPIC_BYTES_MIN, PREVIOUS_TOPIC_HEAP_BYTES); left > 0; left -= 1) {
      const topic = reader.string(false);
      owned.set(topic, reader.int32Array(false));
    }
    return { owned, generationId: reader.position < bytes.length ? reader.int32() : -1 };
  } catch {
    return null;
  }
}
