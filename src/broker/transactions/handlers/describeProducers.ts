/** DescribeProducers (61), version 0: the producers that the leader of a partition remembers, with their open transactions. */
import { topicNameProblem } from '../../../metadata/topicNames.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { readDescribeProducersRequest, writeDescribeProducersResponse } from '../../../protocol/generated/describeProducers.ts';
import type { DescribeProducersRequest, DescribeProducersResponse, PartitionResponse, ProducerState } from '../../../protocol/generated/describeProducers.ts';
import type { ProducerView } from '../../../storage/types.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { TransactionServices } from '../services.ts';

export const describeProducersHandler: ApiHandler<TransactionServices, DescribeProducersRequest, DescribeProducersResponse> = {
  ...spanOf(ApiKey.DescribeProducers),
  read: readDescribeProducersRequest,
  write: writeDescribeProducersResponse,
  handle(request, context, services) {
    const topics = request.topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map((index) => describe(name, index, services)) }));
    context.reply({ throttleTimeMs: 0, topics });
  },
  errorResponse: (request, errorCode, message) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitionIndexes }) => ({ name, partitions: partitionIndexes.map((index) => failed(index, errorCode, message)) })),
  }),
};

function describe(topic: string, index: number, { metadata, partitions }: TransactionServices): PartitionResponse {
  const problem = topicNameProblem(topic);
  if (problem !== null) return failed(index, ErrorCode.INVALID_TOPIC_EXCEPTION, problem);
  if (metadata.image.topicsByName.get(topic)?.partitions[index] === undefined) return failed(index, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, null);
  const partition = partitions.find(topic, index);
  const refused = partition?.accessError(-1) ?? ErrorCode.NOT_LEADER_OR_FOLLOWER;
  if (partition === undefined || refused !== ErrorCode.NONE) return failed(index, refused, null);
  return { partitionIndex: index, errorCode: ErrorCode.NONE, errorMessage: null, activeProducers: partition.log!.producers().map(stateOf) };
}

function stateOf(producer: ProducerView): ProducerState {
  return {
    producerId: producer.producerId,
    producerEpoch: producer.epoch,
    lastSequence: producer.lastSequence,
    lastTimestamp: producer.lastTimestampMs,
    coordinatorEpoch: producer.coordinatorEpoch,
    currentTxnStartOffset: producer.transactionFirstOffset,
  };
}

function failed(partitionIndex: number, errorCode: number, errorMessage: string | null): PartitionResponse {
  return { partitionIndex, errorCode, errorMessage, activeProducers: [] };
}
