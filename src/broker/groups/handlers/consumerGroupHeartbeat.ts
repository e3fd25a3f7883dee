/** ConsumerGroupHeartbeat (68), versions 0 to 1: a member of a consumer group joins, stays, gets its partitions and leaves (KIP-848). */
import { GROUP_VERSION } from '../../features.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeConsumerGroupHeartbeatResponse, readConsumerGroupHeartbeatRequest, writeConsumerGroupHeartbeatResponse } from '../../../protocol/generated/consumerGroupHeartbeat.ts';
import type { ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse } from '../../../protocol/generated/consumerGroupHeartbeat.ts';
import type { ApiHandler } from '../../contract.ts';
import { errorMessageOf } from '../../errorMapping.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';
import { clientOf } from './client.ts';

export const consumerGroupHeartbeatHandler: ApiHandler<GroupServices, ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse> = {
  ...spanOf(ApiKey.ConsumerGroupHeartbeat),
  read: readConsumerGroupHeartbeatRequest,
  write: writeConsumerGroupHeartbeatResponse,
  handle(request, context, { groupCoordinator, access = null }) {
    const isEnabled = groupCoordinator.settings.consumer.isEnabled && groupCoordinator.cluster.featureLevel(GROUP_VERSION) > 0;
    if (!isEnabled) return answer(context, makeConsumerGroupHeartbeatResponse({ errorCode: ErrorCode.UNSUPPORTED_VERSION }));
    const client = clientOf(context, access);
    groupCoordinator.consumerHeartbeat(request, client, (error, response) =>
      answer(context, response ?? makeConsumerGroupHeartbeatResponse({ errorCode: error!.code, errorMessage: errorMessageOf(error) })));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeConsumerGroupHeartbeatResponse({ errorCode, errorMessage }),
};
