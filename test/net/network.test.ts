/** One contract for every network: TCP by the fast path, TCP by plain streams, loopback. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Network, Wire, WireHandler, WireListener } from '../../src/base/wire.ts';
import { createLoopbackNetwork, createTcpNetwork, WRITE_HIGH_WATER_BYTES } from '../../src/net/index.ts';

const networks: [string, () => Network, string][] = [
  ['tcp', () => createTcpNetwork(), '127.0.0.1'],
  ['tcp, plain streams', () => createTcpNetwork({ isPlain: true }), '127.0.0.1'],
  ['loopback', () => createLoopbackNetwork(), '127.0.0.1'],
];

/** Collects what a wire says. */
class Collector implements WireHandler {
  readonly parts: Buffer[] = [];
  drains = 0;
  closes = 0;
  error: Error | undefined;
  readonly closed: Promise<void>;
  #resolveClosed!: () => void;
  onArrival: (() => void) | null = null;

  constructor() {
    this.closed = new Promise((resolve) => (this.#resolveClosed = resolve));
  }
  onBytes(bytes: Buffer): void {
    this.parts.push(Buffer.from(bytes));
    this.onArrival?.();
  }
  onDrain(): void {
    this.drains += 1;
  }
  onClose(error?: Error): void {
    this.closes += 1;
    this.error = error;
    this.#resolveClosed();
  }
  get bytes(): Buffer {
    return Buffer.concat(this.parts);
  }
  async until(lengthBytes: number): Promise<Buffer> {
    while (this.parts.reduce((sum, part) => sum + part.length, 0) < lengthBytes) {
      await new Promise<void>((resolve) => (this.onArrival = resolve));
    }
    return this.bytes;
  }
}

const turns = async (count = 5): Promise<void> => {
  for (let turn = 0; turn < count; turn += 1) await new Promise((resolve) => setTimeout(resolve, 2));
};

describe.each(networks)('%s', (name, create, host) => {
  const listeners: WireListener[] = [];
  const wires: Wire[] = [];
  afterEach(async () => {
    for (const wire of wires.splice(0)) wire.destroy();
    for (const listener of listeners.splice(0)) await listener.close();
  });

  async function pair(network = create()): Promise<{ client: Wire; server: Wire; listener: WireListener }> {
    let accepted!: (wire: Wire) => void;
    const server = new Promise<Wire>((resolve) => (accepted = resolve));
    const listener = await network.listen({ host, port: 0 }, (wire) => accepted(wire));
    listeners.push(listener);
    const client = await network.connect({ host, port: listener.port, timeoutMs: 5000 });
    const made = { client, server: await server, listener };
    wires.push(made.client, made.server);
    return made;
  }

  it('carries bytes both ways, in order', async () => {
    const { client, server } = await pair();
    const atServer = new Collector();
    const atClient = new Collector();
    server.start(atServer);
    client.start(atClient);
    client.write([Buffer.from('one '), Buffer.from('two ')]);
    client.write([Buffer.from('three')]);
    expect((await atServer.until(13)).toString()).toBe('one two three');
    server.write([Buffer.from('back')]);
    expect((await atClient.until(4)).toString()).toBe('back');
  });

  it('loses nothing that came before start', async () => {
    const { client, server } = await pair();
    server.write([Buffer.from('early')]);
    await turns();
    const atClient = new Collector();
    client.start(atClient);
    expect((await atClient.until(5)).toString()).toBe('early');
  });

  it('says each written once, in order', async () => {
    const { client, server } = await pair();
    const atServer = new Collector();
    server.start(atServer);
    client.start(new Collector());
    const order: number[] = [];
    for (let index = 0; index < 20; index += 1) client.write([Buffer.alloc(100_000, index)], () => order.push(index));
    await atServer.until(2_000_000);
    await turns();
    expect(order).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(client.pendingBytes).toBe(0);
  });

  it('mixes small and large chunks without changing their order', async () => {
    const { client, server } = await pair();
    const atServer = new Collector();
    server.start(atServer);
    client.start(new Collector());
    const sizes = [1, 3, 70_000, 2048, 2049, 5, 0, 200_000, 7, 64_000, 1500, 1500];
    const chunks = sizes.map((size, index) => Buffer.alloc(size, index + 1));
    const expected = Buffer.concat(chunks);
    for (let round = 0; round < 5; round += 1) client.write(chunks);
    const got = await atServer.until(expected.length * 5);
    expect(got.equals(Buffer.concat([expected, expected, expected, expected, expected]))).toBe(true);
  });

  it('pause holds bytes back and resume loses none', async () => {
    const { client, server } = await pair();
    const atServer = new Collector();
    server.start(atServer);
    client.start(new Collector());
    client.write([Buffer.alloc(10, 1)]);
    await atServer.until(10);
    server.pause();
    const before = atServer.bytes.length;
    client.write([Buffer.alloc(500_000, 2)]);
    await turns();
    expect(atServer.bytes.length).toBe(before);
    server.resume();
    expect((await atServer.until(500_010)).length).toBe(500_010);
  });

  it('pauses from inside onBytes', async () => {
    const { client, server } = await pair();
    const atServer = new Collector();
    server.start(atServer);
    client.start(new Collector());
    atServer.onArrival = () => server.pause();
    for (let index = 0; index < 30; index += 1) client.write([Buffer.alloc(200_000, index), Buffer.alloc(1000, index)]);
    await turns();
    const calls = atServer.parts.length;
    await turns();
    expect(atServer.parts.length).toBe(calls);
    atServer.onArrival = null;
    server.resume();
    const all = await atServer.until(30 * 201_000);
    for (let index = 0; index < 30; index += 1) expect(all[index * 201_000 + 200_500]).toBe(index);
  });

  it('asks to wait when a reader is slow, and says when it may go on', async () => {
    const { client, server } = await pair();
    const atServer = new Collector();
    const atClient = new Collector();
    server.start(atServer);
    client.start(atClient);
    server.pause();
    let hasRoom = true;
    let written = 0;
    while (hasRoom && written < 200) {
      hasRoom = client.write([Buffer.alloc(1 << 20)]);
      written += 1;
    }
    expect(hasRoom).toBe(false);
    expect(client.pendingBytes).toBeGreaterThan(WRITE_HIGH_WATER_BYTES);
    expect(atClient.drains).toBe(0);
    server.resume();
    await atServer.until(written * (1 << 20));
    await turns();
    expect(atClient.drains).toBe(1);
    expect(client.pendingBytes).toBe(0);
  });

  it('end sends what is queued, then closes both sides', async () => {
    const { client, server } = await pair();
    const atServer = new Collector();
    const atClient = new Collector();
    server.start(atServer);
    client.start(atClient);
    client.write([Buffer.alloc(3_000_000, 7)]);
    client.end();
    await atServer.closed;
    await atClient.closed;
    expect(atServer.bytes.length).toBe(3_000_000);
    expect(atServer.error).toBeUndefined();
    expect([atServer.closes, atClient.closes]).toEqual([1, 1]);
  });

  it('destroy answers every write and closes once', async () => {
    const { client, server } = await pair();
    const atClient = new Collector();
    server.start(new Collector());
    client.start(atClient);
    server.pause();
    let answered = 0;
    for (let index = 0; index < 20; index += 1) client.write([Buffer.alloc(1 << 20), Buffer.alloc(10)], () => (answered += 1));
    const reason = new Error('because');
    client.destroy(reason);
    client.destroy();
    await atClient.closed;
    await turns();
    expect(answered).toBe(20);
    expect(atClient.closes).toBe(1);
    expect(atClient.error).toBe(reason);
    client.write([Buffer.from('x')], () => (answered += 1));
    expect(answered).toBe(21);
  });

  it('tells a handler that starts late of the end', async () => {
    const { client } = await pair();
    client.destroy();
    await turns();
    const late = new Collector();
    client.start(late);
    await late.closed;
    expect(late.closes).toBe(1);
  });

  it('writes to a side that has gone never throw', async () => {
    const { client, server } = await pair();
    const atServer = new Collector();
    server.start(atServer);
    client.start(new Collector());
    client.destroy();
    let answered = 0;
    for (let index = 0; index < 50; index += 1) {
      server.write([Buffer.alloc(100_000)], () => (answered += 1));
      await turns(1);
    }
    await atServer.closed;
    expect(answered).toBe(50);
  });

  it('refuses a port in use with EADDRINUSE, and frees it on close while wires stay open', async () => {
    const network = create();
    const { client, server, listener } = await pair(network);
    await expect(network.listen({ host, port: listener.port }, () => {})).rejects.toMatchObject({ code: 'EADDRINUSE' });
    const atServer = new Collector();
    server.start(atServer);
    client.start(new Collector());
    await listener.close();
    await listener.close();
    const second = await network.listen({ host, port: listener.port }, () => {});
    listeners.push(second);
    client.write([Buffer.from('still here')]);
    expect((await atServer.until(10)).toString()).toBe('still here');
  });

  it('refuses a port that nobody listens on', async () => {
    const network = create();
    const { listener } = await pair(network);
    await listener.close();
    await expect(network.connect({ host, port: listener.port, timeoutMs: 5000 })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it(name === 'tcp' ? 'reads into the buffer that the handler offers' : 'may ignore the buffer that is offered', async () => {
    const { client, server } = await pair();
    const own = Buffer.alloc(8);
    let landed = 0;
    const atServer = new Collector();
    const handler: WireHandler = {
      onBytes(bytes) {
        if (bytes.buffer === own.buffer && bytes.byteOffset === own.byteOffset + landed) landed += bytes.length;
        atServer.onBytes(bytes);
      },
      nextReadBuffer: () => (atServer.parts.length > 0 && landed < own.length ? own.subarray(landed) : null),
      onDrain() {},
      onClose: () => atServer.onClose(),
    };
    server.start(handler);
    client.start(new Collector());
    client.write([Buffer.from('first')]);
    await atServer.until(5);
    client.write([Buffer.from('12345678abc')]);
    expect((await atServer.until(16)).toString()).toBe('first12345678abc');
    if (name === 'tcp') expect(own.toString()).toBe('12345678');
  });
});

describe('tcp', () => {
  it('reaches localhost by whichever family listens', async () => {
    const network = createTcpNetwork();
    const listener = await network.listen({ host: '127.0.0.1', port: 0 }, (wire) => wire.start(new Collector()));
    const wire = await network.connect({ host: 'localhost', port: listener.port, timeoutMs: 5000 });
    const collector = new Collector();
    wire.start(collector);
    expect(wire.remotePort).toBe(listener.port);
    wire.end();
    await collector.closed;
    await listener.close();
  });

  it('shows an IPv4 client of a listener for both families with its own address', async () => {
    const network = createTcpNetwork();
    const seen = new Promise<string>((resolve) => {
      void network.listen({ host: '0.0.0.0', port: 0 }, (wire) => resolve(wire.remoteAddress)).then(async (listener) => {
        const wire = await network.connect({ host: '127.0.0.1', port: listener.port, timeoutMs: 5000 });
        wire.start(new Collector());
        await listener.close();
        wire.destroy();
      });
    });
    expect(await seen).toBe('127.0.0.1');
  });
});
