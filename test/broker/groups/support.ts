import type { Clock, Logger, Random, Timer } from '../../../src/base/ports.ts';
import type { CoordinatorLog, CoordinatorRecord } from '../../../src/broker/contract.ts';
import { GroupCoordinator } from '../../../src/broker/groups/groupCoordinator.ts';
import type { ClusterView } from '../../../src/broker/groups/cluster.ts';
import type { GroupSettings } from '../../../src/broker/groups/settings.ts';
import type { InternalTopic } from '../../../src/broker/groups/streams/topology.ts';
import { makeHeartbeatRequest } from '../../../src/protocol/generated/heartbeat.ts';
import { makeJoinGroupRequest } from '../../../src/protocol/generated/joinGroup.ts';
import type { JoinGroupRequest, JoinGroupResponse } from '../../../src/protocol/generated/joinGroup.ts';
import type { MemberResponse } from '../../../src/protocol/generated/leaveGroup.ts';
import { makeOffsetCommitRequest } from '../../../src/protocol/generated/offsetCommit.ts';
import type { OffsetCommitRequest, OffsetCommitResponseTopic } from '../../../src/protocol/generated/offsetCommit.ts';
import type { OffsetFetchResponseTopics } from '../../../src/protocol/generated/offsetFetch.ts';
import { makeSyncGroupRequest } from '../../../src/protocol/generated/syncGroup.ts';
import type { SyncGroupRequest, SyncGroupResponse } from '../../../src/protocol/generated/syncGroup.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { Writer } from '../../../src/protocol/writer.ts';

/** Time stands still until it is advanced. */
export class FakeClock implements Clock {
  private readonly timers = new Set<{ atMs: number; fire: () => void }>();
  private elapsedMs = 0;
  private startMs = 1_700_000_000_000;

  now(): number {
    return this.startMs + this.elapsedMs;
  }

  /** The wall clock alone. */
  setBack(ms: number): void {
    this.startMs -= ms;
  }

  monotonicMs(): number {
    return this.elapsedMs;
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = { atMs: this.elapsedMs + delayMs, fire };
    this.timers.add(timer);
    return { cancel: () => this.timers.delete(timer) };
  }

  get timerCount(): number {
    return this.timers.size;
  }

  /** Fires what is due, in order of time; `between` runs after each. */
  advance(ms: number, between: () => void = () => undefined): void {
    const untilMs = this.elapsedMs + ms;
    for (;;) {
      const due = [...this.timers].filter(({ atMs }) => atMs <= untilMs).toSorted((a, b) => a.atMs - b.atMs)[0];
      if (due === undefined) break;
      this.timers.delete(due);
      this.elapsedMs = Math.max(this.elapsedMs, due.atMs);
      due.fire();
      between();
    }
    this.elapsedMs = untilMs;
  }
}

export type OnLine = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

export function silentLogger(lines: string[] = [], onLine?: OnLine): Logger {
  const note: OnLine = (message, fields) => {
    lines.push(message);
    onLine?.(message, fields);
  };
  const logger: Logger = { debug: note, info: note, warn: note, error: note, child: () => logger };
  return logger;
}

export function countingRandom(): Random {
  let count = 0;
  return {
    next: () => 0.5,
    below: () => 0,
    bytes: (length) => {
      const bytes = new Uint8Array(length);
      new DataView(bytes.buffer).setUint32(length - 4, ++count);
      return bytes;
    },
  };
}

/** A topic in memory. `mode` manual: appends wait for `complete`. */
export class ArrayLog implements CoordinatorLog {
  readonly topic = '__consumer_offsets';
  readonly partitionCount: number;
  readonly records: CoordinatorRecord[][];
  readonly batchSizes: number[] = [];
  readonly led = new Set<number>();
  readonly pending: { partition: number; records: readonly CoordinatorRecord[]; done: (errorCode: number) => void }[] = [];
  isManual = false;
  /** Codes of the next appends. */
  failures: number[] = [];
  loadGate: Promise<void> = Promise.resolve();
  loadError: Error | null = null;

