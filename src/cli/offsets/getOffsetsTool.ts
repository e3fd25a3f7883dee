import { describeTopics } from '../../client/admin/describeTopics.ts';
import { listOffsets, OffsetSpec } from '../../client/admin/listOffsets.ts';
import { comparePartitions, type TopicPartition } from '../../client/admin/partitionMap.ts';
import { listTopics } from '../../client/admin/topics.ts';
import { ClientError } from '../../client/core/clientError.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { bootstrapOption, brokerListOption, commandConfigOption, jsonOption, printJson, withCluster, zookeeperHint } from '../adminTool.ts';
import { javaException, javaMessage } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError } from '../toolError.ts';
import { topicFilter } from '../topicFilter.ts';
import { partitionIds, partitionRules, type PartitionFilter } from './filter.ts';

const TIMES: Readonly<Record<string, number>> = {
  latest: OffsetSpec.latest, earliest: OffsetSpec.earliest, 'max-timestamp': OffsetSpec.maxTimestamp, 'earliest-local': OffsetSpec.earliestLocal, 'latest-tiered': OffsetSpec.latestTiered,
  'earliest-pending-upload': OffsetSpec.earliestPendingUpload,
};

export const getOffsetsTool: Tool = {
  name: 'kafka-get-offsets',
  purpose: 'An interactive shell for getting topic-partition offsets.',
  options: [
    bootstrapOption, brokerListOption, commandConfigOption,
    { name: 'topic-partitions', argument: 'rules', description: 'Topics with partitions, as topic:0,other.*:2-5,third:-3; not together with --topic or --partitions.' },
    { name: 'topic', argument: 'regex', description: 'The topic, or a regular expression of topics (default: all).' },
    { name: 'partitions', argument: 'ids', description: 'Partitions, separated by commas (default: all).' },
    { name: 'time', argument: 'time', default: 'latest', description: 'Milliseconds since 1970, or -1 latest, -2 earliest, -3 max-timestamp, -4 earliest-local, -5 latest-tiered, -6 earliest-pending-upload.' },
    { name: 'exclude-internal-topics', description: 'Leave internal topics out.' },
    jsonOption,
  ],
  replacements: { zookeeper: zookeeperHint },
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const timestamp = parseTime(options.value('time') as string);
  const isWanted = filterOf(options);
  try {
    await withCluster(options, environment, (cluster) => printOffsets(cluster, isWanted, timestamp, options, environment));
  } catch (error) {
    if (!(error instanceof KafkaError) && !(error instanceof ClientError)) throw error;
    throw new ToolError(`Error occurred: ${javaMessage(error)}`);
  }
  return 0;
}

function parseTime(text: string): number {
  const named = TIMES[text];
  if (named !== undefined) return named;
  if (/^-?\d{1,15}$/.test(text)) return Number(text);
  const names = Object.entries(TIMES).map(([name, code]) => `${code} or ${name}`).join(' / ');
  throw new ToolError(`Error occurred: Malformed time argument ${text}. Please use ${names}, or a specified long format timestamp`);
}

function filterOf(options: Options): PartitionFilter {
  const rules = options.value('topic-partitions');
  if (rules === undefined) {
    const isTopic = options.has('topic') ? topicFilter(options.value('topic') as string) : () => true;
    const isPartition = options.has('partitions') ? partitionIds(options.value('partitions') as string) : () => true;
    return ({ topic, partition }) => isTopic(topic) && isPartition(partition);
  }
  if (options.has('topic') || options.has('partitions')) throw new ToolError('Error occurred: --topic-partitions cannot be used with --topic or --partitions');
  return partitionRules(rules);
}

async function printOffsets(cluster: Cluster, isWanted: PartitionFilter, timestamp: number, options: Options, environment: ToolEnvironment): Promise<void> {
  const partitions = await wantedPartitions(cluster, isWanted, options.has('exclude-internal-topics'));
  if (partitions.length === 0) throw new ToolError('Error occurred: Could not match any topic-partitions with the specified filters');
  const outcomes = await listOffsets(cluster, partitions.map((key) => [key, timestamp] as const));
  const found: (TopicPartition & { readonly offset: number })[] = [];
  for (const [key, outcome] of outcomes) {
    if (outcome.error === undefined) found.push({ ...key, offset: outcome.value.offset });
    else environment.terminal.complain(`Skip getting offsets for topic-partition ${key.topic}-${key.partition} due to error: ${javaException(outcome.error)}`);
  }
  const shown = found.filter(({ offset }) => offset >= 0).sort(comparePartitions);
  if (options.has('json')) return printJson(environment, shown);
  await environment.terminal.print(shown.map(({ topic, partition, offset }) => `${topic}:${partition}:${offset}\n`).join(''));
}

/** Partitions without a leader are told of by the look-up. */
async function wantedPartitions(cluster: Cluster, isWanted: PartitionFilter, isWithoutInternal: boolean): Promise<TopicPartition[]> {
  const topics = (await listTopics(cluster)).filter(({ isInternal }) => !(isInternal && isWithoutInternal)).map(({ name }) => name);
  const described = await describeTopics(cluster, topics);
  return described.flatMap(({ name, partitions }) => partitions.map(({ partition }) => ({ topic: name, partition }))).filter(isWanted);
}
