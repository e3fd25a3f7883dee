/**
 * The group coordinator: finds the shard of a group, runs the request on it, and answers when what it changed is kept. Holds no policy; that is in
 * classic/ and offsets/.
 */
import type { Ports } from '../../base/ports.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import type { DescribedGroup } from '../../protocol/generated/consumerGroupDescribe.ts';
import type { ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse } from '../../protocol/generated/consumerGroupHeartbeat.ts';
import type { HeartbeatRequest } from '../../protocol/generated/heartbeat.ts';
import type { JoinGroupRequest } from '../../protocol/generated/joinGroup.ts';
import type { MemberIdentity, MemberResponse } from '../../protocol/generated/leaveGroup.ts';
import type { OffsetCommitRequest, OffsetCommitResponseTopic } from '../../protocol/generated/offsetCommit.ts';
import type { OffsetFetchResponseTopics } from '../../protocol/generated/offsetFetch.ts';
import type { DescribedGroup as DescribedStreamsGroup } from '../../protocol/generated/streamsGroupDescribe.ts';
import type { StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse } from '../../protocol/generated/streamsGroupHeartbeat.ts';
import type { SyncGroupRequest } from '../../protocol/generated/syncGroup.ts';
import type { TxnOffsetCommitRequest } from '../../protocol/generated/txnOffsetCommit.ts';
import { coordinatorError, CoordinatorRuntime } from '../coordinator.ts';
import type { CoordinatorShard } from '../coordinator.ts';
import type { BatchTransaction, CoordinatorLog } from '../contract.ts';
import type { GroupClient } from './classic/join.ts';
import type { JoinReply, SyncReply } from './classic/member.ts';
import { joinError, syncError } from './classic/replies.ts';
import { beat, join, leave, sync } from './classicRequests.ts';
import { describeConsumerGroup } from './consumer/describe.ts';
import { consumerHeartbeat } from './consumer/heartbeat.ts';
import { describeGroup, listGroups } from './describe.ts';
import type { GroupDescription, GroupFilter, GroupListing } from './describe.ts';
import type { ClusterView } from './cluster.ts';
import type { Draft } from './draft.ts';
import { groupMachine } from './machine.ts';
import { decideFor } from './modern/decide.ts';
import type { Reply } from './modern/decide.ts';
import { commitOffsets } from './offsets/commit.ts';
import { commitTransactionalOffsets } from './offsets/transactions.ts';
import { fetchAllOffsets, fetchOffsets } from './offsets/fetch.ts';
import type { FetchedTopic } from './offsets/fetch.ts';
import { checkGroupDelete, checkOffsetDelete, deleteGroup, deleteOffsets } from './offsets/remove.ts';
import { partitionFor } from './partition.ts';
import { describeStreamsGroup } from './streams/describe.ts';
import { streamsHeartbeat } from './streams/heartbeat.ts';
import type { StreamsHeartbeat } from './streams/heartbeat.ts';
import { mayMakeAll } from './streams/internalTopics.ts';
import type { MakeTopics } from './streams/internalTopics.ts';
import type { GroupChange } from './records.ts';
import { Retention, writeAll } from './retention.ts';
import type { GroupSettings } from './settings.ts';
import type { ShareGroups } from './share/shareGroups.ts';
import type { GroupState } from './state.ts';

export type GroupRuntime = CoordinatorRuntime<GroupState, GroupChange>;
export type GroupShard = CoordinatorShard<GroupState, GroupChange>;

export interface GroupCoordinatorOptions {
  readonly log: CoordinatorLog;
  /** Asked anew for each request: settings may change while running. */
  readonly settings: () => GroupSettings;
  readonly ports: Ports;
  readonly cluster: ClusterView;
  /** Makes the topics that a Streams application needs; nothing is made without it. */
  readonly makeTopics?: MakeTopics;
  /** Runs a task when the present turn is over, so that commits of many connections share one append; the next microtask if not given. */
  readonly defer?: (task: () => void) => void;
}

/** Kafka's `group.coordinator.cached.buffer.max.bytes`; a batch of this size passes every default limit of a topic. */
const BATCH_BYTES_MAX = 1_000_000;
const LOAD_RETRY_MS = 5_000;

/** Who asks for offsets; a negative epoch: anybody. */
export interface OffsetReader {
  readonly memberId: string | null;
  readonly memberEpoch: number;
}

