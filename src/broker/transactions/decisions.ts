/**
 * What becomes of a transaction when somebody asks for something: pure functions from what is known and what is asked to the next state, or to
 * the error code that says why not. The rules are Kafka's (KIP-98, KIP-360, KIP-890).
 */
import { assert } from '../../base/assert.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import {
  EPOCH_BUMP_VERSION, NO_PARTITIONS, NO_PRODUCER_EPOCH, NO_PRODUCER_ID, NO_TIME, PRODUCER_EPOCH_MAX, TransactionStatus, hasAllPartitions, hasPartition, isEpochExhausted, isPrepared,
  joinPartitions,
} from './transaction.ts';
import type { Transaction, TransactionPartitions } from './transaction.ts';

export type Decision =
  /** An answer without a change: an error, or NONE for what is so already. */
  | { readonly kind: 'answer'; readonly errorCode: number }
  | { readonly kind: 'change'; readonly next: Transaction }
  /** Asked again with a producer id that nobody else has. */
  | { readonly kind: 'needsProducerId' };

const NEEDS_PRODUCER_ID: Decision = { kind: 'needsProducerId' };
const answer = (errorCode: number): Decision => ({ kind: 'answer', errorCode });
const change = (next: Transaction): Decision => ({ kind: 'change', next });

export interface ProducerIdentity {
  readonly producerId: number;
  readonly producerEpoch: number;
}

export interface InitRequest {
  readonly transactionalId: string;
  readonly timeoutMs: number;
  /** Whom the producer believes to be (KIP-360); null: a new one. */
  readonly expected: ProducerIdentity | null;
  /** Someone else decides when its transactions end (KIP-939); left out: no. */
  readonly isTwoPhase?: boolean;
}

/** Kafka's mark for the transactions of a two-phase commit, which never time out. */
export const TWO_PHASE_TIMEOUT_MS = 0x7fff_ffff;

/** What decisions draw from outside. */
export interface Circumstances {
  readonly nowMs: number;
  /** Level of the feature transaction.version. */
  readonly serverVersion: number;
  /** Null until asked for by NEEDS_PRODUCER_ID. */
  readonly freshProducerId: number | null;
}

/**
 * InitProducerId. A change to Empty is the answer; a change to PrepareAbort ends what the producer before left open, and the client has to come
 * again (CONCURRENT_TRANSACTIONS).
 */
export function decideInit(known: Transaction | undefined, request: InitRequest, circumstances: Circumstances): Decision {
  const { nowMs, freshProducerId } = circumstances;
  const { expected } = request;
  if (known === undefined) {
    return freshProducerId === null ? NEEDS_PRODUCER_ID : change(emptied(newTransaction(request, freshProducerId), request, nowMs, { producerEpoch: 0 }));
  }
  if (expected !== null && !isKnownProducer(known, expected)) return answer(ErrorCode.PRODUCER_FENCED);
  if (isPrepared(known)) return answer(ErrorCode.CONCURRENT_TRANSACTIONS);
  if (known.status === TransactionStatus.ongoing) return decideServerAbort(known, circumstances);
  assert(known.status !== TransactionStatus.dead && known.status !== TransactionStatus.prepareEpochFence, 'such states are not kept');
  if (isEpochExhausted(known.producerEpoch) && (expected === null || expected.producerEpoch === known.producerEpoch)) {
    if (freshProducerId === null) return NEEDS_PRODUCER_ID;
    const lastProducerEpoch = expected === null ? NO_PRODUCER_EPOCH : known.producerEpoch;
    return change(emptied(known, request, nowMs, { producerId: freshProducerId, producerEpoch: 0, lastProducerEpoch }));
  }
  return decideNextEpoch(known, request, nowMs);
}

