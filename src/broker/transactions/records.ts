/** The records of `__transaction_state` (docs/formats/transaction-state.md), as Kafka's own brokers and tools read them. Key and value begin with a version, int16. */
import { readTransactionLogKey, readTransactionLogValue, writeTransactionLogKey, writeTransactionLogValue } from '../../protocol/generated/records/transactionLog.ts';
import type { TransactionLogValue } from '../../protocol/generated/records/transactionLog.ts';
import { ProtocolError } from '../../protocol/protocolError.ts';
import { Reader } from '../../protocol/reader.ts';
import type { Writer } from '../../protocol/writer.ts';
import type { CoordinatorRecord } from '../contract.ts';
import { NO_PARTITIONS, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, STATUS_NAMES, TransactionStatus } from './transaction.ts';
import type { Transaction, TransactionPartitions } from './transaction.ts';

const KEY_VERSION = 0;
/** Without tagged fields, for brokers before transaction.version 1. */
const OLD_VALUE_VERSION = 0;
const VALUE_VERSION = 1;

/** A change of a shard: one record. A null value is a tombstone. */
export interface TransactionChange {
  readonly transactionalId: string;
  readonly value: Transaction | null;
}

/** `serverVersion`: level of the feature transaction.version. */
export function encodeTransactionChange({ transactionalId, value }: TransactionChange, serverVersion: number, writer: Writer): CoordinatorRecord {
  writer.int16(KEY_VERSION);
  writeTransactionLogKey(writer, { transactionalId }, KEY_VERSION);
  const key = writer.takeBuffer();
  if (value === null) return { key, value: null };
  const version = serverVersion === 0 ? OLD_VALUE_VERSION : VALUE_VERSION;
  writer.int16(version);
  writeTransactionLogValue(writer, valueOf(value, version), version);
  return { key, value: writer.takeBuffer() };
}

function valueOf(transaction: Transaction, version: number): TransactionLogValue {
  const isOld = version === OLD_VALUE_VERSION;
  return {
    producerId: transaction.producerId,
    previousProducerId: isOld ? NO_PRODUCER_ID : transaction.previousProducerId,
    nextProducerId: isOld ? NO_PRODUCER_ID : transaction.nextProducerId,
    producerEpoch: transaction.producerEpoch,
    nextProducerEpoch: NO_PRODUCER_EPOCH,
    transactionTimeoutMs: transaction.timeoutMs,
    transactionStatus: transaction.status,
    transactionPartitions: transaction.status === TransactionStatus.empty ? null : partitionsValue(transaction.partitions),
    transactionLastUpdateTimestampMs: transaction.updatedMs,
    transactionStartTimestampMs: transaction.startedMs,
    clientTransactionVersion: isOld ? 0 : transaction.clientVersion,
  };
}

function partitionsValue(partitions: TransactionPartitions): NonNullable<TransactionLogValue['transactionPartitions']> {
  return [...partitions].map(([topic, indexes]) => ({ topic, partitionIds: [...indexes] }));
}

/** Null: a record of a later release. Throws ProtocolError on damaged bytes. */
export function decodeTransactionChange(key: Buffer, value: Buffer | null): TransactionChange | null {
  const reader = new Reader(key);
  if (reader.int16() !== KEY_VERSION) {
    reader.finish(true);
    return null;
  }
  const { transactionalId } = readTransactionLogKey(reader, KEY_VERSION);
  reader.finish();
  return { transactionalId, value: value === null ? null : decodeTransaction(transactionalId, value) };
}

function decodeTransaction(transactionalId: string, bytes: Buffer): Transaction {
  const reader = new Reader(bytes);
  const version = reader.int16();
  if (version < OLD_VALUE_VERSION || version > VALUE_VERSION) throw new ProtocolError('UNSUPPORTED_VERSION', `value of version ${version}, known are 0 and 1`);
  const value = readTransactionLogValue(reader, version);
  reader.finish();
  return {
    transactionalId,
    producerId: value.producerId,
    previousProducerId: value.previousProducerId,
    nextProducerId: value.nextProducerId,
    producerEpoch: value.producerEpoch,
    lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs: value.transactionTimeoutMs,
    status: statusOf(value.transactionStatus),
    partitions: partitionsOf(value.transactionPartitions),
    startedMs: value.transactionStartTimestampMs,
    updatedMs: value.transactionLastUpdateTimestampMs,
    clientVersion: value.clientTransactionVersion,
  };
}

function statusOf(code: number): TransactionStatus {
  if (!(code in STATUS_NAMES)) throw new ProtocolError('OUT_OF_RANGE', `transaction status ${code} is unknown`);
  return code as TransactionStatus;
}

function partitionsOf(topics: TransactionLogValue['transactionPartitions']): TransactionPartitions {
  if (topics === null || topics.length === 0) return NO_PARTITIONS;
  return new Map(topics.map(({ topic, partitionIds }) => [topic, new Set(partitionIds)]));
}
