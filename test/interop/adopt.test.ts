/** The data of a real Apache Kafka, taken over by `--adopt-kafka-data`. */
import { readFile, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { freePort, projectRoot, spawnBroker, startBroker, temporaryFolder, type BrokerOptions } from './support/broker.ts';
import { startRealKafka } from './support/java.ts';
import { pythonEnvironment } from './support/python.ts';
import { isInstalled, run, skipLoudly } from './support/run.ts';

const script = path.join(projectRoot, 'test/interop/clients/adopt.py');

async function lines(address: string): Promise<string[]> {
  const read = await run('kcat', ['-C', '-b', address, '-t', 'orders', '-o', 'beginning', '-e', '-q', '-f', '%p %o %k %s %h %T\\n']);
  expect(read.code, read.stderr).toBe(0);
  return read.stdout.split('\n').sort();
}

/** Exit code and output of a start that is refused. */
async function refusal(dataFolder: string, options: BrokerOptions): Promise<{ code: number | null; output: string }> {
  const { child, output } = spawnBroker(await freePort(), dataFolder, options);
  const code = await new Promise<number | null>((resolve) => child.once('close', (ended) => resolve(ended)));
  return { code, output: output() };
}

it('adopts the data of a real Kafka: records, ids, settings and groups', async () => {
  const environment = await pythonEnvironment();
  if (environment === null || !isInstalled('kcat', ['-V'])) return skipLoudly('no confluent-kafka or no kcat: no Kafka data was adopted');
  const folder = await temporaryFolder('adopt');
  const port = await freePort();
  const kafka = await startRealKafka(port, folder);
  if (kafka === null) return skipLoudly('no real Kafka: its data was not adopted');
  const dataFolder = path.join(folder, 'data');
  const python = (words: readonly string[], input = '') => run('python3', [script, ...words], { env: environment, timeoutMs: 120_000, input });
  try {
    const filled = await python(['fill', `127.0.0.1:${port}`]);
    expect(filled.code, filled.stdout + filled.stderr).toBe(0);
    const linesOfKafka = await lines(`127.0.0.1:${port}`);
    expect(linesOfKafka).toHaveLength(1501);
    await kafka.close();
    const identity = await readFile(path.join(dataFolder, 'meta.properties'), 'utf8');
    const metadataFiles = await readdir(path.join(dataFolder, '__cluster_metadata-0'));

    const overrides = { 'node.id': 1 };
    const refused = await refusal(dataFolder, { overrides });
    expect(refused.code).toBe(1);
    expect(refused.output).toContain('holds data of Apache Kafka');
    expect(refused.output).toContain('--adopt-kafka-data');
    const other = await refusal(dataFolder, { overrides: { 'node.id': 7 }, flags: ['--adopt-kafka-data'] });
    expect(other.code).toBe(1);
    expect(other.output).toContain('set node.id=1');
    expect(await readFile(path.join(dataFolder, 'meta.properties'), 'utf8')).toBe(identity);
    expect(await readdir(dataFolder)).not.toContain('__tidelog_metadata');

    const first = await startBroker({ dataFolder, overrides, flags: ['--adopt-kafka-data'] });
    try {
      expect(await lines(first.address)).toEqual(linesOfKafka);
      const resumed = await python(['resume', first.address], filled.stdout);
      expect(resumed.code, resumed.stdout + resumed.stderr + first.output()).toBe(0);
    } finally {
      await first.close();
    }
    const after = await readFile(path.join(dataFolder, 'meta.properties'), 'utf8');
    for (const line of identity.split('\n').filter((text) => /^(node|cluster|directory)\.id=/.test(text))) expect(after).toContain(line);
    expect(await readdir(path.join(dataFolder, '__cluster_metadata-0'))).toEqual(metadataFiles);
    expect((await readdir(dataFolder)).filter((name) => name.endsWith('-stray'))).toEqual([]);

    const second = await startBroker({ dataFolder, overrides });
    try {
      const ended = await python(['ended', second.address]);
      expect(ended.code, ended.stdout + ended.stderr + second.output()).toBe(0);
      expect(await lines(second.address)).toHaveLength(1801);
    } finally {
      await second.close();
    }
  } finally {
    await kafka.close();
    await rm(folder, { recursive: true, force: true });
  }
});