const ANYBODY: OffsetReader = { memberId: null, memberEpoch: -1 };

export interface OffsetDeletion {
  /** Of the whole request. */
  readonly errorCode: number;
  /** Topics that the group is subscribed to keep their offsets. */
  readonly subscribed: ReadonlySet<string>;
}

export class GroupCoordinator {
  readonly cluster: ClusterView;
  private readonly makeTopics: MakeTopics;
  private readonly runtime: GroupRuntime;
  private readonly settingsNow: () => GroupSettings;
  private readonly retention: Retention;
  private shareGroups: ShareGroups | null = null;

  constructor({ log, settings, ports, cluster, makeTopics = () => undefined, defer = queueMicrotask }: GroupCoordinatorOptions) {
    this.makeTopics = makeTopics;
    this.cluster = cluster;
    this.settingsNow = settings;
    const machine = groupMachine({ settings, random: ports.random, cluster });
    const onActive = (state: GroupState): void => {
      machine.onActive(state);
      this.shareGroups?.onShardActive(state);
      this.retention.onShardActive(state.host.partition);
    };
    this.runtime = new CoordinatorRuntime({ ...machine, onActive }, log, ports, {
      get commitTimeoutMs(): number {
        return settings().commitTimeoutMs;
      },
      batchBytesMax: BATCH_BYTES_MAX,
      pendingWritesMax: settings().pendingWritesMax,
      loadRetryMs: LOAD_RETRY_MS,
      defer,
    });
    this.retention = new Retention(this.runtime, ports.clock, () => settings().retentionCheckIntervalMs);
  }

  /** As they are now. */
  get settings(): GroupSettings {
    return this.settingsNow();
  }

  /** Which partition of `__consumer_offsets` keeps the group. */
  partitionFor(groupId: string): number {
    return partitionFor(groupId, this.runtime.log.partitionCount);
  }

  /** This node leads the partition now: its groups are loaded. */
  onElected(partition: number): void {
    this.runtime.onElected(partition);
  }

  /** Another node leads the partition now: everybody who waits is sent there. */
  onResigned(partition: number): void {
    this.runtime.onResigned(partition);
  }

  /** Forgets what was committed for these topics, on all partitions that this node leads. */
  onTopicsDeleted(topicNames: readonly string[]): void {
    this.retention.dropTopics(topicNames);
  }

  close(): void {
    this.retention.close();
    this.runtime.close();
  }

  /** Share groups keep their offsets elsewhere: whoever does that hears of shards that are loaded, and ends them. Before anything else. */
  serveShareGroups(shareGroups: ShareGroups): void {
    this.shareGroups = shareGroups;
  }

  /** Where the group is kept; a shard that is not active says why. */
  shardOf(groupId: string): GroupShard {
    return this.runtime.shard(this.partitionFor(groupId));
  }

  join(request: JoinGroupRequest, client: GroupClient, reply: JoinReply): void {
    const { groupId, memberId, sessionTimeoutMs } = request;
    const { sessionTimeoutMsMin, sessionTimeoutMsMax } = this.settingsNow();
    if (groupId === '') return reply(joinError(memberId, ErrorCode.INVALID_GROUP_ID));
    if (sessionTimeoutMs < sessionTimeoutMsMin || sessionTimeoutMs > sessionTimeoutMsMax) {
      return reply(joinError(memberId, ErrorCode.INVALID_SESSION_TIMEOUT));
    }
    const errorCode = this.shardOf(groupId).submit((state) => join(state, request, client, reply));
    if (errorCode !== ErrorCode.NONE) reply(joinError(memberId, errorCode));
  }

  sync(request: SyncGroupRequest, reply: SyncReply): void {
    if (request.groupId === '') return reply(syncError(ErrorCode.INVALID_GROUP_ID));
    const errorCode = this.shardOf(request.groupId).submit((state) => sync(state, request, reply));
    if (errorCode !== ErrorCode.NONE) reply(syncError(errorCode));
  }

  /** Returns the error code. A group that is being loaded is taken to be alive. */
  heartbeat(request: HeartbeatRequest): number {
    if (request.groupId === '') return ErrorCode.INVALID_GROUP_ID;
    const shard = this.shardOf(request.groupId);
    if (shard.current !== null) return beat(shard.current, request);
    const errorCode = shard.unavailable();
    return errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS ? ErrorCode.NONE : errorCode;
  }

