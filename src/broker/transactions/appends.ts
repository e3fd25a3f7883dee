import { Field, producerEpochOf, producerIdOf } from '../../record/batchHeader.ts';
import { ErrorCode, errorName } from '../../protocol/errors.ts';
import type { AppendDone, Verification } from '../../storage/types.ts';
import type { Partition } from '../partition/partition.ts';
import { transactionVersionOf } from './verifier.ts';
import type { TransactionVerifier, VerificationMode } from './verifier.ts';

/** From this version of Produce on the broker adds partitions to transactions. */
const FIRST_VERSION_THAT_ADDS = 12;
/** From this version on clients know TRANSACTION_ABORTABLE. */
const FIRST_VERSION_WITH_ABORTABLE = 11;

/** What a Produce request of this version expects. */
export function produceMode(apiVersion: number): VerificationMode {
  if (apiVersion >= FIRST_VERSION_THAT_ADDS) return 'add';
  return apiVersion >= FIRST_VERSION_WITH_ABORTABLE ? 'verify' : 'verifyOld';
}

export interface TransactionalAppend {
  readonly transactionalId: string;
  readonly acks: number;
  readonly mode: VerificationMode;
}

/** `refused` comes in place of `done`, with what clients are told. */
export type Refused = (errorCode: number, message: string | null) => void;

/**
 * Appends a transactional batch of a client once its partition is known to be part of the transaction. `bytes` is borrowed for the call. Either
 * `done` or `refused` is called, exactly once, maybe at once.
 */
export function appendTransactional(verifier: TransactionVerifier, partition: Partition, bytes: Buffer, append: TransactionalAppend, done: AppendDone, refused: Refused): void {
  const { transactionalId, mode } = append;
  const request = { transactionalId, mode, producerId: producerIdOf(bytes, 0), producerEpoch: producerEpochOf(bytes, 0) };
  let kept: Buffer | null = null;
  let isAnswered = false;
  verifier.verify(partition, bytes.readInt32BE(Field.baseSequence), request, (errorCode: number, verification: Verification | undefined) => {
    isAnswered = true;
    if (errorCode !== ErrorCode.NONE) return refused(toldError(errorCode), messageOf(errorCode));
    // Much may have happened to the partition while the coordinator was asked.
    const appendError = kept === null ? ErrorCode.NONE : partition.appendError(append.acks);
    if (appendError !== ErrorCode.NONE) return refused(appendError, null);
    partition.appendOfTransaction(kept ?? bytes, 'client', transactionVersionOf(mode), verification, done);
  });
  if (!isAnswered) kept = Buffer.from(bytes);
}

/** All clients know what to do with NOT_ENOUGH_REPLICAS: they send again. */
function toldError(errorCode: number): number {
  switch (errorCode) {
    case ErrorCode.CONCURRENT_TRANSACTIONS:
    case ErrorCode.COORDINATOR_LOAD_IN_PROGRESS:
    case ErrorCode.COORDINATOR_NOT_AVAILABLE:
    case ErrorCode.NOT_COORDINATOR:
      return ErrorCode.NOT_ENOUGH_REPLICAS;
    default:
      return errorCode;
  }
}

function messageOf(errorCode: number): string | null {
  if (errorCode === ErrorCode.INVALID_TXN_STATE) return 'Partition was not added to the transaction';
  return toldError(errorCode) === ErrorCode.NOT_ENOUGH_REPLICAS
    ? `Unable to verify the partition has been added to the transaction. Underlying error: ${errorName(errorCode)}`
    : null;
}
