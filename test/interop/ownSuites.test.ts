/** Apache Kafka's own programs that judge a broker, unchanged. */
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort, startBroker, temporaryFolder, type BrokerProcess } from './support/broker.ts';
import { javaTool, javaToolsAvailable } from './support/java.ts';
import { run, skipLoudly } from './support/run.ts';

let broker: BrokerProcess;
let dataFolder: string;
beforeAll(async () => {
  dataFolder = await temporaryFolder('own-suites');
  broker = await startBroker({
    port: await freePort(), dataFolder,
    overrides: {
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
