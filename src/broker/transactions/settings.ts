import { brokerValue } from '../../config/layers.ts';
import type { BrokerConfig } from '../../config/types.ts';

/** What the broker's configuration says about transactions. */
export interface TransactionSettings {
  /** `transaction.max.timeout.ms` */
  readonly timeoutMsMax: number;
  /** `transaction.two.phase.commit.enable` */
  readonly allowsTwoPhase: boolean;
  /** `transaction.abort.timed.out.transaction.cleanup.interval.ms` */
  readonly abortIntervalMs: number;
  /** `transactional.id.expiration.ms` */
  readonly idExpirationMs: number;
  /** `transaction.remove.expired.transaction.cleanup.interval.ms` */
  readonly removeIntervalMs: number;
  /** `transaction.partition.verification.enable` */
  readonly verifiesPartitions: boolean;
  /** `add.partitions.to.txn.retry.backoff.ms` */
  readonly addRetryBackoffMs: number;
  /** `add.partitions.to.txn.retry.backoff.max.ms` */
  readonly addRetryMs: number;
  /** `request.timeout.ms`: how long a write to the coordinator's log may take. */
  readonly commitTimeoutMs: number;
}

export function transactionSettings({ layers }: BrokerConfig): TransactionSettings {
  const number = (name: string): number => brokerValue(layers, name) as number;
  const commitTimeoutMs = number('request.timeout.ms');
  return {
    timeoutMsMax: number('transaction.max.timeout.ms'),
    allowsTwoPhase: brokerValue(layers, 'transaction.two.phase.commit.enable') as boolean,
    abortIntervalMs: number('transaction.abort.timed.out.transaction.cleanup.interval.ms'),
    idExpirationMs: number('transactional.id.expiration.ms'),
    removeIntervalMs: number('transaction.remove.expired.transaction.cleanup.interval.ms'),
    verifiesPartitions: brokerValue(layers, 'transaction.partition.verification.enable') as boolean,
    addRetryBackoffMs: number('add.partitions.to.txn.retry.backoff.ms'),
    addRetryMs: Math.min(number('add.partitions.to.txn.retry.backoff.max.ms'), commitTimeoutMs),
    commitTimeoutMs,
  };
}

/** The settings as the configuration has them now; resolved anew only when that is another. */
export function liveTransactionSettings(config: () => BrokerConfig): () => TransactionSettings {
  let known = config();
  let settings = transactionSettings(known);
  return () => {
    const present = config();
    if (present === known) return settings;
    known = present;
    return (settings = transactionSettings(present));
  };
}
