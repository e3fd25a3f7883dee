import type { Cluster } from '../../client/core/cluster.ts';
import { ClientError } from '../../client/core/clientError.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { withCluster, zookeeperHint } from '../adminTool.ts';
import { javaException } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { namesToDelete, settingsToAdd } from './changes.ts';
import { parseEntities, singular, type Entity } from './entities.ts';
import { configOptions } from './options.ts';
import { resourceTypeOf } from './resources.ts';

export const configsTool: Tool = {
  name: 'kafka-configs',
  purpose: 'This tool helps to manipulate and describe entity config for a topic, client, user, broker, ip, client-metrics or group.',
  options: configOptions,
  replacements: { zookeeper: zookeeperHint, 'zk-tls-config-file': zookeeperHint },
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const entities = check(options);
  try {
    await withCluster(options, environment, (cluster) => (options.has('alter') ? alter(cluster, entities, options, environment) : describe(cluster, entities, options, environment)));
    return 0;
  } catch (error) {
    if (!(error instanceof KafkaError) && !(error instanceof ClientError)) throw error;
    const args = options.order.map((name) => `--${name}`).join(' ');
    environment.terminal.complain(`Error while executing config command with args '${args}'`);
    environment.terminal.complain(`java.util.concurrent.ExecutionException: ${javaException(error)}`);
    return 1;
  }
}

/** Throws UsageError or ToolError for options that do not go together. */
function check(options: Options): Entity[] {
  if (options.has('alter') === options.has('describe')) throw new UsageError('Command must include exactly one action: --describe, --alter');
  if (options.has('describe')) for (const name of ['add-config', 'delete-config']) if (options.has(name)) throw new UsageError(`Option "[${name}]" can't be used with option "[describe]"`);
  if (!options.has('bootstrap-server')) throw new ToolError('Either --bootstrap-server or --bootstrap-controller must be specified.');
  const entities = parseEntities(options);
  if (options.has('describe')) {
    if (entities.some(({ type, name }) => type === 'broker-loggers' && name === null)) throw new ToolError('An entity name must be specified with --describe of broker-loggers');
    return entities;
  }
  if (entities.some(({ name }) => name === null)) throw new ToolError(`An entity name must be specified with --alter of ${entities.map(({ type }) => type).join(',')}`);
  if (!['add-config', 'add-config-file', 'delete-config'].some((name) => options.has(name))) throw new ToolError('At least one of --add-config, --add-config-file, or --delete-config must be specified with --alter');
  if (options.has('add-config') && options.has('add-config-file')) throw new ToolError('Only one of --add-config or --add-config-file must be specified');
  return entities;
}

async function describe(cluster: Cluster, entities: readonly Entity[], options: Options, environment: ToolEnvironment): Promise<void> {
  const [first] = entities;
  if (first === undefined) return;
  if (resourceTypeOf(first.type) === null) return (await import('./users.ts')).describeUsers(cluster, entities, options, environment);
  return (await import('./resources.ts')).describeResources(cluster, first, options, environment);
}

async function alter(cluster: Cluster, entities: readonly Entity[], options: Options, environment: ToolEnvironment): Promise<void> {
  const [first] = entities;
  if (first === undefined) return;
  const added = settingsToAdd(options);
  const deleted = namesToDelete(options);
  if (resourceTypeOf(first.type) === null) await (await import('./users.ts')).alterUsers(cluster, entities, added, deleted);
  else await (await import('./resources.ts')).alterResource(cluster, first, added, deleted);
  await environment.terminal.print(first.name === '' ? `Completed updating default config for ${first.type} in the cluster.\n` : `Completed updating config for ${singular(first.type)} ${first.name}.\n`);
}
