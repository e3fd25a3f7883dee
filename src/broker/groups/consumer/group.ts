import { ErrorCode } from '../../../protocol/errors.ts';
import type { Uuid } from '../../../protocol/types.ts';
import { CONSUMER_PROTOCOL_TYPE } from '../consumerProtocol.ts';
import type { ShardTimer } from '../../coordinatorTimers.ts';
import type { Committer, Group, RetentionBase } from '../group.ts';
import { NOTHING_ASSIGNED } from '../modern/assignment.ts';
import type { Assignment } from '../modern/assignment.ts';
import { UseCounts } from '../modern/counts.ts';
import { modernChange } from '../modernRecords.ts';
import type { GroupChange } from '../records.ts';
import { isReconciledTo, memberBytes } from './member.ts';
import type { ConsumerMember } from './member.ts';

/** Topics that a regular expression was found to match. */
export interface ResolvedRegex {
  readonly topics: ReadonlySet<string>;
  /** Of the cluster's image that was looked at. */
  readonly version: number;
  readonly timestampMs: number;
}

/** Deadlines of one member; soft, and gone with the shard. */
export interface MemberTimers {
  session?: ShardTimer;
  rebalance?: ShardTimer;
  /** A classic member's: to send JoinGroup, and SyncGroup. */
  join?: ShardTimer;
  sync?: ShardTimer;
}

/** From this version on OffsetCommit knows member epochs. */
const MEMBER_EPOCHS_FROM = 9;

