/** Errors in the words in which Kafka's tools print them: as Java's exceptions. */
import { ClientError } from '../client/core/clientError.ts';
import { KafkaError } from '../protocol/errors.ts';
import { failureText } from './failure.ts';

const PACKAGE = 'org.apache.kafka.common.errors.';

/** Exceptions that are not called as their codes are. */
const NAMES: Readonly<Record<string, string>> = {
  UNKNOWN_SERVER_ERROR: 'UnknownServerException', CORRUPT_MESSAGE: 'CorruptRecordException', REQUEST_TIMED_OUT: 'TimeoutException', MESSAGE_TOO_LARGE: 'RecordTooLargeException',
  STALE_CONTROLLER_EPOCH: 'ControllerMovedException', OFFSET_METADATA_TOO_LARGE: 'OffsetMetadataTooLarge', NETWORK_EXCEPTION: 'NetworkException',
  INVALID_TOPIC_EXCEPTION: 'InvalidTopicException', RECORD_LIST_TOO_LARGE: 'RecordBatchTooLargeException', TOPIC_AUTHORIZATION_FAILED: 'TopicAuthorizationException',
  GROUP_AUTHORIZATION_FAILED: 'GroupAuthorizationException', CLUSTER_AUTHORIZATION_FAILED: 'ClusterAuthorizationException', TOPIC_ALREADY_EXISTS: 'TopicExistsException',
  INVALID_CONFIG: 'InvalidConfigurationException', OUT_OF_ORDER_SEQUENCE_NUMBER: 'OutOfOrderSequenceException', DUPLICATE_SEQUENCE_NUMBER: 'DuplicateSequenceException',
  INVALID_PRODUCER_ID_MAPPING: 'InvalidPidMappingException', INVALID_TRANSACTION_TIMEOUT: 'InvalidTxnTimeoutException',
  TRANSACTIONAL_ID_AUTHORIZATION_FAILED: 'TransactionalIdAuthorizationException', KAFKA_STORAGE_ERROR: 'KafkaStorageException',
  SASL_AUTHENTICATION_FAILED: 'SaslAuthenticationException', DELEGATION_TOKEN_AUTH_DISABLED: 'DelegationTokenDisabledException',
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: 'UnsupportedByAuthenticationException', DELEGATION_TOKEN_AUTHORIZATION_FAILED: 'DelegationTokenAuthorizationException',
  NON_EMPTY_GROUP: 'GroupNotEmptyException', PRINCIPAL_DESERIALIZATION_FAILURE: 'PrincipalDeserializationException', INVALID_REGULAR_EXPRESSION: 'InvalidRegularExpression',
};

/** What Kafka's clients say where the broker sent a code alone. */
const MESSAGES: Readonly<Record<string, string>> = {
  UNKNOWN_SERVER_ERROR: 'The server experienced an unexpected error when processing the request.',
  OFFSET_OUT_OF_RANGE: 'The requested offset is not within the range of offsets maintained by the server.',
  UNKNOWN_TOPIC_OR_PARTITION: 'This server does not host this topic-partition.',
  LEADER_NOT_AVAILABLE: 'There is no leader for this topic-partition as we are in the middle of a leadership election.',
  NOT_LEADER_OR_FOLLOWER: 'For requests intended only for the leader, this error indicates that the broker is not the current leader. For requests intended for any replica, this error indicates that the broker is not a replica of the topic partition.',
  REQUEST_TIMED_OUT: 'The request timed out.',
  INVALID_TOPIC_EXCEPTION: 'The request attempted to perform an operation on an invalid topic.',
  INVALID_GROUP_ID: 'The configured groupId is invalid.',
  UNKNOWN_MEMBER_ID: 'The coordinator is not aware of this member.',
  TOPIC_AUTHORIZATION_FAILED: 'Topic authorization failed.',
  GROUP_AUTHORIZATION_FAILED: 'Group authorization failed.',
  CLUSTER_AUTHORIZATION_FAILED: 'Cluster authorization failed.',
  UNSUPPORTED_VERSION: 'The version of API is not supported.',
  TOPIC_ALREADY_EXISTS: 'Topic with this name already exists.',
  SECURITY_DISABLED: 'Security features are disabled.',
  LOG_DIR_NOT_FOUND: 'The user-specified log directory is not found in the broker config.',
  DELEGATION_TOKEN_AUTH_DISABLED: 'Delegation Token feature is not enabled.',
  DELEGATION_TOKEN_NOT_FOUND: 'Delegation Token is not found on server.',
  DELEGATION_TOKEN_REQUEST_NOT_ALLOWED: 'Delegation Token requests are not allowed on PLAINTEXT/1-way SSL channels and on delegation token authenticated channels.',
  DELEGATION_TOKEN_OWNER_MISMATCH: 'Specified Principal is not valid Owner/Renewer.',
  NON_EMPTY_GROUP: 'The group is not empty.',
  GROUP_ID_NOT_FOUND: 'The group id does not exist.',
  ELECTION_NOT_NEEDED: 'Leader election not needed for topic partition.',
  GROUP_SUBSCRIBED_TO_TOPIC: 'Deleting offsets of a topic is forbidden while the consumer group is actively subscribed to it.',
  TRANSACTIONAL_ID_NOT_FOUND: 'The transactionalId could not be found',
  RESOURCE_NOT_FOUND: 'A request illegally referred to a resource that does not exist.',
};

/** What Java's exception says. */
export function javaMessage(error: unknown): string {
  const text = failureText(error);
  if (!(error instanceof KafkaError) || text !== error.codeName) return text;
  return MESSAGES[error.codeName] ?? text;
}

/** Class and message, as Java prints an exception. */
export function javaException(error: unknown): string {
  return `${PACKAGE}${className(error)}: ${javaMessage(error)}`;
}

function className(error: unknown): string {
  if (error instanceof ClientError) return error.code === 'UNSUPPORTED_VERSION' ? 'UnsupportedVersionException' : error.code === 'AUTHENTICATION_FAILED' ? 'SaslAuthenticationException' : 'TimeoutException';
  if (!(error instanceof KafkaError)) return 'KafkaException';
  return NAMES[error.codeName] ?? `${error.codeName.split('_').map((word) => word.charAt(0) + word.slice(1).toLowerCase()).join('')}Exception`;
}
