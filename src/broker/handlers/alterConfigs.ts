/** AlterConfigs (33), versions 0 to 2: replaces all settings of a resource. */
import type { ChangeOutcome, ConfigResourceType } from '../../metadata/types.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readAlterConfigsRequest, writeAlterConfigsResponse } from '../../protocol/generated/alterConfigs.ts';
import type { AlterConfigsRequest, AlterConfigsResource, AlterConfigsResourceResponse, AlterConfigsResponse } from '../../protocol/generated/alterConfigs.ts';
import { mapBounded } from '../bounded.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';
import { alterationProblem, repeated, repeatedRefusal } from './configResults.ts';

export const alterConfigsHandler: ApiHandler<BrokerServices, AlterConfigsRequest, AlterConfigsResponse> = {
  ...spanOf(ApiKey.AlterConfigs),
  read: readAlterConfigsRequest,
  write: writeAlterConfigsResponse,
  async handle(request, context, services) {
    const twice = repeated(request.resources);
    const responses = await mapBounded(request.resources, async (resource) => {
      const outcome = twice.has(resource) ? repeatedRefusal : await alter(resource, request.validateOnly, services);
      return result(resource, outcome);
    });
    context.reply({ throttleTimeMs: 0, responses });
  },
  errorResponse: (request, code, message) => ({ throttleTimeMs: 0, responses: request.resources.map((resource) => result(resource, { code, message })) }),
};

function result({ resourceType, resourceName }: AlterConfigsResource, { code, message }: ChangeOutcome): AlterConfigsResourceResponse {
  return { errorCode: code, errorMessage: message, resourceType, resourceName };
}

async function alter(resource: AlterConfigsResource, validateOnly: boolean, services: BrokerServices): Promise<ChangeOutcome> {
  const keys = resource.configs.map(({ name }) => name);
  const nullKeys = resource.configs.filter(({ value }) => value === null).map(({ name }) => name);
  const problem = alterationProblem(resource, keys, nullKeys, services.nodeId);
  if (problem !== null) return problem;
  const configs = new Map(resource.configs.map(({ name, value }) => [name, value]));
  return services.metadata.controller.alterConfigs(resource.resourceType as ConfigResourceType, resource.resourceName, configs, validateOnly);
}
