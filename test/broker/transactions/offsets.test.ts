import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import { makeOffsetCommitRequest } from '../../../src/protocol/generated/offsetCommit.ts';
import * as offsetDelete from '../../../src/protocol/generated/offsetDelete.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { MemoryDisk } from '../../../src/storage/disk/memory.ts';
import { FakeClock } from '../../storage/support/ports.ts';
import { OffsetCommit } from '../support/apis.ts';
import { call, startNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';
import { createTopic } from '../support/work.ts';
import { GROUP, TransactionalProducer, committedOffset } from './support.ts';

const OffsetDelete = { apiKey: ApiKey.OffsetDelete, write: offsetDelete.writeOffsetDeleteRequest, read: offsetDelete.readOffsetDeleteResponse };

let node: TestNode;

beforeEach(async () => {
  node = await startNode();
  await createTopic(node, 't', 2);
});

afterEach(async () => {
  await node.stop();
});

async function producer(transactionalId: string): Promise<TransactionalProducer> {
  const made = new TransactionalProducer(node, transactionalId);
  expect(await made.init()).toBe(ErrorCode.NONE);
  return made;
}

async function commitPlainly(offset: number): Promise<void> {
  const partitions = [{ partitionIndex: 0, committedOffset: offset, commitTimestamp: -1, committedLeaderEpoch: -1, committedMetadata: '' }];
  const response = await call(node, OffsetCommit, 8, makeOffsetCommitRequest({ groupId: GROUP, generationIdOrMemberEpoch: -1, topics: [{ name: 't', topicId: zeroUuid, partitions }] }));
  expect(response.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NONE);
}

/** The same before and after a kill: replay takes the same way. */
async function expectOffset(expected: number | null): Promise<void> {
  expect(await committedOffset(node, 't', 0)).toBe(expected);
  const ports = { ...node.ports, clock: new FakeClock(node.ports.clock.now()) };
  node = await startNode({ disk: new MemoryDisk({ random: ports.random }, node.disk.files), ports });
  await node.ports.clock.advance(50);
  expect(await committedOffset(node, 't', 0)).toBe(expected);
}

describe('offsets of an open transaction', () => {
  it('do not undo what was committed plainly after them', async () => {
    const tx = await producer('a');
    await tx.commitOffset('t', 0, 10);
    await commitPlainly(20);
    expect(await committedOffset(node, 't', 0, false)).toBe(20);
    await tx.commit();
    await expectOffset(20);
  });

  it('take effect over what was committed plainly before them', async () => {
    const tx = await producer('a');
    await commitPlainly(20);
    await tx.commitOffset('t', 0, 10);
    await tx.commit();
    await expectOffset(10);
  });

  it('count in the order in which they were committed, not in which their transactions end', async () => {
    const [first, second] = [await producer('a'), await producer('b')];
    await first.commitOffset('t', 0, 1);
    await second.commitOffset('t', 0, 2);
    await second.commit();
    expect(await committedOffset(node, 't', 0)).toBeNull();
    await first.commit();
    await expectOffset(2);
  });

  it('go when the offsets of their partition are deleted', async () => {
    const tx = await producer('a');
    await tx.commitOffset('t', 0, 5);
    const response = await call(node, OffsetDelete, 0, { groupId: GROUP, topics: [{ name: 't', partitions: [{ partitionIndex: 0 }] }] });
    expect(response).toMatchObject({ errorCode: 0, topics: [{ partitions: [{ errorCode: 0 }] }] });
    await tx.commit();
    await expectOffset(-1);
  });

  it('are refused past the limit of their metadata and for partitions that are not there', async () => {
    const tx = await producer('a');
    expect(await tx.commitOffset('t', 7, 5)).toBe(ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
    expect(await tx.commitOffsetOnce('t', 0, 5, '')).toBe(ErrorCode.INVALID_GROUP_ID);
    expect(await tx.commitOffset('t', 0, 5)).toBe(ErrorCode.NONE);
    await tx.abort();
    await expectOffset(-1);
  });
});
