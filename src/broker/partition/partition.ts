import type { TopicConfig } from '../../config/types.ts';
import type { PartitionImage } from '../../metadata/types.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { AppendDone, AppendInfo, AppendOptions, Log, LogError, Verification } from '../../storage/types.ts';
import type { Parked, Waiting } from '../waiting.ts';
import type { Traffic } from './traffic.ts';

/** A topic as this broker serves it. */
export interface TopicState {
  readonly name: string;
  readonly id: string;
  readonly internal: boolean;
  config: TopicConfig;
  readonly partitions: Partition[];
  readonly traffic: Traffic;
}

/** Which offsets a reader may see: up to the log's end, the high watermark, or the last stable offset. */
export type Isolation = 'logEnd' | 'uncommitted' | 'committed';

/**
 * One partition on this broker: who leads it, its log, its high watermark and those who wait for it. Lives from the metadata delta that brings it to the
 * one that takes it away.
 */
export class Partition {
  readonly topic: TopicState;
  readonly index: number;
  /** Null until opened, after it was deleted, and when it could not be opened. */
  log: Log | null = null;
  leaderEpoch: number;
  leader: number;
  /** Null or a set of requests parked here; kept by `Waiting`. */
  waiters: Set<Parked> | null = null;
  #image: PartitionImage;
  #deleted = false;
  /** The log could not be opened: its directory or files are at fault. */
  #failed = false;
  readonly #nodeId: number;
  readonly #waiting: Waiting;
  /** One for all appends under this epoch. */
  #clientOptions: AppendOptions;
  #coordinatorOptions: AppendOptions;

  constructor(topic: TopicState, image: PartitionImage, nodeId: number, waiting: Waiting) {
    this.topic = topic;
    this.index = image.index;
    this.leader = image.leader;
    this.leaderEpoch = image.leaderEpoch;
    this.#image = image;
    this.#nodeId = nodeId;
    this.#waiting = waiting;
    this.#clientOptions = { leaderEpoch: image.leaderEpoch, origin: 'client' };
    this.#coordinatorOptions = { leaderEpoch: image.leaderEpoch, origin: 'coordinator' };
  }

  get image(): PartitionImage {
    return this.#image;
  }

  get isLeader(): boolean {
    return this.leader === this.#nodeId && !this.#deleted;
  }

  /** The log, or null while it cannot be used. */
  get onlineLog(): Log | null {
    const log = this.log;
    return log !== null && log.online ? log : null;
  }

  get isOffline(): boolean {
    return this.#failed || (this.log !== null && !this.log.online);
  }

  attach(log: Log): void {
    this.log = log;
    this.#failed = false;
    // The only in-sync replica: all that survived in the log is agreed.
    if (this.isLeader && this.#image.inSyncReplicas.length <= 1) log.highWatermark = log.logEndOffset;
    this.#waiting.wake(this);
  }

  fail(): void {
    this.#failed = true;
    this.#waiting.wake(this);
  }

  detach(): void {
    this.#deleted = true;
    this.log = null;
    this.#waiting.wake(this);
  }

  /** Takes leader, epoch and replicas from the metadata. */
  update(image: PartitionImage): void {
    this.#image = image;
    this.leader = image.leader;
    if (image.leaderEpoch !== this.leaderEpoch) {
      this.leaderEpoch = image.leaderEpoch;
      this.#clientOptions = { leaderEpoch: image.leaderEpoch, origin: 'client' };
      this.#coordinatorOptions = { leaderEpoch: image.leaderEpoch, origin: 'coordinator' };
    }
    this.#waiting.wake(this);
  }

  /** Why this broker cannot serve reads of the partition under the epoch that the client knows (-1: it does not say); 0 when it can. */
  accessError(currentLeaderEpoch: number): number {
    if (this.isOffline) return ErrorCode.KAFKA_STORAGE_ERROR;
    if (!this.isLeader || this.log === null) return ErrorCode.NOT_LEADER_OR_FOLLOWER;
    if (currentLeaderEpoch < 0 || currentLeaderEpoch === this.leaderEpoch) return ErrorCode.NONE;
    return currentLeaderEpoch < this.leaderEpoch ? ErrorCode.FENCED_LEADER_EPOCH : ErrorCode.UNKNOWN_LEADER_EPOCH;
  }

  /** Why a write with these `acks` cannot be taken; 0 when it can. */
  appendError(acks: number): number {
    const error = this.accessError(-1);
    if (error !== ErrorCode.NONE || acks !== -1) return error;
    return this.#image.inSyncReplicas.length < this.#minInSync() ? ErrorCode.NOT_ENOUGH_REPLICAS : ErrorCode.NONE;
  }

  /** As set for the topic, but never more than there are replicas. */
  #minInSync(): number {
    return Math.min(this.topic.config.minInsyncReplicas, this.#image.replicas.length);
  }

  /** Asked for after `appendError` returned 0. `bytes` is borrowed for the call; `done` may come at once. */
  append(bytes: Buffer, origin: 'client' | 'coordinator', done: AppendDone): void {
    this.#append(bytes, origin === 'client' ? this.#clientOptions : this.#coordinatorOptions, done);
  }

  /** The same for a batch or a marker of a transaction. */
  appendOfTransaction(bytes: Buffer, origin: 'client' | 'coordinator', transactionVersion: number, verification: Verification | undefined, done: AppendDone): void {
    const options = { leaderEpoch: this.leaderEpoch, origin, transactionVersion };
    this.#append(bytes, verification === undefined ? options : { ...options, verification }, done);
  }

  #append(bytes: Buffer, options: AppendOptions, done: AppendDone): void {
    const log = this.log!;
    log.append(bytes, options, (error: LogError | null, info: AppendInfo | null) => {
      if (info !== null && !info.duplicate) this.#advance(log, info.lastOffset + 1);
      else if (error !== null && !log.online) this.#waiting.wake(this);
      done(error, info);
    });
  }

  #advance(log: Log, offset: number): void {
    if (this.log !== log || offset <= log.highWatermark) return;
    log.highWatermark = offset;
    this.#waiting.wake(this);
  }

  /** One past the last offset that a reader may see. */
  readLimit(log: Log, isolation: Isolation): number {
    if (isolation === 'uncommitted') return log.highWatermark;
    return isolation === 'committed' ? log.lastStableOffset : log.logEndOffset;
  }

  addWaiter(parked: Parked): void {
    if (this.waiters === null) this.waiters = new Set();
    this.waiters.add(parked);
  }

  removeWaiter(parked: Parked): void {
    this.waiters?.delete(parked);
  }
}