  leave(groupId: string, members: readonly MemberIdentity[], reply: (errorCode: number, members: readonly MemberResponse[]) => void): void {
    if (groupId === '') return reply(ErrorCode.INVALID_GROUP_ID, []);
    const errorCode = this.shardOf(groupId).submit((state) => leave(state, groupId, members, reply));
    if (errorCode !== ErrorCode.NONE) reply(errorCode, []);
  }

  /** ConsumerGroupHeartbeat. */
  consumerHeartbeat(request: ConsumerGroupHeartbeatRequest, client: GroupClient, reply: Reply<ConsumerGroupHeartbeatResponse>): void {
    this.decide(request.groupId, reply, (draft) => consumerHeartbeat(draft, request, client));
  }

  /** StreamsGroupHeartbeat. */
  streamsHeartbeat(request: StreamsGroupHeartbeatRequest, client: GroupClient, reply: Reply<StreamsGroupHeartbeatResponse>): void {
    const answer: Reply<StreamsHeartbeat> = (error, beat) => {
      if (beat !== null && beat.missingTopics.length > 0 && mayMakeAll(beat, client)) this.makeTopics(beat.missingTopics);
      reply(error, beat?.response ?? null);
    };
    this.decide(request.groupId, answer, (draft) => streamsHeartbeat(draft, request, client));
  }

  describeStreams(groupId: string): DescribedStreamsGroup | number {
    return this.look(groupId, (state) => describeStreamsGroup(state, groupId));
  }

  /** Runs a decision about one group, and answers when what it changed is kept. */
  decide<Response>(groupId: string, reply: Reply<Response>, run: (draft: Draft) => Response): void {
    const errorCode = this.shardOf(groupId).submit((state) => decideFor(state, reply, run));
    if (errorCode !== ErrorCode.NONE) reply(new KafkaError(errorCode), null);
  }

  /** Looks at one group; an error code when it cannot be asked for. */
  look<Result>(groupId: string, at: (state: GroupState) => Result): Result | number {
    const shard = this.shardOf(groupId);
    return shard.current === null ? shard.unavailable() : at(shard.current);
  }

  describeConsumer(groupId: string): DescribedGroup | number {
    return this.look(groupId, (state) => describeConsumerGroup(state, groupId));
  }

  /** Topics of the request are known to exist, and carry both name and id. On an error of the whole request `topics` is empty. */
  commit(request: OffsetCommitRequest, apiVersion: number, reply: (errorCode: number, topics: OffsetCommitResponseTopic[]) => void): void {
    const errorCode = this.shardOf(request.groupId).submit((state) => {
      const commit = commitOffsets(state, request, apiVersion);
      if (commit.changes.length === 0) {
        reply(commit.errorCode, commit.topics);
        return null;
      }
      const settle = (writeError: number): void => reply(coordinatorError(writeError), writeError === ErrorCode.NONE ? commit.topics : []);
      return { changes: commit.changes, settle };
    });
    if (errorCode !== ErrorCode.NONE) reply(errorCode, []);
  }

  /** As `commit`; the offsets take effect with the marker of `transaction`, which is ongoing and has this partition. */
  commitTransactional(
    request: TxnOffsetCommitRequest, apiVersion: number, transaction: BatchTransaction, reply: (errorCode: number, topics: OffsetCommitResponseTopic[]) => void,
  ): void {
    const errorCode = this.shardOf(request.groupId).submit((state) => {
      const commit = commitTransactionalOffsets(state, request, apiVersion);
      if (commit.changes.length === 0) {
        reply(commit.errorCode, commit.topics);
        return null;
      }
      const settle = (writeError: number): void => reply(coordinatorError(writeError), writeError === ErrorCode.NONE ? commit.topics : []);
      return { changes: commit.changes, transaction, settle };
    });
    if (errorCode !== ErrorCode.NONE) reply(errorCode, []);
  }

