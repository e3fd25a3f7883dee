import { deleteRecords } from '../../client/admin/deleteRecords.ts';
import { comparePartitions } from '../../client/admin/partitionMap.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster } from '../adminTool.ts';
import { javaException } from '../javaErrors.ts';
import { checkVersion, fieldOf, partitionOf, readJsonFile, repeated } from '../json.ts';
import type { Options } from '../options.ts';
import { required, type Tool, type ToolEnvironment } from '../tool.ts';
import { ToolError } from '../toolError.ts';
import type { Plan } from '../groups/csv.ts';

export const deleteRecordsTool: Tool = {
  name: 'kafka-delete-records',
  purpose: 'This tool helps to delete records of the given partitions down to the specified offset.',
  options: [
    bootstrapOption, commandConfigOption,
    { name: 'offset-json-file', argument: 'file', description: 'REQUIRED: What to delete: {"partitions": [{"topic": "foo", "partition": 1, "offset": 1}], "version": 1}; offset -1 means all records.' },
    jsonOption,
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const cuts = readCuts(required(options, 'offset-json-file'));
  await withCluster(options, environment, (cluster) => cut(cluster, cuts, options, environment));
  return 0;
}

function readCuts(file: string): Plan {
  const json = readJsonFile(file);
  checkVersion(json);
  const cuts = fieldOf(json, 'partitions', 'array').map((entry) => [partitionOf(entry), fieldOf(entry, 'offset', 'integer')] as const);
  const twice = repeated(cuts.map(([key]) => key));
  if (twice.length > 0) throw new ToolError(`Offset json file contains duplicate topic partitions: ${twice.map(({ topic, partition }) => `${topic}-${partition}`).join(',')}`);
  return cuts;
}

async function cut(cluster: Cluster, cuts: Plan, options: Options, environment: ToolEnvironment): Promise<void> {
  const { terminal } = environment;
  if (!options.has('json')) await terminal.print('Executing records delete operation\n');
  const outcomes = [...await deleteRecords(cluster, cuts)].sort(([a], [b]) => comparePartitions(a, b));
  if (options.has('json')) return printJson(environment, outcomes.map(([key, { value, error }]) => ({ ...key, lowWatermark: value ?? null, error: error === undefined ? null : javaException(error) })));
  const lines = outcomes.map(([{ topic, partition }, { value, error }]) => `partition: ${topic}-${partition}\t${error === undefined ? `low_watermark: ${value}` : `error: ${javaException(error)}`}\n`);
  await terminal.print(`Records delete operation completed:\n${lines.join('')}`);
}
