/** What nobody should send, and what whoever sends it is told. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { makeFindCoordinatorRequest } from '../../../src/protocol/generated/findCoordinator.ts';
import { makeShareFetchRequest } from '../../../src/protocol/generated/shareFetch.ts';
import { FindCoordinator } from '../support/apis.ts';
import { send, settle, startNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { batch, createTopic, produce } from '../support/work.ts';
import { AlterShareGroupOffsets, GROUP, SETTINGS, Sharer, ShareFetch, Type, ask, reply } from './support.ts';

const { INVALID_REQUEST, INVALID_RECORD_STATE, INVALID_SHARE_SESSION_EPOCH, SHARE_SESSION_LIMIT_REACHED, SHARE_SESSION_NOT_FOUND, UNKNOWN_TOPIC_ID, UNKNOWN_TOPIC_OR_PARTITION, NONE } = ErrorCode;
const MEMBER = 'AAAAAAAAAAAAAAAAAAAAAQ';
const BEYOND_SAFE = 2n ** 62n as unknown as number;

let node: TestNode;
let topicId: string;
let holder: Sharer;

beforeAll(async () => {
  node = await startNode({ settings: { ...SETTINGS, 'group.share.max.share.sessions': '8' } });
  await ask(node, FindCoordinator, 6, makeFindCoordinatorRequest({ keyType: 0, coordinatorKeys: [GROUP] }));
  topicId = await createTopic(node, 'work');
  holder = new Sharer(node, MEMBER, topicId);
  await holder.join(['work']);
  await holder.fetch();
  await produce(node, 'work', 0, batch(Array.from({ length: 10 }, (_, i) => String(i))));
  expect((await holder.fetch()).acquired).toEqual([{ firstOffset: 0, lastOffset: 9, deliveryCount: 1 }]);
});
afterAll(() => node.stop());

describe('acknowledgements', () => {
  test.each<[string, number, number, number[], number]>([
    ['that end before they begin', 3, 2, [Type.accept], INVALID_REQUEST],
    ['below zero', -5, -1, [Type.accept], INVALID_REQUEST],
    ['past what can be counted', BEYOND_SAFE, BEYOND_SAFE, [Type.accept], INVALID_REQUEST],
    ['of all records there can be', 0, Number.MAX_SAFE_INTEGER, [Type.accept], INVALID_REQUEST],
    ['without a type', 0, 0, [], INVALID_REQUEST],
    ['with types for other records', 0, 3, [Type.accept, Type.accept], INVALID_REQUEST],
    ['of an unknown type', 0, 0, [9], INVALID_REQUEST],
    ['of a type below zero', 0, 0, [-1], INVALID_REQUEST],
    ['that renew without saying so', 0, 0, [Type.renew], INVALID_REQUEST],
    ['past the end', 8, 12, [Type.accept], INVALID_REQUEST],
  ])('%s are refused', async (_name, first, last, types, code) => {
    expect(await holder.acknowledge(first, last, types)).toBe(code);
  });

  test('of what another holds, of another topic, and twice', async () => {
    const other = new Sharer(node, 'AAAAAAAAAAAAAAAAAAAAAg', topicId);
    await other.fetch();
    expect(await other.acknowledge(0, 9, [Type.accept])).toBe(INVALID_RECORD_STATE);
    const elsewhere = { topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAABQ', partitions: [{ partitionIndex: 0, acknowledgementBatches: [{ firstOffset: 0, lastOffset: 0, acknowledgeTypes: [1] }] }] }] };
    expect(await other.acknowledge(0, 0, [Type.accept], elsewhere)).toBe(UNKNOWN_TOPIC_ID);
    other.connection.close();
    expect(await holder.acknowledge(9, 9, [Type.accept])).toBe(NONE);
    expect(await holder.acknowledge(9, 9, [Type.accept])).toBe(INVALID_RECORD_STATE);
  });

  test('without a session, or in another epoch of it', async () => {
    const stranger = new Sharer(node, 'AAAAAAAAAAAAAAAAAAAAAw', topicId);
    stranger.sessionEpoch = 1;
    expect(await stranger.acknowledge(0, 0, [Type.accept])).toBe(SHARE_SESSION_NOT_FOUND);
    expect(await holder.acknowledge(0, 0, [Type.accept], { shareSessionEpoch: 0 })).toBe(INVALID_SHARE_SESSION_EPOCH);
    expect(await holder.acknowledge(0, 0, [Type.accept], { shareSessionEpoch: 1_000 })).toBe(INVALID_SHARE_SESSION_EPOCH);
  });
});

describe('fetches', () => {
  const fetch = (fields: Parameters<typeof makeShareFetchRequest>[0]) =>
    ask(node, ShareFetch, 2, makeShareFetchRequest({ groupId: GROUP, memberId: 'x', maxRecords: 1, maxBytes: 1, ...fields }));

  test.each<[string, Parameters<typeof makeShareFetchRequest>[0], number]>([
    ['without a group', { groupId: null }, INVALID_REQUEST],
    ['without a member', { memberId: null }, INVALID_REQUEST],
    ['of a member with a name like a book', { memberId: 'x'.repeat(1_000) }, INVALID_REQUEST],
    ['that renew and fetch', { isRenewAck: true }, INVALID_REQUEST],
    ['in an unknown mode', { shareAcquireMode: 100 }, ErrorCode.UNKNOWN_SERVER_ERROR],
    ['of a session that is not there', { shareSessionEpoch: 5 }, SHARE_SESSION_NOT_FOUND],
    ['that end a session that is not there', { shareSessionEpoch: -1 }, SHARE_SESSION_NOT_FOUND],
    ['that acknowledge before they fetch', { topics: [{ topicId: 'AAAAAAAAAAAAAAAAAAAABQ', partitions: [{ partitionIndex: 0, partitionMaxBytes: 0, acknowledgementBatches: [{ firstOffset: 0, lastOffset: 0, acknowledgeTypes: [1] }] }] }] }, INVALID_REQUEST],
  ])('%s are refused', async (_name, fields, code) => {
    expect((await fetch(fields)).errorCode).toBe(code);
  });

  test('of partitions that are not there, in a group that is not there, with sizes below zero', async () => {
    const sharer = new Sharer(node, 'AAAAAAAAAAAAAAAAAAAABA', topicId);
    const at = async (id: string, partitionIndex: number, groupId = GROUP): Promise<number> => {
      const response = await fetch({ memberId: sharer.memberId, groupId, maxWaitMs: 10, topics: [{ topicId: id, partitions: [{ partitionIndex, partitionMaxBytes: 0, acknowledgementBatches: [] }] }] });
      return response.responses[0]!.partitions[0]!.errorCode;
    };
    expect(await at('AAAAAAAAAAAAAAAAAAAABQ', 0)).toBe(UNKNOWN_TOPIC_ID);
    expect(await at(topicId, 7)).toBe(UNKNOWN_TOPIC_OR_PARTITION);
    expect(await at(topicId, -1)).toBe(UNKNOWN_TOPIC_OR_PARTITION);
    expect(await at(topicId, 0, 'nobody')).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    const odd = await fetch({ memberId: sharer.memberId, maxBytes: -1, minBytes: -1, maxRecords: -1, batchSize: -1, maxWaitMs: -1 });
    expect(odd.errorCode).toBe(NONE);
  });

  test('of more sessions than there may be wait their time, and are told', async () => {
    const some = Array.from({ length: 10 }, (_, i) => i).map((end) => new Sharer(node, `crowd-${end}`, topicId));
    const pending = some.map((sharer) => sharer.send({ maxWaitMs: 200 }));
    await settle();
    expect(pending.at(-1)!.response()).toBeNull();
    await node.ports.clock.advance(250);
    const told = await Promise.all(pending.map((one) => reply(node, one)));
    expect(told.map(({ errorCode }) => errorCode)).toContain(SHARE_SESSION_LIMIT_REACHED);
    expect(node.broker.services.share.sessions.size).toBeLessThanOrEqual(8);
    for (const sharer of some) sharer.connection.close();
  });

  test('that wait leave nothing behind when their connection ends', async () => {
    const sharer = new Sharer(node, 'AAAAAAAAAAAAAAAAAAAABg', topicId);
    await sharer.fetch();
    send(node, ShareFetch, 2, sharer.fetchBody({ maxWaitMs: 60_000, shareSessionEpoch: sharer.sessionEpoch, topics: [] }), sharer.connection);
    await settle();
    const before = node.broker.services.waiting.parkedCount;
    expect(before).toBeGreaterThan(0);
    sharer.connection.close();
    await settle();
    expect(node.broker.services.waiting.parkedCount).toBe(before - 1);
    expect(sharer.connection.closeListeners).toBe(0);
  });
});

test('offsets that cannot be counted are not set', async () => {
  const alter = async (startOffset: number): Promise<number> =>
    (await ask(node, AlterShareGroupOffsets, 0, { groupId: 'other', topics: [{ topicName: 'work', partitions: [{ partitionIndex: 0, startOffset }] }] })).responses[0]!.partitions[0]!.errorCode;
  expect(await alter(BEYOND_SAFE)).toBe(INVALID_REQUEST);
  expect(await alter(-3)).toBe(INVALID_REQUEST);
  expect(await alter(5)).toBe(NONE);
});
