/** KafkaJS's assigners: each brings its own bytes into the group. */
import {
  makeConsumerProtocolAssignment, makeConsumerProtocolAssignmentTopicPartition, makeConsumerProtocolSubscription, readConsumerProtocolAssignment, readConsumerProtocolSubscription,
  writeConsumerProtocolAssignment, writeConsumerProtocolSubscription,
} from '../../protocol/generated/data/consumerProtocol.ts';
import { Reader } from '../../protocol/reader.ts';
import { Writer } from '../../protocol/writer.ts';
import type { AssignorProtocol } from '../consumer/assignorProtocol.ts';
import type { Cluster as ClientCluster } from '../core/cluster.ts';
import type { Logger } from './logger.ts';
import type { PartitionMetadata } from './partitioners.ts';

export interface Assignment {
  [topic: string]: number[];
}

export interface GroupMember {
  memberId: string;
  memberMetadata: Buffer;
}

export interface GroupMemberAssignment {
  memberId: string;
  memberAssignment: Buffer;
}

export interface GroupState {
  name: string;
  metadata: Buffer;
}

export interface Assigner {
  name: string;
  version: number;
  assign(group: { members: GroupMember[]; topics: string[] }): Promise<GroupMemberAssignment[]> | GroupMemberAssignment[];
  protocol(subscription: { topics: string[] }): GroupState;
}

/** What an assigner may ask of the cluster. */
export interface AssignerCluster {
  findTopicPartitionMetadata(topic: string): PartitionMetadata[];
}
/** By KafkaJS's name. */
export type Cluster = AssignerCluster;

export interface MemberMetadata {
  version: number;
  topics: string[];
  userData: Buffer;
}

export interface MemberAssignment {
  version: number;
  assignment: Assignment;
  userData: Buffer;
}

export interface ISerializer<T> {
  encode(value: T): Buffer;
  decode(buffer: Buffer): T | null;
}

export type PartitionAssigner = (config: { cluster: AssignerCluster; groupId: string; logger: Logger }) => Assigner;

/** Whatever the number in front says: KafkaJS's assigners count their own versions there, and newer clients' fields come behind. */
const LAYOUT = 0;

export const AssignerProtocol = {
  MemberMetadata: {
    encode({ version, topics, userData = Buffer.alloc(0) }: { readonly version: number; readonly topics: readonly string[]; readonly userData?: Buffer }): Buffer {
      const writer = new Writer();
      writer.int16(version);
      writeConsumerProtocolSubscription(writer, makeConsumerProtocolSubscription({ topics: [...topics], userData }), 0);
      return writer.takeBuffer();
    },
    decode(buffer: Buffer): { version: number; topics: string[]; userData: Buffer } | null {
      if (buffer.length === 0) return null;
      const reader = new Reader(buffer);
      const version = reader.int16();
      const { topics, userData } = readConsumerProtocolSubscription(reader, LAYOUT);
      reader.finish(true);
      return { version, topics, userData: userData ?? Buffer.alloc(0) };
    },
  },
  MemberAssignment: {
    encode({ version, assignment, userData = Buffer.alloc(0) }: { readonly version: number; readonly assignment: Assignment; readonly userData?: Buffer }): Buffer {
      const writer = new Writer();
      writer.int16(version);
      const assignedPartitions = Object.entries(assignment).map(([topic, partitions]) => makeConsumerProtocolAssignmentTopicPartition({ topic, partitions }));
      writeConsumerProtocolAssignment(writer, makeConsumerProtocolAssignment({ assignedPartitions, userData }), 0);
      return writer.takeBuffer();
    },
    decode(buffer: Buffer): { version: number; assignment: Assignment; userData: Buffer } | null {
      if (buffer.length === 0) return null;
      const reader = new Reader(buffer);
      const version = reader.int16();
      const { assignedPartitions, userData } = readConsumerProtocolAssignment(reader, LAYOUT);
      reader.finish(true);
      return { version, assignment: Object.fromEntries(assignedPartitions.map(({ topic, partitions }) => [topic, partitions])), userData: userData ?? Buffer.alloc(0) };
    },
  },
} as const;

const VERSION = 0;

/** All partitions of all topics in turn over the members in the order of their ids; under KafkaJS's own name, so that both can be in one group. */
const roundRobin: PartitionAssigner = ({ cluster }) => ({
  name: 'RoundRobinAssigner',
  version: VERSION,
  assign({ members, topics }) {
    const ids = members.map(({ memberId }) => memberId).sort();
    const assignments = new Map<string, Record<string, number[]>>(ids.map((memberId) => [memberId, {}]));
    const all = topics.flatMap((topic) => cluster.findTopicPartitionMetadata(topic).map(({ partitionId }) => ({ topic, partitionId })));
    all.forEach(({ topic, partitionId }, place) => {
      const assignment = assignments.get(ids[place % ids.length] as string) as Record<string, number[]>;
      (assignment[topic] ??= []).push(partitionId);
    });
    return [...assignments].map(([memberId, assignment]) => ({ memberId, memberAssignment: AssignerProtocol.MemberAssignment.encode({ version: VERSION, assignment }) }));
  },
  protocol: ({ topics }) => ({ name: 'RoundRobinAssigner', metadata: AssignerProtocol.MemberMetadata.encode({ version: VERSION, topics }) }),
});

export const PartitionAssigners = { roundRobin } as const;

/** An assigner as the client below runs it. */
export function toProtocol(make: PartitionAssigner, cluster: ClientCluster, groupId: string, logger: Logger): AssignorProtocol {
  let counts: ReadonlyMap<string, number> = new Map();
  const findTopicPartitionMetadata = (topic: string): PartitionMetadata[] => {
    const leaders = cluster.knownLeaders(topic) ?? [];
    return Array.from({ length: counts.get(topic) ?? leaders.length }, (_, partitionId) => ({ partitionErrorCode: 0, partitionId, leader: leaders[partitionId]?.leader ?? -1, replicas: [], isr: [] }));
  };
  const assigner = make({ cluster: { findTopicPartitionMetadata }, groupId, logger });
  return {
    name: assigner.protocol({ topics: [] }).name,
    isCooperative: false,
    metadata: ({ topics }) => assigner.protocol({ topics: [...topics] }).metadata,
    async assign(joined, partitionCounts) {
      const members = joined.map(({ memberId, metadata }) => ({ memberId, memberMetadata: metadata }));
      const topics = [...new Set(joined.flatMap(({ metadata }) => AssignerProtocol.MemberMetadata.decode(metadata)?.topics ?? []))];
      counts = await partitionCounts(topics);
      const assignments = await assigner.assign({ members, topics });
      return new Map(assignments.map(({ memberId, memberAssignment }) => [memberId, memberAssignment]));
    },
  };
}
