import { ShareConsumer, type SharedRecord } from '../../client/api/shareConsumer.ts';
import { bytes } from '../../client/api/serdes.ts';
import { consumerOptions } from '../../client/settings/consumerOptions.ts';
import { connect, bootstrapOf } from '../connect.ts';
import { failureText } from '../failure.ts';
import { formatterOf, unknownFormatterProperties, type Formatter, type PrintableRecord } from '../consumer/formatter.ts';
import { consumerToolOptions } from '../consumer/options.ts';
import { OutputBuffer } from '../consumer/outputBuffer.ts';
import { formatterPropertiesOf } from '../consumer/request.ts';
import type { Options } from '../options.ts';
import { parseKeyValues, readSettings, refuseBoth } from '../settings.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { UsageError } from '../toolError.ts';

const POLL_MS = 500;
const DEFAULT_GROUP = 'console-share-consumer';
/** Options that mean the same to both console consumers. */
const SHARED = ['bootstrap-server', 'topic', 'max-messages', 'timeout-ms', 'enable-systest-events', 'formatter', 'formatter-property', 'property', 'formatter-config', 'key-deserializer', 'value-deserializer', 'command-property', 'consumer-property', 'command-config'];

export const shareConsumerTool: Tool = {
  name: 'kafka-console-share-consumer',
  purpose: 'This tool helps to read data from Kafka topics using share groups and outputs it to standard output.',
  options: [
    ...consumerToolOptions.filter(({ name }) => SHARED.includes(name)),
    { name: 'group', argument: 'group', description: `The share group (default: ${DEFAULT_GROUP}).` },
    { name: 'release', description: 'Give every message back once it was printed.' },
    { name: 'reject', description: 'Reject every message once it was printed.' },
    { name: 'reject-message-on-error', description: 'Reject a message that cannot be printed, and go on.' },
    { name: 'consumer-config', argument: 'file', description: 'Older name of --command-config.' },
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const { terminal } = environment;
  if (!options.has('topic')) throw new UsageError('--topic is a required argument');
  if (options.has('reject') && options.has('release')) throw new UsageError('At most one of --reject and --release may be specified.');
  const properties = formatterPropertiesOf(options);
  const format = formatterOf(options.value('formatter') as string, properties);
  const settings = settingsOf(options);
  const groupId = settings.get('group.id') as string;
  settings.delete('group.id');
  const client = consumerOptions(settings);
  for (const warning of [...client.warnings, ...unknownFormatterProperties(properties)]) terminal.complain(warning, 'warning');
  const cluster = connect(client.cluster, environment);
  const consumer = new ShareConsumer(cluster, { groupId, key: bytes, value: bytes, acknowledgement: 'explicit', fetchMaxBytes: client.options.fetchMaxBytes });
  const printing = new Printing(consumer, format, options, environment);
  let code = 0;
  try {
    consumer.subscribe([options.value('topic') as string]);
    await printing.consume();
  } catch (error) {
    terminal.complain(`ERROR Error processing message, terminating consumer process: ${failureText(error)}`);
    code = 1;
  } finally {
    await consumer.close();
    cluster.close();
  }
  terminal.complain(`Processed a total of ${printing.count} messages`);
  if (options.has('enable-systest-events')) await terminal.print('shutdown_complete\n');
  return code;
}

function settingsOf(options: Options): Map<string, string> {
  refuseBoth(options, 'command-property', 'consumer-property');
  refuseBoth(options, 'command-config', 'consumer-config');
  const settings = readSettings(options.value('command-config') ?? options.value('consumer-config'));
  const given = parseKeyValues([...options.values('consumer-property'), ...options.values('command-property')]);
  const groups = [...new Set([options.value('group'), settings.get('group.id'), given.get('group.id')].filter((group) => group !== undefined))];
  if (groups.length > 1) {
    throw new UsageError(`The group ids provided in different places (directly using '--group', via '--consumer-property', or via '--consumer-config') do not match. Detected group ids: ${groups.map((group) => `'${group}'`).join(', ')}`);
  }
  for (const [name, value] of given) settings.set(name, value);
  settings.set('group.id', groups[0] ?? DEFAULT_GROUP).set('bootstrap.servers', bootstrapOf(options));
  if (!settings.has('client.id')) settings.set('client.id', 'console-share-consumer');
  return settings;
}

type Shared = SharedRecord<Uint8Array | null, Uint8Array | null>;

class Printing {
  readonly #consumer: ShareConsumer<Uint8Array | null, Uint8Array | null>;
  readonly #format: Formatter;
  readonly #options: Options;
  readonly #environment: ToolEnvironment;
  readonly #output: OutputBuffer;
  count = 0;

  constructor(consumer: ShareConsumer<Uint8Array | null, Uint8Array | null>, format: Formatter, options: Options, environment: ToolEnvironment) {
    this.#consumer = consumer;
    this.#format = format;
    this.#options = options;
    this.#environment = environment;
    this.#output = new OutputBuffer((line) => environment.terminal.complain(line));
  }

  /** Until enough was printed, nobody reads it, nothing came for too long, or the user stops. */
  async consume(): Promise<void> {
    const { clock, interrupted, terminal } = this.#environment;
    const countMax = this.#options.number('max-messages') ?? -1;
    const timeoutMs = this.#options.number('timeout-ms') ?? -1;
    let lastMs = clock.monotonicMs();
    while ((countMax < 0 || this.count < countMax) && !interrupted.aborted && !terminal.isGone) {
      const records = await this.#consumer.poll(POLL_MS);
      for (const shared of records) {
        // what is beyond the count goes back to the group
        if (countMax >= 0 && this.count >= countMax) this.#acknowledge(shared, 'release');
        else this.#print(shared);
      }
      if (this.#output.lengthBytes > 0) await terminal.print(this.#output.take());
      if (records.length > 0) lastMs = clock.monotonicMs();
      else if (timeoutMs >= 0 && clock.monotonicMs() - lastMs >= timeoutMs) return;
    }
  }

  #print(shared: Shared): void {
    const { topic, partition } = shared.record;
    this.count += 1;
    this.#output.mark();
    try {
      this.#format(this.#output, topic, partition, printable(shared));
      this.#acknowledge(shared, this.#options.has('release') ? 'release' : this.#options.has('reject') ? 'reject' : 'accept');
    } catch (error) {
      this.#output.takeBack();
      if (!this.#options.has('reject-message-on-error')) throw error;
      this.#acknowledge(shared, 'reject');
      this.#environment.terminal.complain(`ERROR Error processing message, rejecting this message: ${failureText(error)}`);
    }
  }

  #acknowledge({ record: { topic, partition, offset } }: Shared, type: 'accept' | 'release' | 'reject'): void {
    this.#consumer.acknowledge({ topic, partition, offset }, type);
  }
}

function printable({ record, deliveryCount }: Shared): PrintableRecord {
  const key = record.keyBytes;
  const value = record.valueBytes;
  const keyLength = key?.length ?? -1;
  const headers = record.headers;
  return {
    bytes: Buffer.concat([key ?? Buffer.alloc(0), value ?? Buffer.alloc(0)]), keyStart: 0, keyLength, valueStart: Math.max(keyLength, 0), valueLength: value?.length ?? -1, headerCount: headers.length,
    offset: record.offset, timestampMs: record.timestampMs, hasAppendTime: false, headers: () => headers, key: () => key, value: () => value, deliveryCount,
  };
}
