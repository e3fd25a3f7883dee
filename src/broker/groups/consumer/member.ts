import type { ConsumerGroupCurrentMemberAssignmentValue } from '../../../protocol/generated/records/consumerGroupCurrentMemberAssignment.ts';
import type { ConsumerGroupMemberMetadataValue } from '../../../protocol/generated/records/consumerGroupMemberMetadata.ts';
import type { MemberProtocol } from '../classic/member.ts';
import { copyOf } from '../classic/record.ts';
import { isSameOwnership, listOf, NOTHING_OWNED } from '../modern/assignment.ts';
import type { EpochAssignment } from '../modern/assignment.ts';

/** Kafka's numbers, as records keep them. */
export const MemberState = { stable: 0, unrevokedPartitions: 1, unreleasedPartitions: 2 } as const;

/** Epoch of a member that goes, and of a static one that will be back. */
export const LEAVE_EPOCH = -1;
export const STATIC_LEAVE_EPOCH = -2;

/** What a member that speaks the classic protocol says with JoinGroup. */
export interface ClassicFacts {
  readonly sessionTimeoutMs: number;
  readonly protocols: readonly MemberProtocol[];
}

/** A member of a consumer group; never changed, only replaced. */
export interface ConsumerMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly rackId: string | null;
  readonly clientId: string;
  /** As Kafka writes it: a slash, then the address. */
  readonly clientHost: string;
  /** Sorted, each once. */
  readonly topics: readonly string[];
  /** RE2 expression that whole topic names match; '' for none. */
  readonly regex: string;
  readonly rebalanceTimeoutMs: number;
  readonly assignor: string | null;
  /** Null: it speaks the consumer protocol. */
  readonly classic: ClassicFacts | null;

  readonly epoch: number;
  readonly previousEpoch: number;
  /** One of MemberState; another number is of a later release. */
  readonly state: number;
  readonly assigned: EpochAssignment;
  /** What it was told to give up and may still consume. */
  readonly revoking: EpochAssignment;
}

export function newMember(memberId: string): ConsumerMember {
  return {
    memberId, instanceId: null, rackId: null, clientId: '', clientHost: '', topics: [], regex: '', rebalanceTimeoutMs: -1, assignor: null, classic: null,
    epoch: 0, previousEpoch: -1, state: MemberState.stable, assigned: NOTHING_OWNED, revoking: NOTHING_OWNED,
  };
}

export function isReconciledTo(member: ConsumerMember, targetEpoch: number): boolean {
  return member.state === MemberState.stable && member.epoch === targetEpoch;
}

/** Whether both say the same of themselves; what they are assigned is not looked at. */
export function hasSameFacts(a: ConsumerMember, b: ConsumerMember): boolean {
  const isSame = a.instanceId === b.instanceId && a.rackId === b.rackId && a.clientId === b.clientId && a.clientHost === b.clientHost
    && a.regex === b.regex && a.rebalanceTimeoutMs === b.rebalanceTimeoutMs && a.assignor === b.assignor;
  return isSame && hasSameTopics(a.topics, b.topics) && hasSameClassicFacts(a.classic, b.classic);
}

export function hasSameTopics(a: readonly string[], b: readonly string[]): boolean {
  return a === b || (a.length === b.length && a.every((topic, index) => topic === b[index]));
}

function hasSameClassicFacts(a: ClassicFacts | null, b: ClassicFacts | null): boolean {
  if (a === null || b === null) return a === b;
  if (a.sessionTimeoutMs !== b.sessionTimeoutMs || a.protocols.length !== b.protocols.length) return false;
  return a.protocols.every(({ name, metadata }, index) => name === b.protocols[index]!.name && metadata.equals(b.protocols[index]!.metadata));
}

export function hasSameProgress(a: ConsumerMember, b: ConsumerMember): boolean {
  return a.epoch === b.epoch && a.previousEpoch === b.previousEpoch && a.state === b.state
    && isSameOwnership(a.assigned, b.assigned) && isSameOwnership(a.revoking, b.revoking);
}

