/** The server over real sockets, in a process of its own: too many open files, many idle connections, resets. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { request } from './support.ts';

let folder = '';
let program = '';
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'tidelog-sockets-'));
  program = path.join(folder, 'echoServer.mjs');
  const entry = fileURLToPath(new URL('fixtures/echoServer.ts', import.meta.url));
  await build({ entryPoints: [entry], outfile: program, bundle: true, platform: 'node', format: 'esm', logLevel: 'silent' });
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Status {
  connections: number;
  acceptErrors: number;
  rssBytes: number;
}

class ServerProcess {
  readonly #child: ChildProcess;
  port = 0;
  exitCode: number | null = null;
  constructor(openFilesMax: number) {
    const script = `ulimit -n ${openFilesMax} && exec "$0" --expose-gc "$1"`;
    this.#child = spawn('sh', ['-c', script, process.execPath, program], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    this.#child.on('exit', (code) => (this.exitCode = code ?? -1));
  }
  async ready(): Promise<this> {
    this.port = (await this.#next<{ port: number }>()).port;
    return this;
  }
  async status(): Promise<Status> {
    this.#child.send('status');
    return this.#next<Status>();
  }
  async #next<T>(): Promise<T> {
    return new Promise((resolve, reject) => {
      const onExit = (code: number | null) => reject(new Error(`the server ended with ${code}`));
      this.#child.once('exit', onExit);
      this.#child.once('message', (message) => {
        this.#child.off('exit', onExit);
        resolve(message as T);
      });
    });
  }
  stop(): void {
    this.#child.removeAllListeners();
    this.#child.kill('SIGKILL');
  }
}

const sockets: net.Socket[] = [];
let server: ServerProcess | null = null;
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy();
  server?.stop();
  server = null;
});

/** Null when the server closed it at once. */
async function connect(port: number): Promise<net.Socket> {
  const socket = net.connect(port, '127.0.0.1');
  sockets.push(socket);
  socket.on('error', () => {});
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve));
  return socket;
}

/** True when an answer came. */
async function isServed(socket: net.Socket, correlationId: number): Promise<boolean> {
  if (socket.destroyed) return false;
  const frame = request(correlationId, Buffer.alloc(50, correlationId));
  socket.write(frame);
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    const onClose = () => resolve(false);
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      if (Buffer.concat(chunks).length < frame.length) return;
      socket.off('data', onData);
      socket.off('close', onClose);
      resolve(Buffer.concat(chunks).equals(frame));
    };
    socket.on('data', onData);
    socket.once('close', onClose);
  });
}

async function countServed(of: readonly net.Socket[]): Promise<number> {
  const served = await Promise.all(of.map((socket, index) => isServed(socket, index)));
  return served.filter(Boolean).length;
}

describe.skipIf(process.platform === 'win32')('real sockets', () => {
  it('with no file descriptor left, those who are connected are served, and others again when one is free', async () => {
    server = await new ServerProcess(64).ready();
    const first = await connect(server.port);
    expect(await isServed(first, 1)).toBe(true);
    const many: net.Socket[] = [];
    for (let index = 0; index < 100; index += 1) many.push(await connect(server.port));
    const served = await countServed(many);
    expect(served).toBeGreaterThan(10);
    expect(served).toBeLessThan(64);
    expect(await isServed(first, 2)).toBe(true);
    for (const socket of many) socket.destroy();
    let isBack = false;
    for (let tries = 0; tries < 50 && !isBack; tries += 1) isBack = await isServed(await connect(server.port), 3);
    expect(isBack).toBe(true);
    expect(server.exitCode).toBeNull();
  });

  it('2,000 idle connections cost little memory each, and all are served', async () => {
    server = await new ServerProcess(4096).ready();
    expect(await isServed(await connect(server.port), 0)).toBe(true);
    const before = await server.status();
    const many: net.Socket[] = [];
    for (let index = 0; index < 100; index += 1) many.push(...(await Promise.all(Array.from({ length: 20 }, () => connect((server as ServerProcess).port)))));
    let after = await server.status();
    for (let tries = 0; tries < 1000 && after.connections < 2001; tries += 1) after = await server.status();
    expect(after.connections).toBe(2001);
    expect((after.rssBytes - before.rssBytes) / 2000).toBeLessThan(24_000);
    expect(await countServed(many)).toBe(2000);
  });

  it('resets, half closes and writes into closed sockets end only their own connection', async () => {
    server = await new ServerProcess(1024).ready();
    const good = await connect(server.port);
    for (let round = 0; round < 20; round += 1) {
      const reset = await connect(server.port);
      for (let id = 0; id < 50; id += 1) reset.write(request(id, Buffer.alloc(20_000)));
      setTimeout(() => reset.resetAndDestroy(), round % 4);
      const half = await connect(server.port);
      half.end(request(1, Buffer.alloc(100_000)).subarray(0, 50_000));
      half.resume();
      expect(await isServed(good, round)).toBe(true);
    }
    let status = await server.status();
    for (let tries = 0; tries < 200 && status.connections > 1; tries += 1) status = await server.status();
    expect(status.connections).toBe(1);
  });
});
