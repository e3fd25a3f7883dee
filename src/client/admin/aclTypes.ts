/** Access control lists as Kafka's protocol numbers and names them. */
function coded<T extends Readonly<Record<string, number>>>(codes: T): { readonly codes: T; readonly names: ReadonlyMap<number, string> } {
  return { codes, names: new Map(Object.entries(codes).map(([name, code]) => [code, name])) };
}

const resourceTypes = coded({ UNKNOWN: 0, ANY: 1, TOPIC: 2, GROUP: 3, CLUSTER: 4, TRANSACTIONAL_ID: 5, DELEGATION_TOKEN: 6, USER: 7 } as const);
const patternTypes = coded({ UNKNOWN: 0, ANY: 1, MATCH: 2, LITERAL: 3, PREFIXED: 4 } as const);
const operations = coded({
  UNKNOWN: 0, ANY: 1, ALL: 2, READ: 3, WRITE: 4, CREATE: 5, DELETE: 6, ALTER: 7, DESCRIBE: 8, CLUSTER_ACTION: 9, DESCRIBE_CONFIGS: 10, ALTER_CONFIGS: 11, IDEMPOTENT_WRITE: 12,
  CREATE_TOKENS: 13, DESCRIBE_TOKENS: 14, TWO_PHASE_COMMIT: 15,
} as const);
const permissions = coded({ UNKNOWN: 0, ANY: 1, DENY: 2, ALLOW: 3 } as const);

export type AclResourceType = keyof typeof resourceTypes.codes;
export type AclPatternType = keyof typeof patternTypes.codes;
export type AclOperation = keyof typeof operations.codes;
export type AclPermission = keyof typeof permissions.codes;

export const aclOperations = Object.keys(operations.codes) as AclOperation[];

export interface AclBinding {
  readonly resourceType: AclResourceType;
  readonly resourceName: string;
  readonly patternType: AclPatternType;
  /** As `User:alice`. */
  readonly principal: string;
  /** `*`: every host. */
  readonly host: string;
  readonly operation: AclOperation;
  readonly permission: AclPermission;
}

/** null and ANY leave open; pattern type MATCH finds what would apply to the resource's name. */
export interface AclFilter {
  readonly resourceType: AclResourceType;
  readonly resourceName: string | null;
  readonly patternType: AclPatternType;
  readonly principal: string | null;
  readonly host: string | null;
  readonly operation: AclOperation;
  readonly permission: AclPermission;
}

export const resourceTypeCode = (name: AclResourceType): number => resourceTypes.codes[name];
export const patternTypeCode = (name: AclPatternType): number => patternTypes.codes[name];
export const operationCode = (name: AclOperation): number => operations.codes[name];
export const permissionCode = (name: AclPermission): number => permissions.codes[name];
export const resourceTypeName = (code: number): AclResourceType => (resourceTypes.names.get(code) ?? 'UNKNOWN') as AclResourceType;
export const patternTypeName = (code: number): AclPatternType => (patternTypes.names.get(code) ?? 'UNKNOWN') as AclPatternType;
export const operationName = (code: number): AclOperation => (operations.names.get(code) ?? 'UNKNOWN') as AclOperation;
export const permissionName = (code: number): AclPermission => (permissions.names.get(code) ?? 'UNKNOWN') as AclPermission;
