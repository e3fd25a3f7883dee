/** ElectLeaders (43), versions 0 to 2. A partition whose only replica is here has the leader that it prefers, or none that could be elected. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeElectLeadersResponse, readElectLeadersRequest, writeElectLeadersResponse } from '../../protocol/generated/electLeaders.ts';
import type { ElectLeadersRequest, ElectLeadersResponse, PartitionResult } from '../../protocol/generated/electLeaders.ts';
import type { ClusterImage, PartitionImage } from '../../metadata/types.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const PREFERRED = 0;
const UNCLEAN = 1;

export const electLeadersHandler: ApiHandler<BrokerServices, ElectLeadersRequest, ElectLeadersResponse> = {
  ...spanOf(ApiKey.ElectLeaders),
  read: readElectLeadersRequest,
  write: writeElectLeadersResponse,
  handle(request, context, services) {
    const { electionType } = request;
    if (electionType !== PREFERRED && electionType !== UNCLEAN) {
      return context.reply(answerAll(request, ErrorCode.INVALID_REQUEST, `Unknown election type ${electionType}`));
    }
    const { image } = services.metadata;
    context.reply(makeElectLeadersResponse({ replicaElectionResults: request.topicPartitions === null ? electAll(image, electionType) : electSome(request, image) }));
  },
  errorResponse: (request, errorCode, errorMessage) => answerAll(request, errorCode, errorMessage),
};

const answerAll = (request: ElectLeadersRequest, errorCode: number, errorMessage: string | null): ElectLeadersResponse => makeElectLeadersResponse({
  errorCode,
  replicaElectionResults: (request.topicPartitions ?? []).map(({ topic, partitions }) =>
    ({ topic, partitionResult: partitions.map((partitionId) => ({ partitionId, errorCode, errorMessage })) })),
});

/** As Kafka: partitions that need no election are left out, their topics are not. */
function electAll(image: ClusterImage, electionType: number): ElectLeadersResponse['replicaElectionResults'] {
  return [...image.topicsByName.values()].map(({ name, partitions }) => ({
    topic: name,
    partitionResult: partitions.map((partition) => elect(partition, electionType)).filter(({ errorCode }) => errorCode !== ErrorCode.ELECTION_NOT_NEEDED),
  }));
}

function electSome(request: ElectLeadersRequest, image: ClusterImage): ElectLeadersResponse['replicaElectionResults'] {
  return request.topicPartitions!.map(({ topic, partitions }) => ({
    topic,
    partitionResult: partitions.map((partitionId) => {
      const known = image.topicsByName.get(topic);
      if (known === undefined) return unknown(partitionId, `No such topic as ${topic}`);
      const partition = known.partitions[partitionId];
      return partition === undefined ? unknown(partitionId, `No such partition as ${topic}-${partitionId}`) : elect(partition, request.electionType);
    }),
  }));
}

const unknown = (partitionId: number, errorMessage: string): PartitionResult => ({ partitionId, errorCode: ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, errorMessage });

function elect({ index, leader, replicas }: PartitionImage, electionType: number): PartitionResult {
  if (electionType === UNCLEAN ? leader >= 0 : leader === replicas[0]) {
    return { partitionId: index, errorCode: ErrorCode.ELECTION_NOT_NEEDED, errorMessage: 'Leader election not needed for topic partition.' };
  }
  const errorCode = electionType === PREFERRED ? ErrorCode.PREFERRED_LEADER_NOT_AVAILABLE : ErrorCode.ELIGIBLE_LEADERS_NOT_AVAILABLE;
  return { partitionId: index, errorCode, errorMessage: null };
}
