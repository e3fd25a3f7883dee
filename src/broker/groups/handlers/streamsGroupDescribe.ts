/** StreamsGroupDescribe (89), version 0: state, topology, members and tasks of streams groups. */
import { STREAMS_VERSION } from '../../features.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeDescribedGroup, readStreamsGroupDescribeRequest, writeStreamsGroupDescribeResponse } from '../../../protocol/generated/streamsGroupDescribe.ts';
import type { DescribedGroup, StreamsGroupDescribeRequest, StreamsGroupDescribeResponse } from '../../../protocol/generated/streamsGroupDescribe.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';
import { describeEach } from './describing.ts';

export const streamsGroupDescribeHandler: ApiHandler<GroupServices, StreamsGroupDescribeRequest, StreamsGroupDescribeResponse> = {
  ...spanOf(ApiKey.StreamsGroupDescribe),
  read: readStreamsGroupDescribeRequest,
  write: writeStreamsGroupDescribeResponse,
  handle(request, context, { groupCoordinator }) {
    const isEnabled = groupCoordinator.settings.streams.isEnabled && groupCoordinator.cluster.featureLevel(STREAMS_VERSION) > 0;
    const groups = describeEach(request, isEnabled, (groupId) => groupCoordinator.describeStreams(groupId), failed);
    answer(context, { throttleTimeMs: 0, groups });
  },
  errorResponse: (request, errorCode) => ({ throttleTimeMs: 0, groups: [...new Set(request.groupIds)].map((groupId) => failed(groupId, errorCode)) }),
};

function failed(groupId: string, errorCode: number): DescribedGroup {
  return makeDescribedGroup({ groupId, errorCode });
}
