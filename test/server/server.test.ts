import { afterEach, describe, expect, it } from 'vitest';
import { createLoopbackNetwork, createTcpNetwork } from '../../src/net/index.ts';
import type { Network } from '../../src/base/wire.ts';
import { createServer, ListenError } from '../../src/server/index.ts';
import { Client, defaultSettings, echoSink, FakeClock, PatientSink, request, settle, silentLogger, startRig, withLength, type Rig } from './support.ts';

let rig: Rig | null = null;
const clients: Client[] = [];
afterEach(async () => {
  for (const client of clients.splice(0)) client.wire.destroy();
  const closing = rig?.server.close(0);
  await settle();
  rig?.clock.advance(60_000);
  await closing;
  rig = null;
});

async function connected(): Promise<Client> {
  const client = await (rig as Rig).connect();
  clients.push(client);
  return client;
}

async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    rig?.clock.advance(1000);
    await settle(3);
  }
}

describe('bad input', () => {
  const cases: [string, Buffer, string][] = [
    ['a TLS hello', Buffer.from('16030100c8010000c40303', 'hex'), 'TLS'],
    ['an HTTP request', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'), 'HTTP'],
    ['a length of 2 GiB', Buffer.from('7fffffff0000', 'hex'), '2147483647'],
    ['a negative length', Buffer.from('ffffffff0000', 'hex'), 'negative'],
    ['a length above the limit', Buffer.from('0640000100000000', 'hex'), 'socket.request.max.bytes'],
    ['an empty frame', Buffer.from('00000000', 'hex'), 'too short'],
    ['a frame that holds no header', Buffer.from('0000000300120003', 'hex'), 'too short'],
  ];

  it.each(cases)('%s closes its connection with a line that says why; others go on', async (_name, bytes, expected) => {
    rig = await startRig(echoSink);
    const [bad, good] = [await connected(), await connected()];
    bad.wire.write([bytes]);
    await bad.untilClosed();
    expect(rig.logger.of('warn').join()).toContain(expected);
    good.wire.write([request(1)]);
    await good.untilFrames(1);
    expect(rig.server.connectionCount).toBe(1);
    expect(rig.server.requestBytes).toBe(0);
  });

  it('knows a TLS hello also where its length would be allowed', async () => {
    rig = await startRig(echoSink, { socketRequestMaxBytes: 2 ** 31 - 1 });
    const bad = await connected();
    bad.wire.write([Buffer.from('16030100c8010000c40303', 'hex')]);
    await bad.untilClosed();
    expect(rig.logger.of('warn').join()).toContain('TLS');
  });

  it('answers the requests before the garbage', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink);
    const client = await connected();
    client.wire.write([request(7), Buffer.from('ffffffffffff', 'hex')]);
    await sink.until(1);
    await settle();
    expect(client.isClosed).toBe(false);
    sink.pending[0]?.slot.send(withLength(Buffer.from('answer')));
    await client.untilClosed();
    expect(client.frames().map(String)).toEqual(['answer']);
  });

  it('does not fill the log when garbage keeps coming, and says how much it left out', async () => {
    rig = await startRig(echoSink);
    const garbage = async (times: number) => {
      for (let index = 0; index < times; index += 1) {
        const bad = await connected();
        bad.wire.write([Buffer.from('ffffffff', 'hex')]);
        await bad.untilClosed();
      }
    };
    await garbage(40);
    expect(rig.logger.of('warn').length).toBe(10);
    rig.clock.advance(20_000);
    await garbage(1);
    expect(rig.logger.of('warn').length).toBe(11);
    expect(rig.logger.lines.at(-1)?.fields ?? rig.logger.lines.at(-2)?.fields).toBeDefined();
    expect(rig.logger.lines.some(({ fields }) => fields?.['notLoggedBefore'] === 30)).toBe(true);
  });
});

