import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { apiVersionsTool } from '../../src/cli/brokers/apiVersionsTool.ts';
import { clusterTool } from '../../src/cli/brokers/clusterTool.ts';
import { logDirsTool } from '../../src/cli/brokers/logDirsTool.ts';
import { configsTool } from '../../src/cli/configs/configsTool.ts';
import { endToEndTool } from '../../src/cli/perf/endToEndTool.ts';
import { featuresTool } from '../../src/cli/features/featuresTool.ts';
import { groupsTool } from '../../src/cli/groups/groupsTool.ts';
import { getOffsetsTool } from '../../src/cli/offsets/getOffsetsTool.ts';
import { producerPerfTool } from '../../src/cli/perf/producerPerfTool.ts';
import { consumerPerfTool } from '../../src/cli/perf/consumerPerfTool.ts';
import { verifiableConsumerTool } from '../../src/cli/perf/verifiableConsumerTool.ts';
import { verifiableProducerTool } from '../../src/cli/perf/verifiableProducerTool.ts';
import { producerTool } from '../../src/cli/producer/producerTool.ts';
import { deleteRecordsTool } from '../../src/cli/records/deleteRecordsTool.ts';
import { aclsTool } from '../../src/cli/security/aclsTool.ts';
import { storageTool } from '../../src/cli/storage/storageTool.ts';
import { topicsTool } from '../../src/cli/topics/topicsTool.ts';
import type { Tool } from '../../src/cli/tool.ts';
import { validateBrokerConfig } from '../../src/config/index.ts';
import { readPropertiesFile } from '../../src/config/properties.ts';
import { startNode } from '../../src/node/index.ts';
import { tools } from '../../src/main/tools/table.ts';
import { completionScript } from '../../src/main/tools/completion.ts';
import { RealNode } from '../client/support/realNode.ts';
import { run, type ToolRun } from './support/runTool.ts';

const node = new RealNode();
const network = { network: node.network };
let folder: string;
const call = (tool: Tool, ...argv: string[]): Promise<ToolRun> => run(tool, ['--bootstrap-server', node.address, ...argv], network);
const fileWith = async (name: string, text: string): Promise<string> => {
  const file = path.join(folder, name);
  await writeFile(file, text);
  return file;
};

beforeAll(async () => {
  await node.start();
  folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-tools-'));
  await call(topicsTool, '--create', '--topic', 'plain');
  await call(topicsTool, '--create', '--topic', 'wide', '--partitions', '3');
  await run(producerTool, ['--bootstrap-server', node.address, '--topic', 'plain'], { ...network, input: '1\n2\n3\n' });
});
afterAll(async () => {
  await node.close();
  await rm(folder, { recursive: true, force: true });
});

describe('every tool', () => {
  it.each(Object.entries(tools))('%s is called as it says and has help', async (name, load) => {
    const tool = await load();
    expect(tool.name).toBe(name);
    const help = await run(tool, ['--help']);
    expect(help.code).toBe(0);
    for (const command of Object.keys(tool.commands ?? {})) expect(help.output).toContain(command);
    const wrong = await run(tool, [...Object.keys(tool.commands ?? {}).slice(0, 1), '--no-such-option']);
    expect([wrong.code, wrong.errors]).toEqual([1, expect.stringContaining('no-such-option is not a recognized option')]);
  });

  it('is known to the shell', async () => {
    const script = await completionScript('bash');
    for (const name of Object.keys(tools)) expect(script).toContain(name);
    expect(await completionScript('zsh')).toContain('bashcompinit');
    expect(await completionScript('fish')).toContain('Usage');
  });
});

describe('kafka-get-offsets', () => {
  it.each([
    [['--topic', 'plain'], 'plain:0:3\n'], [['--topic', 'plain', '--time', 'earliest'], 'plain:0:0\n'], [['--topic', 'plain', '--time', '-1'], 'plain:0:3\n'], [['--topic', 'plain', '--time', '1'], 'plain:0:0\n'],
    [['--topic-partitions', 'plain:0,wide:1-2'], 'plain:0:3\nwide:1:0\n'], [['--topic', 'wide', '--partitions', '0,2'], 'wide:0:0\nwide:2:0\n'], [['--topic', 'plain', '--json'], '[{"topic":"plain","partition":0,"offset":3}]\n'],
  ] as const)('%j', async (argv, output) => {
    expect(await call(getOffsetsTool, ...argv)).toEqual({ code: 0, output, errors: '' });
  });
  it.each([
    [['--topic', 'nosuch'], 'Could not match any topic-partitions'], [['--time', 'noon'], 'Malformed time argument noon'], [['--topic', 'plain', '--partitions', 'x'], '--partitions expects a comma separated list'],
    [['--topic', 'plain', '--topic-partitions', 'wide'], '--topic-partitions cannot be used with'], [['--topic-partitions', 'plain:x'], 'Invalid rule specification: plain:x'],
  ] as const)('%j is refused', async (argv, message) => {
    expect(await call(getOffsetsTool, ...argv)).toMatchObject({ code: 1, output: '', errors: expect.stringContaining(`Error occurred: ${message}`) });
  });
});

