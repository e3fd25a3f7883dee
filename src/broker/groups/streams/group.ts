import { ErrorCode } from '../../../protocol/errors.ts';
import type { StreamsGroupTopologyValue } from '../../../protocol/generated/records/streamsGroupTopology.ts';
import type { ShardTimer } from '../../coordinatorTimers.ts';
import type { ClusterView } from '../cluster.ts';
import type { Committer, Group, RetentionBase } from '../group.ts';
import type { EpochAssignment } from '../modern/assignment.ts';
import { modernChange } from '../modernRecords.ts';
import type { GroupChange } from '../records.ts';
import { isReconciledTo, memberBytes } from './member.ts';
import type { StreamsMember } from './member.ts';
import { NO_TASKS } from './tasks.ts';
import type { Role, TasksByRole } from './tasks.ts';
import { configureTopology, inputTopics } from './topology.ts';
import type { ConfiguredTopology } from './topology.ts';

export const STREAMS_PROTOCOL_TYPE = 'streams';

/** Deadlines of one member; soft, and gone with the shard. */
export interface StreamsTimers {
  session?: ShardTimer;
  rebalance?: ShardTimer;
}

/** From this version on OffsetCommit knows member epochs. */
const MEMBER_EPOCHS_FROM = 9;
const STALE_TOPOLOGY: ConfiguredTopology = { taskCounts: null, missingTopics: [], problem: null };

/** The group of a Streams application (KIP-1071): its members share tasks. What it does is in the functions beside this file. */
export class StreamsGroup implements Group {
  readonly type = 'streams';
  readonly protocolType = STREAMS_PROTOCOL_TYPE;
  readonly isPersisted = true;
  readonly retentionBase: RetentionBase = 'commit';
  readonly groupId: string;
  epoch = 1;
  metadataHash = 0;
  /** The epoch of the topology for which all topics were there; -1: none. */
  validatedEpoch = -1;
  /** What the last assignment was made by; null: there was none. */
  lastConfigs: ReadonlyMap<string, string> | null = null;
  assignmentEpoch = 1;
  /** 0: never. */
  assignmentTimestampMs = 0;
  topology: StreamsGroupTopologyValue | null = null;
  readonly members = new Map<string, StreamsMember>();
  readonly targets = new Map<string, TasksByRole>();
  readonly timers = new Map<string, StreamsTimers>();
  /** Soft: the cluster's version that `metadataHash` was compared with. */
  checkedVersion = -1;
  /** Soft: set while the first members wait for more. */
  initialDelay: ShardTimer | null = null;
  /** Soft: who asked for the end of the application. */
  shutdownMemberId: string | null = null;
  /** Soft: grows with what interactive queries should know. */
  endpointEpoch = 0;
  #configured: ConfiguredTopology = STALE_TOPOLOGY;
  #configuredFor: { readonly topology: StreamsGroupTopologyValue; readonly version: number } | null = null;
  /** Members by task, in each role. */
  readonly #holders: Record<Role, Map<string, Set<string>>> = { active: new Map(), standby: new Map(), warmup: new Map() };

  constructor(groupId: string) {
    this.groupId = groupId;
  }

  get isEmpty(): boolean {
    return this.members.size === 0;
  }

  get mayEnd(): boolean {
    return this.isEmpty;
  }

  get state(): string {
    if (this.isEmpty) return 'Empty';
    if (this.topology === null || this.validatedEpoch !== this.topology.epoch) return 'NotReady';
    if (this.epoch > this.assignmentEpoch) return 'Assigning';
    for (const member of this.members.values()) if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling';
    return 'Stable';
  }

  /** The topology over the cluster as it is now. */
  configured(cluster: ClusterView): ConfiguredTopology {
    const { topology } = this;
    if (topology === null) return STALE_TOPOLOGY;
    if (this.#configuredFor?.topology !== topology || this.#configuredFor.version !== cluster.version) {
      this.#configured = configureTopology(topology, cluster);
      this.#configuredFor = { topology, version: cluster.version };
    }
    return this.#configured;
  }

  setMember(member: StreamsMember): void {
    const before = this.members.get(member.memberId);
    if (before !== undefined) this.#hold(before, false);
    this.members.set(member.memberId, member);
    this.#hold(member, true);
  }

  removeMember(memberId: string): void {
    const member = this.members.get(memberId);
    if (member === undefined) return;
    this.members.delete(memberId);
    this.#hold(member, false);
    if (this.isEmpty) this.shutdownMemberId = null;
  }

