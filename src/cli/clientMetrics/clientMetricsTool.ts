import { randomUUID } from 'node:crypto';
import { ConfigOperation, ConfigResourceType, ConfigSource, describeConfigs, incrementalAlterConfigs, listConfigResources, type ConfigChange, type ConfigResource } from '../../client/admin/configs.ts';
import { throwFirst, valueOf } from '../../client/admin/outcome.ts';
import { ClientError } from '../../client/core/clientError.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster } from '../adminTool.ts';
import { javaMessage } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';

const ACTIONS = ['alter', 'delete', 'describe', 'list'] as const;
/** Settings by the options that set them. */
const SETTINGS = [['interval', 'interval.ms'], ['match', 'match'], ['metrics', 'metrics']] as const;

export const clientMetricsTool: Tool = {
  name: 'kafka-client-metrics',
  purpose: 'This tool helps to manipulate and describe client metrics configurations for clients where metrics push is enabled.',
  options: [
    bootstrapOption, commandConfigOption,
    { name: 'alter', description: 'Change a client metrics resource.' },
    { name: 'delete', description: 'Delete a client metrics resource.' },
    { name: 'describe', description: 'Show one client metrics resource, or all.' },
    { name: 'list', description: 'List the client metrics resources.' },
    { name: 'name', argument: 'name', description: 'The resource.' },
    { name: 'generate-name', description: 'With --alter, make a name.' },
    { name: 'metrics', argument: 'm1,m2', description: 'With --alter, prefixes of the metrics that are wanted.' },
    { name: 'match', argument: 'k1=v1,k2=v2', description: 'With --alter, which clients: client_instance_id, client_id, client_software_name, client_software_version, client_source_address, client_source_port.' },
    { name: 'interval', argument: 'ms', description: 'With --alter, how often clients push.' },
    jsonOption,
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const actions = ACTIONS.filter((action) => options.has(action));
  const [action] = actions;
  if (action === undefined || actions.length > 1) throw new UsageError('Command must include exactly one action: --alter, --delete, --describe, --list.');
  check(action, options);
  try {
    await withCluster(options, environment, (cluster) => act(cluster, action, options, environment));
    return 0;
  } catch (error) {
    if (!(error instanceof KafkaError) && !(error instanceof ClientError)) throw error;
    await environment.terminal.print(`Error while executing client metrics command : ${javaMessage(error)}\n`);
    return 1;
  }
}

function check(action: string, options: Options): void {
  const hasName = options.has('name');
  if (action === 'alter' && hasName === options.has('generate-name')) throw new ToolError(hasName ? 'One of --name or --generate-name must be specified with --alter, not both.' : 'One of --name or --generate-name must be specified with --alter.');
  const interval = options.value('interval') ?? '';
  if (interval !== '' && !/^-?\d{1,10}$/.test(interval)) throw new ToolError('Invalid interval value. Enter an integer, or leave empty to reset.');
  if (action === 'delete' && !hasName) throw new ToolError('A client metrics resource name must be specified with --delete.');
  if (action === 'list' && hasName) throw new ToolError('A client metrics resource name must not be specified with --list.');
  if (action !== 'alter') for (const [option] of SETTINGS) if (options.has(option)) throw new UsageError(`Option "[${option}]" can't be used with option "[${action}]"`);
}

const resourceOf = (name: string): ConfigResource => ({ type: ConfigResourceType.clientMetrics, name });

async function act(cluster: Cluster, action: (typeof ACTIONS)[number], options: Options, environment: ToolEnvironment): Promise<void> {
  const { terminal } = environment;
  if (action === 'list') {
    const names = (await listNames(cluster)).sort();
    return options.has('json') ? printJson(environment, names) : terminal.print(`${names.join('\n')}\n`);
  }
  if (action === 'describe') return describe(cluster, options, environment);
  const name = options.value('name') ?? newName();
  if (action === 'alter') {
    const changes = SETTINGS.flatMap(([option, setting]): ConfigChange[] => (options.has(option) ? [{ name: setting, operation: ConfigOperation.set, value: options.value(option) as string }] : []));
    await alter(cluster, name, changes);
    return terminal.print(`Altered client metrics config for ${name}.\n`);
  }
  await alter(cluster, name, (await settingsOf(cluster, name)).map(([setting]) => ({ name: setting, operation: ConfigOperation.delete, value: '' })));
  await terminal.print(`Deleted client metrics config for ${name}.\n`);
}

/** As Kafka's own: 16 random bytes in base64url. */
const newName = (): string => Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url');

const listNames = async (cluster: Cluster): Promise<string[]> => (await listConfigResources(cluster, [ConfigResourceType.clientMetrics])).map(({ name }) => name);

async function alter(cluster: Cluster, name: string, changes: readonly ConfigChange[]): Promise<void> {
  throwFirst(await incrementalAlterConfigs(cluster, new Map([[resourceOf(name), changes]])));
}

async function settingsOf(cluster: Cluster, name: string): Promise<(readonly [string, string])[]> {
  const resource = resourceOf(name);
  const settings = valueOf((await describeConfigs(cluster, [resource])).get(resource));
  return settings.filter(({ configSource }) => configSource === ConfigSource.clientMetrics).map((setting) => [setting.name, setting.value ?? ''] as const).sort();
}

async function describe(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const known = (await listNames(cluster)).sort();
  const name = options.value('name');
  if (name !== undefined && !known.includes(name)) return environment.terminal.print(`The client metric resource ${name} doesn't exist and doesn't have dynamic config.\n`);
  const described = await Promise.all((name === undefined ? known : [name]).map(async (each) => [each, await settingsOf(cluster, each)] as const));
  if (options.has('json')) return printJson(environment, described.map(([each, settings]) => ({ name: each, configs: Object.fromEntries(settings) })));
  for (const [each, settings] of described) await environment.terminal.print(`Client metrics configs for ${each} are:\n${settings.map(([setting, value]) => `  ${setting}=${value}\n`).join('')}`);
}
