/** What a connection needs of its server. */
import type { Logger } from '../base/ports.ts';
import type { RequestSink } from '../broker/contract.ts';
import type { ConnectionLogin, Identity } from '../broker/security/login.ts';
import type { RequestBudget } from './budget.ts';
import type { Connection } from './connection.ts';

export interface ConnectionHost {
  readonly sink: RequestSink;
  readonly budget: RequestBudget;
  readonly logger: Logger;
  readonly requestBytesMax: number;
  /** Counts looks at the connections: a coarse clock that costs nothing to read. */
  readonly tick: number;
  /** Calls `flushPlanned` once this turn's other work is done. */
  flushSoon(connection: Connection): void;
  /** Calls `turnCame` after other connections had theirs. */
  waitForTurn(connection: Connection): void;
  /** Calls `throttleEnded` once, when the last of the times that were asked for is over. */
  waitFor(connection: Connection, durationMs: number): void;
  onConnectionClosed(connection: Connection, error: Error | undefined): void;
  /** Null on listeners without SASL. */
  loginFor(connection: Connection): ConnectionLogin | null;
  /** Who has shown a certificate with this name (null: none). Throws Error for a name that is nobody's. */
  identityOf(subject: string | null): Identity;
  /** The connection is closed because of what the client sent. */
  onRefused(connection: Connection, reason: string): void;
}
