import { Codec } from '../../record/batchHeader.ts';
import { DEFAULT_LEVEL } from '../../record/codecs.ts';
import type { PartitionerFactory } from './partitioner.ts';

export interface ProducerOptions {
  /** 0: no answer is awaited; 1: the leader has it; -1: all in-sync replicas have it. */
  readonly acks: 0 | 1 | -1;
  readonly codec: Codec;
  /** As `compress` in record/codecs.ts takes it. */
  readonly compressionLevel: number;
  /** How long a batch waits for more records. */
  readonly lingerMs: number;
  readonly batchSizeBytes: number;
  /** Records beyond it are refused. */
  readonly requestSizeMaxBytes: number;
  /** A record is given up after this long. */
  readonly deliveryTimeoutMs: number;
  /** `send` refuses beyond it: wait for `room`. */
  readonly bufferMemoryBytes: number;
  /** No duplicates and no reordering over retries; needs acks -1 and at most 5 batches in flight. */
  readonly isIdempotent: boolean;
  /** How often a batch is sent again after a failure that may pass. A broker that cannot be reached does not count. */
  readonly retriesMax: number;
  /** Batches of one partition that are under way at once. Above 1 and not idempotent, a retry may reorder them. */
  readonly inFlightMax: number;
  readonly requestTimeoutMs: number;
  /** How long `prepare` waits for a topic. */
  readonly maxBlockMs: number;
  /** Absent: asking for a topic creates it, where the broker does so. */
  readonly allowAutoTopicCreation?: boolean;
  /** Absent: by the key's hash as Java does it, sticky without a key. */
  readonly partitioner?: PartitionerFactory;
  /** Set: records are sent in transactions under this name. */
  readonly transactionalId?: string;
  /** The broker aborts a transaction that is open for longer. Absent: a minute. */
  readonly transactionTimeoutMs?: number;
}

/** Kafka's. */
export const defaultProducerOptions: ProducerOptions = {
  acks: -1, codec: Codec.none, compressionLevel: DEFAULT_LEVEL, lingerMs: 5, batchSizeBytes: 16_384, requestSizeMaxBytes: 1_048_576, deliveryTimeoutMs: 120_000,
  bufferMemoryBytes: 32 * 1024 * 1024, isIdempotent: true, retriesMax: 2 ** 31 - 1, inFlightMax: 5, requestTimeoutMs: 30_000, maxBlockMs: 60_000,
};
