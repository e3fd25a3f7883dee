/** Topics, brokers, broker loggers, client metrics and groups: settings by DescribeConfigs and IncrementalAlterConfigs. */
import { describeCluster } from '../../client/admin/clusterInfo.ts';
import { ConfigOperation, ConfigResourceType, ConfigSource, configSourceNames, describeConfigs, incrementalAlterConfigs, listConfigResources, type ConfigChange, type ConfigResource } from '../../client/admin/configs.ts';
import { listGroups } from '../../client/admin/groups.ts';
import { throwFirst, valueOf } from '../../client/admin/outcome.ts';
import { listTopics } from '../../client/admin/topics.ts';
import { isUnsupported } from '../../client/admin/listOffsets.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import type { DescribeConfigsResourceResult } from '../../protocol/generated/describeConfigs.ts';
import { printJson } from '../adminTool.ts';
import type { Options } from '../options.ts';
import type { ToolEnvironment } from '../tool.ts';
import { ToolError } from '../toolError.ts';
import { singular, type Entity, type EntityType } from './entities.ts';

const RESOURCE_TYPES: Readonly<Partial<Record<EntityType, ConfigResourceType>>> = {
  topics: ConfigResourceType.topic, brokers: ConfigResourceType.broker, 'broker-loggers': ConfigResourceType.brokerLogger, 'client-metrics': ConfigResourceType.clientMetrics, groups: ConfigResourceType.group,
};

export const resourceTypeOf = (type: EntityType): ConfigResourceType | null => RESOURCE_TYPES[type] ?? null;

/** Where settings come from that were set for the entity itself; null: all of them. */
function ownSource(type: EntityType, name: string): number | null {
  if (type === 'topics') return ConfigSource.topic;
  if (type === 'brokers') return name === '' ? ConfigSource.brokerDefault : ConfigSource.broker;
  if (type === 'client-metrics') return ConfigSource.clientMetrics;
  return type === 'groups' ? ConfigSource.group : null;
}

export async function describeResources(cluster: Cluster, { type, name }: Entity, options: Options, environment: ToolEnvironment): Promise<void> {
  const names = name === null ? await allNames(cluster, type) : [name];
  const isAll = options.has('all');
  const described = new Map<string, readonly DescribeConfigsResourceResult[]>();
  for (const each of names) {
    if (name !== null && !isAll && !(await doesExist(cluster, type, each))) {
      return environment.terminal.print(`The ${singular(type)} '${each}' doesn't exist and doesn't have dynamic config.\n`);
    }
    if (!options.has('json')) await environment.terminal.print(each === '' ? `Default configs for ${type} in the cluster are:\n` : `${isAll ? 'All' : 'Dynamic'} configs for ${singular(type)} ${each} are:\n`);
    const settings = await settingsOf(cluster, type, each, isAll);
    described.set(each, settings);
    if (!options.has('json')) await environment.terminal.print(settings.map((setting) => `${line(setting)}\n`).join(''));
  }
  if (options.has('json')) await printJson(environment, [...described].map(([each, settings]) => jsonOf(type, each, settings)));
}

async function allNames(cluster: Cluster, type: EntityType): Promise<string[]> {
  if (type === 'topics') return (await listTopics(cluster)).map(({ name }) => name);
  if (type === 'brokers' || type === 'broker-loggers') return [...(await describeCluster(cluster)).nodes.map(({ id }) => String(id)), ''];
  if (type === 'client-metrics') return (await listConfigResources(cluster, [ConfigResourceType.clientMetrics])).map(({ name }) => name);
  const groups = (await listGroups(cluster)).map(({ groupId }) => groupId);
  return [...new Set([...groups, ...await namesWithSettings(cluster, ConfigResourceType.group)])];
}

async function namesWithSettings(cluster: Cluster, type: ConfigResourceType): Promise<string[]> {
  try {
    return (await listConfigResources(cluster, [type])).map(({ name }) => name);
  } catch (error) {
    if (isUnsupported(error)) return [];
    throw error;
  }
}

async function doesExist(cluster: Cluster, type: EntityType, name: string): Promise<boolean> {
  if (type === 'topics') return (await listTopics(cluster)).some((topic) => topic.name === name);
  if (type === 'client-metrics') return (await namesWithSettings(cluster, ConfigResourceType.clientMetrics)).includes(name);
  if (type === 'groups') return (await allNames(cluster, type)).includes(name);
  return name === '' || (await describeCluster(cluster)).nodes.some(({ id }) => String(id) === name);
}

async function settingsOf(cluster: Cluster, type: EntityType, name: string, isAll: boolean): Promise<DescribeConfigsResourceResult[]> {
  const resource: ConfigResource = { type: resourceTypeOf(type) as ConfigResourceType, name };
  const settings = valueOf((await describeConfigs(cluster, [resource], { includeSynonyms: true })).get(resource));
  const source = isAll ? null : ownSource(type, name);
  return settings.filter((setting) => source === null || setting.configSource === source).sort((a, b) => (a.name < b.name ? -1 : 1));
}

const sourceName = (source: number): string => configSourceNames[source] ?? 'UNKNOWN';

function line({ name, value, isSensitive, synonyms }: DescribeConfigsResourceResult): string {
  const origins = synonyms.map((synonym) => `${sourceName(synonym.source)}:${synonym.name}=${synonym.value ?? 'null'}`);
  return `  ${name}=${value ?? 'null'} sensitive=${isSensitive} synonyms={${origins.join(', ')}}`;
}

const jsonOf = (type: EntityType, name: string, settings: readonly DescribeConfigsResourceResult[]): unknown => ({
  type, name: name === '' ? null : name,
  configs: settings.map((setting) => ({
    name: setting.name, value: setting.value, source: sourceName(setting.configSource), isReadOnly: setting.readOnly, isSensitive: setting.isSensitive,
    synonyms: setting.synonyms.map((synonym) => ({ name: synonym.name, value: synonym.value, source: sourceName(synonym.source) })),
  })),
});

export async function alterResource(cluster: Cluster, { type, name }: Entity, added: ReadonlyMap<string, string>, deleted: readonly string[]): Promise<void> {
  const resource: ConfigResource = { type: resourceTypeOf(type) as ConfigResourceType, name: name ?? '' };
  if (type === 'broker-loggers') await checkLoggers(cluster, resource, [...deleted, ...added.keys()]);
  const changes: ConfigChange[] = [
    ...[...added].map(([key, value]): ConfigChange => ({ name: key, operation: ConfigOperation.set, value })),
    ...deleted.map((key): ConfigChange => ({ name: key, operation: ConfigOperation.delete, value: '' })),
  ];
  throwFirst(await incrementalAlterConfigs(cluster, new Map([[resource, changes]])));
}

async function checkLoggers(cluster: Cluster, resource: ConfigResource, named: readonly string[]): Promise<void> {
  const known = new Set(valueOf((await describeConfigs(cluster, [resource])).get(resource)).map(({ name }) => name));
  const unknown = named.filter((each) => !known.has(each));
  if (unknown.length > 0) throw new ToolError(`Invalid broker logger(s): ${unknown.join(',')}`);
}
