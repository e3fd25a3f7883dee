/**
 * The share coordinator (KIP-932): keeps the state of share partitions in `__share_group_state` for the brokers that lead them. Holds no policy; that is
 * in machine.ts.
 */
import type { Ports } from '../../../base/ports.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import type { CoordinatorLog } from '../../contract.ts';
import { coordinatorError, CoordinatorRuntime } from '../../coordinator.ts';
import type { CoordinatorShard } from '../../coordinator.ts';
import { partitionFor } from '../../groups/partition.ts';
import type { StateBatch } from '../partition/inFlight.ts';
import { decideDelete, decideInitialize, decideRead, decideWrite, shareMachine } from './machine.ts';
import type { Decision, ShareShardState, StateWrite } from './machine.ts';
import { Pruning } from './pruning.ts';
import type { PrunableLog } from './pruning.ts';
import { coordinatorKey } from './records.ts';
import type { ShareChange, SharePartitionKey } from './records.ts';

export interface ShareCoordinatorSettings {
  /** `share.coordinator.snapshot.update.records.per.snapshot` */
  readonly updatesPerSnapshot: number;
  /** `share.coordinator.write.timeout.ms` */
  readonly writeTimeoutMs: number;
  /** `share.coordinator.state.topic.prune.interval.ms` */
  readonly pruneIntervalMs: number;
  /** `share.coordinator.cached.buffer.max.bytes` */
  readonly batchBytesMax: number;
}

export interface ShareCoordinatorOptions {
  readonly log: CoordinatorLog & PrunableLog;
  readonly settings: ShareCoordinatorSettings;
  readonly ports: Ports;
  readonly hasPartition: (topicId: string, partition: number) => boolean;
  /** Runs a task when the present turn is over, so that writes of many share partitions meet in one append. */
  readonly defer: (task: () => void) => void;
}

export interface StateOutcome {
  readonly errorCode: number;
  readonly message: string | null;
}

export interface StateRead extends StateOutcome {
  readonly stateEpoch: number;
  /** -1: not decided yet. */
  readonly startOffset: number;
  readonly batches: readonly StateBatch[];
}

export interface StateSummary extends StateOutcome {
  readonly stateEpoch: number;
  readonly leaderEpoch: number;
  /** -1: nothing is kept, or not decided yet. */
  readonly startOffset: number;
  /** -1: not known. */
  readonly deliveryCompleteCount: number;
}

type Shard = CoordinatorShard<ShareShardState, ShareChange>;
type Done = (outcome: StateOutcome) => void;

const LOAD_RETRY_MS = 5_000;
const PENDING_WRITES_MAX = 50_000;
const FINE: StateOutcome = { errorCode: ErrorCode.NONE, message: null };

export class ShareCoordinator {
  readonly #runtime: CoordinatorRuntime<ShareShardState, ShareChange>;
  readonly #settings: ShareCoordinatorSettings;
  readonly #hasPartition: (topicId: string, partition: number) => boolean;
  readonly #pruning: Pruning;

  constructor({ log, settings, ports, hasPartition, defer }: ShareCoordinatorOptions) {
    this.#settings = settings;
    this.#hasPartition = hasPartition;
    this.#runtime = new CoordinatorRuntime(shareMachine, log, ports, {
      commitTimeoutMs: settings.writeTimeoutMs,
      get batchBytesMax(): number {
        return settings.batchBytesMax;
      },
      pendingWritesMax: PENDING_WRITES_MAX,
      loadRetryMs: LOAD_RETRY_MS,
      defer,
    });
    this.#pruning = new Pruning(this.#runtime, log, ports, settings.pruneIntervalMs);
  }

  /** Which partition of `__share_group_state` keeps it. */
  partitionFor(key: SharePartitionKey): number {
    return partitionFor(coordinatorKey(key), this.#runtime.log.partitionCount);
  }

  onElected(partition: number): void {
    this.#runtime.onElected(partition);
  }

  onResigned(partition: number): void {
    this.#runtime.onResigned(partition);
  }

  /** Forgets the state of deleted topics, on all partitions that this node leads. */
  onTopicsDeleted(topicIds: ReadonlySet<string>): void {
    for (const shard of this.#runtime.known()) {
      const keys = [...(shard.current?.kept.values() ?? [])].map(({ key }) => key).filter(({ topicId }) => topicIds.has(topicId));
      if (keys.length > 0) shard.write({ changes: keys.map((key) => ({ kind: 'snapshot', key, value: null })), settle: () => undefined });
    }
  }

  close(): void {
    this.#pruning.close();
    this.#runtime.close();
  }

  /** The topic that it writes to is made when it is missing. Rejects with KafkaError. */
  ensureTopic(): Promise<void> {
    return this.#runtime.log.ensureTopic();
  }

  initialize(key: SharePartitionKey, stateEpoch: number, startOffset: number, done: Done): void {
    this.#decide(key, (state) => decideInitialize(state, key, stateEpoch, startOffset), done);
  }

  write(key: SharePartitionKey, write: StateWrite, done: Done): void {
    this.#decide(key, (state) => decideWrite(state, key, write, this.#settings.updatesPerSnapshot), done);
  }

  delete(key: SharePartitionKey, done: Done): void {
    this.#decide(key, (state) => decideDelete(state, key), done);
  }

  read(key: SharePartitionKey, leaderEpoch: number, done: (read: StateRead) => void): void {
    let found: StateRead | null = null;
    this.#decide(key, (state) => {
      const decision = decideRead(state, key, leaderEpoch, this.#settings.updatesPerSnapshot);
      const kept = state.kept.get(coordinatorKey(key));
      if (decision.errorCode === ErrorCode.NONE) found = { ...FINE, ...kept!.state };
      return decision;
    }, (outcome) => done(outcome.errorCode === ErrorCode.NONE ? found! : { ...outcome, stateEpoch: 0, startOffset: 0, batches: [] }));
  }

  readSummary(key: SharePartitionKey, done: (summary: StateSummary) => void): void {
    let found: StateSummary = { ...FINE, stateEpoch: 0, leaderEpoch: 0, startOffset: -1, deliveryCompleteCount: -1 };
    this.#decide(key, (state) => {
      const kept = state.kept.get(coordinatorKey(key));
      if (kept !== undefined) found = { ...FINE, ...kept.state };
      return { ...FINE, changes: [] };
    }, (outcome) => done(outcome.errorCode === ErrorCode.NONE ? found : { ...outcome, stateEpoch: 0, leaderEpoch: 0, startOffset: 0, deliveryCompleteCount: -1 }));
  }

  /** What a decision found is told once everything before it is kept, too. */
  #decide(key: SharePartitionKey, decide: (state: ShareShardState) => Decision, done: Done): void {
    const { groupId, partition } = key;
    if (partition < 0) return done({ errorCode: ErrorCode.INVALID_REQUEST, message: 'The partition id cannot be a negative number.' });
    if (groupId === '') return done({ errorCode: ErrorCode.INVALID_REQUEST, message: 'The group id is empty.' });
    const shard: Shard = this.#runtime.shard(this.partitionFor(key));
    const errorCode = shard.submit((state) => {
      const { errorCode: decided, message, changes } = decide(state);
      if (decided !== ErrorCode.NONE) return done({ errorCode: decided, message }), null;
      if (!this.#hasPartition(key.topicId, key.partition)) return done({ errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: null }), null;
      return { changes, settle: (writeError) => done(writeError === ErrorCode.NONE ? FINE : { errorCode: coordinatorError(writeError), message: null }) };
    });
    if (errorCode !== ErrorCode.NONE) done({ errorCode, message: null });
  }
}
