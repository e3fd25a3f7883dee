import { ClientError } from '../../client/core/clientError.ts';
import { Producer, type Delivery, type OutgoingRecord } from '../../client/producer/producer.ts';
import { producerOptions } from '../../client/settings/producerOptions.ts';
import { recordsOf } from '../../record/codecs.ts';
import { RecordCursor } from '../../record/iterate.ts';
import { bootstrapOf, connect } from '../connect.ts';
import { failureText } from '../failure.ts';
import { required, type Tool, type ToolEnvironment } from '../tool.ts';
import type { Options } from '../options.ts';
import { parseKeyValues, readSettings, refuseBoth } from '../settings.ts';
import type { Terminal } from '../terminal.ts';
import { ToolError } from '../toolError.ts';
import { LineReader, unknownReaderProperties } from './lineReader.ts';
import { LineSplitter } from './lineSplitter.ts';
import { LINE_READER, producerToolOptions, SETTING_OPTIONS } from './options.ts';

export const producerTool: Tool = {
  name: 'kafka-console-producer',
  purpose: 'This tool helps to read data from standard input and publish it to Kafka.',
  options: producerToolOptions,
  replacements: { zookeeper: 'records go to a broker, not to ZooKeeper: type --bootstrap-server HOST:PORT (as localhost:9092) instead of --zookeeper' },
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const topic = required(options, 'topic');
  const readerProperties = readerPropertiesOf(options);
  const reader = new LineReader(readerProperties);
  const { cluster: clusterSettings, options: settings, warnings } = producerOptions(producerSettingsOf(options));
  const { terminal, interrupted } = environment;
  for (const warning of [...warnings, ...unknownReaderProperties(readerProperties)]) terminal.complain(warning, 'warning');
  const cluster = connect(clusterSettings, environment);
  const sending = new Sending(terminal, topic, options.has('sync'), settings.requestSizeMaxBytes);
  const producer = new Producer(cluster, settings, (delivery) => sending.onDelivery(delivery));
  try {
    await sending.readLines(producer, reader, interrupted);
    await producer.close();
  } catch (error) {
    // what was sent before the bad line arrives all the same
    await producer.close();
    throw error;
  } finally {
    cluster.close();
  }
  return 0;
}

function readerPropertiesOf(options: Options): Map<string, string> {
  if (options.value('line-reader') !== LINE_READER) throw new ToolError(`--line-reader ${options.value('line-reader')}: there is no line reader but ${LINE_READER}`);
  refuseBoth(options, 'reader-property', 'property');
  const properties = readSettings(options.value('reader-config'));
  for (const [name, value] of parseKeyValues([...options.values('property'), ...options.values('reader-property')])) properties.set(name, value);
  return properties;
}

function producerSettingsOf(options: Options): Map<string, string> {
  refuseBoth(options, 'command-property', 'producer-property');
  refuseBoth(options, 'command-config', 'producer.config');
  const settings = readSettings(options.value('command-config') ?? options.value('producer.config'));
  for (const [name, value] of parseKeyValues([...options.values('producer-property'), ...options.values('command-property')])) settings.set(name, value);
  settings.set('bootstrap.servers', bootstrapOf(options));
  if (options.has('compression-codec')) settings.set('compression.type', options.value('compression-codec') || 'gzip');
  if (!settings.has('client.id')) settings.set('client.id', 'console-producer');
  for (const [setting, option] of SETTING_OPTIONS) if (options.has(option) || !settings.has(setting)) settings.set(setting, options.value(option) as string);
  return settings;
}

/** Reads lines and sends them, no faster than they go. */
class Sending {
  readonly #terminal: Terminal;
  readonly #topic: string;
  readonly #isSync: boolean;
  readonly #sizeMaxBytes: number;
  #syncFailure: Error | null = null;

  constructor(terminal: Terminal, topic: string, isSync: boolean, sizeMaxBytes: number) {
    this.#terminal = terminal;
    this.#topic = topic;
    this.#isSync = isSync;
    this.#sizeMaxBytes = sizeMaxBytes;
  }

  async readLines(producer: Producer, reader: LineReader, interrupted: AbortSignal): Promise<void> {
    const splitter = new LineSplitter(this.#sizeMaxBytes);
    let lines: OutgoingRecord[] = [];
    const onLine = (line: Buffer | null, lengthBytes: number): void => {
      if (line !== null) lines.push({ topic: this.#topic, ...reader.parse(line) });
      else this.#onLongLine(reader, lengthBytes);
    };
    // the lines before a bad one are sent
    const cut = async (act: () => void): Promise<void> => {
      let failure: unknown = null;
      try {
        act();
      } catch (error) {
        failure = error;
      }
      const records = lines;
      lines = [];
      await this.#sendAll(producer, records, interrupted);
      if (failure !== null) throw failure;
    };
    await this.#prompt();
    for await (const chunk of untilAborted(this.#terminal.input, interrupted)) {
      await cut(() => splitter.push(chunk, onLine));
      await this.#prompt();
    }
    if (!interrupted.aborted) await cut(() => splitter.end(onLine));
  }

  onDelivery({ error, batch }: Delivery): void {
    if (error === null) return;
    if (this.#isSync) {
      this.#syncFailure ??= error;
      return;
    }
    const cursor = new RecordCursor();
    cursor.open(batch, 0, recordsOf(batch, 0, Number.MAX_SAFE_INTEGER));
    while (cursor.next()) this.#complain(cursor.keyLength, cursor.valueLength, error);
  }

  async #sendAll(producer: Producer, records: readonly OutgoingRecord[], interrupted: AbortSignal): Promise<void> {
    for (const record of records) {
      if (interrupted.aborted) return;
      try {
        await producer.prepare(this.#topic);
        if (!producer.hasRoom) await producer.room();
        producer.send(record);
      } catch (error) {
        if (!(error instanceof Error) || this.#isSync) throw error;
        this.#complain(record.key?.length ?? -1, record.value?.length ?? -1, error);
      }
      if (this.#isSync) await this.#deliver(producer);
    }
  }

  async #deliver(producer: Producer): Promise<void> {
    await producer.flush();
    if (this.#syncFailure !== null) throw new ToolError(`ERROR ${failureText(this.#syncFailure)}`);
  }

  #onLongLine(reader: LineReader, lengthBytes: number): void {
    reader.skip();
    const error = new ClientError('RECORD_TOO_LARGE', `The message is ${lengthBytes} bytes which is larger than ${this.#sizeMaxBytes}, which is the value of the max.request.size configuration.`);
    if (this.#isSync) throw error;
    this.#complain(-1, lengthBytes, error);
  }

  /** Lengths of -1 stand for null. */
  #complain(keyBytes: number, valueBytes: number, error: Error): void {
    const size = (bytes: number) => (bytes < 0 ? 'null' : `${bytes} bytes`);
    this.#terminal.complain(`ERROR Error when sending message to topic ${this.#topic} with key: ${size(keyBytes)}, value: ${size(valueBytes)} with error:\n${failureText(error)}`);
  }

  async #prompt(): Promise<void> {
    if (this.#terminal.isInteractive) await this.#terminal.print('>');
  }
}

/** The stream's chunks; ends quietly when the signal comes. */
async function* untilAborted(input: NodeJS.ReadableStream, signal: AbortSignal): AsyncGenerator<Buffer> {
  const stop = () => (input as { destroy?: () => void }).destroy?.();
  if (signal.aborted) return;
  signal.addEventListener('abort', stop);
  try {
    for await (const chunk of input) yield chunk as Buffer;
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
