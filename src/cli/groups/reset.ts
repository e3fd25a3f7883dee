/** Which offsets a group is to be set to: the plan behind --reset-offsets of kafka-consumer-groups, kafka-streams-groups and kafka-share-groups. */
import { readFileSync } from 'node:fs';
import type { CommittedOffset } from '../../client/admin/groupOffsets.ts';
import { OffsetSpec, type FoundOffset } from '../../client/admin/listOffsets.ts';
import { valueOf } from '../../client/admin/outcome.ts';
import type { PartitionMap, TopicPartition } from '../../client/admin/partitionMap.ts';
import { listTopics } from '../../client/admin/topics.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import type { Options } from '../options.ts';
import { row, widthOf } from '../table.ts';
import { parseDateTime, parseDuration } from '../times.ts';
import type { ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { readCsv, type Plan } from './csv.ts';
import { lookUp } from './offsetLookup.ts';

export const SCENARIOS = ['to-datetime', 'from-file', 'shift-by', 'to-offset', 'to-earliest', 'to-current', 'to-latest', 'by-duration'] as const;

export interface GroupToReset {
  readonly groupId: string;
  readonly partitions: readonly TopicPartition[];
  readonly committed: PartitionMap<CommittedOffset | null>;
}

/** By the one scenario that the options name. */
export async function planReset(cluster: Cluster, options: Options, group: GroupToReset, environment: ToolEnvironment): Promise<Plan> {
  const { partitions } = group;
  if (options.has('to-offset')) return inRange(cluster, partitions.map((key) => [key, options.number('to-offset') as number]), environment);
  if (options.has('to-earliest')) return found(cluster, partitions, OffsetSpec.earliest);
  if (options.has('to-latest')) return found(cluster, partitions, OffsetSpec.latest);
  if (options.has('shift-by')) return inRange(cluster, shifted(group, options.number('shift-by') as number), environment);
  if (options.has('to-datetime')) return atTime(cluster, partitions, parseDateTime(options.value('to-datetime') as string), environment);
  if (options.has('by-duration')) return atTime(cluster, partitions, environment.clock.now() - parseDuration(options.value('by-duration') as string), environment);
  if (options.has('from-file')) return fromFile(cluster, options, group, environment);
  return current(cluster, group);
}

async function found(cluster: Cluster, partitions: readonly TopicPartition[], timestamp: number): Promise<Plan> {
  const offsets = await lookUp(cluster, partitions, timestamp);
  return partitions.map((key) => [key, valueOf(offsets.get(key)).offset]);
}

function shifted({ partitions, committed }: GroupToReset, by: number): Plan {
  return partitions.map((key) => {
    const at = committed.get(key);
    if (at === undefined || at === null) throw new UsageError(`Cannot shift offset for partition ${key.topic}-${key.partition} since there is no current committed offset`);
    return [key, at.offset + by];
  });
}

async function atTime(cluster: Cluster, partitions: readonly TopicPartition[], timestamp: number, { terminal }: ToolEnvironment): Promise<Plan> {
  const offsets = await lookUp(cluster, partitions, timestamp);
  const late = partitions.filter((key) => valueOf(offsets.get(key)).offset < 0);
  for (const { topic, partition } of late) await terminal.print(`\nWarn: Partition ${partition} from topic ${topic} is empty. Falling back to latest known offset.\n`);
  const ends = await lookUp(cluster, late, OffsetSpec.latest);
  return partitions.map((key) => [key, (valueOf(ends.get(key) ?? offsets.get(key)) as FoundOffset).offset]);
}

async function current(cluster: Cluster, { partitions, committed }: GroupToReset): Promise<Plan> {
  const isCommitted = (key: TopicPartition) => (committed.get(key) ?? null) !== null;
  const rest = await found(cluster, partitions.filter((key) => !isCommitted(key)), OffsetSpec.latest);
  return [...partitions.filter(isCommitted).map((key) => [key, (committed.get(key) as CommittedOffset).offset] as const), ...rest];
}

async function fromFile(cluster: Cluster, options: Options, { groupId }: GroupToReset, environment: ToolEnvironment): Promise<Plan> {
  const groups = options.values('group');
  const plan = readCsv(readText(options.value('from-file') as string), groups.length === 1 ? (groups[0] as string) : null).get(groupId);
  if (plan !== undefined) return inRange(cluster, plan, environment);
  await environment.terminal.print(`\nError: No reset plan for group ${groupId} found\n`);
  return [];
}

export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new ToolError((error as NodeJS.ErrnoException).code === 'ENOENT' ? `java.io.IOException: Unable to read file ${file}` : (error as Error).message);
  }
}

/** Offsets outside of the log become the nearest one inside, with a warning. */
async function inRange(cluster: Cluster, plan: Plan, { terminal }: ToolEnvironment): Promise<Plan> {
  const keys = plan.map(([key]) => key);
  const known = new Set((await listTopics(cluster)).map(({ name }) => name));
  const absent = keys.find(({ topic }) => !known.has(topic));
  if (absent !== undefined) throw new ToolError(`org.apache.kafka.common.errors.UnknownTopicOrPartitionException: Failed to fetch metadata for partition ${absent.topic}-${absent.partition} because metadata for topic \`${absent.topic}\` could not be found`);
  const starts = await lookUp(cluster, keys, OffsetSpec.earliest);
  const ends = await lookUp(cluster, keys, OffsetSpec.latest);
  return plan.map(([key, offset]) => {
    const end = valueOf(ends.get(key)).offset;
    const start = valueOf(starts.get(key)).offset;
    const inside = Math.max(Math.min(offset, end), start);
    const name = `${key.topic}-${key.partition}`;
    if (inside < offset) terminal.complain(`WARN New offset (${offset}) is higher than latest offset for topic partition ${name}. Value will be set to ${inside}`);
    if (inside > offset) terminal.complain(`WARN New offset (${offset}) is lower than earliest offset for topic partition ${name}. Value will be set to ${inside}`);
    return [key, inside];
  });
}

/** What is printed of the plans of all groups. */
export function plansText(plans: ReadonlyMap<string, Plan>): string {
  const rows = [...plans].flatMap(([group, plan]) => plan.map(([{ topic, partition }, offset]) => [group, topic, String(partition), String(offset)]));
  const widths = [widthOf([...plans.keys()], 15), widthOf(rows.map((cells) => cells[1] as string), 15), 10];
  const lines = plans.size === 0 ? [] : [['GROUP', 'TOPIC', 'PARTITION', 'NEW-OFFSET'], ...rows];
  return `${lines.map((cells) => `\n${row(cells, widths)}`).join('')}\n`;
}

/** Checks that exactly one scenario was chosen. */
export function checkScenario(options: Options): void {
  const chosen = SCENARIOS.filter((name) => options.has(name));
  if (chosen.length > 1) throw new UsageError(`Option "[${chosen[0]}]" can't be used with option "[${chosen[1]}]"`);
  if (chosen.length === 0) throw new UsageError(`Option '[reset-offsets]' requires one of the following scenarios: [${SCENARIOS.map((name) => `[${name}]`).join(', ')}]`);
}
