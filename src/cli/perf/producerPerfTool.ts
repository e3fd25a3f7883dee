import { Producer } from '../../client/producer/producer.ts';
import type { DeliverySink } from '../../client/producer/delivery.ts';
import { producerOptions } from '../../client/settings/producerOptions.ts';
import { jsonOption, printJson } from '../adminTool.ts';
import { connect } from '../connect.ts';
import { failureText } from '../failure.ts';
import type { Options } from '../options.ts';
import { Progress } from '../progress.ts';
import { parseKeyValues, readSettings } from '../settings.ts';
import { required, type Tool, type ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { Latencies } from './latencies.ts';
import { randomPayload, readPayloads } from './payloads.ts';
import { Throttle } from './throttle.ts';

const MEBIBYTE = 1024 * 1024;

export const producerPerfTool: Tool = {
  name: 'kafka-producer-perf-test',
  purpose: 'This tool is used to verify the producer performance. To enable transactions, you can specify a transaction id or set a transaction duration using --transaction-duration-ms.',
  words: '',
  options: [
    { name: 'bootstrap-server', argument: 'host:port', description: 'The broker(s) to connect to; or bootstrap.servers among the settings.' },
    { name: 'topic', argument: 'topic', description: 'REQUIRED: Produce messages to this topic.' },
    { name: 'num-records', argument: 'count', type: 'long', description: 'REQUIRED: How many messages.' },
    { name: 'record-size', argument: 'bytes', type: 'integer', description: 'The size of a message; or --payload-file, or --payload-monotonic.' },
    { name: 'payload-file', argument: 'file', description: 'A file with messages, of which one is picked at random each time.' },
    { name: 'payload-delimiter', argument: 'text', default: '\\n', description: 'What stands between the messages of the file.' },
    { name: 'payload-monotonic', description: 'Messages are the numbers from 0 on.' },
    { name: 'throughput', argument: 'count', type: 'long', description: 'REQUIRED: Messages a second; -1: as many as can be.' },
    { name: 'producer-props', argument: 'key=value', isList: true, description: 'DEPRECATED: Settings of the producer, any number of words. Use --command-property.' },
    { name: 'command-property', argument: 'key=value', isList: true, description: 'Settings of the producer, any number of words.' },
    { name: 'producer.config', argument: 'file', description: 'DEPRECATED: A properties file with settings of the producer. Use --command-config.' },
    { name: 'command-config', argument: 'file', description: 'A properties file with settings of the producer.' },
    { name: 'print-metrics', description: 'Print the metrics of the producer at the end.' },
    { name: 'transactional-id', argument: 'id', description: 'Produce in transactions of this id.' },
    { name: 'transaction-duration-ms', argument: 'ms', type: 'long', description: 'How long a transaction is kept open (default: 3000).' },
    { name: 'warmup-records', argument: 'count', type: 'long', default: '0', description: 'The first so many messages do not count for the last line.' },
    { name: 'reporting-interval', argument: 'ms', type: 'integer', default: '5000', description: 'How often a line is printed.' },
    jsonOption,
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const plan = planOf(options, environment);
  for (const warning of plan.client.warnings) environment.terminal.complain(warning, 'warning');
  const cluster = connect(plan.client.cluster, environment);
  const transaction = plan.transactionalId === null ? {} : { transactionalId: plan.transactionalId };
  const producer = new Producer(cluster, { ...plan.client.options, ...transaction }, () => {});
  try {
    await produce(producer, plan, environment);
    if (options.has('print-metrics')) await environment.terminal.print(`${Object.entries(producer.metrics()).map(([name, value]) => `producer-metrics:${name} : ${value}`).join('\n')}\n`);
  } finally {
    await producer.close(environment.interrupted.aborted ? 0 : undefined);
    cluster.close();
  }
  return 0;
}

function planOf(options: Options, { random, terminal }: ToolEnvironment) {
  const topic = required(options, 'topic');
  required(options, 'num-records');
  required(options, 'throughput');
  if (options.has('producer-props')) terminal.complain('Option --producer-props has been deprecated and will be removed in a future version. Use --command-property instead.');
  if (options.has('producer.config')) terminal.complain('Option --producer.config has been deprecated and will be removed in a future version. Use --command-config instead.');
  const settings = readSettings(options.value('command-config') ?? options.value('producer.config'));
  for (const [name, value] of parseKeyValues([...options.values('producer-props'), ...options.values('command-property'), ...options.words])) settings.set(name, value);
  const servers = options.value('bootstrap-server') ?? settings.get('bootstrap.servers');
  if (servers === undefined) throw new UsageError('At least one of --bootstrap-server, --command-property, --producer-props, --producer.config or --command-config must be specified with the bootstrap servers.');
  settings.set('bootstrap.servers', servers);
  const isTransactional = options.has('transactional-id') || options.has('transaction-duration-ms') || settings.has('transactional.id');
  const transactionalId = isTransactional ? (options.value('transactional-id') ?? settings.get('transactional.id') ?? `performance-producer-${randomPayload(random, 16).toString()}`) : null;
  settings.delete('transactional.id');
  const recordCount = options.number('num-records') as number;
  if (recordCount < 1) throw new ToolError('--num-records should be greater than zero.');
  return {
    topic, recordCount, warmup: options.number('warmup-records') ?? 0, perSecond: options.number('throughput') as number, reportMs: options.number('reporting-interval') as number,
    payload: payloadOf(options, random), isJson: options.has('json'), transactionalId, transactionMs: options.number('transaction-duration-ms') ?? 3000, client: producerOptions(settings),
  };
}

type Plan = ReturnType<typeof planOf>;

function payloadOf(options: Options, random: ToolEnvironment['random']): (index: number) => Buffer {
  const chosen = ['record-size', 'payload-file', 'payload-monotonic'].filter((name) => options.has(name));
  if (chosen.length !== 1) throw new UsageError('one of the arguments --record-size --payload-file --payload-monotonic is required');
  if (options.has('payload-monotonic')) return (index) => Buffer.from(String(index));
  if (options.has('payload-file')) {
    const payloads = readPayloads(options.value('payload-file') as string, options.value('payload-delimiter') as string);
    return () => payloads[Math.floor(random.next() * payloads.length)] as Buffer;
  }
  const sizeBytes = options.number('record-size') as number;
  if (sizeBytes < 1) throw new UsageError('--record-size should be greater than zero.');
  const payload = randomPayload(random, sizeBytes);
  return () => payload;
}

async function produce(producer: Producer, plan: Plan, environment: ToolEnvironment): Promise<void> {
  const { clock, interrupted } = environment;
  const isTransactional = plan.transactionalId !== null;
  await producer.prepare(plan.topic);
  if (isTransactional) await producer.initTransactions();
  const stats = new Statistics(plan, environment);
  const throttle = new Throttle(clock, plan.perSecond);
  let transactionStartMs = -Infinity;
  let isOpen = false;
  for (let index = 0; index < plan.recordCount && !interrupted.aborted; index++) {
    if (isTransactional && !isOpen) {
      producer.beginTransaction();
      isOpen = true;
      transactionStartMs = clock.monotonicMs();
    }
    if (!producer.hasRoom) await producer.room();
    const value = plan.payload(index);
    stats.onSend(index, value.length);
    producer.send({ topic: plan.topic, key: null, value }, stats, index);
    if (isOpen && clock.monotonicMs() - transactionStartMs >= plan.transactionMs) {
      await producer.commitTransaction();
      isOpen = false;
    }
    const pause = throttle.wait(index + 1);
    if (pause !== null) await pause;
  }
  await producer.flush();
  if (isOpen) await producer.commitTransaction();
  await stats.report();
}

/** Latencies of all records, and of the ones since the last line. */
class Statistics implements DeliverySink {
  readonly #plan: Plan;
  readonly #environment: ToolEnvironment;
  readonly #sentMs: Float64Array;
  readonly #sizes: Int32Array;
  readonly #startMs: number;
  readonly #all = new Latencies();
  readonly #progress: Progress;
  #delivered = 0;
  #steadyMs = -1;
  #bytes = 0;
  #window = new Latencies();
  #windowBytes = 0;
  #windowMs: number;

  constructor(plan: Plan, environment: ToolEnvironment) {
    this.#plan = plan;
    this.#environment = environment;
    this.#sentMs = new Float64Array(plan.recordCount);
    this.#sizes = new Int32Array(plan.recordCount);
    this.#startMs = environment.clock.monotonicMs();
    this.#windowMs = this.#startMs;
    this.#progress = new Progress(environment.terminal, environment.clock, plan.recordCount, 'records');
  }

  onSend(index: number, sizeBytes: number): void {
    this.#sentMs[index] = this.#environment.clock.monotonicMs();
    this.#sizes[index] = sizeBytes;
    if (index === this.#plan.warmup) this.#steadyMs = this.#sentMs[index] as number;
  }

  settle(error: Error | null, _topic: string, _partition: number, _offset: number, index: number, count: number): void {
    if (error !== null) return this.#environment.terminal.complain(`ERROR ${failureText(error)}`);
    const now = this.#environment.clock.monotonicMs();
    for (let at = index; at < index + count; at++) {
      const ms = now - (this.#sentMs[at] as number);
      this.#window.add(ms);
      this.#windowBytes += this.#sizes[at] as number;
      if (at < this.#plan.warmup) continue;
      this.#all.add(ms);
      this.#bytes += this.#sizes[at] as number;
    }
    this.#delivered += count;
    this.#progress.at(this.#delivered);
    if (now - this.#windowMs >= this.#plan.reportMs) this.#reportWindow(now);
  }

  #reportWindow(now: number): void {
    const seconds = (now - this.#windowMs) / 1000;
    const { count, averageMs, maxMs } = this.#window;
    if (!this.#plan.isJson) void this.#environment.terminal.print(`${count} records sent, ${(count / seconds).toFixed(1)} records/sec (${(this.#windowBytes / seconds / MEBIBYTE).toFixed(2)} MB/sec), ${averageMs.toFixed(1)} ms avg latency, ${maxMs.toFixed(1)} ms max latency.\n`);
    this.#window = new Latencies();
    this.#windowBytes = 0;
    this.#windowMs = now;
  }

  async report(): Promise<void> {
    const all = this.#all;
    const seconds = (this.#environment.clock.monotonicMs() - Math.max(this.#steadyMs, this.#startMs)) / 1000;
    if (this.#plan.isJson) {
      const [p50Ms, p95Ms, p99Ms, p999Ms] = [0.5, 0.95, 0.99, 0.999].map((share) => all.percentile(share));
      const figures = { records: all.count, recordsPerSecond: all.count / seconds, megabytesPerSecond: this.#bytes / seconds / MEBIBYTE, averageMs: all.averageMs, maxMs: all.maxMs, p50Ms, p95Ms, p99Ms, p999Ms };
      return printJson(this.#environment, figures);
    }
    const percentiles = ([['50th', 0.5], ['95th', 0.95], ['99th', 0.99], ['99.9th', 0.999]] as const).map(([name, share]) => `${all.percentile(share)} ms ${name}`);
    await this.#environment.terminal.print(`${all.count} records sent, ${(all.count / seconds).toFixed(6)} records/sec (${(this.#bytes / seconds / MEBIBYTE).toFixed(2)} MB/sec), ${all.averageMs.toFixed(2)} ms avg latency, ${all.maxMs.toFixed(2)} ms max latency, ${percentiles.join(', ')}.\n`);
  }
}
