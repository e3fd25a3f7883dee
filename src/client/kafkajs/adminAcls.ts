import { operationCode, operationName, patternTypeCode, patternTypeName, permissionCode, permissionName, resourceTypeCode, resourceTypeName, type AclBinding, type AclFilter as ClientAclFilter } from '../admin/aclTypes.ts';
import type { AclEntry, AclFilter, DescribeAclResource } from './adminTypes.ts';

/** KafkaJS has numbers where the client has names. */
export function aclBinding({ principal, host, operation, permissionType, resourceType, resourceName, resourcePatternType }: AclEntry): AclBinding {
  return { principal, host, resourceName, resourceType: resourceTypeName(resourceType), patternType: patternTypeName(resourcePatternType), operation: operationName(operation), permission: permissionName(permissionType) };
}

export function aclEntry({ principal, host, operation, permission, resourceType, resourceName, patternType }: AclBinding): AclEntry {
  return {
    principal, host, resourceName, resourceType: resourceTypeCode(resourceType), resourcePatternType: patternTypeCode(patternType), operation: operationCode(operation), permissionType: permissionCode(permission),
  } as AclEntry;
}

export function aclFilter({ principal, host, operation, permissionType, resourceType, resourceName, resourcePatternType }: AclFilter): ClientAclFilter {
  return {
    principal: principal ?? null, host: host ?? null, resourceName: resourceName ?? null, resourceType: resourceTypeName(resourceType), patternType: patternTypeName(resourcePatternType),
    operation: operationName(operation), permission: permissionName(permissionType),
  };
}

/** By resource. */
export function groupAcls(bindings: readonly AclBinding[]): DescribeAclResource[] {
  const resources = new Map<string, DescribeAclResource>();
  for (const binding of bindings) {
    const { resourceType, resourceName, resourcePatternType, ...acl } = aclEntry(binding);
    const key = `${resourceType}/${resourcePatternType}/${resourceName}`;
    const resource = resources.get(key) ?? { resourceType, resourceName, resourcePatternType, acls: [] };
    resource.acls.push(acl);
    resources.set(key, resource);
  }
  return [...resources.values()];
}
