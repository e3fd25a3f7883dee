import { CONSUMER_OFFSETS_TOPIC } from '../../metadata/topicNames.ts';
import type { ClusterMetadata } from '../../metadata/types.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ControlType, buildEndTransactionMarker } from '../../record/control.ts';
import { logErrorCode } from '../errorMapping.ts';
import type { GroupCoordinator } from '../groups/index.ts';
import type { PartitionTable } from '../partition/partitions.ts';
import type { MarkerWriter, TransactionMarker } from './markers.ts';

const REQUIRED_ACKS = -1;

export interface LocalMarkersOptions {
  readonly partitions: PartitionTable;
  readonly metadata: ClusterMetadata;
  readonly groupCoordinator: Pick<GroupCoordinator, 'endTransaction'>;
  readonly now: () => number;
}

/** Markers into the partitions that this node leads. Those of `__consumer_offsets` go through the group coordinator, which has offsets waiting for them. */
export class LocalMarkers implements MarkerWriter {
  readonly #options: LocalMarkersOptions;

  constructor(options: LocalMarkersOptions) {
    this.#options = options;
  }

  write(topic: string, index: number, marker: TransactionMarker, done: (errorCode: number) => void): void {
    const { partitions, metadata } = this.#options;
    const partition = partitions.find(topic, index);
    if (partition === undefined) {
      const isKnown = metadata.image.topicsByName.get(topic)?.partitions[index] !== undefined;
      return done(isKnown ? ErrorCode.NOT_LEADER_OR_FOLLOWER : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    }
    const refused = partition.appendError(REQUIRED_ACKS);
    if (refused !== ErrorCode.NONE) return done(refused);
    if (topic === CONSUMER_OFFSETS_TOPIC) return this.#writeOffsets(index, marker, done);
    const { producerId, producerEpoch, transactionVersion, marker: { isCommit, coordinatorEpoch } } = marker;
    const type = isCommit ? ControlType.commit : ControlType.abort;
    const bytes = buildEndTransactionMarker({ type, producerId, producerEpoch, coordinatorEpoch, timestampMs: this.#options.now() });
    partition.appendOfTransaction(bytes, 'coordinator', transactionVersion, undefined, (error) => done(error === null ? ErrorCode.NONE : logErrorCode(error)));
  }

  #writeOffsets(index: number, marker: TransactionMarker, done: (errorCode: number) => void): void {
    this.#options.groupCoordinator.endTransaction(index, marker, (errorCode) => done(isUnready(errorCode) ? ErrorCode.NOT_LEADER_OR_FOLLOWER : errorCode));
  }
}

/** Codes that speak of a coordinator mean nothing to somebody who writes markers into partitions. */
function isUnready(errorCode: number): boolean {
  return errorCode === ErrorCode.COORDINATOR_NOT_AVAILABLE || errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS || errorCode === ErrorCode.NOT_COORDINATOR;
}
