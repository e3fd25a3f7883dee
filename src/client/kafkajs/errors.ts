/** KafkaJS's errors, made of the client's. */
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ClientError } from '../core/clientError.ts';

export interface KafkaJSErrorMetadata {
  readonly retriable?: boolean;
  readonly topic?: string;
  readonly partitionId?: number;
  readonly cause?: unknown;
}

export class KafkaJSError extends Error {
  override name = 'KafkaJSError';
  readonly retriable: boolean;
  readonly helpUrl: string | undefined;
  constructor(error: Error | string, { retriable = true, cause }: KafkaJSErrorMetadata = {}) {
    super(typeof error === 'string' ? error : error.message, cause === undefined ? undefined : { cause });
    this.retriable = retriable;
    this.helpUrl = undefined;
  }
}

export class KafkaJSNonRetriableError extends KafkaJSError {
  override name = 'KafkaJSNonRetriableError';
  constructor(error: Error | string, metadata: KafkaJSErrorMetadata = {}) {
    super(error, { ...metadata, retriable: false });
  }
}

export class KafkaJSProtocolError extends KafkaJSError {
  override name = 'KafkaJSProtocolError';
  readonly type: string;
  readonly code: number;
  constructor(error: KafkaError, metadata: KafkaJSErrorMetadata = {}) {
    super(error, { retriable: error.retriable, cause: error, ...metadata });
    this.type = error.codeName;
    this.code = error.code;
  }
}

export class KafkaJSOffsetOutOfRange extends KafkaJSProtocolError {
  override name = 'KafkaJSOffsetOutOfRange';
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  constructor(error: KafkaError, { topic, partition }: { readonly topic?: string; readonly partition?: number } = {}) {
    super(error);
    this.topic = topic;
    this.partition = partition;
  }
}

export class KafkaJSMemberIdRequired extends KafkaJSProtocolError {
  override name = 'KafkaJSMemberIdRequired';
}

export class KafkaJSCreateTopicError extends KafkaJSProtocolError {
  override name = 'KafkaJSCreateTopicError';
  readonly topic: string;
  constructor(error: KafkaError, topic: string) {
    super(error);
    this.topic = topic;
  }
}

export class KafkaJSAlterPartitionReassignmentsError extends KafkaJSProtocolError {
  override name = 'KafkaJSAlterPartitionReassignmentsError';
  readonly topic: string | undefined;
  readonly partition: number | undefined;
  constructor(error: KafkaError, topic?: string, partition?: number) {
    super(error);
    this.topic = topic;
    this.partition = partition;
  }
}

export class KafkaJSNumberOfRetriesExceeded extends KafkaJSNonRetriableError {
  override name = 'KafkaJSNumberOfRetriesExceeded';
  readonly retryCount: number;
  readonly retryTime: number;
  constructor(error: Error, { retryCount, retryTime }: { readonly retryCount: number; readonly retryTime: number }) {
    super(error, { cause: error });
    this.retryCount = retryCount;
    this.retryTime = retryTime;
  }
}

export class KafkaJSConnectionError extends KafkaJSError {
  override name = 'KafkaJSConnectionError';
  readonly broker: string | undefined;
  readonly code: string | undefined;
  constructor(error: Error | string, { broker, code }: { readonly broker?: string; readonly code?: string } = {}) {
    super(error, typeof error === 'string' ? {} : { cause: error });
    this.broker = broker;
    this.code = code;
  }
}

export class KafkaJSConnectionClosedError extends KafkaJSConnectionError {
  override name = 'KafkaJSConnectionClosedError';
}

export class KafkaJSRequestTimeoutError extends KafkaJSError {
  override name = 'KafkaJSRequestTimeoutError';
}

export class KafkaJSMetadataNotLoaded extends KafkaJSError {
  override name = 'KafkaJSMetadataNotLoaded';
}

export class KafkaJSTopicMetadataNotLoaded extends KafkaJSMetadataNotLoaded {
  override name = 'KafkaJSTopicMetadataNotLoaded';
}

export class KafkaJSStaleTopicMetadataAssignment extends KafkaJSError {
  override name = 'KafkaJSStaleTopicMetadataAssignment';
}

