/**
 * What a broker knows of its cluster, and how it asks for a change. Two back ends stand behind it (embedded journal, ZooKeeper);
 * no room above may ask which one runs.
 */

import type { AclBinding, AclFilter, AclView } from './acls.ts';
import type { ClientQuotaView } from './clientQuotas.ts';
import type { ScramDeletion, ScramUpsertion, TokenChange, TokenOutcome } from './credentialDecisions.ts';
import type { Credentials, DelegationToken } from './credentials.ts';

export interface BrokerEndpoint {
  readonly listener: string;
  readonly host: string;
  readonly port: number;
  readonly securityProtocol: string;
}

export interface BrokerRegistration {
  readonly id: number;
  readonly epoch: number;
  readonly rack: string | null;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly fenced: boolean;
}

export interface PartitionImage {
  readonly index: number;
  /** -1: none. */
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
}

export interface TopicImage {
  readonly name: string;
  /** 22-character base64url. */
  readonly id: string;
  readonly internal: boolean;
  readonly partitions: readonly PartitionImage[];
}

/** Kafka's codes of config resource types. */
export const ConfigResourceType = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const;
export type ConfigResourceType = (typeof ConfigResourceType)[keyof typeof ConfigResourceType];

/** The state after some version. Readers take what they need at once and keep nothing across turns of the event loop. */
export interface ClusterImage {
  /** Grows with every change. */
  readonly version: number;
  readonly clusterId: string;
  readonly controllerId: number;
  readonly brokers: ReadonlyMap<number, BrokerRegistration>;
  readonly topicsByName: ReadonlyMap<string, TopicImage>;
  readonly topicsById: ReadonlyMap<string, TopicImage>;
  /** Feature levels that somebody set, by name; 0: taken off. */
  readonly features: ReadonlyMap<string, number>;
  readonly acls: AclView;
  readonly clientQuotas: ClientQuotaView;
  readonly credentials: Credentials;
  /** Overrides of one resource ('' is the cluster-wide default of brokers); empty when none. */
  configsOf(type: ConfigResourceType, name: string): ReadonlyMap<string, string>;
  /** Names of the resources of a type that have overrides. */
  configResources(type: ConfigResourceType): Iterable<string>;
}

/** What changed from one version to the next. */
export interface MetadataDelta {
  readonly topicsCreated: readonly TopicImage[];
  readonly topicsDeleted: readonly TopicImage[];
  /** Partitions added, or leader, epoch, replicas or in-sync set changed. */
  readonly topicsChanged: readonly TopicImage[];
  readonly configsChanged: readonly { readonly type: ConfigResourceType; readonly name: string }[];
  readonly brokersChanged: boolean;
}

/** Levels of a feature that a node can work at. */
export interface FeatureSpan {
  readonly name: string;
  readonly minVersion: number;
  readonly maxVersion: number;
  /** Of a cluster for which nobody has set another. */
  readonly defaultLevel: number;
}

export interface FeatureUpdate {
  readonly name: string;
  readonly level: number;
  /** FeatureUpgradeType. */
  readonly upgradeType: number;
}

/** How a change ended. `code` is a Kafka error code (0 none); `message` null when there is nothing to add. */
export interface ChangeOutcome {
  readonly code: number;
  readonly message: string | null;
}

export interface AclDeletion extends ChangeOutcome {
  readonly deleted: readonly AclBinding[];
}

/** Of one entity (type and name pairs, null for the default); a null value removes the quota. */
export interface QuotaAlteration {
  readonly entity: readonly (readonly [type: string, name: string | null])[];
  readonly changes: readonly { readonly key: string; readonly value: number | null }[];
}

export interface NewTopic {
  readonly name: string;
  /** -1: the broker's default. */
  readonly partitions: number;
  readonly replicationFactor: number;
  /** By partition index; empty: chosen by the controller. */
  readonly assignments: ReadonlyMap<number, readonly number[]>;
  readonly configs: ReadonlyMap<string, string | null>;
}

export interface NewTopicOutcome extends ChangeOutcome {
  readonly topic: TopicImage | null;
}

export const ConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;
export type ConfigOperation = (typeof ConfigOperation)[keyof typeof ConfigOperation];

export interface ConfigChange {
  readonly key: string;
  readonly value: string | null;
  readonly operation: ConfigOperation;
}

/**
 * The write side. Every call is durable (or agreed) before it resolves. It rejects only with MetadataError: fenced (this node is no longer who it
 * was), unavailable (nothing was done) or unknown (the reply was lost: it may have been done).
 */
export interface Controller {
  createTopics(topics: readonly NewTopic[], validateOnly: boolean): Promise<NewTopicOutcome[]>;
  deleteTopics(topicIds: readonly string[]): Promise<ChangeOutcome[]>;
  /** New total count, and assignments of the new partitions (empty: chosen). */
  createPartitions(topic: string, count: number, assignments: readonly (readonly number[])[], validateOnly: boolean): Promise<ChangeOutcome>;
  incrementalAlterConfigs(type: ConfigResourceType, name: string, changes: readonly ConfigChange[], validateOnly: boolean): Promise<ChangeOutcome>;
  /** Replaces all overrides. */
  alterConfigs(type: ConfigResourceType, name: string, configs: ReadonlyMap<string, string | null>, validateOnly: boolean): Promise<ChangeOutcome>;
  /** What is there already is accepted. */
  createAcls(bindings: readonly AclBinding[]): Promise<ChangeOutcome[]>;
  /** One result per filter. */
  deleteAcls(filters: readonly AclFilter[]): Promise<AclDeletion[]>;
  alterClientQuotas(alterations: readonly QuotaAlteration[], validateOnly: boolean): Promise<ChangeOutcome[]>;
  /** Outcomes by user; those that fail do not keep the others from being done. */
  alterScramCredentials(deletions: readonly ScramDeletion[], upsertions: readonly ScramUpsertion[]): Promise<ReadonlyMap<string, ChangeOutcome>>;
  createDelegationToken(token: DelegationToken): Promise<ChangeOutcome>;
  changeDelegationToken(change: TokenChange): Promise<TokenOutcome>;
  /** Forgets the tokens whose time has passed. */
  sweepDelegationTokens(nowMs: number): Promise<void>;
  /** A block of producer ids that no one else will ever get. */
  /** All or none. `supported` is what this node can work at; levels that were never set are the defaults. */
  updateFeatures(supported: readonly FeatureSpan[], updates: readonly FeatureUpdate[], validateOnly: boolean): Promise<ChangeOutcome>;
  allocateProducerIds(): Promise<{ readonly first: number; readonly count: number }>;
}

export class MetadataError extends Error {
  override readonly name = 'MetadataError';
  readonly kind: 'fenced' | 'unavailable' | 'unknown' | 'corrupt';
  constructor(kind: 'fenced' | 'unavailable' | 'unknown' | 'corrupt', message: string) {
    super(message);
    this.kind = kind;
  }
}

/** One back end: the read side, the write side, and life cycle. */
export interface ClusterMetadata {
  readonly image: ClusterImage;
  readonly controller: Controller;
  /** Called after each change, in order, with the image already new. Returns what ends the subscription. */
  subscribe(listener: (delta: MetadataDelta, image: ClusterImage) => void): () => void;
  /** Registers this broker with its endpoints; resolves when the image holds it. */
  register(broker: Omit<BrokerRegistration, 'epoch' | 'fenced'>): Promise<void>;
  close(): Promise<void>;
}