describe('idle connections', () => {
  it('are closed after connections.max.idle.ms, those in use are not', async () => {
    rig = await startRig(echoSink, { connectionsMaxIdleMs: 10_000 });
    const [idle, busy] = [await connected(), await connected()];
    for (let round = 1; round <= 8; round += 1) {
      busy.wire.write([request(round)]);
      await pass(2000);
    }
    expect(idle.isClosed).toBe(true);
    expect(busy.isClosed).toBe(false);
    expect(busy.frames().length).toBe(8);
  });

  it('stay while the broker works on a request', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink, { connectionsMaxIdleMs: 10_000 });
    const client = await connected();
    client.wire.write([request(1)]);
    await sink.until(1);
    await pass(60_000);
    expect(client.isClosed).toBe(false);
    sink.pending[0]?.slot.send(withLength(Buffer.from('late')));
    await client.untilFrames(1);
    await pass(20_000);
    expect(client.isClosed).toBe(true);
  });

  it('are closed when half a request came, or when replies are not read', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink, { connectionsMaxIdleMs: 10_000 });
    const [half, deaf] = [await connected(), await connected()];
    half.wire.write([request(1).subarray(0, 7)]);
    deaf.wire.write([request(2)]);
    deaf.wire.pause();
    await sink.until(1);
    let isReleased = false;
    sink.pending[0]?.slot.send(withLength(Buffer.alloc(100)), () => (isReleased = true));
    await pass(30_000);
    expect(half.isClosed).toBe(true);
    expect(deaf.isClosed).toBe(true);
    expect(isReleased).toBe(true);
  });

  it('are kept for ever when the setting is negative', async () => {
    rig = await startRig(echoSink, { connectionsMaxIdleMs: -1 });
    const idle = await connected();
    rig.clock.advance(10_000_000);
    await settle();
    expect(idle.isClosed).toBe(false);
  });
});

describe('limits', () => {
  it('reads nothing from a connection that is over a quota until it has waited, and answers it first', async () => {
    rig = await startRig({
      onRequest(frame, connection, slot) {
        slot.send(withLength(Buffer.from(frame)));
        connection.throttle(1000);
        connection.throttle(500);
      },
    });
    const client = await connected();
    client.wire.write([Buffer.concat([request(1), request(2)])]);
    await client.untilFrames(1);
    rig.clock.advance(900);
    await settle();
    expect(client.frames().length).toBe(1);
    rig.clock.advance(200);
    expect((await client.untilFrames(2)).length).toBe(2);
    client.wire.destroy();
    await settle();
    await pass(5000);
    expect(rig.server.connectionCount).toBe(0);
  });

  it('above max.connections a connection waits until a place is left', async () => {
    rig = await startRig(echoSink, { maxConnections: 2 });
    const [first, second, third] = [await connected(), await connected(), await connected()];
    third.wire.write([request(1)]);
    await settle();
    expect(third.frames()).toEqual([]);
    expect(rig.logger.of('warn').join()).toContain('max.connections is reached');
    first.wire.destroy();
    await third.untilFrames(1);
    expect(second.isClosed).toBe(false);
  });

  it('an override for an address counts over max.connections.per.ip', async () => {
    rig = await startRig(echoSink, { maxConnectionsPerIp: 5, maxConnectionsPerIpOverrides: new Map([['127.0.0.1', 1]]) });
    await connected();
    const second = await connected();
    await second.untilClosed();
    expect(rig.logger.of('warn').join()).toContain('max.connections.per.ip (1)');
  });
});

