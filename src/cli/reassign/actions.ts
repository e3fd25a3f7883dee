import { groupBy } from '../../base/collections.ts';
import { describeCluster, type ClusterNode } from '../../client/admin/clusterInfo.ts';
import { describeTopics } from '../../client/admin/describeTopics.ts';
import { alterReplicaLogDirs, describeLogDirs, type TopicPartitionReplica } from '../../client/admin/logDirs.ts';
import { valueOf } from '../../client/admin/outcome.ts';
import { comparePartitions, PartitionMap, type TopicPartition } from '../../client/admin/partitionMap.ts';
import { alterReassignments, listReassignments } from '../../client/admin/reassignments.ts';
import { listTopics } from '../../client/admin/topics.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { ErrorCode, KafkaError } from '../../protocol/errors.ts';
import { javaMessage } from '../javaErrors.ts';
import type { Options } from '../options.ts';
import type { ToolEnvironment } from '../tool.ts';
import { ToolError } from '../toolError.ts';
import { assign, formatPlan, nameOf, readPlan, readTopics } from './plan.ts';
import { TerseError } from './terseError.ts';
import { clearLimits, limitDirectoryMoves, limitMoves } from './throttles.ts';

const EXISTING = 'Cannot execute because there is an existing partition assignment.  Use --additional to override this and create a new partition assignment in addition to the existing one. The --additional flag can also be used to change the throttle by resubmitting the current reassignment.';
const VERIFY = 'Warning: You must run --verify periodically, until the reassignment completes, to ensure the throttle is removed.';
const RETRY_MS = 100;

const sorted = <V>(map: PartitionMap<V>): (readonly [TopicPartition, V])[] => [...map].sort(([a], [b]) => comparePartitions(a, b));
const plural = (count: number): string => (count === 1 ? '' : 's');

/** Replicas of all partitions of topics. */
async function replicasOf(cluster: Cluster, topics: readonly string[]): Promise<PartitionMap<readonly number[]>> {
  try {
    const described = await describeTopics(cluster, topics);
    return new PartitionMap(described.flatMap(({ name, partitions }) => partitions.map(({ partition, replicas }) => [{ topic: name, partition }, replicas] as const)));
  } catch (error) {
    if (error instanceof KafkaError && error.code === ErrorCode.UNKNOWN_TOPIC_OR_PARTITION) throw new KafkaError(error.code, `Topic ${javaTopic(error)} not found.`);
    throw error;
  }
}

const javaTopic = (error: KafkaError): string => error.message.replace(`${error.codeName}: `, '');

/** Where the replicas lie, by what their brokers tell; null for those of brokers that do not answer. */
async function directoriesOf(cluster: Cluster, partitions: PartitionMap<readonly number[]>): Promise<(key: TopicPartition, brokerId: number) => string | null> {
  const brokers = await describeLogDirs(cluster, [...new Set(partitions.values().flat())]);
  return (key, brokerId) => brokers.get(brokerId)?.value?.find(({ replicas }) => replicas.get(key)?.isFuture === false)?.path ?? null;
}

export async function generate(cluster: Cluster, options: Options, { terminal, random }: ToolEnvironment): Promise<void> {
  const ids = (options.value('broker-list') as string).split(',').map((id) => Number(id.trim()));
  if (ids.some((id) => !Number.isSafeInteger(id) || id < 0)) throw new ToolError(`Invalid broker list: ${options.value('broker-list')}`);
  if (new Set(ids).size < ids.length) throw new ToolError(`Broker list contains duplicate entries: [${ids.filter((id, at) => ids.indexOf(id) !== at).join(', ')}]`);
  const present = await replicasOf(cluster, readTopics(options.value('topics-to-move-json-file') as string));
  const brokers = (await describeCluster(cluster)).nodes.filter(({ id }) => ids.includes(id));
  const hasSomeRacks = brokers.some(({ rack }) => rack !== null) && brokers.some(({ rack }) => rack === null);
  const isUnaware = options.has('disable-rack-aware');
  if (hasSomeRacks && !isUnaware) throw new ToolError('Not all brokers have rack information. Add --disable-rack-aware in command line to make replica assignment without rack information.');
  const proposed = new PartitionMap<readonly number[]>();
  for (const [topic, entries] of groupBy(sorted(present), ([key]) => key.topic)) {
    const placed = brokers.map(({ id, rack }: ClusterNode) => ({ id, rack: isUnaware ? null : rack }));
    const assigned = assign(placed, entries.length, entries[0]?.[1].length ?? 1, Math.floor(random.next() * Math.max(placed.length, 1)));
    for (const [at, replicas] of assigned.entries()) proposed.set({ topic, partition: at }, replicas);
  }
  await terminal.print(`Current partition replica assignment\n${formatPlan(present, await directoriesOf(cluster, present))}\n\nProposed partition reassignment configuration\n${formatPlan(proposed)}\n`);
}

