import type { Clock, Random } from '../../base/ports.ts';
import type { Counter, MetricsRegistry } from '../../metrics/registry.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import type { FetchPartition, FetchRequest, PartitionData } from '../../protocol/generated/fetch.ts';

/** No session, and no wish for one. */
export const NO_SESSION_ID = 0;
/** Epoch of a request that opens a session, and of one that closes it or wants none. */
const FIRST_EPOCH = 0;
const LAST_EPOCH = -1;
const EPOCH_MAX = 0x7fffffff;
const SESSION_ID_MAX = 0x7fffffff;
/** How long a session must be idle, or old, before others may take its place (Kafka: min.incremental.fetch.session.eviction.ms). */
const EVICTION_MS = 120_000;
/** Partitions that all sessions may remember together: some hundred megabytes. Whoever finds no room says in each fetch what it wants. */
const TARGETS_MAX = 400_000;
const FIRST_VERSION_WITH_IDS = 13;

/** One partition that a client fetches: what it asks for, and in a session also what it was told last. */
export class FetchTarget {
  /** Place in the session's map. */
  readonly key: string;
  /** Empty from version 13 on. */
  readonly topicName: string;
  /** Zero before version 13. */
  readonly topicId: string;
  readonly index: number;
  fetchOffset: number;
  maxBytes: number;
  /** -1: not said. */
  currentLeaderEpoch: number;
  /** -1: not said. */
  lastFetchedEpoch: number;
  #toldHighWatermark = -1;
  #toldLogStartOffset = -1;

  constructor(key: string, topicName: string, topicId: string, asked: FetchPartition) {
    this.key = key;
    this.topicName = topicName;
    this.topicId = topicId;
    this.index = asked.partition;
    this.fetchOffset = asked.fetchOffset;
    this.maxBytes = asked.partitionMaxBytes;
    this.currentLeaderEpoch = asked.currentLeaderEpoch;
    this.lastFetchedEpoch = asked.lastFetchedEpoch;
  }

  update(asked: FetchPartition): void {
    this.fetchOffset = asked.fetchOffset;
    this.maxBytes = asked.partitionMaxBytes;
    this.currentLeaderEpoch = asked.currentLeaderEpoch;
    this.lastFetchedEpoch = asked.lastFetchedEpoch;
  }

  /** Remembers what the client is being told. True when it is news: only such partitions are in the reply of an incremental fetch. */
  told(data: PartitionData): boolean {
    const isNews = hasRecords(data) || data.highWatermark !== this.#toldHighWatermark || data.logStartOffset !== this.#toldLogStartOffset
      || data.errorCode !== ErrorCode.NONE || data.divergingEpoch.epoch !== -1;
    this.#toldLogStartOffset = data.logStartOffset;
    // After an error, the first good answer is news again.
    this.#toldHighWatermark = data.errorCode === ErrorCode.NONE ? data.highWatermark : -1;
    return isNews;
  }
}

export function hasRecords(data: PartitionData): boolean {
  return data.records !== null && data.records.length > 0;
}

class FetchSession {
  readonly id: number;
  readonly usesTopicIds: boolean;
  /** Followers' sessions push consumers' out. */
  readonly isPrivileged: boolean;
  readonly createdMs: number;
  readonly targets: Map<string, FetchTarget>;
  lastUsedMs: number;
  /** How many of its targets the limit of all sessions has counted. */
  countedTargets = 0;
  /** The epoch that the next request must have. */
  epoch = 1;

  constructor(id: number, usesTopicIds: boolean, isPrivileged: boolean, nowMs: number, targets: Map<string, FetchTarget>) {
    this.id = id;
    this.usesTopicIds = usesTopicIds;
    this.isPrivileged = isPrivileged;
    this.createdMs = nowMs;
    this.lastUsedMs = nowMs;
    this.targets = targets;
  }
}

const nextEpoch = (epoch: number): number => (epoch === EPOCH_MAX ? 1 : epoch + 1);

/** What one request fetches, and how its reply is cut down to what is news. */
export interface FetchContext {
  /** Not 0: the whole reply is this error. */
  readonly errorCode: number;
  readonly targets: readonly FetchTarget[];
  /** Decides session and partitions of the reply, in place: the data of targets that is no news becomes null. Returns the session's id, or an error code below 0. */
  conclude(data: (PartitionData | null)[]): FetchConclusion;
  /** In place of `conclude` when the reply tells nothing, since its client is over a quota. */
  withhold(): FetchConclusion;
}

export interface FetchConclusion {
  readonly errorCode: number;
  readonly sessionId: number;
}

