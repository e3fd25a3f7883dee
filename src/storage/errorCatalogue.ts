/** Every typed error of the engine: what it means, and what to do. docs/errors.md lists the same; a test holds them together. */
import type { StoreErrorCode } from './storeError.ts';
import type { LogErrorKind } from './types.ts';

export interface CatalogueEntry {
  readonly type: 'LogError' | 'StoreError';
  readonly meaning: string;
  readonly whatToDo: string;
}

const log = (meaning: string, whatToDo: string): CatalogueEntry => ({ type: 'LogError', meaning, whatToDo });
const store = (meaning: string, whatToDo: string): CatalogueEntry => ({ type: 'StoreError', meaning, whatToDo });

const LOG_ERRORS: Readonly<Record<LogErrorKind, CatalogueEntry>> = {
  corrupt: log('A batch has a wrong checksum or a header that lies.', 'Given by an append: send it again. Given by a read: run tidelog-verify.'),
  unsupportedMagic: log('A batch is of the formats 0 or 1, or of an unknown one.', 'Write batches of magic 2.'),
  invalidRecord: log('A record is malformed, has no key where compaction needs one, or a batch has fields that only a broker writes.', 'Mend the record; `badRecordIndex` says which one it is.'),
  invalidTimestamp: log('A timestamp lies outside what messageTimestampBeforeMaxMs and AfterMaxMs allow.', 'Mend the clock or the setting.'),
  batchTooLarge: log('A record or batch is larger than maxMessageBytes, or inflates to too much.', 'Split it, or raise the setting.'),
  segmentTooSmall: log('A batch is larger than a segment.', 'Raise segmentBytes.'),
  unsupportedCompression: log('The codec is unknown, or its library is not installed.', 'Choose another one.'),
  outOfOrderSequence: log('Batches of an idempotent producer are missing before this one.', 'Send what is missing first.'),
  duplicateSequence: log('A batch of an idempotent producer is older than those that are remembered.', 'It was appended before: go on.'),
  invalidProducerEpoch: log('A newer producer of the same id took over.', 'Stop this one.'),
  unknownProducer: log('The producer id was forgotten.', 'Begin with a new id.'),
  invalidTransactionState: log('The batch does not fit the transaction that is open, or not.', 'Abort, and begin anew.'),
  transactionCoordinatorFenced: log('A marker comes from a coordinator that was replaced.', 'Leave it to the new one.'),
  fencedLeaderEpoch: log('The leader epoch is older than the log.', 'Ask who leads now.'),
  offsetOutOfRange: log('The offset lies outside what the log holds.', 'Read from startOffset, or wait.'),
  inconsistentTopicId: log('The folder belongs to another topic of that name.', 'Use its id, or move it away.'),
  invalidTopic: log('The name cannot be a folder.', 'Letters, digits, ".", "_" and "-", 249 at most.'),
  invalidArgument: log('A caller gave something that can never be right.', 'Mend the call; nothing has happened.'),
  busy: log('Something else is being done to the log, or a worker was lost.', 'Try again.'),
  diskFull: log('No space is left. What was refused was not written, all else goes on.', 'Make room; no restart is needed.'),
  storage: log('The medium failed, or files are short. After a failed write or sync the whole store is offline: what the medium holds is unknown.', 'Mend the medium, open the store again: it recovers.'),
  closed: log('The log or store was closed or deleted.', 'Open it again.'),
};

const STORE_ERRORS: Readonly<Record<StoreErrorCode, CatalogueEntry>> = {
  locked: store('Another process, or another store of this process, has the folder open.', 'Close it there, or open read-only.'),
  foreignData: store('The folder holds data of Apache Kafka or of something unknown, or is not empty where it should be.', 'Choose another folder, or adopt the data explicitly.'),
  mismatch: store('Cluster, node or directory ids are not those expected.', 'Compare meta.properties with the settings.'),
  newer: store('A later version of Tidelog wrote the folder.', 'Use that version.'),
  snapshot: store('The folder is a snapshot that shares its files with a store.', 'Open it read-only, or copy it and say isCopiedSnapshot.'),
  notFound: store('There is no store, or no log of that name.', 'Look at names().'),
  corrupt: store('A file that must be right is not; `path` names it.', 'Put it back from a snapshot, or run tidelog-verify.'),
  duplicate: store('The same log, or the same directory id, was found twice.', 'Move one of them away.'),
  offline: store('No folder of the store can be used.', 'Look at the reason in the log output; mend the medium.'),
};

/** By `kind` of a LogError and `code` of a StoreError, as `LogError.corrupt` and `StoreError.corrupt`. */
export const ERROR_CATALOGUE: ReadonlyMap<string, CatalogueEntry> = new Map([
  ...Object.entries(LOG_ERRORS).map(([kind, entry]) => [`LogError.${kind}`, entry] as const),
  ...Object.entries(STORE_ERRORS).map(([code, entry]) => [`StoreError.${code}`, entry] as const),
]);
