import { assert, definite } from '../../../base/assert.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { JoinGroupResponse, JoinGroupResponseMember } from '../../../protocol/generated/joinGroup.ts';
import type { ShardTimer } from '../../coordinatorTimers.ts';
import { CONSUMER_PROTOCOL_TYPE, readSubscribedTopics } from '../consumerProtocol.ts';
import type { Committer, Group, RetentionBase } from '../group.ts';
import type { GroupChange } from '../records.ts';
import { checkClassicCommit } from './commit.ts';
import { joinError, syncError } from './replies.ts';
import { ClassicMember, protocolBytes } from './member.ts';
import { ClassicState, PREVIOUS_STATES } from './states.ts';
import type { JoinReply, MemberProtocol } from './member.ts';

/** What of a group outlives the coordinator: what its last record says. */
export interface GroupFacts {
  readonly generation: number;
  readonly protocolType: string | null;
  readonly protocolName: string | null;
  readonly leaderId: string | null;
  /** -1: a record of a release that did not keep it. */
  readonly stateSinceMs: number;
}

/** Sums over all groups of a shard. */
export interface GroupTally {
  pendingJoins: number;
}

/** A group of the classic protocol: its members and who of them waits for what. Policy is in the functions beside this file. */
export class ClassicGroup implements Group {
  readonly type = 'classic';
  readonly groupId: string;
  state: ClassicState = ClassicState.empty;
  previousState: ClassicState = ClassicState.dead;
  /** When the present state began, milliseconds since the epoch; -1: not known. */
  stateSinceMs: number;
  generation = 0;
  /** Null: nobody ever joined; its offsets were committed by a consumer that manages itself (a simple group). */
  protocolType: string | null = null;
  protocolName: string | null = null;
  leaderId: string | null = null;
  readonly members = new Map<string, ClassicMember>();
  /** Member id by instance id. */
  readonly staticMembers = new Map<string, string>();
  /** Members that were given an id and have not come back with it (KIP-394), with their deadline. */
  readonly pendingJoins = new Map<string, ShardTimer>();
  /** Members that have not yet sent SyncGroup for the present generation. */
  readonly pendingSyncs = new Set<string>();
  awaitingJoinCount = 0;
  /** Topics that the members consume; null: not known, or no consumers. */
  subscribedTopics: ReadonlySet<string> | null = null;
  /** Somebody joined while the initial delay ran. */
  newMemberAdded = false;
  /** Whether the log has a record of it, so that its end needs a tombstone. */
  isPersisted = false;
  joinTimer: ShardTimer | null = null;
  syncTimer: ShardTimer | null = null;
  /** How many members know a protocol. */
  private readonly protocolCounts = new Map<string, number>();

  private readonly tally: GroupTally;

  constructor(groupId: string, stateSinceMs: number, tally: GroupTally) {
    this.tally = tally;
    this.groupId = groupId;
    this.stateSinceMs = stateSinceMs;
  }

  /** As the last record left it. */
  static restore(groupId: string, facts: GroupFacts, members: readonly ClassicMember[], tally: GroupTally): ClassicGroup {
    const group = new ClassicGroup(groupId, facts.stateSinceMs, tally);
    group.generation = facts.generation;
    group.protocolType = facts.protocolType;
    group.protocolName = facts.protocolName;
    group.leaderId = facts.leaderId;
    for (const member of members) group.restoreMember(member);
    group.state = members.length === 0 ? ClassicState.empty : ClassicState.stable;
    if (group.leaderId === null) group.leaderId = members[0]?.memberId ?? null;
    group.isPersisted = true;
    group.subscribedTopics = group.computeSubscribedTopics();
    return group;
  }

  private restoreMember(member: ClassicMember): void {
    this.members.set(member.memberId, member);
    if (member.instanceId !== null) this.staticMembers.set(member.instanceId, member.memberId);
    this.count(member.protocols, 1);
  }

  is(state: ClassicState): boolean {
    return this.state === state;
  }

  get isEmpty(): boolean {
    return this.state === ClassicState.empty;
  }

  /** A rebalance may begin. */
  get canRebalance(): boolean {
    return PREVIOUS_STATES.PreparingRebalance.includes(this.state);
  }

  get usesConsumerProtocol(): boolean {
    return this.protocolType === CONSUMER_PROTOCOL_TYPE;
  }

  get hasAllMembersJoined(): boolean {
    return this.members.size === this.awaitingJoinCount && this.pendingJoins.size === 0;
  }

  /** The longest of its members'. */
  get rebalanceTimeoutMs(): number {
    let longest = 0;
    for (const { rebalanceTimeoutMs } of this.members.values()) longest = Math.max(longest, rebalanceTimeoutMs);
    return longest;
  }

