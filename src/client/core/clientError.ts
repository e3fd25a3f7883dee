/** Failures of the client itself; what a broker answers with a code is a KafkaError. */
export type ClientErrorCode =
  | 'CONNECTION_CLOSED' // the broker or the network ended the connection
  | 'CONNECTION_REFUSED' // no broker of the bootstrap list could be reached
  | 'REQUEST_TIMED_OUT' // no answer within request.timeout.ms
  | 'UNSUPPORTED_VERSION' // the broker and this client have no version of the API in common
  | 'INVALID_RESPONSE' // bytes that are no answer to what was asked
  | 'NO_LEADER' // a partition has no leader within the time allowed
  | 'BUFFER_FULL' // more records wait than buffer.memory allows
  | 'CLOSED' // the client was closed
  | 'INVALID_ARGUMENT';

export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  constructor(code: ClientErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  /** The same call may succeed later or elsewhere. */
  get retriable(): boolean {
    return this.code === 'CONNECTION_CLOSED' || this.code === 'CONNECTION_REFUSED' || this.code === 'REQUEST_TIMED_OUT' || this.code === 'NO_LEADER';
  }
}
