/** Failures of the client itself; what a broker answers with a code is a KafkaError. */
interface ErrorFact {
  /** The same call may succeed later or elsewhere. */
  readonly retriable: boolean;
  readonly meaning: string;
}

/** The one catalogue: every code that a ClientError can have. docs/client.md shows it. */
export const clientErrors = {
  CONNECTION_CLOSED: { retriable: true, meaning: 'the broker or the network ended the connection' },
  CONNECTION_REFUSED: { retriable: true, meaning: 'no broker that is known could be reached' },
  REQUEST_TIMED_OUT: { retriable: true, meaning: 'no answer within request.timeout.ms' },
  NO_LEADER: { retriable: true, meaning: 'a partition has no leader at the moment' },
  REBALANCED: { retriable: true, meaning: 'the group has moved on: what was asked belongs to an assignment that is gone' },
  DELIVERY_TIMED_OUT: { retriable: false, meaning: 'a record could not be delivered within delivery.timeout.ms' },
  AUTHENTICATION_FAILED: { retriable: false, meaning: 'the broker did not accept who we say we are' },
  UNSUPPORTED_VERSION: { retriable: false, meaning: 'the broker and this client have no version of the API in common' },
  INVALID_RESPONSE: { retriable: false, meaning: 'bytes that are no answer to what was asked' },
  CORRUPT_DATA: { retriable: false, meaning: 'fetched bytes that are no record batches' },
  BUFFER_FULL: { retriable: false, meaning: 'more records wait than buffer.memory allows' },
  RECORD_TOO_LARGE: { retriable: false, meaning: 'a record is larger than max.request.size' },
  SERIALIZATION_FAILED: { retriable: false, meaning: 'a key or value could not be turned into bytes, or bytes into it' },
  HANDLER_FAILED: { retriable: false, meaning: 'the application threw while it handled a record, as often as it may' },
  NO_OFFSET: { retriable: false, meaning: 'a partition has no position and auto.offset.reset is none' },
  TRANSACTION_ABORTABLE: { retriable: false, meaning: 'the transaction cannot be committed: abort it and begin again' },
  PRODUCER_FENCED: { retriable: false, meaning: 'another producer with the same transactional.id has taken over: close this one' },
  CLOSED: { retriable: false, meaning: 'the client was closed' },
  INVALID_STATE: { retriable: false, meaning: 'the call does not fit what came before it' },
  INVALID_ARGUMENT: { retriable: false, meaning: 'an option or argument that cannot be' },
} as const satisfies Record<string, ErrorFact>;

export type ClientErrorCode = keyof typeof clientErrors;

export class ClientError extends Error {
  override readonly name = 'ClientError';
  readonly code: ClientErrorCode;
  constructor(code: ClientErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
  }

  /** The same call may succeed later or elsewhere. */
  get retriable(): boolean {
    return clientErrors[this.code].retriable;
  }
}
