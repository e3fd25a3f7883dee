/** WriteShareGroupState (85), versions 0 and 1: the broker that leads share partitions keeps what changed. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { isSafeInt64 } from '../../../protocol/offsets.ts';
import { batchesOrNull } from '../coordinator/records.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makePartitionResult, readWriteShareGroupStateRequest, writeWriteShareGroupStateResponse } from '../../../protocol/generated/writeShareGroupState.ts';
import type { PartitionResult, WriteShareGroupStateRequest, WriteShareGroupStateResponse } from '../../../protocol/generated/writeShareGroupState.ts';
import type { ApiHandler } from '../../contract.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';
import { allPartitions, eachPartition } from './shareState.ts';

export const writeShareGroupStateHandler: ApiHandler<BrokerServices, WriteShareGroupStateRequest, WriteShareGroupStateResponse> = {
  ...spanOf(ApiKey.WriteShareGroupState),
  read: readWriteShareGroupStateRequest,
  write: writeWriteShareGroupStateResponse,
  handle({ groupId, topics }, context, { share }) {
    eachPartition<WriteShareGroupStateRequest['topics'][number]['partitions'][number], PartitionResult>(topics, (topicId, asked, answer) => {
      const { partition, stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount, stateBatches } = asked;
      const batches = batchesOrNull(stateBatches);
      if (batches === null || !isSafeInt64(startOffset)) return answer(makePartitionResult({ partition, errorCode: ErrorCode.INVALID_REQUEST }));
      const write = { stateEpoch, leaderEpoch, startOffset: Math.max(startOffset, -1), deliveryCompleteCount, batches };
      share.coordinator.write({ groupId, topicId, partition }, write, ({ errorCode, message }) => {
        answer(makePartitionResult({ partition, errorCode, errorMessage: message }));
      });
    }, (results) => context.reply({ results }));
  },
  errorResponse: ({ topics }, errorCode, errorMessage) =>
    ({ results: allPartitions(topics, ({ partition }) => makePartitionResult({ partition, errorCode, errorMessage })) }),
};
