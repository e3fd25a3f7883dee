/** AlterConfigs (33), versions 0 to 2: replaces all settings of a resource. */
import type { ChangeOutcome, ConfigResourceType } from '../../metadata/types.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readAlterConfigsRequest, writeAlterConfigsResponse } from '../../protocol/generated/alterConfigs.ts';
import type { AlterConfigsRequest, AlterConfigsResource, AlterConfigsResponse } from '../../protocol/generated/alterConfigs.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';
import { alterEach, alterationProblem, altered } from './configResults.ts';

export const alterConfigsHandler: ApiHandler<BrokerServices, AlterConfigsRequest, AlterConfigsResponse> = {
  ...spanOf(ApiKey.AlterConfigs),
  read: readAlterConfigsRequest,
  write: writeAlterConfigsResponse,
  async handle(request, context, services) {
    const responses = await alterEach(request.resources, (resource) => alter(resource, request.validateOnly, services));
    context.reply({ throttleTimeMs: 0, responses });
  },
  errorResponse: (request, code, message) => ({ throttleTimeMs: 0, responses: request.resources.map((resource) => altered(resource, { code, message })) }),
};

async function alter(resource: AlterConfigsResource, validateOnly: boolean, services: BrokerServices): Promise<ChangeOutcome> {
  const keys = resource.configs.map(({ name }) => name);
  const nullKeys = resource.configs.filter(({ value }) => value === null).map(({ name }) => name);
  const problem = alterationProblem(resource, keys, nullKeys, services.nodeId);
  if (problem !== null) return problem;
  const configs = new Map(resource.configs.map(({ name, value }) => [name, value]));
  return services.metadata.controller.alterConfigs(resource.resourceType as ConfigResourceType, resource.resourceName, configs, validateOnly);
}
