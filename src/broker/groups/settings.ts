import type { BrokerConfig } from '../../config/types.ts';
import { consumerSettings } from './consumer/settings.ts';
import type { ConsumerSettings } from './consumer/settings.ts';
import { streamsSettings } from './streams/settings.ts';
import type { StreamsSettings } from './streams/settings.ts';

/** What the broker's configuration says about groups. */
export interface GroupSettings {
  /** `group.initial.rebalance.delay.ms` */
  readonly initialRebalanceDelayMs: number;
  /** `group.min.session.timeout.ms` */
  readonly sessionTimeoutMsMin: number;
  /** `group.max.session.timeout.ms` */
  readonly sessionTimeoutMsMax: number;
  /** `group.max.size` */
  readonly membersMax: number;
  /** `offset.metadata.max.bytes` */
  readonly metadataLengthMax: number;
  /** `offsets.commit.timeout.ms` */
  readonly commitTimeoutMs: number;
  /** `offsets.retention.minutes` */
  readonly offsetRetentionMs: number;
  /** `offsets.retention.check.interval.ms` */
  readonly retentionCheckIntervalMs: number;
  /** Members of one shard that were given an id and have not come back; a flood of JoinGroup without an id ends here. */
  readonly pendingJoinsMax: number;
  /** What all members of one shard may say of themselves, names and metadata of their protocols. */
  readonly protocolBytesMax: number;
  readonly consumer: ConsumerSettings;
  readonly streams: StreamsSettings;
  /** Requests of one shard that wait for the log; more are refused until it keeps up. */
  readonly pendingWritesMax: number;
}

const PENDING_JOINS_MAX = 100_000;
const PENDING_WRITES_MAX = 50_000;
const PROTOCOL_BYTES_MAX = 512 * 1024 * 1024;
const PROTOCOL_BYTES_OF_SHARD_MIN = 16 * 1024 * 1024;
/** What one member may say. More than the one protocol that its group agrees on must fit in a record, and could not be written. */
export const MEMBER_PROTOCOL_BYTES_MAX = 4_000_000;

export function groupSettings(config: BrokerConfig): GroupSettings {
  return {
    initialRebalanceDelayMs: config.groupInitialRebalanceDelayMs,
    sessionTimeoutMsMin: config.groupMinSessionTimeoutMs,
    sessionTimeoutMsMax: config.groupMaxSessionTimeoutMs,
    membersMax: config.groupMaxSize,
    metadataLengthMax: config.offsetMetadataMaxBytes,
    commitTimeoutMs: config.offsetsCommitTimeoutMs,
    offsetRetentionMs: config.offsetsRetentionMs,
    retentionCheckIntervalMs: config.offsetsRetentionCheckIntervalMs,
    consumer: consumerSettings(config),
    streams: streamsSettings(config),
    pendingJoinsMax: PENDING_JOINS_MAX,
    pendingWritesMax: PENDING_WRITES_MAX,
    protocolBytesMax: Math.max(PROTOCOL_BYTES_OF_SHARD_MIN, Math.floor(PROTOCOL_BYTES_MAX / config.offsetsTopicNumPartitions)),
  };
}

/** The settings as the broker's configuration has them now; resolved anew only when that is another. */
export function liveGroupSettings(config: () => BrokerConfig): () => GroupSettings {
  let known = config();
  let settings = groupSettings(known);
  return () => {
    const present = config();
    if (present === known) return settings;
    known = present;
    return (settings = groupSettings(present));
  };
}

/** How long a new member's JoinGroup may wait: its client cannot send heartbeats yet, and may be gone. Kafka's own figure. */
export const NEW_MEMBER_JOIN_TIMEOUT_MS = 5 * 60_000;
