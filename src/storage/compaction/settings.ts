/** The settings that all cleaning of a store shares; live. */
export interface CleanerSettings {
  /** log.cleaner.enable: false leaves compacted logs as they are. */
  readonly enable: boolean;
  /** log.cleaner.threads: logs cleaned at a time; 0: none. */
  readonly threads: number;
  /** log.cleaner.dedupe.buffer.size: memory for the offsets of keys, shared by the threads. */
  readonly dedupeBufferSizeBytes: number;
  /** log.cleaner.io.buffer.load.factor: how full that memory may get, 0 to 1. */
  readonly ioBufferLoadFactor: number;
  /** log.cleaner.io.buffer.size: memory for what is read and written, shared by the threads. */
  readonly ioBufferSizeBytes: number;
  /** log.cleaner.io.max.bytes.per.second: of all threads, read and written together. */
  readonly ioMaxBytesPerSecond: number;
  /** log.cleaner.backoff.ms: wait where there was nothing to clean. */
  readonly backoffMs: number;
}

/** Kafka's defaults. */
export const DEFAULT_CLEANER_SETTINGS: CleanerSettings = {
  enable: true,
  threads: 1,
  dedupeBufferSizeBytes: 2 ** 27,
  ioBufferLoadFactor: 0.9,
  ioBufferSizeBytes: 2 ** 19,
  ioMaxBytesPerSecond: Number.MAX_VALUE,
  backoffMs: 15_000,
};
