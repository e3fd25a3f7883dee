/** OffsetForLeaderEpoch (23), versions 2 to 4: where an epoch ended (KIP-101, KIP-320). */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readOffsetForLeaderEpochRequest, writeOffsetForLeaderEpochResponse } from '../../protocol/generated/offsetForLeaderEpoch.ts';
import type { EpochEndOffset, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse, OffsetForLeaderPartition } from '../../protocol/generated/offsetForLeaderEpoch.ts';
import type { ApiHandler } from '../contract.ts';
import type { Partition } from '../partition/partition.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const offsetForLeaderEpochHandler: ApiHandler<BrokerServices, OffsetForLeaderEpochRequest, OffsetForLeaderEpochResponse> = {
  ...spanOf(ApiKey.OffsetForLeaderEpoch),
  read: readOffsetForLeaderEpochRequest,
  write: writeOffsetForLeaderEpochResponse,
  handle(request, context, services) {
    context.reply({
      throttleTimeMs: 0,
      topics: request.topics.map(({ topic, partitions }) => ({
        topic,
        partitions: partitions.map((asked) => endOf(asked, services.partitions.find(topic, asked.partition))),
      })),
    });
  },
  errorResponse: (request, errorCode) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ topic, partitions }) => ({ topic, partitions: partitions.map((asked) => failed(asked, errorCode)) })),
  }),
};

const failed = ({ partition }: OffsetForLeaderPartition, errorCode: number): EpochEndOffset => ({ errorCode, partition, leaderEpoch: -1, endOffset: -1 });

function endOf(asked: OffsetForLeaderPartition, partition: Partition | undefined): EpochEndOffset {
  if (partition === undefined) return failed(asked, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const refused = partition.accessError(asked.currentLeaderEpoch);
  if (refused !== ErrorCode.NONE) return failed(asked, refused);
  const { leaderEpoch, endOffset } = endOffsetForEpoch(partition, asked.leaderEpoch);
  return { errorCode: ErrorCode.NONE, partition: asked.partition, leaderEpoch, endOffset };
}

/** The present epoch ends where the log does, also before its first record. */
function endOffsetForEpoch(partition: Partition, epoch: number): { leaderEpoch: number; endOffset: number } {
  const log = partition.log!;
  if (epoch === partition.leaderEpoch) return { leaderEpoch: epoch, endOffset: log.logEndOffset };
  return log.endOffsetForEpoch(epoch);
}
