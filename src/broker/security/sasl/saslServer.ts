import type { Identity } from '../login.ts';

export interface SaslIdentity extends Identity {
  /** When the credential itself ends, in milliseconds since the epoch; null: never. */
  readonly expiresAtMs: number | null;
}

export interface SaslStep {
  readonly reply: Buffer;
  /** Null until the exchange is complete. */
  readonly identity: SaslIdentity | null;
  /** For the log: why the client is about to fail. */
  readonly problem?: string;
}

/** The broker's side of one exchange of one mechanism. */
export interface SaslServer {
  /** Takes the client's next message. Throws or rejects with SaslError; then the exchange is over. */
  evaluate(message: Buffer): SaslStep | Promise<SaslStep>;
}

export const NOTHING: Buffer = /* @__PURE__ */ Buffer.alloc(0);