/** A group whose assignment the broker makes (KIP-848). What it does is in the functions beside this file; here are the facts and their indexes. */
export class ConsumerGroup implements Group {
  readonly type = 'consumer';
  readonly protocolType = CONSUMER_PROTOCOL_TYPE;
  readonly isPersisted = true;
  readonly groupId: string;
  /** 1: nobody has yet changed what is to be shared out. */
  epoch = 1;
  /** Of the topics that it is subscribed to, when the epoch was raised. */
  metadataHash = 0;
  /** The group epoch for which the target was computed. */
  assignmentEpoch = 1;
  /** 0: never. */
  assignmentTimestampMs = 0;
  /** An older release left a record that is no longer used. */
  hasPartitionsRecord = false;
  readonly members = new Map<string, ConsumerMember>();
  /** Member id by instance id. */
  readonly staticMembers = new Map<string, string>();
  readonly targets = new Map<string, Assignment>();
  readonly resolved = new Map<string, ResolvedRegex>();
  /** Members by regular expression. */
  readonly regexes = new UseCounts();
  readonly assignors = new UseCounts();
  /** Classic members by protocol that they know. */
  readonly classicProtocols = new UseCounts();
  classicMemberCount = 0;
  /** Soft: the cluster's version that `metadataHash` was compared with. */
  checkedVersion = -1;
  /** Soft: a resolution of regular expressions is under way. */
  isResolving = false;
  /** Soft: when the expressions were matched last, also if nothing came of it. */
  resolvedSoft: { readonly version: number; readonly timestampMs: number } | null = null;
  readonly timers = new Map<string, MemberTimers>();
  readonly #owners = new Map<Uuid, Map<number, string>>();
  readonly #topics = new UseCounts();
  #subscribed: ReadonlySet<string> | null = null;

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
    if (this.epoch > this.assignmentEpoch) return 'Assigning';
    for (const member of this.members.values()) if (!isReconciledTo(member, this.assignmentEpoch)) return 'Reconciling';
    return 'Stable';
  }

  /** Puts a member in place of the one of the same id. */
  setMember(member: ConsumerMember): void {
    const before = this.members.get(member.memberId);
    if (before !== undefined) this.#count(before, -1);
    this.members.set(member.memberId, member);
    this.#count(member, 1);
    if (before !== undefined) this.#disown(before);
    this.#own(member);
    if (member.instanceId !== null) this.staticMembers.set(member.instanceId, member.memberId);
  }

  removeMember(memberId: string): void {
    const member = this.members.get(memberId);
    if (member === undefined) return;
    this.members.delete(memberId);
    this.#count(member, -1);
    this.#disown(member);
    if (member.instanceId !== null && this.staticMembers.get(member.instanceId) === memberId) this.staticMembers.delete(member.instanceId);
  }

  #count({ topics, regex, assignor, classic }: ConsumerMember, step: 1 | -1): void {
    this.#topics.add(topics, step);
    if (regex !== '') this.regexes.add([regex], step);
    if (assignor !== null) this.assignors.add([assignor], step);
    if (classic !== null) {
      this.classicMemberCount += step;
      this.classicProtocols.add(new Set(classic.protocols.map(({ name }) => name)), step);
    }
    this.#subscribed = null;
  }

  #own({ memberId, assigned, revoking }: ConsumerMember): void {
    for (const owned of [assigned, revoking]) {
      for (const [topicId, partitions] of owned) {
        let owners = this.#owners.get(topicId);
        if (owners === undefined) this.#owners.set(topicId, (owners = new Map()));
        for (const partition of partitions.keys()) owners.set(partition, memberId);
      }
    }
  }

  #disown({ memberId, assigned, revoking }: ConsumerMember): void {
    for (const owned of [assigned, revoking]) {
      for (const [topicId, partitions] of owned) {
        const owners = this.#owners.get(topicId);
        if (owners === undefined) continue;
        for (const partition of partitions.keys()) if (owners.get(partition) === memberId) owners.delete(partition);
        if (owners.size === 0) this.#owners.delete(topicId);
      }
    }
  }

  /** Who may consume the partition now. */
  ownerOf(topicId: Uuid, partition: number): string | undefined {
    return this.#owners.get(topicId)?.get(partition);
  }

  /** A static member by its instance. */
  staticMember(instanceId: string): ConsumerMember | undefined {
    const memberId = this.staticMembers.get(instanceId);
    return memberId === undefined ? undefined : this.members.get(memberId);
  }

  targetOf(memberId: string): Assignment {
    return this.targets.get(memberId) ?? NOTHING_ASSIGNED;
  }

  setResolved(regex: string, value: ResolvedRegex | null): void {
    if (value === null) this.resolved.delete(regex);
    else this.resolved.set(regex, value);
    this.#subscribed = null;
  }

  /** By name or by regular expression. */
  get subscribedTopics(): ReadonlySet<string> {
    if (this.#subscribed !== null) return this.#subscribed;
    const topics = new Set(this.#topics.names());
    for (const [regex, { topics: matched }] of this.resolved) if (this.regexes.of(regex) > 0) for (const topic of matched) topics.add(topic);
    return (this.#subscribed = topics);
  }

  topicsOf(member: ConsumerMember): ReadonlySet<string> {
    const matched = member.regex === '' ? undefined : this.resolved.get(member.regex)?.topics;
    return matched === undefined ? new Set(member.topics) : new Set([...member.topics, ...matched]);
  }

  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics.has(topic);
  }

  /** What most members ask for; null: nobody asks. */
  get preferredAssignor(): string | null {
    let best: string | null = null;
    for (const [name, count] of this.assignors.entries()) if (best === null || count > this.assignors.of(best)) best = name;
    return best;
  }

  hasOnlyClassicMembersBut(memberIds: ReadonlySet<string>): boolean {
    let otherCount = 0;
    for (const memberId of memberIds) if (this.members.get(memberId)?.classic === null) otherCount++;
    return this.classicMemberCount + otherCount === this.members.size;
  }

  get retentionBase(): RetentionBase {
    return 'commit';
  }

  commitError({ memberId, instanceId, epoch, apiVersion, isTransactional }: Committer): number {
    if (epoch < 0 && this.isEmpty) return ErrorCode.NONE;
    if (isTransactional && epoch === -1 && memberId === '' && instanceId === null) return ErrorCode.NONE;
    const member = this.members.get(memberId);
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    if (!isTransactional && member.classic === null && apiVersion < MEMBER_EPOCHS_FROM) return ErrorCode.UNSUPPORTED_VERSION;
    return epoch > member.epoch ? staleError(member, isTransactional) : ErrorCode.NONE;
  }

  /** A member that has not heard of its new epoch may still commit what it was assigned before (KIP-1251). */
  partitionCommitError({ memberId, epoch, isTransactional }: Committer, topicId: Uuid, partition: number): number {
    const member = this.members.get(memberId);
    if (member === undefined || epoch === member.epoch) return ErrorCode.NONE;
    const assignedAt = member.assigned.get(topicId)?.get(partition) ?? member.revoking.get(topicId)?.get(partition);
    return assignedAt === undefined || epoch < assignedAt ? staleError(member, isTransactional) : ErrorCode.NONE;
  }

  fetchError(memberId: string | null, memberEpoch: number): number {
    if (memberId === null && memberEpoch < 0) return ErrorCode.NONE;
    const member = memberId === null ? undefined : this.members.get(memberId);
    if (member === undefined) return ErrorCode.UNKNOWN_MEMBER_ID;
    return memberEpoch === member.epoch ? ErrorCode.NONE : staleError(member, false);
  }

  deleteError(): number {
    return this.isEmpty ? ErrorCode.NONE : ErrorCode.NON_EMPTY_GROUP;
  }

  offsetDeleteError(): number {
    return ErrorCode.NONE;
  }

  /** In Kafka's order: what members have, the target, who they are, the group. */
  tombstones(): GroupChange[] {
    const { groupId } = this;
    const memberIds = [...this.members.keys()];
    return [
      ...memberIds.map((memberId) => modernChange('consumerCurrent', groupId, memberId, null)),
      ...[...this.targets.keys()].map((memberId) => modernChange('consumerMemberTarget', groupId, memberId, null)),
      modernChange('consumerTarget', groupId, '', null),
      ...memberIds.map((memberId) => modernChange('consumerMember', groupId, memberId, null)),
      ...[...this.resolved.keys()].map((regex) => modernChange('consumerRegex', groupId, regex, null)),
      ...(this.hasPartitionsRecord ? [modernChange('consumerPartitions', groupId, '', null)] : []),
      modernChange('consumerGroup', groupId, '', null),
    ];
  }

  heldBytes(): number {
    let bytes = 0;
    for (const member of this.members.values()) bytes += memberBytes(member);
    return bytes;
  }

  timersOf(memberId: string): MemberTimers {
    let timers = this.timers.get(memberId);
    if (timers === undefined) this.timers.set(memberId, (timers = {}));
    return timers;
  }

  dropTimers(memberId: string): void {
    const timers = this.timers.get(memberId);
    if (timers === undefined) return;
    this.timers.delete(memberId);
    for (const timer of Object.values(timers) as ShardTimer[]) timer.cancel();
  }

  abandon(): void {
    // nobody waits in it: its members are answered at once, or with the writes that are pending
  }
}

function staleError({ classic }: ConsumerMember, isTransactional: boolean): number {
  return classic !== null || isTransactional ? ErrorCode.ILLEGAL_GENERATION : ErrorCode.STALE_MEMBER_EPOCH;
}
