import { Consumer } from '../../client/consumer/consumer.ts';
import type { RecordCursor } from '../../record/iterate.ts';
import { consumerOptions } from '../../client/settings/consumerOptions.ts';
import { jsonOption, printJson } from '../adminTool.ts';
import { connect, bootstrapOf } from '../connect.ts';
import type { Options } from '../options.ts';
import { Progress } from '../progress.ts';
import { parseKeyValues, readSettings } from '../settings.ts';
import { wholeMatch } from '../topicFilter.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { ToolError, UsageError } from '../toolError.ts';
import { formatDate } from './dates.ts';

const MEBIBYTE = 1024 * 1024;
const POLL_MS = 100;
const COLUMNS = ['data.consumed.in.MB', 'MB.sec', 'data.consumed.in.nMsg', 'nMsg.sec', 'rebalance.time.ms', 'fetch.time.ms', 'fetch.MB.sec', 'fetch.nMsg.sec'];

export const consumerPerfTool: Tool = {
  name: 'kafka-consumer-perf-test',
  purpose: 'This tool is used to verify the consumer performance.',
  options: [
    { name: 'bootstrap-server', argument: 'host:port', description: 'REQUIRED: The broker(s) to connect to, as HOST1:PORT1,HOST2:PORT2.' },
    { name: 'broker-list', argument: 'host:port', description: 'Another name of --bootstrap-server.' },
    { name: 'topic', argument: 'topic', description: 'The topic to consume from; or --include.' },
    { name: 'include', argument: 'regex', description: 'Topics to consume from: a regular expression.' },
    { name: 'num-records', argument: 'count', type: 'long', description: 'REQUIRED: How many messages to consume.' },
    { name: 'messages', argument: 'count', type: 'long', description: 'DEPRECATED: Another name of --num-records.' },
    { name: 'group', argument: 'group', description: 'The group to be a member of (default: a new one).' },
    { name: 'from-latest', description: 'Without a committed offset, begin with the latest message, not the earliest.' },
    { name: 'fetch-size', argument: 'bytes', type: 'integer', default: '1048576', description: 'How much one fetch takes from a partition.' },
    { name: 'socket-buffer-size', argument: 'bytes', type: 'integer', default: '2097152', description: 'Without effect: the system chooses.' },
    { name: 'threads', argument: 'count', type: 'integer', description: 'Without effect: there is one consumer.' },
    { name: 'num-fetch-threads', argument: 'count', type: 'integer', description: 'Without effect: there is one consumer.' },
    { name: 'timeout', argument: 'ms', type: 'long', default: '10000', description: 'End when nothing came for this long.' },
    { name: 'reporting-interval', argument: 'ms', type: 'integer', default: '5000', description: 'With --show-detailed-stats, how often a line is printed.' },
    { name: 'show-detailed-stats', description: 'Print a line for each interval.' },
    { name: 'hide-header', description: 'Leave the header out.' },
    { name: 'print-metrics', description: 'Print the metrics of the consumer at the end.' },
    { name: 'date-format', argument: 'format', default: 'yyyy-MM-dd HH:mm:ss:SSS', description: "How times are printed, in Java's letters." },
    { name: 'command-property', argument: 'key=value', isList: true, description: 'Settings of the consumer.' },
    { name: 'command-config', argument: 'file', description: 'A properties file with settings of the consumer.' },
    { name: 'consumer.config', argument: 'file', description: 'DEPRECATED: Another name of --command-config.' },
    jsonOption,
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const countMax = options.number('num-records') ?? options.number('messages');
  if (countMax === undefined || (options.has('num-records') && options.has('messages'))) throw new UsageError('Exactly one of the following arguments is required: [num-records], [messages]');
  if (options.has('messages') && !options.has('json')) await environment.terminal.print('Warning: --messages is deprecated. Use --num-records instead.\n');
  if (options.has('topic') === options.has('include')) throw new UsageError('Exactly one of the following arguments is required: [topic], [include]');
  const client = consumerOptions(settingsOf(options, environment));
  for (const warning of client.warnings) environment.terminal.complain(warning, 'warning');
  const cluster = connect(client.cluster, environment);
  const consumer = new Consumer(cluster, client.options);
  environment.interrupted.addEventListener('abort', () => consumer.wake());
  const test = new PerfRun(options, environment);
  const sayTimeout = async (line: string) => (options.has('json') ? environment.terminal.complain(line, 'warning') : environment.terminal.print(`${line}\n`));
  try {
    await test.header();
    consumer.subscribe(options.has('topic') ? { topics: [options.value('topic') as string] } : { matches: wholeMatch(options.value('include') as string) }, {
      onAssigned: () => test.onAssigned(),
      onRevoked: () => test.onRevoked(),
    });
    await test.consume(consumer, countMax);
    if (test.count < countMax && !environment.interrupted.aborted) await sayTimeout(`WARNING: Exiting before consuming the expected number of records: timeout (${options.value('timeout')} ms) exceeded. You can use the --timeout option to increase the timeout.`);
    await test.footer();
    if (options.has('print-metrics')) await environment.terminal.print(`consumer-metrics:records-consumed : ${test.count}\nconsumer-metrics:bytes-consumed : ${test.bytes}\n`);
  } finally {
    await consumer.close();
    cluster.close();
  }
  return 0;
}

function settingsOf(options: Options, { random }: ToolEnvironment): Map<string, string> {
  const settings = readSettings(options.value('command-config') ?? options.value('consumer.config'));
  for (const [name, value] of parseKeyValues(options.values('command-property'))) settings.set(name, value);
  settings.set('bootstrap.servers', bootstrapOf(options));
  settings.set('group.id', options.value('group') ?? settings.get('group.id') ?? `perf-consumer-${Math.floor(random.next() * 100_000)}`);
  settings.set('max.partition.fetch.bytes', options.value('fetch-size') as string);
  settings.set('auto.offset.reset', options.has('from-latest') ? 'latest' : 'earliest');
  settings.set('check.crcs', 'false');
  return settings;
}

class PerfRun {
  readonly #options: Options;
  readonly #environment: ToolEnvironment;
  readonly #format: (ms: number) => string;
  readonly #startMs: number;
  /** Since when the group has been finding its way; null: it has. */
  #joiningMs: number | null;
  #joinedMs = 0;
  #last: { ms: number; bytes: number; count: number; joinedMs: number };
  bytes = 0;
  count = 0;

  constructor(options: Options, environment: ToolEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.#format = formatDate(options.value('date-format') as string);
    this.#startMs = environment.clock.now();
    this.#joiningMs = this.#startMs;
    this.#last = { ms: this.#startMs, bytes: 0, count: 0, joinedMs: 0 };
    if ((options.number('reporting-interval') as number) <= 0) throw new ToolError('Reporting interval must be greater than 0.');
  }

  onAssigned(): void {
    if (this.#joiningMs !== null) this.#joinedMs += this.#environment.clock.now() - this.#joiningMs;
    this.#joiningMs = null;
  }

  onRevoked(): void {
    this.#joiningMs ??= this.#environment.clock.now();
  }

  async header(): Promise<void> {
    if (this.#options.has('hide-header') || this.#options.has('json')) return;
    const times = this.#options.has('show-detailed-stats') ? ['time', 'threadId'] : ['start.time', 'end.time'];
    await this.#environment.terminal.print(`${[...times, ...COLUMNS].join(', ')}\n`);
  }

  async consume(consumer: Consumer, countMax: number): Promise<void> {
    const { clock, interrupted, terminal } = this.#environment;
    const timeoutMs = this.#options.number('timeout') as number;
    const onRecord = (_topic: string, _partition: number, record: RecordCursor): boolean => {
      this.count += 1;
      this.bytes += Math.max(record.keyLength, 0) + Math.max(record.valueLength, 0);
      return true;
    };
    const progress = new Progress(terminal, clock, countMax, 'records');
    let lastMs = clock.now();
    while (this.count < countMax && clock.now() - lastMs <= timeoutMs && !interrupted.aborted && !terminal.isGone) {
      if (await consumer.poll(onRecord, POLL_MS) === 0) continue;
      lastMs = clock.now();
      progress.at(this.count);
      if (this.#options.has('show-detailed-stats') && !this.#options.has('json') && clock.now() - this.#last.ms >= (this.#options.number('reporting-interval') as number)) await this.#line();
    }
  }

  async #line(): Promise<void> {
    const now = this.#environment.clock.now();
    const { ms, bytes, count, joinedMs } = this.#last;
    await this.#environment.terminal.print(`${[this.#format(now), '0', ...this.#rates(now - ms, this.bytes - bytes, this.count - count, this.#joinedMs - joinedMs)].join(', ')}\n`);
    this.#last = { ms: now, bytes: this.bytes, count: this.count, joinedMs: this.#joinedMs };
  }

  async footer(): Promise<void> {
    if (this.#options.has('json')) return this.#json();
    if (this.#options.has('show-detailed-stats')) return;
    const now = this.#environment.clock.now();
    const cells = this.#rates(now - this.#startMs, this.bytes, this.count, this.#joinedMs);
    await this.#environment.terminal.print(`${[this.#format(this.#startMs), this.#format(now), ...cells].join(', ')}\n`);
  }

  #json(): Promise<void> {
    const elapsedMs = this.#environment.clock.now() - this.#startMs;
    const fetchMs = Math.max(elapsedMs - this.#joinedMs, 1);
    const perSecond = (amount: number, ms: number) => (amount * 1000) / Math.max(ms, 1);
    const megabytes = this.bytes / MEBIBYTE;
    return printJson(this.#environment, {
      records: this.count, megabytes, elapsedMs, rebalanceMs: this.#joinedMs, fetchMs, recordsPerSecond: perSecond(this.count, elapsedMs), megabytesPerSecond: perSecond(megabytes, elapsedMs),
      fetchRecordsPerSecond: perSecond(this.count, fetchMs), fetchMegabytesPerSecond: perSecond(megabytes, fetchMs),
    });
  }

  #rates(elapsedMs: number, bytes: number, count: number, joinedMs: number): string[] {
    const megabytes = this.bytes / MEBIBYTE;
    const fetchMs = Math.max(elapsedMs - joinedMs, 1);
    const perSecond = (amount: number, ms: number) => ((amount * 1000) / Math.max(ms, 1)).toFixed(4);
    return [
      megabytes.toFixed(4), perSecond(bytes / MEBIBYTE, elapsedMs), String(this.count), perSecond(count, elapsedMs), String(joinedMs), String(fetchMs), perSecond(bytes / MEBIBYTE, fetchMs), perSecond(count, fetchMs),
    ];
  }
}
