import {
  makeConsumerProtocolAssignment, makeConsumerProtocolAssignmentTopicPartition, makeConsumerProtocolSubscription, readConsumerProtocolAssignment, readConsumerProtocolSubscription,
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

export type Assignment = ReadonlyMap<string, readonly number[]>;

/** The version that every client reads. */
const VERSION = 0;
/** The newest one that is known here; what newer ones add comes behind. */
const VERSION_MAX = 3;

export function encodeSubscription(topics: readonly string[]): Buffer {
  const writer = new Writer();
  writer.int16(VERSION);
  writeConsumerProtocolSubscription(writer, makeConsumerProtocolSubscription({ topics: [...topics].sort() }), VERSION);
  return writer.takeBuffer();
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

function compareMembers(a: GroupMemberSubscription, b: GroupMemberSubscription): number {
  const [left, right] = [a.instanceId ?? null, b.instanceId ?? null];
  if (left !== null && right !== null) return left < right ? -1 : 1;
  if (left !== null || right !== null) return left !== null ? -1 : 1;
  return a.memberId < b.memberId ? -1 : 1;
}
