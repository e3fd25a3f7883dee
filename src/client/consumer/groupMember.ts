import { groupBy } from '../../base/collections.ts';
import type { Timer } from '../../base/ports.ts';
import { ErrorCode, KafkaError, throwOnError } from '../../protocol/errors.ts';
import { makeFindCoordinatorRequest, readFindCoordinatorResponse, writeFindCoordinatorRequest } from '../../protocol/generated/findCoordinator.ts';
import { makeHeartbeatRequest, readHeartbeatResponse, writeHeartbeatRequest } from '../../protocol/generated/heartbeat.ts';
import { makeJoinGroupRequest, makeJoinGroupRequestProtocol, readJoinGroupResponse, writeJoinGroupRequest, type JoinGroupResponse } from '../../protocol/generated/joinGroup.ts';
import { makeLeaveGroupRequest, makeMemberIdentity, readLeaveGroupResponse, writeLeaveGroupRequest } from '../../protocol/generated/leaveGroup.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic, readOffsetCommitResponse, writeOffsetCommitRequest } from '../../protocol/generated/offsetCommit.ts';
import { makeOffsetFetchRequest, makeOffsetFetchRequestTopic, readOffsetFetchResponse, writeOffsetFetchRequest } from '../../protocol/generated/offsetFetch.ts';
import { makeSyncGroupRequest, makeSyncGroupRequestAssignment, readSyncGroupResponse, writeSyncGroupRequest } from '../../protocol/generated/syncGroup.ts';
import type { ClientApi } from '../core/clientApi.ts';
import type { Cluster } from '../core/cluster.ts';
import { retrying } from '../core/wait.ts';
import { assignRanges, decodeAssignment, decodeSubscription, encodeAssignment, encodeSubscription, type Assignment } from './assignor.ts';

const findCoordinatorApi = { apiKey: 10, versionMax: 3, write: writeFindCoordinatorRequest, read: readFindCoordinatorResponse } as const;
const joinGroupApi = { apiKey: 11, versionMax: 7, write: writeJoinGroupRequest, read: readJoinGroupResponse } as const;
const syncGroupApi = { apiKey: 14, versionMax: 5, write: writeSyncGroupRequest, read: readSyncGroupResponse } as const;
const heartbeatApi = { apiKey: 12, versionMax: 4, write: writeHeartbeatRequest, read: readHeartbeatResponse } as const;
const leaveGroupApi = { apiKey: 13, versionMax: 5, write: writeLeaveGroupRequest, read: readLeaveGroupResponse } as const;
const offsetCommitApi = { apiKey: 8, versionMax: 8, write: writeOffsetCommitRequest, read: readOffsetCommitResponse } as const;
const offsetFetchApi = { apiKey: 9, versionMax: 7, write: writeOffsetFetchRequest, read: readOffsetFetchResponse } as const;

const PROTOCOL_TYPE = 'consumer';
const ASSIGNOR = 'range';

export interface GroupOptions {
  readonly groupId: string;
  readonly sessionTimeoutMs: number;
  readonly rebalanceTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
}

export interface OffsetToCommit {
  readonly topic: string;
  readonly partition: number;
  /** Of the next record to read. */
  readonly offset: number;
}

/** One member of one classic consumer group: joins, takes its part of the partitions, keeps itself alive, commits. */
export class GroupMember {
  readonly #cluster: Cluster;
  readonly #options: GroupOptions;
  #coordinatorId = -1;
  #memberId = '';
  #generationId = -1;
  #heartbeatTimer: Timer | null = null;
  /** The group rebalances or has forgotten us: join before the next poll. */
  needsJoin = true;

  constructor(cluster: Cluster, options: GroupOptions) {
    this.#cluster = cluster;
    this.#options = options;
  }

