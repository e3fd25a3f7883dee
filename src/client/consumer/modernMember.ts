import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import {
  makeConsumerGroupHeartbeatRequest, makeConsumerGroupHeartbeatRequestTopicPartitions, readConsumerGroupHeartbeatResponse, writeConsumerGroupHeartbeatRequest, type ConsumerGroupHeartbeatRequest, type ConsumerGroupHeartbeatResponse,
} from '../../protocol/generated/consumerGroupHeartbeat.ts';
import type { Uuid } from '../../protocol/types.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';
import type { GroupIdentity } from '../producer/transaction.ts';
import type { Assignment } from './assignor.ts';
import { commitOffsets, fetchCommitted, type CommittedOffset, type OffsetToCommit } from './groupOffsets.ts';
import { MemberLife, rebalanced } from './memberLife.ts';
import { difference, isEmptyAssignment, type AssignmentHost, type GroupOptions, type Membership } from './membership.ts';

const heartbeatApi = { apiKey: ApiKey.ConsumerGroupHeartbeat, versionMax: 1, write: writeConsumerGroupHeartbeatRequest, read: readConsumerGroupHeartbeatResponse } as const;

const JOINING = 0;
const LEAVING = -1;
const LEAVING_FOR_A_WHILE = -2;
const MEMBER_ID_BYTES = 16;
const FIRST_INTERVAL_MS = 1000;

type TopicIds = readonly { readonly topicId: Uuid; readonly partitions: readonly number[] }[];

/** A member of a group whose coordinator assigns the partitions (KIP-848). It moves from what it has to what it should have in small steps. */
export class ModernMember implements Membership {
  readonly #cluster: Cluster;
  readonly #options: GroupOptions;
  readonly #rackId: string | null;
  readonly #assignor: string | null;
  readonly #life: MemberLife;
  #memberId: string;
  #epoch = JOINING;
  #intervalMs = FIRST_INTERVAL_MS;
  #topics: readonly string[] = [];
  /** What the coordinator wants us to have; null: not told. */
  #target: TopicIds | null = null;
  /** What we told the coordinator that we have. */
  #reported: Assignment = new Map();
  #isLost = false;
  #isDue = true;
  #isFull = true;
  onWork: (() => void) | null = null;

