import type { MetricsRegistry } from '../metrics/registry.ts';
import type { StoreManager } from '../storage/manager.ts';

/** What compaction does, by Kafka's names of its beans LogCleaner and LogCleanerManager. */
export function measureCleaner(store: StoreManager, metrics: MetricsRegistry): void {
  const { cleaner } = store;
  metrics.gauge('cleaner_max_dirty_percent', () => cleaner.figures().maxDirtyPercent);
  metrics.gauge('cleaner_time_since_last_run_ms', () => cleaner.figures().timeSinceLastRunMs);
  metrics.gauge('cleaner_max_buffer_utilization_percent', () => cleaner.figures().maxBufferUtilizationPercent);
  metrics.gauge('cleaner_recopy_percent', () => cleaner.figures().cleanerRecopyPercent);
  metrics.gauge('cleaner_max_clean_time_secs', () => cleaner.figures().maxCleanTimeSecs);
  metrics.gauge('cleaner_max_compaction_delay_secs', () => cleaner.figures().maxCompactionDelaySecs);
  metrics.gauge('cleaner_dead_thread_count', () => cleaner.figures().deadThreadCount);
  for (const { path } of store.directories) {
    metrics.gauge('cleaner_uncleanable_partitions_count', () => cleaner.uncleanableIn(path).count, { log_directory: path });
    metrics.gauge('cleaner_uncleanable_bytes', () => cleaner.uncleanableIn(path).bytes, { log_directory: path });
  }
}