  constructor(partitionCount = 1, records: CoordinatorRecord[][] = Array.from({ length: partitionCount }, () => [])) {
    this.partitionCount = partitionCount;
    this.records = records;
    for (let i = 0; i < partitionCount; i++) this.led.add(i);
  }

  async ensureTopic(): Promise<void> {
    // always there
  }

  leads(partition: number): boolean {
    return this.led.has(partition);
  }

  append(partition: number, records: readonly CoordinatorRecord[], done: (errorCode: number) => void): void {
    this.pending.push({ partition, records, done });
    if (!this.isManual) this.complete(this.failures.shift() ?? 0);
  }

  /** Ends the oldest append. */
  complete(errorCode = 0): void {
    const { partition, records, done } = this.pending.shift()!;
    this.batchSizes.push(records.length);
    if (errorCode === 0) this.records[partition]!.push(...records.map(({ key, value }) => ({ key: Buffer.from(key), value: value === null ? null : Buffer.from(value) })));
    done(errorCode);
  }

  async load(partition: number, visit: Parameters<CoordinatorLog['load']>[1]): Promise<void> {
    await this.loadGate;
    if (this.loadError !== null) throw this.loadError;
    this.records[partition]!.forEach(({ key, value }, offset) => visit({ key: key as Buffer, value: value as Buffer | null, timestampMs: 0, offset }));
  }
}

export const defaultSettings: GroupSettings = {
  initialRebalanceDelayMs: 3_000,
  sessionTimeoutMsMin: 6_000,
  sessionTimeoutMsMax: 1_800_000,
  membersMax: 2147483647,
  metadataLengthMax: 4_096,
  commitTimeoutMs: 5_000,
  offsetRetentionMs: 7 * 24 * 3_600_000,
  retentionCheckIntervalMs: 600_000,
  consumer: {
    isEnabled: true,
    sessionTimeoutMs: { value: 45_000, min: 45_000, max: 60_000 },
    heartbeatIntervalMs: { value: 5_000, min: 5_000, max: 15_000 },
    assignmentIntervalMs: { value: 0, min: 0, max: 15_000 },
    membersMax: 2147483647,
    assignors: ['uniform', 'range'],
    canUpgrade: true,
    canDowngrade: true,
    regexRefreshMs: 600_000,
  },
  streams: {
    isEnabled: true,
    sessionTimeoutMs: { value: 45_000, min: 45_000, max: 60_000 },
    heartbeatIntervalMs: { value: 5_000, min: 5_000, max: 15_000 },
    assignmentIntervalMs: { value: 0, min: 0, max: 15_000 },
    membersMax: 2147483647,
    standbyReplicas: 0,
    standbyReplicasMax: 2,
    initialRebalanceDelayMs: 0,
  },
  pendingJoinsMax: 1_000,
  pendingWritesMax: 1_000,
  protocolBytesMax: 1_000_000_000,
};

export const SESSION_TIMEOUT_MS = 10_000;
export const REBALANCE_TIMEOUT_MS = 30_000;
/** Twice the initial delay: it is extended once when a second member joins. */
export const INITIAL_WAIT_MS = 6_000;

/** A reply that may not have come yet. */
export interface Pending<T> {
  value: T | null;
}

/** `ConsumerProtocolSubscription` version 0. */
export function subscription(...topics: string[]): Buffer {
  const writer = new Writer();
  writer.int16(0);
  writer.stringArray(topics, false);
  writer.int32(-1);
  return writer.takeBuffer();
}

/** A coordinator on fakes; `turn()` ends a turn of the event loop, and so do all helpers. */
export class Harness {
  readonly clock: FakeClock;
  readonly log: ArrayLog;
  readonly lines: string[] = [];
  onLine: OnLine = () => undefined;
  readonly topics = new Map<string, string>([['a', 'AAAAAAAAAAAAAAAAAAAAAQ'], ['b', 'AAAAAAAAAAAAAAAAAAAAAg']]);
  /** What Streams applications have had made. */
  readonly madeTopics: InternalTopic[] = [];
  /** Of the cluster: grows when topics change. */
  version = 0;
  /** 1 for those that are not named. */
  readonly partitionCounts = new Map<string, number>();
  readonly groupConfigs = new Map<string, Map<string, string>>();
  readonly coordinator: GroupCoordinator;
  private tasks: (() => void)[] = [];

