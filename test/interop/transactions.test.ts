/** Exactly-once clients that nobody here wrote: librdkafka's transactions under `kill -9`, and Kafka's own copier with random aborts. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { freePort, projectRoot, startBroker, temporaryFolder } from './support/broker.ts';
import { javaTool, javaToolsAvailable } from './support/java.ts';
import { pythonEnvironment } from './support/python.ts';
import { run, skipLoudly } from './support/run.ts';

const KILLS = Number(process.env.KILLS ?? 8);
const PRODUCERS = 2;
const PARTITIONS = 3;
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));
const script = (name: string) => path.join(projectRoot, 'test/interop/clients', name);

interface Produced { fates: ('committed' | 'aborted' | 'unknown')[]; errors: string[] }
interface Read { ended: number; disorder: unknown[]; found: Record<string, Record<string, [count: number, indexes: number[]]>> }

/** What a reader of committed records may see of a transaction that ended so. */
function isRight(fate: Produced['fates'][number], seen: [number, number[]] | undefined): boolean {
  const isWhole = seen !== undefined && seen[1].length === seen[0] && seen[1].every((index, at) => index === at);
  if (fate === 'committed') return isWhole;
  return fate === 'aborted' ? seen === undefined : seen === undefined || isWhole;
}

it(`transactions of librdkafka are whole or not there over ${KILLS} kills`, async () => {
  const environment = await pythonEnvironment();
  if (environment === null) return skipLoudly('confluent-kafka can not be installed: kill -9 under a transactional producer was not tried');
  const port = await freePort();
  const dataFolder = await temporaryFolder('transactions');
  const overrides = { 'log.segment.bytes': 1_048_576, 'num.partitions': PARTITIONS, 'transaction.state.log.num.partitions': 4, 'log.flush.offset.checkpoint.interval.ms': 500 };
  let broker = await startBroker({ port, dataFolder, overrides });
  const producers = Array.from({ length: PRODUCERS }, (_, index) => {
    const child = spawn('python3', [script('transactional_producer.py'), broker.address, 'tx', String(PARTITIONS), `id-${index}`, String(index + 1)], { env: { ...process.env, ...environment }, stdio: ['pipe', 'pipe', 'inherit'] });
    const printed: Buffer[] = [];
    child.stdout.on('data', (piece: Buffer) => printed.push(piece));
    return { child, ended: once(child, 'exit'), printed };
  });
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      await pause(300 + Math.random() * 1200);
      await broker.kill('SIGKILL');
      broker = await startBroker({ port, dataFolder, overrides });
    }
    await pause(1000);
    for (const { child } of producers) child.stdin.end();
    await Promise.all(producers.map(({ ended }) => ended));
    const produced = producers.map(({ printed }) => JSON.parse(Buffer.concat(printed).toString()) as Produced);
    const read = await run('python3', [script('committed_reader.py'), broker.address, 'tx', String(PARTITIONS)], { env: environment, timeoutMs: 120_000 });
    const { ended, disorder, found } = JSON.parse(read.stdout) as Read;
    const tally = (fate: string): number => produced.reduce((sum, { fates }) => sum + fates.filter((one) => one === fate).length, 0);
    process.stdout.write(`kill -9 under transactions: ${tally('committed')} committed, ${tally('aborted')} aborted, ${tally('unknown')} unknown; ${produced.flatMap(({ errors }) => errors).slice(0, 3).join('; ')}\n`);
    const wrong = produced.flatMap(({ fates }, index) => fates.flatMap((fate, number) => (isRight(fate, found[`id-${index}`]?.[number]) ? [] : [{ index, number, fate, seen: found[`id-${index}`]?.[number] }])));
    expect({ ended, disorder, wrong }).toEqual({ ended: PARTITIONS, disorder: [], wrong: [] });
    expect(tally('committed')).toBeGreaterThan(KILLS);
  } finally {
    for (const { child } of producers) child.kill('SIGKILL');
    await broker.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
});

it('Kafka\'s TransactionalMessageCopier copies each record once, with random aborts and a kill', async () => {
  if (!(await javaToolsAvailable())) return skipLoudly('no JDK or no Maven: TransactionalMessageCopier was not run');
  const port = await freePort();
  const dataFolder = await temporaryFolder('copier');
  let broker = await startBroker({ port, dataFolder, overrides: { 'transaction.state.log.num.partitions': 4 } });
  const records = 20_000;
  try {
    await run('kcat', ['-b', broker.address, '-P', '-t', 'from', '-p', '0'], { input: Array.from({ length: records }, (_, n) => `${n}\n`).join('') });
    const copied = javaTool('org.apache.kafka.tools.TransactionalMessageCopier', [
      '--broker-list', broker.address, '--input-topic', 'from', '--input-partition', '0', '--output-topic', 'to', '--consumer-group', 'copiers', '--transactional-id', 'copier',
      '--transaction-size', '50', '--max-messages', '-1', '--enable-random-aborts', '--use-group-metadata', '--group-mode',
    ]);
    const read = (): Promise<{ stdout: string }> =>
      run('kcat', ['-b', broker.address, '-C', '-t', 'to', '-e', '-q', '-o', 'beginning', '-X', 'isolation.level=read_committed'], { timeoutMs: 60_000 });
    // in the midst of it
    while ((await read()).stdout.length === 0) await pause(50);
    await broker.kill('SIGKILL');
    broker = await startBroker({ port, dataFolder, overrides: { 'transaction.state.log.num.partitions': 4 } });
    const { stdout, stderr, code } = await copied;
    expect(code, `${stdout.slice(-2000)} ${stderr.slice(-2000)}`).toBe(0);
    const values = (await read()).stdout.trim().split('\n').map(Number).toSorted((left, right) => left - right);
    expect(values).toEqual(Array.from({ length: records }, (_, n) => n));
  } finally {
    await broker.close();
    await rm(dataFolder, { recursive: true, force: true });
  }
});
