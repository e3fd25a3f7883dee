/** IncrementalAlterConfigs (44), versions 0 and 1. */
import { ConfigOperation, ConfigResourceType } from '../../metadata/types.ts';
import type { ChangeOutcome } from '../../metadata/types.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readIncrementalAlterConfigsRequest, writeIncrementalAlterConfigsResponse } from '../../protocol/generated/incrementalAlterConfigs.ts';
import type { AlterConfigsResource, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse } from '../../protocol/generated/incrementalAlterConfigs.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';
import { alterLoggers } from './brokerLoggers.ts';
import { alterEach, alterationProblem, altered } from './configResults.ts';

export const incrementalAlterConfigsHandler: ApiHandler<BrokerServices, IncrementalAlterConfigsRequest, IncrementalAlterConfigsResponse> = {
  ...spanOf(ApiKey.IncrementalAlterConfigs),
  read: readIncrementalAlterConfigsRequest,
  write: writeIncrementalAlterConfigsResponse,
  async handle(request, context, services) {
    const responses = await alterEach(request.resources, (resource) => alter(resource, request.validateOnly, services));
    context.reply({ throttleTimeMs: 0, responses });
  },
  errorResponse: (request, code, message) => ({ throttleTimeMs: 0, responses: request.resources.map((resource) => altered(resource, { code, message })) }),
};

async function alter(resource: AlterConfigsResource, validateOnly: boolean, services: BrokerServices): Promise<ChangeOutcome> {
  if (resource.resourceType === ConfigResourceType.brokerLogger) return alterLoggers(resource, validateOnly, services);
  const nullKeys = resource.configs.filter(({ configOperation, value }) => value === null && configOperation !== ConfigOperation.delete);
  const problem = alterationProblem(resource, resource.configs.map(({ name }) => name), nullKeys.map(({ name }) => name), services.nodeId);
  if (problem !== null) return problem;
  const changes = resource.configs.map(({ name, configOperation, value }) => ({ key: name, operation: configOperation as ConfigOperation, value }));
  return services.metadata.controller.incrementalAlterConfigs(resource.resourceType as ConfigResourceType, resource.resourceName, changes, validateOnly);
}