function newTransaction({ transactionalId, timeoutMs }: InitRequest, producerId: number): Transaction {
  return {
    transactionalId, producerId, previousProducerId: NO_PRODUCER_ID, nextProducerId: NO_PRODUCER_ID, producerEpoch: NO_PRODUCER_EPOCH, lastProducerEpoch: NO_PRODUCER_EPOCH,
    timeoutMs, status: TransactionStatus.empty, partitions: NO_PARTITIONS, startedMs: NO_TIME, updatedMs: NO_TIME, clientVersion: 0,
  };
}

/** Of the present producer id; or of the one before when a retry may have missed that a new id took over. */
function isKnownProducer(known: Transaction, { producerId, producerEpoch }: ProducerIdentity): boolean {
  if (known.producerEpoch === NO_PRODUCER_EPOCH || producerId === known.producerId) return true;
  return producerId === known.previousProducerId && isEpochExhausted(producerEpoch);
}

function decideNextEpoch(known: Transaction, request: InitRequest, nowMs: number): Decision {
  const { expected } = request;
  const producerEpoch = known.producerEpoch + 1;
  if (expected === null) return change(emptied(known, request, nowMs, { producerEpoch, lastProducerEpoch: NO_PRODUCER_EPOCH }));
  if (known.producerEpoch === NO_PRODUCER_EPOCH || expected.producerEpoch === known.producerEpoch) {
    return change(emptied(known, request, nowMs, { producerEpoch, lastProducerEpoch: known.producerEpoch }));
  }
  // the same request once more: its first answer was lost
  if (expected.producerEpoch === known.lastProducerEpoch) return change(emptied(known, request, nowMs, {}));
  return answer(ErrorCode.PRODUCER_FENCED);
}

function emptied(known: Transaction, { timeoutMs }: InitRequest, nowMs: number, identity: Partial<Transaction>): Transaction {
  return {
    ...known, previousProducerId: known.producerId, timeoutMs, status: TransactionStatus.empty, partitions: NO_PARTITIONS, startedMs: NO_TIME, updatedMs: nowMs, ...identity,
  };
}

/** Ends an ongoing transaction in place of its producer, which is fenced by it: another has come, or its time is over. */
export function decideServerAbort(known: Transaction, { nowMs, serverVersion, freshProducerId }: Circumstances): Decision {
  assert(known.status === TransactionStatus.ongoing, 'only what is ongoing can be aborted');
  if (serverVersion >= EPOCH_BUMP_VERSION) return decideBumpedEnd(known, TransactionStatus.prepareAbort, nowMs, freshProducerId, NO_PRODUCER_EPOCH);
  const producerEpoch = Math.min(known.producerEpoch + 1, PRODUCER_EPOCH_MAX);
  return change({ ...prepared(known, TransactionStatus.prepareAbort, nowMs), producerEpoch, lastProducerEpoch: NO_PRODUCER_EPOCH, clientVersion: 0 });
}

/** AddPartitionsToTxn, and what produce and TxnOffsetCommit add by themselves (`clientVersion` EPOCH_BUMP_VERSION). */
export function decideAddPartitions(
  known: Transaction | undefined, producer: ProducerIdentity, partitions: TransactionPartitions, clientVersion: number, nowMs: number,
): Decision {
  const errorCode = checkProducer(known, producer);
  if (known === undefined || errorCode !== ErrorCode.NONE) return answer(errorCode);
  if (isPrepared(known)) return answer(ErrorCode.CONCURRENT_TRANSACTIONS);
  const isOngoing = known.status === TransactionStatus.ongoing;
  if (isOngoing && hasAllPartitions(known.partitions, partitions)) return answer(ErrorCode.NONE);
  return change({
    ...known, previousProducerId: known.producerId, status: TransactionStatus.ongoing, partitions: joinPartitions(known.partitions, partitions),
    startedMs: isOngoing ? known.startedMs : nowMs, updatedMs: nowMs, clientVersion,
  });
}

