import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import type { Network, Wire } from '../../src/base/wire.ts';
import { validateBrokerConfig } from '../../src/config/brokerConfig.ts';
import { createLoopbackNetwork, FrameReader } from '../../src/net/index.ts';
import { connectionsMaxFor, openFilesMax, startNode, type Node } from '../../src/node/index.ts';

const folders: string[] = [];
const nodes: Node[] = [];
afterEach(async () => {
  for (const node of nodes.splice(0)) await node.close(0);
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(os.tmpdir(), 'tidelog-node-'));
  folders.push(made);
  return made;
}

async function start(network: Network, settings: Readonly<Record<string, string>>): Promise<Node> {
  const entries = Object.entries({ listeners: 'PLAINTEXT://127.0.0.1:0', ...settings }).map(([key, value]) => ({ key, value, origin: 'test' }));
  const node = await startNode({ config: validateBrokerConfig(entries).config, network });
  nodes.push(node);
  return node;
}

async function stop(node: Node): Promise<void> {
  nodes.splice(nodes.indexOf(node), 1);
  await node.close(0);
}

/** Sends one frame, resolves with the body of the reply. */
async function ask(network: Network, port: number, frame: Buffer): Promise<Buffer> {
  const wire: Wire = await network.connect({ host: 'localhost', port, timeoutMs: 5000 });
  const reply = await new Promise<Buffer>((resolve, reject) => {
    const reader = new FrameReader(1 << 20, {
      onFrame: (body) => {
        resolve(Buffer.from(body));
        return false;
      },
      onBadLength: () => reject(new Error('bad length')),
    });
    wire.start({ onBytes: (bytes) => reader.onBytes(bytes), onDrain() {}, onClose: () => reject(new Error('closed')) });
    const prefix = Buffer.alloc(4);
    prefix.writeInt32BE(frame.length);
    wire.write([prefix, frame]);
  });
  wire.destroy();
  return reply;
}

/** Header of version 1 without a client id. */
const header = (apiKey: number, version: number): string => {
  const bytes = Buffer.alloc(10);
  bytes.writeInt16BE(apiKey, 0);
  bytes.writeInt16BE(version, 2);
  bytes.writeInt32BE(42, 4);
  bytes.writeInt16BE(-1, 8);
  return bytes.toString('hex');
};
const createTopic = (name: string): Buffer => {
  const nameHex = Buffer.from(name).toString('hex');
  return Buffer.from(`${header(19, 4)}00000001${name.length.toString(16).padStart(4, '0')}${nameHex}00000002000100000000000000000000271000`, 'hex');
};
const metadataOfAll = Buffer.from(`${header(3, 1)}ffffffff`, 'hex');

describe('startNode', () => {
  it('serves, keeps topics over a restart in order, and keeps its cluster id', async () => {
    const network = createLoopbackNetwork();
    const data = await folder();
    const first = await start(network, { 'log.dirs': data });
    const port = first.listeners[0]?.port ?? 0;
    await ask(network, port, createTopic('kept'));
    expect((await ask(network, port, metadataOfAll)).includes('kept')).toBe(true);
    const { clusterId } = first;
    await stop(first);
    const second = await start(network, { 'log.dirs': data });
    expect(second.clusterId).toBe(clusterId);
    const reply = await ask(network, second.listeners[0]?.port ?? 0, metadataOfAll);
    expect(reply.includes('kept')).toBe(true);
    expect(reply.includes('127.0.0.1')).toBe(true);
  });

  it('finds its metadata when log.dirs come in another order', async () => {
    const network = createLoopbackNetwork();
    const [one, two] = [await folder(), await folder()];
    const first = await start(network, { 'log.dirs': `${one},${two}` });
    await ask(network, first.listeners[0]?.port ?? 0, createTopic('kept'));
    await stop(first);
    const second = await start(network, { 'log.dirs': `${two},${one}` });
    expect((await ask(network, second.listeners[0]?.port ?? 0, metadataOfAll)).includes('kept')).toBe(true);
  });

  it('opens every listener, each with its own name and port', async () => {
    const node = await start(createLoopbackNetwork(), {
      'log.dirs': await folder(),
      listeners: 'PLAINTEXT://127.0.0.1:0,EXTERNAL://0.0.0.0:0',
      'advertised.listeners': 'PLAINTEXT://127.0.0.1:0,EXTERNAL://broker.example:19092',
      'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,EXTERNAL:PLAINTEXT',
      'inter.broker.listener.name': 'PLAINTEXT',
    });
    expect(node.listeners.map(({ name }) => name)).toEqual(['PLAINTEXT', 'EXTERNAL']);
    expect(node.listeners[0]?.advertisedPort).toBe(node.listeners[0]?.port);
    expect(node.listeners[1]).toMatchObject({ advertisedHost: 'broker.example', advertisedPort: 19092 });
  });

  it('refuses a directory that another node uses, and leaves that one alone', async () => {
    const network = createLoopbackNetwork();
    const data = await folder();
    const first = await start(network, { 'log.dirs': data });
    await expect(start(network, { 'log.dirs': data })).rejects.toMatchObject({ name: 'StoreError', code: 'locked' });
    await ask(network, first.listeners[0]?.port ?? 0, createTopic('still-works'));
  });

  it('gives everything back when a port is in use', async () => {
    const network = createLoopbackNetwork();
    const holder = await network.listen({ host: '127.0.0.1', port: 9999 }, () => {});
    const data = await folder();
    const settings = { 'log.dirs': data, listeners: 'PLAINTEXT://127.0.0.1:9999' };
    await expect(start(network, settings)).rejects.toMatchObject({ name: 'ListenError', code: 'EADDRINUSE' });
    await holder.close();
    const node = await start(network, settings);
    expect(node.listeners[0]?.port).toBe(9999);
  });
});

describe('files for connections', () => {
  it('leave enough for the logs', () => {
    expect(connectionsMaxFor(null)).toBe(Infinity);
    expect(connectionsMaxFor(1024)).toBe(728);
    expect(connectionsMaxFor(64)).toBe(8);
    expect(connectionsMaxFor(10)).toBe(1);
  });

  it('are known on Linux', () => {
    if (process.platform === 'linux') expect(openFilesMax()).toBeGreaterThan(0);
  });
});