  constructor(settings: Partial<GroupSettings> = {}, log = new ArrayLog(), clock = new FakeClock()) {
    this.clock = clock;
    this.log = log;
    const clusterVersion = (): number => this.version;
    const cluster: ClusterView = {
      get version(): number {
        return clusterVersion();
      },
      idOf: (name) => this.topics.get(name),
      nameOf: (id) => [...this.topics].find(([, known]) => known === id)?.[0],
      topicNames: () => this.topics.keys(),
      partitionCountOf: (name) => (this.topics.has(name) ? (this.partitionCounts.get(name) ?? 1) : 0),
      racksOf: () => [],
      featureLevel: () => 1,
      groupConfigOf: (groupId) => this.groupConfigs.get(groupId) ?? new Map(),
    };
    const ports = { clock, random: countingRandom(), logger: silentLogger(this.lines, (message, fields) => this.onLine(message, fields)) };
    this.coordinator = new GroupCoordinator({ log, settings: () => ({ ...defaultSettings, ...settings }), ports, cluster, makeTopics: (topics) => void this.madeTopics.push(...topics), defer: (task) => void this.tasks.push(task) });
  }

  static async start(settings: Partial<GroupSettings> = {}, log = new ArrayLog(), clock = new FakeClock()): Promise<Harness> {
    const harness = new Harness(settings, log, clock);
    for (const partition of log.led) harness.coordinator.onElected(partition);
    await drain();
    return harness;
  }

  turn(): void {
    while (this.tasks.length > 0) {
      const tasks = this.tasks;
      this.tasks = [];
      for (const task of tasks) task();
    }
  }

  advance(ms: number): void {
    this.clock.advance(ms, () => this.turn());
    this.turn();
  }

  join(fields: Partial<JoinGroupRequest> = {}, apiVersion = 9): Pending<JoinGroupResponse> {
    const pending: Pending<JoinGroupResponse> = { value: null };
    const request = makeJoinGroupRequest({
      groupId: 'g',
      sessionTimeoutMs: SESSION_TIMEOUT_MS,
      rebalanceTimeoutMs: REBALANCE_TIMEOUT_MS,
      protocolType: 'consumer',
      protocols: [{ name: 'range', metadata: subscription('a') }],
      ...fields,
    });
    this.coordinator.join(request, { clientId: 'client', host: '/10.0.0.1', apiVersion }, once(pending));
    this.turn();
    return pending;
  }

  /** Both steps of a new dynamic member. */
  joinAsNew(fields: Partial<JoinGroupRequest> = {}): { memberId: string; joined: Pending<JoinGroupResponse> } {
    const { memberId } = this.join(fields).value!;
    return { memberId, joined: this.join({ ...fields, memberId }) };
  }

  sync(fields: Partial<SyncGroupRequest>): Pending<SyncGroupResponse> {
    const pending: Pending<SyncGroupResponse> = { value: null };
    this.coordinator.sync(makeSyncGroupRequest({ groupId: 'g', ...fields }), once(pending));
    this.turn();
    return pending;
  }

  heartbeat(memberId: string, generationId: number, groupInstanceId: string | null = null, groupId = 'g'): number {
    return this.coordinator.heartbeat(makeHeartbeatRequest({ groupId, memberId, generationId, groupInstanceId }));
  }

  leave(members: { memberId: string; groupInstanceId?: string }[], groupId = 'g'): Pending<{ errorCode: number; members: readonly MemberResponse[] }> {
    const pending: Pending<{ errorCode: number; members: readonly MemberResponse[] }> = { value: null };
    const identities = members.map(({ memberId, groupInstanceId = null }) => ({ memberId, groupInstanceId, reason: null }));
    this.coordinator.leave(groupId, identities, (errorCode, left) => once(pending)({ errorCode, members: left }));
    this.turn();
    return pending;
  }

