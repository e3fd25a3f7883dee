/**
 * Share groups on this node: what their members ask for, decided on the shard of the group, and what must happen at the share coordinator before or
 * after. Holds no policy; that is beside this file.
 */
import { ErrorCode, KafkaError } from '../../../protocol/errors.ts';
import type { ShareGroupHeartbeatRequest, ShareGroupHeartbeatResponse } from '../../../protocol/generated/shareGroupHeartbeat.ts';
import type { Uuid } from '../../../protocol/types.ts';
import { coordinatorError } from '../../coordinator.ts';
import type { GroupClient } from '../classic/join.ts';
import type { ClusterView } from '../cluster.ts';
import type { Draft } from '../draft.ts';
import type { GroupShard } from '../groupCoordinator.ts';
import { decideAlone, decideFor } from '../modern/decide.ts';
import type { Reply } from '../modern/decide.ts';
import type { GroupState } from '../state.ts';
import { shareGroupOf } from './apply.ts';
import { initializeStates } from './initializing.ts';
import type { ChangeResult, StatePorts } from './initializing.ts';
import { ShareGroup } from './group.ts';
import { answerMember, checkHeartbeat, leave, LEAVE_EPOCH, register, removeMember } from './heartbeat.ts';
import { beginInitializing, endInitializing, initializedPartitions, put, uninitialized } from './statePartitions.ts';
import type { TopicPartition } from './statePartitions.ts';

/** Settings of one group. */
export interface ShareGroupTimes {
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  readonly assignmentIntervalMs: number;
}

export interface ShareGroupsOptions {
  readonly shardOf: (groupId: string) => GroupShard;
  readonly cluster: ClusterView;
  readonly times: (groupId: string) => ShareGroupTimes;
  /** `group.share.max.size` */
  readonly membersMax: () => number;
  readonly states: StatePorts;
  /** The offsets of a group without members are set anew, or are no more: what brokers know of them is of no use. */
  readonly onOffsetsChanged: (groupId: string) => void;
}

const FINE: ChangeResult = { errorCode: ErrorCode.NONE, message: null };

export class ShareGroups {
  readonly #options: ShareGroupsOptions;
  /** Those who wait for partitions of a group to be initialized, while that is under way. */
  readonly #initializing = new Map<string, (() => void)[]>();

  constructor(options: ShareGroupsOptions) {
    this.#options = options;
  }

  /** The shard was loaded: from now its members have their session timeout. */
  onShardActive(state: GroupState): void {
    for (const group of state.groups.values()) {
      if (group instanceof ShareGroup) for (const memberId of group.members.keys()) this.#resetSession(state, group, memberId);
    }
  }

  heartbeat(request: ShareGroupHeartbeatRequest, client: GroupClient, reply: Reply<ShareGroupHeartbeatResponse>): void {
    try {
      checkHeartbeat(request);
    } catch (error) {
      if (!(error instanceof KafkaError)) throw error;
      return reply(error, null);
    }
    if (request.memberEpoch === LEAVE_EPOCH) return this.#leave(request, reply);
    const { groupId } = request;
    this.#decide<ShareGroupHeartbeatResponse | null>(groupId, (error, response) => {
      // Null: partitions have to be initialized before the member can be told of them.
      if (error !== null || response !== null) return reply(error, response);
      this.#initialize(groupId, () => this.#decide<ShareGroupHeartbeatResponse>(groupId, reply, (draft) => this.#answer(draft, request)));
    }, (draft) => {
      register(draft, request, client, this.#options.membersMax());
      const group = shareGroupOf(draft.state, groupId)!;
      this.#resetSession(draft.state, group, request.memberId);
      draft.onUndo(() => {
        if (!group.members.has(request.memberId)) group.dropSession(request.memberId);
      });
      return uninitialized(group, this.#options.cluster).length > 0 ? null : this.#answer(draft, request);
    });
  }

