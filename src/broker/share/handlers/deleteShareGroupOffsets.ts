/** DeleteShareGroupOffsets (92), version 0: a group without members forgets topics. */
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeDeleteShareGroupOffsetsResponse, readDeleteShareGroupOffsetsRequest, writeDeleteShareGroupOffsetsResponse } from '../../../protocol/generated/deleteShareGroupOffsets.ts';
import type { DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse, DeleteShareGroupOffsetsResponseTopic as DeletedTopic } from '../../../protocol/generated/deleteShareGroupOffsets.ts';
import { zeroUuid } from '../../../protocol/types.ts';
import type { ApiHandler } from '../../contract.ts';
import { errorMessageOf } from '../../errorMapping.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';

export const deleteShareGroupOffsetsHandler: ApiHandler<BrokerServices, DeleteShareGroupOffsetsRequest, DeleteShareGroupOffsetsResponse> = {
  ...spanOf(ApiKey.DeleteShareGroupOffsets),
  read: readDeleteShareGroupOffsetsRequest,
  write: writeDeleteShareGroupOffsetsResponse,
  handle({ groupId, topics }, context, { shareGroups, groupCoordinator }) {
    if (groupId === '') return context.reply(makeDeleteShareGroupOffsetsResponse({ errorCode: ErrorCode.INVALID_GROUP_ID }));
    const names = [...new Set(topics.map(({ topicName }) => topicName))];
    const known = names.flatMap((topicName) => {
      const topicId = groupCoordinator.cluster.idOf(topicName);
      return topicId === undefined ? [] : [{ topicName, topicId }];
    });
    shareGroups.deleteOffsets(groupId, known.map(({ topicId }) => topicId), (error, results) => {
      if (error !== null) return context.reply(makeDeleteShareGroupOffsetsResponse({ errorCode: error.code, errorMessage: errorMessageOf(error) }));
      const deleted = new Map(known.map(({ topicName, topicId }, at): [string, DeletedTopic] => {
        const { errorCode, message } = results[at]!;
        return [topicName, { topicName, topicId, errorCode, errorMessage: message }];
      }));
      context.reply(makeDeleteShareGroupOffsetsResponse({ responses: names.map((topicName) => deleted.get(topicName) ?? unknown(topicName)) }));
    });
  },
  errorResponse: (_request, errorCode, errorMessage) => makeDeleteShareGroupOffsetsResponse({ errorCode, errorMessage }),
};

const unknown = (topicName: string): DeletedTopic =>
  ({ topicName, topicId: zeroUuid, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage: null });
