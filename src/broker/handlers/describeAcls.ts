/** DescribeAcls (29), versions 1 to 3: the lists that a filter means, by resource. */
import { filterProblem } from '../../metadata/aclDecisions.ts';
import type { AclFilter } from '../../metadata/acls.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDescribeAclsResponse, readDescribeAclsRequest, writeDescribeAclsResponse } from '../../protocol/generated/describeAcls.ts';
import type { DescribeAclsRequest, DescribeAclsResource, DescribeAclsResponse } from '../../protocol/generated/describeAcls.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const describeAclsHandler: ApiHandler<BrokerServices, DescribeAclsRequest, DescribeAclsResponse> = {
  ...spanOf(ApiKey.DescribeAcls),
  read: readDescribeAclsRequest,
  write: writeDescribeAclsResponse,
  handle(request, context, services) {
    if (services.access === null) throw new KafkaError(ErrorCode.SECURITY_DISABLED, 'No Authorizer is configured on the broker');
    const filter = filterOf(request);
    const problem = filterProblem(filter);
    if (problem !== null) throw new KafkaError(ErrorCode.INVALID_REQUEST, problem);
    const resources = new Map<string, DescribeAclsResource>();
    for (const [, { resourceType, resourceName, patternType, principal, host, operation, permission }] of services.metadata.image.acls.matching(filter)) {
      const key = `${resourceType}/${patternType}/${resourceName}`;
      const resource = resources.get(key) ?? { resourceType, resourceName, patternType, acls: [] };
      resources.set(key, resource);
      resource.acls.push({ principal, host, operation, permissionType: permission });
    }
    context.reply(makeDescribeAclsResponse({ errorMessage: null, resources: [...resources.values()] }));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeDescribeAclsResponse({ errorCode, errorMessage }),
};

function filterOf(request: DescribeAclsRequest): AclFilter {
  return {
    resourceType: request.resourceTypeFilter,
    resourceName: request.resourceNameFilter,
    patternType: request.patternTypeFilter,
    principal: request.principalFilter,
    host: request.hostFilter,
    operation: request.operation,
    permission: request.permissionType,
  };
}
