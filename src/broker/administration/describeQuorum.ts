/** DescribeQuorum (55), versions 0 to 2. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import {
  makeDescribeQuorumResponse, makeDescribeQuorumResponsePartitionData, makeDescribeQuorumResponseTopicData, makeListener, makeNode, makeReplicaState, readDescribeQuorumRequest,
  writeDescribeQuorumResponse,
} from '../../protocol/generated/describeQuorum.ts';
import type { DescribeQuorumRequest, DescribeQuorumResponse, DescribeQuorumResponsePartitionData } from '../../protocol/generated/describeQuorum.ts';
import { zeroUuid } from '../../protocol/types.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';
import { METADATA_TOPIC, quorumEpoch, soleVoter } from './quorum.ts';

const FIRST_VERSION_WITH_TIMES = 1;
const FIRST_VERSION_WITH_NODES = 2;

export const describeQuorumHandler: ApiHandler<BrokerServices, DescribeQuorumRequest, DescribeQuorumResponse> = {
  ...spanOf(ApiKey.DescribeQuorum),
  read: readDescribeQuorumRequest,
  write: writeDescribeQuorumResponse,
  handle(request, context, services) {
    const { apiVersion } = context;
    if (!asksForMetadata(request)) {
      const topics = request.topics.map(({ topicName, partitions }) => makeDescribeQuorumResponseTopicData({
        topicName,
        partitions: partitions.map(({ partitionIndex }) => makeDescribeQuorumResponsePartitionData({ partitionIndex, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION })),
      }));
      return context.reply(makeDescribeQuorumResponse({ topics }));
    }
    const { id, endpoints } = soleVoter(services);
    const listeners = endpoints.map(({ listener, host, port }) => makeListener({ name: listener, host, port }));
    context.reply(makeDescribeQuorumResponse({
      topics: [makeDescribeQuorumResponseTopicData({ topicName: METADATA_TOPIC, partitions: [describeMetadata(apiVersion, services)] })],
      nodes: apiVersion < FIRST_VERSION_WITH_NODES ? [] : [makeNode({ nodeId: id, listeners })],
    }));
  },
  errorResponse: (_request, errorCode, errorMessage) => makeDescribeQuorumResponse({ errorCode, errorMessage }),
};

/** There is one log that has a quorum, and the request must name it alone. */
function asksForMetadata({ topics }: DescribeQuorumRequest): boolean {
  const [topic] = topics;
  return topics.length === 1 && topic?.topicName === METADATA_TOPIC && topic.partitions.length === 1 && topic.partitions[0]?.partitionIndex === 0;
}

/** A leader has fetched from itself just now. */
function describeMetadata(apiVersion: number, services: BrokerServices): DescribeQuorumResponsePartitionData {
  const { id, directoryId } = soleVoter(services);
  const end = services.metadata.image.version + 1;
  const nowMs = apiVersion < FIRST_VERSION_WITH_TIMES ? -1 : services.clock.now();
  const voter = makeReplicaState({
    replicaId: id,
    replicaDirectoryId: apiVersion < FIRST_VERSION_WITH_NODES ? zeroUuid : directoryId,
    logEndOffset: end,
    lastFetchTimestamp: nowMs,
    lastCaughtUpTimestamp: nowMs,
  });
  return makeDescribeQuorumResponsePartitionData({ leaderId: id, leaderEpoch: quorumEpoch(services), highWatermark: end, currentVoters: [voter] });
}