export class KafkaJSDeleteGroupsError extends KafkaJSError {
  override name = 'KafkaJSDeleteGroupsError';
  readonly groups: readonly { readonly groupId: string; readonly errorCode: number; readonly error: KafkaJSProtocolError }[];
  constructor(message: string, groups: KafkaJSDeleteGroupsError['groups']) {
    super(message);
    this.groups = groups;
  }
}

export class KafkaJSDeleteTopicRecordsError extends KafkaJSError {
  override name = 'KafkaJSDeleteTopicRecordsError';
  readonly partitions: readonly { readonly partition: number; readonly offset: string; readonly error: KafkaJSError }[];
  constructor(partitions: KafkaJSDeleteTopicRecordsError['partitions']) {
    super('Error while deleting records', { retriable: partitions.length > 0 && partitions.every(({ error }) => error.retriable) });
    this.partitions = partitions;
  }
}

export class KafkaJSServerDoesNotSupportApiKey extends KafkaJSNonRetriableError {
  override name = 'KafkaJSServerDoesNotSupportApiKey';
}

export class KafkaJSBrokerNotFound extends KafkaJSError {
  override name = 'KafkaJSBrokerNotFound';
}

export class KafkaJSPartialMessageError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSPartialMessageError';
}

export class KafkaJSSASLAuthenticationError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSSASLAuthenticationError';
}

export class KafkaJSGroupCoordinatorNotFound extends KafkaJSNonRetriableError {
  override name = 'KafkaJSGroupCoordinatorNotFound';
}

export class KafkaJSNotImplemented extends KafkaJSNonRetriableError {
  override name = 'KafkaJSNotImplemented';
}

export class KafkaJSTimeout extends KafkaJSNonRetriableError {
  override name = 'KafkaJSTimeout';
}

export class KafkaJSLockTimeout extends KafkaJSTimeout {
  override name = 'KafkaJSLockTimeout';
}

export class KafkaJSUnsupportedMagicByteInMessageSet extends KafkaJSNonRetriableError {
  override name = 'KafkaJSUnsupportedMagicByteInMessageSet';
}

export class KafkaJSInvariantViolation extends KafkaJSNonRetriableError {
  override name = 'KafkaJSInvariantViolation';
}

export class KafkaJSInvalidVarIntError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSInvalidVarIntError';
}

export class KafkaJSInvalidLongError extends KafkaJSNonRetriableError {
  override name = 'KafkaJSInvalidLongError';
}

export class KafkaJSAggregateError extends Error {
  override name = 'KafkaJSAggregateError';
  readonly errors: readonly (Error | string)[];
  constructor(message: Error | string, errors: readonly (Error | string)[]) {
    super(typeof message === 'string' ? message : message.message);
    this.errors = errors;
  }
}

export class KafkaJSFetcherRebalanceError extends Error {
  override name = 'KafkaJSFetcherRebalanceError';
}

export class KafkaJSNoBrokerAvailableError extends KafkaJSError {
  override name = 'KafkaJSNoBrokerAvailableError';
  constructor() {
    super('No broker available');
  }
}

/** The KafkaJS error that stands for what the client below threw. */
export function toKafkaJSError(error: unknown): Error {
  if (error instanceof KafkaError) return error.code === ErrorCode.OFFSET_OUT_OF_RANGE ? new KafkaJSOffsetOutOfRange(error) : new KafkaJSProtocolError(error);
  if (!(error instanceof ClientError)) return error as Error;
  switch (error.code) {
    case 'CONNECTION_CLOSED':
      return new KafkaJSConnectionClosedError(error);
    case 'CONNECTION_REFUSED':
      return new KafkaJSConnectionError(error);
    case 'REQUEST_TIMED_OUT':
    case 'DELIVERY_TIMED_OUT':
      return new KafkaJSRequestTimeoutError(error);
    case 'AUTHENTICATION_FAILED':
      return new KafkaJSSASLAuthenticationError(error);
    case 'UNSUPPORTED_VERSION':
      return new KafkaJSServerDoesNotSupportApiKey(error);
    case 'NO_LEADER':
    case 'REBALANCED':
      return new KafkaJSError(error, { retriable: true, cause: error });
    default:
      return new KafkaJSNonRetriableError(error, { cause: error });
  }
}

export async function asKafkaJS<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    throw toKafkaJSError(error);
  }
}
