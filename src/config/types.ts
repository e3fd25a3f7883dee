/**
 * What the other rooms see of the configuration: typed, resolved, units last in the names. Whole numbers that Kafka
 * holds as int64 are clamped to Number.MAX_SAFE_INTEGER here; their exact text lives in the layers (`effective.ts`).
 */

import type { HttpListener } from './httpListener.ts';
import type { SecurityProtocol } from '../base/securityProtocol.ts';
import type { BrokerLayers } from './layers.ts';

/** One name of a listener, with every address that it binds. */
export interface ListenerConfig {
  /** The listener's name, upper case as Kafka keeps it: `PLAINTEXT`, `EXTERNAL`. */
  readonly name: string;
  /**
   * Addresses to bind, all on `port`. `::` is every interface, IPv4 included; where the machine has no IPv6, the
   * opener falls back to `0.0.0.0`, and leaves out `::1` beside `127.0.0.1`.
   */
  readonly hosts: readonly string[];
  /** 0 picks a free port. */
  readonly port: number;
  readonly securityProtocol: SecurityProtocol;
  readonly advertisedHost: string;
  /** 0: the port that was bound. */
  readonly advertisedPort: number;
}

/** `producer` keeps what the producer chose. */
export type CompressionTypeName = 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
export type TimestampTypeName = 'CreateTime' | 'LogAppendTime';
/** `full` inflates and checks compressed batches; `header` trusts header and CRC (never for compacted topics). */
export type BatchValidation = 'full' | 'header';

/** The settings of one topic, resolved through all layers. */
export interface TopicConfig {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly segmentIndexBytes: number;
  readonly indexIntervalBytes: number;
  /** -1: no limit. */
  readonly retentionMs: number;
  /** -1: no limit. */
  readonly retentionBytes: number;
  /** Number.MAX_SAFE_INTEGER: left to the operating system. */
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly fileDeleteDelayMs: number;
  readonly maxMessageBytes: number;
  /** As set; what counts is the smaller of it and the number of replicas. */
  readonly minInsyncReplicas: number;
  readonly cleanupPolicy: { readonly delete: boolean; readonly compact: boolean };
  readonly compressionType: CompressionTypeName;
  readonly compressionGzipLevel: number;
  readonly compressionLz4Level: number;
  readonly compressionZstdLevel: number;
  readonly messageTimestampType: TimestampTypeName;
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly preallocate: boolean;
  readonly deleteRetentionMs: number;
  readonly minCleanableDirtyRatio: number;
  readonly minCompactionLagMs: number;
  readonly maxCompactionLagMs: number;
  readonly uncleanLeaderElectionEnable: boolean;
  readonly batchValidation: BatchValidation;
}

/** The settings of one broker that this implementation acts on. */
export interface BrokerConfig {
  readonly nodeId: number;
  /** The client-visible rack, or null. */
  readonly rack: string | null;
  readonly listeners: readonly ListenerConfig[];
  /** Absolute or relative paths, at least one, no duplicates. */
  readonly logDirs: readonly string[];

  readonly socketRequestMaxBytes: number;
  readonly socketListenBacklogSize: number;
  /** Negative: never. */
  readonly connectionsMaxIdleMs: number;
  /** How long a failed login waits for its answer and its end. */
  readonly connectionFailedAuthenticationDelayMs: number;
  /** `DEFAULT` or `RULE:pattern/replacement/[LU]`, separated by commas. */
  readonly sslPrincipalMappingRules: string;
  /** Signs delegation tokens; null: there are none. A secret. */
  readonly delegationTokenSecretKey: string | null;
  readonly delegationTokenMaxLifetimeMs: number;
  readonly delegationTokenExpiryTimeMs: number;
  readonly delegationTokenExpiryCheckIntervalMs: number;
  readonly maxConnections: number;
  readonly maxConnectionsPerIp: number;
  /** Address to limit, over `maxConnectionsPerIp`. */
  readonly maxConnectionsPerIpOverrides: ReadonlyMap<string, number>;
  /** Bytes of requests held by all connections together; -1: this implementation's own limit. */
  readonly queuedMaxRequestBytes: number;

  readonly autoCreateTopicsEnable: boolean;
  readonly deleteTopicEnable: boolean;
  readonly numPartitions: number;
  readonly defaultReplicationFactor: number;
  readonly maxRequestPartitionSizeLimit: number;

  readonly fetchMaxBytes: number;
  readonly maxIncrementalFetchSessionCacheSlots: number;

  readonly logRetentionCheckIntervalMs: number;
  readonly logInitialTaskDelayMs: number;
  readonly logFlushOffsetCheckpointIntervalMs: number;
  readonly logFlushStartOffsetCheckpointIntervalMs: number;
  readonly replicaHighWatermarkCheckpointIntervalMs: number;
  readonly telemetryMaxBytes: number;
  /** Where metrics and health are read; null for nowhere. */
  readonly httpListener: HttpListener | null;
  /** -1: none is logged. */
  readonly slowRequestMs: number;
  readonly numRecoveryThreadsPerDataDir: number;

  readonly logCleanerEnable: boolean;
  readonly logCleanerThreads: number;
  /** Bytes. */
  readonly logCleanerDedupeBufferSize: number;
  readonly logCleanerIoBufferLoadFactor: number;
  /** Bytes. */
  readonly logCleanerIoBufferSize: number;
  readonly logCleanerIoMaxBytesPerSecond: number;
  readonly logCleanerBackoffMs: number;

  readonly producerIdExpirationMs: number;
  readonly producerIdExpirationCheckIntervalMs: number;

  readonly groupInitialRebalanceDelayMs: number;
  readonly groupMinSessionTimeoutMs: number;
  readonly groupMaxSessionTimeoutMs: number;
  readonly groupMaxSize: number;
  readonly offsetMetadataMaxBytes: number;
  readonly offsetsCommitTimeoutMs: number;
  readonly offsetsRetentionMs: number;
  readonly offsetsRetentionCheckIntervalMs: number;
  readonly offsetsTopicNumPartitions: number;
  readonly offsetsTopicReplicationFactor: number;
  readonly offsetsTopicSegmentBytes: number;

  /** The settings by layer, as text: for DescribeConfigs and for resolving topics. May hold passwords. */
  readonly layers: BrokerLayers;
}

/** One `key=value` as it was found. `origin` says where: `server.properties:12`, `--override`. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: string;
  readonly origin: string;
}

export interface ConfigProblem {
  readonly key: string;
  /** Masked for passwords. */
  readonly value: string | null;
  readonly origin: string;
  /** What is wrong and what is allowed. */
  readonly message: string;
}
