/** ListConfigResources (74), versions 0 and 1 (KIP-1142; version 0 is ListClientMetricsResources of KIP-1000). */
import { ConfigResourceType } from '../../metadata/types.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeListConfigResourcesResponse, readListConfigResourcesRequest, writeListConfigResourcesResponse } from '../../protocol/generated/listConfigResources.ts';
import type { ConfigResource, ListConfigResourcesRequest, ListConfigResourcesResponse } from '../../protocol/generated/listConfigResources.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const { brokerLogger, broker, topic, group, clientMetrics } = ConfigResourceType;
const SUPPORTED: readonly number[] = [brokerLogger, broker, topic, group, clientMetrics];

export const listConfigResourcesHandler: ApiHandler<BrokerServices, ListConfigResourcesRequest, ListConfigResourcesResponse> = {
  ...spanOf(ApiKey.ListClientMetricsResources),
  read: readListConfigResourcesRequest,
  write: writeListConfigResourcesResponse,
  handle(request, context, services) {
    const types = typesAsked(request, context.apiVersion);
    if (types.some((type) => !SUPPORTED.includes(type))) return context.reply(makeListConfigResourcesResponse({ errorCode: ErrorCode.UNSUPPORTED_VERSION }));
    const configResources = types.flatMap((resourceType) => [...namesOf(resourceType, services)].map((resourceName) => resource(resourceName, resourceType, context.apiVersion)));
    context.reply(makeListConfigResourcesResponse({ configResources }));
  },
  errorResponse: (_request, errorCode) => makeListConfigResourcesResponse({ errorCode }),
};

function typesAsked(request: ListConfigResourcesRequest, version: number): readonly number[] {
  if (version === 0) return [clientMetrics];
  return request.resourceTypes.length === 0 ? SUPPORTED : [...new Set(request.resourceTypes)];
}

/** Version 0 has no place for the type. */
const resource = (resourceName: string, resourceType: number, version: number): ConfigResource =>
  ({ resourceName, resourceType: version === 0 ? clientMetrics : resourceType });

/** Brokers and topics are listed whether something is set for them or not, groups and client metrics once something is. */
function namesOf(type: number, { metadata: { image } }: BrokerServices): Iterable<string> {
  if (type === broker || type === brokerLogger) return [...image.brokers.keys()].map(String);
  if (type === topic) return image.topicsByName.keys();
  return image.configResources(type as ConfigResourceType);
}