const MEMBER_OVERHEAD_BYTES = 400;
const STRING_OVERHEAD_BYTES = 40;

/** Memory that a member takes, about; topics and protocols are what can be much. */
export function memberBytes({ topics, regex, classic }: Pick<ConsumerMember, 'topics' | 'regex' | 'classic'>): number {
  let bytes = MEMBER_OVERHEAD_BYTES + regex.length;
  for (const topic of topics) bytes += STRING_OVERHEAD_BYTES + topic.length;
  for (const { name, metadata } of classic?.protocols ?? []) bytes += STRING_OVERHEAD_BYTES + name.length + metadata.length;
  return bytes;
}

/** The record of what a member says of itself. */
export function memberRecord(member: ConsumerMember): ConsumerGroupMemberMetadataValue {
  return {
    instanceId: member.instanceId,
    rackId: member.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    subscribedTopicNames: [...member.topics],
    subscribedTopicRegex: member.regex === '' ? null : member.regex,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    serverAssignor: member.assignor,
    classicMemberMetadata: member.classic === null ? null : {
      sessionTimeoutMs: member.classic.sessionTimeoutMs,
      supportedProtocols: member.classic.protocols.map(({ name, metadata }) => ({ name, metadata })),
    },
  };
}

/** The member as its record says, at the epoch and with the partitions of `before`. */
export function withFacts(before: ConsumerMember, value: ConsumerGroupMemberMetadataValue): ConsumerMember {
  const { classicMemberMetadata: classic } = value;
  return {
    ...before,
    instanceId: value.instanceId,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    topics: value.subscribedTopicNames,
    regex: value.subscribedTopicRegex ?? '',
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    assignor: value.serverAssignor,
    // without the tag the struct is there but empty: a classic member has protocols
    classic: classic === null || classic.supportedProtocols.length === 0 ? null : {
      sessionTimeoutMs: classic.sessionTimeoutMs,
      protocols: classic.supportedProtocols.map(({ name, metadata }) => ({ name, metadata: copyOf(metadata) })),
    },
  };
}

/** The record of how far a member has come. */
export function progressRecord(member: ConsumerMember): ConsumerGroupCurrentMemberAssignmentValue {
  return {
    memberEpoch: member.epoch,
    previousMemberEpoch: member.previousEpoch,
    state: member.state,
    assignedPartitions: withEpochs(member.assigned),
    partitionsPendingRevocation: withEpochs(member.revoking),
  };
}

function withEpochs(owned: EpochAssignment): ConsumerGroupCurrentMemberAssignmentValue['assignedPartitions'] {
  return listOf(owned).map(({ topicId, partitions }) => {
    const epochs = owned.get(topicId)!;
    return { topicId, partitions, assignmentEpochs: partitions.map((partition) => epochs.get(partition)!) };
  });
}

/** The member as it was when the record was written; null: it owns nothing, and is on its way out. */
export function withProgress(before: ConsumerMember, value: ConsumerGroupCurrentMemberAssignmentValue | null): ConsumerMember {
  if (value === null) return { ...before, epoch: LEAVE_EPOCH, previousEpoch: LEAVE_EPOCH, state: MemberState.stable, assigned: NOTHING_OWNED, revoking: NOTHING_OWNED };
  return {
    ...before,
    epoch: value.memberEpoch,
    previousEpoch: value.previousMemberEpoch,
    state: value.state,
    assigned: fromEpochs(value.assignedPartitions, value.memberEpoch),
    revoking: fromEpochs(value.partitionsPendingRevocation, value.memberEpoch),
  };
}

/** Records of releases before 4.3 have no epochs: the member's is the latest that it can have been. */
function fromEpochs(topics: ConsumerGroupCurrentMemberAssignmentValue['assignedPartitions'], memberEpoch: number): EpochAssignment {
  return new Map(topics.map(({ topicId, partitions, assignmentEpochs }) =>
    [topicId, new Map(partitions.map((partition, index) => [partition, assignmentEpochs?.[index] ?? memberEpoch]))]));
}
