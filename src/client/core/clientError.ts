/** Failures of the client itself; what a broker answers with a code is a KafkaError. */
export type ClientErrorCode =
  | 'CONNECTION_CLOSED' // the broker or the network ended the connection
  | 'CONNECTION_REFUSED' // no broker that is known could be reached
  | 'REQUEST_TIMED_OUT' // no answer within request.timeout.ms
  | 'DELIVERY_TIMED_OUT' // a record could not be delivered within delivery.timeout.ms
  | 'UNSUPPORTED_VERSION' // the broker and this client have no version of the API in common
  | 'INVALID_RESPONSE' // bytes that are no answer to what was asked
  | 'NO_LEADER' // a partition has no leader at the moment
  | 'BUFFER_FULL' // more records wait than buffer.memory allows
  | 'RECORD_TOO_LARGE' // a record is larger than max.request.size
  | 'NO_OFFSET' // a partition has no committed offset and auto.offset.reset is none
  | 'CORRUPT_DATA' // fetched bytes that are no record batches
  | 'REBALANCED' // the group has moved on: join again
  | 'CLOSED' // the client was closed
  | 'INVALID_ARGUMENT';

const RETRIABLE: ReadonlySet<ClientErrorCode> = new Set(['CONNECTION_CLOSED', 'CONNECTION_REFUSED', 'REQUEST_TIMED_OUT', 'NO_LEADER', 'REBALANCED']);

export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  constructor(code: ClientErrorCode, message: string) {
    super(message);
    this.code = code;
  }

  /** The same call may succeed later or elsewhere. */
  get retriable(): boolean {
    return RETRIABLE.has(this.code);
  }
}
