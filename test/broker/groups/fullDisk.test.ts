import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { makeOffsetCommitRequest } from '../../../src/protocol/generated/offsetCommit.ts';
import { makeOffsetFetchRequest } from '../../../src/protocol/generated/offsetFetch.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { FindCoordinator, OffsetCommit, OffsetFetch } from '../support/apis.ts';
import { call, startNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { createTopic } from '../support/work.ts';

async function commit(node: TestNode, committedOffset: number): Promise<number> {
  const partitions = [{ partitionIndex: 0, committedOffset, committedLeaderEpoch: -1, commitTimestamp: -1, committedMetadata: null }];
  const request = makeOffsetCommitRequest({ groupId: 'g', topics: [{ name: 'a', topicId: zeroUuid, partitions }] });
  return (await call(node, OffsetCommit, 8, request)).topics[0]!.partitions[0]!.errorCode;
}

async function committed(node: TestNode): Promise<{ errorCode: number; committedOffset: number }> {
  const topics = [{ name: 'a', topicId: zeroUuid, partitionIndexes: [0] }];
  const response = await call(node, OffsetFetch, 8, makeOffsetFetchRequest({ groups: [{ groupId: 'g', memberId: null, memberEpoch: -1, topics }] }));
  const [group] = response.groups;
  return { errorCode: group!.errorCode, committedOffset: group!.topics[0]?.partitions[0]!.committedOffset ?? -1 };
}

async function startWithCoordinator(): Promise<TestNode> {
  const node = await startNode();
  await createTopic(node, 'a');
  const found = await call(node, FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: ['g'] });
  expect([ErrorCode.NONE, ErrorCode.COORDINATOR_NOT_AVAILABLE]).toContain(found.coordinators[0]!.errorCode);
  return node;
}

describe('a coordinator whose disk', () => {
  it('is full asks for patience, keeps what it knows, and goes on when there is room', async () => {
    const node = await startWithCoordinator();
    expect(await commit(node, 5)).toBe(0);
    node.disk.fullAfterBytes(20);
    expect(await commit(node, 6)).toBe(ErrorCode.COORDINATOR_NOT_AVAILABLE);
    expect(await committed(node)).toEqual({ errorCode: 0, committedOffset: 5 });
    node.disk.fullAfterBytes(Infinity);
    expect(await commit(node, 7)).toBe(0);
    expect(await committed(node)).toEqual({ errorCode: 0, committedOffset: 7 });
    await node.stop();
  });

  it('fails sends its clients away', async () => {
    const node = await startWithCoordinator();
    expect(await commit(node, 5)).toBe(0);
    node.disk.failNextWrite('__consumer_offsets');
    expect(await commit(node, 6)).toBe(ErrorCode.NOT_COORDINATOR);
    expect((await committed(node)).errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });
});
