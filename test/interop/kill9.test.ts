/**
 * `kill -9` again and again under the load of librdkafka's idempotent producer: at random moments, in group commit, in rolls, while topics are
 * deleted, and while the broker starts. Every record acknowledged must be there once, in order.
 */
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { freePort, projectRoot, spawnBroker, startBroker, temporaryFolder } from './support/broker.ts';
import { pythonEnvironment } from './support/python.ts';
import { run, skipLoudly } from './support/run.ts';

const { Kafka, logLevel } = createRequire(import.meta.url)('kafkajs') as typeof import('kafkajs');
const KILLS = Number(process.env.KILLS ?? 20);
const PARTITIONS = 4;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const script = (name: string) => path.join(projectRoot, 'test/interop/clients', name);

/** Makes, fills and deletes a topic in the background; the broker may die at any point of it. */
function churn(address: string, topic: string): void {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING, retry: { retries: 0 } });
  const admin = kafka.admin();
  const work = async () => {
    await admin.connect();
    await admin.createTopics({ topics: [{ topic, numPartitions: 8 }] });
    await run('kcat', ['-b', address, '-P', '-t', topic], { input: 'x\n'.repeat(2000), timeoutMs: 2000 });
    await admin.deleteTopics({ topics: [topic] });
  };
  void work().catch(() => undefined).finally(() => admin.disconnect().catch(() => undefined));
}

interface Produced { sent: number[]; left: number; failedCount: number; failed: unknown[]; fatal: string[]; acked: number[]; inOrder: boolean }
interface Consumed { ends: number[]; seen: number[]; wrong: unknown[] }

it.each([
  { name: 'page cache', flush: '9223372036854775807', codec: 'none' },
  { name: 'flush.messages=1', flush: '1', codec: 'lz4' },
])(`nothing acknowledged is lost or doubled over ${KILLS} kills ($name)`, async ({ flush, codec }) => {
  const environment = await pythonEnvironment();
  if (environment === null) return skipLoudly('confluent-kafka can not be installed: kill -9 under an idempotent producer was not tried');
  const port = await freePort();
  const dataFolder = await temporaryFolder('kill9');
  const overrides = { 'log.segment.bytes': 1_048_576, 'log.flush.interval.messages': flush, 'num.partitions': PARTITIONS, 'log.segment.delete.delay.ms': 200, 'log.flush.offset.checkpoint.interval.ms': 500 };
  let broker = await startBroker({ port, dataFolder, overrides });
  const producer = spawn('python3', [script('sequence_producer.py'), broker.address, 'sequence', String(PARTITIONS), codec], { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'inherit'] });
  let printed = '';
  producer.stdout.on('data', (piece: Buffer) => (printed += piece.toString()));
  const producerEnd = new Promise((resolve) => producer.once('exit', resolve));
  const recoveryMs: number[] = [];
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      await pause(200 + Math.random() * 1000);
      if (kill % 2 === 1) churn(broker.address, `churn-${kill}`);
      await pause(Math.random() * 50);
      await broker.kill('SIGKILL');
      if (kill % 5 === 2) { // once more, while it starts
        const early = spawnBroker(port, dataFolder, { overrides });
        await pause(20 + Math.random() * 150);
        const gone = new Promise((resolve) => early.child.once('exit', resolve));
        early.child.kill('SIGKILL');
        await gone;
      }
      broker = await startBroker({ port, dataFolder, overrides });
      recoveryMs.push(Math.round(broker.startMs));
    }
    await pause(500);
    producer.stdin.end();
    await producerEnd;
    const produced = JSON.parse(printed) as Produced;
    const read = await run('python3', [script('sequence_consumer.py'), broker.address, 'sequence', String(PARTITIONS)], { env: environment, timeoutMs: 120_000 });
    const consumed = JSON.parse(read.stdout) as Consumed;
    process.stdout.write(`kill -9 (${flush}): ${KILLS} kills, ${produced.acked.reduce((a, b) => a + b)} records acknowledged, spawn to listening after a kill: ${recoveryMs.join(' ')} ms\n`);
    expect(produced.fatal).toEqual([]);
    expect(produced.failed).toEqual([]);
    expect(produced.left).toBe(0);
    expect(produced.inOrder).toBe(true);
    expect(consumed.wrong).toEqual(produced.acked.map(() => null));
    expect(consumed.seen).toEqual(produced.acked);
  } finally {
    producer.kill('SIGKILL');
    await broker.kill('SIGKILL');
    await rm(dataFolder, { recursive: true, force: true });
  }
});