export async function execute(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const { terminal } = environment;
  const { partitions, directories } = readPlan(options.value('reassignment-json-file') as string);
  const ongoing = await listReassignments(cluster);
  if (!options.has('additional') && ongoing.size > 0) throw new TerseError(EXISTING);
  const known = new Set((await describeCluster(cluster)).nodes.map(({ id }) => id));
  const unknown = partitions.values().flat().find((id) => !known.has(id));
  if (unknown !== undefined) throw new ToolError(`Unknown broker id ${unknown}`);
  const all = await replicasOf(cluster, [...new Set(partitions.keys().map(({ topic }) => topic))]);
  const missing = partitions.keys().find((key) => !all.has(key));
  if (missing !== undefined) throw new KafkaError(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, `Unable to find partition: ${nameOf(missing)}`);
  const present = new PartitionMap(partitions.keys().map((key) => [key, all.get(key) ?? []] as const));
  await terminal.print(`Current partition replica assignment\n\n${formatPlan(present, await directoriesOf(cluster, present))}\n\nSave this to use as the --reassignment-json-file option during rollback\n`);
  const limit = options.number('throttle') as number;
  const directoryLimit = options.number('replica-alter-log-dirs-throttle') as number;
  if (limit >= 0 || directoryLimit >= 0) await terminal.print(`${VERIFY}\n`);
  if (limit >= 0) await limitMoves(cluster, partitions, present, ongoing, limit, terminal);
  if (directoryLimit >= 0) await limitDirectoryMoves(cluster, [...directories.keys()].map(({ brokerId }) => brokerId), directoryLimit, terminal);
  const outcomes = await alterReassignments(cluster, partitions, !options.has('disallow-replication-factor-change'));
  refuse('Error reassigning partition(s):', outcomes);
  await terminal.print(`Successfully started partition reassignment${plural(partitions.size)} for ${sorted(partitions).map(([key]) => nameOf(key)).join(',')}\n`);
  if (directories.size > 0) await moveDirectories(cluster, directories, options, environment);
}

function refuse(title: string, outcomes: Awaited<ReturnType<typeof alterReassignments>>): void {
  const failed = sorted(outcomes).filter(([, { error }]) => error !== undefined);
  if (failed.length > 0) throw new TerseError(`${title}\n${failed.map(([key, { error }]) => `${nameOf(key)}: ${javaMessage(error)}`).join('\n')}`);
}

/** A replica that has just been made can be told where to lie only once its broker has it. */
async function moveDirectories(cluster: Cluster, moves: ReadonlyMap<TopicPartitionReplica, string>, options: Options, { terminal, clock }: ToolEnvironment): Promise<void> {
  const deadlineMs = clock.monotonicMs() + (options.number('timeout') as number);
  let pending = new Map(moves);
  for (;;) {
    for (const [replica, { error }] of await alterReplicaLogDirs(cluster, pending)) {
      const isEarly = error instanceof KafkaError && error.code === ErrorCode.REPLICA_NOT_AVAILABLE;
      if (isEarly) continue;
      if (error !== undefined) throw new ToolError(`Failed to alter dir for ${nameOf(replica)} on broker ${replica.brokerId}: ${javaMessage(error)}`);
      await terminal.print(`Successfully started moving log directory to ${pending.get(replica)} for replica ${nameOf(replica)} with broker ${replica.brokerId} \n`);
      pending = new Map([...pending].filter(([other]) => other !== replica));
    }
    if (pending.size === 0) return;
    if (clock.monotonicMs() > deadlineMs) throw new TerseError(`Timed out before log directory move${plural(pending.size)} could be started for: ${[...pending.keys()].map((replica) => `${nameOf(replica)}-${replica.brokerId}`).join(',')}`);
    await new Promise<void>((resolve) => void clock.setTimer(RETRY_MS, resolve));
  }
}

