/** The one place where failures of the engine and of the metadata become Kafka's error codes. */
import { ErrorCode, KafkaError } from '../protocol/errors.ts';
import { LogError } from '../storage/types.ts';
import type { LogErrorKind } from '../storage/types.ts';
import { MetadataError } from '../metadata/types.ts';

const CODES: Readonly<Record<LogErrorKind, number>> = {
  corrupt: ErrorCode.CORRUPT_MESSAGE,
  unsupportedMagic: ErrorCode.INVALID_RECORD,
  invalidRecord: ErrorCode.INVALID_RECORD,
  invalidTimestamp: ErrorCode.INVALID_TIMESTAMP,
  batchTooLarge: ErrorCode.MESSAGE_TOO_LARGE,
  segmentTooSmall: ErrorCode.RECORD_LIST_TOO_LARGE,
  unsupportedCompression: ErrorCode.UNSUPPORTED_COMPRESSION_TYPE,
  outOfOrderSequence: ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER,
  duplicateSequence: ErrorCode.DUPLICATE_SEQUENCE_NUMBER,
  invalidProducerEpoch: ErrorCode.INVALID_PRODUCER_EPOCH,
  unknownProducer: ErrorCode.UNKNOWN_PRODUCER_ID,
  fencedLeaderEpoch: ErrorCode.FENCED_LEADER_EPOCH,
  offsetOutOfRange: ErrorCode.OFFSET_OUT_OF_RANGE,
  invalidArgument: ErrorCode.INVALID_REQUEST,
  busy: ErrorCode.KAFKA_STORAGE_ERROR,
  diskFull: ErrorCode.KAFKA_STORAGE_ERROR,
  storage: ErrorCode.KAFKA_STORAGE_ERROR,
  closed: ErrorCode.NOT_LEADER_OR_FOLLOWER,
  inconsistentTopicId: ErrorCode.INCONSISTENT_TOPIC_ID,
  invalidTopic: ErrorCode.INVALID_TOPIC_EXCEPTION,
  invalidTransactionState: ErrorCode.INVALID_TXN_STATE,
  transactionCoordinatorFenced: ErrorCode.TRANSACTION_COORDINATOR_FENCED,
};

export function logErrorCode(error: LogError): number {
  return CODES[error.kind];
}

const METADATA_CODES: Readonly<Record<MetadataError['kind'], number>> = {
  fenced: ErrorCode.NOT_CONTROLLER,
  unavailable: ErrorCode.KAFKA_STORAGE_ERROR,
  unknown: ErrorCode.REQUEST_TIMED_OUT,
  corrupt: ErrorCode.KAFKA_STORAGE_ERROR,
};

/** The code for anything that was thrown; UNKNOWN_SERVER_ERROR for what should never be. */
export function errorCodeOf(error: unknown): number {
  if (error instanceof KafkaError) return error.code;
  if (error instanceof LogError) return logErrorCode(error);
  return error instanceof MetadataError ? METADATA_CODES[error.kind] : ErrorCode.UNKNOWN_SERVER_ERROR;
}

/** What a client may be told of it beyond the code, whose name it knows: nothing about defects of ours. */
export function errorMessageOf(error: unknown): string | null {
  if (error instanceof KafkaError) return error.message === error.codeName ? null : withoutPrefix(error.message, `${error.codeName}: `);
  return error instanceof LogError || error instanceof MetadataError ? error.message : null;
}

function withoutPrefix(text: string, prefix: string): string {
  return text.startsWith(prefix) ? text.slice(prefix.length) : text;
}
