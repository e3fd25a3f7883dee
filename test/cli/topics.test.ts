import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { topicsTool } from '../../src/cli/topics/topicsTool.ts';
import { RealNode } from '../client/support/realNode.ts';
import { run, type ToolRun } from './support/runTool.ts';

const node = new RealNode();
beforeAll(() => node.start());
afterAll(() => node.close());

const topics = (...argv: string[]): Promise<ToolRun> => run(topicsTool, ['--bootstrap-server', node.address, ...argv], { network: node.network });
const ID = '[A-Za-z0-9_-]{22}';

describe('kafka-topics', () => {
  it('creates, lists, describes, alters and deletes, in the words of Kafka', async () => {
    expect(await topics('--create', '--topic', 'one', '--partitions', '2', '--config', 'retention.ms=1000')).toEqual({ code: 0, output: 'Created topic one.\n', errors: '' });
    expect(await topics('--list')).toEqual({ code: 0, output: 'one\n', errors: '' });
    const described = await topics('--describe', '--topic', 'one');
    expect(described.output).toMatch(new RegExp(`^Topic: one\tTopicId: ${ID}\tPartitionCount: 2\tReplicationFactor: 1\tConfigs: retention.ms=1000\n`
      + '\tTopic: one\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n\tTopic: one\tPartition: 1\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n$'));
    expect(await topics('--alter', '--topic', 'one', '--partitions', '3')).toEqual({ code: 0, output: '', errors: '' });
    const id = /TopicId: (\S+)/.exec(described.output)![1]!;
    expect((await topics('--describe', '--topic-id', id)).output).toContain('PartitionCount: 3');
    expect(await topics('--delete', '--topic', 'one')).toEqual({ code: 0, output: '', errors: '' });
    expect((await topics('--list')).output).not.toContain('one');
  });

  it('takes patterns, except to create', async () => {
    for (const topic of ['pat-a', 'pat-b', 'other']) await topics('--create', '--topic', topic);
    expect((await topics('--list', '--topic', 'pat-.*')).output).toBe('pat-a\npat-b\n');
    expect((await topics('--delete', '--topic', 'pat-a,pat-b')).code).toBe(0);
    expect((await topics('--list', '--topic', 'pat-.*|other')).output).toBe('other\n');
    expect((await topics('--create', '--topic', 'x.*')).output).toContain('Error while executing topic command : ');
  });

  it('shows the partitions that a report asks for', async () => {
    await topics('--create', '--topic', 'report');
    expect((await topics('--describe', '--topic', 'report', '--at-min-isr-partitions')).output).toBe('\tTopic: report\tPartition: 0\tLeader: 1\tReplicas: 1\tIsr: 1\tElr: \tLastKnownElr: \n');
    for (const report of ['--under-replicated-partitions', '--unavailable-partitions', '--under-min-isr-partitions']) expect((await topics('--describe', '--topic', 'report', report)).output).toBe('');
    await topics('--create', '--topic', 'overridden', '--config', 'cleanup.policy=compact');
    expect((await topics('--describe', '--topics-with-overrides')).output).toMatch(new RegExp(`^Topic: overridden\tTopicId: ${ID}\tPartitionCount: 1\tReplicationFactor: 1\tConfigs: cleanup.policy=compact\n$`));
  });

  it('assigns replicas by hand', async () => {
    expect((await topics('--create', '--topic', 'assigned', '--replica-assignment', '1,1')).output).toBe('Created topic assigned.\n');
    expect((await topics('--alter', '--topic', 'assigned', '--partitions', '3', '--replica-assignment', '1,1,1')).code).toBe(0);
    expect((await topics('--describe', '--topic', 'assigned')).output).toContain('PartitionCount: 3');
  });

  it('warns of names that collide', async () => {
    expect((await topics('--create', '--topic', 'a.b')).output).toMatch(/^WARNING: Due to limitations in metric names, topics with a period \('\.'\) or underscore \('_'\) could collide\. .*\nCreated topic a\.b\.\n$/);
  });

  it.each([
    [['--create', '--topic', 'twice', '--if-not-exists'], 0, ''],
    [['--create', '--topic', 'twice'], 1, "Error while executing topic command : Topic 'twice' already exists."],
    [['--describe', '--topic', 'nope'], 1, "Error while executing topic command : Topic 'nope' does not exist as expected"],
    [['--delete', '--topic', 'nope'], 1, "Error while executing topic command : Topic 'nope' does not exist as expected"],
    [['--alter', '--topic', 'nope', '--partitions', '2'], 1, "Error while executing topic command : Topic 'nope' does not exist as expected"],
    [['--describe', '--topic', 'nope', '--if-exists'], 0, ''],
    [['--delete', '--topic', 'nope', '--if-exists'], 0, ''],
    [['--alter', '--topic', 'nope', '--partitions', '2', '--if-exists'], 0, ''],
    [['--describe', '--topic-id', 'AAAAAAAAAAAAAAAAAAAAAQ'], 1, "Error while executing topic command : TopicId 'AAAAAAAAAAAAAAAAAAAAAQ' does not exist as expected"],
    [['--alter', '--topic', 'twice', '--partitions', '1'], 1, 'Error while executing topic command : Topic already has 1 partition(s).'],
    [['--create', '--topic', 'p', '--partitions', '0'], 1, 'Error while executing topic command : The partitions must be greater than 0'],
    [['--create', '--topic', 'p', '--replication-factor', '0'], 1, 'Error while executing topic command : The replication factor must be between 1 and 32767 inclusive'],
    [['--create', '--topic', 'p', '--config', 'foo=1'], 1, 'Error while executing topic command : Unknown topic config name: foo'],
    [['--create', '--topic', 'p', '--config', 'foo'], 1, 'Error while executing topic command : requirement failed: Invalid topic config: all configs to be added must be in the format "key=val".'],
    [['--create', '--topic', 'p', '--replica-assignment', '1:1'], 1, 'Error while executing topic command : Partition replica lists may not contain duplicate entries: 1'],
    [['--create', '--topic', 'p', '--replica-assignment', '1:2,1'], 1, 'Error while executing topic command : Partition 1 has different replication factor: [1]'],
    [['--list', '--topic', 'nothing-there'], 0, ''],
  ] as const)('%j ends with %i', async (argv, code, line) => {
    await topics('--create', '--topic', 'twice', '--if-not-exists');
    const result = await topics(...argv);
    expect([result.code, result.output.trimEnd()]).toEqual([code, line]);
  });

  it.each([
    [[], 'Command must include exactly one action: --list, --describe, --create, --alter or --delete'],
    [['--list', '--describe'], 'Command must include exactly one action'],
    [['--create'], 'Missing required argument "[topic]"'],
    [['--alter', '--topic', 't'], 'Missing required argument "[partitions]"'],
    [['--alter', '--topic', 't', '--config', 'a=b'], `Option combination "[[bootstrap-server], [config]]" can't be used with option "[alter]" (To alter topic configurations, the kafka-configs tool can be used.)`],
    [['--create', '--topic', 't', '--replica-assignment', '1', '--partitions', '1'], 'Option "[replica-assignment]" can\'t be used with option "[partitions]"'],
    [['--list', '--partitions', '1'], 'Option "[partitions]" can\'t be used with option "[list]"'],
    [['--describe', '--topics-with-overrides', '--unavailable-partitions'], 'can\'t be used with option "[unavailable-partitions]"'],
    [['--describe', '--if-exists'], '--topic or --topic-id is required to describe a topic'],
    [['--list', '--if-not-exists'], 'Option "[if-not-exists]" can\'t be used with option "[list]"'],
    [['--lst'], 'lst is not a recognized option. Did you mean --list?'],
    [['--zookeeper', 'localhost:2181', '--list'], 'type --bootstrap-server HOST:PORT'],
    [['--list', '--topic', '('], '( is an invalid regex'],
  ] as const)('%j is refused', async (argv, message) => {
    const result = await topics(...argv);
    expect(result.code).toBe(1);
    expect(result.output).toBe('');
    expect(result.errors).toContain(message);
    expect(result.errors).toContain('kafka-topics --help shows all options.');
  });

  it('wants a broker, and says when none answers', async () => {
    expect((await run(topicsTool, ['--list'])).errors).toContain('--bootstrap-server must be specified');
    const folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-cli-'));
    const file = path.join(folder, 'client.properties');
    await writeFile(file, 'default.api.timeout.ms=300\nretry.backoff.ms=50\nretires=3\n');
    const result = await run(topicsTool, ['-bootstrap-server=localhost:1', '-list', '--command-config', file]);
    expect(result.code).toBe(1);
    expect(result.output).toContain('Error while executing topic command : Connection to localhost:1 could not be established');
    expect(result.errors.match(/WARN Connection to localhost:1 could not be established/g)).toHaveLength(1);
    expect(result.errors).toContain('The setting retires is not known. Did you mean retries?');
    expect((await run(topicsTool, ['--list', '--broker-list', 'x'])).errors).toContain('Invalid url in bootstrap.servers: x (wanted: host:port)');
    expect((await run(topicsTool, ['--list', '--broker-list', 'x:1', '--command-config', path.join(folder, 'none')])).errors).toContain('no such file');
    await rm(folder, { recursive: true });
  });

  it('shows help and version', async () => {
    const help = await run(topicsTool, ['--help']);
    expect(help.code).toBe(0);
    for (const { name } of topicsTool.options) expect(help.output).toContain(`--${name}`);
    expect((await run(topicsTool, ['--version'])).output).toMatch(/^\d+\.\d+\.\d+/);
  });
});
