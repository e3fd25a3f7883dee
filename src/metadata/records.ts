/** The facts that a cluster's metadata is made of, in the order in which they were agreed. `recordCodec.ts` gives them Kafka's bytes. */
import type { AccessRecord } from './accessRecords.ts';
import type { CredentialRecord } from './credentials.ts';
import type { BrokerEndpoint, ConfigResourceType } from './types.ts';

export type MetadataRecord =
  | { readonly kind: 'topic'; readonly name: string; readonly id: string }
  | PartitionFact
  /** Removes the topic's settings too. */
  | { readonly kind: 'removeTopic'; readonly id: string }
  /** `value` null removes the override. */
  | { readonly kind: 'config'; readonly resourceType: ConfigResourceType; readonly resourceName: string; readonly key: string; readonly value: string | null }
  | { readonly kind: 'producerIds'; readonly brokerId: number; readonly brokerEpoch: number; readonly nextProducerId: number }
  /** Level 0 takes the feature off. */
  | { readonly kind: 'feature'; readonly name: string; readonly level: number }
  | AccessRecord
  | BrokerFact
  | CredentialRecord;

/** A new partition, or a known one with what it is now. */
export interface PartitionFact {
  readonly kind: 'partition';
  readonly topicId: string;
  readonly index: number;
  readonly replicas: readonly number[];
  readonly inSyncReplicas: readonly number[];
  readonly leader: number;
  readonly leaderEpoch: number;
  readonly partitionEpoch: number;
}

/**
 * A broker came up. A fenced one has begun a new life (`incarnationId`) and every partition that it leads enters a new leader epoch; an unfenced one
 * says where clients reach it.
 */
export interface BrokerFact {
  readonly kind: 'broker';
  readonly id: number;
  readonly incarnationId: string;
  readonly epoch: number;
  readonly rack: string | null;
  readonly endpoints: readonly BrokerEndpoint[];
  readonly fenced: boolean;
}
