import { afterEach, describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { makeFindCoordinatorRequest } from '../../../src/protocol/generated/findCoordinator.ts';
import { ControlType, buildEndTransactionMarker } from '../../../src/record/control.ts';
import { MemoryDisk } from '../../../src/storage/disk/memory.ts';
import { seededRandom } from '../../storage/support/ports.ts';
import { settle, startNode } from '../support/node.ts';
import type { NodeOptions, TestNode } from '../support/node.ts';
import { CreatePartitions, FindCoordinator, IncrementalAlterConfigs } from '../support/apis.ts';
import { batch, createTopic, produce } from '../support/work.ts';
import { AlterShareGroupOffsets, DeleteGroups, DeleteShareGroupOffsets, GROUP, SETTINGS, Sharer, ShareFetch, ShareGroupDescribe, Type, ask, offsetsOf, reply } from './support.ts';

const nodes: TestNode[] = [];

async function start(options: NodeOptions = {}): Promise<TestNode> {
  const node = await startNode({ ...options, settings: { ...SETTINGS, ...options.settings } });
  nodes.push(node);
  await ask(node, FindCoordinator, 6, makeFindCoordinatorRequest({ keyType: 0, coordinatorKeys: [GROUP] }));
  return node;
}

afterEach(async () => {
  for (const node of nodes.splice(0)) await node.stop();
});

const A = 'AAAAAAAAAAAAAAAAAAAAAQ';
const B = 'AAAAAAAAAAAAAAAAAAAAAg';

/** A topic of one partition, a member that has joined, and its first fetch behind it: what is produced later is for the group. */
async function sharing(node: TestNode): Promise<{ a: Sharer; b: Sharer; topicId: string }> {
  const topicId = await createTopic(node, 'work');
  const a = new Sharer(node, A, topicId);
  const b = new Sharer(node, B, topicId);
  await a.join(['work']);
  await b.join(['work']);
  await a.fetch();
  await b.fetch();
  return { a, b, topicId };
}

const acceptAll = (acquired: readonly { firstOffset: number; lastOffset: number }[]) =>
  acquired.map(({ firstOffset, lastOffset }) => ({ firstOffset, lastOffset, acknowledgeTypes: [Type.accept] }));

describe('membership', () => {
  test('the first heartbeat brings the assignment', async () => {
    const node = await start();
    const topicId = await createTopic(node, 'work', 2);
    const joined = await new Sharer(node, A, topicId).join(['work']);
    expect(joined.memberEpoch).toBeGreaterThan(0);
    expect(joined.assignment?.topicPartitions).toEqual([{ topicId, partitions: [0, 1] }]);
  });

  test('is described, and ends with a leave', async () => {
    const node = await start();
    const topicId = await createTopic(node, 'work');
    const a = new Sharer(node, A, topicId);
    await a.join(['work']);
    const described = await ask(node, ShareGroupDescribe, 1, { groupIds: [GROUP, 'nobody'], includeAuthorizedOperations: false });
    expect(described.groups[0]).toMatchObject({ errorCode: 0, groupState: 'Stable', assignorName: 'simple' });
    expect(described.groups[0]!.members[0]).toMatchObject({ memberId: A, subscribedTopicNames: ['work'] });
    expect(described.groups[1]!.errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
    await a.heartbeat({ memberEpoch: -1 });
    const after = await ask(node, ShareGroupDescribe, 1, { groupIds: [GROUP], includeAuthorizedOperations: false });
    expect(after.groups[0]).toMatchObject({ groupState: 'Empty', members: [] });
  });

  test('epochs are counted as Kafka counts them: from 1 without members, raised by everybody who joins or leaves', async () => {
    const node = await start();
    const topicId = await createTopic(node, 'work');
    const epochs = async () => {
      const { groupEpoch, assignmentEpoch } = (await ask(node, ShareGroupDescribe, 1, { groupIds: [GROUP], includeAuthorizedOperations: false })).groups[0]!;
      return [groupEpoch, assignmentEpoch];
    };
    await ask(node, AlterShareGroupOffsets, 0, { groupId: GROUP, topics: [{ topicName: 'work', partitions: [{ partitionIndex: 0, startOffset: 0 }] }] });
    expect(await epochs()).toEqual([1, 1]);
    const a = new Sharer(node, A, topicId);
    expect((await a.join(['work'])).memberEpoch).toBe(2);
    expect(await epochs()).toEqual([2, 2]);
    await a.heartbeat({ memberEpoch: -1 });
    expect(await epochs()).toEqual([3, 2]);
  });

  test('a clock that steps back holds no assignment up', async () => {
    const node = await start();
    const topicId = await createTopic(node, 'work', 2);
    await new Sharer(node, A, topicId).join(['work']);
    node.ports.clock.wallMs -= 3_600_000;
    const joined = await new Sharer(node, B, topicId).join(['work']);
    expect(joined.assignment?.topicPartitions[0]?.partitions).toHaveLength(1);
  });

  test('who does not speak is fenced, and what it holds is free', async () => {
    const node = await start();
    const { a, b } = await sharing(node);
    await produce(node, 'work', 0, batch(['one']));
    expect((await a.fetch()).values).toEqual(['one']);
    for (let i = 0; i < 10; i++) {
      await node.ports.clock.advance(5_000);
      await b.heartbeat();
    }
    expect((await a.heartbeat()).errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    expect((await b.fetch()).acquired).toEqual([{ firstOffset: 0, lastOffset: 0, deliveryCount: 2 }]);
  });

  test('epochs that are not its own fence a member', async () => {
    const node = await start();
    const a = new Sharer(node, A, await createTopic(node, 'work'));
    await a.join(['work']);
    expect((await a.heartbeat({ memberEpoch: 77 })).errorCode).toBe(ErrorCode.FENCED_MEMBER_EPOCH);
    expect((await a.heartbeat({ memberEpoch: -2 })).errorCode).toBe(ErrorCode.INVALID_REQUEST);
    expect((await a.heartbeat({ memberEpoch: 0 })).errorCode).toBe(ErrorCode.INVALID_REQUEST);
  });
});

describe('records', () => {
  test('go to one member each, and are done with once accepted', async () => {
    const node = await start();
    const { a, b } = await sharing(node);
    await produce(node, 'work', 0, batch(['one', 'two', 'three']));
    const got = await a.fetch();
    expect(got.values).toEqual(['one', 'two', 'three']);
    expect(got.acquired).toEqual([{ firstOffset: 0, lastOffset: 2, deliveryCount: 1 }]);
    expect((await b.fetch()).acquired).toEqual([]);
    expect(await a.acknowledge(0, 2, [Type.accept])).toBe(0);
    expect(await offsetsOf(node, 'work')).toEqual({ startOffset: 0, lag: 0, errorCode: 0 });
    expect((await a.fetch()).acquired).toEqual([]);
  });

  test('are told apart one by one', async () => {
    const node = await start();
    const { a, b } = await sharing(node);
    await produce(node, 'work', 0, batch(['one', 'two', 'three', 'four']));
    await a.fetch();
    expect(await a.acknowledge(0, 3, [Type.accept, Type.release, Type.reject, Type.release])).toBe(0);
    const again = await b.fetch();
    expect(again.acquired).toEqual([{ firstOffset: 1, lastOffset: 1, deliveryCount: 2 }, { firstOffset: 3, lastOffset: 3, deliveryCount: 2 }]);
  });

  test('a fetch that waits is woken by an append, and by a release', async () => {
    const node = await start();
    const { a, b } = await sharing(node);
    const waiting = a.send({ maxWaitMs: 10_000 });
    await settle();
    expect(waiting.response()).toBeNull();
    await produce(node, 'work', 0, batch(['one']));
    expect((await reply(node, waiting)).responses[0]!.partitions[0]!.acquiredRecords).toHaveLength(1);
    const other = b.send({ maxWaitMs: 10_000 });
    await settle();
    expect(other.response()).toBeNull();
    await a.acknowledge(0, 0, [Type.release]);
    expect((await reply(node, other)).responses[0]!.partitions[0]!.acquiredRecords[0]).toMatchObject({ firstOffset: 0, deliveryCount: 2 });
  });

  test('a fetch that waits when the broker ends is told that its session is over', async () => {
    const node = await start();
    const { a } = await sharing(node);
    const waiting = a.send({ maxWaitMs: 60_000 });
    await settle();
    expect(waiting.response()).toBeNull();
    node.broker.drain();
    expect((await reply(node, waiting)).errorCode).toBe(ErrorCode.SHARE_SESSION_NOT_FOUND);
    const late = await ask(node, ShareFetch, 2, a.fetchBody({ maxWaitMs: 60_000 }), a.connection);
    expect(late.errorCode).toBe(ErrorCode.SHARE_SESSION_NOT_FOUND);
  });

  test('acknowledgements on the way of a fetch, and the answer waits for neither more than it must', async () => {
    const node = await start();
    const { a } = await sharing(node);
    await produce(node, 'work', 0, batch(['one']));
    const { acquired } = await a.fetch();
    const next = await a.fetch({}, acceptAll(acquired));
    expect(next.response.responses[0]!.partitions[0]).toMatchObject({ acknowledgeErrorCode: 0, acquiredRecords: [] });
  });

  test('locks run out, are renewed, and the last delivery archives', async () => {
    const node = await start({ settings: { 'group.share.delivery.count.limit': '2', 'group.share.max.session.timeout.ms': '3600000', 'group.share.session.timeout.ms': '3600000' } });
    const { a, b } = await sharing(node);
    await produce(node, 'work', 0, batch(['one']));
    await a.fetch();
    await node.ports.clock.advance(20_000);
    expect(await a.acknowledge(0, 0, [Type.renew], { isRenewAck: true })).toBe(0);
    await node.ports.clock.advance(20_000);
    expect((await b.fetch()).acquired).toEqual([]);
    await node.ports.clock.advance(11_000);
    expect((await b.fetch()).acquired).toEqual([{ firstOffset: 0, lastOffset: 0, deliveryCount: 2 }]);
    expect(await a.acknowledge(0, 0, [Type.accept])).toBe(ErrorCode.INVALID_RECORD_STATE);
    await node.ports.clock.advance(31_000);
    expect((await a.fetch()).acquired).toEqual([]);
    expect((await offsetsOf(node, 'work')).lag).toBe(0);
  });

  test('of a connection that ends are free at once', async () => {
    const node = await start();
    const { a, b } = await sharing(node);
    await produce(node, 'work', 0, batch(['one', 'two']));
    await a.fetch();
    a.connection.close();
    expect((await b.fetch()).acquired).toEqual([{ firstOffset: 0, lastOffset: 1, deliveryCount: 2 }]);
  });

  test('no more than the limit are in flight', async () => {
    const node = await start({ settings: { 'group.share.partition.max.record.locks': '100' } });
    const { a, b } = await sharing(node);
    for (let i = 0; i < 30; i++) await produce(node, 'work', 0, batch(Array.from({ length: 10 }, (_, j) => `${i}-${j}`)));
    expect((await a.fetch({ maxRecords: 60, batchSize: 10 })).acquired.at(-1)!.lastOffset).toBe(59);
    expect((await b.fetch()).acquired.at(-1)!.lastOffset).toBe(99);
    expect((await b.fetch()).acquired).toEqual([]);
    await a.acknowledge(0, 59, [Type.accept]);
    expect((await b.fetch()).acquired[0]!.firstOffset).toBe(100);
  });

  test('a fetch for no bytes, or for no records, acquires none and does not wait', async () => {
    const node = await start();
    const { a } = await sharing(node);
    await produce(node, 'work', 0, batch(['x', 'y']));
    expect((await a.fetch({ maxBytes: 0, maxWaitMs: 60_000 })).acquired).toEqual([]);
    expect((await a.fetch({ maxRecords: 0, maxWaitMs: 60_000 })).acquired).toEqual([]);
    expect((await a.fetch({ maxBytes: 1 })).values).toEqual(['x', 'y']);
  });

  test('exactly as many as asked for, when asked so', async () => {
    const node = await start();
    const { a, b } = await sharing(node);
    await produce(node, 'work', 0, batch(Array.from({ length: 10 }, (_, i) => String(i))));
    expect((await a.fetch({ maxRecords: 3, shareAcquireMode: 1 })).acquired).toEqual([{ firstOffset: 0, lastOffset: 2, deliveryCount: 1 }]);
    expect((await b.fetch({ maxRecords: 4, shareAcquireMode: 1 })).acquired).toEqual([{ firstOffset: 3, lastOffset: 6, deliveryCount: 1 }]);
    expect((await b.fetch({ maxRecords: 1 })).acquired).toEqual([{ firstOffset: 7, lastOffset: 9, deliveryCount: 1 }]);
  });

  test('deleted from the log are for nobody', async () => {
    const node = await start();
    const { a } = await sharing(node);
    await produce(node, 'work', 0, batch(['one', 'two', 'three']));
    await a.fetch();
    await node.broker.services.partitions.find('work', 0)!.log!.deleteRecordsBefore(2);
    expect(await a.acknowledge(0, 2, [Type.release])).toBe(0);
    expect((await a.fetch()).acquired).toEqual([{ firstOffset: 2, lastOffset: 2, deliveryCount: 2 }]);
  });
});

describe('transactions', () => {
  const marker = (producerId: number, isCommit: boolean): Buffer => buildEndTransactionMarker({ producerId, producerEpoch: 0, type: isCommit ? ControlType.commit : ControlType.abort, coordinatorEpoch: 0, timestampMs: 0 });

  test('aborted records are for nobody who reads what is committed, and open ones wait', async () => {
    const node = await start();
    await ask(node, IncrementalAlterConfigs, 1, {
      resources: [{ resourceType: 32, resourceName: GROUP, configs: [{ name: 'share.isolation.level', configOperation: 0, value: 'read_committed' }] }], validateOnly: false,
    });
    const { a } = await sharing(node);
    const partition = node.broker.services.partitions.find('work', 0)!;
    const append = (bytes: Buffer): Promise<void> => new Promise((resolve, reject) => {
      partition.append(bytes, 'coordinator', (error) => (error === null ? resolve() : reject(error)));
    });
    const transactional = (producerId: number, values: string[]): Buffer => batch(values, { producerId, producerEpoch: 0, baseSequence: 0, isTransactional: true });
    await append(transactional(1, ['gone', 'gone too']));
    await append(transactional(2, ['stays']));
    expect((await a.fetch()).acquired).toEqual([]);
    await append(marker(1, false));
    await append(marker(2, true));
    const got = await a.fetch();
    // The markers are offsets, too: clients tell them from records, and acknowledge them as gaps.
    expect(got.acquired).toEqual([{ firstOffset: 2, lastOffset: 4, deliveryCount: 1 }]);
    expect(got.values[0]).toBe('stays');
  });
});

describe('what is kept', () => {
  test('acknowledgements outlast a restart, and a loss of power', async () => {
    const disk = new MemoryDisk({ random: seededRandom(1) });
    const first = await start({ disk });
    const { a, topicId } = await sharing(first);
    await produce(first, 'work', 0, batch(['one', 'two', 'three', 'four']));
    await a.fetch();
    expect(await a.acknowledge(0, 3, [Type.accept, Type.release, Type.accept, Type.release])).toBe(0);
    await nodes.pop()!.stop();
    const second = await start({ disk, ports: first.ports });
    const b = new Sharer(second, B, topicId);
    await b.join(['work']);
    expect((await b.fetch()).acquired).toEqual([{ firstOffset: 1, lastOffset: 1, deliveryCount: 2 }, { firstOffset: 3, lastOffset: 3, deliveryCount: 2 }]);
  });

  test('acknowledgements outlast a process that is killed; what was only acquired comes again', async () => {
    const first = await start();
    const { a, topicId } = await sharing(first);
    await produce(first, 'work', 0, batch(['one', 'two', 'three']));
    await a.fetch();
    expect(await a.acknowledge(1, 1, [Type.accept])).toBe(0);
    nodes.pop();
    const disk = new (first.disk.constructor as new (options: object, files: unknown) => MemoryDisk)({ random: first.ports.random }, first.disk.files);
    const second = await start({ disk, ports: first.ports });
    const b = new Sharer(second, B, topicId);
    await b.join(['work']);
    expect((await b.fetch()).acquired.map(({ firstOffset, lastOffset }) => [firstOffset, lastOffset])).toEqual([[0, 0], [2, 2]]);
  });

  test('members, epochs and assignments outlast a restart, and have their session timeout then', async () => {
    const first = await start();
    const { a, topicId } = await sharing(first);
    const before = (await ask(first, ShareGroupDescribe, 1, { groupIds: [GROUP], includeAuthorizedOperations: false })).groups[0]!;
    await nodes.pop()!.stop();
    const second = await start({ disk: first.disk, ports: first.ports });
    const again = new Sharer(second, A, topicId);
    again.memberEpoch = a.memberEpoch;
    let heard = await again.heartbeat();
    for (let i = 0; i < 10 && heard.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS; i++) {
      await second.ports.clock.advance(10);
      heard = await again.heartbeat();
    }
    expect(heard).toMatchObject({ errorCode: 0, assignment: null });
    expect((await ask(second, ShareGroupDescribe, 1, { groupIds: [GROUP], includeAuthorizedOperations: false })).groups[0]).toEqual(before);
    await second.ports.clock.advance(60_000);
    expect((await ask(second, ShareGroupDescribe, 1, { groupIds: [GROUP], includeAuthorizedOperations: false })).groups[0]!.members).toEqual([]);
  });

  test('partitions that are added, and topics that are made later, come to the group', async () => {
    const node = await start();
    const topicId = await createTopic(node, 'work');
    const a = new Sharer(node, A, topicId);
    await a.join(['later', 'work']);
    const laterId = await createTopic(node, 'later');
    await ask(node, CreatePartitions, 3, { topics: [{ name: 'work', count: 2, assignments: null }], timeoutMs: 1_000, validateOnly: false });
    await node.ports.clock.advance(2_000);
    const heard = await a.heartbeat();
    expect(new Map(heard.assignment!.topicPartitions.map((topic) => [topic.topicId, topic.partitions]))).toEqual(new Map([[topicId, [0, 1]], [laterId, [0]]]));
  });

  test('offsets are set and deleted while nobody is in the group', async () => {
    const node = await start();
    const { a, b } = await sharing(node);
    await produce(node, 'work', 0, batch(['one', 'two', 'three']));
    await a.fetch();
    await a.acknowledge(0, 2, [Type.accept]);
    const alter = () => ask(node, AlterShareGroupOffsets, 0, { groupId: GROUP, topics: [{ topicName: 'work', partitions: [{ partitionIndex: 0, startOffset: 1 }] }] });
    expect((await alter()).errorCode).toBe(ErrorCode.NON_EMPTY_GROUP);
    await a.heartbeat({ memberEpoch: -1 });
    await b.heartbeat({ memberEpoch: -1 });
    expect((await alter()).responses[0]!.partitions[0]!.errorCode).toBe(0);
    expect(await offsetsOf(node, 'work')).toEqual({ startOffset: 1, lag: 2, errorCode: 0 });
    const again = new Sharer(node, A, a.topicId);
    await again.join(['work']);
    expect((await again.fetch()).acquired).toEqual([{ firstOffset: 1, lastOffset: 2, deliveryCount: 1 }]);
    await again.heartbeat({ memberEpoch: -1 });
    const deleted = await ask(node, DeleteShareGroupOffsets, 0, { groupId: GROUP, topics: [{ topicName: 'work' }, { topicName: 'other' }] });
    expect(deleted.responses.map(({ errorCode }) => errorCode)).toEqual([0, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    expect((await offsetsOf(node, 'work')).startOffset).toBe(-1);
  });

  test('a group is deleted with all that is kept of it', async () => {
    const node = await start();
    const { a, b } = await sharing(node);
    expect((await ask(node, DeleteGroups, 2, { groupsNames: [GROUP] })).results[0]!.errorCode).toBe(ErrorCode.NON_EMPTY_GROUP);
    await a.heartbeat({ memberEpoch: -1 });
    await b.heartbeat({ memberEpoch: -1 });
    expect((await ask(node, DeleteGroups, 2, { groupsNames: [GROUP] })).results[0]!.errorCode).toBe(0);
    expect(await offsetsOf(node, 'work')).toEqual({ startOffset: -1, lag: -1, errorCode: 0 });
    const described = await ask(node, ShareGroupDescribe, 1, { groupIds: [GROUP], includeAuthorizedOperations: false });
    expect(described.groups[0]!.errorCode).toBe(ErrorCode.GROUP_ID_NOT_FOUND);
  });
});
