import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeAddRaftVoterRequest, makeListener, readAddRaftVoterResponse, writeAddRaftVoterRequest } from '../../protocol/generated/addRaftVoter.ts';
import { makeDescribeQuorumRequest, makeDescribeQuorumRequestPartitionData, makeDescribeQuorumRequestTopicData, readDescribeQuorumResponse, writeDescribeQuorumRequest, type ReplicaState } from '../../protocol/generated/describeQuorum.ts';
import { makeRemoveRaftVoterRequest, readRemoveRaftVoterResponse, writeRemoveRaftVoterRequest } from '../../protocol/generated/removeRaftVoter.ts';
import { throwOnError } from '../../protocol/errors.ts';
import { ClientError } from '../core/clientError.ts';
import type { Cluster } from '../core/cluster.ts';

const describeQuorumApi = { apiKey: ApiKey.DescribeQuorum, versionMax: 2, write: writeDescribeQuorumRequest, read: readDescribeQuorumResponse } as const;
const addRaftVoterApi = { apiKey: ApiKey.AddRaftVoter, versionMax: 1, write: writeAddRaftVoterRequest, read: readAddRaftVoterResponse } as const;
const removeRaftVoterApi = { apiKey: ApiKey.RemoveRaftVoter, versionMax: 0, write: writeRemoveRaftVoterRequest, read: readRemoveRaftVoterResponse } as const;
const METADATA_TOPIC = '__cluster_metadata';

export interface QuorumDescription {
  readonly leaderId: number;
  readonly leaderEpoch: number;
  readonly highWatermark: number;
  readonly voters: readonly ReplicaState[];
  readonly observers: readonly ReplicaState[];
}

/** The Raft quorum of a KRaft cluster. A broker without Raft answers with UNSUPPORTED_VERSION, as Kafka with ZooKeeper does. */
export async function describeQuorum(cluster: Cluster): Promise<QuorumDescription> {
  const partitions = [makeDescribeQuorumRequestPartitionData({ partitionIndex: 0 })];
  const answer = await cluster.askAny(describeQuorumApi, makeDescribeQuorumRequest({ topics: [makeDescribeQuorumRequestTopicData({ topicName: METADATA_TOPIC, partitions })] }));
  throwOnError(answer.errorCode, answer.errorMessage);
  const found = answer.topics[0]?.partitions[0];
  if (found === undefined) throw new ClientError('INVALID_RESPONSE', 'the broker did not describe the quorum');
  throwOnError(found.errorCode, found.errorMessage);
  return { leaderId: found.leaderId, leaderEpoch: found.leaderEpoch, highWatermark: found.highWatermark, voters: found.currentVoters, observers: found.observers };
}

export interface RaftVoter {
  readonly id: number;
  readonly directoryId: string;
}

export async function addRaftVoter(cluster: Cluster, voter: RaftVoter, listeners: readonly { readonly name: string; readonly host: string; readonly port: number }[], clusterId: string | null = null): Promise<void> {
  const body = makeAddRaftVoterRequest({ clusterId, timeoutMs: cluster.options.requestTimeoutMs, voterId: voter.id, voterDirectoryId: voter.directoryId, listeners: listeners.map((listener) => makeListener(listener)) });
  const answer = await cluster.askAny(addRaftVoterApi, body);
  throwOnError(answer.errorCode, answer.errorMessage);
}

export async function removeRaftVoter(cluster: Cluster, voter: RaftVoter, clusterId: string | null = null): Promise<void> {
  const answer = await cluster.askAny(removeRaftVoterApi, makeRemoveRaftVoterRequest({ clusterId, voterId: voter.id, voterDirectoryId: voter.directoryId }));
  throwOnError(answer.errorCode, answer.errorMessage);
}
