/** ReadShareGroupState (84), version 0: what is kept of share partitions, for the broker that leads them now. */
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makePartitionResult, readReadShareGroupStateRequest, writeReadShareGroupStateResponse } from '../../../protocol/generated/readShareGroupState.ts';
import type { PartitionResult, ReadShareGroupStateRequest, ReadShareGroupStateResponse } from '../../../protocol/generated/readShareGroupState.ts';
import type { ApiHandler } from '../../contract.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';
import { allPartitions, eachPartition } from './shareState.ts';

export const readShareGroupStateHandler: ApiHandler<BrokerServices, ReadShareGroupStateRequest, ReadShareGroupStateResponse> = {
  ...spanOf(ApiKey.ReadShareGroupState),
  read: readReadShareGroupStateRequest,
  write: writeReadShareGroupStateResponse,
  handle({ groupId, topics }, context, { share }) {
    eachPartition<ReadShareGroupStateRequest['topics'][number]['partitions'][number], PartitionResult>(topics, (topicId, asked, answer) => {
      const { partition, leaderEpoch } = asked;
      share.coordinator.read({ groupId, topicId, partition }, leaderEpoch, ({ errorCode, message, stateEpoch, startOffset, batches }) => {
        answer(makePartitionResult({ partition, errorCode, errorMessage: message, stateEpoch, startOffset, stateBatches: [...batches] }));
      });
    }, (results) => context.reply({ results }));
  },
  errorResponse: ({ topics }, errorCode, errorMessage) =>
    ({ results: allPartitions(topics, ({ partition }) => makePartitionResult({ partition, errorCode, errorMessage })) }),
};
