/** ConsumerGroupDescribe (69), versions 0 to 1: state, members and assignments of consumer groups. */
import { GROUP_VERSION } from '../../features.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { ApiKey } from '../../../protocol/generated/apis.ts';
import { makeDescribedGroup, readConsumerGroupDescribeRequest, writeConsumerGroupDescribeResponse } from '../../../protocol/generated/consumerGroupDescribe.ts';
import type { ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse, DescribedGroup } from '../../../protocol/generated/consumerGroupDescribe.ts';
import type { ApiHandler } from '../../contract.ts';
import { spanOf } from '../../spec.ts';
import type { GroupServices } from '../services.ts';
import { answer } from './answer.ts';
import { GROUP_OPERATIONS, NO_OPERATIONS } from './operations.ts';

export const consumerGroupDescribeHandler: ApiHandler<GroupServices, ConsumerGroupDescribeRequest, ConsumerGroupDescribeResponse> = {
  ...spanOf(ApiKey.ConsumerGroupDescribe),
  read: readConsumerGroupDescribeRequest,
  write: writeConsumerGroupDescribeResponse,
  handle(request, context, { groupCoordinator }) {
    const isEnabled = groupCoordinator.settings.consumer.isEnabled && groupCoordinator.cluster.featureLevel(GROUP_VERSION) > 0;
    const authorizedOperations = request.includeAuthorizedOperations ? GROUP_OPERATIONS : NO_OPERATIONS;
    const groups = [...new Set(request.groupIds)].map((groupId) => {
      if (!isEnabled) return failed(groupId, ErrorCode.UNSUPPORTED_VERSION);
      if (groupId === '') return failed(groupId, ErrorCode.INVALID_GROUP_ID);
      const described = groupCoordinator.describeConsumer(groupId);
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