describe('kafka-configs', () => {
  it('sets, shows and removes settings of a topic', async () => {
    expect((await call(configsTool, '--alter', '--topic', 'wide', '--add-config', 'retention.ms=1000,cleanup.policy=[compact,delete]')).output).toBe('Completed updating config for topic wide.\n');
    expect((await call(configsTool, '--describe', '--topic', 'wide')).output).toMatch(/^Dynamic configs for topic wide are:\n {2}cleanup\.policy=compact,delete sensitive=false synonyms=\{DYNAMIC_TOPIC_CONFIG:cleanup\.policy=compact,delete, .*\}\n {2}retention\.ms=1000 /);
    const file = await fileWith('topic.properties', 'retention.ms=77\n');
    await call(configsTool, '--alter', '--entity-type', 'topics', '--entity-name', 'wide', '--add-config-file', file);
    const described = JSON.parse((await call(configsTool, '--describe', '--topic', 'wide', '--json')).output) as { configs: { name: string; value: string }[] }[];
    expect(described[0]!.configs.find(({ name }) => name === 'retention.ms')!.value).toBe('77');
    await call(configsTool, '--alter', '--topic', 'wide', '--delete-config', 'retention.ms,cleanup.policy');
    expect((await call(configsTool, '--describe', '--topic', 'wide')).output).toBe('Dynamic configs for topic wide are:\n');
  });
  it.each([
    [['--describe'], 'At least one entity type must be specified'], [['--alter', '--entity-type', 'topics'], 'An entity name must be specified with --alter of topics'], [['--alter', '--topic', 'plain'], 'At least one of --add-config'],
    [['--describe', '--entity-type', 'foo'], 'Invalid entity type foo'], [['--describe', '--broker', 'x'], 'must be a valid integer broker id'], [['--describe', '--topic', 'a', '--entity-type', 'topics'], 'Duplicate entity type(s)'],
    [['--alter', '--topic', 'plain', '--add-config', 'foo'], 'Invalid entity config'], [['--alter', '--user', 'u', '--add-config', 'foo=1'], 'Unexpected config names: Set(foo)'], [[], 'exactly one action'],
    [['--alter', '--topic', 'plain', '--add-config', 'foo=1'], 'InvalidConfigurationException: Unknown topic config name: foo'], [['--alter', '--user', 'u', '--add-config', 'SCRAM-SHA-256=[iterations=1,password=p]'], 'less than the minimum 4096'],
  ] as const)('%j is refused', async (argv, message) => {
    expect(await call(configsTool, ...argv)).toMatchObject({ code: 1, output: '', errors: expect.stringContaining(message) });
  });
  it('says what does not exist', async () => {
    expect((await call(configsTool, '--describe', '--topic', 'nosuch')).output).toBe("The topic 'nosuch' doesn't exist and doesn't have dynamic config.\n");
  });
});

describe('kafka-delete-records', () => {
  it('deletes, and says where partitions begin', async () => {
    const file = await fileWith('cut.json', '{"partitions":[{"topic":"plain","partition":0,"offset":1}],"version":1}');
    expect((await call(deleteRecordsTool, '--offset-json-file', file)).output).toBe('Executing records delete operation\nRecords delete operation completed:\npartition: plain-0\tlow_watermark: 1\n');
  });
  it.each([
    ['{"partitions":', 'The input string is not a valid JSON'], ['{"partitions":[{"topic":"t","partition":1}]}', 'No such field exists: `offset`'], ['{"partitions":[],"version":7}', 'Not supported version field value 7'],
    ['{"partitions":[{"topic":"t","partition":0,"offset":1},{"topic":"t","partition":0,"offset":2}]}', 'Offset json file contains duplicate topic partitions: t-0'],
    ['{"partitions":[{"topic":"t","partition":"0","offset":1}]}', 'The field `partition` must be a whole number'],
  ])('%s is refused', async (text, message) => {
    expect(await call(deleteRecordsTool, '--offset-json-file', await fileWith('bad.json', text))).toMatchObject({ code: 1, output: '', errors: expect.stringContaining(message) });
  });
});

