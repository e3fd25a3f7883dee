/** The client as a library: a cluster, and what works on it. */
import { randomUUID } from 'node:crypto';
import { silentLogger, systemRandom } from '../base/systemPorts.ts';
import { packageVersion } from '../base/version.ts';
import { createTcpNetwork } from '../net/tcp.ts';
import { clientClock } from './clientClock.ts';
import { parseBootstrap } from './core/bootstrap.ts';
import { Cluster, type ClusterOptions } from './core/cluster.ts';

export { Admin, type NewPartitions, type NewTopicSpec, type TopicListing } from './admin/admin.ts';
export type * from './admin/aclTypes.ts';
export type { ClusterDescription, ClusterNode } from './admin/clusterInfo.ts';
export { ConfigOperation, ConfigResourceType, ConfigSource, type ConfigChange, type ConfigResource, type DescribeConfigsOptions } from './admin/configs.ts';
export type { GroupDescription, GroupMember } from './admin/describeGroups.ts';
export { ElectionType } from './admin/elections.ts';
export { UpgradeType, type FeatureMetadata, type FeatureResults, type FeatureUpdate } from './admin/features.ts';
export type { CommittedOffset, CommittedOffsets } from './admin/groupOffsets.ts';
export { GroupType, type GroupFilter, type GroupListing, type MemberToRemove } from './admin/groups.ts';
export { OffsetSpec, type FoundOffset } from './admin/listOffsets.ts';
export type { LogDirectory, ReplicaLog, ReplicaPlace, TopicPartitionReplica } from './admin/logDirs.ts';
export { throwFirst, valueOf, valuesOf, type Outcome } from './admin/outcome.ts';
export { PartitionMap, type TopicPartition } from './admin/partitionMap.ts';
export type { QuorumDescription, RaftVoter } from './admin/quorum.ts';
export type { EntityQuotas, QuotaAlteration, QuotaEntity, QuotaEntityType, QuotaFilterPart } from './admin/quotas.ts';
export type { Reassignment } from './admin/reassignments.ts';
export { ScramMechanism, type ScramAlteration, type ScramCredentialInfo } from './admin/scram.ts';
export type { ShareGroupDescription, ShareMember, ShareOffset } from './admin/shareGroups.ts';
export type { StreamsGroupDescription } from './admin/streamsGroups.ts';
export type { DelegationToken, Principal, TokenRequest } from './admin/tokens.ts';
export type { ActiveProducer, FencedProducer, HangingTransaction, TransactionDescription, TransactionFilter, TransactionListing } from './admin/transactions.ts';
export type { PartitionDescription, TopicDescription } from './admin/describeTopics.ts';
export { Client, createClient, type ClientOptions, type RecordConsumerOptions, type RecordProducerOptions } from './api/client.ts';
export type { BatchDelivery, RecordDelivery } from './api/deliveries.ts';
export { runExactlyOnce, type ExactlyOnceOptions } from './api/exactlyOnce.ts';
export { FAILURE_HEADERS, type FailureOptions } from './api/failurePolicy.ts';
export { ConsumedRecord, RecordBatch, type PoisonRecord, type RawRecord } from './api/recordBatch.ts';
export { RecordConsumer } from './api/recordConsumer.ts';
export { RecordProducer, type BatchInput, type HeadersInput, type RecordInput, type TransactionScope } from './api/recordProducer.ts';
export { Runner, type HandlerContext, type RecordHandler, type RunOptions } from './api/runner.ts';
export { ShareConsumer, type SharedRecord, type ShareConsumerOptions } from './api/shareConsumer.ts';
export * as serdes from './api/serdes.ts';
export type { Deserializer, Serde, Serializer } from './api/serdes.ts';
export { openTelemetryTracer, type ClientTracer, type OpenTelemetryApi, type SendSpan } from './api/tracing.ts';
export { CHANNELS } from './diagnostics.ts';
export { rangeAssignor, roundRobinAssignor, type Assignment, type Assignor, type MemberSubscription } from './consumer/assignor.ts';
export { cooperativeStickyAssignor, stickyAssignor } from './consumer/stickyAssignor.ts';
export type { RebalanceListener } from './consumer/rebalanceListener.ts';
export { Consumer, type PartitionToRead } from './consumer/consumer.ts';
export { defaultConsumerOptions, type ConsumerOptions } from './consumer/consumerOptions.ts';
export type { RecordListener, TakenPartition } from './consumer/fetcher.ts';
export { OffsetAt } from './consumer/offsetLookup.ts';
export { parseBootstrap } from './core/bootstrap.ts';
export { ClientError, clientErrors, type ClientErrorCode } from './core/clientError.ts';
export { Cluster, type ClusterOptions } from './core/cluster.ts';
export { ErrorCode, KafkaError } from '../protocol/errors.ts';
export { customPartitioner, defaultPartitioner, murmur2, roundRobinPartitioner, uniformStickyPartitioner, type Partitioner, type PartitionerFactory } from './producer/partitioner.ts';
export { Producer, type Delivery, type DeliveryListener, type OutgoingRecord } from './producer/producer.ts';
export { defaultProducerOptions, type ProducerOptions } from './producer/producerOptions.ts';
export type { AcknowledgeType } from './share/acknowledgements.ts';
export { adminOptions } from './settings/adminOptions.ts';
export { consumerOptions } from './settings/consumerOptions.ts';
export { producerOptions } from './settings/producerOptions.ts';
export { clientSecurity, type ClientSecurity } from './security/clientSecurity.ts';
export type { ClientSettings, ClusterSettings } from './settings/settingValues.ts';
export { clientClock };

/** A cluster on this machine's network and clock, with Kafka's defaults. Throws ClientError INVALID_ARGUMENT for a bad `bootstrap`. */
export function connectCluster(bootstrap: string, options: Partial<ClusterOptions> = {}): Cluster {
  return new Cluster({
    bootstrap: parseBootstrap(bootstrap), clientId: `tidelog-${randomUUID()}`, network: createTcpNetwork(), clock: clientClock, random: systemRandom, logger: silentLogger,
    requestTimeoutMs: 30_000, apiTimeoutMs: 60_000, connectTimeoutMs: 10_000, retryBackoffMs: 100, retryBackoffMaxMs: 1000, metadataMaxAgeMs: 300_000, softwareVersion: packageVersion(),
    ...options,
  });
}
