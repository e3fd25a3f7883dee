import { groupBy } from '../../base/collections.ts';
import { Consumer } from '../../client/consumer/consumer.ts';
import { consumerOptions } from '../../client/settings/consumerOptions.ts';
import { bootstrapOf, connect } from '../connect.ts';
import { failureText } from '../failure.ts';
import type { Options } from '../options.ts';
import { readSettings } from '../settings.ts';
import { required, type Tool, type ToolEnvironment } from '../tool.ts';

const POLL_MS = 500;

export const verifiableConsumerTool: Tool = {
  name: 'kafka-verifiable-consumer',
  purpose: 'This tool consumes messages from a specific topic and emits consumer events (e.g. group rebalances, received messages, and offsets committed) as JSON objects to STDOUT.',
  options: [
    { name: 'bootstrap-server', argument: 'host:port', description: 'REQUIRED: The broker(s) to connect to.' },
    { name: 'broker-list', argument: 'host:port', description: 'Another name of --bootstrap-server.' },
    { name: 'topic', argument: 'topic', description: 'REQUIRED: Consume messages from this topic.' },
    { name: 'group-id', argument: 'group', description: 'REQUIRED: The group.' },
    { name: 'group-protocol', argument: 'protocol', default: 'classic', description: 'classic or consumer.' },
    { name: 'group-remote-assignor', argument: 'assignor', description: "With --group-protocol consumer, the broker's assignor." },
    { name: 'group-instance-id', argument: 'id', description: 'The instance id of a static member.' },
    { name: 'max-messages', argument: 'count', type: 'long', default: '-1', description: 'How many messages; -1: until the process is ended.' },
    { name: 'session-timeout', argument: 'ms', type: 'integer', default: '30000', description: "The group's session timeout." },
    { name: 'verbose', description: 'Print each message.' },
    { name: 'enable-autocommit', description: 'Commit in intervals, not after each poll.' },
    { name: 'reset-policy', argument: 'policy', default: 'earliest', description: 'earliest, latest or none.' },
    { name: 'assignment-strategy', argument: 'class', description: 'The assignor of a classic group.' },
    { name: 'consumer.config', argument: 'file', description: 'DEPRECATED: Another name of --command-config.' },
    { name: 'command-config', argument: 'file', description: 'A properties file with settings of the consumer.' },
  ],
  run,
};

interface Read {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly key: string | null;
  readonly value: string | null;
}

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const topic = required(options, 'topic');
  const client = consumerOptions(settingsOf(options));
  for (const warning of client.warnings) environment.terminal.complain(warning, 'warning');
  const cluster = connect(client.cluster, environment);
  const consumer = new Consumer(cluster, client.options);
  const tell = (event: Readonly<Record<string, unknown>>) => environment.terminal.print(`${JSON.stringify({ timestamp: environment.clock.now(), ...event })}\n`);
  environment.interrupted.addEventListener('abort', () => consumer.wake());
  try {
    await tell({ name: 'startup_complete' });
    consumer.subscribe({ topics: [topic] }, {
      onAssigned: (partitions) => void tell({ name: 'partitions_assigned', partitions }),
      onRevoked: (partitions) => void tell({ name: 'partitions_revoked', partitions }),
    });
    await consume(consumer, options, environment, tell);
  } finally {
    await consumer.close();
    cluster.close();
    await tell({ name: 'shutdown_complete' });
  }
  return 0;
}

function settingsOf(options: Options): Map<string, string> {
  const settings = readSettings(options.value('command-config') ?? options.value('consumer.config'));
  const set = (name: string, value: string | undefined) => (value === undefined ? settings : settings.set(name, value));
  set('bootstrap.servers', bootstrapOf(options));
  set('group.id', required(options, 'group-id'));
  set('group.instance.id', options.value('group-instance-id'));
  if (options.value('group-protocol') === 'consumer') {
    set('group.protocol', 'consumer');
    set('group.remote.assignor', options.value('group-remote-assignor'));
  } else {
    set('session.timeout.ms', options.value('session-timeout'));
    set('partition.assignment.strategy', options.value('assignment-strategy'));
  }
  set('enable.auto.commit', String(options.has('enable-autocommit')));
  return set('auto.offset.reset', options.value('reset-policy'));
}

async function consume(consumer: Consumer, options: Options, { interrupted, terminal }: ToolEnvironment, tell: (event: Readonly<Record<string, unknown>>) => Promise<void>): Promise<void> {
  const max = options.number('max-messages') as number;
  let count = 0;
  while ((max < 0 || count < max) && !interrupted.aborted && !terminal.isGone) {
    const read: Read[] = [];
    await consumer.poll((topic, partition, record) => {
      read.push({ topic, partition, offset: record.offset, key: record.key()?.toString() ?? null, value: record.value()?.toString() ?? null });
      return max < 0 || count + read.length < max;
    }, POLL_MS);
    if (read.length === 0) continue;
    count += read.length;
    const partitions = [...groupBy(read, ({ topic, partition }) => `${topic}/${partition}`).values()].map((list) => ({ first: list[0] as Read, last: list.at(-1) as Read, count: list.length }));
    if (options.has('verbose')) for (const record of read) await tell({ name: 'record_data', ...record });
    await tell({ name: 'records_consumed', count: read.length, partitions: partitions.map(({ first, last, count: size }) => ({ topic: first.topic, partition: first.partition, count: size, minOffset: first.offset, maxOffset: last.offset })) });
    if (!options.has('enable-autocommit')) await commit(consumer, partitions.map(({ last }) => ({ topic: last.topic, partition: last.partition, offset: last.offset + 1 })), tell);
  }
}

async function commit(consumer: Consumer, offsets: readonly { readonly topic: string; readonly partition: number; readonly offset: number }[], tell: (event: Readonly<Record<string, unknown>>) => Promise<void>): Promise<void> {
  try {
    await consumer.commit(offsets);
    await tell({ name: 'offsets_committed', offsets, success: true });
  } catch (error) {
    await tell({ name: 'offsets_committed', offsets, success: false, error: failureText(error) });
  }
}
