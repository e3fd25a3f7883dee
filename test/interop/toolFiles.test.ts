/** kafka-dump-log beside Java's DumpLogSegments, on every kind of file that a broker writes. */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient, serdes } from '../../src/client/index.ts';
import { freePort, startBroker, temporaryFolder, type BrokerProcess } from './support/broker.ts';
import { javaToolsAvailable, startRealKafka } from './support/java.ts';
import { JavaCalls } from './support/javaCalls.ts';
import { run, skipLoudly } from './support/run.ts';
import { program } from './support/toolComparison.ts';

const MAIN_CLASS = 'org.apache.kafka.tools.DumpLogSegments';
const CODECS = ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const;
const settings = { 'offsets.topic.num.partitions': '2', 'transaction.state.log.num.partitions': '2', 'share.coordinator.state.topic.num.partitions': '2', 'log.index.interval.bytes': '4096' };

const available = await javaToolsAvailable();
if (!available) skipLoudly('no JDK or Maven: kafka-dump-log is not compared with Java\'s');

const text = { key: serdes.nullable(serdes.string), value: serdes.nullable(serdes.string) } as const;

/** Records of every kind, and groups and transactions of every kind. */
async function fill(address: string): Promise<void> {
  const client = createClient({ bootstrap: address });
  const call = async (tool: string, line: string, input = '') => {
    const { code, stderr } = await run(process.execPath, [program(tool), '--bootstrap-server', address, ...line.split(' ')], { input });
    if (code !== 0) throw new Error(`${tool} ${line}: ${stderr}`);
  };
  await client.admin.createTopic({ topic: 'plain', partitions: 1 });
  await client.admin.createTopic({ topic: 'compacted', partitions: 1, configs: { 'cleanup.policy': 'compact', 'message.timestamp.type': 'LogAppendTime' } });
  for (const compression of CODECS) {
    const producer = client.producer({ ...text, compression });
    const sent = Array.from({ length: 40 }, (_, n) => producer.send({ topic: 'plain', key: n % 3 === 0 ? null : `k${n}`, value: n % 7 === 1 ? null : `value ${n} "${compression}" é`, headers: n % 2 === 0 ? {} : { a: 'b', n: String(n) } }));
    await Promise.all([...sent, producer.send({ topic: 'compacted', key: 'k', value: `12345678${compression}` })]);
    await producer.close();
  }
  const transactional = client.producer({ ...text, transactionalId: 'mover' });
  await transactional.transaction(async (tx) => void (await tx.send({ topic: 'plain', key: 'in', value: 'committed' })));
  await transactional.transaction(async (tx) => {
    await tx.send({ topic: 'plain', key: 'in', value: 'aborted' });
    throw new Error('no');
  }).catch(() => {});
  await transactional.close();
  await client.close();
  for (const protocol of ['classic', 'consumer']) await call('kafka-console-consumer', `--topic plain --group ${protocol} --from-beginning --max-messages 5 --command-property group.protocol=${protocol}`);
  await call('kafka-configs', '--alter --group sharing --add-config share.auto.offset.reset=earliest');
  await call('kafka-console-share-consumer', '--topic plain --group sharing --max-messages 5');
}

async function filesIn(folder: string): Promise<string[]> {
  const folders = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory() && !entry.name.startsWith('__tidelog') && !entry.name.startsWith('__cluster_metadata'));
  const lists = await Promise.all(folders.map(async ({ name }) => (await readdir(path.join(folder, name))).map((file) => path.join(folder, name, file))));
  return lists.flat().sort();
}

const DECODERS = [
  ['__consumer_offsets', ['--offsets-decoder']], ['__consumer_offsets', ['--offsets-decoder', '--skip-record-metadata']], ['__transaction_state', ['--transaction-log-decoder']], ['__share_group_state', ['--share-group-state-decoder']],
  ['plain', ['--print-data-log']], ['plain', ['--print-data-log', '--skip-record-metadata']], ['plain', ['--deep-iteration']], ['plain', []], ['plain', ['--print-data-log', '--key-decoder-class', 'org.apache.kafka.tools.api.StringDecoder']],
  ['compacted', ['--value-decoder-class', 'org.apache.kafka.tools.api.LongDecoder']], ['compacted', ['--value-decoder-class', 'org.apache.kafka.tools.api.IntegerDecoder']],
  ['plain', ['--max-bytes', '5000']], ['plain', ['--offsets-decoder']], ['plain', ['--transaction-log-decoder']], ['plain', ['--share-group-state-decoder']],
] as const;

/** Calls that print otherwise than Java's. */
async function differences(folder: string, hasIndexes = true): Promise<string[]> {
  const java = new JavaCalls();
  const found: string[] = [];
  const compare = async (args: readonly string[]) => {
    const theirs = await java.call(MAIN_CLASS, args);
    const ours = await run(process.execPath, [program('kafka-dump-log'), ...args]);
    const lines = (printed: string) => printed.split('\n');
    const at = lines(theirs.stdout).findIndex((line, index) => line !== lines(ours.stdout)[index]);
    if (ours.code !== theirs.code || theirs.stdout.trimEnd() !== ours.stdout.trimEnd()) found.push([args.join(' '), `  java: ${theirs.code} ${lines(theirs.stdout)[at]} ${theirs.stderr}`, `  ours: ${ours.code} ${lines(ours.stdout)[at]} ${ours.stderr}`].join('\n'));
  };
  try {
    const files = await filesIn(folder);
    for (const [topic, args] of DECODERS) {
      const logs = files.filter((file) => file.endsWith('.log') && path.basename(path.dirname(file)).startsWith(`${topic}-`));
      expect(logs, topic).not.toHaveLength(0);
      await compare([...args, '--files', logs.join(',')]);
    }
    const others = files.filter((file) => !file.endsWith('.log'));
    // Java's fails at the preallocated index of an empty log
    if (hasIndexes) for (const args of [[], ['--index-sanity-check'], ['--verify-index-only']]) await compare([...args, '--files', others.join(',')]);
    for (const args of [['--files', path.join(folder, 'none-0/00000000000000000000.log')], ['--files', ''], [], ['--bogus'], ['--files', files[0] as string, '--offsets-decoder', '--transaction-log-decoder']]) await compare(args);
  } finally {
    java.close();
  }
  return found;
}

describe.runIf(available)('kafka-dump-log prints what Java\'s prints', () => {
  let broker: BrokerProcess;
  let folder: string;
  beforeAll(async () => {
    folder = await temporaryFolder('tool-files');
    broker = await startBroker({ dataFolder: folder, overrides: settings });
    await fill(broker.address);
  });
  afterAll(async () => {
    await broker?.close();
    await rm(folder, { recursive: true, force: true });
  });

  it('of files that Tidelog writes, while it runs', async () => {
    expect(await differences(folder)).toEqual([]);
  }, 300_000);

  it('of files that Tidelog has closed', async () => {
    expect(await broker.kill('SIGTERM')).toBe(0);
    expect(await differences(folder)).toEqual([]);
  }, 300_000);

  it('of files that Apache Kafka writes', async () => {
    const port = await freePort();
    const data = await temporaryFolder('tool-files-kafka');
    const kafka = await startRealKafka(port, data, settings);
    try {
      await fill(`127.0.0.1:${port}`);
      expect(await differences(path.join(data, 'data'), false)).toEqual([]);
      await kafka?.close();
      expect(await differences(path.join(data, 'data'))).toEqual([]);
    } finally {
      await kafka?.close();
      await rm(data, { recursive: true, force: true });
    }
  }, 300_000);
});
