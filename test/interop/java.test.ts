/** Apache Kafka's own command-line programs against our broker, and its dump tool on our files. */
import { readdir, readFile, rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startBroker, temporaryFolder, type BrokerProcess } from './support/broker.ts';
import { javaTool, javaToolsAvailable } from './support/java.ts';
import { run, skipLoudly } from './support/run.ts';

const available = await javaToolsAvailable();
if (!available) skipLoudly('no JDK or no Maven: Apache Kafka\'s own tools were not run');

let broker: BrokerProcess;
let dataFolder: string;
beforeAll(async () => {
  dataFolder = await temporaryFolder('java');
  broker = await startBroker({ dataFolder, overrides: { 'log.segment.bytes': 2_097_152, 'num.partitions': 2 } });
});
afterAll(async () => {
  await broker?.close();
  await rm(dataFolder, { recursive: true, force: true });
});

describe.runIf(available)('Apache Kafka\'s tools', () => {
  it.each(['none', 'gzip', 'snappy', 'lz4', 'zstd'])('ProducerPerformance and ConsumerPerformance with %s', async (codec) => {
    const topic = `perf-${codec}`;
    const produced = await javaTool('org.apache.kafka.tools.ProducerPerformance', ['--bootstrap-server', broker.address, '--topic', topic, '--num-records', '100000', '--record-size', '100', '--throughput', '-1', '--command-property', 'acks=all', `compression.type=${codec}`]);
    expect(produced.stdout, produced.stderr).toMatch(/100000 records sent/);
    const consumed = await javaTool('org.apache.kafka.tools.ConsumerPerformance', ['--bootstrap-server', broker.address, '--topic', topic, '--num-records', '100000', '--timeout', '30000']);
    expect(consumed.stdout, consumed.stderr).toMatch(/, 100000, /);
  });

  it('VerifiableProducer has every record acknowledged, VerifiableConsumer reads them in a group and commits', async () => {
    const produced = await javaTool('org.apache.kafka.tools.VerifiableProducer', ['--bootstrap-server', broker.address, '--topic', 'verifiable', '--max-messages', '20000', '--throughput', '-1', '--acks', '-1']);
    expect(produced.stdout).toContain('"sent":20000,"acked":20000');
    const consumed = await javaTool('org.apache.kafka.tools.VerifiableConsumer', ['--bootstrap-server', broker.address, '--topic', 'verifiable', '--group-id', 'verifiable-group', '--group-protocol', 'classic', '--max-messages', '20000', '--reset-policy', 'earliest']);
    const events = consumed.stdout.split('\n').filter((line) => line.startsWith('{')).map((line) => JSON.parse(line) as { name: string; count?: number; success?: boolean });
    expect(events.filter((event) => event.name === 'records_consumed').reduce((sum, event) => sum + (event.count ?? 0), 0)).toBe(20000);
    expect(events.filter((event) => event.name === 'offsets_committed').every((event) => event.success)).toBe(true);
  });

  it('EndToEndLatency', async () => {
    const measured = await javaTool('org.apache.kafka.tools.EndToEndLatency', [broker.address, 'latency', '500', '1', '100']);
    expect(measured.stdout, measured.stderr).toMatch(/Percentiles: 50th/);
  });

  it('a million lines in are the same million lines out', async () => {
    const input = Array.from({ length: 1_000_000 }, (_, n) => `line ${n} ${(n * 7919) % 1000003}`).join('\n') + '\n';
    const produced = await javaTool('org.apache.kafka.tools.ConsoleProducer', ['--bootstrap-server', broker.address, '--topic', 'million', '--command-property', 'partitioner.ignore.keys=true'], { input });
    expect(produced.code, produced.stderr).toBe(0);
    const consumed = await run('kcat', ['-b', broker.address, '-C', '-t', 'million', '-e', '-q', '-o', 'beginning'], { timeoutMs: 120_000 });
    expect(consumed.stdout.split('\n').sort().join('\n') === input.split('\n').sort().join('\n')).toBe(true);
  });

  it('DumpLogSegments reads every segment and index deeply with no complaint', async () => {
    expect(await broker.kill('SIGTERM')).toBe(0);
    const files: string[] = [];
    for (const folder of await readdir(dataFolder, { withFileTypes: true })) {
      if (!folder.isDirectory()) continue;
      for (const name of await readdir(path.join(dataFolder, folder.name))) {
        if (/\.(log|index|timeindex|snapshot|txnindex)$/.test(name)) files.push(path.join(dataFolder, folder.name, name));
      }
    }
    const logs = files.filter((file) => file.endsWith('.log') && !file.includes('__tidelog'));
    expect(logs.length).toBeGreaterThan(10);
    const dumped = await javaTool('org.apache.kafka.tools.DumpLogSegments', ['--deep-iteration', '--files', files.join(',')], { timeoutMs: 400_000 });
    expect(dumped.stderr.split('\n').filter((line) => /exception|error/i.test(line))).toEqual([]);
    expect(dumped.stdout).not.toMatch(/isvalid: false|Found timestamp mismatch|Index offset|out of order|Mismatches in|non-consecutive|Found invalid|corrupt/i);
    expect((dumped.stdout.match(/isvalid: true/g) ?? []).length).toBeGreaterThan(1000);
    const offsets = logs.filter((file) => file.includes('__consumer_offsets'));
    const decoded = await javaTool('org.apache.kafka.tools.DumpLogSegments', ['--offsets-decoder', '--files', offsets.join(',')]);
    expect(decoded.stdout).toContain('verifiable-group');
    broker = await startBroker({ dataFolder, port: broker.port });
    expect((await readFile(path.join(dataFolder, 'meta.properties'), 'utf8'))).toContain('cluster.id');
  });
});
