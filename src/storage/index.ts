/**
 * Tidelog's storage engine, usable without a broker: partitioned logs of record batches in Apache Kafka's layout.
 *
 *     const store = await openStore({ directories: ['/var/lib/app'] });
 *     const log = await store.open('events', 0, topicId, defaultTopicConfig);
 *     log.append(batch, { leaderEpoch: 0, origin: 'client' }, (error, info) => ...);
 *     const result = log.read(0, 1 << 20, log.highWatermark, true);
 */
export { defaultTopicConfig } from '../config/topicConfig.ts';
export { randomId } from './ids.ts';
export { MemoryDisk, openDisk } from './disk/index.ts';
export { StoreManager } from './manager.ts';
export { createStore, openStore, systemPorts } from './open.ts';
export type { StoreOptions } from './open.ts';
export type { FolderReport } from './loading.ts';
export type { CleanerFigures } from './compaction/cleaner.ts';
export type { CleanerSettings } from './compaction/settings.ts';
export type { DutySettings } from './duties.ts';
export type { TopicConfigView } from './settings.ts';
export { StoreError } from './storeError.ts';
export type { StoreErrorCode } from './storeError.ts';
export { LogError } from './types.ts';
export type {
  AbortedTransaction, AppendDone, AppendInfo, AppendOptions, Log, LogErrorKind, LogManager, ProducerView, ReadResult, TimestampOffset,
} from './types.ts';