  /** Joins and returns what this member is to read. Repeats while the group is moving. */
  async join(topics: readonly string[]): Promise<Assignment> {
    this.#stopHeartbeat();
    const { apiTimeoutMs } = this.#cluster.options;
    const retry = { ...this.#cluster.retryOptions, timeoutMs: apiTimeoutMs + this.#options.rebalanceTimeoutMs };
    const assignment = await retrying(retry, async () => {
      const joined = await this.#joinOnce(topics);
      return this.#sync(joined);
    });
    this.needsJoin = false;
    this.#scheduleHeartbeat();
    return assignment;
  }

  async commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    if (offsets.length === 0) return;
    const topics = [...groupBy(offsets, (offset) => offset.topic)].map(([name, all]) =>
      makeOffsetCommitRequestTopic({ name, partitions: all.map(({ partition, offset }) => makeOffsetCommitRequestPartition({ partitionIndex: partition, committedOffset: offset, committedMetadata: '' })) }));
    const body = makeOffsetCommitRequest({ groupId: this.#options.groupId, generationIdOrMemberEpoch: this.#generationId, memberId: this.#memberId, topics });
    const answer = await this.#ask(offsetCommitApi, body, (response) => response.topics[0]?.partitions[0]?.errorCode ?? ErrorCode.NONE);
    for (const topic of answer.topics) for (const partition of topic.partitions) this.#check(partition.errorCode);
  }

  /** Committed offsets of the partitions, keyed `topic/partition`; absent where there is none. */
  async committed(assignment: Assignment): Promise<Map<string, number>> {
    const topics = [...assignment].map(([name, partitionIndexes]) => makeOffsetFetchRequestTopic({ name, partitionIndexes: [...partitionIndexes] }));
    const answer = await this.#ask(offsetFetchApi, makeOffsetFetchRequest({ groupId: this.#options.groupId, topics }), (response) => response.errorCode);
    const offsets = new Map<string, number>();
    for (const topic of answer.topics) {
      for (const { partitionIndex, committedOffset, errorCode } of topic.partitions) {
        throwOnError(errorCode);
        if (committedOffset >= 0) offsets.set(`${topic.name}/${partitionIndex}`, committedOffset);
      }
    }
    return offsets;
  }

  async leave(): Promise<void> {
    this.#stopHeartbeat();
    if (this.#memberId === '') return;
    const body = makeLeaveGroupRequest({ groupId: this.#options.groupId, memberId: this.#memberId, members: [makeMemberIdentity({ memberId: this.#memberId, reason: 'the consumer is being closed' })] });
    this.#memberId = '';
    const connection = await this.#coordinator();
    const version = connection.versionOf(leaveGroupApi);
    await connection.request(leaveGroupApi, version >= 3 ? { ...body, memberId: '' } : { ...body, members: [] }, { version });
  }

  async #joinOnce(topics: readonly string[]): Promise<JoinGroupResponse> {
    const protocols = [makeJoinGroupRequestProtocol({ name: ASSIGNOR, metadata: encodeSubscription(topics) })];
    const { groupId, sessionTimeoutMs, rebalanceTimeoutMs } = this.#options;
    const body = () => makeJoinGroupRequest({ groupId, sessionTimeoutMs, rebalanceTimeoutMs, memberId: this.#memberId, protocolType: PROTOCOL_TYPE, protocols });
    const connection = await this.#coordinator();
    const timeoutMs = rebalanceTimeoutMs + this.#cluster.options.requestTimeoutMs;
    let answer = await connection.request(joinGroupApi, body(), { timeoutMs });
    if (answer.errorCode === ErrorCode.MEMBER_ID_REQUIRED) {
      this.#memberId = answer.memberId;
      answer = await connection.request(joinGroupApi, body(), { timeoutMs });
    }
    this.#check(answer.errorCode);
    this.#memberId = answer.memberId;
    this.#generationId = answer.generationId;
    return answer;
  }

  async #sync(joined: JoinGroupResponse): Promise<Assignment> {
    const assignments = joined.leader === joined.memberId ? await this.#assign(joined) : [];
    const body = makeSyncGroupRequest({
      groupId: this.#options.groupId, generationId: this.#generationId, memberId: this.#memberId, protocolType: PROTOCOL_TYPE, protocolName: ASSIGNOR, assignments });
    const connection = await this.#coordinator();
    const answer = await connection.request(syncGroupApi, body, { timeoutMs: this.#options.rebalanceTimeoutMs + this.#cluster.options.requestTimeoutMs });
    this.#check(answer.errorCode);
    return decodeAssignment(answer.assignment);
  }

  async #assign(joined: JoinGroupResponse) {
    const members = joined.members.map((member) => ({ memberId: member.memberId, topics: decodeSubscription(member.metadata) }));
    const counts = new Map<string, number>();
    for (const topic of new Set(members.flatMap((member) => member.topics))) {
      const leaders = await this.#cluster.leadersOf(topic, { refresh: true, allowAutoTopicCreation: true }).catch((error: unknown) => {
        if (error instanceof KafkaError && error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) return [];
        throw error;
      });
      counts.set(topic, leaders.length);
    }
    return [...assignRanges(members, counts)].map(([memberId, assignment]) => makeSyncGroupRequestAssignment({ memberId, assignment: encodeAssignment(assignment) }));
  }

  /** Raises a code, after noting what it means for this membership. */
  #check(code: number): void {
    switch (code) {
      case ErrorCode.NONE:
        return;
      case ErrorCode.UNKNOWN_MEMBER_ID:
        this.#memberId = '';
        this.needsJoin = true;
        break;
      case ErrorCode.ILLEGAL_GENERATION:
      case ErrorCode.REBALANCE_IN_PROGRESS:
        this.needsJoin = true;
        break;
      case ErrorCode.NOT_COORDINATOR:
      case ErrorCode.COORDINATOR_NOT_AVAILABLE:
        this.#coordinatorId = -1;
        break;
      default:
        break;
    }
    const error = new KafkaError(code);
    // a group that moves on is not a failure of the call to join it
    throw code === ErrorCode.UNKNOWN_MEMBER_ID || code === ErrorCode.ILLEGAL_GENERATION || code === ErrorCode.REBALANCE_IN_PROGRESS ? Object.assign(error, { retriable: true }) : error;
  }

  #scheduleHeartbeat(): void {
    this.#heartbeatTimer = this.#cluster.options.clock.setTimer(this.#options.heartbeatIntervalMs, () => {
      void this.#heartbeat().catch((error: unknown) => {
        this.#cluster.options.logger.debug('heartbeat failed', { error: (error as Error).message });
        if (!this.needsJoin && this.#heartbeatTimer !== null) this.#scheduleHeartbeat();
      });
    });
  }

  #stopHeartbeat(): void {
    this.#heartbeatTimer?.cancel();
    this.#heartbeatTimer = null;
  }

