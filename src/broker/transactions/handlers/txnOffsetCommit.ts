/** TxnOffsetCommit (28), versions 0 to 5: offsets that take effect when the producer's transaction is committed. */
import { CONSUMER_OFFSETS_TOPIC } from '../../../metadata/topicNames.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readTxnOffsetCommitRequest, writeTxnOffsetCommitResponse } from '../../../protocol/generated/txnOffsetCommit.ts';
import type {
  TxnOffsetCommitRequest, TxnOffsetCommitRequestTopic, TxnOffsetCommitResponse, TxnOffsetCommitResponseTopic,
} from '../../../protocol/generated/txnOffsetCommit.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { TransactionServices } from '../services.ts';
import { transactionVersionOf } from '../verifier.ts';
import type { VerificationMode } from '../verifier.ts';

const FIRST_VERSION_THAT_ADDS = 5;
const FIRST_VERSION_WITH_ABORTABLE = 4;
/** Older clients may crash on COORDINATOR_LOAD_IN_PROGRESS (KAFKA-7296). */
const FIRST_VERSION_WITH_LOADING = 2;
const REQUIRED_ACKS = -1;
const NO_SEQUENCE = 0;

export const txnOffsetCommitHandler: ApiHandler<TransactionServices, TxnOffsetCommitRequest, TxnOffsetCommitResponse> = {
  ...spanOf(ApiKey.TxnOffsetCommit),
  read: readTxnOffsetCommitRequest,
  write: writeTxnOffsetCommitResponse,
  handle(request, context, services) {
    const { apiVersion } = context;
    const { known, failed } = partUnknown(request.topics, services);
    const reply = (topics: TxnOffsetCommitResponseTopic[]): void => context.reply({ throttleTimeMs: 0, topics: [...topics, ...failed] });
    if (known.length === 0) return reply([]);
    commit({ ...request, topics: known }, apiVersion, services, (errorCode, topics) => {
      reply(errorCode === ErrorCode.NONE ? topics : known.map((topic) => failedTopic(topic, toldError(errorCode, apiVersion))));
    });
  },
  errorResponse: (request, errorCode) => ({ throttleTimeMs: 0, topics: request.topics.map((topic) => failedTopic(topic, errorCode)) }),
};

function failedTopic({ name, topicId, partitions }: TxnOffsetCommitRequestTopic, errorCode: number): TxnOffsetCommitResponseTopic {
  return { name, topicId, partitions: partitions.map(({ partitionIndex }) => ({ partitionIndex, errorCode })) };
}

/** Parts partitions that are from those that are not, and gives topics their ids. */
function partUnknown(topics: readonly TxnOffsetCommitRequestTopic[], { metadata }: TransactionServices): { known: TxnOffsetCommitRequestTopic[]; failed: TxnOffsetCommitResponseTopic[] } {
  const known: TxnOffsetCommitRequestTopic[] = [];
  const failed: TxnOffsetCommitResponseTopic[] = [];
  for (const topic of topics) {
    const image = metadata.image.topicsByName.get(topic.name);
    const isThere = ({ partitionIndex }: { partitionIndex: number }): boolean => image?.partitions[partitionIndex] !== undefined;
    const there = topic.partitions.filter(isThere);
    const missing = topic.partitions.filter((partition) => !isThere(partition));
    if (image !== undefined && there.length > 0) known.push({ ...topic, topicId: image.id, partitions: there });
    if (missing.length > 0) failed.push(failedTopic({ ...topic, partitions: missing }, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION));
  }
  return { known, failed };
}

function modeOf(version: number): VerificationMode {
  if (version >= FIRST_VERSION_THAT_ADDS) return 'add';
  return version >= FIRST_VERSION_WITH_ABORTABLE ? 'verify' : 'verifyOld';
}

function commit(request: TxnOffsetCommitRequest, version: number, services: TransactionServices, done: (errorCode: number, topics: TxnOffsetCommitResponseTopic[]) => void): void {
  const { groupCoordinator, partitions, transactions } = services;
  if (request.groupId === '') return done(ErrorCode.INVALID_GROUP_ID, []);
  const partition = partitions.find(CONSUMER_OFFSETS_TOPIC, groupCoordinator.partitionFor(request.groupId));
  if (partition === undefined || partition.appendError(REQUIRED_ACKS) !== ErrorCode.NONE) return done(ErrorCode.NOT_COORDINATOR, []);
  const { transactionalId, producerId, producerEpoch } = request;
  const mode = modeOf(version);
  transactions.verifier.verify(partition, NO_SEQUENCE, { transactionalId, producerId, producerEpoch, mode }, (errorCode, verification) => {
    if (errorCode !== ErrorCode.NONE) return done(errorCode, []);
    const transaction = { producerId, producerEpoch, transactionVersion: transactionVersionOf(mode), marker: null };
    groupCoordinator.commitTransactional(request, version, verification === undefined ? transaction : { ...transaction, verification }, done);
  });
}

function toldError(errorCode: number, version: number): number {
  if (errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS && version < FIRST_VERSION_WITH_LOADING) return ErrorCode.COORDINATOR_NOT_AVAILABLE;
  return errorCode;
}