describe('tools that ask about brokers', () => {
  it('print what Kafka prints', async () => {
    expect((await call(clusterTool, 'cluster-id')).output).toMatch(/^Cluster ID: \S{22}\n$/);
    expect((await call(clusterTool, 'list-endpoints')).output).toMatch(/^ID {9}HOST +PORT +RACK +STATE +ENDPOINT_TYPE {2}\n1 +127\.0\.0\.1 9092 +null +unfenced +broker {9}\n$/);
    expect((await call(apiVersionsTool)).output).toMatch(/^127\.0\.0\.1:9092 \(id: 1 rack: null isFenced: false\) -> \(\n\tProduce\(0\): 0 to 13 \[usable: 13\],\n/);
    const [, , json] = (await call(logDirsTool, '--describe', '--topic-list', 'plain')).output.split('\n');
    expect(JSON.parse(json!)).toMatchObject({ version: 1, brokers: [{ broker: 1, logDirs: [{ error: null, partitions: [{ partition: 'plain-0', offsetLag: 0, isFuture: false }] }] }] });
    expect((await call(featuresTool, 'describe')).code).toBe(0);
    expect((await call(groupsTool, '--list')).output).toContain('GROUP');
  });
  it('refuse what cannot be', async () => {
    expect((await call(clusterTool, 'clster-id')).errors).toContain("Did you mean cluster-id?");
    expect((await call(clusterTool, 'unregister')).errors).toContain('argument --id/-i is required');
    expect((await call(logDirsTool, '--describe', '--broker-list', '1,7')).errors).toBe('ERROR: The given brokers do not exist from --broker-list: 7. Current existent brokers: 1\n');
    expect((await call(featuresTool, 'upgrade')).errors).toContain('You must specify at least one feature to upgrade');
  });
  it('know the levels of features', async () => {
    expect((await run(featuresTool, ['version-mapping', '--release-version', '4.0'])).output).toBe('metadata.version=25 (4.0)\nkraft.version=1\ntransaction.version=2\ngroup.version=1\neligible.leader.replicas.version=0\nshare.version=0\nstreams.version=0\n');
    expect((await run(featuresTool, ['feature-dependencies', '--feature', 'transaction.version=2'])).output).toBe('transaction.version=2 has no dependencies.\n');
  });
});

describe('the tools of speed', () => {
  it('produce, consume, and measure the way there and back', async () => {
    const produced = await call(producerPerfTool, '--topic', 'perf', '--num-records', '500', '--record-size', '10', '--throughput', '-1', '--command-property', 'acks=1', 'linger.ms=1');
    expect(produced.output).toMatch(/^500 records sent, [\d.]+ records\/sec \([\d.]+ MB\/sec\), [\d.]+ ms avg latency, [\d.]+ ms max latency, \d+ ms 50th, \d+ ms 95th, \d+ ms 99th, \d+ ms 99\.9th\.\n$/);
    const consumed = await call(consumerPerfTool, '--topic', 'perf', '--num-records', '500', '--timeout', '5000');
    expect(consumed.output).toMatch(/^start\.time, end\.time, .*\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}, .*, 500, .*\n$/);
    expect((await call(endToEndTool, '--topic', 'there', '--num-records', '3', '--producer-acks', '1', '--record-size', '10')).output).toMatch(/^Topic "there" does not exist\..*\n0\t[\d.]+\nAvg latency: [\d.]+ ms\nPercentiles: 50th = \d+, 99th = \d+, 99\.9th = \d+\n$/);
  });
  it('tell each record', async () => {
    const sent = (await call(verifiableProducerTool, '--topic', 'told', '--max-messages', '2', '--value-prefix', '7')).output.trim().split('\n').map((line) => JSON.parse(line) as { name: string });
    expect(sent.map(({ name }) => name)).toEqual(['startup_complete', 'producer_send_success', 'producer_send_success', 'shutdown_complete', 'tool_data']);
    expect(sent[1]).toMatchObject({ key: null, value: '7.0', partition: 0, offset: 0, topic: 'told' });
    const read = (await call(verifiableConsumerTool, '--topic', 'told', '--group-id', 'told', '--max-messages', '2')).output.trim().split('\n').map((line) => JSON.parse(line) as { name: string });
    expect(read.find(({ name }) => name === 'records_consumed')).toMatchObject({ count: 2, partitions: [{ topic: 'told', partition: 0, count: 2, minOffset: 0, maxOffset: 1 }] });
    expect(read.find(({ name }) => name === 'offsets_committed')).toMatchObject({ success: true, offsets: [{ topic: 'told', partition: 0, offset: 2 }] });
  });
});