function checkProducer(known: Transaction | undefined, { producerId, producerEpoch }: ProducerIdentity): number {
  if (known === undefined || known.producerId !== producerId) return ErrorCode.INVALID_PRODUCER_ID_MAPPING;
  return known.producerEpoch === producerEpoch ? ErrorCode.NONE : ErrorCode.PRODUCER_FENCED;
}

/** Whether the producer's transaction has the partition: NONE, TRANSACTION_ABORTABLE, or what is wrong with the whole. */
export function verifyPartition(known: Transaction | undefined, producer: ProducerIdentity, topic: string, index: number): number {
  const errorCode = checkProducer(known, producer);
  if (known === undefined || errorCode !== ErrorCode.NONE) return errorCode;
  if (isPrepared(known)) return ErrorCode.CONCURRENT_TRANSACTIONS;
  return hasPartition(known.partitions, topic, index) ? ErrorCode.NONE : ErrorCode.TRANSACTION_ABORTABLE;
}

export interface EndRequest extends ProducerIdentity {
  readonly isCommit: boolean;
  /** 0, or EPOCH_BUMP_VERSION. */
  readonly clientVersion: number;
}

/** EndTxn. NONE without a change: the end was reached before, and this is a retry. */
export function decideEnd(known: Transaction | undefined, request: EndRequest, circumstances: Circumstances): Decision {
  return request.clientVersion >= EPOCH_BUMP_VERSION ? decideEndBumping(known, request, circumstances) : decideEndKeeping(known, request, circumstances.nowMs);
}

/** For clients whose epoch stays the same from one transaction to the next. */
function decideEndKeeping(known: Transaction | undefined, request: EndRequest, nowMs: number): Decision {
  const errorCode = checkProducer(known, request);
  if (known === undefined || errorCode !== ErrorCode.NONE) return answer(errorCode);
  const { isCommit } = request;
  switch (known.status) {
    case TransactionStatus.ongoing:
      return change({ ...prepared(known, isCommit ? TransactionStatus.prepareCommit : TransactionStatus.prepareAbort, nowMs), clientVersion: 0 });
    case TransactionStatus.prepareCommit:
      return answer(isCommit ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.INVALID_TXN_STATE);
    case TransactionStatus.prepareAbort:
      return answer(isCommit ? ErrorCode.INVALID_TXN_STATE : ErrorCode.CONCURRENT_TRANSACTIONS);
    case TransactionStatus.completeCommit:
      return answer(isCommit ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE);
    case TransactionStatus.completeAbort:
      return answer(isCommit ? ErrorCode.INVALID_TXN_STATE : ErrorCode.NONE);
    default:
      return answer(ErrorCode.INVALID_TXN_STATE);
  }
}

