import {
  makeConsumerProtocolAssignment, makeConsumerProtocolAssignmentTopicPartition, makeConsumerProtocolSubscription, makeConsumerProtocolSubscriptionTopicPartition, readConsumerProtocolAssignment, readConsumerProtocolSubscription,
  writeConsumerProtocolAssignment, writeConsumerProtocolSubscription,
} from '../../protocol/generated/data/consumerProtocol.ts';
import { Reader } from '../../protocol/reader.ts';
import { Writer } from '../../protocol/writer.ts';

/** The consumer protocol of classic groups inside JoinGroup and SyncGroup, and the range assignor that all of Kafka's clients have in common. */
export interface GroupMemberSubscription {
  readonly memberId: string;
  /** Of a static member. */
  readonly instanceId?: string | null;
  readonly topics: readonly string[];
}

/** A member as an assignor sees it. */
export interface MemberSubscription extends GroupMemberSubscription {
  readonly owned: Assignment;
  /** -1: not known. */
  readonly generationId: number;
  readonly rackId: string | null;
  readonly userData: Buffer | null;
}

/** Who gets what: by member, by topic. */
export type GroupAssignment = Map<string, Map<string, number[]>>;

/** Decides who reads which partitions. `assign` runs in the group's leader. */
export interface Assignor {
  readonly name: string;
  /** Members keep what stays theirs while the group rebalances (KIP-429). */
  readonly isCooperative: boolean;
  assign(members: readonly MemberSubscription[], partitionCounts: ReadonlyMap<string, number>): GroupAssignment;
  /** Bytes of its own that go out with the subscription. */
  userData?(owned: Assignment, generationId: number): Buffer | null;
}

export type Assignment = ReadonlyMap<string, readonly number[]>;

/** The version that every client reads. */
const VERSION = 0;
/** The newest one that is known here; what newer ones add comes behind. */
const VERSION_MAX = 3;

/** What a member says of itself besides its topics. */
export interface SubscriptionDetails {
  readonly owned?: Assignment;
  /** The generation in which `owned` was assigned. */
  readonly generationId?: number;
  readonly rackId?: string | null;
  readonly userData?: Buffer | null;
}

export function encodeSubscription(topics: readonly string[], details: SubscriptionDetails = {}): Buffer {
  const writer = new Writer();
  const { owned = new Map<string, readonly number[]>(), generationId = -1, rackId = null, userData = null } = details;
  const version = owned.size > 0 || rackId !== null || generationId >= 0 ? VERSION_MAX : VERSION;
  writer.int16(version);
  const plain = { topics: [...topics].sort(), userData };
  const ownedPartitions = [...owned].map(([topic, partitions]) => makeConsumerProtocolSubscriptionTopicPartition({ topic, partitions: [...partitions] }));
  writeConsumerProtocolSubscription(writer, makeConsumerProtocolSubscription(version === VERSION ? plain : { ...plain, ownedPartitions, generationId, rackId }), version);
  return writer.takeBuffer();
}

/** Throws ProtocolError. */
export function decodeMember(memberId: string, instanceId: string | null, bytes: Buffer): MemberSubscription {
  const reader = new Reader(bytes);
  const { topics, ownedPartitions, generationId, rackId, userData } = readConsumerProtocolSubscription(reader, versionIn(reader));
  reader.finish(true);
  const owned = new Map<string, number[]>();
  for (const { topic, partitions } of ownedPartitions) owned.set(topic, [...(owned.get(topic) ?? []), ...partitions]);
  return { memberId, instanceId, topics, owned, generationId, rackId, userData };
}

/** Throws ProtocolError. */
export function decodeSubscription(bytes: Buffer): string[] {
  const reader = new Reader(bytes);
  const version = versionIn(reader);
  const { topics } = readConsumerProtocolSubscription(reader, version);
  reader.finish(true);
  return topics;
}

export function encodeAssignment(assignment: Assignment): Buffer {
  const writer = new Writer();
  writer.int16(VERSION);
  const assignedPartitions = [...assignment].map(([topic, partitions]) => makeConsumerProtocolAssignmentTopicPartition({ topic, partitions: [...partitions] }));
  writeConsumerProtocolAssignment(writer, makeConsumerProtocolAssignment({ assignedPartitions }), VERSION);
  return writer.takeBuffer();
}

/** No bytes mean no partitions. Throws ProtocolError. */
export function decodeAssignment(bytes: Buffer): Map<string, number[]> {
  if (bytes.length === 0) return new Map();
  const reader = new Reader(bytes);
  const { assignedPartitions } = readConsumerProtocolAssignment(reader, versionIn(reader));
  reader.finish(true);
  return new Map(assignedPartitions.map(({ topic, partitions }) => [topic, partitions]));
}

const versionIn = (reader: Reader): number => Math.min(Math.max(reader.int16(), VERSION), VERSION_MAX);

/**
 * Each topic's partitions in ranges over the members that subscribe to it, static ones first by instance id, the others by member id; the first
 * members get one more.
 */
export function assignRanges(members: readonly GroupMemberSubscription[], partitionCounts: ReadonlyMap<string, number>): Map<string, Map<string, number[]>> {
  const byMember = new Map(members.map(({ memberId }) => [memberId, new Map<string, number[]>()]));
  const ordered = [...members].sort(compareMembers);
  for (const topic of new Set(members.flatMap((member) => member.topics))) {
    const count = partitionCounts.get(topic) ?? 0;
    const takers = ordered.filter((member) => member.topics.includes(topic));
    const share = Math.floor(count / takers.length);
    const extra = count % takers.length;
    takers.forEach(({ memberId }, place) => {
      const first = share * place + Math.min(place, extra);
      const length = share + (place < extra ? 1 : 0);
      if (length > 0) byMember.get(memberId)?.set(topic, Array.from({ length }, (_, n) => first + n));
    });
  }
  return byMember;
}

export const rangeAssignor: Assignor = { name: 'range', isCooperative: false, assign: assignRanges };

/** All partitions in order, one to each member in turn, past those that do not want the topic. */
export const roundRobinAssignor: Assignor = {
  name: 'roundrobin',
  isCooperative: false,
  assign(members, partitionCounts) {
    const assignment: GroupAssignment = new Map(members.map(({ memberId }) => [memberId, new Map<string, number[]>()]));
    const ordered = [...members].sort(compareMembers);
    let next = 0;
    for (const topic of [...new Set(members.flatMap((member) => member.topics))].sort()) {
      for (let partition = 0; partition < (partitionCounts.get(topic) ?? 0); partition += 1) {
        while (!(ordered[next % ordered.length] as MemberSubscription).topics.includes(topic)) next += 1;
        addPartition(assignment, (ordered[next % ordered.length] as MemberSubscription).memberId, topic, partition);
        next += 1;
      }
    }
    return assignment;
  },
};

export function addPartition(assignment: GroupAssignment, memberId: string, topic: string, partition: number): void {
  const topics = assignment.get(memberId) as Map<string, number[]>;
  const partitions = topics.get(topic);
  if (partitions === undefined) topics.set(topic, [partition]);
  else partitions.push(partition);
}

export function compareMembers(a: GroupMemberSubscription, b: GroupMemberSubscription): number {
  const [left, right] = [a.instanceId ?? null, b.instanceId ?? null];
  if (left !== null && right !== null) return left < right ? -1 : 1;
  if (left !== null || right !== null) return left !== null ? -1 : 1;
  return a.memberId < b.memberId ? -1 : 1;
}
