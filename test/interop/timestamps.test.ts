/** Offsets by timestamp, beside a real Apache Kafka on the same records. */
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { freePort, projectRoot, startBroker, temporaryFolder } from './support/broker.ts';
import { startRealKafka } from './support/java.ts';
import { pythonEnvironment } from './support/python.ts';
import { run, skipLoudly } from './support/run.ts';

it('agrees with Kafka on 10,000 random timestamps', async () => {
  const environment = await pythonEnvironment();
  const folder = await temporaryFolder('real');
  const port = await freePort();
  const kafka = environment === null ? null : await startRealKafka(port, folder);
  if (environment === null || kafka === null) return skipLoudly('no real Kafka or no confluent-kafka: offsets by timestamp were not compared');
  const broker = await startBroker({ overrides: { 'log.segment.bytes': 1_048_576 } });
  try {
    const ended = await run('python3', [path.join(projectRoot, 'test/interop/clients/timestamps.py'), broker.address, `127.0.0.1:${port}`, '10000'], { env: environment, timeoutMs: 300_000 });
    process.stdout.write(ended.stdout);
    expect(ended.code, ended.stdout + ended.stderr).toBe(0);
  } finally {
    await broker.close();
    await kafka.close();
    await rm(folder, { recursive: true, force: true });
  }
});
