import { throwFirst } from '../../client/admin/outcome.ts';
import { createTopics, type NewTopicSpec } from '../../client/admin/topics.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import type { Options } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import { ToolError } from '../toolError.ts';

const REPLICATION_FACTOR_MAX = 32_767;
const COLLISION_WARNING =
  "WARNING: Due to limitations in metric names, topics with a period ('.') or underscore ('_') could collide. To avoid issues it is best to use either, but not both.";

export async function createTopic(cluster: Cluster, options: Options, terminal: Terminal): Promise<void> {
  const topic = options.value('topic') ?? '';
  const configs = parseTopicConfigs(options.values('config'));
  if (/[._]/.test(topic)) await terminal.print(`${COLLISION_WARNING}\n`);
  const spec = specOf(topic, options, configs);
  try {
    throwFirst(await createTopics(cluster, [spec]));
  } catch (error) {
    const doesExist = error instanceof KafkaError && error.code === ErrorCode.TOPIC_ALREADY_EXISTS;
    if (doesExist && options.has('if-not-exists')) return;
    throw error;
  }
  await terminal.print(`Created topic ${topic}.\n`);
}

function specOf(topic: string, options: Options, configs: ReadonlyMap<string, string>): NewTopicSpec {
  const partitions = options.number('partitions');
  const replicationFactor = options.number('replication-factor');
  if (replicationFactor !== undefined && (replicationFactor < 1 || replicationFactor > REPLICATION_FACTOR_MAX)) {
    throw new ToolError(`The replication factor must be between 1 and ${REPLICATION_FACTOR_MAX} inclusive`);
  }
  if (partitions !== undefined && partitions < 1) throw new ToolError('The partitions must be greater than 0');
  const assignments = parseReplicaAssignment(options.value('replica-assignment') ?? '');
  return {
    topic, configs, ...(partitions === undefined ? {} : { partitions }), ...(replicationFactor === undefined ? {} : { replicationFactor }),
    ...(assignments.length === 0 ? {} : { assignments }),
  };
}

function parseTopicConfigs(given: readonly string[]): Map<string, string> {
  return new Map(given.map((text) => {
    const at = text.indexOf('=');
    const name = text.slice(0, Math.max(at, 0)).trim();
    if (name === '') throw new ToolError('requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".');
    return [name, text.slice(at + 1).trim()];
  }));
}

/** Broker ids by partition: partitions are separated by commas, replicas by colons. */
export function parseReplicaAssignment(text: string): number[][] {
  if (text === '') return [];
  const partitions = text.split(',').map((partition) => partition.split(':').map((id) => parseBrokerId(id.trim())));
  for (const [index, brokerIds] of partitions.entries()) {
    const repeated = brokerIds.filter((id, place) => brokerIds.indexOf(id) !== place);
    if (repeated.length > 0) throw new ToolError(`Partition replica lists may not contain duplicate entries: ${[...new Set(repeated)].join(',')}`);
    if (brokerIds.length !== partitions[0]?.length) throw new ToolError(`Partition ${index} has different replication factor: [${brokerIds.join(', ')}]`);
  }
  return partitions;
}

function parseBrokerId(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new ToolError(`'${text}' is no broker id in --replica-assignment (wanted: 1:2,2:3)`);
  return Number(text);
}
