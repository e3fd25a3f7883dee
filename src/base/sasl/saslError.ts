/**
 * A login that failed. `isForPeer`: the message may be told to the other side (Kafka's SaslAuthenticationException); others may give
 * away what is wrong with a credential and stay here.
 */
export class SaslError extends Error {
  override readonly name = 'SaslError';
  readonly isForPeer: boolean;
  /** For the log. */
  readonly detail: string;

  constructor(message: string, isForPeer = false, detail = message) {
    super(message);
    this.isForPeer = isForPeer;
    this.detail = detail;
  }
}
