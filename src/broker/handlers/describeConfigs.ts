/** DescribeConfigs (32), versions 1 to 4. */
import { describeBrokerConfigs, describeDynamicDefaults, describeTopicConfigs } from '../../config/describe.ts';
import type { DescribedConfig } from '../../config/describe.ts';
import { describeClientMetricsConfigs } from '../../config/clientMetricsConfig.ts';
import { describeGroupConfigs } from '../../config/groupConfig.ts';
import { topicNameProblem } from '../../metadata/topicNames.ts';
import { ConfigResourceType } from '../../metadata/types.ts';
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readDescribeConfigsRequest, writeDescribeConfigsResponse } from '../../protocol/generated/describeConfigs.ts';
import type { DescribeConfigsRequest, DescribeConfigsResource, DescribeConfigsResourceResult, DescribeConfigsResponse, DescribeConfigsResult } from '../../protocol/generated/describeConfigs.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';
import { describeLoggers } from './brokerLoggers.ts';
import { brokerNameProblem, invalidRequest, typeProblem } from './configResults.ts';
import type { ResourceRefusal } from './configResults.ts';

export const describeConfigsHandler: ApiHandler<BrokerServices, DescribeConfigsRequest, DescribeConfigsResponse> = {
  ...spanOf(ApiKey.DescribeConfigs),
  read: readDescribeConfigsRequest,
  write: writeDescribeConfigsResponse,
  handle(request, context, services) {
    context.reply({ throttleTimeMs: 0, results: withoutRepeats(request.resources).map((resource) => describeResource(resource, request, services)) });
  },
  errorResponse: (request, code, message) => ({ throttleTimeMs: 0, results: request.resources.map((resource) => refused(resource, code, message)) }),
};

/** What is asked for twice is told once: an answer can be ten thousand times as long as its question. */
function withoutRepeats(resources: readonly DescribeConfigsResource[]): DescribeConfigsResource[] {
  const seen = new Set<string>();
  return resources.filter(({ resourceType, resourceName }) => {
    const key = `${resourceType}/${resourceName}`;
    return !seen.has(key) && seen.add(key);
  });
}

function refused({ resourceType, resourceName }: DescribeConfigsResource, errorCode: number, errorMessage: string | null): DescribeConfigsResult {
  return { errorCode, errorMessage, resourceType, resourceName, configs: [] };
}

function describeResource(resource: DescribeConfigsResource, request: DescribeConfigsRequest, services: BrokerServices): DescribeConfigsResult {
  const found = find(resource, services);
  if (!Array.isArray(found)) return refused(resource, found.code, found.message === '' ? null : found.message);
  const configs = found.map((config) => toResult(config, request));
  return { errorCode: ErrorCode.NONE, errorMessage: null, resourceType: resource.resourceType, resourceName: resource.resourceName, configs };
}

function find(resource: DescribeConfigsResource, services: BrokerServices): DescribedConfig[] | ResourceRefusal {
  // An empty list of keys means all of them, as Kafka has it.
  const keys = resource.configurationKeys === null || resource.configurationKeys.length === 0 ? null : resource.configurationKeys;
  const { resourceName: name } = resource;
  if (resource.resourceType === ConfigResourceType.topic) return findTopic(name, keys, services);
  if (resource.resourceType === ConfigResourceType.group) return findGroup(name, keys, services);
  if (resource.resourceType === ConfigResourceType.clientMetrics) return findClientMetrics(name, keys, services);
  if (resource.resourceType === ConfigResourceType.brokerLogger) return describeLoggers(name, keys, services);
  if (resource.resourceType !== ConfigResourceType.broker) return invalidRequest(typeProblem(resource.resourceType));
  if (name === '') return describeDynamicDefaults(services.config.layers.dynamicDefault, keys);
  return brokerNameProblem(name, services.nodeId) ?? describeBrokerConfigs(services.config.layers, keys);
}

function findTopic(name: string, keys: readonly string[] | null, services: BrokerServices): DescribedConfig[] | ResourceRefusal {
  const problem = topicNameProblem(name);
  if (problem !== null) return { code: ErrorCode.INVALID_TOPIC_EXCEPTION, message: problem };
  const { image } = services.metadata;
  if (!image.topicsByName.has(name)) return { code: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, message: '' };
  return describeTopicConfigs(image.configsOf(ConfigResourceType.topic, name), services.config.layers, keys);
}

function findGroup(name: string, keys: readonly string[] | null, services: BrokerServices): DescribedConfig[] | ResourceRefusal {
  if (name === '') return invalidRequest('Group name must not be empty');
  return describeGroupConfigs(services.metadata.image.configsOf(ConfigResourceType.group, name), services.config.layers, keys);
}

function findClientMetrics(name: string, keys: readonly string[] | null, services: BrokerServices): DescribedConfig[] | ResourceRefusal {
  if (name === '') return invalidRequest('Client metrics subscription name must not be empty');
  return describeClientMetricsConfigs(services.metadata.image.configsOf(ConfigResourceType.clientMetrics, name), keys);
}

function toResult(config: DescribedConfig, request: DescribeConfigsRequest): DescribeConfigsResourceResult {
  return {
    name: config.name,
    value: config.value,
    readOnly: config.readOnly,
    isDefault: false,
    configSource: config.source,
    isSensitive: config.isSensitive,
    synonyms: request.includeSynonyms ? config.synonyms.map(({ name, value, source }) => ({ name, value, source })) : [],
    configType: config.typeCode,
    documentation: request.includeDocumentation ? config.documentation : null,
  };
}
