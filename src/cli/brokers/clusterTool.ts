import { describeCluster, unregisterBroker } from '../../client/admin/clusterInfo.ts';
import { isUnsupported } from '../../client/admin/listOffsets.ts';
import { ClientError } from '../../client/core/clientError.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster } from '../adminTool.ts';
import { javaException } from '../javaErrors.ts';
import type { Options, OptionSpec } from '../options.ts';
import { row, widthOf } from '../table.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';

const COLUMN = 10;
const configOption: OptionSpec = { ...commandConfigOption, name: 'config', description: 'An older name of --command-config.' };

export const clusterTool: Tool = {
  name: 'kafka-cluster',
  purpose: 'The Kafka cluster tool.',
  options: [bootstrapOption, { ...bootstrapOption, name: 'b', description: 'Short for --bootstrap-server.' }, commandConfigOption, configOption, { ...commandConfigOption, name: 'c', description: 'Short for --command-config.' }, jsonOption],
  commands: {
    'cluster-id': { purpose: 'Get information about the ID of a cluster.', options: [] },
    unregister: {
      purpose: 'Unregister a broker that is gone for good.',
      options: [{ name: 'id', argument: 'id', type: 'integer', description: 'REQUIRED: The broker to unregister.' }, { name: 'i', argument: 'id', type: 'integer', description: 'Short for --id.' }],
    },
    'list-endpoints': { purpose: 'List the endpoints of the brokers.', options: [{ name: 'include-fenced-brokers', description: 'List fenced brokers, too.' }] },
  },
  run,
};

async function run(options: Options, environment: ToolEnvironment, command: string): Promise<number> {
  if (!options.has('bootstrap-server') && !options.has('b')) throw new UsageError('kafka-cluster: error: one of the arguments --bootstrap-server/-b --bootstrap-controller/-C is required');
  const id = options.number('id') ?? options.number('i');
  if (command === 'unregister' && id === undefined) throw new UsageError('kafka-cluster: error: argument --id/-i is required');
  try {
    await withCluster(options, environment, (cluster) => act(cluster, command, id ?? -1, options, environment));
  } catch (error) {
    if (error instanceof KafkaError || error instanceof ClientError) throw new ToolError(javaException(error));
    throw error;
  }
  return 0;
}

async function act(cluster: Cluster, command: string, id: number, options: Options, environment: ToolEnvironment): Promise<void> {
  if (command === 'unregister') return unregister(cluster, id, environment);
  if (command === 'list-endpoints') return listEndpoints(cluster, options, environment);
  const { clusterId, controllerId } = await describeCluster(cluster);
  if (options.has('json')) return printJson(environment, { clusterId, controllerId });
  await environment.terminal.print(clusterId === null ? 'No cluster ID found. The Kafka version is probably too old.\n' : `Cluster ID: ${clusterId}\n`);
}

async function unregister(cluster: Cluster, id: number, { terminal }: ToolEnvironment): Promise<void> {
  try {
    await unregisterBroker(cluster, id);
  } catch (error) {
    if (!isUnsupported(error)) throw error;
    return terminal.print("The target cluster does not support the broker unregistration API.\n");
  }
  await terminal.print(`Broker ${id} is no longer registered.\n`);
}

async function listEndpoints(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const { nodes } = await describeCluster(cluster, { includeFencedBrokers: options.has('include-fenced-brokers') });
  if (options.has('json')) return printJson(environment, nodes);
  const widths = [COLUMN, widthOf(nodes.map(({ host }) => host)), COLUMN, widthOf(nodes.map(({ rack }) => rack ?? ''), COLUMN), COLUMN, 15];
  const rows = nodes.map(({ id, host, port, rack, isFenced }) => [String(id), host, String(port), rack ?? 'null', isFenced ? 'fenced' : 'unfenced', 'broker']);
  await environment.terminal.print([['ID', 'HOST', 'PORT', 'RACK', 'STATE', 'ENDPOINT_TYPE'], ...rows].map((cells) => `${row(cells, widths)}\n`).join(''));
}
