import type { AssignorProtocol } from './assignorProtocol.ts';
import type { Assignor } from './assignor.ts';
import type { GroupOptions } from './membership.ts';

export interface ConsumerOptions {
  readonly fetchMinBytes: number;
  readonly fetchWaitMsMax: number;
  readonly fetchMaxBytes: number;
  readonly maxPartitionFetchBytes: number;
  readonly isolationLevel: 'read_uncommitted' | 'read_committed';
  /** Where a partition without a committed offset, or out of range, begins. */
  readonly autoOffsetReset: 'earliest' | 'latest' | 'none';
  /** The same for one topic; absent: as above for all. */
  readonly autoOffsetResetOf?: (topic: string) => 'earliest' | 'latest' | 'none';
  readonly enableAutoCommit: boolean;
  readonly autoCommitIntervalMs: number;
  /** Whether asking for a topic may create it, where the broker does so. */
  readonly allowAutoCreateTopics: boolean;
  /** Whether a pattern matches no internal topic. */
  readonly excludeInternalTopics: boolean;
  /** Whether the checksum of each fetched batch is checked. */
  readonly checkCrcs: boolean;
  /** Absent: no group; offsets are not committed, and a subscription means all partitions of its topics. */
  readonly group?: GroupOptions;
  /** `classic`: the members assign the partitions; `consumer`: the coordinator does (KIP-848). Absent: classic. */
  readonly groupProtocol?: 'classic' | 'consumer';
  /** What is done to fetched batches before they are read, null for nothing: an application's own decompression. What it rejects with fails the poll. */
  readonly decodeBatches?: (fetched: Buffer, checkCrcs: boolean) => Promise<Buffer> | null;
  /** For classic groups, the preferred one first. Absent: range, then cooperative-sticky, as Java's client. */
  readonly assignors?: readonly (Assignor | AssignorProtocol)[];
  /** For groups whose coordinator assigns: `uniform`, `range`, or one of the broker's own. */
  readonly remoteAssignor?: string;
  /** Where this client is: brokers let it read from a replica there. */
  readonly rackId?: string;
  /** The next fetch begins while less than this waits to be handed out. */
  readonly prefetchBytes?: number;
}

/** Kafka's. */
export const defaultConsumerOptions: ConsumerOptions = {
  fetchMinBytes: 1, fetchWaitMsMax: 500, fetchMaxBytes: 52_428_800, maxPartitionFetchBytes: 1_048_576, isolationLevel: 'read_uncommitted', autoOffsetReset: 'latest',
  enableAutoCommit: true, autoCommitIntervalMs: 5000, allowAutoCreateTopics: true, excludeInternalTopics: true, checkCrcs: true,
};
