import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeHeartbeatRequest, readHeartbeatResponse, writeHeartbeatRequest } from '../../protocol/generated/heartbeat.ts';
import { makeJoinGroupRequest, makeJoinGroupRequestProtocol, readJoinGroupResponse, writeJoinGroupRequest, type JoinGroupResponse } from '../../protocol/generated/joinGroup.ts';
import { makeLeaveGroupRequest, makeMemberIdentity, readLeaveGroupResponse, writeLeaveGroupRequest } from '../../protocol/generated/leaveGroup.ts';
import { makeSyncGroupRequest, makeSyncGroupRequestAssignment, readSyncGroupResponse, writeSyncGroupRequest } from '../../protocol/generated/syncGroup.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import type { GroupIdentity } from '../producer/transaction.ts';
import { decodeAssignment, type Assignment } from './assignor.ts';
import type { AssignorProtocol } from './assignorProtocol.ts';
import { commitOffsets, fetchCommitted, type CommittedOffset, type OffsetToCommit } from './groupOffsets.ts';
import { MemberLife, rebalanced } from './memberLife.ts';
import { difference, isEmptyAssignment, type AssignmentHost, type GroupOptions, type Membership } from './membership.ts';

const joinGroupApi = { apiKey: ApiKey.JoinGroup, versionMax: 7, write: writeJoinGroupRequest, read: readJoinGroupResponse } as const;
const syncGroupApi = { apiKey: ApiKey.SyncGroup, versionMax: 5, write: writeSyncGroupRequest, read: readSyncGroupResponse } as const;
const heartbeatApi = { apiKey: ApiKey.Heartbeat, versionMax: 4, write: writeHeartbeatRequest, read: readHeartbeatResponse } as const;
const leaveGroupApi = { apiKey: ApiKey.LeaveGroup, versionMax: 5, write: writeLeaveGroupRequest, read: readLeaveGroupResponse } as const;

const PROTOCOL_TYPE = 'consumer';
const NO_GENERATION = -1;
/** From these versions on the request has the field. */
const JOIN_INSTANCE_VERSION = 5;
const SYNC_INSTANCE_VERSION = 3;
const SYNC_PROTOCOL_VERSION = 5;
const HEARTBEAT_INSTANCE_VERSION = 3;
/** From this version on members leave by a list. */
const LEAVE_LIST_VERSION = 3;
const LEAVE_REASON_VERSION = 5;

/** What the member tells of a join, for those who listen. */
export interface JoinOutcome {
  readonly memberId: string;
  readonly leaderId: string;
  readonly generationId: number;
  readonly protocol: string;
  readonly assignment: Assignment;
}

/**
 * One member of a classic consumer group: joins, takes its part of the partitions, keeps itself alive, commits. Every call is one try: it throws
 * ClientError and KafkaError, REBALANCED when the group has moved on and must be joined again.
 */
export class ClassicMember implements Membership {
  readonly #cluster: Cluster;
  readonly #options: GroupOptions;
  readonly #protocols: readonly AssignorProtocol[];
  readonly #rackId: string | null;
  readonly #life: MemberLife;
  /** Partitions are kept over a rebalance only where every assignor can do that. */
  readonly #isCooperative: boolean;
  #memberId = '';
  #generationId = NO_GENERATION;
  /** Of the last assignment, also after the membership was lost. */
  #assignedGeneration = NO_GENERATION;
  #isLeader = false;
  #isLost = false;
  #needsJoin = true;
  onWork: (() => void) | null = null;
  onJoined: ((outcome: JoinOutcome) => void) | null = null;
  onHeartbeat: (() => void) | null = null;

