import { createTopics, listTopics } from '../../client/admin/topics.ts';
import { throwFirst } from '../../client/admin/outcome.ts';
import { Consumer } from '../../client/consumer/consumer.ts';
import type { Cluster } from '../../client/core/cluster.ts';
import { Producer } from '../../client/producer/producer.ts';
import { consumerOptions } from '../../client/settings/consumerOptions.ts';
import { producerOptions } from '../../client/settings/producerOptions.ts';
import { jsonOption, printJson } from '../adminTool.ts';
import { connect } from '../connect.ts';
import type { Options } from '../options.ts';
import { Progress } from '../progress.ts';
import { readSettings } from '../settings.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { randomPayload } from './payloads.ts';

const TIMEOUT_MS = 60_000;
const REPORT_EVERY = 1000;
const NAMES = ['bootstrap-server', 'topic', 'num-records', 'producer-acks', 'record-size', 'command-config'] as const;

export const endToEndTool: Tool = {
  name: 'kafka-e2e-latency',
  purpose: 'This tool measures end-to-end latency in Kafka by sending messages and timing their reception.',
  words: '[bootstrap-server topic num-records producer-acks record-size [config-file]]',
  options: [
    { name: 'bootstrap-server', argument: 'host:port', description: 'REQUIRED: The broker(s) to connect to, as HOST1:PORT1,HOST2:PORT2.' },
    { name: 'topic', argument: 'topic', description: 'REQUIRED: The topic to use for the test.' },
    { name: 'num-records', argument: 'count', type: 'integer', description: 'REQUIRED: The number of messages to send.' },
    { name: 'producer-acks', argument: 'acks', description: "REQUIRED: '1' or 'all'." },
    { name: 'record-size', argument: 'bytes', type: 'integer', description: 'REQUIRED: The size of each message.' },
    { name: 'record-key-size', argument: 'bytes', type: 'integer', default: '0', description: 'The size of the key; 0: no key.' },
    { name: 'num-headers', argument: 'count', type: 'integer', default: '0', description: 'The number of headers of each message.' },
    { name: 'record-header-key-size', argument: 'bytes', type: 'integer', default: '0', description: "The size of a header's key." },
    { name: 'record-header-size', argument: 'bytes', type: 'integer', default: '0', description: "The size of a header's value; -1: null." },
    { name: 'command-config', argument: 'file', description: 'A properties file with settings of the clients.' },
    jsonOption,
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const value = valuesOf(options, environment);
  const acks = value('producer-acks');
  if (acks !== '1' && acks !== 'all') throw new UsageError("Latency testing requires synchronous acknowledgement. Please use '1' or 'all' for --producer-acks.");
  const count = Number(value('num-records'));
  const settings = readSettings(options.value('command-config') ?? options.words[5]).set('bootstrap.servers', value('bootstrap-server'));
  const produced = producerOptions(new Map([...settings, ['linger.ms', '0'], ['max.block.ms', '9223372036854775807'], ['acks', acks]]));
  const consumed = consumerOptions(new Map([...settings, ['auto.offset.reset', 'latest'], ['enable.auto.commit', 'false'], ['fetch.max.wait.ms', '0']]));
  const cluster = connect({ ...consumed.cluster }, environment);
  const producer = new Producer(cluster, { ...produced.options, maxBlockMs: TIMEOUT_MS }, () => {});
  const consumer = new Consumer(cluster, consumed.options);
  try {
    const partitions = await ensureTopic(cluster, value('topic'), options, environment);
    consumer.assign(Array.from({ length: partitions }, (_, partition) => ({ topic: value('topic'), partition, start: 'latest' as const })));
    await producer.prepare(value('topic'));
    await report(await measure(producer, consumer, { topic: value('topic'), count, sizeBytes: Number(value('record-size')), options }, environment), options, environment);
  } finally {
    await producer.close(0);
    await consumer.close();
    cluster.close();
  }
  return 0;
}

/** Options, or the older words in their order. */
function valuesOf(options: Options, { terminal }: ToolEnvironment): (name: (typeof NAMES)[number]) => string {
  if (options.words.length > 0) terminal.complain(`WARNING: Positional argument usage is deprecated and will be removed in Apache Kafka 5.0. Please use named arguments instead: ${NAMES.map((name) => `--${name}`).join(', ')}`);
  return (name) => {
    const value = options.value(name) ?? options.words[NAMES.indexOf(name)];
    if (value === undefined) throw new UsageError(`Missing required argument "[${name}]"`);
    if ((name === 'num-records' || name === 'record-size') && !/^\d{1,9}$/.test(value)) throw new UsageError(`Value for --${name} must be a positive integer.`);
    return value;
  };
}

async function ensureTopic(cluster: Cluster, topic: string, options: Options, { terminal }: ToolEnvironment): Promise<number> {
  if (!(await listTopics(cluster)).some(({ name }) => name === topic)) {
    if (!options.has('json')) await terminal.print(`Topic "${topic}" does not exist. Will create topic with 1 partition(s) and replication factor = 1\n`);
    throwFirst(await createTopics(cluster, [{ topic, partitions: 1, replicationFactor: 1 }]));
  }
  return (await cluster.retrying(() => cluster.leadersOf(topic))).length;
}

interface Test {
  readonly topic: string;
  readonly count: number;
  readonly sizeBytes: number;
  readonly options: Options;
}

/** Sends one message at a time and waits until it comes back. Milliseconds each. */
async function measure(producer: Producer, consumer: Consumer, test: Test, environment: ToolEnvironment): Promise<number[]> {
  const { clock, random, terminal, interrupted } = environment;
  const { options } = test;
  const size = (name: string) => options.number(name) as number;
  const headers = Array.from({ length: size('num-headers') }, () => ({
    key: randomPayload(random, size('record-header-key-size')).toString(), value: size('record-header-size') < 0 ? null : randomPayload(random, size('record-header-size')),
  }));
  // positions are found before the first message is sent
  await consumer.poll(() => true, 1000);
  const latencies: number[] = [];
  const progress = new Progress(terminal, clock, test.count, 'records');
  for (let index = 0; index < test.count && !interrupted.aborted; index++) {
    const value = randomPayload(random, test.sizeBytes);
    const key = size('record-key-size') > 0 ? randomPayload(random, size('record-key-size')) : null;
    const startMs = clock.monotonicMs();
    producer.send({ topic: test.topic, key, value, headers });
    producer.sendNow(test.topic);
    await comesBack(consumer, value, environment);
    progress.at(index);
    latencies.push(clock.monotonicMs() - startMs);
    if (index % REPORT_EVERY === 0 && !options.has('json')) await terminal.print(`${index}\t${(latencies.reduce((sum, ms) => sum + ms, 0) / latencies.length).toFixed(6)}\n`);
  }
  return latencies;
}

async function comesBack(consumer: Consumer, sent: Buffer, { clock, interrupted }: ToolEnvironment): Promise<void> {
  const deadlineMs = clock.monotonicMs() + TIMEOUT_MS;
  let found: Buffer | null = null;
  while (found === null && !interrupted.aborted) {
    await consumer.poll((_topic, _partition, record) => {
      found = Buffer.from(record.value() ?? '');
      return false;
    }, 1000);
    if (clock.monotonicMs() > deadlineMs) throw new ToolError(`poll() timed out before finding a result (timeout:[${TIMEOUT_MS}ms])`);
  }
  if (found !== null && !sent.equals(found)) throw new ToolError(`The message value read [${String(found)}] did not match the message value sent [${sent.toString()}]`);
}

async function report(latencies: readonly number[], options: Options, environment: ToolEnvironment): Promise<void> {
  const sorted = [...latencies].sort((a, b) => a - b);
  const at = (share: number) => Math.floor(sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? 0);
  const average = sorted.reduce((sum, ms) => sum + ms, 0) / Math.max(sorted.length, 1);
  if (options.has('json')) return printJson(environment, { records: sorted.length, averageMs: average, p50Ms: at(0.5), p99Ms: at(0.99), p999Ms: at(0.999) });
  await environment.terminal.print(`Avg latency: ${average.toFixed(4)} ms\nPercentiles: 50th = ${at(0.5)}, 99th = ${at(0.99)}, 99.9th = ${at(0.999)}\n`);
}