  #hold({ memberId, assigned, revoking }: StreamsMember, isHeld: boolean): void {
    for (const role of ['active', 'standby', 'warmup'] as const) {
      for (const tasks of [assigned[role], revoking[role]]) this.#holdTasks(this.#holders[role], memberId, tasks, isHeld);
    }
  }

  #holdTasks(holders: Map<string, Set<string>>, memberId: string, tasks: EpochAssignment, isHeld: boolean): void {
    for (const [subtopologyId, partitions] of tasks) {
      for (const partition of partitions.keys()) {
        const key = `${partition}/${subtopologyId}`;
        const known = holders.get(key) ?? new Set();
        if (isHeld) holders.set(key, known.add(memberId));
        else if (known.delete(memberId) && known.size === 0) holders.delete(key);
      }
    }
  }

  /** Whether a member of `processId` cannot run the task in this role yet. */
  isHeld(role: Role, subtopologyId: string, partition: number, processId: string): boolean {
    const key = `${partition}/${subtopologyId}`;
    const runsHere = (of: Role): boolean => [...(this.#holders[of].get(key) ?? [])].some((memberId) => this.members.get(memberId)?.processId === processId);
    if (role === 'active' && this.#holders.active.has(key)) return true;
    return runsHere('active') || runsHere('standby') || runsHere('warmup');
  }

  targetOf(memberId: string): TasksByRole {
    return this.targets.get(memberId) ?? NO_TASKS;
  }

  /** A group without members lets its offsets go. */
  isSubscribedTo(topic: string): boolean {
    return !this.isEmpty && (this.topology?.subtopologies.some((one) => inputTopics(one).includes(topic)) ?? false);
  }

  commitError({ memberId, instanceId, epoch, apiVersion, isTransactional }: Committer): number {
    if (epoch < 0 && this.isEmpty) return ErrorCode.NONE;
    if (isTransactional && epoch === -1 && memberId === '' && instanceId === null) return ErrorCode.NONE;
    const member = this.members.get(memberId);
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (!isTransactional && apiVersion < MEMBER_EPOCHS_FROM) return ErrorCode.UNSUPPORTED_VERSION;
    return epoch > member.epoch ? staleError(isTransactional) : ErrorCode.NONE;
  }

  /** A member that has not heard of its new epoch may still commit for the tasks that it had before (KIP-1251). */
  partitionCommitError({ memberId, epoch, isTransactional }: Committer, _topicId: string, partition: number, topic: string): number {
    const member = this.members.get(memberId);
    if (member === undefined || epoch === member.epoch) return ErrorCode.NONE;
    const reader = this.topology?.subtopologies.find((one) => inputTopics(one).includes(topic));
    const id = reader?.subtopologyId ?? '';
    const assignedAt = member.assigned.active.get(id)?.get(partition) ?? member.revoking.active.get(id)?.get(partition);
    return assignedAt === undefined || epoch < assignedAt ? staleError(isTransactional) : ErrorCode.NONE;
  }

  fetchError(memberId: string | null, memberEpoch: number): number {
    if (memberId === null && memberEpoch < 0) return ErrorCode.NONE;
    const member = memberId === null ? undefined : this.members.get(memberId);
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    return memberEpoch === member.epoch ? ErrorCode.NONE : ErrorCode.STALE_MEMBER_EPOCH;
  }

  deleteError(): number {
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
  }

  offsetDeleteError(): number {
    return ErrorCode.NONE;
  }

  tombstones(): GroupChange[] {
    const { groupId } = this;
    const memberIds = [...this.members.keys()];
    return [
      ...memberIds.map((memberId) => modernChange('streamsCurrent', groupId, memberId, null)),
      ...[...this.targets.keys()].map((memberId) => modernChange('streamsMemberTarget', groupId, memberId, null)),
      modernChange('streamsTarget', groupId, '', null),
      ...memberIds.map((memberId) => modernChange('streamsMember', groupId, memberId, null)),
      ...(this.topology === null ? [] : [modernChange('streamsTopology', groupId, '', null)]),
      modernChange('streamsGroup', groupId, '', null),
    ];
  }

  heldBytes(): number {
    let bytes = this.topology === null ? 0 : JSON.stringify(this.topology).length;
    for (const member of this.members.values()) bytes += memberBytes(member);
    return bytes;
  }

  timersOf(memberId: string): StreamsTimers {
    let timers = this.timers.get(memberId);
    if (timers === undefined) this.timers.set(memberId, (timers = {}));
    return timers;
  }

  dropTimers(memberId: string): void {
    const timers = this.timers.get(memberId);
    this.timers.delete(memberId);
    timers?.session?.cancel();
    timers?.rebalance?.cancel();
  }

  abandon(): void {
    // nobody waits in it: its members are answered at once, or with the writes that are pending
  }
}

function staleError(isTransactional: boolean): number {
  return isTransactional ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH;
}