/** Fetch sessions (KIP-227): the broker remembers what a client fetches, so that requests and replies say only what changes. */
export class FetchSessions {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #slotsMax: () => number;
  /** The one unused for longest comes first. */
  readonly #sessions = new Map<number, FetchSession>();
  readonly #evictions: Counter;
  #targetCount = 0;

  constructor(clock: Clock, random: Random, slotsMax: () => number, metrics: MetricsRegistry) {
    this.#clock = clock;
    this.#random = random;
    this.#slotsMax = slotsMax;
    this.#evictions = metrics.counter('fetch_session_evictions');
    metrics.gauge('fetch_sessions', () => this.#sessions.size);
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** The context of a request; `isFollower`: it comes from a replica. */
  contextFor(request: FetchRequest, version: number, isFollower: boolean): FetchContext {
    const { sessionId, sessionEpoch } = request;
    if (sessionEpoch !== FIRST_EPOCH && sessionEpoch !== LAST_EPOCH) return this.#incremental(request, version);
    if (sessionId !== NO_SESSION_ID) this.#remove(this.#sessions.get(sessionId));
    const targets = targetsOf(request, version);
    return sessionEpoch === LAST_EPOCH ? new SessionlessContext(targets) : new FullContext(this, targets, version >= FIRST_VERSION_WITH_IDS, isFollower);
  }

  #incremental(request: FetchRequest, version: number): FetchContext {
    const session = this.#sessions.get(request.sessionId);
    if (session === undefined) return new FailedContext(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    if (session.epoch !== request.sessionEpoch) return new FailedContext(ErrorCode.INVALID_FETCH_SESSION_EPOCH);
    if (session.usesTopicIds !== version >= FIRST_VERSION_WITH_IDS) return new FailedContext(ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR);
    updateSession(session, request);
    this.#recount(session);
    if (session.targets.size === 0) {
      this.#remove(session);
      return new SessionlessContext(session.targets);
    }
    if (this.#targetCount > TARGETS_MAX) {
      this.#remove(session);
      return new FailedContext(ErrorCode.FETCH_SESSION_ID_NOT_FOUND);
    }
    this.#touch(session);
    session.epoch = nextEpoch(session.epoch);
    return new IncrementalContext(session, session.epoch);
  }

  #touch(session: FetchSession): void {
    session.lastUsedMs = this.#clock.monotonicMs();
    this.#sessions.delete(session.id);
    this.#sessions.set(session.id, session);
  }

  /** A new session's id, or NO_SESSION_ID when there is no room for it. */
  create(targets: Map<string, FetchTarget>, usesTopicIds: boolean, isPrivileged: boolean): number {
    const nowMs = this.#clock.monotonicMs();
    while (this.#sessions.size >= this.#slotsMax() || this.#targetCount + targets.size > TARGETS_MAX) {
      if (!this.#evict(isPrivileged, targets.size, nowMs)) return NO_SESSION_ID;
    }
    const session = new FetchSession(this.#newId(), usesTopicIds, isPrivileged, nowMs, targets);
    this.#sessions.set(session.id, session);
    this.#recount(session);
    return session.id;
  }

  #recount(session: FetchSession): void {
    this.#targetCount += session.targets.size - session.countedTargets;
    session.countedTargets = session.targets.size;
  }

  #remove(session: FetchSession | undefined): void {
    if (session === undefined) return;
    this.#sessions.delete(session.id);
    this.#targetCount -= session.countedTargets;
  }

  #newId(): number {
    for (;;) {
      const id = 1 + this.#random.below(SESSION_ID_MAX);
      if (!this.#sessions.has(id)) return id;
    }
  }

  /** As Kafka: a stale one goes; else the least of those that are old enough (or, for a follower, of any consumer's), unless it fetches more than the new one. */
  #evict(isPrivileged: boolean, size: number, nowMs: number): boolean {
    const [oldest] = this.#sessions.values();
    if (oldest === undefined) return false;
    const victim = nowMs - oldest.lastUsedMs > EVICTION_MS ? oldest : this.#leastValuable(isPrivileged, nowMs);
    if (victim === null) return false;
    if (victim !== oldest && compareValue(isPrivileged, size, victim) < 0) return false;
    this.#remove(victim);
    this.#evictions.add();
    return true;
  }

  #leastValuable(byPrivileged: boolean, nowMs: number): FetchSession | null {
    let least: FetchSession | null = null;
    for (const session of this.#sessions.values()) {
      const isOld = session.lastUsedMs - session.createdMs > EVICTION_MS || nowMs - session.createdMs > EVICTION_MS;
      if (!isOld && !(byPrivileged && !session.isPrivileged)) continue;
      if (least === null || compareValue(session.isPrivileged, session.targets.size, least) < 0) least = session;
    }
    return least;
  }
}