  constructor(cluster: Cluster, options: GroupOptions, protocols: readonly AssignorProtocol[], rackId: string | null = null) {
    if (protocols.length === 0) throw new ClientError('INVALID_ARGUMENT', 'a group needs an assignor');
    this.#cluster = cluster;
    this.#options = options;
    this.#protocols = protocols;
    this.#rackId = rackId;
    this.#isCooperative = protocols.every(({ isCooperative }) => isCooperative);
    const isMember = (): boolean => this.#memberId !== '';
    this.#life = new MemberLife(cluster, options, {
      intervalMs: options.heartbeatIntervalMs, beat: () => this.#beat(), leaveIdle: () => this.#leaveIdle(),
      get goesOn() {
        return isMember();
      },
    });
  }

  get needsWork(): boolean {
    return this.#needsJoin;
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  get identity(): GroupIdentity {
    const { groupId, instanceId } = this.#options;
    return { groupId, generationId: this.#generationId, memberId: this.#memberId, instanceId: instanceId ?? null };
  }

  onPoll(): void {
    this.#life.onPoll();
  }

  requestRejoin(): void {
    this.#needsJoin = true;
    this.onWork?.();
  }

  async work(topics: readonly string[], host: AssignmentHost): Promise<void> {
    if (this.#isLost) await host.lose(host.owned());
    this.#isLost = false;
    if (!this.#isCooperative && !isEmptyAssignment(host.owned())) await host.revoke(host.owned());
    // a member that does not sync in time keeps its heartbeats going meanwhile: the coordinator counts the join as one
    this.#life.stop();
    const joined = await this.#join(topics, host.owned());
    this.#isLeader = joined.leader === joined.memberId;
    const protocol = this.#protocols.find(({ name }) => name === joined.protocolName);
    if (protocol === undefined) throw new ClientError('INVALID_RESPONSE', `the group chose "${joined.protocolName}", which this member did not offer`);
    const assignment = await this.#sync(protocol, joined, host);
    this.#assignedGeneration = this.#generationId;
    this.#needsJoin = false;
    this.onPoll();
    this.#life.schedule();
    await this.#take(assignment, host);
    this.onJoined?.({ memberId: joined.memberId, leaderId: joined.leader, generationId: joined.generationId, protocol: protocol.name, assignment });
  }

  commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    return commitOffsets(this.#life.coordinator, this.identity, offsets, (code, where) => this.#check(code, where));
  }

  committed(assignment: Assignment, isStable: boolean): Promise<Map<string, CommittedOffset>> {
    return fetchCommitted(this.#life.coordinator, this.#options.groupId, assignment, isStable);
  }

  async leave(): Promise<void> {
    await this.#life.close(async () => {
      if (this.#options.instanceId === undefined) await this.#leave('the consumer is being closed');
    });
  }

  async #take(assignment: Assignment, host: AssignmentHost): Promise<void> {
    const owned = host.owned();
    const gone = difference(owned, assignment);
    if (!isEmptyAssignment(gone)) {
      await host.revoke(gone);
      // what was let go of can be given to others only in another round
      this.#needsJoin = true;
    }
    await host.assign(difference(assignment, owned));
  }

  async #leave(reason: string): Promise<void> {
    const memberId = this.#memberId;
    if (memberId === '') return;
    this.#forgetMembership();
    const { groupId } = this.#options;
    await this.#life.coordinator.ask(leaveGroupApi, (version) => makeLeaveGroupRequest(
      version >= LEAVE_LIST_VERSION ? { groupId, members: [makeMemberIdentity({ memberId, reason: version >= LEAVE_REASON_VERSION ? reason : null })] } : { groupId, memberId }));
  }

  async #join(topics: readonly string[], owned: Assignment): Promise<JoinGroupResponse> {
    const { groupId, sessionTimeoutMs, maxPollIntervalMs } = this.#options;
    const context = { topics, owned, generationId: this.#assignedGeneration, rackId: this.#rackId };
    const protocols = this.#protocols.map((protocol) => makeJoinGroupRequestProtocol({ name: protocol.name, metadata: protocol.metadata(context) }));
    const body = (version: number) => makeJoinGroupRequest({
      groupId, sessionTimeoutMs, ...(version >= 1 ? { rebalanceTimeoutMs: maxPollIntervalMs } : {}), memberId: this.#memberId, ...this.#instance(version >= JOIN_INSTANCE_VERSION), protocolType: PROTOCOL_TYPE, protocols,
    });
    const timeoutMs = maxPollIntervalMs + this.#cluster.options.requestTimeoutMs;
    let answer = await this.#life.coordinator.ask(joinGroupApi, body, { timeoutMs });
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = answer.memberId;
      answer = await this.#life.coordinator.ask(joinGroupApi, body, { timeoutMs });
    }
    this.#check(answer.errorCode);
    this.#memberId = answer.memberId;
    this.#generationId = answer.generationId;
    return answer;
  }

  async #sync(protocol: AssignorProtocol, joined: JoinGroupResponse, host: AssignmentHost): Promise<Assignment> {
    const { groupId, maxPollIntervalMs } = this.#options;
    const members = joined.members.map(({ memberId, groupInstanceId, metadata }) => ({ memberId, instanceId: groupInstanceId, metadata }));
    const assigned = this.#isLeader ? await protocol.assign(members, (topics) => host.partitionCounts(topics)) : new Map<string, Buffer>();
    const assignments = [...assigned].map(([memberId, assignment]) => makeSyncGroupRequestAssignment({ memberId, assignment }));
    const body = (version: number) => makeSyncGroupRequest({
      groupId, generationId: this.#generationId, memberId: this.#memberId, ...this.#instance(version >= SYNC_INSTANCE_VERSION), assignments,
      ...(version >= SYNC_PROTOCOL_VERSION ? { protocolType: PROTOCOL_TYPE, protocolName: protocol.name } : {}),
    });
    const answer = await this.#life.coordinator.ask(syncGroupApi, body, { timeoutMs: maxPollIntervalMs + this.#cluster.options.requestTimeoutMs });
    this.#check(answer.errorCode);
    return decodeAssignment(answer.assignment);
  }

  #instance(isKnown: boolean): { readonly groupInstanceId?: string } {
    const { instanceId } = this.#options;
    return instanceId === undefined || !isKnown ? {} : { groupInstanceId: instanceId };
  }

  /** Raises a code, after noting what it means for this membership. */
  #check(code: number, where?: string): void {
    switch (code) {
      case ErrorCode.NONE:
        return;
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
        this.#loseMembership(code === ErrorCode.UNKNOWN_MEMBER_ID);
        break;
      case ErrorCode.REBALANCE_IN_PROGRESS:
        this.requestRejoin();
        break;
      default:
        this.#life.fail(code, where);
    }
    throw rebalanced(code);
  }

  #loseMembership(isForgotten: boolean): void {
    this.#isLost = true;
    if (isForgotten) this.#forgetMembership();
    this.requestRejoin();
  }

  #forgetMembership(): void {
    this.#memberId = '';
    this.#generationId = NO_GENERATION;
    this.#isLeader = false;
  }

  async #leaveIdle(): Promise<void> {
    this.#isLost = true;
    this.requestRejoin();
    await this.#leave('the application did not poll in time');
  }

  async #beat(): Promise<void> {
    const { groupId } = this.#options;
    const body = (version: number) => makeHeartbeatRequest({ groupId, generationId: this.#generationId, memberId: this.#memberId, ...this.#instance(version >= HEARTBEAT_INSTANCE_VERSION) });
    // a commit or a join may wait at the coordinator: heartbeats have a connection of their own
    this.#check((await this.#life.coordinator.ask(heartbeatApi, body, { channel: 'main' })).errorCode);
    this.onHeartbeat?.();
  }
}
