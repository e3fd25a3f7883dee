import { describe, expect, it } from 'vitest';
import { helpText } from '../../src/cli/help.ts';
import { parseOptions, type OptionSpec } from '../../src/cli/options.ts';
import { UsageError } from '../../src/cli/toolError.ts';

const specs: readonly OptionSpec[] = [
  { name: 'topic', argument: 'topic', description: 'The topic.' },
  { name: 'list', description: 'List.' },
  { name: 'config', argument: 'name=value', isList: true, description: 'A setting.' },
  { name: 'partitions', argument: 'count', type: 'integer', description: 'How many.' },
  { name: 'timeout', argument: 'ms', type: 'long', default: '1000', description: 'How long.' },
  { name: 'compression-codec', argument: 'codec', isArgumentOptional: true, description: 'How.' },
  { name: 'consumer.config', argument: 'file', description: 'A file.' },
];
const parse = (...argv: string[]) => parseOptions(argv, specs, { zookeeper: 'type --bootstrap-server instead' });

describe('options', () => {
  it.each([
    [['--topic', 'a'], { topic: 'a' }], [['--topic=a'], { topic: 'a' }], [['-topic', 'a'], { topic: 'a' }], [['-topic=a'], { topic: 'a' }],
    [['--topic', '-a'], { topic: '-a' }], [['--topic', '--list'], { topic: '--list' }], [['--topic='], { topic: '' }], [['--topic', ''], { topic: '' }],
    [['--topic=a=b'], { topic: 'a=b' }], [['--timeout', '-1'], { timeout: '-1' }], [['--consumer.config', 'f'], { 'consumer.config': 'f' }],
    [['--compression-codec'], { 'compression-codec': '' }], [['--compression-codec', 'lz4'], { 'compression-codec': 'lz4' }],
    [['--compression-codec', '--topic', 'a'], { 'compression-codec': '', topic: 'a' }], [['--compression-codec=zstd'], { 'compression-codec': 'zstd' }],
    [['--list', '--topic', 'a'], { topic: 'a' }],
  ] as const)('%j', (argv, values) => {
    const options = parse(...argv);
    for (const [name, value] of Object.entries(values)) expect(options.value(name)).toBe(value);
  });

  it('tell what was given from what is the default', () => {
    const options = parse('--list');
    expect(options.has('list')).toBe(true);
    expect(options.has('timeout')).toBe(false);
    expect(options.value('timeout')).toBe('1000');
    expect(options.number('timeout')).toBe(1000);
    expect(options.number('partitions')).toBeUndefined();
    expect(options.value('topic')).toBeUndefined();
  });

  it('keep lists in order, and words that belong to nothing', () => {
    const options = parse('x', '--config', 'a=1', '--config=b=2', '-', '--', '--topic', 'y');
    expect(options.values('config')).toEqual(['a=1', 'b=2']);
    expect(options.words).toEqual(['x', '-', '--topic', 'y']);
  });

  it.each([
    [['--topc', 'a'], 'topc is not a recognized option. Did you mean --topic?'],
    [['-lits'], 'lits is not a recognized option. Did you mean --list?'],
    [['--top', 'a'], 'top is not a recognized option'],
    [['--qqqqqqqq'], 'qqqqqqqq is not a recognized option'],
    [['--zookeeper', 'x:2181'], 'zookeeper is not a recognized option: type --bootstrap-server instead'],
    [['--constructor'], 'constructor is not a recognized option'],
    [['--topic'], 'Option topic requires an argument'],
    [['--topic', 'a', '--topic', 'b'], 'Found multiple arguments for option topic, but you asked for only one'],
    [['--partitions', 'x'], "Cannot parse argument 'x' of option partitions"],
    [['--partitions', '2147483648'], "Cannot parse argument '2147483648' of option partitions"],
    [['--partitions', '1.5'], "Cannot parse argument '1.5' of option partitions"],
    [['--timeout', '9223372036854775808'], "Cannot parse argument '9223372036854775808' of option timeout"],
  ] as const)('%j are refused', (argv, message) => {
    expect(() => parse(...argv)).toThrow(UsageError);
    expect(() => parse(...argv)).toThrow(message);
  });

  it('clamp a long to what is safe', () => {
    expect(parse('--timeout', '9223372036854775807').number('timeout')).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('help', () => {
  it('names every option in order, in lines that fit a screen', () => {
    const text = helpText({ name: 'kafka-x', purpose: 'It helps.', options: [], run: async () => 0 }, '', [...specs, { name: 'long', argument: 'a-very-long-name-of-a-value-that-does-not-fit', description: `${'word '.repeat(60)}\n indented ${'more '.repeat(40)}` }]);
    const lines = text.split('\n');
    expect(lines[0]).toBe('It helps.');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(100);
    const names = lines.flatMap((line) => /^ {2}--(\S+)/.exec(line)?.[1] ?? []);
    expect(names).toEqual([...specs.map(({ name }) => name), 'long'].sort());
    expect(text).toContain('How long. (default: 1000)');
  });
});
