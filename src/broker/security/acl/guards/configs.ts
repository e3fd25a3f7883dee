/** Settings: of topics and groups by the resource, of everything else by the cluster. */
import { AclOperation } from '../../../../metadata/acls.ts';
import { ConfigResourceType } from '../../../../metadata/types.ts';
import { ErrorCode } from '../../../../protocol/errors.ts';
import type { AlterConfigsRequest, AlterConfigsResponse } from '../../../../protocol/generated/alterConfigs.ts';
import { ApiKey } from '../../../../protocol/generated/apis.ts';
import type { DescribeConfigsRequest, DescribeConfigsResponse } from '../../../../protocol/generated/describeConfigs.ts';
import type { IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse } from '../../../../protocol/generated/incrementalAlterConfigs.ts';
import { repeated } from '../../../handlers/configResults.ts';
import type { ConfigResource } from '../../../handlers/configResults.ts';
import type { Caller } from '../access.ts';
import { guardOf, split } from '../guard.ts';
import type { GuardCall, GuardOfApi, Verdict } from '../guard.ts';

/** NONE where `operation` is allowed, or the type is the handler's to refuse. */
function accessError(caller: Caller, operation: number, { resourceType, resourceName }: ConfigResource): number {
  switch (resourceType) {
    case ConfigResourceType.topic:
      return caller.mayTopic(operation, resourceName) ? ErrorCode.NONE : ErrorCode.TOPIC_AUTHORIZATION_FAILED;
    case ConfigResourceType.group:
      return caller.mayGroup(operation, resourceName) ? ErrorCode.NONE : ErrorCode.GROUP_AUTHORIZATION_FAILED;
    case ConfigResourceType.broker:
    case ConfigResourceType.brokerLogger:
    case ConfigResourceType.clientMetrics:
      return caller.mayCluster(operation) ? ErrorCode.NONE : ErrorCode.CLUSTER_AUTHORIZATION_FAILED;
    default:
      return ErrorCode.NONE;
  }
}

const MESSAGES: Readonly<Record<number, string>> = {
  [ErrorCode.TOPIC_AUTHORIZATION_FAILED]: 'Topic authorization failed.',
  [ErrorCode.GROUP_AUTHORIZATION_FAILED]: 'Group authorization failed.',
  [ErrorCode.CLUSTER_AUTHORIZATION_FAILED]: 'Cluster authorization failed.',
};

function refusal(caller: Caller, operation: number, resource: ConfigResource): { errorCode: number; errorMessage: string | null; resourceType: number; resourceName: string } {
  const errorCode = accessError(caller, operation, resource);
  return { errorCode, errorMessage: MESSAGES[errorCode] ?? null, resourceType: resource.resourceType, resourceName: resource.resourceName };
}

function describeConfigs(request: DescribeConfigsRequest, { caller }: GuardCall): Verdict<DescribeConfigsRequest, DescribeConfigsResponse> | null {
  const parts = split(request.resources, (resource) => accessError(caller, AclOperation.describeConfigs, resource) === ErrorCode.NONE);
  if (parts === null) return null;
  const denied = parts.denied.map((resource) => ({ ...refusal(caller, AclOperation.describeConfigs, resource), configs: [] }));
  return { request: { ...request, resources: parts.allowed }, finish: (response) => void (response.results = [...response.results, ...denied]) };
}

interface Altering<Resource> {
  resources: Resource[];
}

function alter<Request extends Altering<ConfigResource>>(request: Request, { caller }: GuardCall): Verdict<Request, AlterConfigsResponse> | null {
  // Kafka refuses what stands twice before it asks who may.
  const twice = repeated(request.resources);
  const parts = split(request.resources, (resource) => twice.has(resource) || accessError(caller, AclOperation.alterConfigs, resource) === ErrorCode.NONE);
  if (parts === null) return null;
  const denied = parts.denied.map((resource) => refusal(caller, AclOperation.alterConfigs, resource));
  return { request: { ...request, resources: parts.allowed }, finish: (response) => void (response.responses = [...response.responses, ...denied]) };
}

export const configGuards: readonly GuardOfApi[] = [
  guardOf(ApiKey.DescribeConfigs, describeConfigs),
  guardOf<AlterConfigsRequest, AlterConfigsResponse>(ApiKey.AlterConfigs, alter),
  guardOf<IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse>(ApiKey.IncrementalAlterConfigs, alter),
];
