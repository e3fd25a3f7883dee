/** ReadShareGroupStateSummary (87), versions 0 and 1: where share partitions stand. */
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makePartitionResult, readReadShareGroupStateSummaryRequest, writeReadShareGroupStateSummaryResponse } from '../../../protocol/generated/readShareGroupStateSummary.ts';
import type { PartitionResult, ReadShareGroupStateSummaryRequest, ReadShareGroupStateSummaryResponse } from '../../../protocol/generated/readShareGroupStateSummary.ts';
import type { ApiHandler } from '../../contract.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';
import { allPartitions, eachPartition } from './shareState.ts';

export const readShareGroupStateSummaryHandler: ApiHandler<BrokerServices, ReadShareGroupStateSummaryRequest, ReadShareGroupStateSummaryResponse> = {
  ...spanOf(ApiKey.ReadShareGroupStateSummary),
  read: readReadShareGroupStateSummaryRequest,
  write: writeReadShareGroupStateSummaryResponse,
  handle({ groupId, topics }, context, { share }) {
    eachPartition<ReadShareGroupStateSummaryRequest['topics'][number]['partitions'][number], PartitionResult>(topics, (topicId, asked, answer) => {
      const { partition } = asked;
      share.coordinator.readSummary({ groupId, topicId, partition }, ({ errorCode, message, ...summary }) => {
        const { stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount } = summary;
        answer(makePartitionResult({ partition, errorCode, errorMessage: message, stateEpoch, leaderEpoch, startOffset, deliveryCompleteCount }));
      });
    }, (results) => context.reply({ results }));
  },
  errorResponse: ({ topics }, errorCode, errorMessage) =>
    ({ results: allPartitions(topics, ({ partition }) => makePartitionResult({ partition, errorCode, errorMessage })) }),
};
