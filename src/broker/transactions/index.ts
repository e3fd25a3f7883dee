/** The transaction coordinator, what stands between it and the logs, and the APIs of transactions. */
import type { Ports } from '../../base/ports.ts';
import type { BrokerConfig } from '../../config/types.ts';
import { TRANSACTION_STATE_TOPIC } from '../../metadata/topicNames.ts';
import type { ClusterMetadata } from '../../metadata/types.ts';
import type { ApiHandler, CoordinatorLog } from '../contract.ts';
import { errorCodeOf } from '../errorMapping.ts';
import { TRANSACTION_VERSION, featureLevel } from '../features.ts';
import type { GroupCoordinator } from '../groups/index.ts';
import type { PartitionTable } from '../partition/partitions.ts';
import type { ProducerIds } from '../producerIds.ts';
import { addOffsetsToTxnHandler } from './handlers/addOffsetsToTxn.ts';
import { addPartitionsToTxnHandler } from './handlers/addPartitionsToTxn.ts';
import { describeProducersHandler } from './handlers/describeProducers.ts';
import { describeTransactionsHandler } from './handlers/describeTransactions.ts';
import { endTxnHandler } from './handlers/endTxn.ts';
import { listTransactionsHandler } from './handlers/listTransactions.ts';
import { txnOffsetCommitHandler } from './handlers/txnOffsetCommit.ts';
import { writeTxnMarkersHandler } from './handlers/writeTxnMarkers.ts';
import { LocalMarkers } from './localMarkers.ts';
import type { Transactions, TransactionServices } from './services.ts';
import { liveTransactionSettings } from './settings.ts';
import { TransactionCoordinator } from './transactionCoordinator.ts';
import { TransactionVerifier } from './verifier.ts';

// each handler has its own request and response types; the list of them can name none
// eslint-disable-next-line typescript/no-explicit-any
export const transactionHandlers: readonly ApiHandler<TransactionServices, any, any>[] = [
  addPartitionsToTxnHandler,
  addOffsetsToTxnHandler,
  endTxnHandler,
  writeTxnMarkersHandler,
  txnOffsetCommitHandler,
  describeProducersHandler,
  describeTransactionsHandler,
  listTransactionsHandler,
];

export interface TransactionsOptions {
  /** `__transaction_state` */
  readonly log: CoordinatorLog;
  readonly config: () => BrokerConfig;
  readonly ports: Ports;
  readonly metadata: ClusterMetadata;
  readonly partitions: PartitionTable;
  readonly producerIds: ProducerIds;
  readonly groupCoordinator: GroupCoordinator;
  readonly defer?: (task: () => void) => void;
}

/** The broker calls `coordinator.onElected` and `onResigned` as leadership of the partitions of the log comes and goes, and `close` at the end. */
export function createTransactions({ log, config, ports, metadata, partitions, producerIds, groupCoordinator, defer }: TransactionsOptions): Transactions {
  const { clock } = ports;
  const settings = liveTransactionSettings(config);
  const markers = new LocalMarkers({ partitions, metadata, groupCoordinator, now: () => clock.now() });
  const coordinator = new TransactionCoordinator({
    log, settings, ports, markers, errorCodeOf,
    nextProducerId: async () => (await producerIds.next()).producerId,
    serverVersion: () => featureLevel(metadata.image, TRANSACTION_VERSION),
    coordinatorEpochOf: (partition) => partitions.find(TRANSACTION_STATE_TOPIC, partition)?.leaderEpoch ?? 0,
    ...(defer === undefined ? {} : { defer }),
  });
  return { coordinator, verifier: new TransactionVerifier({ coordinator, settings, clock }), markers };
}

export type { Transactions, TransactionServices } from './services.ts';
