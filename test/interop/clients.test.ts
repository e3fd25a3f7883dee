/** Client libraries of other languages, unchanged, each over every codec, in groups that stop and resume. */
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { projectRoot, startBroker, type BrokerProcess } from './support/broker.ts';
import { pythonEnvironment } from './support/python.ts';
import { isInstalled, run, skipLoudly } from './support/run.ts';

let broker: BrokerProcess;
beforeAll(async () => {
  broker = await startBroker();
});
afterAll(async () => {
  await broker?.close();
});

it('confluent-kafka (librdkafka)', async () => {
  const environment = await pythonEnvironment();
  if (environment === null) return skipLoudly('confluent-kafka can not be installed');
  const ended = await run('python3', [path.join(projectRoot, 'test/interop/clients/round_trip.py'), broker.address], { env: environment, timeoutMs: 180_000 });
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
});

it('franz-go', async () => {
  if (!isInstalled('go', ['version'])) return skipLoudly('no Go: franz-go was not run');
  const folder = path.join(projectRoot, 'test/interop/clients/franz');
  const binary = path.join(os.tmpdir(), 'tidelog-interop-franz');
  const built = await run('go', ['build', '-o', binary, '.'], { cwd: folder, timeoutMs: 300_000 });
  expect(built.code, built.stderr).toBe(0);
  const ended = await run(binary, [broker.address], { timeoutMs: 180_000 });
  expect(ended.code, ended.stdout + ended.stderr).toBe(0);
});
