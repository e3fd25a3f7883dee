/** Whether lists allow somebody to do something: Kafka's rules (KIP-11, KIP-290, KIP-679), without state of its own. */
import { AclOperation, AclPermission, PatternType, ResourceType, WILDCARD, WILDCARD_PRINCIPAL } from '../../../metadata/acls.ts';
import type { AclBinding, AclView } from '../../../metadata/acls.ts';

/** Who asks. */
export interface Identity {
  /** `type:name` */
  readonly principal: string;
  /** As `canonicalAddress` writes it. */
  readonly host: string;
}

const bits = (...operations: number[]): number => operations.reduce((field, operation) => field | (1 << operation), 0);

const { read, write, create, alter, describe, clusterAction, describeConfigs, alterConfigs, idempotentWrite, createTokens, describeTokens, twoPhaseCommit } = AclOperation;
const remove = AclOperation.delete;

const IMPLY_DESCRIBE = bits(describe, read, write, remove, alter);
const IMPLY_DESCRIBE_CONFIGS = bits(describeConfigs, alterConfigs);

/** What can be done with each type of resource. */
export const OPERATIONS_OF: ReadonlyMap<number, readonly number[]> = new Map([
  [ResourceType.topic, [read, write, create, describe, remove, alter, describeConfigs, alterConfigs]],
  [ResourceType.group, [read, describe, remove, describeConfigs, alterConfigs]],
  [ResourceType.cluster, [create, clusterAction, describeConfigs, alterConfigs, idempotentWrite, alter, describe]],
  [ResourceType.transactionalId, [describe, write, twoPhaseCommit]],
  [ResourceType.delegationToken, [describe]],
  [ResourceType.user, [createTokens, describeTokens]],
]);

/** Without any list on the resource, `allowIfNone` decides. One list that denies outweighs all that allow. */
export function authorize(acls: AclView, who: Identity, operation: number, resourceType: number, name: string, allowIfNone: boolean): boolean {
  let isOnResource = false;
  let isAllowed = false;
  let isDenied = false;
  acls.visit(resourceType, name, (acl) => {
    isOnResource = true;
    if (!concerns(acl, who)) return true;
    if (acl.permission === AclPermission.deny) isDenied = denies(acl, operation);
    else isAllowed ||= allows(acl, operation);
    return !isDenied;
  });
  if (isDenied) return false;
  return isAllowed || (!isOnResource && allowIfNone);
}

function concerns(acl: AclBinding, who: Identity): boolean {
  return (acl.principal === who.principal || acl.principal === WILDCARD_PRINCIPAL) && (acl.host === WILDCARD || acl.host === who.host);
}

const denies = (acl: AclBinding, operation: number): boolean => acl.operation === AclOperation.all || acl.operation === operation;

function allows(acl: AclBinding, operation: number): boolean {
  if (acl.operation === AclOperation.all || acl.operation === operation) return true;
  if (operation === describe) return (IMPLY_DESCRIBE & (1 << acl.operation)) !== 0;
  return operation === describeConfigs && (IMPLY_DESCRIBE_CONFIGS & (1 << acl.operation)) !== 0;
}

/** Whether there is any resource of the type, existing or not, on which `who` may do it. Implied operations do not count here, as in Kafka. */
export function authorizeAny(acls: AclView, who: Identity, operation: number, resourceType: number, allowIfNone: boolean): boolean {
  // Some name that nobody gave a list to.
  if (authorize(acls, who, operation, resourceType, 'hardcode', allowIfNone)) return true;
  const deny = new PatternNames();
  const allow = new PatternNames();
  for (const acl of acls.all()) {
    const isAbout = acl.resourceType === resourceType && concerns(acl, who) && denies(acl, operation);
    if (isAbout) (acl.permission === AclPermission.deny ? deny : allow).add(acl);
  }
  if (deny.literal.has(WILDCARD)) return false;
  if (allow.literal.has(WILDCARD)) return true;
  for (const name of allow.literal) if (!deny.literal.has(name) && !deny.hasPrefixOf(name)) return true;
  for (const prefix of allow.prefixed) if (!deny.hasPrefixOf(prefix)) return true;
  return false;
}

class PatternNames {
  readonly literal = new Set<string>();
  readonly prefixed = new Set<string>();

  add(acl: AclBinding): void {
    (acl.patternType === PatternType.prefixed ? this.prefixed : this.literal).add(acl.resourceName);
  }

  hasPrefixOf(name: string): boolean {
    if (this.prefixed.size === 0) return false;
    for (let length = 1; length <= name.length; length++) if (this.prefixed.has(name.slice(0, length))) return true;
    return false;
  }
}
