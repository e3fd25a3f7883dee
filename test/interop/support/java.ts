import { spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { freePort, projectRoot } from './broker.ts';
import { isInstalled, run, type RunResult } from './run.ts';

const START_MS_MAX = 180_000;
const SAID_MAX_LENGTH = 4000;
const folder = path.join(os.tmpdir(), 'tidelog-interop-java');

export function javaCommand(): string {
  const base = '/usr/lib/jvm';
  const newest = existsSync(base) ? readdirSync(base).filter((name) => name.startsWith('temurin-')).sort((a, b) => a.localeCompare(b, undefined, { numeric: true })).pop() : undefined;
  return newest === undefined ? 'java' : path.join(base, newest, 'bin/java');
}

export const javaClassPath = (): string => path.join(folder, 'lib', '*');

/** Fetches Apache Kafka's jars once; false when there is no JDK or Maven. */
export async function javaToolsAvailable(): Promise<boolean> {
  if (!isInstalled(javaCommand(), ['-version']) || !isInstalled('mvn')) return false;
  if (existsSync(path.join(folder, 'lib'))) return true;
  await mkdir(folder, { recursive: true });
  const fresh = path.join(folder, `lib.${process.pid}`);
  const fetched = await run('mvn', ['-q', '-B', '-f', path.join(projectRoot, 'test/interop/clients/java/pom.xml'), 'dependency:copy-dependencies', `-DoutputDirectory=${fresh}`], { timeoutMs: 400_000 });
  if (fetched.code !== 0) {
    process.stderr.write(fetched.stdout + fetched.stderr);
    await rm(fresh, { recursive: true, force: true });
    return false;
  }
  await rename(fresh, path.join(folder, 'lib'));
  return true;
}

/** Runs one of Apache Kafka's own tools. */
export function javaTool(mainClass: string, args: readonly string[], options: { input?: string; timeoutMs?: number } = {}): Promise<RunResult> {
  return run(javaCommand(), ['-Xmx768m', '-XX:TieredStopAtLevel=1', '-XX:+UseSerialGC', '-cp', javaClassPath(), mainClass, ...args], { timeoutMs: 180_000, ...options });
}

/** A real Apache Kafka for comparisons; null when it can't be had. Formats a fresh folder. */
export async function startRealKafka(port: number, dataFolder: string, settings: Readonly<Record<string, string>> = {}): Promise<{ close(): Promise<void> } | null> {
  if (!(await javaToolsAvailable())) return null;
  const controllerPort = await freePort();
  const file = path.join(dataFolder, 'server.properties');
  await writeFile(file, [
    'process.roles=broker,controller', 'node.id=1', `controller.quorum.voters=1@127.0.0.1:${controllerPort}`, `listeners=PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'controller.listener.names=CONTROLLER', 'listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT', `log.dirs=${path.join(dataFolder, 'data')}`,
    'offsets.topic.replication.factor=1', 'transaction.state.log.replication.factor=1', 'transaction.state.log.min.isr=1', 'group.initial.rebalance.delay.ms=0',
    'share.coordinator.state.topic.replication.factor=1', 'share.coordinator.state.topic.min.isr=1', ...Object.entries(settings).map(([name, value]) => `${name}=${value}`),
  ].join('\n'));
  const formatted = await javaTool('kafka.tools.StorageTool', ['format', '-t', 'MkU3OEVBNTcwNTJENDM2Qk', '-c', file]);
  if (formatted.code !== 0) throw new Error(formatted.stdout + formatted.stderr);
  const child = spawn(javaCommand(), ['-Xmx768m', '-cp', javaClassPath(), 'kafka.Kafka', file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece: Buffer) => (said = (said + piece.toString()).slice(-SAID_MAX_LENGTH)));
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const deadline = Date.now() + START_MS_MAX;
  while (!(await isOpen(port))) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`Apache Kafka did not start:\n${said}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return {
    async close() {
      child.kill('SIGTERM');
      await gone;
    },
  };
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => (socket.destroy(), resolve(true)));
    socket.once('error', () => resolve(false));
  });
}
