import { describeLogDirs, type LogDirectory } from '../../client/admin/logDirs.ts';
import { comparePartitions } from '../../client/admin/partitionMap.ts';
import { valueOf } from '../../client/admin/outcome.ts';
import { brokerIds } from '../../client/admin/routes.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { bootstrapOption, commandConfigOption, withCluster } from '../adminTool.ts';
import { javaException } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';

export const logDirsTool: Tool = {
  name: 'kafka-log-dirs',
  purpose: 'This tool helps to query log directory usage on the specified brokers.',
  options: [
    bootstrapOption, commandConfigOption,
    { name: 'describe', description: 'Describe the log directories of the brokers, as JSON.' },
    { name: 'topic-list', argument: 'topics', description: 'Topics, separated by commas (default: all).' },
    { name: 'broker-list', argument: 'ids', description: 'Brokers, separated by commas (default: all).' },
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  if (!options.has('describe')) throw new UsageError('Missing required argument "[describe]"');
  const wanted = listOf(options.value('broker-list'));
  for (const id of wanted) if (!/^\d{1,10}$/.test(id)) throw new ToolError(`For input string: "${id}"`);
  await withCluster(options, environment, (cluster) => describe(cluster, wanted.map(Number), listOf(options.value('topic-list')), environment));
  return 0;
}

const listOf = (text = ''): string[] => text.split(',').map((part) => part.trim()).filter((part) => part !== '');

async function describe(cluster: Cluster, wanted: readonly number[], topics: readonly string[], { terminal }: ToolEnvironment): Promise<void> {
  const known = await brokerIds(cluster);
  const missing = wanted.filter((id) => !known.includes(id));
  if (missing.length > 0) throw new ToolError(`ERROR: The given brokers do not exist from --broker-list: ${missing.join(',')}. Current existent brokers: ${known.join(',')}`);
  const ids = wanted.length > 0 ? wanted : known;
  await terminal.print('Querying brokers for log directories information\n');
  const brokers = await describeLogDirs(cluster, ids);
  await terminal.print(`Received log directory information from brokers ${ids.join(',')}\n`);
  const listed = ids.map((broker) => ({ broker, logDirs: valueOf(brokers.get(broker)).map((directory) => jsonOf(directory, topics)) }));
  await terminal.print(`${JSON.stringify({ brokers: listed, version: 1 })}\n`);
}

function jsonOf({ path, error, replicas }: LogDirectory, topics: readonly string[]): unknown {
  const shown = [...replicas].filter(([{ topic }]) => topics.length === 0 || topics.includes(topic)).sort(([a], [b]) => comparePartitions(a, b));
  return {
    partitions: shown.map(([{ topic, partition }, { sizeBytes, offsetLag, isFuture }]) => ({ partition: `${topic}-${partition}`, size: sizeBytes, offsetLag, isFuture })),
    error: error === null ? null : javaException(error), logDir: path,
  };
}
