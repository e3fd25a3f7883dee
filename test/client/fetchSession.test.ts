import { afterEach, describe, expect, it } from 'vitest';
import { FetchSession, type WantedPartition } from '../../src/client/consumer/fetchSession.ts';
import { createClient, serdes } from '../../src/client/index.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { RealNode } from './support/realNode.ts';

const want = (topic: string, partition: number, offset: number, leaderEpoch = 0): WantedPartition => ({ topic, partition, offset, leaderEpoch, maxBytes: 1000 });

function asked(fields: ReturnType<FetchSession['next']>): unknown {
  return {
    session: [fields.sessionId, fields.sessionEpoch],
    topics: fields.topics.map(({ topic, partitions }) => `${topic}:${partitions.map(({ partition, fetchOffset }) => `${partition}@${fetchOffset}`).join(',')}`),
    forgotten: fields.forgottenTopicsData.map(({ topic, partitions }) => `${topic}:${partitions.join(',')}`),
  };
}

describe('a fetch session', () => {
  it('names what has changed only, and what is not wanted any more', () => {
    const session = new FetchSession();
    expect(asked(session.next([want('a', 0, 5), want('a', 1, 7), want('b', 0, 0)]))).toEqual({ session: [0, 0], topics: ['a:0@5,1@7', 'b:0@0'], forgotten: [] });
    expect(session.onAnswer(ErrorCode.NONE, 77)).toBe(true);
    expect(asked(session.next([want('a', 0, 5), want('a', 1, 9), want('b', 0, 0)]))).toEqual({ session: [77, 1], topics: ['a:1@9'], forgotten: [] });
    session.onAnswer(ErrorCode.NONE, 77);
    expect(asked(session.next([want('a', 1, 9), want('c', 3, 1)]))).toEqual({ session: [77, 2], topics: ['c:3@1'], forgotten: ['a:0', 'b:0'] });
    session.onAnswer(ErrorCode.NONE, 77);
    expect(asked(session.next([want('a', 1, 9, 1), want('c', 3, 1)]))).toEqual({ session: [77, 3], topics: ['a:1@9'], forgotten: [] });
    session.onAnswer(ErrorCode.NONE, 77);
    expect(asked(session.close()!)).toEqual({ session: [77, -1], topics: [], forgotten: [] });
    expect(session.close()).toBeNull();
  });

  it('asks for everything each time where the broker gives no session', () => {
    const session = new FetchSession();
    for (let round = 0; round < 3; round++) {
      expect(asked(session.next([want('a', 0, 5)]))).toEqual({ session: [0, 0], topics: ['a:0@5'], forgotten: [] });
      session.onAnswer(ErrorCode.NONE, 0);
    }
    expect(session.close()).toBeNull();
  });

  it('begins anew when the broker has forgotten it, or nobody knows what it has seen', () => {
    const session = new FetchSession();
    session.next([want('a', 0, 5)]);
    session.onAnswer(ErrorCode.NONE, 77);
    session.next([want('a', 0, 6)]);
    expect(session.onAnswer(ErrorCode.FETCH_SESSION_ID_NOT_FOUND, 0)).toBe(false);
    expect(asked(session.next([want('a', 0, 6)]))).toEqual({ session: [0, 0], topics: ['a:0@6'], forgotten: [] });
    session.onAnswer(ErrorCode.NONE, 78);
    session.next([want('a', 0, 6)]);
    session.onFailure();
    // names the one that it replaces
    expect(asked(session.next([want('a', 0, 6)]))).toEqual({ session: [78, 0], topics: ['a:0@6'], forgotten: [] });
    session.onAnswer(ErrorCode.NONE, 79);
    session.next([]);
    expect(session.onAnswer(ErrorCode.INVALID_FETCH_SESSION_EPOCH, 0)).toBe(false);
    expect(asked(session.next([want('a', 0, 6)]))).toMatchObject({ session: [79, 0], topics: ['a:0@6'] });
  });
});

describe('a consumer of many partitions', () => {
  let node: RealNode;
  afterEach(() => node.close());

  it('does not name them all in each fetch', async () => {
    node = await new RealNode().start();
    const client = createClient({ bootstrap: node.address, network: node.network });
    await client.admin.createTopic({ topic: 'many', partitions: 200 });
    const producer = client.producer({ value: serdes.string, lingerMs: 0 });
    const reader = createClient({ bootstrap: node.address, network: node.network });
    const consumer = reader.consumer({ fetchWaitMsMax: 50 });
    consumer.assign(Array.from({ length: 200 }, (_, partition) => ({ topic: 'many', partition, start: 0 })));
    const seen: string[] = [];
    const sentBytes: number[] = [];
    for (let round = 0; round < 6; round++) {
      await producer.send({ topic: 'many', partition: round % 3, value: `v${round}` });
      while (seen.length <= round) for (const { partition, offset } of (await consumer.nextBatch()) ?? []) seen.push(`${partition}@${offset}`);
      sentBytes.push(reader.metrics().bytesSent);
    }
    expect(seen).toEqual(['0@0', '1@0', '2@0', '0@1', '1@1', '2@1']);
    // the first fetch takes 30 bytes for each of them; those after it, a hundred or two
    expect(sentBytes[5]! - sentBytes[1]!).toBeLessThan(4000);
    await reader.close();
    await client.close();
  });
});
