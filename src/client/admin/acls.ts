import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeAclCreation, makeCreateAclsRequest, readCreateAclsResponse, writeCreateAclsRequest } from '../../protocol/generated/createAcls.ts';
import { makeDeleteAclsFilter, makeDeleteAclsRequest, readDeleteAclsResponse, writeDeleteAclsRequest } from '../../protocol/generated/deleteAcls.ts';
import { makeDescribeAclsRequest, readDescribeAclsResponse, writeDescribeAclsRequest } from '../../protocol/generated/describeAcls.ts';
import { ErrorCode, throwOnError } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import { operationCode, operationName, patternTypeCode, patternTypeName, permissionCode, permissionName, resourceTypeCode, resourceTypeName, type AclBinding, type AclFilter } from './aclTypes.ts';
import { askForEach, failure, outcomeOf } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { anyBroker } from './routes.ts';

/** Version 0 knows no pattern types. */
const describeAclsApi = { apiKey: ApiKey.DescribeAcls, versionMax: 3, write: writeDescribeAclsRequest, read: readDescribeAclsResponse } as const;
const createAclsApi = { apiKey: ApiKey.CreateAcls, versionMax: 3, write: writeCreateAclsRequest, read: readCreateAclsResponse } as const;
const deleteAclsApi = { apiKey: ApiKey.DeleteAcls, versionMax: 3, write: writeDeleteAclsRequest, read: readDeleteAclsResponse } as const;

export async function describeAcls(cluster: Cluster, filter: AclFilter): Promise<AclBinding[]> {
  const body = makeDescribeAclsRequest({
    resourceTypeFilter: resourceTypeCode(filter.resourceType), resourceNameFilter: filter.resourceName, patternTypeFilter: patternTypeCode(filter.patternType),
    principalFilter: filter.principal, hostFilter: filter.host, operation: operationCode(filter.operation), permissionType: permissionCode(filter.permission),
  });
  const answer = await cluster.askAny(describeAclsApi, body);
  throwOnError(answer.errorCode, answer.errorMessage);
  return answer.resources.flatMap(({ resourceType, resourceName, patternType, acls }) => acls.map(({ principal, host, operation, permissionType }) => ({
    resourceType: resourceTypeName(resourceType), resourceName, patternType: patternTypeName(patternType), principal, host, operation: operationName(operation), permission: permissionName(permissionType),
  })));
}

export function createAcls(cluster: Cluster, bindings: readonly AclBinding[]): Promise<Map<AclBinding, Outcome<null>>> {
  return askForEach<AclBinding, null>(cluster, bindings, anyBroker(cluster), async (connection, keys) => {
    const creations = keys.map((binding) => makeAclCreation({
      resourceType: resourceTypeCode(binding.resourceType), resourceName: binding.resourceName, resourcePatternType: patternTypeCode(binding.patternType), principal: binding.principal,
      host: binding.host, operation: operationCode(binding.operation), permissionType: permissionCode(binding.permission),
    }));
    const answer = await connection.request(createAclsApi, makeCreateAclsRequest({ creations }));
    return new Map(answer.results.slice(0, keys.length).map(({ errorCode, errorMessage }, index) => [keys[index] as AclBinding, outcomeOf(errorCode, errorMessage, null)]));
  });
}

/** Deletes what each filter finds; the outcome is what was deleted. */
export function deleteAcls(cluster: Cluster, filters: readonly AclFilter[]): Promise<Map<AclFilter, Outcome<AclBinding[]>>> {
  return askForEach<AclFilter, AclBinding[]>(cluster, filters, anyBroker(cluster), async (connection, keys) => {
    const wanted = keys.map((filter) => makeDeleteAclsFilter({
      resourceTypeFilter: resourceTypeCode(filter.resourceType), resourceNameFilter: filter.resourceName, patternTypeFilter: patternTypeCode(filter.patternType),
      principalFilter: filter.principal, hostFilter: filter.host, operation: operationCode(filter.operation), permissionType: permissionCode(filter.permission),
    }));
    const answer = await connection.request(deleteAclsApi, makeDeleteAclsRequest({ filters: wanted }));
    return new Map(answer.filterResults.slice(0, keys.length).map(({ errorCode, errorMessage, matchingAcls }, index) => {
      const failed = matchingAcls.find((match) => match.errorCode !== ErrorCode.NONE);
      const deleted = matchingAcls.map(({ resourceType, resourceName, patternType, principal, host, operation, permissionType }) => ({
        resourceType: resourceTypeName(resourceType), resourceName, patternType: patternTypeName(patternType), principal, host, operation: operationName(operation), permission: permissionName(permissionType),
      }));
      const outcome = errorCode === ErrorCode.NONE && failed !== undefined ? failure(failed.errorCode, failed.errorMessage) : outcomeOf(errorCode, errorMessage, deleted);
      return [keys[index] as AclFilter, outcome];
    }));
  });
}
