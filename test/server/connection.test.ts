import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { RequestSink } from '../../src/broker/contract.ts';
import { createTcpNetwork } from '../../src/net/index.ts';
import { type Client, echoSink, PatientSink, produce, request, settle, startRig, withLength, type Rig } from './support.ts';

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

const correlationOf = (frame: Buffer): number => frame.readInt32BE(4);

describe('order of replies', () => {
  it('answers in the order of the requests whatever order they are done in', async () => {
    const property = fc.asyncProperty(fc.array(fc.tuple(fc.nat(1000), fc.constantFrom('send', 'send', 'none')), { minLength: 1, maxLength: 40 }), async (work) => {
      const sink = new PatientSink();
      rig = await startRig(sink);
      const client = await connected();
      client.wire.write(work.map((_, index) => produce(index)));
      await sink.until(work.length);
      const sent: number[] = [];
      const order = work.map(([rank, answer], index) => ({ rank, answer, index })).sort((left, right) => left.rank - right.rank);
      for (const { answer, index, rank } of order) {
        const { slot, frame } = sink.pending[index] as (typeof sink.pending)[0];
        if (answer === 'send') slot.send(withLength(frame), () => sent.push(index));
        else slot.none();
        if (rank % 3 === 0) await settle(1);
      }
      const expected = work.map(([, answer], index) => ({ answer, index })).filter(({ answer }) => answer === 'send').map(({ index }) => index);
      const frames = await client.untilFrames(expected.length);
      expect(frames.map(correlationOf)).toEqual(expected);
      await settle();
      expect(sent).toEqual(expected);
      expect(rig.server.requestBytes).toBe(0);
      const closing = rig.server.close(0);
      client.wire.destroy();
      await settle();
      rig.clock.advance(60_000);
      await closing;
    });
    await fc.assert(property, { numRuns: 40 });
  });

  it('begins a request when those before it are answered, but for produces, which overlap', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink);
    const client = await connected();
    client.wire.write([produce(0), produce(1), request(2), request(3), produce(4), produce(5)]);
    const answer = async (index: number) => {
      const { slot, frame } = sink.pending[index] as (typeof sink.pending)[0];
      slot.send(withLength(frame));
      await settle();
      return sink.pending.length;
    };
    await settle();
    expect(sink.pending).toHaveLength(2);
    expect(await answer(1)).toBe(2);
    expect(await answer(0)).toBe(3);
    expect(await answer(2)).toBe(4);
    expect(await answer(3)).toBe(6);
    await answer(5);
    await answer(4);
    expect((await client.untilFrames(6)).map(correlationOf)).toEqual([0, 1, 2, 3, 4, 5]);
    expect(rig.server.requestBytes).toBe(0);
  });

  it('forgets a request that waits when the connection goes', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink);
    const client = await connected();
    client.wire.write([request(0), request(1, Buffer.alloc(1000))]);
    await settle();
    expect(rig.server.requestBytes).toBeGreaterThan(1000);
    client.wire.destroy();
    await settle();
    sink.pending[0]?.slot.none();
    await settle();
    expect(sink.pending).toHaveLength(1);
    expect(rig.server.requestBytes).toBe(0);
  });

  it('writes the replies of one turn at once', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink);
    const client = await connected();
    let calls = 0;
    const onBytes = client.onBytes.bind(client);
    client.onBytes = (bytes) => {
      calls += 1;
      onBytes(bytes);
    };
    client.wire.write([0, 1, 2, 3].map(produce));
    await sink.until(4);
    for (const { slot, frame } of sink.pending.toReversed()) slot.send([Buffer.concat(withLength(frame))]);
    await client.untilFrames(4);
    expect(calls).toBe(4);
  });

  it('lends produce requests and gives others away', async () => {
    const frames: Buffer[] = [];
    const sink: RequestSink = {
      onRequest(frame, _connection, slot) {
        frames.push(frame);
        slot.send(withLength(Buffer.from(frame)));
      },
    };
    rig = await startRig(sink, {}, createTcpNetwork());
    const client = await connected();
    client.wire.write([request(1, Buffer.alloc(100, 1), 0), request(2, Buffer.alloc(100, 2), 3)]);
    await client.untilFrames(2);
    client.wire.write([request(3, Buffer.alloc(100, 9), 0), request(4, Buffer.alloc(100, 9), 3)]);
    await client.untilFrames(4);
    expect(correlationOf(frames[1] as Buffer)).toBe(2);
    expect((frames[1] as Buffer).subarray(8).every((byte) => byte === 2)).toBe(true);
    expect((frames[0] as Buffer).buffer).toBe((frames[2] as Buffer).buffer);
  });

  it('closes after the replies before, and drops those after', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink);
    const client = await connected();
    client.wire.write([produce(0), produce(1), produce(2)]);
    await sink.until(3);
    let isReleased = false;
    sink.pending[2]?.slot.send(withLength(Buffer.from('never')), () => (isReleased = true));
    sink.pending[1]?.slot.close('for the test');
    await settle();
    expect(client.isClosed).toBe(false);
    sink.pending[0]?.slot.send(withLength(sink.pending[0].frame));
    await client.untilClosed();
    expect(client.frames().map(correlationOf)).toEqual([0]);
    expect(isReleased).toBe(true);
    expect(rig.logger.of('warn').join()).toContain('for the test');
    expect(rig.server.connectionCount).toBe(0);
  });

  it('answers after the connection has gone go nowhere and release what they hold', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink);
    const client = await connected();
    client.wire.write([produce(0), produce(1)]);
    await sink.until(2);
    let closes = 0;
    const [first, second] = sink.pending as [(typeof sink.pending)[0], (typeof sink.pending)[0]];
    const listener = () => (closes += 1);
    first.connection.onClose(listener);
    first.connection.onClose(() => (closes += 10));
    first.connection.offClose(listener);
    let released = 0;
    second.slot.send(withLength(second.frame), () => (released += 1));
    client.wire.destroy();
    await settle();
    expect(closes).toBe(10);
    expect(released).toBe(1);
    first.slot.send(withLength(first.frame), () => (released += 1));
    expect(released).toBe(2);
    first.connection.onClose(() => (closes += 100));
    expect(closes).toBe(110);
    expect(rig.server.requestBytes).toBe(0);
  });

  it('a second answer to one request closes the connection and says so', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink);
    const client = await connected();
    client.wire.write([request(0)]);
    await sink.until(1);
    sink.pending[0]?.slot.none();
    sink.pending[0]?.slot.none();
    await client.untilClosed();
    expect(rig.logger.of('error').join()).toContain('answered twice');
  });

  it('a sink that throws costs its own connection only', async () => {
    const sink: RequestSink = {
      onRequest(frame, connection, slot) {
        if (correlationOf(frame) === 13) throw new Error('defect');
        echoSink.onRequest(frame, connection, slot);
      },
    };
    rig = await startRig(sink);
    const [bad, good] = [await connected(), await connected()];
    bad.wire.write([request(13)]);
    await bad.untilClosed();
    good.wire.write([request(14)]);
    await good.untilFrames(1);
    expect(rig.logger.of('error').length).toBe(1);
  });
});

