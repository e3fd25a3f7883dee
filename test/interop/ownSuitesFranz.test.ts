/** franz-go's own tests, unchanged, in parts that each end in minutes. */
import { cp, mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort, projectRoot, startBroker, temporaryFolder, type BrokerProcess } from './support/broker.ts';
import { isInstalled, run, skipLoudly } from './support/run.ts';

const FRANZ = 'github.com/twmb/franz-go';
const PART_MS_MAX = 900_000;
/** Name of the part, its tests, and those that have to be among the passed ones. */
const PARTS: readonly (readonly [string, string, readonly string[]])[] = [
  ['groups', '^(TestGroup|Test848)', ['TestGroupETL', 'Test848RegexBrokerResolves']],
  ['share groups', '^TestShareGroup', ['TestShareGroupETL']],
  ['transactions', '^TestTxn', ['TestTxnEtl']],
  ['SCRAM', '^TestSCRAM', ['TestSCRAMAuth']],
];
const ELSE = `(${PARTS.map(([, pattern]) => pattern).join('|')})`;

let broker: BrokerProcess;
let environment: NodeJS.ProcessEnv;
let dataFolder: string;
let sources: string;
/** Why nothing can be run, or null. */
let absence: string | null = null;

beforeAll(async () => {
  dataFolder = await temporaryFolder('franz');
  sources = await mkdtemp(path.join(os.tmpdir(), 'tidelog-franz-'));
  if (!isInstalled('go', ['version'])) return void (absence = 'no Go');
  const found = await run('go', ['list', '-m', '-f', '{{.Dir}}', FRANZ], { cwd: path.join(projectRoot, 'test/interop/clients/franz'), timeoutMs: 300_000 });
  if (found.code !== 0 || found.stdout.trim() === '') return void (absence = `franz-go can not be had: ${found.stderr}`);
  await cp(found.stdout.trim(), sources, { recursive: true });
  expect((await run('chmod', ['-R', 'u+w', sources])).code).toBe(0);
  const built = await run('go', ['test', '-c', '-o', 'franz.test', './pkg/kgo'], { cwd: sources, timeoutMs: 600_000 });
  expect(built.code, built.stderr).toBe(0);
  const [port, saslPort] = [await freePort(), await freePort()];
  broker = await startBroker({
    port, dataFolder, flags: ['--add-scram', 'SCRAM-SHA-256=[name=judge,password=judge-secret]'],
    overrides: {
      'listeners': `PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort}`, 'sasl.enabled.mechanisms': 'SCRAM-SHA-256',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer', 'allow.everyone.if.no.acl.found': 'true', 'group.initial.rebalance.delay.ms': 0,
    },
  });
  environment = {
    KGO_SEEDS: broker.address, KGO_TEST_RF: '1', KGO_TEST_RECORDS: process.env['KGO_TEST_RECORDS'] ?? '20000', KGO_TEST_MAX_TOPIC_PARTS: '8',
    KGO_TEST_SCRAM: 'judge:judge-secret', KGO_TEST_SCRAM_SEEDS: `127.0.0.1:${saslPort}`,
  };
}, 1_000_000);

afterAll(async () => {
  await broker?.close();
  for (const folder of [dataFolder, sources]) await rm(folder, { recursive: true, force: true });
});

async function judge(name: string, selection: readonly string[], wanted: readonly string[]): Promise<void> {
  if (absence !== null) return skipLoudly(`${absence}: franz-go's own tests (${name}) were not run`);
  const tested = await run(path.join(sources, 'franz.test'), ['-test.v', '-test.count=1', '-test.timeout', `${PART_MS_MAX / 1000}s`, '-test.parallel', '2', ...selection], {
    cwd: path.join(sources, 'pkg/kgo'), env: environment, timeoutMs: PART_MS_MAX + 60_000,
  });
  const lines = tested.stdout.split('\n').map((line) => line.trimStart());
  const named = (outcome: string): string[] => lines.filter((line) => line.startsWith(`--- ${outcome}:`));
  process.stdout.write(`franz-go, ${name}: ${named('PASS').length} passed, ${named('FAIL').length} failed, ${named('SKIP').length} skipped\n`);
  expect(named('FAIL'), tested.stderr.slice(-2000)).toEqual([]);
  expect(tested.code, lines.slice(-20).join('\n')).toBe(0);
  for (const test of wanted) expect(named('PASS').some((line) => line.startsWith(`--- PASS: ${test} `)), `${test} passed`).toBe(true);
}

it.each(PARTS)('franz-go\'s own tests: %s', (name, pattern, wanted) => judge(name, ['-test.run', pattern], wanted), PART_MS_MAX + 90_000);

it('franz-go\'s own tests: all others', () => judge('all others', ['-test.skip', ELSE], []), PART_MS_MAX + 90_000);
