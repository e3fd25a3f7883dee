import { PassThrough, type Readable } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { consumerTool } from '../../src/cli/consumer/consumerTool.ts';
import { producerTool } from '../../src/cli/producer/producerTool.ts';
import { topicsTool } from '../../src/cli/topics/topicsTool.ts';
import { RealNode } from '../client/support/realNode.ts';
import { run, type ToolRun, type ToolRunOptions } from './support/runTool.ts';

const node = new RealNode();
beforeAll(() => node.start());
afterAll(() => node.close());

const produce = (input: string | Readable, argv: readonly string[], options: ToolRunOptions = {}): Promise<ToolRun> =>
  run(producerTool, ['--bootstrap-server', node.address, '--timeout', '5', ...argv], { network: node.network, input, ...options });
const consume = (argv: readonly string[], options: ToolRunOptions = {}): Promise<ToolRun> => run(consumerTool, ['--bootstrap-server', node.address, ...argv], { network: node.network, ...options });
const read = async (topic: string, count: number, ...argv: string[]): Promise<string> => (await consume(['--topic', topic, '--from-beginning', '--max-messages', String(count), ...argv])).output;

describe('kafka-console-producer', () => {
  it('sends each line, the last one without an end too', async () => {
    expect(await produce('a\nb\n\nc', ['--topic', 'lines'])).toEqual({ code: 0, output: '', errors: '' });
    expect(await read('lines', 4)).toBe('a\nb\n\nc\n');
  });

  it('takes keys and headers from the line, by the old and the new name of the option', async () => {
    expect((await produce('k1-v1\nk2-v2\n', ['--topic', 'keys', '--property', 'parse.key=true', '--property', 'key.separator=-'])).code).toBe(0);
    expect((await produce('h:1\tk3\tNIL\n', ['--topic', 'keys', '--reader-property=parse.key=true', '--reader-property=parse.headers=true', '-reader-property', 'null.marker=NIL'])).code).toBe(0);
    expect(await read('keys', 3, '--property', 'print.key=true', '--formatter-config=/dev/null')).toBe('k1\tv1\nk2\tv2\nk3\tnull\n');
    expect(await read('keys', 3, '--formatter-property', 'print.headers=true', '--formatter-property', 'print.offset=true')).toBe('Offset:0\tNO_HEADERS\tv1\nOffset:1\tNO_HEADERS\tv2\nOffset:2\th:1\tnull\n');
  });

  it('sends what came before a line that it cannot read', async () => {
    const result = await produce('a-1\nb-2\nnokey\nc-3\n', ['--topic', 'broken', '--property', 'parse.key=true', '--property', 'key.separator=-']);
    expect(result).toEqual({ code: 1, output: '', errors: "No key separator found on line number 3: 'nokey'\n" });
    expect(await read('broken', 2)).toBe('1\n2\n');
  });

  it.each([['gzip', ['--compression-codec']], ['zstd', ['--compression-codec', 'zstd']], ['lz4', ['--compression-codec=lz4']], ['snappy', ['--producer-property', 'compression.type=snappy']], ['acks 0', ['--request-required-acks', '0']], ['sync', ['--sync']]])(
    'delivers with %s', async (name, argv) => {
      const topic = `codec-${name.replace(' ', '-')}`;
      const lines = Array.from({ length: 50 }, (_, index) => `line ${index} of many`).join('\n');
      expect(await produce(lines, ['--topic', topic, ...argv])).toEqual({ code: 0, output: '', errors: '' });
      expect(await read(topic, 50)).toBe(`${lines}\n`);
    });

  it('prints an ERROR for each message that does not arrive, and ends with 0 as Kafka does', async () => {
    const long = 'x'.repeat(1_100_000);
    const result = await produce(`${long}\nsmall\n`, ['--topic', 'large']);
    expect(result.code).toBe(0);
    expect(result.errors).toMatch(/^ERROR Error when sending message to topic large with key: null, value: 1100000 bytes with error:\nThe message is .* larger than 1048576/);
    expect(await read('large', 1)).toBe('small\n');
    await run(topicsTool, ['--bootstrap-server', node.address, '--create', '--topic', 'strict', '--config', 'max.message.bytes=100'], { network: node.network });
    const refused = await produce(`${'y'.repeat(200)}\nok\n`, ['--topic', 'strict']);
    expect(refused.errors).toContain('ERROR Error when sending message to topic strict with key: null, value: 200 bytes with error:\n');
    expect(await read('strict', 1)).toBe('ok\n');
    expect((await produce('x\n', ['--topic', 'bad topic'])).errors).toContain('ERROR Error when sending message to topic bad topic with key: null, value: 1 bytes with error:');
  });

  it('with --sync ends with 1 at the first one', async () => {
    const result = await produce(`${'y'.repeat(200)}\nok\n`, ['--topic', 'strict', '--sync']);
    expect(result.code).toBe(1);
    expect(result.errors).toContain('ERROR ');
  });

  it('waits for the broker as long as it is told, without connecting before there is a line', async () => {
    const nobody = ['--bootstrap-server', 'localhost:1', '--topic', 't', '--max-block-ms', '200', '--retry-backoff-ms', '20'];
    expect(await run(producerTool, nobody, { input: '' })).toEqual({ code: 0, output: '', errors: '' });
    const result = await run(producerTool, nobody, { input: 'a\n' });
    expect(result.code).toBe(0);
    expect(result.errors).toContain('Topic t not present in metadata after 200 ms.');
  });

  it('prompts a person, and stops at a signal after sending what was typed', async () => {
    const input = new PassThrough();
    const interruption = new AbortController();
    const result = run(producerTool, ['--bootstrap-server', node.address, '--topic', 'typed', '--timeout', '5'], { network: node.network, input, interrupted: interruption.signal, isInteractive: true });
    input.write('hello\n');
    await new Promise((resolve) => setTimeout(resolve, 50));
    interruption.abort();
    expect(await result).toEqual({ code: 0, output: '>>', errors: '' });
    expect(await read('typed', 1)).toBe('hello\n');
  });

  it.each([
    [['--topic', 't', '--linee-reader', 'x'], 'linee-reader is not a recognized option. Did you mean --line-reader?'],
    [[], 'Missing required argument "[topic]"'],
    [['--topic', 't', '--zookeeper', 'x'], 'type --bootstrap-server HOST:PORT'],
    [['--topic', 't', '--producer-property', 'delivery.timeout.ms=abc'], 'Invalid value abc for configuration delivery.timeout.ms: Not a number of type INT'],
    [['--topic', 't', '--compression-codec', 'zip'], 'Invalid value zip for configuration compression.type: String must be one of: none, gzip, snappy, lz4, zstd'],
    [['--topic', 't', '--request-required-acks', '5'], 'Invalid value 5 for configuration acks: String must be one of: all, -1, 0, 1'],
    [['--topic', 't', '--property', 'a=b', '--reader-property', 'a=b'], 'Options --reader-property and --property cannot be specified together.'],
    [['--topic', 't', '--command-property', 'security.protocol=SASL_SSL'], 'sasl.mechanism=GSSAPI is not supported by this client'],
    [['--topic', 't', '--command-property', 'enable.idempotence=true', '--request-required-acks', '1'], 'Must set acks to all'],
    [['--topic', 't', '--line-reader', 'my.Reader'], 'there is no line reader but'],
  ] as const)('%j is refused', async (argv, message) => {
    const result = await produce('', argv);
    expect(result.code).toBe(1);
    expect(result.errors).toContain(message);
    expect(result.errors).not.toContain('    at ');
  });

  it('warns of settings without effect', async () => {
    const result = await produce('', ['--topic', 't', '--producer-property', 'foo.bar=1', '--producer-property', 'liger.ms=1', '--producer-property', 'client.rack=a']);
    expect(result.code).toBe(0);
    expect(result.errors.split('\n')).toEqual(['The setting foo.bar is not known', 'The setting liger.ms is not known. Did you mean linger.ms?', 'The setting client.rack has no effect in this client', '']);
  });
});

