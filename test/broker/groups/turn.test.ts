import { describe, expect, it } from 'vitest';
import { validateBrokerConfig } from '../../../src/config/brokerConfig.ts';
import { createLoopbackNetwork } from '../../../src/net/index.ts';
import { startNode, type Node } from '../../../src/node/index.ts';
import { makeOffsetCommitRequest } from '../../../src/protocol/generated/offsetCommit.ts';
import type { OffsetCommitResponse } from '../../../src/protocol/generated/offsetCommit.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { nextBatch } from '../../../src/record/batchHeader.ts';
import { MemoryDisk } from '../../../src/storage/disk/memory.ts';
import { seededRandom } from '../../storage/support/ports.ts';
import { FindCoordinator, OffsetCommit } from '../support/apis.ts';
import { call, send } from '../support/node.ts';
import type { Pending, TestNode } from '../support/node.ts';
import { createTopic } from '../support/work.ts';

const COMMITS = 5;
const OFFSETS_FOLDER = '/data/__consumer_offsets-0';

async function start(): Promise<{ node: Node; disk: MemoryDisk; asked: TestNode }> {
  const disk = new MemoryDisk({ random: seededRandom(1) });
  const settings = { listeners: 'PLAINTEXT://127.0.0.1:0', 'log.dirs': '/data', 'offsets.topic.num.partitions': '1' };
  const entries = Object.entries(settings).map(([key, value]) => ({ key, value, origin: 'test' }));
  const node = await startNode({ config: validateBrokerConfig(entries).config, network: createLoopbackNetwork(), disk });
  return { node, disk, asked: { broker: node.broker } as TestNode };
}

const commitOf = (groupId: string) => makeOffsetCommitRequest({
  groupId,
  topics: [{ name: 'a', topicId: zeroUuid, partitions: [{ partitionIndex: 0, committedOffset: 1, committedLeaderEpoch: -1, commitTimestamp: -1, committedMetadata: null }] }],
});

async function batchCount(disk: MemoryDisk): Promise<number> {
  const bytes = (await disk.readFile(`${OFFSETS_FOLDER}/00000000000000000000.log`, 1 << 20))!;
  let count = 0;
  for (let at = nextBatch(bytes, 0); at !== -1; at = nextBatch(bytes, at)) count++;
  return count;
}

describe('a node', () => {
  it('writes what many connections commit in one turn of the event loop in one batch', async () => {
    const { node, disk, asked } = await start();
    await createTopic(asked, 'a');
    await call(asked, FindCoordinator, 4, { key: '', keyType: 0, coordinatorKeys: ['g'] });
    await expect.poll(async () => (await call(asked, OffsetCommit, 8, commitOf('first'))).topics[0]!.partitions[0]!.errorCode).toBe(0);
    const before = await batchCount(disk);
    const pending: Pending<OffsetCommitResponse>[] = [];
    for (let i = 0; i < COMMITS; i++) {
      pending.push(send(asked, OffsetCommit, 8, commitOf(`g${i}`)));
      // each connection is read in a task of its own, with all its microtasks behind it
      await Promise.resolve();
      await Promise.resolve();
    }
    await expect.poll(() => pending.map((each) => each.response()?.topics[0]!.partitions[0]!.errorCode)).toEqual(Array.from({ length: COMMITS }, () => 0));
    expect((await batchCount(disk)) - before).toBe(1);
    await node.close(0);
  });
});
