/** InitializeShareGroupState (83), version 0: where the records of a share partition begin. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { isSafeInt64 } from '../../../protocol/offsets.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makePartitionResult, readInitializeShareGroupStateRequest, writeInitializeShareGroupStateResponse } from '../../../protocol/generated/initializeShareGroupState.ts';
import type { PartitionResult, InitializeShareGroupStateRequest, InitializeShareGroupStateResponse } from '../../../protocol/generated/initializeShareGroupState.ts';
import type { ApiHandler } from '../../contract.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';
import { allPartitions, eachPartition } from './shareState.ts';

export const initializeShareGroupStateHandler: ApiHandler<BrokerServices, InitializeShareGroupStateRequest, InitializeShareGroupStateResponse> = {
  ...spanOf(ApiKey.InitializeShareGroupState),
  read: readInitializeShareGroupStateRequest,
  write: writeInitializeShareGroupStateResponse,
  handle({ groupId, topics }, context, { share }) {
    eachPartition<InitializeShareGroupStateRequest['topics'][number]['partitions'][number], PartitionResult>(topics, (topicId, asked, answer) => {
      const { partition, stateEpoch, startOffset } = asked;
      if (!isSafeInt64(startOffset)) return answer(makePartitionResult({ partition, errorCode: ErrorCode.INVALID_REQUEST }));
      share.coordinator.initialize({ groupId, topicId, partition }, stateEpoch, Math.max(startOffset, -1), ({ errorCode, message }) => {
        answer(makePartitionResult({ partition, errorCode, errorMessage: message }));
      });
    }, (results) => context.reply({ results }));
  },
  errorResponse: ({ topics }, errorCode, errorMessage) =>
    ({ results: allPartitions(topics, ({ partition }) => makePartitionResult({ partition, errorCode, errorMessage })) }),
};