  commit(fields: Partial<OffsetCommitRequest> & { offsets: Record<string, Record<number, number>>; metadata?: string }, apiVersion = 9): Pending<{ errorCode: number; topics: OffsetCommitResponseTopic[] }> {
    const pending = this.commitLater(fields, apiVersion);
    this.turn();
    return pending;
  }

  /** In the same turn as what follows. */
  commitLater({ offsets, metadata = '', ...fields }: Partial<OffsetCommitRequest> & { offsets: Record<string, Record<number, number>>; metadata?: string }, apiVersion = 9): Pending<{ errorCode: number; topics: OffsetCommitResponseTopic[] }> {
    const pending: Pending<{ errorCode: number; topics: OffsetCommitResponseTopic[] }> = { value: null };
    const topics = Object.entries(offsets).map(([name, partitions]) => ({
      name,
      topicId: this.topics.get(name) ?? zeroUuid,
      partitions: Object.entries(partitions).map(([index, offset]) => ({
        partitionIndex: Number(index), committedOffset: offset, committedLeaderEpoch: 0, commitTimestamp: -1, committedMetadata: metadata,
      })),
    }));
    const request = makeOffsetCommitRequest({ groupId: 'g', ...fields, topics });
    this.coordinator.commit(request, apiVersion, (errorCode, committed) => once(pending)({ errorCode, topics: committed }));
    return pending;
  }

  fetch(topics: Record<string, number[]> | null, groupId = 'g'): Pending<{ errorCode: number; topics: OffsetFetchResponseTopics[] }> {
    const pending: Pending<{ errorCode: number; topics: OffsetFetchResponseTopics[] }> = { value: null };
    const wanted = topics === null ? null : Object.entries(topics).map(([name, partitionIndexes]) => ({ name, topicId: this.topics.get(name) ?? zeroUuid, partitionIndexes }));
    this.coordinator.fetch(groupId, wanted, false, (errorCode, fetched) => once(pending)({ errorCode, topics: fetched }));
    this.turn();
    return pending;
  }

  /** The committed offset of one partition, -1 for none; null while the reply waits. */
  offset(topic: string, partition = 0, groupId = 'g'): number | null {
    return this.fetch({ [topic]: [partition] }, groupId).value?.topics[0]!.partitions[0]!.committedOffset ?? null;
  }

  state(groupId = 'g'): string {
    const description = this.coordinator.describe(groupId);
    return typeof description === 'number' ? `error ${description}` : description.groupState;
  }

  /** A stable group of dynamic members in its first generation; the first one leads. */
  stableGroup(size: number, fields: Partial<JoinGroupRequest> = {}): { memberIds: string[]; generation: number } {
    const members = Array.from({ length: size }, () => this.joinAsNew(fields));
    this.advance(INITIAL_WAIT_MS);
    const { generationId, leader } = members[0]!.joined.value!;
    const memberIds = members.map(({ memberId }) => memberId);
    const groupId = fields.groupId ?? 'g';
    for (const memberId of memberIds.filter((id) => id !== leader)) this.sync({ groupId, memberId, generationId });
    this.sync({ groupId, memberId: leader, generationId, assignments: memberIds.map((memberId) => ({ memberId, assignment: Buffer.from(memberId) })) });
    return { memberIds: [leader, ...memberIds.filter((id) => id !== leader)], generation: generationId };
  }

  /** A new coordinator over the same records. */
  async restart(settings: Partial<GroupSettings> = {}): Promise<Harness> {
    this.coordinator.close();
    const log = new ArrayLog(this.log.partitionCount, this.log.records);
    return Harness.start(settings, log, this.clock);
  }
}

function once<T>(pending: Pending<T>): (value: T) => void {
  return (value) => {
    if (pending.value !== null) throw new Error('answered twice');
    pending.value = value;
  };
}

/** Lets promises settle. */
export async function drain(): Promise<void> {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}