  /** Writes the marker of a transaction into a partition of `__consumer_offsets`. */
  endTransaction(partition: number, transaction: BatchTransaction & { readonly marker: object }, done: (errorCode: number) => void): void {
    if (partition >= this.runtime.log.partitionCount) return done(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    const errorCode = this.runtime.shard(partition).endTransaction(transaction, done);
    if (errorCode !== ErrorCode.NONE) done(errorCode);
  }

  /**
   * Waits for commits that are on their way, so that no offset is given out that may be taken back. Null topics: all. `requireStable`: no offset that
   * an open transaction may change either.
   */
  fetch(
    groupId: string, topics: readonly FetchedTopic[] | null, requireStable: boolean, reply: (errorCode: number, topics: OffsetFetchResponseTopics[]) => void,
    member: OffsetReader = ANYBODY,
  ): void {
    const shard = this.shardOf(groupId);
    const answer = (state: GroupState): void =>
      reply(ErrorCode.NONE, topics === null ? fetchAllOffsets(state, groupId, requireStable) : fetchOffsets(state, groupId, topics, requireStable));
    const errorCode = shard.submit((state) => {
      const memberError = state.groups.get(groupId)?.fetchError(member.memberId, member.memberEpoch) ?? ErrorCode.NONE;
      if (memberError !== ErrorCode.NONE) return reply(memberError, []), null;
      if (shard.hasPendingWrites) return { changes: [], settle: (writeError) => (writeError === ErrorCode.NONE ? answer(state) : reply(fetchError(writeError), [])) };
      answer(state);
      return null;
    });
    if (errorCode !== ErrorCode.NONE) reply(errorCode, []);
  }

  deleteOffsets(groupId: string, topics: ReadonlyMap<string, readonly number[]>, reply: (deletion: OffsetDeletion) => void): void {
    const refuse = (errorCode: number): void => reply({ errorCode, subscribed: new Set() });
    if (groupId === '') return refuse(ErrorCode.INVALID_GROUP_ID);
    const shard = this.shardOf(groupId);
    const errorCode = shard.submit((state) => {
      const group = state.groups.get(groupId);
      const groupError = checkOffsetDelete(group);
      if (groupError !== ErrorCode.NONE) return refuse(groupError), null;
      const subscribed = new Set([...topics.keys()].filter((topic) => group!.isSubscribedTo(topic)));
      const changes: GroupChange[] = [];
      for (const [topic, partitions] of topics) if (!subscribed.has(topic)) changes.push(...deleteOffsets(state, groupId, topic, partitions));
      writeAll(shard, changes, (writeError) => reply({ errorCode: coordinatorError(writeError), subscribed }));
      return null;
    });
    if (errorCode !== ErrorCode.NONE) refuse(errorCode);
  }

  deleteGroup(groupId: string, reply: (errorCode: number) => void): void {
    const shard = this.shardOf(groupId);
    const errorCode = shard.submit((state) => {
      const group = state.groups.get(groupId);
      const groupError = checkGroupDelete(group);
      if (group?.type === 'share' && groupError === ErrorCode.NONE && this.shareGroups !== null) this.shareGroups.deleteGroup(groupId, reply);
      else if (group !== undefined && groupError === ErrorCode.NONE) writeAll(shard, deleteGroup(state, group), (writeError) => reply(coordinatorError(writeError)));
      else reply(groupError);
      return null;
    });
    if (errorCode !== ErrorCode.NONE) reply(errorCode);
  }

  /** Null with an error code when the group cannot be asked for. */
  describe(groupId: string): GroupDescription | number {
    return this.look(groupId, (state) => describeGroup(state, groupId));
  }

  /** The groups of all partitions that this node leads; an error code while one of them is not ready. */
  list(filter: GroupFilter): GroupListing[] | number {
    const listed: GroupListing[] = [];
    for (let partition = 0; partition < this.runtime.log.partitionCount; partition++) {
      const shard = this.runtime.shard(partition);
      const errorCode = shard.unavailable();
      if (errorCode === ErrorCode.NOT_COORDINATOR) continue;
      if (errorCode !== ErrorCode.NONE) return errorCode;
      if (shard.current !== null) listed.push(...listGroups(shard.current, filter));
    }
    return listed;
  }
}

/** Older consumers look for the coordinator again only after this. */
function fetchError(errorCode: number): number {
  const told = coordinatorError(errorCode);
  return told === ErrorCode.COORDINATOR_NOT_AVAILABLE ? ErrorCode.NOT_COORDINATOR : told;
}
