/** DeleteShareGroupState (86), version 0: a group does not share these partitions any more. */
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makePartitionResult, readDeleteShareGroupStateRequest, writeDeleteShareGroupStateResponse } from '../../../protocol/generated/deleteShareGroupState.ts';
import type { PartitionResult, DeleteShareGroupStateRequest, DeleteShareGroupStateResponse } from '../../../protocol/generated/deleteShareGroupState.ts';
import type { ApiHandler } from '../../contract.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';
import { allPartitions, eachPartition } from './shareState.ts';

export const deleteShareGroupStateHandler: ApiHandler<BrokerServices, DeleteShareGroupStateRequest, DeleteShareGroupStateResponse> = {
  ...spanOf(ApiKey.DeleteShareGroupState),
  read: readDeleteShareGroupStateRequest,
  write: writeDeleteShareGroupStateResponse,
  handle({ groupId, topics }, context, { share }) {
    eachPartition<DeleteShareGroupStateRequest['topics'][number]['partitions'][number], PartitionResult>(topics, (topicId, asked, answer) => {
      const { partition } = asked;
      share.coordinator.delete({ groupId, topicId, partition }, ({ errorCode, message }) => {
        answer(makePartitionResult({ partition, errorCode, errorMessage: message }));
      });
    }, (results) => context.reply({ results }));
  },
  errorResponse: ({ topics }, errorCode, errorMessage) =>
    ({ results: allPartitions(topics, ({ partition }) => makePartitionResult({ partition, errorCode, errorMessage })) }),
};
