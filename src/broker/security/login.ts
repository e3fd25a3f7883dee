/** The contract between a connection and what logs its user in. */
import type { SecurityProtocol } from '../../base/securityProtocol.ts';
import type { ClientConnection, ReplySlot } from '../contract.ts';

/** Who a connection is. */
export interface Identity {
  /** `User:name`. */
  readonly principal: string;
  /** By a delegation token, which can make no other tokens. */
  readonly isTokenAuthenticated: boolean;
}

export const ANONYMOUS: Identity = { principal: 'User:ANONYMOUS', isTokenAuthenticated: false };

/** What a login may do with its connection; made by `server`. */
export interface LoginConnection extends ClientConnection {
  identify(identity: Identity): void;
  /** A longer request ends the connection; null: as long as any. */
  limitRequests(bytesMax: number | null): void;
  /** No request is handed on until `releaseRequests`. */
  holdRequests(): void;
  releaseRequests(): void;
  /** Requests need not be shown to the login any more. */
  openGate(): void;
  /** Closes when all that was asked is answered, with one line in the log. */
  endAfterReplies(reason: string): void;
}

export interface HandshakeAnswer {
  readonly errorCode: number;
  readonly mechanisms: readonly string[];
}

export interface AuthenticateAnswer {
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly token: Buffer;
  readonly sessionLifetimeMs: number;
}

/** The login of one connection of a SASL listener. */
export interface ConnectionLogin {
  /** Shown each request until the gate is open. True: it goes on to its handler; else the login answers its slot. `frame` is borrowed. */
  admit(frame: Buffer, slot: ReplySlot): boolean;
  /** An ApiVersions request was not valid: the client may ask again. */
  versionsRefused(): void;
  /** `answer` is called once, perhaps later. */
  handshake(mechanism: string, version: number, answer: (answer: HandshakeAnswer) => void): void;
  /** `answer` is called once, perhaps later. `token` is the login's own. */
  authenticate(token: Buffer, answer: (answer: AuthenticateAnswer) => void): void;
}

/** Makes the login of a new connection; null where the listener has none. */
export type LoginMaker = (connection: LoginConnection, protocol: SecurityProtocol) => ConnectionLogin | null;