  constructor(cluster: Cluster, options: GroupOptions, assignor: string | null = null, rackId: string | null = null) {
    this.#cluster = cluster;
    this.#options = options;
    this.#assignor = assignor;
    this.#rackId = rackId;
    this.#memberId = Buffer.from(cluster.options.random.bytes(MEMBER_ID_BYTES)).toString('base64url');
    const intervalMs = (): number => this.#intervalMs;
    this.#life = new MemberLife(cluster, options, {
      goesOn: true, beat: () => this.#keepAlive(), leaveIdle: () => this.#leaveIdle(),
      get intervalMs() {
        return intervalMs();
      },
    });
  }

  get needsWork(): boolean {
    return this.#isDue;
  }

  get isLeader(): boolean {
    return false;
  }

  get identity(): GroupIdentity {
    const { groupId, instanceId } = this.#options;
    return { groupId, generationId: this.#epoch, memberId: this.#memberId, instanceId: instanceId ?? null };
  }

  onPoll(): void {
    this.#life.onPoll();
  }

  requestRejoin(): void {
    this.#isFull = true;
    this.#setDue();
  }

  async work(topics: readonly string[], host: AssignmentHost): Promise<void> {
    this.#topics = topics;
    if (this.#isLost) {
      this.#isLost = false;
      this.#reported = new Map();
      await host.lose(host.owned());
    }
    this.#life.stop();
    try {
      if (this.#target === null || this.#isFull) this.#accept(await this.#beat());
      await this.#reconcile(host);
      this.#isDue = false;
    } finally {
      this.#life.schedule();
    }
  }

  commit(offsets: readonly OffsetToCommit[]): Promise<void> {
    return commitOffsets(this.#life.coordinator, this.identity, offsets, (code, where) => this.#check(code, where));
  }

  committed(assignment: Assignment, isStable: boolean): Promise<Map<string, CommittedOffset>> {
    return fetchCommitted(this.#life.coordinator, this.#options.groupId, assignment, isStable);
  }

  async leave(): Promise<void> {
    await this.#life.close(() => this.#leave());
  }

  async #leave(): Promise<void> {
    if (this.#epoch === JOINING) return;
    const memberEpoch = this.#options.instanceId === undefined ? LEAVING : LEAVING_FOR_A_WHILE;
    this.#epoch = JOINING;
    await this.#life.coordinator.ask(heartbeatApi, this.#who({ memberEpoch }), { channel: 'main' });
  }

  /** Lets go first, says so, and takes what is new. */
  async #reconcile(host: AssignmentHost): Promise<void> {
    const target = await this.#named(this.#target ?? []);
    const gone = difference(host.owned(), target);
    if (!isEmptyAssignment(gone)) await host.revoke(gone);
    const added = difference(target, host.owned());
    await host.assign(added);
    const isReported = isEmptyAssignment(difference(target, this.#reported)) && isEmptyAssignment(difference(this.#reported, target));
    if (isReported) return;
    this.#reported = target;
    this.#accept(await this.#beat(target));
  }

  #accept(answer: ConsumerGroupHeartbeatResponse): void {
    this.#check(answer.errorCode, answer.errorMessage ?? undefined);
    if (answer.memberId !== null && answer.memberId !== '') this.#memberId = answer.memberId;
    this.#epoch = answer.memberEpoch;
    this.#intervalMs = Math.max(answer.heartbeatIntervalMs, 1);
    this.#isFull = false;
    if (answer.assignment !== null) {
      this.#target = answer.assignment.topicPartitions;
      this.#setDue();
    }
  }

  async #beat(owned: Assignment | null = null): Promise<ConsumerGroupHeartbeatResponse> {
    const isJoining = this.#epoch === JOINING;
    const isFull = isJoining || this.#isFull;
    const topicPartitions = (isJoining ? [] : owned === null ? null : [...owned].map(([topic, partitions]) =>
      makeConsumerGroupHeartbeatRequestTopicPartitions({ topicId: this.#cluster.topicIdOf(topic), partitions: [...partitions] })));
    const { instanceId, maxPollIntervalMs } = this.#options;
    const details = isFull ? { instanceId: instanceId ?? null, rackId: this.#rackId, rebalanceTimeoutMs: maxPollIntervalMs, subscribedTopicNames: [...this.#topics].sort(), serverAssignor: this.#assignor } : {};
    return this.#life.coordinator.ask(heartbeatApi, this.#who({ ...details, topicPartitions }), { channel: 'main' });
  }

  #who(fields: Partial<ConsumerGroupHeartbeatRequest>): ConsumerGroupHeartbeatRequest {
    const { groupId, instanceId } = this.#options;
    return makeConsumerGroupHeartbeatRequest({
      groupId, memberId: this.#memberId, memberEpoch: this.#epoch, instanceId: instanceId ?? null, rebalanceTimeoutMs: -1, subscribedTopicNames: null, topicPartitions: null, ...fields,
    });
  }

  /** Topics are assigned by id. One that nobody can name yet is left out until the next round. */
  async #named(target: TopicIds): Promise<Map<string, number[]>> {
    const isKnown = target.every(({ topicId }) => this.#cluster.topicNameOf(topicId) !== null);
    if (!isKnown) await this.#cluster.metadata(this.#topics);
    const named = new Map<string, number[]>();
    for (const { topicId, partitions } of target) {
      const topic = this.#cluster.topicNameOf(topicId);
      if (topic === null) this.#cluster.options.logger.debug('a topic that was assigned is not known yet', { topicId });
      else named.set(topic, [...partitions]);
    }
    return named;
  }

  #check(code: number, where?: string): void {
    switch (code) {
      case ErrorCode.NONE:
        return;
      case ErrorCode.UNKNOWN_MEMBER_ID:
      case ErrorCode.FENCED_MEMBER_EPOCH:
        this.#lose();
        break;
      case ErrorCode.STALE_MEMBER_EPOCH:
        this.#setDue();
        break;
      case ErrorCode.UNRELEASED_INSTANCE_ID:
        throw new ClientError('INVALID_STATE', `group.instance.id ${this.#options.instanceId} is in use by another member of group ${this.#options.groupId}`);
      default:
        this.#life.fail(code, where);
    }
    throw rebalanced(code);
  }

  #lose(): void {
    this.#isLost = true;
    this.#epoch = JOINING;
    this.#target = null;
    this.requestRejoin();
  }

  #setDue(): void {
    this.#isDue = true;
    this.onWork?.();
  }

  async #leaveIdle(): Promise<void> {
    await this.#leave();
    this.#lose();
  }

  async #keepAlive(): Promise<void> {
    if (this.#epoch !== JOINING) this.#accept(await this.#beat());
  }
}
