import { groupBy } from '../../base/collections.ts';
import type { Timer } from '../../base/ports.ts';
import { ErrorCode, errorName, KafkaError, throwOnError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeFindCoordinatorRequest, readFindCoordinatorResponse, writeFindCoordinatorRequest } from '../../protocol/generated/findCoordinator.ts';
import { makeHeartbeatRequest, readHeartbeatResponse, writeHeartbeatRequest } from '../../protocol/generated/heartbeat.ts';
import { makeJoinGroupRequest, makeJoinGroupRequestProtocol, readJoinGroupResponse, writeJoinGroupRequest, type JoinGroupResponse } from '../../protocol/generated/joinGroup.ts';
import { makeLeaveGroupRequest, makeMemberIdentity, readLeaveGroupResponse, writeLeaveGroupRequest } from '../../protocol/generated/leaveGroup.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic, readOffsetCommitResponse, writeOffsetCommitRequest } from '../../protocol/generated/offsetCommit.ts';
import { makeOffsetFetchRequest, makeOffsetFetchRequestTopic, readOffsetFetchResponse, writeOffsetFetchRequest } from '../../protocol/generated/offsetFetch.ts';
import { makeSyncGroupRequest, makeSyncGroupRequestAssignment, readSyncGroupResponse, writeSyncGroupRequest, type SyncGroupRequestAssignment } from '../../protocol/generated/syncGroup.ts';
import type { ClientApi } from '../core/clientApi.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import type { BrokerConnection } from '../core/connection.ts';
import { assignRanges, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription, type Assignment } from './assignor.ts';
import { partitionKey } from './partitionState.ts';

const findCoordinatorApi = { apiKey: ApiKey.FindCoordinator, versionMax: 3, write: writeFindCoordinatorRequest, read: readFindCoordinatorResponse } as const;
const joinGroupApi = { apiKey: ApiKey.JoinGroup, versionMax: 7, write: writeJoinGroupRequest, read: readJoinGroupResponse } as const;
const syncGroupApi = { apiKey: ApiKey.SyncGroup, versionMax: 5, write: writeSyncGroupRequest, read: readSyncGroupResponse } as const;
const heartbeatApi = { apiKey: ApiKey.Heartbeat, versionMax: 4, write: writeHeartbeatRequest, read: readHeartbeatResponse } as const;
const leaveGroupApi = { apiKey: ApiKey.LeaveGroup, versionMax: 5, write: writeLeaveGroupRequest, read: readLeaveGroupResponse } as const;
const offsetCommitApi = { apiKey: ApiKey.OffsetCommit, versionMax: 8, write: writeOffsetCommitRequest, read: readOffsetCommitResponse } as const;
const offsetFetchApi = { apiKey: ApiKey.OffsetFetch, versionMax: 7, write: writeOffsetFetchRequest, read: readOffsetFetchResponse } as const;

const PROTOCOL_TYPE = 'consumer';
const ASSIGNOR = 'range';
const NO_GENERATION = -1;
/** From this version on members leave by a list. */
const LEAVE_LIST_VERSION = 3;

export interface GroupOptions {
  readonly groupId: string;
  /** Static membership (KIP-345): the member keeps its place over restarts and does not leave when it closes. */
  readonly instanceId?: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** Without a poll for this long the member leaves; also how long a rebalance waits for it. */
  readonly maxPollIntervalMs: number;
}

export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  /** Of the next record to read. */
  readonly offset: number;
}

/**
 * One member of one classic consumer group: joins, takes its part of the partitions, keeps itself alive, commits. Every call is one try: it throws
 * ClientError and KafkaError, REBALANCED when the group has moved on and must be joined again.
 */
export class GroupMember {
  readonly #cluster: Cluster;
  readonly #options: GroupOptions;
  #coordinatorId = -1;
  #memberId = '';
  #generationId = NO_GENERATION;
  #isLeader = false;
  #heartbeatTimer: Timer | null = null;
  #polledMs = 0;
  #isClosed = false;
  /** The group rebalances or has forgotten us: join before the next poll. */
  needsJoin = true;

  constructor(cluster: Cluster, options: GroupOptions) {
    this.#cluster = cluster;
    this.#options = options;
    this.onPoll();
  }

  /** This member decides who reads what: it must join again when topics change. */
  get isLeader(): boolean {
    return this.#isLeader;
  }

