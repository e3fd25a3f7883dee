/** ConsumerGroupDescribe (69), versions 0 to 1: state, members and assignments of consumer groups. */
import { GROUP_VERSION } from '../../features.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeDescribedGroup, readConsumerGroupDescribeRequest, writeConsumerGroupDescribeResponse } from '../../../protocol/generated/consumerGroupDescribe.ts';
import type { ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedGroup } from '../../../protocol/generated/consumerGroupDescribe.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';
import { describeEach } from './describing.ts';

export const consumerGroupDescribeHandler: ApiHandler<GroupServices, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse> = {
  ...spanOf(ApiKey.ConsumerGroupDescribe),
  read: readConsumerGroupDescribeRequest,
  write: writeConsumerGroupDescribeResponse,
  handle(request, context, { groupCoordinator }) {
    const isEnabled = groupCoordinator.settings.consumer.isEnabled && groupCoordinator.cluster.featureLevel(GROUP_VERSION) > 0;
    const groups = describeEach(request, isEnabled, (groupId) => groupCoordinator.describeConsumer(groupId), failed);
    answer(context, { throttleTimeMs: 0, groups });
  },
  errorResponse: (request, errorCode) => ({ throttleTimeMs: 0, groups: [...new Set(request.groupIds)].map((groupId) => failed(groupId, errorCode)) }),
};

function failed(groupId: string, errorCode: number): DescribedGroup {
  return makeDescribedGroup({ groupId, errorCode });
}
