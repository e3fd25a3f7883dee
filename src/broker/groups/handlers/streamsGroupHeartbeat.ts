/** StreamsGroupHeartbeat (88), version 0: a member of a streams group joins, stays, gets its tasks and leaves (KIP-1071). Internal topics that are missing are made. */
import { STREAMS_VERSION } from '../../features.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeStreamsGroupHeartbeatResponse, readStreamsGroupHeartbeatRequest, writeStreamsGroupHeartbeatResponse } from '../../../protocol/generated/streamsGroupHeartbeat.ts';
import type { StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse } from '../../../protocol/generated/streamsGroupHeartbeat.ts';
import type { ApiHandler } from '../../contract.ts';
import { errorMessageOf } from '../../errorMapping.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';
import { clientOf } from './client.ts';

export const streamsGroupHeartbeatHandler: ApiHandler<GroupServices, StreamsGroupHeartbeatRequest, StreamsGroupHeartbeatResponse> = {
  ...spanOf(ApiKey.StreamsGroupHeartbeat),
  read: readStreamsGroupHeartbeatRequest,
  write: writeStreamsGroupHeartbeatResponse,
  handle(request, context, { groupCoordinator, access = null }) {
    const isEnabled = groupCoordinator.settings.streams.isEnabled && groupCoordinator.cluster.featureLevel(STREAMS_VERSION) > 0;
    if (!isEnabled) return answer(context, makeStreamsGroupHeartbeatResponse({ errorCode: ErrorCode.UNSUPPORTED_VERSION }));
    const client = clientOf(context, access);
    groupCoordinator.streamsHeartbeat(request, client, (error, response) =>
      answer(context, response ?? makeStreamsGroupHeartbeatResponse({ errorCode: error!.code, errorMessage: errorMessageOf(error) })));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeStreamsGroupHeartbeatResponse({ errorCode, errorMessage }),
};
