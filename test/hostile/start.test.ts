/** Starts that cannot be: each ends with code 1 and says what is wrong and what to do. */
import { spawn } from 'node:child_process';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { freePort, projectRoot, spawnBroker, temporaryFolder } from '../support/brokerProcess.ts';
import { Arena } from './support/arena.ts';
import { MountNamespace, skipLoudly } from './support/mountedFolder.ts';

let folder: string;
beforeAll(async () => {
  folder = await temporaryFolder('start');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ending {
  readonly code: number | null;
  readonly output: string;
}

/** Runs the program until it ends. */
async function endingOf(words: readonly string[], prefix: readonly string[] = []): Promise<Ending> {
  const [program, ...rest] = [...prefix, process.execPath, path.join(projectRoot, 'bin/kafka-server-start'), ...words] as [string, ...string[]];
  const child = spawn(program, rest, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (bytes: Buffer) => (output += bytes.toString()));
  child.stderr.on('data', (bytes: Buffer) => (output += bytes.toString()));
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { code, output };
}

async function startWith(settings: Readonly<Record<string, string>>, prefix: readonly string[] = []): Promise<Ending> {
  const all = { listeners: `PLAINTEXT://127.0.0.1:${await freePort()}`, 'log.dirs': path.join(folder, 'data'), ...settings };
  return endingOf(Object.entries(all).flatMap(([key, value]) => ['--override', `${key}=${value}`]), prefix);
}

/** No line of a stack: the message is for people. */
const isForPeople = (output: string): boolean => !/^\s+at .*:\d+/m.test(output);

describe('a bad setting', () => {
  // All of them are told at one start.
  test.each([
    [{
      'num.partitions': 'many', 'log.segment.bytes': '3', 'log.retention.ms': '99999999999999999999999', 'socket.request.max.bytes': '-1', 'log.cleanup.policy': 'burn',
      'offsets.topic.num.partitions': '-7', 'auto.create.topics.enable': 'perhaps', 'compression.type': 'middle-out', 'node.id': '-4',
    }],
    [{ 'num.partitions': '0', 'num.io.threads': '1e3', 'log.flush.interval.ms': '0x10', 'max.connections': '-1' }],
    // What only makes sense together is looked at once each value does.
    [{ listeners: 'gopher://here' }],
    [{ listeners: 'PLAINTEXT://:99999' }],
    [{ 'advertised.listeners': 'PLAINTEXT://0.0.0.0:1' }],
    [{ listeners: '' }],
    [{ 'log.dirs': '' }],
  ])('%j', async (settings) => {
    const { code, output } = await startWith(settings as unknown as Record<string, string>);
    expect(code).toBe(1);
    for (const [key, value] of Object.entries(settings)) {
      const line = output.split('\n').find((text) => text.includes(key));
      expect(line, output).toBeDefined();
      expect(line).toContain(value as string);
    }
    expect(isForPeople(output)).toBe(true);
  });

  test('in a file names the file and its line', async () => {
    const file = path.join(folder, 'server.properties');
    await writeFile(file, `# a comment\nlog.dirs=${path.join(folder, 'data')}\nnum.io.threads=none\n`);
    const { code, output } = await endingOf([file]);
    expect(code).toBe(1);
    expect(output).toContain('num.io.threads');
    expect(output).toContain('none');
    expect(output).toContain('server.properties:3');
  });

  test('a file that is not there, and words that are none', async () => {
    for (const words of [[path.join(folder, 'nowhere.properties')], ['--overide', 'a=b'], ['--override', 'novalue'], [folder]]) {
      const { code, output } = await endingOf(words);
      expect(code).toBe(1);
      expect(output.trim()).not.toBe('');
      expect(isForPeople(output)).toBe(true);
    }
  });

  test('a file of garbage does not start, or warns of each key', async () => {
    const file = path.join(folder, 'garbage.properties');
    await writeFile(file, Buffer.from([0, 1, 2, 0xff, 0xfe, 10, 0x5c, 0x75, 0x7a, 10]));
    const { code, output } = await endingOf([file]);
    expect(code).toBe(1);
    expect(isForPeople(output)).toBe(true);
  });
});

describe('a log directory that cannot be had', () => {
  test('in use by another process: names the holder, who goes on', async () => {
    const arena = await Arena.open();
    await arena.attack(async () => {
      const { code, output } = await startWith({ 'log.dirs': arena.broker.dataFolder });
      expect(code).toBe(1);
      expect(output).toContain(arena.broker.dataFolder);
      expect(output).toContain(String(arena.broker.pid));
      expect(isForPeople(output)).toBe(true);
    });
    await arena.close();
  });

  test('a port in use: names the address', async () => {
    const arena = await Arena.open();
    await arena.attack(async () => {
      const { code, output } = await startWith({ listeners: `PLAINTEXT://127.0.0.1:${arena.broker.port}` });
      expect(code).toBe(1);
      expect(output).toContain(String(arena.broker.port));
      expect(isForPeople(output)).toBe(true);
    });
    await arena.close();
  });

  test('a file in place of the folder', async () => {
    const file = path.join(folder, 'a-file');
    await writeFile(file, 'x');
    for (const directory of [file, path.join(file, 'below')]) {
      const { code, output } = await startWith({ 'log.dirs': directory });
      expect(code).toBe(1);
      expect(output).toContain(file);
      expect(isForPeople(output)).toBe(true);
    }
  });

  test('read-only', async ({ skip }) => {
    const mounts = await MountNamespace.open();
    if (mounts === null) {
      skipLoudly('a read-only log directory', 'this user may not mount');
      return skip();
    }
    try {
      const place = path.join(folder, 'read-only');
      await mkdir(place);
      mounts.mountMemory(place, 1024, 'ro');
      for (const directory of [place, path.join(place, 'below')]) {
        const { code, output } = await startWith({ 'log.dirs': directory }, mounts.prefix);
        expect(code).toBe(1);
        expect(output).toContain(directory);
        expect(output).toMatch(/read-only/i);
        expect(isForPeople(output)).toBe(true);
      }
    } finally {
      mounts.close();
    }
  });

  test('full', async ({ skip }) => {
    const mounts = await MountNamespace.open();
    if (mounts === null) {
      skipLoudly('a start on a full disk', 'this user may not mount');
      return skip();
    }
    try {
      const place = path.join(folder, 'full');
      await mkdir(place);
      mounts.mountMemory(place, 64);
      mounts.run('sh', '-c', `head -c 1000000 /dev/zero > ${place}/ballast || true`);
      const { code, output } = await startWith({ 'log.dirs': place }, mounts.prefix);
      expect(code).toBe(1);
      expect(output).toContain(place);
      expect(output).toMatch(/no space|full/i);
      expect(isForPeople(output)).toBe(true);
    } finally {
      mounts.close();
    }
  });
});

test('SIGTERM while it starts ends it', async () => {
  const { child } = spawnBroker(await freePort(), path.join(folder, 'short-lived'));
  await new Promise((resolve) => child.stdout!.once('data', resolve));
  child.kill('SIGTERM');
  // By itself, or by the signal where it came before anything was opened.
  expect(await new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)))).toSatisfy((how) => how === 0 || how === 'SIGTERM');
});
