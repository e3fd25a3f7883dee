/** What the tools share that administer a cluster. */
import type { Cluster } from '../client/core/cluster.ts';
import { adminOptions } from '../client/settings/adminOptions.ts';
import { bootstrapOf, connect } from './connect.ts';
import type { Options, OptionSpec } from './options.ts';
import { readSettings } from './settings.ts';
import type { ToolEnvironment } from './tool.ts';

export const bootstrapOption: OptionSpec = { name: 'bootstrap-server', argument: 'host:port', description: 'REQUIRED: The broker(s) to connect to, as HOST1:PORT1,HOST2:PORT2.' };
export const brokerListOption: OptionSpec = { name: 'broker-list', argument: 'host:port', description: 'Another name of --bootstrap-server.' };
export const commandConfigOption: OptionSpec = { name: 'command-config', argument: 'file', description: 'A properties file with settings of the client.' };
export const jsonOption: OptionSpec = { name: 'json', description: 'Print JSON instead of text.' };

export const zookeeperHint = 'the cluster is asked, not ZooKeeper: type --bootstrap-server HOST:PORT (as localhost:9092) instead of --zookeeper';

export interface Connecting {
  /** How long each call may take; absent: default.api.timeout.ms. */
  readonly timeoutMs?: number | undefined;
}

/** Connects with the settings of --command-config, does the work, and disconnects; an interruption ends what waits. */
export async function withCluster<T>(options: Options, environment: ToolEnvironment, work: (cluster: Cluster) => Promise<T>, { timeoutMs }: Connecting = {}): Promise<T> {
  const settings = readSettings(options.value('command-config') ?? options.value('config') ?? options.value('admin.config') ?? options.value('c'));
  const { cluster: clusterSettings, warnings } = adminOptions(settings.set('bootstrap.servers', bootstrapOf(options)));
  for (const warning of warnings) environment.terminal.complain(warning, 'warning');
  const cluster = connect(timeoutMs === undefined ? clusterSettings : { ...clusterSettings, apiTimeoutMs: timeoutMs }, environment);
  const close = () => cluster.close();
  environment.interrupted.addEventListener('abort', close);
  try {
    return await work(cluster);
  } finally {
    environment.interrupted.removeEventListener('abort', close);
    cluster.close();
  }
}

/** One line of JSON for people's scripts: field names in camel case, numbers as numbers, null for what is not known. */
export function printJson({ terminal }: ToolEnvironment, value: unknown): Promise<void> {
  return terminal.print(`${JSON.stringify(value)}\n`);
}