/** For clients that take over the epoch from the answer: the epoch tells a retry from the next transaction. */
function decideEndBumping(known: Transaction | undefined, request: EndRequest, circumstances: Circumstances): Decision {
  if (known === undefined) return answer(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  const { producerId, producerEpoch } = request;
  const isRetryOverRotation = known.previousProducerId === producerId && producerEpoch === PRODUCER_EPOCH_MAX - 1 && known.producerEpoch === 0;
  const isRetry = isRetryOverRotation || known.producerEpoch === producerEpoch + 1;
  if (known.producerId !== producerId && !isRetryOverRotation) return answer(ErrorCode.INVALID_PRODUCER_ID_MAPPING);
  if (!isEpochOfEnd(known, producerEpoch, isRetry)) return answer(ErrorCode.PRODUCER_FENCED);
  return decideEndIn(known, request.isCommit, isRetry, circumstances);
}

function isEpochOfEnd(known: Transaction, producerEpoch: number, isRetry: boolean): boolean {
  switch (known.status) {
    case TransactionStatus.prepareCommit:
    case TransactionStatus.prepareAbort:
      return known.producerEpoch === producerEpoch + 1;
    case TransactionStatus.completeCommit:
    case TransactionStatus.completeAbort:
      return isRetry || known.producerEpoch === producerEpoch;
    default:
      return known.producerEpoch === producerEpoch;
  }
}

function decideEndIn(known: Transaction, isCommit: boolean, isRetry: boolean, { nowMs, freshProducerId }: Circumstances): Decision {
  const end = (status: TransactionStatus): Decision => decideBumpedEnd(known, status, nowMs, freshProducerId, known.producerEpoch);
  switch (known.status) {
    case TransactionStatus.ongoing:
      return end(isCommit ? TransactionStatus.prepareCommit : TransactionStatus.prepareAbort);
    case TransactionStatus.prepareCommit:
      return answer(isCommit ? ErrorCode.CONCURRENT_TRANSACTIONS : ErrorCode.INVALID_TXN_STATE);
    case TransactionStatus.prepareAbort:
      return answer(isCommit ? ErrorCode.INVALID_TXN_STATE : ErrorCode.CONCURRENT_TRANSACTIONS);
    case TransactionStatus.completeCommit:
      if (isRetry) return answer(isCommit ? ErrorCode.NONE : ErrorCode.INVALID_TXN_STATE);
      return isCommit ? answer(ErrorCode.INVALID_TXN_STATE) : end(TransactionStatus.prepareAbort);
    case TransactionStatus.completeAbort:
      if (isCommit) return answer(ErrorCode.INVALID_TXN_STATE);
      return isRetry ? answer(ErrorCode.NONE) : end(TransactionStatus.prepareAbort);
    case TransactionStatus.empty:
      // a transaction whose writes never came has nothing to commit
      return isCommit ? answer(ErrorCode.INVALID_TXN_STATE) : end(TransactionStatus.prepareAbort);
    default:
      return answer(ErrorCode.INVALID_TXN_STATE);
  }
}

/** The markers carry the next epoch. The last one of a producer id is spent on them, and another id takes over when they are written. */
function decideBumpedEnd(known: Transaction, status: TransactionStatus, nowMs: number, freshProducerId: number | null, lastProducerEpoch: number): Decision {
  const needsId = isEpochExhausted(known.producerEpoch);
  if (needsId && freshProducerId === null) return NEEDS_PRODUCER_ID;
  const isOngoing = known.status === TransactionStatus.ongoing;
  return change({
    ...prepared(known, status, nowMs),
    nextProducerId: needsId ? freshProducerId! : NO_PRODUCER_ID,
    producerEpoch: Math.min(known.producerEpoch + 1, PRODUCER_EPOCH_MAX),
    lastProducerEpoch,
    startedMs: isOngoing ? known.startedMs : nowMs,
    clientVersion: EPOCH_BUMP_VERSION,
  });
}

function prepared(known: Transaction, status: TransactionStatus, nowMs: number): Transaction {
  return { ...known, previousProducerId: known.producerId, nextProducerId: NO_PRODUCER_ID, status, updatedMs: nowMs };
}

/** All markers are written. */
export function completed(known: Transaction, nowMs: number): Transaction {
  assert(isPrepared(known), 'a transaction is prepared before it is complete');
  const isRotated = known.clientVersion >= EPOCH_BUMP_VERSION && known.nextProducerId !== NO_PRODUCER_ID;
  return {
    ...known,
    producerId: isRotated ? known.nextProducerId : known.producerId,
    previousProducerId: known.producerId,
    nextProducerId: NO_PRODUCER_ID,
    producerEpoch: isRotated ? 0 : known.producerEpoch,
    status: known.status === TransactionStatus.prepareCommit ? TransactionStatus.completeCommit : TransactionStatus.completeAbort,
    partitions: NO_PARTITIONS,
    updatedMs: nowMs,
  };
}

/** The producer has kept its transaction open for longer than it said it would. */
export function isTimedOut({ status, startedMs, timeoutMs }: Transaction, nowMs: number): boolean {
  return status === TransactionStatus.ongoing && timeoutMs !== TWO_PHASE_TIMEOUT_MS && startedMs + timeoutMs < nowMs;
}
