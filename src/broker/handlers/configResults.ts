/** What the three APIs about settings share. */
import { ConfigResourceType } from '../../metadata/types.ts';
import type { ChangeOutcome } from '../../metadata/types.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { mapBounded } from '../bounded.ts';

export interface ConfigResource {
  readonly resourceType: number;
  readonly resourceName: string;
}

export interface ResourceRefusal {
  readonly code: number;
  readonly message: string;
}

export const invalidRequest = (message: string): ResourceRefusal => ({ code: ErrorCode.INVALID_REQUEST, message });

/** Names settings of a broker as this one or, with an empty name, as the default of all. */
export function brokerNameProblem(name: string, nodeId: number): ResourceRefusal | null {
  if (name === '') return null;
  if (!/^[+-]?\d{1,10}$/.test(name)) return invalidRequest(`Node id must be an integer, but it is: ${name}`);
  return Number(name) === nodeId ? null : invalidRequest(`Unexpected broker id, expected ${nodeId}, but received ${name}`);
}

/** Whatever is wrong with their settings, the controller says it. */
const DECIDED_BY_CONTROLLER: ReadonlySet<number> = new Set([ConfigResourceType.topic, ConfigResourceType.group, ConfigResourceType.clientMetrics]);

export const duplicateProblem = (keys: readonly string[]): ResourceRefusal | null => (new Set(keys).size < keys.length ? invalidRequest('Error due to duplicate config keys') : null);

/** What is wrong with an alteration before the controller sees it. */
export function alterationProblem(resource: ConfigResource, keys: readonly string[], nullKeys: readonly string[], nodeId: number): ResourceRefusal | null {
  const problem = duplicateProblem(keys);
  if (problem !== null) return problem;
  if (nullKeys.length > 0) return invalidRequest(`Null value not supported for : ${nullKeys.join(', ')}`);
  if (DECIDED_BY_CONTROLLER.has(resource.resourceType)) return null;
  if (resource.resourceType === ConfigResourceType.broker) return brokerNameProblem(resource.resourceName, nodeId);
  return invalidRequest(typeProblem(resource.resourceType));
}

export function typeProblem(resourceType: number): string {
  const known = Object.entries(ConfigResourceType).find(([, code]) => code === resourceType);
  return known === undefined ? `Unknown resource type ${resourceType}` : `Settings of resources of type ${known[0]} are not supported by this broker`;
}

/** Resources that stand more than once in a request. */
export function repeated(resources: readonly ConfigResource[]): Set<ConfigResource> {
  const first = new Map<string, ConfigResource>();
  const twice = new Set<ConfigResource>();
  for (const resource of resources) {
    const key = `${resource.resourceType}/${resource.resourceName}`;
    const other = first.get(key);
    if (other === undefined) first.set(key, resource);
    else twice.add(other).add(resource);
  }
  return twice;
}

const repeatedRefusal: ResourceRefusal = invalidRequest('Each resource must appear at most once.');

interface AlteredResource extends ConfigResource {
  readonly errorCode: number;
  readonly errorMessage: string | null;
}

/** What an answer says of one resource. */
export function altered({ resourceType, resourceName }: ConfigResource, { code, message }: ChangeOutcome): AlteredResource {
  return { errorCode: code, errorMessage: message, resourceType, resourceName };
}

/** Alters each resource that stands once in a request; some at a time. */
export function alterEach<Resource extends ConfigResource>(resources: readonly Resource[], alter: (resource: Resource) => Promise<ChangeOutcome>): Promise<AlteredResource[]> {
  const twice = repeated(resources);
  return mapBounded(resources, async (resource) => altered(resource, twice.has(resource) ? repeatedRefusal : await alter(resource)));
}
