/** Apache Kafka's own perf tools beside the libraries. */
import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { peersFolder, runs } from '../../broker/peers.ts';
import { cpuSeconds } from '../../broker/processStats.ts';
import type { Figure } from '../work.ts';
import { createTopic } from './order.ts';

const TIMEOUT_MS = 120_000;
const CPU_POLL_MS = 20;
/** As large as the batches of the others. */
const BATCH_BYTES = 131_072;

/** Why the Java client cannot run; '' when it can. Its jars are fetched when an Apache Kafka is started. */
export function javaIsAbsent(root: string): string {
  if (peersFolder(root) === null) return 'no peers folder (TIDELOG_PEERS) with kafka-tool';
  if (!runs('java', '-version')) return 'no Java on the path';
  return javaVersion() === null ? 'its jars are not there: run beside an Apache Kafka first' : '';
}

/** Of the client's jar. */
export function javaVersion(): string | null {
  const folder = path.join(os.tmpdir(), 'peer-kafka/lib');
  const jar = existsSync(folder) ? readdirSync(folder).find((name) => /^kafka-clients-[\d.]+\.jar$/.test(name)) : undefined;
  return jar === undefined ? null : jar.slice('kafka-clients-'.length, -'.jar'.length);
}

/** CPU times are the whole process's, its start included. */
export async function runJava(root: string, bootstrap: string, count: number, sizeBytes: number): Promise<Record<string, Figure>> {
  const topic = `bench-java-${process.pid}-${Date.now()}`;
  await createTopic(bootstrap, topic);
  const props = [`bootstrap.servers=${bootstrap}`, 'acks=1', `batch.size=${BATCH_BYTES}`];
  const produced = await runTool(root, 'org.apache.kafka.tools.ProducerPerformance', ['--topic', topic, '--num-records', String(count), '--record-size', String(sizeBytes), '--throughput', '-1', '--producer-props', ...props]);
  const rate = /([\d.]+) records\/sec/.exec(produced.output.trim().split('\n').findLast((line) => line.includes('99th')) ?? '')?.[1];
  const consumed = await runTool(root, 'org.apache.kafka.tools.ConsumerPerformance', ['--bootstrap-server', bootstrap, '--topic', topic, '--messages', String(count), '--timeout', String(TIMEOUT_MS / 2)]);
  const fields = (consumed.output.trim().split('\n').at(-1) ?? '').split(',').map((field) => field.trim());
  const fetched = Number(fields.at(-1));
  if (rate === undefined || !(fetched > 0)) throw new Error(`the Java tools said: ${produced.output.slice(-300)} ${consumed.output.slice(-300)}`);
  return { produce: { perSecond: Number(rate), cpuUs: (produced.cpuSeconds / count) * 1e6 }, consume: { perSecond: fetched, cpuUs: (consumed.cpuSeconds / count) * 1e6 } };
}

function runTool(root: string, mainClass: string, args: readonly string[]): Promise<{ readonly output: string; readonly cpuSeconds: number }> {
  const child = spawn(path.join(peersFolder(root) as string, 'kafka-tool'), [mainClass, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let cpu = 0;
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  const look = (): void => {
    try {
      cpu = Math.max(cpu, cpuSeconds(child.pid as number));
    } catch {
      // it has just ended
    }
  };
  const poll = setInterval(look, CPU_POLL_MS);
  const limit = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      clearInterval(poll);
      clearTimeout(limit);
      if (code === 0) resolve({ output, cpuSeconds: cpu });
      else reject(new Error(`${mainClass} ended with ${code}: ${output.slice(-500)}`));
    });
  });
}
