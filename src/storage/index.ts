/**
 * Tidelog's storage engine, usable without a broker: logs of records in Apache Kafka's layout. See docs/storage.md.
 *
 *     const logs = await openLogs('/var/lib/app');
 *     const orders = await logs.open('orders', { durability: { everyMs: 10 } });
 *     const { firstOffset } = await orders.append({ key: 'o-1', value: 'paid' }).durable;
 *     for await (const record of orders.read({ from: firstOffset })) console.log(record.offset, String(record.value));
 *     await logs.close();
 *
 * `openStore` and what belongs to it is the engine below: partitions, epochs, producers, watermarks, callbacks. A broker uses that.
 */
export { openLog, openLogs, openLogsReadOnly, OpenLogs, ReadOnlyLogs } from './library/openLogs.ts';
export type { OpenLogsOptions, ReadOnlyOptions } from './library/openLogs.ts';
export { OpenLog } from './library/openLog.ts';
export { ReadOnlyLog } from './library/readOnly.ts';
export { Appended } from './library/appended.ts';
export type { AppendedRange } from './library/appended.ts';
export type { ReadOptions, TailOptions } from './library/reading.ts';
export type { CompressionName, LogRecord, NewHeader, NewRecord } from './library/records.ts';
export type { Durability, LogSettings } from './library/settings.ts';
export type { SnapshotLog } from './library/snapshots.ts';
export { verifyStore } from './verify/verify.ts';
export type { Problem, ProblemKind, VerifyOptions, VerifyProgress, VerifyReport } from './verify/verify.ts';
export { repairStore } from './verify/repair.ts';
export type { RepairOptions } from './verify/repair.ts';
export { ERROR_CATALOGUE } from './errorCatalogue.ts';
export type { CatalogueEntry } from './errorCatalogue.ts';
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