  async #heartbeat(): Promise<void> {
    const body = makeHeartbeatRequest({ groupId: this.#options.groupId, generationId: this.#generationId, memberId: this.#memberId });
    const answer = await (await this.#coordinator()).request(heartbeatApi, body);
    this.#check(answer.errorCode);
    if (this.#heartbeatTimer !== null) this.#scheduleHeartbeat();
  }

  async #coordinator() {
    if (this.#coordinatorId < 0) {
      const answer = await this.#cluster.askAny(findCoordinatorApi, makeFindCoordinatorRequest({ key: this.#options.groupId, keyType: 0 }));
      throwOnError(answer.errorCode, answer.errorMessage);
      this.#coordinatorId = answer.nodeId;
    }
    return this.#cluster.connectionTo(this.#coordinatorId);
  }

  /** One request to the coordinator, tried again where `codeIn` finds a code that may pass. */
  #ask<Request, Response>(api: ClientApi<Request, Response>, body: Request, codeIn: (response: Response) => number): Promise<Response> {
    return retrying(this.#cluster.retryOptions, async () => {
      const response = await (await this.#coordinator()).request(api, body);
      const code = codeIn(response);
      const isAboutCoordinator = code === ErrorCode.NOT_COORDINATOR || code === ErrorCode.COORDINATOR_NOT_AVAILABLE || code === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS;
      if (isAboutCoordinator) this.#check(code);
      return response;
    });
  }
}
