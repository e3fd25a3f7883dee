import type { Timer } from '../../base/ports.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeShareGroupHeartbeatRequest, readShareGroupHeartbeatResponse, writeShareGroupHeartbeatRequest } from '../../protocol/generated/shareGroupHeartbeat.ts';
import { Coordinator, CoordinatorKind, isCoordinatorLost } from '../core/coordinators.ts';
import type { Cluster } from '../core/cluster.ts';
import { isRetriableError } from '../core/wait.ts';

const heartbeatApi = { apiKey: ApiKey.ShareGroupHeartbeat, versionMax: 1, write: writeShareGroupHeartbeatRequest, read: readShareGroupHeartbeatResponse } as const;

const JOINING = 0;
const LEAVING = -1;
const MEMBER_ID_BYTES = 16;
const FIRST_INTERVAL_MS = 1000;

export interface SharePartition {
  readonly topicId: string;
  readonly partition: number;
}

/** A member of a share group: the coordinator says which partitions it takes records from; nothing is owned, so nothing must be given up. */
export class ShareMember {
  readonly #cluster: Cluster;
  readonly #groupId: string;
  readonly #rackId: string | null;
  readonly #coordinator: Coordinator;
  readonly memberId: string;
  readonly #onChange: () => void;
  #epoch = JOINING;
  #intervalMs = FIRST_INTERVAL_MS;
  #topics: readonly string[] = [];
  #isFull = true;
  #timer: Timer | null = null;
  #isClosed = false;
  #beating: Promise<void> | null = null;
  assignment: readonly SharePartition[] = [];
  failure: Error | null = null;

  constructor(cluster: Cluster, groupId: string, rackId: string | null, onChange: () => void) {
    this.#cluster = cluster;
    this.#groupId = groupId;
    this.#rackId = rackId;
    this.#onChange = onChange;
    this.#coordinator = new Coordinator(cluster, CoordinatorKind.group, groupId);
    this.memberId = Buffer.from(cluster.options.random.bytes(MEMBER_ID_BYTES)).toString('base64url');
  }

  subscribe(topics: readonly string[]): void {
    this.#topics = topics;
    this.#isFull = true;
    this.#beatSoon(0);
  }

  get topics(): readonly string[] {
    return this.#topics;
  }

  /** Ends the membership; the timer stops. */
  async leave(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.cancel();
    await this.#beating;
    if (this.#epoch === JOINING) return;
    await this.#coordinator.ask(heartbeatApi, makeShareGroupHeartbeatRequest({ groupId: this.#groupId, memberId: this.memberId, memberEpoch: LEAVING, subscribedTopicNames: null }), { channel: 'main' });
  }

  #beatSoon(delayMs: number): void {
    if (this.#isClosed) return;
    this.#timer?.cancel();
    this.#timer = this.#cluster.options.clock.setTimer(delayMs, () => {
      this.#beating ??= this.#beat().finally(() => {
        this.#beating = null;
      });
    });
  }

  async #beat(): Promise<void> {
    let delayMs = this.#intervalMs;
    const isFull = this.#isFull || this.#epoch === JOINING;
    this.#isFull = false;
    try {
      const body = makeShareGroupHeartbeatRequest({
        groupId: this.#groupId, memberId: this.memberId, memberEpoch: this.#epoch, rackId: isFull ? this.#rackId : null, subscribedTopicNames: isFull ? [...this.#topics].sort() : null,
      });
      const answer = await this.#coordinator.ask(heartbeatApi, body, { channel: 'main' });
      if (answer.errorCode === ErrorCode.UNKNOWN_MEMBER_ID || answer.errorCode === ErrorCode.FENCED_MEMBER_EPOCH) {
        this.#epoch = JOINING;
        this.#take([]);
        delayMs = 0;
      } else {
        if (isCoordinatorLost(answer.errorCode)) this.#coordinator.forget();
        if (answer.errorCode !== ErrorCode.NONE) throw new KafkaError(answer.errorCode, answer.errorMessage);
        this.#epoch = answer.memberEpoch;
        delayMs = this.#intervalMs = Math.max(answer.heartbeatIntervalMs, 1);
        if (answer.assignment !== null) this.#take(answer.assignment.topicPartitions.flatMap(({ topicId, partitions }) => partitions.map((partition) => ({ topicId, partition }))));
      }
    } catch (error) {
      this.#isFull ||= isFull;
      delayMs = Math.min(this.#intervalMs, this.#cluster.options.retryBackoffMaxMs);
      if (!isRetriableError(error) && !this.#isClosed) {
        this.failure = error as Error;
        this.#onChange();
        return;
      }
      this.#cluster.options.logger.debug('share group heartbeat failed', { error: (error as Error).message });
    }
    this.#beatSoon(delayMs);
  }

  #take(assignment: readonly SharePartition[]): void {
    this.assignment = assignment;
    this.#onChange();
  }
}
