import { ErrorCode } from '../../protocol/errors.ts';
import type { Uuid } from '../../protocol/types.ts';
import type { ClientConnection } from '../contract.ts';

/** Epoch of a request that opens a session, and of one that ends it. */
export const INITIAL_EPOCH = 0;
export const FINAL_EPOCH = -1;
const EPOCH_MAX = 0x7fffffff;
/** Partitions that all sessions may remember together: some hundred megabytes. */
const TARGETS_MAX = 400_000;

/** One partition that a member reads. */
export interface ShareTarget {
  readonly topicId: Uuid;
  readonly index: number;
}

/** What a member reads from this broker, kept from request to request (KIP-932). Ends with its connection. */
export class ShareSession {
  readonly groupId: string;
  readonly memberId: string;
  readonly connection: ClientConnection;
  readonly targets = new Map<string, ShareTarget>();
  /** The epoch that the next request must have. */
  epoch = 1;
  readonly onClose: () => void;

  constructor(groupId: string, memberId: string, connection: ClientConnection, onClose: (session: ShareSession) => void) {
    this.groupId = groupId;
    this.memberId = memberId;
    this.connection = connection;
    this.onClose = () => onClose(this);
  }

  advance(): void {
    this.epoch = this.epoch === EPOCH_MAX ? 1 : this.epoch + 1;
  }
}

export interface SessionChange {
  readonly groupId: string;
  readonly memberId: string;
  readonly epoch: number;
  readonly added: readonly ShareTarget[];
  readonly forgotten: readonly ShareTarget[];
  readonly hasAcknowledgements: boolean;
}

export type SessionOutcome = { readonly errorCode: 0; readonly session: ShareSession } | { readonly errorCode: number; readonly session: null };

const refused = (errorCode: number): SessionOutcome => ({ errorCode, session: null });

/** All share sessions of this broker. */
export class ShareSessions {
  readonly #sessions = new Map<string, ShareSession>();
  readonly #sessionsMax: () => number;
  readonly #onEnd: (session: ShareSession) => void;
  #targetCount = 0;

  /** `onEnd`: what its member holds is to be given back. */
  constructor(sessionsMax: () => number, onEnd: (session: ShareSession) => void) {
    this.#sessionsMax = sessionsMax;
    this.#onEnd = onEnd;
  }

  get size(): number {
    return this.#sessions.size;
  }

  /** ShareFetch: opens a session or goes on with one. A final epoch leaves it as it is: `end` follows. */
  fetch(change: SessionChange, connection: ClientConnection): SessionOutcome {
    const known = this.#sessions.get(placeOf(change.groupId, change.memberId));
    if (change.epoch === INITIAL_EPOCH) return this.#open(change, connection, known);
    const errorCode = epochError(known, change.epoch);
    if (errorCode !== ErrorCode.NONE) return refused(errorCode);
    const session = known!;
    if (change.epoch === FINAL_EPOCH) return { errorCode: ErrorCode.NONE, session };
    if (!this.#update(session, change)) return refused(ErrorCode.SHARE_SESSION_LIMIT_REACHED);
    session.advance();
    return { errorCode: ErrorCode.NONE, session };
  }

  /** ShareAcknowledge: there is no session to open. */
  acknowledge(groupId: string, memberId: string, epoch: number): SessionOutcome {
    if (epoch === INITIAL_EPOCH) return refused(ErrorCode.INVALID_SHARE_SESSION_EPOCH);
    const session = this.#sessions.get(placeOf(groupId, memberId));
    const errorCode = epochError(session, epoch);
    if (errorCode !== ErrorCode.NONE) return refused(errorCode);
    if (epoch !== FINAL_EPOCH) session!.advance();
    return { errorCode: ErrorCode.NONE, session: session! };
  }

  #open(change: SessionChange, connection: ClientConnection, known: ShareSession | undefined): SessionOutcome {
    if (change.hasAcknowledgements) return refused(ErrorCode.INVALID_REQUEST);
    // What the member holds stays its own: it has only forgotten its session.
    if (known !== undefined) this.#remove(known);
    if (this.#sessions.size >= this.#sessionsMax()) return refused(ErrorCode.SHARE_SESSION_LIMIT_REACHED);
    const session = new ShareSession(change.groupId, change.memberId, connection, (ended) => this.end(ended));
    if (!this.#update(session, change)) return refused(ErrorCode.SHARE_SESSION_LIMIT_REACHED);
    this.#sessions.set(placeOf(change.groupId, change.memberId), session);
    connection.onClose(session.onClose);
    return { errorCode: ErrorCode.NONE, session };
  }

  /** The member has gone. Without effect on a session that has ended. */
  end(session: ShareSession): void {
    if (this.#remove(session)) this.#onEnd(session);
  }

  /** False: there is no room for so many partitions, and nothing has changed. */
  #update(session: ShareSession, { added, forgotten }: SessionChange): boolean {
    if (this.#targetCount + added.length > TARGETS_MAX) return false;
    const before = session.targets.size;
    for (const target of added) session.targets.set(`${target.index}/${target.topicId}`, target);
    for (const { index, topicId } of forgotten) session.targets.delete(`${index}/${topicId}`);
    this.#targetCount += session.targets.size - before;
    return true;
  }

  #remove(session: ShareSession): boolean {
    const place = placeOf(session.groupId, session.memberId);
    if (this.#sessions.get(place) !== session) return false;
    this.#sessions.delete(place);
    this.#targetCount -= session.targets.size;
    session.connection.offClose(session.onClose);
    return true;
  }
}

const placeOf = (groupId: string, memberId: string): string => `${memberId}/${groupId}`;

function epochError(session: ShareSession | undefined, epoch: number): number {
  if (session === undefined) return ErrorCode.SHARE_SESSION_NOT_FOUND;
  return epoch === FINAL_EPOCH || epoch === session.epoch ? ErrorCode.NONE : ErrorCode.INVALID_SHARE_SESSION_EPOCH;
}
