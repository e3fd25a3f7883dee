import { describeTopics } from '../../client/admin/describeTopics.ts';
import type { TopicPartition } from '../../client/admin/partitionMap.ts';
import { listTopics } from '../../client/admin/topics.ts';
import { describeProducers, describeTransactions, listTransactions, type ActiveProducer, type TransactionDescription } from '../../client/admin/transactions.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { printJson } from '../adminTool.ts';
import type { Options } from '../options.ts';
import { prettyTable } from '../table.ts';
import type { ToolEnvironment } from '../tool.ts';
import { ToolError } from '../toolError.ts';
import { failing } from './transactionsTool.ts';

const MINUTE_MS = 60_000;
const BATCH = 500;

interface OpenTransaction extends TopicPartition {
  readonly producer: ActiveProducer;
}

/** Transactions open for too long that their coordinator knows nothing of. (KIP-664) */
export async function findHanging(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  if (!options.has('broker-id') && !options.has('topic')) throw new ToolError('The `find-hanging` command requires either --topic or --broker-id to limit the scope of the search');
  if (options.has('partition') && !options.has('topic')) throw new ToolError('The --partition argument requires --topic to be provided');
  const olderThanMs = environment.clock.now() - (options.number('max-transaction-timeout') ?? 15) * MINUTE_MS;
  const open = await openTransactions(cluster, await partitionsToSearch(cluster, options), options.number('broker-id') ?? null);
  const hanging = await withoutCoordinator(cluster, open.filter(({ producer }) => producer.lastTimestampMs < olderThanMs));
  const rows = hanging.map(({ topic, partition, producer }) => ({
    topic, partition, producerId: producer.producerId, producerEpoch: producer.producerEpoch, coordinatorEpoch: producer.coordinatorEpoch, startOffset: producer.transactionStartOffset ?? -1,
    lastTimestamp: producer.lastTimestampMs, durationMinutes: Math.floor((environment.clock.now() - producer.lastTimestampMs) / MINUTE_MS),
  }));
  if (options.has('json')) return printJson(environment, rows);
  const headers = ['Topic', 'Partition', 'ProducerId', 'ProducerEpoch', 'CoordinatorEpoch', 'StartOffset', 'LastTimestamp', 'Duration(min)'];
  await environment.terminal.print(prettyTable(headers, rows.map((row) => Object.values(row).map(String))));
}

async function partitionsToSearch(cluster: Cluster, options: Options): Promise<TopicPartition[]> {
  const topic = options.value('topic');
  const partition = options.number('partition');
  if (topic !== undefined && partition !== undefined) return [{ topic, partition }];
  const names = topic === undefined ? (await failing('Failed to list topics', () => listTopics(cluster))).map(({ name }) => name) : [topic];
  const described = await failing(`Failed to describe ${names.length} topics`, () => describeTopics(cluster, names));
  const brokerId = options.number('broker-id');
  return described.flatMap(({ name, partitions }) => partitions.filter(({ replicas }) => brokerId === undefined || replicas.includes(brokerId)).map((each) => ({ topic: name, partition: each.partition })));
}

async function openTransactions(cluster: Cluster, partitions: readonly TopicPartition[], brokerId: number | null): Promise<OpenTransaction[]> {
  const open: OpenTransaction[] = [];
  for (let from = 0; from < partitions.length; from += BATCH) {
    const outcomes = await describeProducers(cluster, partitions.slice(from, from + BATCH), brokerId);
    for (const [key, outcome] of outcomes) for (const producer of outcome.value ?? []) if (producer.transactionStartOffset !== null) open.push({ ...key, producer });
  }
  return open;
}

async function withoutCoordinator(cluster: Cluster, open: readonly OpenTransaction[]): Promise<OpenTransaction[]> {
  if (open.length === 0) return [];
  const producerIds = [...new Set(open.map(({ producer }) => producer.producerId))];
  const listed = await failing(`Failed to list transactions for ${producerIds.length} producers`, () => listTransactions(cluster, { producerIds }));
  const described = await describeTransactions(cluster, listed.map(({ transactionalId }) => transactionalId));
  const byProducer = new Map<number, TransactionDescription>();
  for (const { transactionalId, producerId } of listed) {
    const description = described.get(transactionalId)?.value;
    if (description !== undefined) byProducer.set(producerId, description);
  }
  return open.filter(({ topic, partition, producer }) => {
    const known = byProducer.get(producer.producerId);
    return known === undefined || !known.partitions.some((key) => key.topic === topic && key.partition === partition);
  });
}
