/** What the options of kafka-acls mean: which resources, and which entries for each. */
import type { AclFilter, AclOperation, AclPatternType, AclPermission, AclResourceType } from '../../client/admin/aclTypes.ts';
import { aclOperations } from '../../client/admin/aclTypes.ts';
import { nearestName } from '../../base/nearest.ts';
import type { Options } from '../options.ts';
import { UsageError } from '../toolError.ts';

export interface ResourceFilter {
  readonly resourceType: AclResourceType;
  readonly name: string | null;
  readonly patternType: AclPatternType;
}

export interface Entry {
  readonly principal: string;
  readonly host: string;
  readonly operation: AclOperation;
  readonly permission: AclPermission;
}

export interface PlannedAcls {
  readonly resource: ResourceFilter;
  readonly entries: readonly Entry[];
}

const CLUSTER_NAME = 'kafka-cluster';
const cluster: ResourceFilter = { resourceType: 'CLUSTER', name: CLUSTER_NAME, patternType: 'LITERAL' };
const OF_OPTIONS: readonly (readonly [string, AclResourceType])[] = [['topic', 'TOPIC'], ['group', 'GROUP'], ['transactional-id', 'TRANSACTIONAL_ID'], ['delegation-token', 'DELEGATION_TOKEN'], ['user-principal', 'USER']];

/** Operations that make sense for a resource, beside ALL. */
const SUPPORTED: Readonly<Partial<Record<AclResourceType, readonly AclOperation[]>>> = {
  TOPIC: ['READ', 'WRITE', 'CREATE', 'DESCRIBE', 'DELETE', 'ALTER', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  GROUP: ['READ', 'DESCRIBE', 'DELETE', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS'],
  CLUSTER: ['CREATE', 'CLUSTER_ACTION', 'DESCRIBE_CONFIGS', 'ALTER_CONFIGS', 'IDEMPOTENT_WRITE', 'ALTER', 'DESCRIBE'],
  TRANSACTIONAL_ID: ['DESCRIBE', 'WRITE', 'TWO_PHASE_COMMIT'],
  DELEGATION_TOKEN: ['DESCRIBE'],
  USER: ['CREATE_TOKENS', 'DESCRIBE_TOKENS'],
};

export const resourceText = ({ resourceType, name, patternType }: ResourceFilter, isFilter = false): string => `ResourcePattern${isFilter ? 'Filter' : ''}(resourceType=${resourceType}, name=${name ?? '<any>'}, patternType=${patternType})`;

export const entryText = ({ principal, host, operation, permission }: Entry): string => `(principal=${principal}, host=${host}, operation=${operation}, permissionType=${permission})`;

/** `Read`, `describe-configs`, `DESCRIBE_CONFIGS`, `All`. */
export function parseOperation(text: string): AclOperation {
  const wanted = text.trim().replaceAll(/[-_]/g, '').toLowerCase();
  const found = aclOperations.find((operation) => operation.replaceAll('_', '').toLowerCase() === wanted);
  if (found !== undefined && found !== 'UNKNOWN') return found;
  const nearest = nearestName(text.trim().toUpperCase(), aclOperations);
  throw new UsageError(`No enum constant or unknown operation: ${text}${nearest === null ? '' : `. Did you mean ${nearest}?`}`);
}

export function patternTypeOf(options: Options): AclPatternType {
  const text = options.value('resource-pattern-type') ?? 'LITERAL';
  const found = (['ANY', 'MATCH', 'LITERAL', 'PREFIXED'] as const).find((type) => type.toLowerCase() === text.toLowerCase());
  if (found === undefined) throw new UsageError(`Unknown resource-pattern-type: ${text}`);
  return found;
}

/** Resources that the options name. */
export function resourcesOf(options: Options, isNeeded = true): ResourceFilter[] {
  const patternType = patternTypeOf(options);
  const named = OF_OPTIONS.flatMap(([option, resourceType]) => options.values(option).map((name): ResourceFilter => ({ resourceType, name: name.trim(), patternType })));
  const hasCluster = patternType === 'LITERAL' && (options.has('cluster') || options.has('idempotent'));
  const all = hasCluster ? [...named, cluster] : named;
  if (isNeeded && all.length === 0) throw new UsageError('You must provide at least one resource: --topic <topic> or --cluster or --group <group> or --delegation-token <Delegation Token ID>');
  return all;
}

/** By resource: what --add adds and --remove removes. */
export function planAcls(options: Options): PlannedAcls[] {
  const resources = resourcesOf(options);
  const ofType = (type: AclResourceType) => resources.filter(({ resourceType }) => resourceType === type);
  const planned: PlannedAcls[] = [];
  const plan = (list: readonly ResourceFilter[], operations: readonly AclOperation[]) => {
    for (const resource of list) {
      const at = planned.findIndex((each) => resourceText(each.resource) === resourceText(resource));
      const known = planned[at]?.entries ?? [];
      const entries = [...known, ...entriesOf(options, operations).filter((entry) => !known.some((other) => entryText(other) === entryText(entry)))];
      planned.splice(at < 0 ? planned.length : at, at < 0 ? 0 : 1, { resource, entries });
    }
  };
  const isRole = options.has('producer') || options.has('consumer');
  if (!isRole) plan(resources, (options.has('operation') ? options.values('operation') : ['All']).map(parseOperation));
  if (options.has('producer')) {
    plan(ofType('TOPIC'), ['WRITE', 'DESCRIBE', 'CREATE']);
    plan(ofType('TRANSACTIONAL_ID'), ['WRITE', 'DESCRIBE']);
    if (options.has('idempotent')) plan([cluster], ['IDEMPOTENT_WRITE']);
  }
  if (options.has('consumer')) {
    plan(ofType('TOPIC'), ['READ', 'DESCRIBE']);
    plan(ofType('GROUP'), ['READ']);
  }
  for (const each of planned) checkOperations(each);
  return planned;
}

function checkOperations({ resource, entries }: PlannedAcls): void {
  const supported = [...(SUPPORTED[resource.resourceType] ?? []), 'ALL'];
  if (entries.some(({ operation }) => !supported.includes(operation))) throw new UsageError(`ResourceType ${resource.resourceType} only supports operations ${supported.join(', ')}`);
}

function entriesOf(options: Options, operations: readonly AclOperation[]): Entry[] {
  return (['ALLOW', 'DENY'] as const).flatMap((permission) => {
    const kind = permission.toLowerCase();
    const principals = options.values(`${kind}-principal`).map(parsePrincipal);
    const hosts = options.has(`${kind}-host`) ? options.values(`${kind}-host`).map((host) => host.trim()) : ['*'];
    return [...new Set(principals)].flatMap((principal) => operations.flatMap((operation) => hosts.map((host): Entry => ({ principal, host, operation, permission }))));
  });
}

export function parsePrincipal(text: string): string {
  const trimmed = text.trim();
  if (!/^[^:]+:./.test(trimmed)) throw new UsageError(`expected a string in format principalType:principalName but got ${trimmed}`);
  return trimmed;
}

export const filterOf = ({ resourceType, name, patternType }: ResourceFilter, entry: Entry | null): AclFilter => ({
  resourceType, resourceName: name, patternType, principal: entry?.principal ?? null, host: entry?.host ?? null, operation: entry?.operation ?? 'ANY', permission: entry?.permission ?? 'ANY',
});
