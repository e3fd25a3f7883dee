/** One transactional id as its coordinator knows it. Never changed: each transition makes another. */

/** As the log has them. */
export const TransactionStatus = { empty: 0, ongoing: 1, prepareCommit: 2, prepareAbort: 3, completeCommit: 4, completeAbort: 5, dead: 6, prepareEpochFence: 7 } as const;
export type TransactionStatus = (typeof TransactionStatus)[keyof typeof TransactionStatus];

/** As clients see them. */
export const STATUS_NAMES: Readonly<Record<TransactionStatus, string>> = {
  0: 'Empty', 1: 'Ongoing', 2: 'PrepareCommit', 3: 'PrepareAbort', 4: 'CompleteCommit', 5: 'CompleteAbort', 6: 'Dead', 7: 'PrepareEpochFence',
};

export const NO_PRODUCER_ID = -1;
export const NO_PRODUCER_EPOCH = -1;
export const NO_TIME = -1;
export const PRODUCER_EPOCH_MAX = 32_767;

/** KIP-890: from this version on a producer's epoch grows with each transaction. */
export const EPOCH_BUMP_VERSION = 2;

/** Topic to indexes of partitions. */
export type TransactionPartitions = ReadonlyMap<string, ReadonlySet<number>>;

export const NO_PARTITIONS: TransactionPartitions = new Map();

export interface Transaction {
  readonly transactionalId: string;
  readonly producerId: number;
  /** That of the state before this one. */
  readonly previousProducerId: number;
  /** Which takes over when this transaction is complete, because the epochs are used up; NO_PRODUCER_ID mostly. */
  readonly nextProducerId: number;
  readonly producerEpoch: number;
  /** With which the producer asked for the present one, NO_PRODUCER_EPOCH when nobody may ask again. Not kept over a restart. */
  readonly lastProducerEpoch: number;
  readonly timeoutMs: number;
  readonly status: TransactionStatus;
  readonly partitions: TransactionPartitions;
  /** Milliseconds since the epoch; NO_TIME while Empty. */
  readonly startedMs: number;
  readonly updatedMs: number;
  /** Rules by which the transaction is run: 0, or EPOCH_BUMP_VERSION. */
  readonly clientVersion: number;
}

/** Whether no producer may get a later epoch of this producer id: the last one is kept for fencing. */
export function isEpochExhausted(epoch: number): boolean {
  return epoch >= PRODUCER_EPOCH_MAX - 1;
}

export function isPrepared({ status }: Transaction): boolean {
  return status === TransactionStatus.prepareCommit || status === TransactionStatus.prepareAbort;
}

/** Nothing is under way, and nothing is owed. */
export function isSettled({ status }: Transaction): boolean {
  return status === TransactionStatus.empty || status === TransactionStatus.completeCommit || status === TransactionStatus.completeAbort;
}

export function hasPartition(partitions: TransactionPartitions, topic: string, index: number): boolean {
  return partitions.get(topic)?.has(index) ?? false;
}

export function hasAllPartitions(partitions: TransactionPartitions, wanted: TransactionPartitions): boolean {
  for (const [topic, indexes] of wanted) for (const index of indexes) if (!hasPartition(partitions, topic, index)) return false;
  return true;
}

export function joinPartitions(first: TransactionPartitions, second: TransactionPartitions): TransactionPartitions {
  const joined = new Map(first);
  for (const [topic, indexes] of second) {
    const known = joined.get(topic);
    joined.set(topic, known === undefined ? indexes : new Set([...known, ...indexes]));
  }
  return joined;
}