  /** The application is alive. */
  onPoll(): void {
    this.#polledMs = this.#cluster.options.clock.monotonicMs();
  }

  /** Joins and returns what this member is to read. `partitionCounts` is asked only where this member leads the group. */
  async join(topics: readonly string[], partitionCounts: (topics: readonly string[]) => Promise<ReadonlyMap<string, number>>): Promise<Assignment> {
    this.#stopHeartbeat();
    const joined = await this.#join(topics);
    this.#isLeader = joined.leader === joined.memberId;
    const assignments = this.#isLeader ? await assignmentsFor(joined, partitionCounts) : [];
    const assignment = await this.#sync(assignments);
    this.needsJoin = false;
    this.onPoll();
    if (!this.#isClosed) this.#scheduleHeartbeat();
    return assignment;
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    if (offsets.length === 0) return;
    const topics = [...groupBy(offsets, (offset) => offset.topic)].map(([name, all]) =>
      makeOffsetCommitRequestTopic({ name, partitions: all.map(({ partition, offset }) => makeOffsetCommitRequestPartition({ partitionIndex: partition, committedOffset: offset, committedMetadata: '' })) }));
    const { groupId } = this.#options;
    const body = makeOffsetCommitRequest({ groupId, generationIdOrMemberEpoch: this.#generationId, memberId: this.#memberId, ...this.#instance(), topics });
    const answer = await this.#ask(offsetCommitApi, body);
    for (const topic of answer.topics) for (const partition of topic.partitions) this.#check(partition.errorCode, `${topic.name}-${partition.partitionIndex}`);
  }

  /** Committed offsets by `partitionKey`; absent where there is none. */
  async committed(assignment: Assignment): Promise<Map<string, number>> {
    const offsets = new Map<string, number>();
    if (assignment.size === 0) return offsets;
    const topics = [...assignment].map(([name, partitionIndexes]) => makeOffsetFetchRequestTopic({ name, partitionIndexes: [...partitionIndexes] }));
    const answer = await this.#ask(offsetFetchApi, makeOffsetFetchRequest({ groupId: this.#options.groupId, topics }));
    this.#check(answer.errorCode);
    for (const topic of answer.topics) {
      for (const { partitionIndex, committedOffset, errorCode } of topic.partitions) {
        this.#check(errorCode, `${topic.name}-${partitionIndex}`);
        if (committedOffset >= 0) offsets.set(partitionKey(topic.name, partitionIndex), committedOffset);
      }
    }
    return offsets;
  }

  /** Stops heartbeats and, unless it is static, leaves the group. */
  async leave(): Promise<void> {
    this.#isClosed = true;
    this.#stopHeartbeat();
    await this.#leave('the consumer is being closed');
  }

  async #leave(reason: string): Promise<void> {
    const memberId = this.#memberId;
    if (memberId === '' || this.#options.instanceId !== undefined) return;
    this.#forgetMembership();
    const connection = await this.#coordinator();
    const version = connection.versionOf(leaveGroupApi);
    const { groupId } = this.#options;
    const body = version >= LEAVE_LIST_VERSION ? { groupId, members: [makeMemberIdentity({ memberId, reason: version >= 5 ? reason : null })] } : { groupId, memberId };
    await connection.request(leaveGroupApi, makeLeaveGroupRequest(body), { version });
  }

  async #join(topics: readonly string[]): Promise<JoinGroupResponse> {
    const { groupId, sessionTimeoutMs, maxPollIntervalMs } = this.#options;
    const protocols = [makeJoinGroupRequestProtocol({ name: ASSIGNOR, metadata: encodeSubscription(topics) })];
    const body = () => makeJoinGroupRequest({ groupId, sessionTimeoutMs, rebalanceTimeoutMs: maxPollIntervalMs, memberId: this.#memberId, ...this.#instance(), protocolType: PROTOCOL_TYPE, protocols });
    const timeoutMs = maxPollIntervalMs + this.#cluster.options.requestTimeoutMs;
    let answer = await this.#ask(joinGroupApi, body(), timeoutMs);
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = answer.memberId;
      answer = await this.#ask(joinGroupApi, body(), timeoutMs);
    }
    this.#check(answer.errorCode);
    this.#memberId = answer.memberId;
    this.#generationId = answer.generationId;
    return answer;
  }

  async #sync(assignments: SyncGroupRequestAssignment[]): Promise<Assignment> {
    const { groupId, maxPollIntervalMs } = this.#options;
    const membership = { groupId, generationId: this.#generationId, memberId: this.#memberId, ...this.#instance() };
    const body = makeSyncGroupRequest({ ...membership, protocolType: PROTOCOL_TYPE, protocolName: ASSIGNOR, assignments });
    const answer = await this.#ask(syncGroupApi, body, maxPollIntervalMs + this.#cluster.options.requestTimeoutMs);
    this.#check(answer.errorCode);
    return decodeAssignment(answer.assignment);
  }

  #instance(): { readonly groupInstanceId?: string } {
    const { instanceId } = this.#options;
    return instanceId === undefined ? {} : { groupInstanceId: instanceId };
  }

  /** Raises a code, after noting what it means for this membership. */
  #check(code: number, where?: string): void {
    switch (code) {
      case ErrorCode.NONE:
        return;
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.ILLEGAL_GENERATION:
      case ErrorCode.REBALANCE_IN_PROGRESS:
        if (code === ErrorCode.UNKNOWN_MEMBER_ID) this.#forgetMembership();
        this.needsJoin = true;
        throw new ClientError('REBALANCED', `the group has moved on (${errorName(code)})`);
      case ErrorCode.NOT_COORDINATOR:
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
        this.#coordinatorId = -1;
        break;
      default:
        break;
    }
    throw new KafkaError(code, where);
  }

  #forgetMembership(): void {
    this.#memberId = '';
    this.#generationId = NO_GENERATION;
    this.#isLeader = false;
  }

