/** DeleteRecords (21), versions 0 to 2. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readDeleteRecordsRequest, writeDeleteRecordsResponse } from '../../protocol/generated/deleteRecords.ts';
import type { DeleteRecordsPartition, DeleteRecordsPartitionResult, DeleteRecordsRequest, DeleteRecordsResponse, DeleteRecordsTopicResult } from '../../protocol/generated/deleteRecords.ts';
import { isSafeOffset } from '../../protocol/offsets.ts';
import type { Log } from '../../storage/types.ts';
import { mapBounded } from '../bounded.ts';
import type { ApiHandler } from '../contract.ts';
import { errorCodeOf } from '../errorMapping.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

/** Stands for the high watermark. */
const HIGH_WATERMARK = -1;

export const deleteRecordsHandler: ApiHandler<BrokerServices, DeleteRecordsRequest, DeleteRecordsResponse> = {
  ...spanOf(ApiKey.DeleteRecords),
  read: readDeleteRecordsRequest,
  write: writeDeleteRecordsResponse,
  async handle(request, context, services) {
    const topics: DeleteRecordsTopicResult[] = [];
    for (const { name, partitions } of request.topics) {
      topics.push({ name, partitions: await mapBounded(partitions, (asked) => deleteFrom(name, asked, services)) });
    }
    context.reply({ throttleTimeMs: 0, topics });
  },
  errorResponse: (request, errorCode) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({ name, partitions: partitions.map((asked) => failed(asked, errorCode)) })),
  }),
};

const failed = ({ partitionIndex }: DeleteRecordsPartition, errorCode: number): DeleteRecordsPartitionResult =>
  ({ partitionIndex, lowWatermark: -1, errorCode });

function deleteFrom(topic: string, asked: DeleteRecordsPartition, services: BrokerServices): DeleteRecordsPartitionResult | Promise<DeleteRecordsPartitionResult> {
  const partition = services.partitions.find(topic, asked.partitionIndex);
  if (partition === undefined) return failed(asked, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  if (partition.topic.internal) return failed(asked, ErrorCode.INVALID_TOPIC_EXCEPTION);
  const refused = partition.accessError(-1);
  if (refused !== ErrorCode.NONE) return failed(asked, refused);
  const { cleanupPolicy } = partition.topic.config;
  // As Kafka: a topic that is only compacted keeps what compaction keeps.
  if (!cleanupPolicy.delete && cleanupPolicy.compact) return failed(asked, ErrorCode.POLICY_VIOLATION);
  const log = partition.log!;
  const offset = asked.offset === HIGH_WATERMARK ? log.highWatermark : asked.offset;
  if (!isSafeOffset(offset) || offset > log.highWatermark) return failed(asked, ErrorCode.OFFSET_OUT_OF_RANGE);
  return deleteBefore(asked, log, offset);
}

async function deleteBefore(asked: DeleteRecordsPartition, log: Log, offset: number): Promise<DeleteRecordsPartitionResult> {
  try {
    await log.deleteRecordsBefore(offset);
    return { partitionIndex: asked.partitionIndex, lowWatermark: log.logStartOffset, errorCode: ErrorCode.NONE };
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === ErrorCode.UNKNOWN_SERVER_ERROR) throw error;
    return failed(asked, code);
  }
}
