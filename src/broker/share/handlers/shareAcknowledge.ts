/** ShareAcknowledge (79), versions 1 and 2: what a member did with the records that it holds. */
import { groupBy } from '../../../base/collections.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeShareAcknowledgeResponse, readShareAcknowledgeRequest, writeShareAcknowledgeResponse } from '../../../protocol/generated/shareAcknowledge.ts';
import type { ShareAcknowledgeRequest, ShareAcknowledgeResponse } from '../../../protocol/generated/shareAcknowledge.ts';
import type { ApiHandler } from '../../contract.ts';
import type { BrokerServices } from '../../services.ts';
import { spanOf } from '../../spec.ts';
import { FINAL_EPOCH } from '../sessions.ts';
import { acknowledgeAll, isMemberId } from './acknowledgements.ts';
import type { AcknowledgedPartition, AcknowledgeResult } from './acknowledgements.ts';
import { endpointsOf, leaderToTell } from './leaders.ts';

const FIRST_VERSION_WITH_RENEWAL = 2;

export const shareAcknowledgeHandler: ApiHandler<BrokerServices, ShareAcknowledgeRequest, ShareAcknowledgeResponse> = {
  ...spanOf(ApiKey.ShareAcknowledge),
  read: readShareAcknowledgeRequest,
  write: writeShareAcknowledgeResponse,
  handle(request, context, services) {
    const { share } = services;
    const { groupId, memberId } = request;
    const refuse = (errorCode: number, errorMessage: string | null = null): void => context.reply(makeShareAcknowledgeResponse({ errorCode, errorMessage }));
    if (groupId === null) return refuse(ErrorCode.INVALID_REQUEST, 'Invalid group id in the request.');
    if (!isMemberId(memberId)) return refuse(ErrorCode.INVALID_REQUEST, 'Invalid member id in the request.');
    if (share.isClosed) return refuse(ErrorCode.SHARE_SESSION_NOT_FOUND);
    const { errorCode, session } = share.sessions.acknowledge(groupId, memberId, request.shareSessionEpoch);
    if (session === null) return refuse(errorCode);
    const mayRenew = context.apiVersion >= FIRST_VERSION_WITH_RENEWAL && request.isRenewAck;
    acknowledgeAll(share, groupId, memberId, partitionsOf(request), mayRenew, (results) => {
      if (request.shareSessionEpoch === FINAL_EPOCH) share.sessions.end(session);
      const response = responseOf(results);
      context.reply(makeShareAcknowledgeResponse({
        acquisitionLockTimeoutMs: share.config.group(groupId).recordLockDurationMs,
        responses: response,
        nodeEndpoints: endpointsOf(services, context.connection, response.flatMap(({ partitions }) => partitions.map(({ currentLeader }) => currentLeader))),
      }));
    });
  },
  errorResponse: (_request, errorCode, errorMessage) => makeShareAcknowledgeResponse({ errorCode, errorMessage }),
};

function partitionsOf(request: ShareAcknowledgeRequest): AcknowledgedPartition[] {
  return request.topics.flatMap(({ topicId, partitions }) =>
    partitions.map(({ partitionIndex, acknowledgementBatches }) => ({ topicId, index: partitionIndex, batches: acknowledgementBatches })));
}

function responseOf(results: readonly AcknowledgeResult[]): ShareAcknowledgeResponse['responses'] {
  return [...groupBy(results, ({ topicId }) => topicId)].map(([topicId, ofTopic]) => ({
    topicId,
    partitions: ofTopic.map(({ index, partition, errorCode, message }) => ({
      partitionIndex: index, errorCode, errorMessage: message, currentLeader: leaderToTell(partition, errorCode),
    })),
  }));
}