describe('close', () => {
  it('lets requests in flight be answered, and takes no new ones', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink);
    const [working, idle] = [await connected(), await connected()];
    working.wire.write([request(1)]);
    await sink.until(1);
    const closing = rig.server.close(3000);
    await idle.untilClosed();
    working.wire.write([request(2)]);
    await settle();
    expect(working.isClosed).toBe(false);
    sink.pending[0]?.slot.send(withLength(Buffer.alloc(2_000_000, 1)));
    await closing;
    await working.untilClosed();
    expect(working.frames()[0]?.length).toBe(2_000_000);
    expect(sink.pending.length).toBe(1);
    await expect(rig.network.connect({ host: '127.0.0.1', port: rig.port, timeoutMs: 100 })).rejects.toMatchObject({ code: 'ECONNREFUSED' });
  });

  it('waits no longer than it may', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink);
    const client = await connected();
    client.wire.write([request(1)]);
    await sink.until(1);
    const closing = rig.server.close(3000);
    await settle();
    expect(client.isClosed).toBe(false);
    rig.clock.advance(3000);
    await closing;
    await client.untilClosed();
    sink.pending[0]?.slot.none();
  });
});

describe('listeners', () => {
  const listener = (name: string, hosts: string[], port: number) => ({ name, hosts, port, advertisedHost: 'localhost', advertisedPort: 0, securityProtocol: 'PLAINTEXT' as const });
  const serverOn = (network: Network, listeners: ReturnType<typeof listener>[]) =>
    createServer({ settings: () => defaultSettings, listeners, network, sink: echoSink, clock: new FakeClock(), logger: silentLogger });

  it('binds one free port on every address, and tells which', async () => {
    const server = serverOn(createTcpNetwork(), [listener('PLAINTEXT', ['127.0.0.1', '::1'], 0), listener('OTHER', ['127.0.0.1'], 0)]);
    const [first, second] = await server.open();
    expect(first?.port).toBeGreaterThan(0);
    expect(first?.advertisedPort).toBe(first?.port);
    expect(second?.port).not.toBe(first?.port);
    await server.close(0);
  });

  it('says which port is in use and what to try, and leaves nothing open', async () => {
    const network = createTcpNetwork();
    const holder = await network.listen({ host: '127.0.0.1', port: 0 }, () => {});
    const free = await network.listen({ host: '127.0.0.1', port: 0 }, () => {});
    await free.close();
    const server = serverOn(network, [listener('FIRST', ['127.0.0.1'], free.port), listener('SECOND', ['127.0.0.1'], holder.port)]);
    const error = await server.open().then(() => null, (reason: unknown) => reason);
    expect(error).toBeInstanceOf(ListenError);
    expect((error as ListenError).message).toContain(`port ${holder.port} is in use`);
    const again = await network.listen({ host: '127.0.0.1', port: free.port }, () => {});
    await again.close();
    await holder.close();
  });

  it('leaves ::1 out where the machine has no IPv6, and takes 0.0.0.0 for ::', async () => {
    const inner = createLoopbackNetwork();
    const asked: string[] = [];
    const network: Network = {
      connect: inner.connect,
      listen(options, accept) {
        asked.push(options.host);
        if (options.host.includes(':')) return Promise.reject(Object.assign(new Error('no'), { code: 'EADDRNOTAVAIL' }));
        return inner.listen(options, accept);
      },
    };
    const server = serverOn(network, [listener('A', ['127.0.0.1', '::1'], 0), listener('B', ['::'], 0)]);
    const [first, second] = await server.open();
    expect(first?.hosts).toEqual(['127.0.0.1']);
    expect(second?.hosts).toEqual(['0.0.0.0']);
    expect(asked).toEqual(['127.0.0.1', '::1', '::', '0.0.0.0']);
    await server.close(0);
  });

  it('answers connections that came before serve', async () => {
    const network = createLoopbackNetwork();
    const server = serverOn(network, [listener('PLAINTEXT', ['127.0.0.1'], 0)]);
    const [bound] = await server.open();
    const client = new Client(await network.connect({ host: 'localhost', port: bound?.port ?? 0, timeoutMs: 1000 }));
    client.wire.write([request(9)]);
    await settle();
    expect(client.frames().length).toBe(0);
    server.serve();
    await client.untilFrames(1);
    client.wire.destroy();
    await settle();
    await server.close(0);
  });
});
