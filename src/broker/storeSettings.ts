import type { BrokerConfig } from '../config/types.ts';
import type { StoreSettings } from '../storage/types.ts';

/** What a store takes from the settings of its broker, now and when they change. */
export function storeSettings(config: BrokerConfig): StoreSettings {
  return {
    producerIdExpirationMs: config.producerIdExpirationMs,
    cleaner: {
      enable: config.logCleanerEnable,
      threads: config.logCleanerThreads,
      dedupeBufferSizeBytes: config.logCleanerDedupeBufferSize,
      ioBufferLoadFactor: config.logCleanerIoBufferLoadFactor,
      ioBufferSizeBytes: config.logCleanerIoBufferSize,
      ioMaxBytesPerSecond: config.logCleanerIoMaxBytesPerSecond,
      backoffMs: config.logCleanerBackoffMs,
    },
  };
}