  #scheduleHeartbeat(): void {
    this.#heartbeatTimer = this.#cluster.options.clock.setTimer(this.#options.heartbeatIntervalMs, () => void this.#beat());
  }

  #stopHeartbeat(): void {
    this.#heartbeatTimer?.cancel();
    this.#heartbeatTimer = null;
  }

  async #beat(): Promise<void> {
    const timer = this.#heartbeatTimer;
    const { clock, logger } = this.#cluster.options;
    try {
      if (clock.monotonicMs() - this.#polledMs > this.#options.maxPollIntervalMs) {
        this.needsJoin = true;
        logger.warn('the group is left, since records were not polled for max.poll.interval.ms');
        await this.#leave('the application did not poll in time');
        return;
      }
      const { groupId } = this.#options;
      const body = makeHeartbeatRequest({ groupId, generationId: this.#generationId, memberId: this.#memberId, ...this.#instance() });
      this.#check((await this.#ask(heartbeatApi, body)).errorCode);
    } catch (error) {
      logger.debug('heartbeat failed', { error: (error as Error).message });
    }
    // a join meanwhile has set a timer of its own
    if (!this.needsJoin && timer !== null && this.#heartbeatTimer === timer) this.#scheduleHeartbeat();
  }

  async #coordinator(): Promise<BrokerConnection> {
    if (this.#coordinatorId < 0) {
      const connection = await this.#cluster.anyConnection();
      const answer = await connection.request(findCoordinatorApi, makeFindCoordinatorRequest({ key: this.#options.groupId, keyType: 0 }));
      throwOnError(answer.errorCode, answer.errorMessage);
      this.#coordinatorId = answer.nodeId;
    }
    return this.#cluster.connectionTo(this.#coordinatorId);
  }

  /** One request to the coordinator, which is looked for again after a failure. */
  async #ask<Request, Response>(api: ClientApi<Request, Response>, body: Request, timeoutMs?: number): Promise<Response> {
    try {
      const connection = await this.#coordinator();
      return await connection.request(api, body, timeoutMs === undefined ? {} : { timeoutMs });
    } catch (error) {
      this.#coordinatorId = -1;
      throw error;
    }
  }
}

async function assignmentsFor(joined: JoinGroupResponse, partitionCounts: (topics: readonly string[]) => Promise<ReadonlyMap<string, number>>): Promise<SyncGroupRequestAssignment[]> {
  const members = joined.members.map(({ memberId, groupInstanceId, metadata }) => ({ memberId, instanceId: groupInstanceId, topics: decodeSubscription(metadata) }));
  const counts = await partitionCounts([...new Set(members.flatMap((member) => member.topics))]);
  return [...assignRanges(members, counts)].map(([memberId, assignment]) => makeSyncGroupRequestAssignment({ memberId, assignment: encodeAssignment(assignment) }));
}