  isLeader(memberId: string): boolean {
    return this.leaderId === memberId;
  }

  member(memberId: string): ClassicMember {
    return definite(this.members.get(memberId), 'the member');
  }

  transitionTo(state: ClassicState, nowMs: number): void {
    assert(PREVIOUS_STATES[state].includes(this.state), `${this.state} does not become ${state}`);
    this.previousState = this.state;
    this.state = state;
    this.stateSinceMs = nowMs;
  }

  /** Whether somebody who knows `names` could take part. */
  supportsProtocols(protocolType: string, names: readonly string[]): boolean {
    if (this.state === ClassicState.empty) return protocolType !== '' && names.length > 0;
    if (this.protocolType !== protocolType) return false;
    return names.some((name) => (this.protocolCounts.get(name) ?? 0) === this.members.size);
  }

  add(member: ClassicMember, protocolType: string, joinReply: JoinReply | null): void {
    if (this.members.size === 0) this.protocolType = protocolType;
    assert(this.protocolType === protocolType, 'one protocol type a group');
    assert(!this.members.has(member.memberId), 'a member joins once');
    if (member.instanceId !== null) {
      assert(!this.staticMembers.has(member.instanceId), 'an instance is one member');
      this.staticMembers.set(member.instanceId, member.memberId);
    }
    this.leaderId ??= member.memberId;
    this.members.set(member.memberId, member);
    this.count(member.protocols, 1);
    this.setJoinReply(member, joinReply);
    this.dropPendingJoin(member.memberId);
  }

  /** Also forgets a pending member. Whoever leads after it is the member that has been there longest. */
  remove(memberId: string): void {
    const member = this.members.get(memberId);
    if (member !== undefined) {
      this.members.delete(memberId);
      this.count(member.protocols, -1);
      if (member.joinReply !== null) this.awaitingJoinCount--;
      if (member.instanceId !== null) this.staticMembers.delete(member.instanceId);
      member.session?.cancel();
    }
    if (this.leaderId === memberId) this.leaderId = this.members.keys().next().value ?? null;
    this.dropPendingJoin(memberId);
    this.pendingSyncs.delete(memberId);
  }

  addPendingJoin(memberId: string, deadline: ShardTimer): void {
    assert(!this.pendingJoins.has(memberId) && !this.members.has(memberId), 'a new member id');
    this.pendingJoins.set(memberId, deadline);
    this.tally.pendingJoins++;
  }

  private dropPendingJoin(memberId: string): void {
    const deadline = this.pendingJoins.get(memberId);
    if (deadline === undefined) return;
    deadline.cancel();
    this.pendingJoins.delete(memberId);
    this.tally.pendingJoins--;
  }

  /** A new run of the same static member takes the place of the old one, which keeps its assignment and its lead. */
  replaceStaticMember(instanceId: string, old: ClassicMember, newMemberId: string): ClassicMember {
    assert(old.joinReply === null && old.syncReply === null, 'the old member was fenced');
    const member = new ClassicMember({ ...fieldsOf(old), memberId: newMemberId });
    member.assignment = old.assignment;
    this.members.delete(old.memberId);
    old.session?.cancel();
    this.members.set(newMemberId, member);
    if (this.leaderId === old.memberId) this.leaderId = newMemberId;
    this.staticMembers.set(instanceId, newMemberId);
    if (this.pendingSyncs.delete(old.memberId)) this.pendingSyncs.add(newMemberId);
    return member;
  }

  update(member: ClassicMember, protocols: readonly MemberProtocol[], rebalanceTimeoutMs: number, sessionTimeoutMs: number): void {
    this.count(member.protocols, -1);
    member.protocols = protocols;
    this.count(protocols, 1);
    member.rebalanceTimeoutMs = rebalanceTimeoutMs;
    member.sessionTimeoutMs = sessionTimeoutMs;
  }

  /** Parks the member's JoinGroup, or takes it off. An older one of the same member is forgotten: its client has given it up. */
  setJoinReply(member: ClassicMember, reply: JoinReply | null): void {
    if (member.joinReply !== null) this.awaitingJoinCount--;
    if (reply !== null) this.awaitingJoinCount++;
    member.joinReply = reply;
  }

  answerJoin(member: ClassicMember, response: JoinGroupResponse): boolean {
    const reply = member.joinReply;
    if (reply === null) return false;
    this.setJoinReply(member, null);
    reply(response);
    return true;
  }

  /** A leader that has not rejoined gives way to one that has. False: nobody has rejoined. */
  electJoinedLeader(): boolean {
    if (this.leaderId === null) return false;
    if (this.members.get(this.leaderId)?.joinReply) return true;
    for (const member of this.members.values()) {
      if (member.joinReply === null) continue;
      this.leaderId = member.memberId;
      return true;
    }
    return false;
  }

