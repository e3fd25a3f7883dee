/** KafkaJS's API over this client: change the import, keep the code. What differs stands in docs/from-kafkajs.md. */
import { Admin, type AdminConfig } from './admin.ts';
import type { KafkaConfig } from './connection.ts';
import { Consumer } from './consumer.ts';
import type { ConsumerConfig } from './consumerTypes.ts';
import { KafkaJSNonRetriableError } from './errors.ts';
import { createLogger, type Logger } from './logger.ts';
import { Producer, type ProducerConfig } from './producer.ts';
import { toSecurity } from './security.ts';
import { checkOptionNames } from '../api/optionCheck.ts';

export type { AdminConfig } from './admin.ts';
export * from './adminTypes.ts';
export {
  AssignerProtocol, PartitionAssigners, type Assigner, type AssignerCluster, type Assignment, type Cluster, type GroupMember, type GroupMemberAssignment, type GroupState, type ISerializer, type MemberAssignment,
  type MemberMetadata, type PartitionAssigner,
} from './assigners.ts';
export { CompressionCodecs, CompressionTypes, type CompressionCodec, type CompressionEncoder } from './compression.ts';
export type { BrokersFunction, KafkaConfig } from './connection.ts';
export type * from './consumerTypes.ts';
export {
  KafkaJSAggregateError, KafkaJSAlterPartitionReassignmentsError, KafkaJSBrokerNotFound, KafkaJSConnectionClosedError, KafkaJSConnectionError, KafkaJSCreateTopicError, KafkaJSDeleteGroupsError, KafkaJSDeleteTopicRecordsError,
  KafkaJSError, KafkaJSFetcherRebalanceError, KafkaJSGroupCoordinatorNotFound, KafkaJSInvalidLongError, KafkaJSInvalidVarIntError, KafkaJSInvariantViolation, KafkaJSLockTimeout, KafkaJSMemberIdRequired, KafkaJSMetadataNotLoaded,
  KafkaJSNoBrokerAvailableError, KafkaJSNonRetriableError, KafkaJSNotImplemented, KafkaJSNumberOfRetriesExceeded, KafkaJSOffsetOutOfRange, KafkaJSPartialMessageError, KafkaJSProtocolError, KafkaJSRequestTimeoutError,
  KafkaJSSASLAuthenticationError, KafkaJSServerDoesNotSupportApiKey, KafkaJSStaleTopicMetadataAssignment, KafkaJSTimeout, KafkaJSTopicMetadataNotLoaded, KafkaJSUnsupportedMagicByteInMessageSet,
} from './errors.ts';
export type { AdminEvents, ConsumerEvents, InstrumentationEvent, ProducerEvents } from './events.ts';
export type * from './errorTypes.ts';
export type * from './eventTypes.ts';
export type { ConsumerGroupState, GroupDescription, GroupDescriptions, MemberDescription } from './groupDescription.ts';
export { logLevel, type logCreator, type LogEntry, type Logger, type LoggerEntryContent } from './logger.ts';
export type * from './offsetTypes.ts';
export type { IHeaders, KafkaMessage, Message } from './messages.ts';
export { Partitioners, type DefaultPartitioner, type ICustomPartitioner, type LegacyPartitioner, type PartitionerArgs, type PartitionMetadata } from './partitioners.ts';
export type { ProducerBatch, ProducerConfig, ProducerRecord, RecordMetadata, TopicMessages, Transaction } from './producer.ts';
export type { RetryOptions } from './retry.ts';
export type { OauthbearerProviderResponse, SASLMechanism, SASLOptions, SslOptions } from './security.ts';
export { Admin, Consumer, Producer };

const KAFKA_OPTIONS = [
  'brokers', 'clientId', 'connectionTimeout', 'authenticationTimeout', 'reauthenticationThreshold', 'requestTimeout', 'enforceRequestTimeout', 'retry', 'logLevel', 'logCreator', 'network', 'authenticate',
  'ssl', 'sasl', 'socketFactory',
];

export class Kafka {
  readonly #config: KafkaConfig;
  readonly #logger: Logger;

  constructor(config: KafkaConfig) {
    checkOptionNames('Kafka', config, KAFKA_OPTIONS);
    if ((config as { readonly socketFactory?: unknown }).socketFactory !== undefined) throw new KafkaJSNonRetriableError('socketFactory is not taken over from KafkaJS: give "network" instead (see docs/from-kafkajs.md)');
    toSecurity(config.ssl, config.sasl);
    if (typeof config.brokers !== 'function' && (!Array.isArray(config.brokers) || config.brokers.length === 0)) throw new KafkaJSNonRetriableError('Failed to connect: brokers array is empty');
    this.#config = config;
    this.#logger = createLogger(config.logLevel, config.logCreator);
  }

  producer(config: ProducerConfig = {}): Producer {
    return new Producer(this.#config, config, this.#logger);
  }

  consumer(config: ConsumerConfig): Consumer {
    return new Consumer(this.#config, config, this.#logger);
  }

  admin(config: AdminConfig = {}): Admin {
    return new Admin(this.#config, config, this.#logger);
  }

  logger(): Logger {
    return this.#logger;
  }
}
