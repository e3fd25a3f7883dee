/** StreamsGroupDescribe (89), version 0: state, topology, members and tasks of streams groups. */
import { STREAMS_VERSION } from '../../features.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeDescribedGroup, readStreamsGroupDescribeRequest, writeStreamsGroupDescribeResponse } from '../../../protocol/generated/streamsGroupDescribe.ts';
import type { DescribedGroup, StreamsGroupDescribeRequest, StreamsGroupDescribeResponse } from '../../../protocol/generated/streamsGroupDescribe.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';
import { GROUP_OPERATIONS, NO_OPERATIONS } from './operations.ts';

export const streamsGroupDescribeHandler: ApiHandler<GroupServices, StreamsGroupDescribeRequest, StreamsGroupDescribeResponse> = {
  ...spanOf(ApiKey.StreamsGroupDescribe),
  read: readStreamsGroupDescribeRequest,
  write: writeStreamsGroupDescribeResponse,
  handle(request, context, { groupCoordinator }) {
    const isEnabled = groupCoordinator.settings.streams.isEnabled && groupCoordinator.cluster.featureLevel(STREAMS_VERSION) > 0;
    const authorizedOperations = request.includeAuthorizedOperations ? GROUP_OPERATIONS : NO_OPERATIONS;
    const groups = [...new Set(request.groupIds)].map((groupId) => {
      if (!isEnabled) return failed(groupId, ErrorCode.UNSUPPORTED_VERSION);
      if (groupId === '') return failed(groupId, ErrorCode.INVALID_GROUP_ID);
      const described = groupCoordinator.describeStreams(groupId);
      if (typeof described === 'number') return failed(groupId, described);
      return described.errorCode === ErrorCode.NONE ? { ...described, authorizedOperations } : described;
    });
    answer(context, { throttleTimeMs: 0, groups });
  },
  errorResponse: (request, errorCode) => ({ throttleTimeMs: 0, groups: [...new Set(request.groupIds)].map((groupId) => failed(groupId, errorCode)) }),
};

function failed(groupId: string, errorCode: number): DescribedGroup {
  return makeDescribedGroup({ groupId, errorCode });
}