  /** The protocol that most members prefer among those that all know; null when there is none. */
  selectProtocol(): string | null {
    const candidates = new Set<string>();
    for (const [name, count] of this.protocolCounts) if (count === this.members.size) candidates.add(name);
    const votes = new Map<string, number>();
    for (const member of this.members.values()) {
      const choice = member.vote(candidates);
      if (choice !== null) votes.set(choice, (votes.get(choice) ?? 0) + 1);
    }
    let best: string | null = null;
    for (const [name, count] of votes) if (best === null || count > votes.get(best)!) best = name;
    return best;
  }

  /** Begins the next generation with the members that are here. */
  startGeneration(nowMs: number): void {
    this.generation++;
    this.protocolName = this.members.size === 0 ? null : this.selectProtocol();
    this.subscribedTopics = this.computeSubscribedTopics();
    this.transitionTo(this.members.size === 0 ? ClassicState.empty : ClassicState.completingRebalance, nowMs);
    this.pendingSyncs.clear();
  }

  private computeSubscribedTopics(): ReadonlySet<string> | null {
    if (!this.usesConsumerProtocol) return null;
    const topics = new Set<string>();
    for (const member of this.members.values()) {
      const metadata = this.protocolName === null ? null : member.metadataOf(this.protocolName);
      const subscribed = metadata === null ? null : readSubscribedTopics(metadata);
      if (subscribed === null) return null;
      for (const topic of subscribed) topics.add(topic);
    }
    return topics;
  }

  /** A group of consumers whose subscriptions cannot be read counts as subscribed to everything. */
  isSubscribedTo(topic: string): boolean {
    return this.subscribedTopics === null ? this.usesConsumerProtocol : this.subscribedTopics.has(topic);
  }

  get mayEnd(): boolean {
    return this.isEmpty && this.pendingJoins.size === 0;
  }

  get retentionBase(): RetentionBase {
    if (this.protocolType === null) return 'commit';
    if (this.isEmpty) return this.stateSinceMs === -1 ? 'commit' : this.stateSinceMs;
    return this.usesConsumerProtocol && this.subscribedTopics !== null && this.is(ClassicState.stable) ? 'commit' : null;
  }

  commitError(committer: Committer): number {
    return checkClassicCommit(this, committer);
  }

  partitionCommitError(): number {
    return ErrorCode.NONE;
  }

  fetchError(): number {
    return this.is(ClassicState.dead) ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.NONE;
  }

  private get isLive(): boolean {
    return this.is(ClassicState.stable) || this.is(ClassicState.preparingRebalance) || this.is(ClassicState.completingRebalance);
  }

  deleteError(): number {
    if (this.is(ClassicState.dead)) return ErrorCode.GROUP_ID_NOT_FOUND;
    return this.isLive ? ErrorCode.NON_EMPTY_GROUP : ErrorCode.NONE;
  }

  offsetDeleteError(): number {
    if (this.is(ClassicState.dead)) return ErrorCode.GROUP_ID_NOT_FOUND;
    // whether a live group of another protocol type uses a topic cannot be known
    return this.isLive && !this.usesConsumerProtocol ? ErrorCode.NON_EMPTY_GROUP : ErrorCode.NONE;
  }

  tombstones(): GroupChange[] {
    return [{ kind: 'group', groupId: this.groupId, value: null }];
  }

  heldBytes(): number {
    let bytes = 0;
    for (const member of this.members.values()) bytes += protocolBytes(member.protocols);
    return bytes;
  }

  abandon(errorCode: number, nowMs: number): void {
    this.transitionTo(ClassicState.dead, nowMs);
    for (const member of this.members.values()) {
      this.answerJoin(member, joinError(member.memberId, errorCode));
      member.answerSync(syncError(errorCode));
    }
  }

  /** For the leader, that assigns by it. */
  memberMetadata(): JoinGroupResponseMember[] {
    const protocolName = definite(this.protocolName, 'the protocol of a group with members');
    return [...this.members.values()].map((member) => ({
      memberId: member.memberId,
      groupInstanceId: member.instanceId,
      metadata: definite(member.metadataOf(protocolName), 'what the member says under the chosen protocol'),
    }));
  }

  private count(protocols: readonly MemberProtocol[], step: 1 | -1): void {
    for (const { name } of protocols) this.protocolCounts.set(name, (this.protocolCounts.get(name) ?? 0) + step);
    if (step === -1) for (const { name } of protocols) if (this.protocolCounts.get(name) === 0) this.protocolCounts.delete(name);
  }
}

function fieldsOf(member: ClassicMember) {
  const { memberId, instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols } = member;
  return { memberId, instanceId, clientId, clientHost, rebalanceTimeoutMs, sessionTimeoutMs, protocols };
}