describe('back-pressure', () => {
  it('stops reading at a number of requests in flight and loses none', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink);
    const client = await connected();
    const count = 1000;
    client.wire.write([Buffer.concat(Array.from({ length: count }, (_, id) => produce(id)))]);
    client.wire.write([produce(count)]);
    await settle();
    expect(sink.pending.length).toBe(128);
    let answered = 0;
    while (answered <= count) {
      await sink.until(answered + 1);
      const { slot, frame } = sink.pending[answered] as (typeof sink.pending)[0];
      slot.send(withLength(frame));
      answered += 1;
      expect(sink.pending.length - answered).toBeLessThanOrEqual(128);
    }
    const frames = await client.untilFrames(count + 1);
    expect(frames.map(correlationOf)).toEqual(Array.from({ length: count + 1 }, (_, id) => id));
  });

  it('lets others have their turn amid very many small requests of one', async () => {
    let handled = 0;
    const sink: RequestSink = {
      onRequest(_frame, _connection, slot) {
        handled += 1;
        slot.none();
      },
    };
    rig = await startRig(sink);
    const client = await connected();
    client.wire.write([Buffer.concat(Array.from({ length: 2000 }, (_, id) => request(id)))]);
    await settle();
    expect(handled).toBe(512);
    for (let turn = 0; turn < 3; turn += 1) rig.clock.advance(1);
    expect(handled).toBe(2000);
    client.wire.write([request(0)]);
    await settle();
    expect(handled).toBe(2001);
  });

  it('reads nothing more from a client that does not read its replies', async () => {
    let asked = 0;
    const reply = Buffer.alloc(300_000);
    const sink: RequestSink = {
      onRequest(_frame, _connection, slot) {
        asked += 1;
        slot.send(withLength(reply));
      },
    };
    rig = await startRig(sink);
    const client = await connected();
    client.wire.pause();
    for (let id = 0; id < 40; id += 1) client.wire.write([request(id)]);
    await settle(50);
    expect(asked).toBeLessThan(10);
    client.wire.resume();
    await client.untilFrames(40);
    expect(asked).toBe(40);
  });

  it('bounds the requests of all connections by their bytes, and goes on when there is room', async () => {
    const sink = new PatientSink();
    rig = await startRig(sink, { queuedMaxRequestBytes: 1_000_000 });
    const many = await Promise.all(Array.from({ length: 10 }, connected));
    for (let id = 0; id < 40; id += 1) for (const client of many) client.wire.write([request(id, Buffer.alloc(50_000, id))]);
    await settle(50);
    expect(rig.server.requestBytes).toBeLessThan(1_000_000 + 10 * 50_100);
    let answered = 0;
    while (answered < 400) {
      await sink.until(answered + 1);
      const { slot, frame } = sink.pending[answered] as (typeof sink.pending)[0];
      expect(frame.subarray(8).every((byte) => byte === correlationOf(frame))).toBe(true);
      slot.send([withLength(frame)[0] as Buffer, frame]);
      answered += 1;
    }
    for (const client of many) {
      const frames = await client.untilFrames(40);
      expect(frames.map(correlationOf)).toEqual(Array.from({ length: 40 }, (_, id) => id));
    }
    await settle();
    expect(rig.server.requestBytes).toBe(0);
  });

  it('gets half requests that hold all the memory done one after the other', async () => {
    rig = await startRig(echoSink, { queuedMaxRequestBytes: 400_000 });
    const many = await Promise.all(Array.from({ length: 8 }, connected));
    const whole = request(5, Buffer.alloc(300_000, 3));
    for (const client of many) client.wire.write([whole.subarray(0, 100_000)]);
    await settle(20);
    expect(rig.server.requestBytes).toBeGreaterThan(400_000);
    for (const client of many) client.wire.write([whole.subarray(100_000)]);
    for (const client of many) expect((await client.untilFrames(1))[0]?.length).toBe(300_008);
    await settle();
    expect(rig.server.requestBytes).toBe(0);
  });

  it('closes a client that keeps half a request while memory is short', async () => {
    rig = await startRig(echoSink, { queuedMaxRequestBytes: 100_000 });
    const [lazy, eager] = [await connected(), await connected()];
    lazy.wire.write([request(1, Buffer.alloc(900_000)).subarray(0, 200_000)]);
    await settle();
    eager.wire.write([request(2)]);
    await settle();
    expect(eager.frames().length).toBe(0);
    for (let second = 0; second < 30 && !lazy.isClosed; second += 5) {
      rig.clock.advance(5000);
      await settle();
    }
    expect(lazy.isClosed).toBe(true);
    await eager.untilFrames(1);
  });
});
