import { Producer } from '../../client/producer/producer.ts';
import type { DeliverySink } from '../../client/producer/delivery.ts';
import { producerOptions } from '../../client/settings/producerOptions.ts';
import { bootstrapOf, connect } from '../connect.ts';
import { failureText } from '../failure.ts';
import type { Options } from '../options.ts';
import { readSettings } from '../settings.ts';
import { required, type Tool, type ToolEnvironment } from '../tool.ts';
import { Throttle } from './throttle.ts';

export const verifiableProducerTool: Tool = {
  name: 'kafka-verifiable-producer',
  purpose: 'This tool produces increasing integers to the specified topic and prints JSON metadata to stdout on each "send" request, making externally visible which messages have been acked and which have not.',
  options: [
    { name: 'bootstrap-server', argument: 'host:port', description: 'REQUIRED: The broker(s) to connect to.' },
    { name: 'broker-list', argument: 'host:port', description: 'Another name of --bootstrap-server.' },
    { name: 'topic', argument: 'topic', description: 'REQUIRED: Produce messages to this topic.' },
    { name: 'max-messages', argument: 'count', type: 'long', default: '-1', description: 'How many messages; -1: until the process is ended.' },
    { name: 'throughput', argument: 'count', type: 'long', default: '-1', description: 'Messages a second; -1: as many as can be.' },
    { name: 'acks', argument: 'acks', default: '-1', description: '0, 1 or -1.' },
    { name: 'producer.config', argument: 'file', description: 'DEPRECATED: Another name of --command-config.' },
    { name: 'command-config', argument: 'file', description: 'A properties file with settings of the producer.' },
    { name: 'message-create-time', argument: 'ms', type: 'long', default: '-1', description: 'The time of the first message; -1: now.' },
    { name: 'value-prefix', argument: 'number', type: 'integer', description: 'Values are `prefix.number`.' },
    { name: 'repeating-keys', argument: 'count', type: 'integer', description: 'Keys count from 0 up to below this, again and again.' },
  ],
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  required(options, 'topic');
  const settings = readSettings(options.value('command-config') ?? options.value('producer.config')).set('bootstrap.servers', bootstrapOf(options)).set('acks', options.value('acks') as string);
  // duplicates and losses are to be seen
  const client = producerOptions(settings.has('retries') ? settings : settings.set('retries', '0'));
  const cluster = connect(client.cluster, environment);
  const producer = new Producer(cluster, client.options, () => {});
  const test = new Verifiable(options, environment);
  try {
    await test.produce(producer);
  } finally {
    await producer.close();
    await test.end();
    cluster.close();
  }
  return 0;
}

class Verifiable implements DeliverySink {
  readonly #options: Options;
  readonly #environment: ToolEnvironment;
  readonly #startMs: number;
  readonly #topic: string;
  readonly #events: string[] = [];
  #sent = 0;
  #acked = 0;

  constructor(options: Options, environment: ToolEnvironment) {
    this.#options = options;
    this.#environment = environment;
    this.#topic = options.value('topic') as string;
    this.#startMs = environment.clock.now();
  }

  async produce(producer: Producer): Promise<void> {
    const { clock, interrupted, terminal } = this.#environment;
    await this.#tell({ name: 'startup_complete' });
    const max = this.#options.number('max-messages') as number;
    const createMs = this.#options.number('message-create-time') as number;
    await producer.prepare(this.#topic);
    const throttle = new Throttle(clock, this.#options.number('throughput') as number);
    for (let index = 0; (max < 0 || index < max) && !interrupted.aborted && !terminal.isGone; index++) {
      if (!producer.hasRoom) await producer.room();
      const timestampMs = createMs < 0 ? {} : { timestampMs: createMs + clock.now() - this.#startMs };
      producer.send({ topic: this.#topic, key: bytesOf(this.#keyOf(index)), value: Buffer.from(this.#valueOf(index)), ...timestampMs }, this, index);
      this.#sent += 1;
      const pause = throttle.wait(index + 1);
      if (pause !== null) await pause;
      if (this.#events.length > 0) await this.#flush();
    }
    await producer.flush();
    await this.#flush();
  }

  settle(error: Error | null, topic: string, partition: number, offset: number, index: number, count: number): void {
    for (let at = index; at < index + count; at++) {
      const record = { key: this.#keyOf(at), value: this.#valueOf(at) };
      if (error === null) {
        this.#acked += 1;
        this.#note({ name: 'producer_send_success', ...record, partition, offset: offset < 0 ? -1 : offset + at - index, topic });
      } else {
        this.#note({ name: 'producer_send_error', ...record, exception: error.name, message: failureText(error), topic });
      }
    }
  }

  async end(): Promise<void> {
    const { clock } = this.#environment;
    await this.#tell({ name: 'shutdown_complete' });
    const averageThroughput = (1000 * this.#acked) / Math.max(clock.now() - this.#startMs, 1);
    await this.#tell({ name: 'tool_data', sent: this.#sent, acked: this.#acked, target_throughput: this.#options.number('throughput'), avg_throughput: averageThroughput });
  }

  #keyOf(index: number): string | null {
    const repeating = this.#options.number('repeating-keys');
    return repeating === undefined ? null : String(index % repeating);
  }

  #valueOf(index: number): string {
    const prefix = this.#options.value('value-prefix');
    return prefix === undefined ? String(index) : `${prefix}.${index}`;
  }

  #note(event: Readonly<Record<string, unknown>>): void {
    this.#events.push(`${JSON.stringify({ timestamp: this.#environment.clock.now(), ...event })}\n`);
  }

  async #flush(): Promise<void> {
    await this.#environment.terminal.print(this.#events.splice(0).join(''));
  }

  async #tell(event: Readonly<Record<string, unknown>>): Promise<void> {
    this.#note(event);
    await this.#flush();
  }
}

const bytesOf = (text: string | null): Buffer | null => (text === null ? null : Buffer.from(text));