describe('kafka-console-consumer', () => {
  beforeAll(async () => {
    await run(topicsTool, ['--bootstrap-server', node.address, '--create', '--topic', 'ten', '--partitions', '1'], { network: node.network });
    await produce(Array.from({ length: 10 }, (_, index) => String(index)).join('\n'), ['--topic', 'ten']);
  });

  it('says how many messages it processed', async () => {
    expect(await consume(['--topic', 'ten', '--from-beginning', '--max-messages', '3'])).toEqual({ code: 0, output: '0\n1\n2\n', errors: 'Processed a total of 3 messages\n' });
    expect(await consume(['--topic', 'ten', '--from-beginning', '--max-messages', '0'])).toEqual({ code: 0, output: '', errors: 'Processed a total of 0 messages\n' });
  });

  it('ends with 0 when nothing comes for --timeout-ms', async () => {
    const result = await consume(['--topic', 'ten', '--timeout-ms', '300']);
    expect([result.code, result.output]).toEqual([0, '']);
    expect(result.errors).toContain('org.apache.kafka.common.errors.TimeoutException');
    expect(result.errors).toContain('Processed a total of 0 messages');
  });

  it('reads a partition from where it is told', async () => {
    const part = (...argv: string[]) => consume(['--topic', 'ten', '--partition', '0', '--timeout-ms', '300', ...argv]);
    expect((await part('--offset', '8')).output).toBe('8\n9\n');
    expect((await part('--offset', 'earliest', '--max-messages', '1')).output).toBe('0\n');
    expect((await part('--from-beginning', '--max-messages', '2')).output).toBe('0\n1\n');
    expect((await part()).output).toBe('');
  });

  it('goes on where its group has committed', async () => {
    const group = (count: number) => consume(['--topic', 'ten', '--group', 'console', '--from-beginning', '--max-messages', String(count)]);
    expect((await group(4)).output).toBe('0\n1\n2\n3\n');
    expect((await group(6)).output).toBe('4\n5\n6\n7\n8\n9\n');
  });

  it('takes topics by pattern, and new messages as they come', async () => {
    const interruption = new AbortController();
    let text = '';
    const consuming = consume(['--include', 'live-[ab]', '--from-beginning', '--command-property', 'metadata.max.age.ms=100'], {
      interrupted: interruption.signal,
      onOutput(piece) {
        text += piece;
        if (text.includes('one') && text.includes('two') && text.includes('three')) interruption.abort();
      },
    });
    await produce('one\n', ['--topic', 'live-a']);
    await produce('two\n', ['--topic', 'live-b']);
    await produce('other\n', ['--topic', 'live-c']);
    await produce('three\n', ['--topic', 'live-a']);
    const { code, output, errors } = await consuming;
    expect([code, output.split('\n').sort()]).toEqual([0, ['', 'one', 'three', 'two']]);
    expect(errors).toContain('Processed a total of 3 messages');
  });

  it('ends quietly when nobody reads its output any more', async () => {
    await produce(Array.from({ length: 5000 }, (_, index) => `line ${index}`).join('\n'), ['--topic', 'many']);
    const { code, errors } = await consume(['--topic', 'many', '--from-beginning'], {
      onOutput: (_text, output) => void output.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })),
    });
    expect(code).toBe(0);
    expect(errors).toMatch(/^Processed a total of \d+ messages\n$/);
  });

  it('skips what it cannot print, or ends', async () => {
    const argv = ['--topic', 'ten', '--from-beginning', '--value-deserializer', 'org.apache.kafka.common.serialization.IntegerDeserializer', '--max-messages', '10'];
    const skipping = await consume([...argv, '--skip-message-on-error']);
    expect([skipping.code, skipping.output]).toEqual([0, '']);
    expect(skipping.errors.match(/skipping this message: Size of data received by IntegerDeserializer is not 4/g)).toHaveLength(10);
    const ending = await consume(argv);
    expect(ending.code).toBe(1);
    expect(ending.errors).toContain('terminating consumer process: Size of data received by IntegerDeserializer is not 4');
  });

  it('tells system tests that it is done', async () => {
    expect((await consume(['--topic', 'ten', '--from-beginning', '--max-messages', '1', '--enable-systest-events'])).output).toBe('0\nshutdown_complete\n');
  });

  it.each([
    [['--topic', 't', '--from-begining'], 'from-begining is not a recognized option. Did you mean --from-beginning?'],
    [['--topic', 't', '--zookeeper', 'x:2181'], 'type --bootstrap-server HOST:PORT'],
    [['--topic', 't', '--whitelist', 'x'], 'type --include instead'],
    [[], 'Exactly one of the following arguments is required: [topic], [include]'],
    [['--topic', 'a', '--include', 'b'], 'Exactly one of the following arguments is required: [topic], [include]'],
    [['--topic', 't', '--offset', '1'], 'The partition is required when offset is specified.'],
    [['--include', 't', '--partition', '1'], 'The topic is required when partition is specified.'],
    [['--topic', 't', '--partition', '0', '--offset', 'abc'], "The provided offset value 'abc' is incorrect. Valid values are 'earliest', 'latest', or a non-negative long."],
    [['--topic', 't', '--partition', '0', '--offset', '-1'], "The provided offset value '-1' is incorrect."],
    [['--topic', 't', '--partition', '0', '--offset', '1', '--from-beginning'], 'Options from-beginning and offset cannot be specified together.'],
    [['--topic', 't', '--partition', '0', '--group', 'g'], 'Options group and partition cannot be specified together.'],
    [['--topic', 't', '--group', 'g', '--consumer-property', 'group.id=h'], "do not match. Detected group ids: 'g', 'h'"],
    [['--topic', 't', '--from-beginning', '--consumer-property', 'auto.offset.reset=latest'], "Can't simultaneously specify --from-beginning and 'auto.offset.reset=latest', please remove one option"],
    [['--topic', 't', '--isolation-level', 'foo'], 'Invalid value foo for configuration isolation.level: String must be one of: read_committed, read_uncommitted'],
    [['--topic', 't', '--formatter', 'foo.Bar'], 'There is no formatter foo.Bar'],
    [['--topic', 't', '--consumer-property', 'group.protocol=consumer', '--consumer-property', 'session.timeout.ms=1000'], 'session.timeout.ms cannot be set when group.protocol=CONSUMER'],
    [['--topic', 't', '--property', 'a=b', '--formatter-property', 'a=b'], 'Options --formatter-property and --property cannot be specified together.'],
  ] as const)('%j is refused', async (argv, message) => {
    const result = await consume(argv);
    expect(result.code).toBe(1);
    expect(result.errors).toContain(message);
  });

  it('tells what cannot be read', async () => {
    const result = await consume(['--topic', 'bad topic']);
    expect(result.code).toBe(1);
    expect(result.errors).toContain('ERROR Error processing message, terminating consumer process: ');
  });
});
