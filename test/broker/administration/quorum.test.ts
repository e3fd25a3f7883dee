import { describe, expect, it } from 'vitest';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { makeAddRaftVoterRequest, readAddRaftVoterResponse, writeAddRaftVoterRequest } from '../../../src/protocol/generated/addRaftVoter.ts';
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import {
  makeDescribeQuorumRequest, makeDescribeQuorumRequestPartitionData, makeDescribeQuorumRequestTopicData, readDescribeQuorumResponse, writeDescribeQuorumRequest,
} from '../../../src/protocol/generated/describeQuorum.ts';
import { makeRemoveRaftVoterRequest, readRemoveRaftVoterResponse, writeRemoveRaftVoterRequest } from '../../../src/protocol/generated/removeRaftVoter.ts';
import { supportedFeatures } from '../../../src/broker/features.ts';
import { call, NODE_ID, startNode } from '../support/node.ts';
import type { TestNode } from '../support/node.ts';

const Describe = { apiKey: ApiKey.DescribeQuorum, write: writeDescribeQuorumRequest, read: readDescribeQuorumResponse };
const Add = { apiKey: ApiKey.AddRaftVoter, write: writeAddRaftVoterRequest, read: readAddRaftVoterResponse };
const Remove = { apiKey: ApiKey.RemoveRaftVoter, write: writeRemoveRaftVoterRequest, read: readRemoveRaftVoterResponse };
const NO_DIRECTORY = 'AAAAAAAAAAAAAAAAAAAAAA';

const asked = (topicName: string, partitionIndex: number) =>
  makeDescribeQuorumRequest({ topics: [makeDescribeQuorumRequestTopicData({ topicName, partitions: [makeDescribeQuorumRequestPartitionData({ partitionIndex })] })] });

const raiseKraftVersion = (node: TestNode) => node.metadata.controller.updateFeatures(supportedFeatures, [{ name: 'kraft.version', level: 1, upgradeType: 1 }], false);

describe('The quorum of the metadata', () => {
  it('is this node, which leads itself and has all that there is', async () => {
    const node = await startNode();
    const answer = await call(node, Describe, 2, asked('__cluster_metadata', 0));
    const end = node.metadata.image.version + 1;
    expect(answer).toMatchObject({ errorCode: 0, nodes: [{ nodeId: NODE_ID, listeners: [{ name: 'PLAINTEXT', host: 'broker.example', port: 9092 }] }] });
    const [partition] = answer.topics[0]!.partitions;
    expect(partition).toMatchObject({ leaderId: NODE_ID, highWatermark: end, observers: [], errorCode: 0 });
    expect(partition!.currentVoters).toEqual([{ replicaId: NODE_ID, replicaDirectoryId: NO_DIRECTORY, logEndOffset: end, lastFetchTimestamp: node.ports.clock.now(), lastCaughtUpTimestamp: node.ports.clock.now() }]);
    await raiseKraftVersion(node);
    const later = (await call(node, Describe, 2, asked('__cluster_metadata', 0))).topics[0]!.partitions[0]!;
    expect(later.currentVoters[0]!.replicaDirectoryId).toBe(node.store.directories[0]!.id);
    expect(later.highWatermark).toBe(end + 1);
    await node.stop();
  });

  it('is described in every version, and is the only one', async () => {
    const node = await startNode();
    expect((await call(node, Describe, 0, asked('__cluster_metadata', 0))).topics[0]!.partitions[0]).toMatchObject({ leaderId: NODE_ID });
    expect((await call(node, Describe, 1, asked('__cluster_metadata', 0))).topics[0]!.partitions[0]!.currentVoters[0]!.lastFetchTimestamp).toBe(node.ports.clock.now());
    for (const [topic, partition] of [['other', 0], ['__cluster_metadata', 1]] as const) {
      expect((await call(node, Describe, 2, asked(topic, partition))).topics[0]).toMatchObject({ topicName: topic, partitions: [{ partitionIndex: partition, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION }] });
    }
    await node.stop();
  });

  it('cannot be changed while kraft.version is 0', async () => {
    const node = await startNode();
    const { clusterId } = node.metadata.image;
    const refused = { errorCode: ErrorCode.UNSUPPORTED_VERSION, errorMessage: expect.stringContaining('kraft.version') as string };
    expect(await call(node, Add, 0, makeAddRaftVoterRequest({ clusterId, voterId: 3 }))).toMatchObject(refused);
    expect(await call(node, Add, 1, makeAddRaftVoterRequest({ clusterId: null, voterId: 3 }))).toMatchObject(refused);
    expect(await call(node, Remove, 0, makeRemoveRaftVoterRequest({ clusterId, voterId: 3 }))).toMatchObject(refused);
    expect(await call(node, Remove, 0, makeRemoveRaftVoterRequest({ clusterId: 'another', voterId: 3 }))).toMatchObject({ errorCode: ErrorCode.INCONSISTENT_CLUSTER_ID });
    await node.stop();
  });

  it('keeps its only voter at kraft.version 1', async () => {
    const node = await startNode();
    expect(await raiseKraftVersion(node)).toMatchObject({ code: 0 });
    const voterDirectoryId = node.store.directories[0]!.id;
    const self = `ReplicaKey(id=${NODE_ID}, directoryId=${voterDirectoryId})`;
    expect(await call(node, Remove, 0, makeRemoveRaftVoterRequest({ clusterId: null, voterId: NODE_ID, voterDirectoryId })))
      .toMatchObject({ errorCode: ErrorCode.VOTER_NOT_FOUND, errorMessage: `Cannot remove voter ${self} from the set of voters [${self}]` });
    expect(await call(node, Add, 0, makeAddRaftVoterRequest({ clusterId: null, voterId: NODE_ID, voterDirectoryId })))
      .toMatchObject({ errorCode: ErrorCode.DUPLICATE_VOTER, errorMessage: `The voter id for ${self} is already part of the set of voters [${self}].` });
    expect(await call(node, Add, 0, makeAddRaftVoterRequest({ clusterId: null, voterId: 3, voterDirectoryId }))).toMatchObject({ errorCode: ErrorCode.REQUEST_TIMED_OUT });
    await node.stop();
  });
});
