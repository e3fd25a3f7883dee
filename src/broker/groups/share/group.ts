import { ErrorCode } from '../../../protocol/errors.ts';
import type { Uuid } from '../../../protocol/types.ts';
import type { ShardTimer } from '../../coordinatorTimers.ts';
import type { Group, RetentionBase } from '../group.ts';
import { NOTHING_ASSIGNED } from '../modern/assignment.ts';
import type { Assignment } from '../modern/assignment.ts';
import { modernChange } from '../modernRecords.ts';
import type { GroupChange } from '../records.ts';

/** Never changed once made. */
export interface ShareMember {
  readonly memberId: string;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  /** In order. */
  readonly topics: readonly string[];
  readonly epoch: number;
  readonly previousEpoch: number;
  readonly assigned: Assignment;
}

/** Partitions of a topic whose share state is kept, or about to be. */
export interface TopicPartitions {
  readonly name: string;
  readonly partitions: ReadonlySet<number>;
}

/** Where the group's state stands at the share coordinator, by topic id. */
export interface StatePartitions {
  readonly initializing: ReadonlyMap<Uuid, TopicPartitions>;
  readonly initialized: ReadonlyMap<Uuid, TopicPartitions>;
  /** Names by id. */
  readonly deleting: ReadonlyMap<Uuid, string>;
}

export const NO_STATE_PARTITIONS: StatePartitions = { initializing: new Map(), initialized: new Map(), deleting: new Map() };

export const SHARE_PROTOCOL_TYPE = 'share';

/** A group whose members share partitions record by record (KIP-932). */
export class ShareGroup implements Group {
  readonly type = 'share';
  readonly protocolType = SHARE_PROTOCOL_TYPE;
  readonly isPersisted = true;
  readonly retentionBase: RetentionBase = null;
  readonly groupId: string;
  /** As Kafka has it before the first member joins, who raises it. */
  epoch = 1;
  metadataHash = 0;
  /** The group epoch for which the target was computed: without members there is nothing to compute. */
  assignmentEpoch = 1;
  /** 0: never. */
  assignmentTimestampMs = 0;
  statePartitions: StatePartitions = NO_STATE_PARTITIONS;
  readonly members = new Map<string, ShareMember>();
  readonly targets = new Map<string, Assignment>();
  /** Soft: deadlines of members, gone with the shard. */
  readonly sessions = new Map<string, ShardTimer>();
  /** Soft: what is initialized at the share coordinator when the target was computed. */
  assignedFrom: ReadonlyMap<Uuid, TopicPartitions> | null = null;

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  /** Nobody but DeleteGroups ends it: what it has acknowledged stays. */
  get mayEnd(): boolean {
    return false;
  }

  get state(): string {
    return this.isEmpty ? 'Empty' : 'Stable';
  }

  targetOf(memberId: string): Assignment {
    return this.targets.get(memberId) ?? NOTHING_ASSIGNED;
  }

  get subscribedTopics(): ReadonlySet<string> {
    const topics = new Set<string>();
    for (const member of this.members.values()) for (const topic of member.topics) topics.add(topic);
    return topics;
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics.has(topic);
  }

  /** Share groups commit no offsets. */
  commitError(): number {
    return ErrorCode.GROUP_ID_NOT_FOUND;
  }

  partitionCommitError(): number {
    return ErrorCode.GROUP_ID_NOT_FOUND;
  }

  /** Whoever looks from outside finds nothing. */
  fetchError(memberId: string | null, memberEpoch: number): number {
    return memberId === null && memberEpoch < 0 ? ErrorCode.NONE : ErrorCode.GROUP_ID_NOT_FOUND;
  }

  deleteError(): number {
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
  }

  offsetDeleteError(): number {
    return ErrorCode.GROUP_ID_NOT_FOUND;
  }

  /** In Kafka's order. */
  tombstones(): GroupChange[] {
    const { groupId } = this;
    const memberIds = [...this.members.keys()];
    return [
      ...memberIds.map((memberId) => modernChange('shareCurrent', groupId, memberId, null)),
      ...[...this.targets.keys()].map((memberId) => modernChange('shareMemberTarget', groupId, memberId, null)),
      modernChange('shareTarget', groupId, '', null),
      ...memberIds.map((memberId) => modernChange('shareMember', groupId, memberId, null)),
      modernChange('shareStatePartitions', groupId, '', null),
      modernChange('shareGroup', groupId, '', null),
    ];
  }

  heldBytes(): number {
    let bytes = 0;
    for (const member of this.members.values()) bytes += memberBytes(member);
    return bytes;
  }

  dropSession(memberId: string): void {
    this.sessions.get(memberId)?.cancel();
    this.sessions.delete(memberId);
  }

  abandon(): void {
    // nobody waits in it: its members are answered at once, or with the writes that are pending
  }
}

export const newMember = (memberId: string): ShareMember =>
  ({ memberId, rackId: null, clientId: '', clientHost: '', topics: [], epoch: 0, previousEpoch: 0, assigned: NOTHING_ASSIGNED });

/** Memory of a member beside what it says. */
const MEMBER_BYTES = 256;

/** At least what a member takes in memory. */
export function memberBytes({ topics, clientId, clientHost, rackId }: ShareMember): number {
  return MEMBER_BYTES + 2 * (clientId.length + clientHost.length + (rackId?.length ?? 0) + topics.reduce((sum, topic) => sum + topic.length, 0));
}
