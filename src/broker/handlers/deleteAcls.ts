/** DeleteAcls (31), versions 1 to 3: removes what each filter means, and tells it. */
import type { AclBinding, AclFilter } from '../../metadata/acls.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readDeleteAclsRequest, writeDeleteAclsResponse } from '../../protocol/generated/deleteAcls.ts';
import type { DeleteAclsFilter, DeleteAclsMatchingAcl, DeleteAclsRequest, DeleteAclsResponse } from '../../protocol/generated/deleteAcls.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const deleteAclsHandler: ApiHandler<BrokerServices, DeleteAclsRequest, DeleteAclsResponse> = {
  ...spanOf(ApiKey.DeleteAcls),
  read: readDeleteAclsRequest,
  write: writeDeleteAclsResponse,
  async handle(request, context, services) {
    if (services.access === null) throw new KafkaError(ErrorCode.SECURITY_DISABLED, 'No Authorizer is configured.');
    const deletions = await services.metadata.controller.deleteAcls(request.filters.map(filterOf));
    const filterResults = deletions.map(({ code, message, deleted }) => ({ errorCode: code, errorMessage: message, matchingAcls: deleted.map(matchOf) }));
    context.reply({ throttleTimeMs: 0, filterResults });
  },
  errorResponse: (request, errorCode, errorMessage) => ({
    throttleTimeMs: 0,
    filterResults: request.filters.map(() => ({ errorCode, errorMessage, matchingAcls: [] })),
  }),
};

function filterOf(filter: DeleteAclsFilter): AclFilter {
  return {
    resourceType: filter.resourceTypeFilter,
    resourceName: filter.resourceNameFilter,
    patternType: filter.patternTypeFilter,
    principal: filter.principalFilter,
    host: filter.hostFilter,
    operation: filter.operation,
    permission: filter.permissionType,
  };
}

function matchOf({ permission, ...acl }: AclBinding): DeleteAclsMatchingAcl {
  return { errorCode: ErrorCode.NONE, errorMessage: null, ...acl, permissionType: permission };
}
