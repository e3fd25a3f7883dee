import { aclOperations, operationName, patternTypeName, permissionName, resourceTypeName } from '../admin/aclTypes.ts';

export const ConfigResourceTypes = { UNKNOWN: 0, TOPIC: 2, BROKER: 4, BROKER_LOGGER: 8 } as const;
export const ConfigSource = { UNKNOWN: 0, TOPIC_CONFIG: 1, DYNAMIC_BROKER_CONFIG: 2, DYNAMIC_DEFAULT_BROKER_CONFIG: 3, STATIC_BROKER_CONFIG: 4, DEFAULT_CONFIG: 5, DYNAMIC_BROKER_LOGGER_CONFIG: 6 } as const;

const byName = (nameOf: (code: number) => string, codeMax: number): Record<string, number> => {
  const all: Record<string, number> = {};
  for (let code = 0; code <= codeMax; code += 1) all[nameOf(code)] = code;
  return all;
};

export const AclResourceTypes = byName(resourceTypeName, 7);
export const AclOperationTypes = byName(operationName, aclOperations.length - 1);
export const AclPermissionTypes = byName(permissionName, 3);
export const ResourcePatternTypes = byName(patternTypeName, 4);

export interface ITopicConfig {
  topic: string;
  numPartitions?: number;
  replicationFactor?: number;
  replicaAssignment?: { partition: number; replicas: number[] }[];
  configEntries?: { name: string; value: string }[];
}

export interface SeekEntry {
  partition: number;
  offset: string;
}

export interface FetchOffsetsPartition extends SeekEntry {
  metadata: string | null;
}

export interface AclEntry {
  principal: string;
  host: string;
  operation: number;
  permissionType: number;
  resourceType: number;
  resourceName: string;
  resourcePatternType: number;
}

export interface AclFilter {
  resourceType: number;
  resourceName?: string;
  resourcePatternType: number;
  principal?: string;
  host?: string;
  operation: number;
  permissionType: number;
}

export interface ConfigEntry {
  configName: string;
  configValue: string | null;
  isDefault: boolean;
  configSource: number;
  isSensitive: boolean;
  readOnly: boolean;
  configSynonyms: { configName: string; configValue: string | null; configSource: number }[];
}
