import { Reader } from '../../protocol/reader.ts';
import { Writer } from '../../protocol/writer.ts';

/**
 * The consumer protocol of classic groups inside JoinGroup and SyncGroup: version int16, then topics (and user data), and the range
 * assignor that all of Kafka's clients have in common. Source: Kafka's ConsumerProtocol schemas.
 */
export interface GroupMemberSubscription {
  readonly memberId: string;
  /** Of a static member. */
  readonly instanceId?: string | null;
  readonly topics: readonly string[];
}

export type Assignment = ReadonlyMap<string, readonly number[]>;

export function encodeSubscription(topics: readonly string[]): Buffer {
  const writer = new Writer();
  writer.int16(0);
  writer.stringArray([...topics].sort(), false);
  writer.nullableBytes(null, false);
  return writer.takeBuffer();
}

export function decodeSubscription(bytes: Buffer): string[] {
  const reader = new Reader(bytes);
  reader.int16();
  const topics = reader.stringArray(false);
  reader.finish(true);
  return topics;
}

export function encodeAssignment(assignment: Assignment): Buffer {
  const writer = new Writer();
  writer.int16(0);
  writer.arrayLength(assignment.size, false);
  for (const [topic, partitions] of assignment) {
    writer.string(topic, false);
    writer.arrayLength(partitions.length, false);
    for (const partition of partitions) writer.int32(partition);
  }
  writer.nullableBytes(null, false);
  return writer.takeBuffer();
}

export function decodeAssignment(bytes: Buffer): Map<string, number[]> {
  const assignment = new Map<string, number[]>();
  if (bytes.length === 0) return assignment;
  const reader = new Reader(bytes);
  reader.int16();
  const topicBytesMin = 6;
  for (let left = reader.arrayLength(false, topicBytesMin, 64); left > 0 && reader.ok; left--) {
    const topic = reader.string(false);
    const partitions: number[] = [];
    for (let count = reader.arrayLength(false, 4, 8); count > 0 && reader.ok; count--) partitions.push(reader.int32());
    assignment.set(topic, partitions);
  }
  reader.finish(true);
  return assignment;
}

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
