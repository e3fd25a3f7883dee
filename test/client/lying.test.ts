import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createClient, serdes } from '../../src/client/index.ts';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeWorld, seededRandom } from './support/cluster.ts';
import type { Reaction } from './support/fakeBroker.ts';
import { settle, turns } from './support/fakeClock.ts';

type Lie = 'garbage' | 'short' | 'huge' | 'silence' | 'hangUp' | 'error' | 'nothing';
const LIES: readonly Lie[] = ['garbage', 'short', 'huge', 'silence', 'hangUp', 'error', 'nothing'];
const APIS = ['Produce', 'Fetch', 'FindCoordinator', 'JoinGroup', 'SyncGroup', 'Heartbeat', 'OffsetFetch', 'OffsetCommit', 'ListOffsets', 'LeaveGroup', 'InitProducerId', 'AddPartitionsToTxn', 'EndTxn', 'ConsumerGroupHeartbeat', 'ShareGroupHeartbeat', 'ShareFetch', 'ShareAcknowledge'] as const;

const noise = (bytes: Uint8Array): Buffer => {
  const frame = Buffer.alloc(4 + bytes.length);
  frame.writeInt32BE(bytes.length);
  frame.set(bytes, 4);
  return frame;
};

function reactionTo(lie: Lie, bytes: Uint8Array, code: number): Reaction {
  switch (lie) {
    case 'garbage':
      return { raw: noise(bytes) };
    case 'short':
      return { raw: noise(bytes).subarray(0, 3) };
    case 'huge':
      return { raw: Buffer.from([0x7f, 0xff, 0xff, 0xff, 0]) };
    case 'error':
      return { answer: { errorCode: code } };
    case 'nothing':
      return { answer: {} };
    default:
      return lie;
  }
}

/** One thing that an application does, which must come to an end, well or badly. */
const ACTIONS = ['send', 'transaction', 'group', 'modernGroup', 'read', 'share'] as const;

describe('a broker that lies', () => {
  it('leaves no promise open and keeps nothing from closing', async () => {
    const lie = fc.record({ api: fc.constantFrom(...APIS), lie: fc.constantFrom(...LIES) });
    await fc.assert(fc.asyncProperty(fc.constantFrom(...ACTIONS), fc.array(lie, { maxLength: 6 }), fc.uint8Array({ maxLength: 80 }), fc.integer({ min: -2, max: 130 }), async (action, lies, bytes, code) => {
      const world = await makeWorld({ t: 1 });
      world.broker.missing.delete('ConsumerGroupHeartbeat');
      const script = new Map(APIS.map((api) => [api, [] as Lie[]]));
      for (const each of lies) script.get(each.api)?.push(each.lie);
      for (const api of APIS) world.broker.on(api, () => reactionTo(script.get(api)?.shift() ?? 'error', bytes, code === ErrorCode.NONE ? ErrorCode.UNKNOWN_SERVER_ERROR : code));
      const client = createClient({ bootstrap: `127.0.0.1:${world.broker.port}`, network: world.network, clock: world.clock, random: seededRandom(3), requestTimeoutMs: 500, apiTimeoutMs: 2000, retryBackoffMs: 20, retryBackoffMaxMs: 100 });
      await settle(world.clock, act(action, client));
      await settle(world.clock, client.close());
      await turns();
      world.clock.advance(60_000);
      await turns();
      expect(world.clock.timerCount).toBeLessThan(3);
      world.cluster.close();
      await world.broker.stop();
    }), { numRuns: 60, seed: Number(process.env['TIDELOG_FUZZ_SEED'] ?? 4) });
  }, 60_000);
});

async function act(action: (typeof ACTIONS)[number], client: ReturnType<typeof createClient>): Promise<unknown> {
  const text = { value: serdes.string, key: serdes.none } as const;
  const timeouts = { maxBlockMs: 1000, deliveryTimeoutMs: 2000, requestTimeoutMs: 500 };
  if (action === 'send') {
    const producer = client.producer({ ...text, ...timeouts });
    return Promise.allSettled([producer.send({ topic: 't', value: 'a' }), producer.sendBatch({ topic: 't', records: [{ value: 'b' }, { value: 'c' }] })]);
  }
  if (action === 'transaction') {
    const producer = client.producer({ ...text, ...timeouts, transactionalId: 'x' });
    return producer.transaction(async (scope) => void scope.push({ topic: 't', value: 'a' })).catch(() => {});
  }
  if (action === 'share') {
    const consumer = client.shareConsumer({ groupId: 'g' });
    consumer.subscribe(['t']);
    return consumer.poll(2000).catch(() => {});
  }
  const group = action === 'read' ? {} : { groupId: 'g', sessionTimeoutMs: 1000, heartbeatIntervalMs: 200, maxPollIntervalMs: 3000, ...(action === 'modernGroup' ? { groupProtocol: 'consumer' as const } : {}) };
  const consumer = client.consumer({ ...text, ...group, autoOffsetReset: 'earliest' });
  consumer.subscribe(['t']);
  return consumer.nextBatch(3000).then(() => consumer.commit()).catch(() => {});
}
