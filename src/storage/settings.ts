/** The settings of one log, resolved (topic override, broker default, default). All live unless said. */
export interface TopicConfigView {
  readonly segmentBytes: number;
  readonly segmentMs: number;
  readonly segmentJitterMs: number;
  readonly segmentIndexBytes: number;
  readonly indexIntervalBytes: number;
  /** -1: for ever. */
  readonly retentionMs: number;
  /** -1: without limit. */
  readonly retentionBytes: number;
  /** Records between forced fsyncs; 1: each acknowledged batch is durable. */
  readonly flushMessages: number;
  readonly flushMs: number;
  readonly fileDeleteDelayMs: number;
  readonly maxMessageBytes: number;
  readonly cleanupPolicy: { readonly delete: boolean; readonly compact: boolean };
  /** 'producer' keeps what the producer chose. */
  readonly compressionType: 'producer' | 'uncompressed' | 'gzip' | 'snappy' | 'lz4' | 'zstd';
  readonly compressionGzipLevel: number;
  readonly compressionLz4Level: number;
  readonly compressionZstdLevel: number;
  readonly messageTimestampType: 'CreateTime' | 'LogAppendTime';
  readonly messageTimestampBeforeMaxMs: number;
  readonly messageTimestampAfterMaxMs: number;
  readonly preallocate: boolean;
  /** How long a tombstone stays after the first compaction that met it. */
  readonly deleteRetentionMs: number;
  /** Share of bytes not compacted yet from which a log is compacted, 0 to 1. */
  readonly minCleanableDirtyRatio: number;
  /** Records younger than this are not compacted. */
  readonly minCompactionLagMs: number;
  /** A log with uncompacted records older than this is compacted whatever its ratio. */
  readonly maxCompactionLagMs: number;
  /** full: compressed batches are inflated and checked; header: header and CRC are trusted (never for compacted topics). */
  readonly batchValidation: 'full' | 'header';
}