/** How each move between directories stands, and whether it goes on. */
async function directoryStates(cluster: Cluster, moves: ReadonlyMap<TopicPartitionReplica, string>): Promise<{ readonly replica: TopicPartitionReplica; readonly line: string; readonly isActive: boolean; readonly present: string | null }[]> {
  const brokers = await describeLogDirs(cluster, [...new Set([...moves.keys()].map(({ brokerId }) => brokerId))]);
  return [...moves].map(([replica, wanted]) => {
    const directories = valueOf(brokers.get(replica.brokerId));
    const here = directories.find(({ replicas }) => replicas.get(replica)?.isFuture === false)?.path ?? null;
    const future = directories.find(({ replicas }) => replicas.get(replica)?.isFuture === true)?.path ?? null;
    const name = `${nameOf(replica)}-${replica.brokerId}`;
    if (here === null) return { replica, present: here, isActive: false, line: `Partition ${nameOf(replica)} is not found in any live log dir on broker ${replica.brokerId}. There is likely an offline log directory on the broker.` };
    if (future === wanted) return { replica, present: here, isActive: true, line: `Reassignment of replica ${name} is still in progress.` };
    if (future !== null) return { replica, present: here, isActive: true, line: `Partition ${nameOf(replica)} on broker ${replica.brokerId} is being moved to log dir ${future} instead of ${wanted}.` };
    if (here === wanted) return { replica, present: here, isActive: false, line: `Reassignment of replica ${name} completed successfully.` };
    return { replica, present: here, isActive: false, line: `Partition ${nameOf(replica)} on broker ${replica.brokerId} is not being moved from log dir ${here} to ${wanted}.` };
  });
}

export async function verify(cluster: Cluster, options: Options, { terminal }: ToolEnvironment): Promise<void> {
  const { partitions, directories } = readPlan(options.value('reassignment-json-file') as string);
  const ongoing = await listReassignments(cluster);
  const known = new Set((await listTopics(cluster)).map(({ name }) => name));
  const present = await replicasOf(cluster, [...new Set(partitions.keys().map(({ topic }) => topic))].filter((topic) => known.has(topic)));
  const lines = sorted(partitions).map(([key, target]) => {
    const current = present.get(key) ?? [];
    if (ongoing.has(key)) return `Reassignment of partition ${nameOf(key)} is still in progress.`;
    if (current.join() === target.join()) return `Reassignment of partition ${nameOf(key)} is completed.`;
    return `There is no active reassignment of partition ${nameOf(key)}, but replica set is ${current.join(',')} rather than ${target.join(',')}.`;
  });
  await terminal.print(`Status of partition reassignment:\n${lines.join('\n')}\n`);
  const moves = await directoryStates(cluster, directories);
  await terminal.print(`${moves.map(({ line }) => line).join('\n')}\n`);
  const isDone = ongoing.size === 0 && !moves.some(({ isActive }) => isActive);
  if (isDone && !options.has('preserve-throttles')) await clearAll(cluster, partitions, terminal);
}

async function clearAll(cluster: Cluster, partitions: PartitionMap<readonly number[]>, terminal: ToolEnvironment['terminal']): Promise<void> {
  const brokers = [...new Set([...(await describeCluster(cluster)).nodes.map(({ id }) => id), ...partitions.values().flat()])].sort((a, b) => a - b);
  await clearLimits(cluster, brokers, [...new Set(partitions.keys().map(({ topic }) => topic))].sort(), terminal);
}

export async function cancel(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const { terminal } = environment;
  const { partitions, directories } = readPlan(options.value('reassignment-json-file') as string);
  const ongoing = await listReassignments(cluster, partitions.keys());
  if (ongoing.size === 0) {
    await terminal.print('None of the specified partition reassignments are active.\n');
  } else {
    refuse(`Error cancelling partition reassignment${plural(ongoing.size)} for:`, await alterReassignments(cluster, ongoing.keys().map((key) => [key, null] as const)));
    await terminal.print(`Successfully cancelled partition reassignment${plural(ongoing.size)} for: ${sorted(ongoing).map(([key]) => nameOf(key)).join(',')}\n`);
  }
  const active = (await directoryStates(cluster, directories)).filter(({ isActive }) => isActive);
  if (active.length === 0) await terminal.print('None of the specified partition moves are active.');
  else await moveDirectories(cluster, new Map(active.map(({ replica, present }) => [replica, present as string])), options, environment);
  if (!options.has('preserve-throttles')) await clearAll(cluster, partitions, terminal);
}

