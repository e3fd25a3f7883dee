import type { Clock, Logger } from '../../base/ports.ts';
import type { ClusterMetadata } from '../../metadata/types.ts';
import type { GroupCoordinator } from '../groups/index.ts';
import type { PartitionTable } from '../partition/partitions.ts';
import type { MarkerWriter } from './markers.ts';
import type { TransactionCoordinator } from './transactionCoordinator.ts';
import type { TransactionVerifier } from './verifier.ts';

/** The part of the broker that runs transactions. */
export interface Transactions {
  readonly coordinator: TransactionCoordinator;
  readonly verifier: TransactionVerifier;
  readonly markers: MarkerWriter;
}

/** What handlers of transactions need of the broker. */
export interface TransactionServices {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metadata: ClusterMetadata;
  readonly partitions: PartitionTable;
  readonly groupCoordinator: GroupCoordinator;
  readonly transactions: Transactions;
}
