/** Suites that client libraries and Apache Kafka bring along to judge a broker by, unchanged. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort, projectRoot, startBroker, temporaryFolder, type BrokerProcess } from './support/broker.ts';
import { javaTool, javaToolsAvailable } from './support/java.ts';
import { isInstalled, run, skipLoudly } from './support/run.ts';

const FRANZ = 'github.com/twmb/franz-go';
let broker: BrokerProcess;
let saslAddress: string;
let dataFolder: string;
beforeAll(async () => {
  dataFolder = await temporaryFolder('own-suites');
  const [port, saslPort] = [await freePort(), await freePort()];
  saslAddress = `127.0.0.1:${saslPort}`;
  broker = await startBroker({
    port, dataFolder, flags: ['--add-scram', 'SCRAM-SHA-256=[name=judge,password=judge-secret]'],
    overrides: {
      'listeners': `PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://${saslAddress}`, 'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer', 'allow.everyone.if.no.acl.found': 'true',
      'group.initial.rebalance.delay.ms': 0, 'log.segment.bytes': 1_048_576, 'log.roll.ms': 5000, 'log.cleaner.backoff.ms': 500,
    },
  });
});
afterAll(async () => {
  await broker?.close();
  await rm(dataFolder, { recursive: true, force: true });
});

it('Kafka\'s ClientCompatibilityTest finds every feature that it knows of', async () => {
  if (!(await javaToolsAvailable())) return skipLoudly('no JDK or no Maven: ClientCompatibilityTest was not run');
  expect((await run('kcat', ['-b', broker.address, '-P', '-t', 'compatible'])).code).toBe(0);
  const features = ['offsets-for-times', 'cluster-id', 'create-topics', 'describe-acls', 'describe-configs', 'idempotent-producer'];
  const { stdout, stderr } = await javaTool('org.apache.kafka.tools.ClientCompatibilityTest', [
    '--bootstrap-server', broker.address, '--topic', 'compatible', '--num-cluster-nodes', '1', '--expect-record-too-large-exception', 'false',
    ...features.flatMap((feature) => [`--${feature}-supported`, 'true']),
  ]);
  expect(stdout, stderr).toMatch(/SUCCESS\.\s*$/);
});

it('Kafka\'s LogCompactionTester finds the last value of each key, and less than was written', async () => {
  if (!(await javaToolsAvailable())) return skipLoudly('no JDK or no Maven: LogCompactionTester was not run');
  const { stdout, stderr } = await javaTool('org.apache.kafka.tools.LogCompactionTester',
    ['--bootstrap-server', broker.address, '--messages', '200000', '--topics', '1', '--percent-deletes', '20', '--duplicates', '5', '--sleep', '15']);
  process.stdout.write(/.*reduction.*/.exec(stdout)?.[0].concat('\n') ?? '');
  expect(stdout, stderr).toMatch(/Validated \d+ values, 0 mismatches/);
  expect(Number(/\(([\d.]+)% reduction/.exec(stdout)?.[1])).toBeGreaterThan(20);
});

it('franz-go\'s own tests: classic and KIP-848 groups, share groups, transactions, SCRAM', async () => {
  if (!isInstalled('go', ['version'])) return skipLoudly('no Go: franz-go\'s own tests were not run');
  const found = await run('go', ['list', '-m', '-f', '{{.Dir}}', FRANZ], { cwd: path.join(projectRoot, 'test/interop/clients/franz'), timeoutMs: 300_000 });
  const module = found.stdout.trim();
  if (found.code !== 0 || module === '') return skipLoudly(`franz-go can not be had: ${found.stderr}`);
  const folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-franz-'));
  try {
    await cp(module, folder, { recursive: true });
    expect((await run('chmod', ['-R', 'u+w', folder])).code).toBe(0);
    const env = {
      KGO_SEEDS: broker.address, KGO_TEST_RF: '1', KGO_TEST_RECORDS: process.env.KGO_TEST_RECORDS ?? '50000', KGO_TEST_MAX_TOPIC_PARTS: '8',
      KGO_TEST_SCRAM: 'judge:judge-secret', KGO_TEST_SCRAM_SEEDS: saslAddress,
    };
    const tested = await run('go', ['test', '-v', '-count=1', '-timeout', '25m', '-parallel', '2', './pkg/kgo'], { cwd: folder, env, timeoutMs: 1_600_000 });
    const lines = tested.stdout.split('\n');
    const count = (outcome: string): number => lines.filter((line) => line.trimStart().startsWith(`--- ${outcome}:`)).length;
    process.stdout.write(`franz-go: ${count('PASS')} passed, ${count('FAIL')} failed, ${count('SKIP')} skipped\n`);
    expect(lines.filter((line) => line.includes('--- FAIL')), tested.stderr.slice(-2000)).toEqual([]);
    expect(tested.code).toBe(0);
    expect(lines.filter((line) => /--- PASS: Test(?:GroupETL|ShareGroupETL|TxnEtl|SCRAMAuth|848RegexBrokerResolves) /.test(line))).toHaveLength(5);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}, 1_900_000);
