import { ElectionType, electLeaders } from '../../client/admin/elections.ts';
import { comparePartitions, type TopicPartition } from '../../client/admin/partitionMap.ts';
import { ClientError } from '../../client/core/clientError.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster, zookeeperHint } from '../adminTool.ts';
import { javaException } from '../javaErrors.ts';
import { fieldOf, partitionOf, readJsonFile, repeated } from '../json.ts';
import type { Options } from '../options.ts';
import { required, type Tool, type ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';

const SCOPES = ['topic', 'all-topic-partitions', 'path-to-json-file'] as const;

export const leaderElectionTool: Tool = {
  name: 'kafka-leader-election',
  purpose: 'This tool attempts to elect a new leader for a set of topic partitions. The type of elections supported are preferred replicas and unclean replicas.',
  options: [
    bootstrapOption, commandConfigOption, { ...commandConfigOption, name: 'admin.config', description: 'An older name of --command-config.' },
    { name: 'election-type', argument: 'type', description: 'REQUIRED: preferred, or unclean, which is done only where there is no leader.' },
    { name: 'topic', argument: 'topic', description: 'The topic; with --partition.' },
    { name: 'partition', argument: 'partition', type: 'integer', description: 'The partition of --topic.' },
    { name: 'all-topic-partitions', description: 'All partitions that need it.' },
    { name: 'path-to-json-file', argument: 'file', description: '{"partitions": [{"topic": "foo", "partition": 1}, {"topic": "foobar", "partition": 2}]}' },
    jsonOption,
  ],
  replacements: { zookeeper: zookeeperHint },
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const type = required(options, 'election-type').toUpperCase();
  if (type !== 'PREFERRED' && type !== 'UNCLEAN') throw new UsageError(`Cannot parse argument '${options.value('election-type')}' of option election-type`);
  if (!options.has('bootstrap-server')) throw new UsageError('Missing required option(s): bootstrap-server');
  const partitions = partitionsOf(options);
  return withCluster(options, environment, (cluster) => elect(cluster, type, partitions, options, environment));
}

function partitionsOf(options: Options): TopicPartition[] | null {
  const scopes = SCOPES.filter((name) => options.has(name));
  if (scopes.length !== 1) throw new UsageError(`One and only one of the following options is required: ${SCOPES.join(', ')}`);
  if (options.has('topic') !== options.has('partition')) throw new UsageError(options.has('topic') ? 'Missing required option(s): partition' : 'Option partition is only allowed if topic is used');
  if (options.has('topic')) return [{ topic: options.value('topic') as string, partition: options.number('partition') as number }];
  if (options.has('all-topic-partitions')) return null;
  const partitions = fieldOf(readJsonFile(options.value('path-to-json-file') as string), 'partitions', 'array').map(partitionOf);
  const twice = repeated(partitions);
  if (twice.length > 0) throw new ToolError(`Replica election data contains duplicate partitions: ${listText(twice)}`);
  return partitions;
}

const listText = (partitions: readonly TopicPartition[]): string => [...partitions].sort(comparePartitions).map(({ topic, partition }) => `${topic}-${partition}`).join(', ');

const isNotNeeded = (error: unknown): boolean => error instanceof KafkaError && error.code === ErrorCode.ELECTION_NOT_NEEDED;

async function elect(cluster: Cluster, type: 'PREFERRED' | 'UNCLEAN', partitions: readonly TopicPartition[] | null, options: Options, environment: ToolEnvironment): Promise<number> {
  const { terminal } = environment;
  let outcomes: Awaited<ReturnType<typeof electLeaders>>;
  try {
    outcomes = await electLeaders(cluster, type === 'PREFERRED' ? ElectionType.preferred : ElectionType.unclean, partitions);
  } catch (error) {
    if (!(error instanceof KafkaError) && !(error instanceof ClientError)) throw error;
    throw new ToolError(error instanceof ClientError && error.retriable ? 'Timeout waiting for election results' : `Error while making request\n${javaException(error)}`);
  }
  const all = [...outcomes];
  const failures = all.filter(([, { error }]) => error !== undefined && !isNotNeeded(error));
  if (options.has('json')) await printJson(environment, all.map(([{ topic, partition }, { error }]) => ({ topic, partition, isElected: error === undefined, error: error === undefined || isNotNeeded(error) ? null : javaException(error) })));
  else await printOutcomes(type, all, environment);
  if (failures.length === 0) return 0;
  terminal.complain(`${failures.length} replica(s) could not be elected`);
  return 1;
}

type Outcomes = Awaited<ReturnType<typeof electLeaders>> extends Iterable<infer Entry> ? readonly Entry[] : never;

async function printOutcomes(type: string, all: Outcomes, { terminal }: ToolEnvironment): Promise<void> {
  const elected = all.filter(([, { error }]) => error === undefined).map(([key]) => key);
  const noop = all.filter(([, { error }]) => isNotNeeded(error)).map(([key]) => key);
  const failed = all.filter(([, { error }]) => error !== undefined && !isNotNeeded(error));
  if (elected.length > 0) await terminal.print(`Successfully completed leader election (${type}) for partitions ${listText(elected)}\n`);
  if (noop.length > 0) await terminal.print(`Valid replica already elected for partitions ${listText(noop)}\n`);
  for (const [key, { error }] of failed) await terminal.print(`Error completing leader election (${type}) for partition: ${listText([key])}: ${javaException(error)}\n`);
}