describe('kafka-acls', () => {
  it.each([
    [['--add', '--topic', 't'], 'You must specify one of: --allow-principal, --deny-principal'], [['--list', '--add'], 'exactly one action'], [['--add', '--allow-principal', 'User:a'], 'You must provide at least one resource'],
    [['--add', '--topic', 't', '--allow-principal', 'alice'], 'principalType:principalName'], [['--add', '--topic', 't', '--allow-principal', 'User:a', '--operation', 'Raed'], 'Did you mean READ?'],
    [['--add', '--group', 'g', '--allow-principal', 'User:a', '--operation', 'Write'], 'ResourceType GROUP only supports operations'], [['--add', '--topic', 't', '--allow-principal', 'User:a', '--resource-pattern-type', 'any'], 'is not valid when adding acls'],
    [['--add', '--consumer', '--topic', 't', '--allow-principal', 'User:a'], 'With --consumer you must specify a --topic and a --group'],
  ] as const)('%j is refused', async (argv, message) => {
    expect(await call(aclsTool, ...argv)).toMatchObject({ code: 1, output: '', errors: expect.stringContaining(message) });
  });
});

describe('kafka-storage', () => {
  it('formats directories once, and tells what is in them', async () => {
    const config = await fileWith('server.properties', `node.id=3\nlog.dirs=${path.join(folder, 'one')},${path.join(folder, 'two')}\n`);
    const id = (await run(storageTool, ['random-uuid'])).output.trim();
    expect(id).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_-]{21}$/);
    expect((await run(storageTool, ['info', '-c', config])).code).toBe(1);
    expect((await run(storageTool, ['format', '-c', config, '-t', id])).code).toBe(0);
    expect(await readdir(path.join(folder, 'one'))).toEqual(['__tidelog_metadata', 'meta.properties']);
    expect(await readdir(path.join(folder, 'two'))).toEqual(['meta.properties']);
    expect((await run(storageTool, ['format', '--config', config, '--cluster-id', id])).errors).toContain('is already formatted. Use --ignore-formatted');
    expect((await run(storageTool, ['format', '-c', config, '-t', id, '-g'])).output).toBe('All of the log directories are already formatted.\n');
    expect((await run(storageTool, ['info', '-c', config])).output).toContain(`Found metadata: {cluster.id=${id}, node.id=3, version=1}\n`);
    expect((await run(storageTool, ['format', '-c', config, '-t', 'short'])).errors).toContain('does not appear to be a valid UUID');
  });

  it('begins a cluster with feature levels and users', async () => {
    const directory = path.join(folder, 'levels');
    const config = await fileWith('levels.properties', `node.id=3\nlog.dirs=${directory}\nlisteners=PLAINTEXT://127.0.0.1:0\n`);
    const clusterId = (await run(storageTool, ['random-uuid'])).output.trim();
    const format = (...argv: string[]) => run(storageTool, ['format', '-c', config, '-t', clusterId, ...argv]);
    for (const [argv, message] of [
      [['-r', '4.0', '-f', 'metadata.version=21'], 'Use --release-version instead of --feature metadata.version=X'],
      [['-r', '9.9'], "Unknown metadata.version '9.9'"],
      [['-f', 'metadata.version=5'], 'No MetadataVersion with feature level 5. Valid feature levels are from 7 to 30.'],
      [['-f', 'group.version=7'], 'No feature:group.version with feature level 7'],
      [['-f', 'foo=1'], 'Unsupported feature: foo. Supported features are: eligible.leader.replicas.version, group.version, kraft.version'],
      [['-f', 'kraft.version=1'], 'Cannot set kraft.version to 1 unless'],
      [['-r', '3.9', '-f', 'eligible.leader.replicas.version=1'], 'could not be set to 1 because it depends on metadata.version level 23'],
      [['-S', 'SCRAM-SHA-256=[name=alice]'], "--add-scram takes 'SCRAM-SHA-256="],
    ] as const) expect((await format(...argv)).errors).toContain(message);
    expect((await format('--release-version', '3.9', '--feature', 'group.version=1', '--standalone', '--add-scram', 'SCRAM-SHA-256=[name=alice,password=secret]')).output)
      .toBe(`Formatting metadata directory ${directory} with metadata.version 3.9-IV0.\n`);
    const node = await startNode({ config: validateBrokerConfig(readPropertiesFile(config)).config });
    expect(node.clusterId).toBe(clusterId);
    expect(Object.fromEntries(node.broker.services.metadata.image.features)).toEqual({
      'metadata.version': 21, 'kraft.version': 1, 'transaction.version': 0, 'group.version': 1, 'eligible.leader.replicas.version': 0, 'share.version': 0, 'streams.version': 0,
    });
    expect([...node.broker.services.metadata.image.credentials.scram.keys()]).toEqual(['alice']);
    await node.close(0);
  });
});
