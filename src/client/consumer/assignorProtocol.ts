/** What goes into JoinGroup and SyncGroup for one assignor: Kafka's consumer protocol, or bytes of the assignor's own. */
import { decodeMember, encodeAssignment, encodeSubscription, type Assignment, type Assignor } from './assignor.ts';

export interface JoinedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly metadata: Buffer;
}

export interface JoinContext {
  readonly topics: readonly string[];
  readonly owned: Assignment;
  readonly generationId: number;
  readonly rackId: string | null;
}

export interface AssignorProtocol {
  readonly name: string;
  readonly isCooperative: boolean;
  metadata(context: JoinContext): Buffer;
  /** Runs in the leader; the bytes for each member. */
  assign(members: readonly JoinedMember[], partitionCounts: (topics: readonly string[]) => Promise<ReadonlyMap<string, number>>): Promise<Map<string, Buffer>>;
}

export function protocolOf(assignor: Assignor): AssignorProtocol {
  return {
    name: assignor.name,
    isCooperative: assignor.isCooperative,
    metadata({ topics, owned, generationId, rackId }) {
      const userData = assignor.userData?.(owned, generationId) ?? null;
      // only those that keep partitions tell which they have
      return encodeSubscription(topics, assignor.isCooperative ? { owned, generationId, rackId, userData } : { rackId, userData });
    },
    async assign(joined, partitionCounts) {
      const members = joined.map(({ memberId, instanceId, metadata }) => decodeMember(memberId, instanceId, metadata));
      const counts = await partitionCounts([...new Set(members.flatMap((member) => member.topics))]);
      return new Map([...assignor.assign(members, counts)].map(([memberId, assignment]) => [memberId, encodeAssignment(assignment)]));
    },
  };
}
