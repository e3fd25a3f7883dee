import { describeProducers, describeTransactions, forceTerminateTransaction, listTransactions, type ActiveProducer } from '../../client/admin/transactions.ts';
import { valueOf } from '../../client/admin/outcome.ts';
import { ClientError } from '../../client/core/clientError.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { KafkaError } from '../../protocol/errors.ts';
import { bootstrapOption, commandConfigOption, jsonOption, printJson, withCluster } from '../adminTool.ts';
import { javaMessage } from '../javaErrors.ts';
import type { Options, OptionSpec } from '../options.ts';
import { prettyTable } from '../table.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';

const topicOption: OptionSpec = { name: 'topic', argument: 'topic', description: 'The topic.' };
const partitionOption: OptionSpec = { name: 'partition', argument: 'partition', type: 'integer', description: 'The partition.' };
const brokerOption: OptionSpec = { name: 'broker-id', argument: 'id', type: 'integer', description: 'The broker whose replicas are looked at.' };

export const transactionsTool: Tool = {
  name: 'kafka-transactions',
  purpose: 'This tool is used to analyze the transactional state of producers in the cluster. It can be used to detect and recover from hanging transactions.',
  options: [bootstrapOption, commandConfigOption, jsonOption],
  commands: {
    list: {
      purpose: 'List transactions.',
      options: [
        { name: 'duration-filter', argument: 'ms', type: 'long', description: 'Transactions that run longer than this; below 0: all.' },
        { name: 'transactional-id-pattern', argument: 'regex', description: 'Transactional ids that match this regular expression (RE2).' },
      ],
    },
    describe: { purpose: 'Describe the state of an active transactional-id.', options: [{ name: 'transactional-id', argument: 'id', description: 'REQUIRED: The transactional id.' }] },
    'describe-producers': { purpose: 'Describe the states of active producers for a topic partition.', options: [brokerOption, topicOption, partitionOption] },
    abort: {
      purpose: 'Abort a hanging transaction (requires administrative privileges).',
      options: [
        topicOption, partitionOption,
        { name: 'start-offset', argument: 'offset', type: 'long', description: 'Where the transaction begins.' },
        { name: 'producer-id', argument: 'id', type: 'long', description: 'Instead of --start-offset: the producer,' },
        { name: 'producer-epoch', argument: 'epoch', type: 'integer', description: 'its epoch,' },
        { name: 'coordinator-epoch', argument: 'epoch', type: 'integer', description: "and its coordinator's epoch." },
      ],
    },
    'find-hanging': {
      purpose: 'Find hanging transactions.',
      options: [brokerOption, { name: 'max-transaction-timeout', argument: 'minutes', type: 'integer', default: '15', description: 'Transactions that run for longer may hang.' }, topicOption, partitionOption],
    },
    forceTerminateTransaction: { purpose: 'Force abort an ongoing transaction on a transactionalId.', options: [{ name: 'transactionalId', argument: 'id', description: 'REQUIRED: The transactional id.' }] },
  },
  run,
};

async function run(options: Options, environment: ToolEnvironment, command: string): Promise<number> {
  needs(options, 'bootstrap-server');
  await withCluster(options, environment, (cluster) => act(cluster, command, options, environment));
  return 0;
}

function needs(options: Options, ...names: readonly string[]): void {
  for (const name of names) if (!options.has(name)) throw new UsageError(`kafka-transactions: error: argument --${name} is required`);
}

async function act(cluster: Cluster, command: string, options: Options, environment: ToolEnvironment): Promise<void> {
  if (command === 'list') return list(cluster, options, environment);
  if (command === 'describe') return describe(cluster, options, environment);
  if (command === 'describe-producers') return producers(cluster, options, environment);
  if (command === 'abort') return (await import('./abort.ts')).abort(cluster, options, environment);
  if (command === 'find-hanging') return (await import('./hanging.ts')).findHanging(cluster, options, environment);
  needs(options, 'transactionalId');
  await failing(`Failed to force terminate transactionalId \`${options.value('transactionalId')}\``, () => forceTerminateTransaction(cluster, options.value('transactionalId') as string));
}

/** What fails on the way is told after `what`, as Kafka's tool does. */
export async function failing<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof KafkaError || error instanceof ClientError) throw new ToolError(`${what}: ${javaMessage(error)}`);
    throw error;
  }
}

async function list(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const filter = { durationMsMin: options.number('duration-filter') ?? -1, transactionalIdPattern: options.value('transactional-id-pattern') ?? null };
  const found = await failing('Failed to list transactions', () => listTransactions(cluster, filter));
  if (options.has('json')) return printJson(environment, found);
  const rows = found.map(({ transactionalId, coordinatorId, producerId, state }) => [transactionalId, String(coordinatorId), String(producerId), state]);
  await environment.terminal.print(prettyTable(['TransactionalId', 'Coordinator', 'ProducerId', 'TransactionState'], rows));
}

async function describe(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  needs(options, 'transactional-id');
  const id = options.value('transactional-id') as string;
  const found = await failing(`Failed to describe transaction state of transactional-id \`${id}\``, async () => valueOf((await describeTransactions(cluster, [id])).get(id)));
  if (options.has('json')) return printJson(environment, { transactionalId: id, ...found });
  const row = [
    String(found.coordinatorId), id, String(found.producerId), String(found.producerEpoch), found.state, String(found.timeoutMs), found.startMs === null ? 'None' : String(found.startMs),
    found.startMs === null ? 'None' : String(environment.clock.now() - found.startMs), found.partitions.map(({ topic, partition }) => `${topic}-${partition}`).join(','),
  ];
  const headers = ['CoordinatorId', 'TransactionalId', 'ProducerId', 'ProducerEpoch', 'TransactionState', 'TransactionTimeoutMs', 'CurrentTransactionStartTimeMs', 'TransactionDurationMs', 'TopicPartitions'];
  await environment.terminal.print(prettyTable(headers, [row]));
}

/** The producers of the one partition that the options name. */
export async function activeProducers(cluster: Cluster, options: Options, what: string): Promise<ActiveProducer[]> {
  needs(options, 'topic', 'partition');
  const key = { topic: options.value('topic') as string, partition: options.number('partition') as number };
  return failing(`${what} ${key.topic}-${key.partition}`, async () => valueOf((await describeProducers(cluster, [key], options.number('broker-id') ?? null)).get(key)));
}

async function producers(cluster: Cluster, options: Options, environment: ToolEnvironment): Promise<void> {
  const found = await activeProducers(cluster, options, 'Failed to describe producers for partition');
  if (options.has('json')) return printJson(environment, found);
  const rows = found.map((producer) => [producer.producerId, producer.producerEpoch, producer.coordinatorEpoch, producer.lastSequence, producer.lastTimestampMs, producer.transactionStartOffset ?? 'None'].map(String));
  await environment.terminal.print(prettyTable(['ProducerId', 'ProducerEpoch', 'LatestCoordinatorEpoch', 'LastSequence', 'LastTimestamp', 'CurrentTransactionStartOffset'], rows));
}