function compareValue(isPrivileged: boolean, size: number, other: FetchSession): number {
  if (isPrivileged !== other.isPrivileged) return isPrivileged ? 1 : -1;
  return size - other.targets.size;
}

function targetsOf(request: FetchRequest, version: number): Map<string, FetchTarget> {
  const targets = new Map<string, FetchTarget>();
  for (const topic of request.topics) {
    const place = version >= FIRST_VERSION_WITH_IDS ? topic.topicId : topic.topic;
    for (const asked of topic.partitions) {
      const key = `${asked.partition}/${place}`;
      targets.set(key, new FetchTarget(key, topic.topic, topic.topicId, asked));
    }
  }
  return targets;
}

function updateSession(session: FetchSession, request: FetchRequest): void {
  const { targets, usesTopicIds } = session;
  for (const topic of request.topics) {
    const place = usesTopicIds ? topic.topicId : topic.topic;
    for (const asked of topic.partitions) {
      const key = `${asked.partition}/${place}`;
      const known = targets.get(key);
      if (known === undefined) targets.set(key, new FetchTarget(key, topic.topic, topic.topicId, asked));
      else known.update(asked);
    }
  }
  for (const forgotten of request.forgottenTopicsData) {
    const place = usesTopicIds ? forgotten.topicId : forgotten.topic;
    for (const index of forgotten.partitions) targets.delete(`${index}/${place}`);
  }
}

class FailedContext implements FetchContext {
  readonly errorCode: number;
  readonly targets: readonly FetchTarget[] = [];

  constructor(errorCode: number) {
    this.errorCode = errorCode;
  }

  conclude(): FetchConclusion {
    return { errorCode: this.errorCode, sessionId: NO_SESSION_ID };
  }

  withhold(): FetchConclusion {
    return this.conclude();
  }
}

class SessionlessContext implements FetchContext {
  readonly errorCode = ErrorCode.NONE;
  readonly targets: readonly FetchTarget[];

  constructor(targets: ReadonlyMap<string, FetchTarget>) {
    this.targets = [...targets.values()];
  }

  conclude(): FetchConclusion {
    return { errorCode: ErrorCode.NONE, sessionId: NO_SESSION_ID };
  }

  withhold(): FetchConclusion {
    return this.conclude();
  }
}

class FullContext implements FetchContext {
  readonly errorCode = ErrorCode.NONE;
  readonly targets: readonly FetchTarget[];
  readonly #sessions: FetchSessions;
  readonly #map: Map<string, FetchTarget>;
  readonly #usesTopicIds: boolean;
  readonly #isFollower: boolean;

  constructor(sessions: FetchSessions, map: Map<string, FetchTarget>, usesTopicIds: boolean, isFollower: boolean) {
    this.#sessions = sessions;
    this.#map = map;
    this.#usesTopicIds = usesTopicIds;
    this.#isFollower = isFollower;
    this.targets = [...map.values()];
  }

  conclude(data: (PartitionData | null)[]): FetchConclusion {
    if (this.targets.length === 0) return { errorCode: ErrorCode.NONE, sessionId: NO_SESSION_ID };
    for (let i = 0; i < data.length; i++) this.targets[i]!.told(data[i]!);
    return { errorCode: ErrorCode.NONE, sessionId: this.#sessions.create(this.#map, this.#usesTopicIds, this.#isFollower) };
  }

  withhold(): FetchConclusion {
    return { errorCode: ErrorCode.NONE, sessionId: NO_SESSION_ID };
  }
}

class IncrementalContext implements FetchContext {
  readonly errorCode = ErrorCode.NONE;
  readonly targets: readonly FetchTarget[];
  readonly #session: FetchSession;
  readonly #epoch: number;

  constructor(session: FetchSession, epoch: number) {
    this.#session = session;
    this.#epoch = epoch;
    this.targets = [...session.targets.values()];
  }

  conclude(data: (PartitionData | null)[]): FetchConclusion {
    const session = this.#session;
    // Another request of the session came in between: whoever sent both must start over.
    if (session.epoch !== this.#epoch) return { errorCode: ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: session.id };
    for (let i = 0; i < data.length; i++) {
      const target = this.targets[i]!;
      const answer = data[i]!;
      if (!target.told(answer)) data[i] = null;
      else if (hasRecords(answer) && session.targets.delete(target.key)) session.targets.set(target.key, target);
    }
    return { errorCode: ErrorCode.NONE, sessionId: session.id };
  }

  withhold(): FetchConclusion {
    const { id, epoch } = this.#session;
    return { errorCode: epoch === this.#epoch ? ErrorCode.NONE : ErrorCode.INVALID_FETCH_SESSION_EPOCH, sessionId: id };
  }
}
