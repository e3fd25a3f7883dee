/** Access control lists: what they are made of, which of them concern a resource, and which a filter means. Codes are Kafka's. */

export const ResourceType = { unknown: 0, any: 1, topic: 2, group: 3, cluster: 4, transactionalId: 5, delegationToken: 6, user: 7 } as const;
export type ResourceType = (typeof ResourceType)[keyof typeof ResourceType];

export const PatternType = { unknown: 0, any: 1, match: 2, literal: 3, prefixed: 4 } as const;
export type PatternType = (typeof PatternType)[keyof typeof PatternType];

export const AclOperation = {
  unknown: 0, any: 1, all: 2, read: 3, write: 4, create: 5, delete: 6, alter: 7, describe: 8, clusterAction: 9, describeConfigs: 10, alterConfigs: 11,
  idempotentWrite: 12, createTokens: 13, describeTokens: 14, twoPhaseCommit: 15,
} as const;
export type AclOperation = (typeof AclOperation)[keyof typeof AclOperation];

export const AclPermission = { unknown: 0, any: 1, deny: 2, allow: 3 } as const;
export type AclPermission = (typeof AclPermission)[keyof typeof AclPermission];

/** The name of every resource of a type; also every host. */
export const WILDCARD = '*';
export const WILDCARD_PRINCIPAL = 'User:*';
/** The only resource of type cluster. */
export const CLUSTER_NAME = 'kafka-cluster';

export interface AclBinding {
  readonly resourceType: number;
  readonly resourceName: string;
  /** Literal or prefixed. */
  readonly patternType: number;
  /** `type:name` */
  readonly principal: string;
  readonly host: string;
  readonly operation: number;
  readonly permission: number;
}

/** Null and the `any` codes match everything. */
export interface AclFilter {
  readonly resourceType: number;
  readonly resourceName: string | null;
  /** `match`: literal, wildcard and prefixed patterns that concern the named resource. */
  readonly patternType: number;
  readonly principal: string | null;
  readonly host: string | null;
  readonly operation: number;
  readonly permission: number;
}

export function matchesFilter(filter: AclFilter, acl: AclBinding): boolean {
  return matchesPattern(filter, acl) && matchesEntry(filter, acl);
}

function matchesEntry(filter: AclFilter, acl: AclBinding): boolean {
  return (filter.principal === null || filter.principal === acl.principal)
    && (filter.host === null || filter.host === acl.host)
    && (filter.operation === AclOperation.any || filter.operation === acl.operation)
    && (filter.permission === AclPermission.any || filter.permission === acl.permission);
}

function matchesPattern(filter: AclFilter, acl: AclBinding): boolean {
  if (filter.resourceType !== ResourceType.any && filter.resourceType !== acl.resourceType) return false;
  const { patternType, resourceName } = filter;
  if (patternType !== PatternType.any && patternType !== PatternType.match && patternType !== acl.patternType) return false;
  if (resourceName === null) return true;
  if (patternType !== PatternType.match) return resourceName === acl.resourceName;
  if (acl.patternType === PatternType.prefixed) return resourceName.startsWith(acl.resourceName);
  return resourceName === acl.resourceName || acl.resourceName === WILDCARD;
}

/** The lists of one kind of resource. */
class TypeIndex {
  readonly literal = new Map<string, Map<string, AclBinding>>();
  readonly prefixed = new Map<string, Map<string, AclBinding>>();
  /** Length of a prefix to how many prefixes have it. */
  readonly prefixLengths = new Map<number, number>();
}

const NO_ACLS: ReadonlyMap<string, AclBinding> = new Map();

/** Read side of the lists in an image. */
export interface AclView {
  /** Grows with every change of the lists. */
  readonly version: number;
  readonly count: number;
  all(): Iterable<AclBinding>;
  matching(filter: AclFilter): Iterable<[id: string, acl: AclBinding]>;
  /** Calls `visit` with what stands on the resource by its name, by a prefix of it or for all of its type, until it returns false. */
  visit(resourceType: number, name: string, visit: (acl: AclBinding) => boolean): void;
  has(acl: AclBinding): boolean;
}

/** The lists that an image holds, by id and by resource: the cost of a look depends on those that concern the resource alone. */
export class AclSet implements AclView {
  version = 0;
  readonly #byId = new Map<string, AclBinding>();
  readonly #contents = new Set<string>();
  readonly #byType = new Map<number, TypeIndex>();

  get count(): number {
    return this.#byId.size;
  }

  all(): Iterable<AclBinding> {
    return this.#byId.values();
  }

  entries(): Iterable<[id: string, acl: AclBinding]> {
    return this.#byId;
  }

  has(acl: AclBinding): boolean {
    return this.#contents.has(contentOf(acl));
  }

  hasId(id: string): boolean {
    return this.#byId.has(id);
  }

  *matching(filter: AclFilter): Generator<[id: string, acl: AclBinding]> {
    for (const entry of this.#byId) if (matchesFilter(filter, entry[1])) yield entry;
  }

  visit(resourceType: number, name: string, visit: (acl: AclBinding) => boolean): void {
    const index = this.#byType.get(resourceType);
    if (index === undefined) return;
    if (!visitAll(index.literal.get(name), visit)) return;
    if (name !== WILDCARD && !visitAll(index.literal.get(WILDCARD), visit)) return;
    for (const length of index.prefixLengths.keys()) {
      if (length <= name.length && !visitAll(index.prefixed.get(name.slice(0, length)), visit)) return;
    }
  }

  add(id: string, acl: AclBinding): void {
    this.remove(id);
    this.version++;
    this.#byId.set(id, acl);
    this.#contents.add(contentOf(acl));
    const index = this.#byType.get(acl.resourceType) ?? new TypeIndex();
    this.#byType.set(acl.resourceType, index);
    const patterns = acl.patternType === PatternType.prefixed ? index.prefixed : index.literal;
    const acls = patterns.get(acl.resourceName);
    if (acls !== undefined) {
      acls.set(id, acl);
      return;
    }
    patterns.set(acl.resourceName, new Map([[id, acl]]));
    if (patterns === index.prefixed) index.prefixLengths.set(acl.resourceName.length, (index.prefixLengths.get(acl.resourceName.length) ?? 0) + 1);
  }

  remove(id: string): void {
    const acl = this.#byId.get(id);
    if (acl === undefined) return;
    this.version++;
    this.#byId.delete(id);
    this.#contents.delete(contentOf(acl));
    const index = this.#byType.get(acl.resourceType)!;
    const patterns = acl.patternType === PatternType.prefixed ? index.prefixed : index.literal;
    const acls = patterns.get(acl.resourceName)!;
    acls.delete(id);
    if (acls.size > 0) return;
    patterns.delete(acl.resourceName);
    if (patterns === index.prefixed) dropLength(index.prefixLengths, acl.resourceName.length);
  }
}

function dropLength(lengths: Map<number, number>, length: number): void {
  const left = lengths.get(length)! - 1;
  if (left === 0) lengths.delete(length);
  else lengths.set(length, left);
}

function visitAll(acls: ReadonlyMap<string, AclBinding> = NO_ACLS, visit: (acl: AclBinding) => boolean): boolean {
  for (const acl of acls.values()) if (!visit(acl)) return false;
  return true;
}

function contentOf(acl: AclBinding): string {
  return JSON.stringify([acl.resourceType, acl.resourceName, acl.patternType, acl.principal, acl.host, acl.operation, acl.permission]);
}
