import { Consumer } from '../../client/consumer/consumer.ts';
import type { RecordCursor } from '../../record/iterate.ts';
import { connect } from '../connect.ts';
import { failureText } from '../failure.ts';
import type { Options } from '../options.ts';
import type { Terminal } from '../terminal.ts';
import type { Tool, ToolEnvironment } from '../tool.ts';
import { consumerToolOptions } from './options.ts';
import { OutputBuffer } from './outputBuffer.ts';
import { requestOf, type ConsumeRequest } from './request.ts';
/** Longest poll, so that waiting for the end of --timeout-ms is exact enough. */
const POLL_MS = 1000;
/** Printed as soon as so much has gathered. */
const OUTPUT_BYTES = 1024 * 1024;

export const consumerTool: Tool = {
  name: 'kafka-console-consumer',
  purpose: 'This tool helps to read data from Kafka topics and outputs it to standard output.',
  options: consumerToolOptions,
  replacements: {
    zookeeper: 'records come from a broker, not from ZooKeeper: type --bootstrap-server HOST:PORT (as localhost:9092) instead of --zookeeper',
    whitelist: 'type --include instead of --whitelist',
    'new-consumer': 'leave it out',
  },
  run,
};

async function run(options: Options, environment: ToolEnvironment): Promise<number> {
  const request = requestOf(options);
  const { terminal, interrupted } = environment;
  for (const warning of request.warnings) terminal.complain(warning, 'warning');
  const cluster = connect(request.client.cluster, environment);
  const consumer = new Consumer(cluster, request.client.options);
  const printing = new Printing(request, terminal);
  interrupted.addEventListener('abort', () => consumer.wake());
  let code = 0;
  try {
    if ('partition' in request.source) consumer.assign([request.source.partition]);
    else consumer.subscribe(request.source);
    await consume(consumer, request, printing, environment);
  } catch (error) {
    terminal.complain(`ERROR Error processing message, terminating consumer process: ${failureText(error)}`);
    code = 1;
  } finally {
    await consumer.close();
    cluster.close();
  }
  await printing.flush();
  terminal.complain(`Processed a total of ${printing.count} messages`);
  if (options.has('enable-systest-events')) await terminal.print('shutdown_complete\n');
  return code;
}

/** Until enough was printed, nobody reads it, nothing came for too long, or the user stops. */
async function consume(consumer: Consumer, { messagesMax, timeoutMs }: ConsumeRequest, printing: Printing, { terminal, clock, interrupted }: ToolEnvironment): Promise<void> {
  let lastMs = clock.monotonicMs();
  while (printing.count < messagesMax && !terminal.isGone && !interrupted.aborted) {
    const leftMs = lastMs + timeoutMs - clock.monotonicMs();
    const count = await consumer.poll(printing.onRecord, Math.max(Math.min(POLL_MS, leftMs), 0));
    await printing.flush();
    const now = clock.monotonicMs();
    if (count > 0) lastMs = now;
    else if (now - lastMs >= timeoutMs) {
      terminal.complain(`ERROR Error processing message, terminating consumer process: no message within ${timeoutMs} ms (org.apache.kafka.common.errors.TimeoutException)`);
      return;
    }
  }
}

class Printing {
  readonly #request: ConsumeRequest;
  readonly #terminal: Terminal;
  readonly #output: OutputBuffer;
  count = 0;

  constructor(request: ConsumeRequest, terminal: Terminal) {
    this.#request = request;
    this.#terminal = terminal;
    this.#output = new OutputBuffer((line) => terminal.complain(line));
  }

  /** Stops the poll when enough was taken, or enough waits to be printed. */
  readonly onRecord = (topic: string, partition: number, record: RecordCursor): boolean => {
    const output = this.#output;
    this.count += 1;
    output.mark();
    try {
      this.#request.format(output, topic, partition, record);
    } catch (error) {
      output.takeBack();
      if (!this.#request.skipsErrors) throw error;
      this.#terminal.complain(`ERROR Error processing message, skipping this message: ${failureText(error)}`);
    }
    return this.count < this.#request.messagesMax && output.lengthBytes < OUTPUT_BYTES;
  };

  async flush(): Promise<void> {
    if (this.#output.lengthBytes > 0) await this.#terminal.print(this.#output.take());
  }
}
