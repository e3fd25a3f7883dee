/** What a controller decides about access control lists. */
import { ErrorCode } from '../protocol/errors.ts';
import type { Random } from '../base/ports.ts';
import { AclOperation, AclPermission, PatternType, ResourceType } from './acls.ts';
import type { AclBinding, AclFilter, AclSet } from './acls.ts';
import { accepted, refused } from './decisions.ts';
import type { MetadataRecord } from './records.ts';
import type { AclDeletion, ChangeOutcome } from './types.ts';

/** As Kafka: lists that one request may make or remove. */
const ACLS_PER_CHANGE_MAX = 10_000;
const ID_BYTES = 16;

/** One outcome per binding; what is there already is accepted and changes nothing. */
export function decideNewAcls(acls: AclSet, random: Random, bindings: readonly AclBinding[], records: MetadataRecord[]): ChangeOutcome[] {
  const added = new Set<string>();
  const outcomes = bindings.map((binding) => {
    const problem = bindingProblem(binding);
    if (problem !== null) return refused(ErrorCode.INVALID_REQUEST, problem);
    const content = JSON.stringify(binding);
    if (acls.has(binding) || added.has(content)) return accepted;
    added.add(content);
    records.push({ kind: 'acl', id: newId(acls, random), acl: binding });
    return accepted;
  });
  if (records.length <= ACLS_PER_CHANGE_MAX) return outcomes;
  records.length = 0;
  return bindings.map(() => refused(ErrorCode.POLICY_VIOLATION, `Cannot add more than ${ACLS_PER_CHANGE_MAX} acls in a single operation.`));
}

function newId(acls: AclSet, random: Random): string {
  for (;;) {
    const id = Buffer.from(random.bytes(ID_BYTES)).toString('base64url');
    if (!id.startsWith('-') && !acls.hasId(id)) return id;
  }
}

const nameOf = (codes: Readonly<Record<string, number>>, code: number): string =>
  (Object.entries(codes).find(([, known]) => known === code)?.[0] ?? 'unknown').replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();

const isConcrete = (codes: Readonly<Record<string, number>>, code: number): boolean => code > 1 && Object.values(codes).includes(code);

function bindingProblem(binding: AclBinding): string | null {
  const { resourceType, patternType, operation, permission, resourceName, principal } = binding;
  if (!isConcrete(ResourceType, resourceType)) return `Invalid resourceType ${nameOf(ResourceType, resourceType)}`;
  if (patternType !== PatternType.literal && patternType !== PatternType.prefixed) return `Invalid patternType ${nameOf(PatternType, patternType)}`;
  if (!isConcrete(AclOperation, operation)) return `Invalid operation ${nameOf(AclOperation, operation)}`;
  if (permission !== AclPermission.deny && permission !== AclPermission.allow) return `Invalid permissionType ${nameOf(AclPermission, permission)}`;
  if (!/^[^:]+:./.test(principal)) return `expected a string in format principalType:principalName but got ${principal}`;
  return resourceName === '' ? 'Resource name should not be empty' : null;
}

/** One result per filter; a list that several filters mean is told by each and removed once. */
export function decideAclRemoval(acls: AclSet, filters: readonly AclFilter[], records: MetadataRecord[]): AclDeletion[] {
  const removed = new Set<string>();
  return filters.map((filter) => {
    const problem = filterProblem(filter);
    if (problem !== null) return { ...refused(ErrorCode.INVALID_REQUEST, problem), deleted: [] };
    const deleted: AclBinding[] = [];
    for (const [id, acl] of acls.matching(filter)) {
      if (!removed.has(id) && removed.size >= ACLS_PER_CHANGE_MAX) {
        return { ...refused(ErrorCode.POLICY_VIOLATION, `Cannot remove more than ${ACLS_PER_CHANGE_MAX} acls in a single delete operation.`), deleted: [] };
      }
      deleted.push(acl);
      if (!removed.has(id)) records.push({ kind: 'removeAcl', id });
      removed.add(id);
    }
    return { ...accepted, deleted };
  });
}

export function filterProblem(filter: AclFilter): string | null {
  const isKnown = (codes: Readonly<Record<string, number>>, code: number): boolean => code > 0 && Object.values(codes).includes(code);
  if (!isKnown(ResourceType, filter.resourceType) || !isKnown(PatternType, filter.patternType)) return 'Unknown patternFilter.';
  return isKnown(AclOperation, filter.operation) && isKnown(AclPermission, filter.permission) ? null : 'Unknown entryFilter.';
}
