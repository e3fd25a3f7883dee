import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDescribeConfigsRequest, makeDescribeConfigsResource, readDescribeConfigsResponse, writeDescribeConfigsRequest, type DescribeConfigsResourceResult, type DescribeConfigsResult } from '../../protocol/generated/describeConfigs.ts';
import { makeAlterableConfig, makeAlterConfigsResource, makeIncrementalAlterConfigsRequest, readIncrementalAlterConfigsResponse, writeIncrementalAlterConfigsRequest } from '../../protocol/generated/incrementalAlterConfigs.ts';
import { makeListConfigResourcesRequest, readListConfigResourcesResponse, writeListConfigResourcesRequest } from '../../protocol/generated/listConfigResources.ts';
import { throwOnError } from '../../protocol/errors.ts';
import type { Cluster } from '../core/cluster.ts';
import { askForEach, outcomeOf } from './driver.ts';
import type { Outcome } from './outcome.ts';
import { brokers } from './routes.ts';

const describeConfigsApi = { apiKey: ApiKey.DescribeConfigs, versionMax: 4, write: writeDescribeConfigsRequest, read: readDescribeConfigsResponse } as const;
const incrementalAlterConfigsApi = { apiKey: ApiKey.IncrementalAlterConfigs, versionMax: 1, write: writeIncrementalAlterConfigsRequest, read: readIncrementalAlterConfigsResponse } as const;
const listConfigResourcesApi = { apiKey: ApiKey.ListClientMetricsResources, versionMax: 1, write: writeListConfigResourcesRequest, read: readListConfigResourcesResponse } as const;

export const ConfigResourceType = { topic: 2, broker: 4, brokerLogger: 8, clientMetrics: 16, group: 32 } as const;
export type ConfigResourceType = (typeof ConfigResourceType)[keyof typeof ConfigResourceType];

/** Where a value comes from, by DescribeConfigs' numbers. */
export const ConfigSource = { unknown: 0, topic: 1, broker: 2, brokerDefault: 3, staticBroker: 4, builtIn: 5, brokerLogger: 6, clientMetrics: 7, group: 8 } as const;
/** Kafka's names of the sources, by number. */
export const configSourceNames: readonly string[] = [
  'UNKNOWN', 'DYNAMIC_TOPIC_CONFIG', 'DYNAMIC_BROKER_CONFIG', 'DYNAMIC_DEFAULT_BROKER_CONFIG', 'STATIC_BROKER_CONFIG', 'DEFAULT_CONFIG', 'DYNAMIC_BROKER_LOGGER_CONFIG',
  'DYNAMIC_CLIENT_METRICS_CONFIG', 'DYNAMIC_GROUP_CONFIG',
];

export interface ConfigResource {
  readonly type: ConfigResourceType;
  /** '' for the default of all brokers. */
  readonly name: string;
}

export const ConfigOperation = { set: 0, delete: 1, append: 2, subtract: 3 } as const;

export interface ConfigChange {
  readonly name: string;
  readonly operation: (typeof ConfigOperation)[keyof typeof ConfigOperation];
  readonly value: string | null;
}

export interface DescribeConfigsOptions {
  /** Where the value would come from if it were not set here. */
  readonly includeSynonyms?: boolean;
  readonly includeDocumentation?: boolean;
}

/** Settings of a broker itself are that broker's to tell and to change. */
function brokerOf({ type, name }: ConfigResource): number | null {
  const isOfBroker = (type === ConfigResourceType.broker && name !== '') || type === ConfigResourceType.brokerLogger;
  return isOfBroker && /^\d{1,10}$/.test(name) ? Number(name) : null;
}

const keyOf = (type: number, name: string): string => `${type}/${name}`;

/** All settings of each resource. */
export function describeConfigs(cluster: Cluster, resources: readonly ConfigResource[], options: DescribeConfigsOptions = {}): Promise<Map<ConfigResource, Outcome<readonly DescribeConfigsResourceResult[]>>> {
  return askForEach(cluster, resources, brokers(cluster, brokerOf), async (connection, keys) => {
    const body = makeDescribeConfigsRequest({
      resources: keys.map(({ type, name }) => makeDescribeConfigsResource({ resourceType: type, resourceName: name, configurationKeys: null })),
      includeSynonyms: options.includeSynonyms ?? false, includeDocumentation: options.includeDocumentation ?? false,
    });
    const versionMin = options.includeDocumentation === true ? 3 : options.includeSynonyms === true ? 1 : 0;
    const answer = await connection.request(describeConfigsApi, body, { version: connection.versionOf(describeConfigsApi, versionMin) });
    const results = new Map(answer.results.map((result) => [keyOf(result.resourceType, result.resourceName), result]));
    return answersFor(keys, results, (result: DescribeConfigsResult) => result.configs);
  });
}

/** Applies the changes of each resource; what they do not name stays as it is. */
export function incrementalAlterConfigs(cluster: Cluster, changes: ReadonlyMap<ConfigResource, readonly ConfigChange[]>, validateOnly = false): Promise<Map<ConfigResource, Outcome<null>>> {
  return askForEach(cluster, [...changes.keys()], brokers(cluster, brokerOf), async (connection, keys) => {
    const resources = keys.map((resource) => makeAlterConfigsResource({
      resourceType: resource.type, resourceName: resource.name,
      configs: (changes.get(resource) ?? []).map(({ name, operation, value }) => makeAlterableConfig({ name, configOperation: operation, value })),
    }));
    const answer = await connection.request(incrementalAlterConfigsApi, makeIncrementalAlterConfigsRequest({ resources, validateOnly }));
    return answersFor(keys, new Map(answer.responses.map((result) => [keyOf(result.resourceType, result.resourceName), result])), () => null);
  });
}

function answersFor<R extends { readonly errorCode: number; readonly errorMessage: string | null }, V>(keys: readonly ConfigResource[], results: ReadonlyMap<string, R>, valueOf: (result: R) => V): Map<ConfigResource, Outcome<V>> {
  return new Map(keys.flatMap((key) => {
    const result = results.get(keyOf(key.type, key.name));
    return result === undefined ? [] : [[key, outcomeOf(result.errorCode, result.errorMessage, valueOf(result))] as const];
  }));
}

/** Resources of these types that have settings of their own; none named: all types that the broker knows. (KIP-1142; older brokers know client metrics only.) */
export async function listConfigResources(cluster: Cluster, types: readonly ConfigResourceType[] = []): Promise<ConfigResource[]> {
  const answer = await cluster.retrying(async () => {
    const connection = await cluster.anyConnection();
    const isOldKind = types.length === 1 && types[0] === ConfigResourceType.clientMetrics;
    const version = connection.versionOf(listConfigResourcesApi, isOldKind || types.length === 0 ? 0 : 1);
    return connection.request(listConfigResourcesApi, makeListConfigResourcesRequest({ resourceTypes: version === 0 ? [] : [...types] }), { version });
  });
  throwOnError(answer.errorCode);
  return answer.configResources.map(({ resourceName, resourceType }) => ({ type: (resourceType === 0 ? ConfigResourceType.clientMetrics : resourceType) as ConfigResourceType, name: resourceName }));
}