  #answer(draft: Draft, request: ShareGroupHeartbeatRequest): ShareGroupHeartbeatResponse {
    const { assignmentIntervalMs, heartbeatIntervalMs } = this.#options.times(request.groupId);
    return answerMember(draft, request, { assignmentMs: assignmentIntervalMs, heartbeatMs: heartbeatIntervalMs });
  }

  #leave(request: ShareGroupHeartbeatRequest, reply: Reply<ShareGroupHeartbeatResponse>): void {
    this.#decide<ShareGroupHeartbeatResponse>(request.groupId, (error, response) => {
      const state = this.#options.shardOf(request.groupId).current;
      if (error === null && state !== null) shareGroupOf(state, request.groupId)?.dropSession(request.memberId);
      reply(error, response);
    }, (draft) => leave(draft, request));
  }

  /** From now the member has its session timeout to speak again. */
  #resetSession(state: GroupState, group: ShareGroup, memberId: string): void {
    let timer = group.sessions.get(memberId);
    if (timer === undefined) group.sessions.set(memberId, (timer = state.host.timers.create(() => this.#expire(state, group, memberId))));
    timer.set(this.#options.times(group.groupId).sessionTimeoutMs);
  }

  #expire(state: GroupState, group: ShareGroup, memberId: string): void {
    if (state.groups.get(group.groupId) !== group || !group.members.has(memberId)) return;
    const { groupId } = group;
    state.host.logger.info('a member is removed from a share group', { groupId, memberId, reason: 'no heartbeat within the session timeout' });
    group.dropSession(memberId);
    decideAlone(state, `the end of a member of ${groupId}`, (draft) => {
      removeMember(draft, group, memberId);
      draft.onUndo(() => this.#resetSession(state, group, memberId));
    });
  }

  /** Runs a decision on the group's shard. */
  #decide<Response>(groupId: string, reply: Reply<Response>, run: (draft: Draft) => Response): void {
    const errorCode = this.#options.shardOf(groupId).submit((state) => decideFor(state, reply, run));
    if (errorCode !== ErrorCode.NONE) reply(new KafkaError(errorCode), null);
  }

  /** Tells the share coordinator of all partitions that the group wants; `done` when that has ended, well or not. */
  #initialize(groupId: string, done: () => void): void {
    const waiting = this.#initializing.get(groupId);
    if (waiting !== undefined) return void waiting.push(done);
    this.#initializing.set(groupId, [done]);
    const end = (): void => {
      const ended = this.#initializing.get(groupId) ?? [];
      this.#initializing.delete(groupId);
      for (const one of ended) one();
    };
    this.#decide<{ partitions: TopicPartition[]; epoch: number }>(groupId, (error, found) => {
      if (error !== null || found === null || found.partitions.length === 0) return end();
      initializeStates(this.#options.states, groupId, found.partitions, found.epoch, () => -1, (results) => this.#noteInitialized(groupId, found.partitions, results, end));
    }, (draft) => {
      const group = shareGroupOf(draft.state, groupId);
      const partitions = group === undefined ? [] : uninitialized(group, this.#options.cluster);
      if (group !== undefined && partitions.length > 0) beginInitializing(draft, group, partitions);
      return { partitions, epoch: group?.epoch ?? 0 };
    });
  }

  #noteInitialized(groupId: string, tried: readonly TopicPartition[], results: readonly ChangeResult[], end: () => void): void {
    const done = tried.filter((_partition, i) => isThere(results[i]!.errorCode));
    this.#decide<null>(groupId, end, (draft) => {
      const group = shareGroupOf(draft.state, groupId);
      if (group !== undefined) endInitializing(draft, group, tried, done);
      return null;
    });
  }

  /** AlterShareGroupOffsets, for a group without members, which it makes when it is not there. `startOffsets` by place in `partitions`. */
  alterOffsets(groupId: string, partitions: readonly TopicPartition[], startOffsets: readonly number[], reply: (error: KafkaError | null, results: readonly ChangeResult[]) => void): void {
    this.#decide<number>(groupId, (error, epoch) => {
      if (error !== null || epoch === null) return reply(error, []);
      this.#options.onOffsetsChanged(groupId);
      initializeStates(this.#options.states, groupId, partitions, epoch, (at) => startOffsets[at]!, (results) => {
        this.#noteInitialized(groupId, partitions, results, () => reply(null, results));
      });
    }, (draft) => {
      const isNew = !draft.state.groups.has(groupId);
      const group = isNew ? new ShareGroup(groupId) : emptyGroup(draft.state, groupId);
      // a later epoch fences what a leader may still write of the offsets before
      draft.put('shareGroup', groupId, '', { epoch: isNew ? group.epoch : group.epoch + 1, metadataHash: group.metadataHash });
      beginInitializing(draft, shareGroupOf(draft.state, groupId)!, partitions);
      return shareGroupOf(draft.state, groupId)!.epoch;
    });
  }

  /** DeleteShareGroupOffsets, for a group without members; one result a topic. */
  deleteOffsets(groupId: string, topicIds: readonly Uuid[], reply: (error: KafkaError | null, results: readonly ChangeResult[]) => void): void {
    this.#decide<TopicPartition[]>(groupId, (error, partitions) => {
      if (error !== null || partitions === null) return reply(error, []);
      this.#options.onOffsetsChanged(groupId);
      this.#deleteStates(groupId, partitions, (failed) => {
        this.#decide<null>(groupId, (writeError) => reply(writeError, topicIds.map((topicId) => deletionOf(topicId, partitions, failed))), (draft) => {
          const group = shareGroupOf(draft.state, groupId);
          if (group !== undefined) this.#forget(draft, group, new Set(topicIds.filter((topicId) => !failed.has(topicId))));
          return null;
        });
      });
    }, (draft) => {
      const group = emptyGroup(draft.state, groupId);
      const wanted = new Set(topicIds);
      const { statePartitions } = group;
      const deleting = [...statePartitions.initialized].filter(([topicId]) => wanted.has(topicId)).map(([topicId, { name }]) => [topicId, name] as const);
      if (deleting.length > 0) put(draft, group, { ...statePartitions, deleting: new Map([...statePartitions.deleting, ...deleting]) });
      return initializedPartitions(group).filter(({ topicId }) => wanted.has(topicId));
    });
  }

  #forget(draft: Draft, group: ShareGroup, topicIds: ReadonlySet<Uuid>): void {
    const { initializing, initialized, deleting } = group.statePartitions;
    const isKept = ([topicId]: readonly [Uuid, unknown]): boolean => !topicIds.has(topicId);
    put(draft, group, { initializing: new Map([...initializing].filter(isKept)), initialized: new Map([...initialized].filter(isKept)), deleting: new Map([...deleting].filter(isKept)) });
  }

  /** DeleteGroups: the group without members, with all that the share coordinator keeps of it. */
  deleteGroup(groupId: string, reply: (errorCode: number) => void): void {
    this.#decide<TopicPartition[]>(groupId, (error, partitions) => {
      if (error !== null || partitions === null) return reply(error?.code ?? ErrorCode.UNKNOWN_SERVER_ERROR);
      this.#options.onOffsetsChanged(groupId);
      this.#deleteStates(groupId, partitions, (failed) => {
        const [failure] = failed.values();
        if (failure !== undefined) return reply(failure);
        this.#decide<null>(groupId, (writeError) => reply(writeError?.code ?? ErrorCode.NONE), (draft) => {
          for (const change of emptyGroup(draft.state, groupId).tombstones()) draft.change(change);
          return null;
        });
      });
    }, (draft) => initializedPartitions(emptyGroup(draft.state, groupId)));
  }

  /** `done` hears which topics failed, and with which code. A topic that is gone has no state either. */
  #deleteStates(groupId: string, partitions: readonly TopicPartition[], done: (failed: ReadonlyMap<Uuid, number>) => void): void {
    const failed = new Map<Uuid, number>();
    let left = partitions.length;
    if (left === 0) return done(failed);
    for (const { topicId, partition } of partitions) {
      this.#options.states.delete({ groupId, topicId, partition }, ({ errorCode }) => {
        if (errorCode !== ErrorCode.NONE && errorCode !== ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) failed.set(topicId, coordinatorError(errorCode));
        if (--left === 0) done(failed);
      });
    }
  }

  /** A number: why there is none to ask. */
  find(groupId: string): ShareGroup | number {
    const shard = this.#options.shardOf(groupId);
    const state = shard.current;
    if (state === null) return shard.unavailable();
    return shareGroupOf(state, groupId) ?? ErrorCode.GROUP_ID_NOT_FOUND;
  }
}

/** Initialized already by an attempt whose end was not noted, or just now. */
const isThere = (errorCode: number): boolean => errorCode === ErrorCode.NONE || errorCode === ErrorCode.FENCED_STATE_EPOCH;

function emptyGroup(state: GroupState, groupId: string): ShareGroup {
  const group = shareGroupOf(state, groupId);
  if (group === undefined) throw new KafkaError(ErrorCode.GROUP_ID_NOT_FOUND, `Group ${groupId} not found.`);
  if (!group.isEmpty) throw new KafkaError(ErrorCode.NON_EMPTY_GROUP, 'The group is not empty.');
  return group;
}

function deletionOf(topicId: Uuid, partitions: readonly TopicPartition[], failed: ReadonlyMap<Uuid, number>): ChangeResult {
  const errorCode = failed.get(topicId);
  if (errorCode !== undefined) return { errorCode, message: null };
  const isKnown = partitions.some((partition) => partition.topicId === topicId);
  return isKnown ? FINE : { errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: 'There is no offset information to delete.' };
}
