/** kafka-server-start as a process: what it prints, how it ends. Built from the sources as they are. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundle } from '../../../scripts/setup/bundle.mjs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';

const projectRoot = fileURLToPath(new URL('../../../', import.meta.url));
let root = '';

beforeAll(async () => {
  root = await mkdtemp(path.join(os.tmpdir(), 'tidelog-program-'));
  for (const name of ['node_modules', 'package.json', 'build', 'wasm', 'native']) {
    if (existsSync(path.join(projectRoot, name))) await symlink(path.join(projectRoot, name), path.join(root, name));
  }
  await cp(path.join(projectRoot, 'bin'), path.join(root, 'bin'), { recursive: true });
  const [program, ...workers] = ['src/main/server-start.ts', 'src/record/inflate.worker.ts'].map((file) => path.join(projectRoot, file));
  await bundle({ programs: [program!], workers, outdir: path.join(root, 'dist/bundle'), sourcemap: false, logLevel: 'silent' });
});
afterAll(() => rm(root, { recursive: true, force: true }));

interface Started {
  readonly child: ChildProcess;
  readonly output: () => string;
  readonly ended: Promise<number | null>;
}

const children: ChildProcess[] = [];
const folders: string[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'tidelog-program-data-'));
  folders.push(made);
  return made;
}

function start(words: readonly string[], environment: NodeJS.ProcessEnv = {}): Started {
  const child = spawn(process.execPath, [path.join(root, 'bin/kafka-server-start'), ...words], { env: { ...process.env, ...environment }, stdio: ['ignore', 'pipe', 'pipe'] });
  children.push(child);
  let text = '';
  child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (text += bytes.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', (code) => resolve(code)));
  return { child, output: () => text, ended };
}

const settings = (data: string, port = 0): string[] => ['--override', `log.dirs=${data}`, '--override', `listeners=PLAINTEXT://127.0.0.1:${port}`];

async function until(started: Started, text: string): Promise<void> {
  let hasEnded = false;
  void started.ended.then(() => (hasEnded = true));
  while (!started.output().includes(text)) {
    if (hasEnded) throw new Error(`it ended without saying ${text}:\n${started.output()}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const portOf = (started: Started): number => Number(/listening on 127\.0\.0\.1:(\d+)/.exec(started.output())?.[1]);

describe('kafka-server-start', () => {
  it('says what runs and where, serves, and stops in order on SIGTERM', async () => {
    const data = await folder();
    const broker = start(settings(data));
    await until(broker, 'started in');
    expect(broker.output()).toMatch(/INFO Tidelog \d+\.\d+\.\d+ on Node/);
    expect(broker.output()).toMatch(/INFO core: (native|WASM)/);
    expect(broker.output()).toContain(`data: ${data}`);
    const socket = net.connect(portOf(broker), '127.0.0.1');
    socket.write(Buffer.from('0000000a001200000000000700000000', 'hex').subarray(0, 14));
    const reply = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    expect(reply.readInt32BE(4)).toBe(7);
    broker.child.kill('SIGTERM');
    expect(await broker.ended).toBe(0);
    expect(broker.output()).toContain('stopped');
    socket.destroy();
  });

  it('ends at once on a second signal', async () => {
    const broker = start(settings(await folder()));
    await until(broker, 'started in');
    // A client that does not read its replies keeps its connection, and so the broker, from a quick end.
    const socket = net.connect(portOf(broker), '127.0.0.1');
    socket.on('error', () => {});
    const apiVersions = Buffer.from('0000000a00120000000000070000', 'hex');
    socket.write(Buffer.concat(Array.from({ length: 100_000 }, () => apiVersions)));
    await new Promise((resolve) => setTimeout(resolve, 300));
    broker.child.kill('SIGINT');
    await until(broker, 'stopping');
    broker.child.kill('SIGINT');
    expect(await broker.ended).toBe(1);
    expect(broker.output()).toContain('ending at once');
    socket.destroy();
  });

  it('names the port that is in use and what to try', async () => {
    const holder = net.createServer();
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve));
    const { port } = holder.address() as net.AddressInfo;
    const data = await folder();
    const broker = start(settings(data, port));
    expect(await broker.ended).toBe(1);
    expect(broker.output()).toContain(`port ${port} is in use`);
    expect(broker.output()).toContain('--override listeners=');
    holder.close();
    // What it had opened is free again.
    const second = start(settings(data));
    await until(second, 'started in');
  });

  it('names the log directory that another broker uses', async () => {
    const data = await folder();
    const first = start(settings(data));
    await until(first, 'started in');
    const second = start(settings(data));
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain(data);
    expect(second.output()).toContain('in use');
    expect(second.output()).not.toContain('    at ');
  });

  it('lists everything that is wrong with the configuration', async () => {
    const broker = start([...settings(await folder()), '--override', 'num.partitions=many', '--override', 'socket.request.max.bytes=-5']);
    expect(await broker.ended).toBe(1);
    expect(broker.output()).toContain('num.partitions=many');
    expect(broker.output()).toContain('socket.request.max.bytes=-5');
  });

  it.each([
    [['--no-such-flag'], 'unknown flag'],
    [['/no/such/server.properties'], 'no such file'],
  ])('%j ends with 1 and a reason', async (words, reason) => {
    const broker = start(words);
    expect(await broker.ended).toBe(1);
    expect(broker.output()).toContain(reason);
  });

  it('prints version and help', async () => {
    const version = start(['--version']);
    expect(await version.ended).toBe(0);
    expect(version.output()).toMatch(/^Tidelog \d+\.\d+\.\d+\n$/);
    const help = start(['--help']);
    expect(await help.ended).toBe(0);
    expect(help.output()).toContain('--override key=value');
  });

  it('goes to the background with -daemon, and says so when it fails there', async () => {
    const data = await folder();
    const logs = await folder();
    const daemon = start(['-daemon', ...settings(data)], { LOG_DIR: logs });
    expect(await daemon.ended).toBe(0);
    const pid = Number(/process (\d+)/.exec(daemon.output())?.[1]);
    const log = path.join(logs, 'kafkaServer.out');
    expect(await readFile(log, 'utf8')).toContain('started in');
    process.kill(pid, 'SIGHUP');
    const second = start(['-daemon', ...settings(data)], { LOG_DIR: logs });
    expect(await second.ended).toBe(1);
    expect(second.output()).toContain('in use');
    process.kill(pid, 'SIGTERM');
    while (!(await readFile(log, 'utf8')).includes('stopped')) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(await readFile(log, 'utf8')).toContain('SIGHUP is ignored');
  });

  it('writes one JSON object a line where that is asked', async () => {
    const broker = start([...settings(await folder()), '--log-format', 'json']);
    await until(broker, 'started in');
    const lines = broker.output().trim().split('\n').map((line) => JSON.parse(line) as { msg: string });
    expect(lines.at(-1)?.msg).toContain('started in');
  });

  it('does not go on after an error that nobody handled', async () => {
    const defect = path.join(await folder(), 'defect.cjs');
    await writeFile(defect, "setTimeout(() => { throw new Error('a defect'); }, 1500);");
    const broker = start(settings(await folder()), { NODE_OPTIONS: `--require ${defect}` });
    expect(await broker.ended).toBe(1);
    expect(broker.output()).toContain('a defect');
  });
});

describe('zookeeper-server-start', () => {
  it('says what to type instead and ends with 1', () => {
    const { status, stderr } = spawnSync(process.execPath, [path.join(root, 'bin/zookeeper-server-start'), 'config/zookeeper.properties'], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('bin/kafka-server-start');
  });
});
