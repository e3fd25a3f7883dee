import { groupBy } from '../../base/collections.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { makeFetchPartition, makeFetchTopic, makeForgottenTopic, type FetchTopic, type ForgottenTopic } from '../../protocol/generated/fetch.ts';
import { partitionKey } from './partitionState.ts';

/** What a broker is asked of one partition. */
export interface WantedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** Of the leader as known when it was asked, -1: not known. */
  readonly leaderEpoch: number;
  readonly maxBytes: number;
}

/** The fields of a fetch request that a session decides. */
export interface SessionFields {
  readonly sessionId: number;
  readonly sessionEpoch: number;
  readonly topics: FetchTopic[];
  readonly forgottenTopicsData: ForgottenTopic[];
}

const NO_SESSION = 0;
/** Asks for a new session, and ends the one that is named. */
const FIRST_EPOCH = 0;
const CLOSING_EPOCH = -1;
const EPOCH_MAX = 2 ** 31 - 1;

/**
 * The fetch session with one broker (KIP-227): the broker remembers what it was asked, and a fetch names only what has changed since. A broker that gives
 * no session is asked for everything each time.
 */
export class FetchSession {
  #id = NO_SESSION;
  #epoch = FIRST_EPOCH;
  /** What the broker remembers, once the request under way has been answered. */
  #known = new Map<string, WantedPartition>();

  /** The next request, for `wanted` and nothing else. One is under way at a time: `onAnswer` or `onFailure` must follow. */
  next(wanted: readonly WantedPartition[]): SessionFields {
    const known = this.#epoch === FIRST_EPOCH ? new Map<string, WantedPartition>() : this.#known;
    const now = new Map<string, WantedPartition>();
    const changed: WantedPartition[] = [];
    for (const item of wanted) {
      const key = partitionKey(item.topic, item.partition);
      const before = known.get(key);
      if (before === undefined || !isSame(before, item)) changed.push(item);
      now.set(key, item);
    }
    const forgotten: WantedPartition[] = [];
    for (const [key, item] of known) if (!now.has(key)) forgotten.push(item);
    this.#known = now;
    return { sessionId: this.#id, sessionEpoch: this.#epoch, topics: topicsOf(changed), forgottenTopicsData: forgottenOf(forgotten) };
  }

  /** What a broker that knows no sessions is asked. */
  static whole(wanted: readonly WantedPartition[]): SessionFields {
    return { sessionId: NO_SESSION, sessionEpoch: CLOSING_EPOCH, topics: topicsOf(wanted), forgottenTopicsData: [] };
  }

  /** The session as the answer has it. False: the answer is about the session alone, and the question should be asked again. */
  onAnswer(errorCode: number, sessionId: number): boolean {
    if (isSessionError(errorCode)) {
      this.onFailure();
      if (errorCode === ErrorCode.FETCH_SESSION_ID_NOT_FOUND) this.#id = NO_SESSION;
      return false;
    }
    if (errorCode !== ErrorCode.NONE) {
      this.onFailure();
      return true;
    }
    this.#id = sessionId;
    if (sessionId === NO_SESSION) this.#epoch = FIRST_EPOCH;
    else this.#epoch = this.#epoch >= EPOCH_MAX ? FIRST_EPOCH + 1 : this.#epoch + 1;
    return true;
  }

  /** Nobody knows whether the broker has seen the last request: begin a new session in place of this one. */
  onFailure(): void {
    this.#epoch = FIRST_EPOCH;
  }

  /** The request that ends the session; null: there is none. */
  close(): SessionFields | null {
    const id = this.#id;
    this.#id = NO_SESSION;
    this.#epoch = FIRST_EPOCH;
    return id === NO_SESSION ? null : { sessionId: id, sessionEpoch: CLOSING_EPOCH, topics: [], forgottenTopicsData: [] };
  }
}

function isSessionError(code: number): boolean {
  return code === ErrorCode.FETCH_SESSION_ID_NOT_FOUND || code === ErrorCode.INVALID_FETCH_SESSION_EPOCH || code === ErrorCode.FETCH_SESSION_TOPIC_ID_ERROR;
}

function isSame(a: WantedPartition, b: WantedPartition): boolean {
  return a.offset === b.offset && a.leaderEpoch === b.leaderEpoch && a.maxBytes === b.maxBytes;
}

function topicsOf(wanted: readonly WantedPartition[]): FetchTopic[] {
  return [...groupBy(wanted, ({ topic }) => topic)].map(([topic, all]) => makeFetchTopic({
    topic, partitions: all.map(({ partition, offset, maxBytes, leaderEpoch }) => makeFetchPartition({ partition, fetchOffset: offset, partitionMaxBytes: maxBytes, currentLeaderEpoch: leaderEpoch })),
  }));
}

function forgottenOf(forgotten: readonly WantedPartition[]): ForgottenTopic[] {
  return [...groupBy(forgotten, ({ topic }) => topic)].map(([topic, all]) => makeForgottenTopic({ topic, partitions: all.map(({ partition }) => partition) }));
}
