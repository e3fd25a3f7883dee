/** ListOffsets (2), versions 1 to 11. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readListOffsetsRequest, writeListOffsetsResponse } from '../../protocol/generated/listOffsets.ts';
import type { ListOffsetsPartition, ListOffsetsPartitionResponse, ListOffsetsRequest, ListOffsetsResponse, ListOffsetsTopicResponse } from '../../protocol/generated/listOffsets.ts';
import { isSafeInt64 } from '../../protocol/offsets.ts';
import type { Log, TimestampOffset } from '../../storage/types.ts';
import { mapBounded } from '../bounded.ts';
import type { ApiHandler } from '../contract.ts';
import { errorCodeOf } from '../errorMapping.ts';
import type { Isolation, Partition } from '../partition/partition.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

/** Timestamps that are none (Kafka: ListOffsetsRequest). */
const Special = { latest: -1, earliest: -2, maxTimestamp: -3, earliestLocal: -4, latestTiered: -5, earliestPendingUpload: -6 } as const;
/** The first version that knows each; the others were always there. */
const SPECIAL_SINCE: ReadonlyMap<number, number> = new Map([
  [Special.maxTimestamp, 7], [Special.earliestLocal, 8], [Special.latestTiered, 9], [Special.earliestPendingUpload, 11],
]);
const FIRST_VERSION_WITH_EPOCH = 4;
const CONSUMER = -1;
const READ_COMMITTED = 1;

export const listOffsetsHandler: ApiHandler<BrokerServices, ListOffsetsRequest, ListOffsetsResponse> = {
  ...spanOf(ApiKey.ListOffsets),
  read: readListOffsetsRequest,
  write: writeListOffsetsResponse,
  async handle(request, context, services) {
    const isolation = isolationOf(request);
    const duplicates = duplicatesOf(request);
    const topics: ListOffsetsTopicResponse[] = [];
    for (const { name, partitions } of request.topics) {
      const found = await mapBounded(partitions, (asked) => duplicates.has(`${asked.partitionIndex}/${name}`)
        ? failed(asked, ErrorCode.INVALID_REQUEST)
        : find(asked, services.partitions.find(name, asked.partitionIndex), isolation, context.apiVersion));
      topics.push({ name, partitions: found });
    }
    context.reply({ throttleTimeMs: 0, topics });
  },
  errorResponse: (request, errorCode) => ({
    throttleTimeMs: 0,
    topics: request.topics.map(({ name, partitions }) => ({ name, partitions: partitions.map((asked) => failed(asked, errorCode)) })),
  }),
};

function isolationOf(request: ListOffsetsRequest): Isolation {
  if (request.replicaId !== CONSUMER) return 'logEnd';
  return request.isolationLevel === READ_COMMITTED ? 'committed' : 'uncommitted';
}

function duplicatesOf(request: ListOffsetsRequest): Set<string> {
  const seen = new Set<string>();
  const duplicates = new Set<string>();
  for (const { name, partitions } of request.topics) {
    for (const { partitionIndex } of partitions) {
      const key = `${partitionIndex}/${name}`;
      if (seen.has(key)) duplicates.add(key);
      seen.add(key);
    }
  }
  return duplicates;
}

function found(asked: ListOffsetsPartition, timestamp: number, offset: number, leaderEpoch: number, version: number): ListOffsetsPartitionResponse {
  const epoch = version >= FIRST_VERSION_WITH_EPOCH ? leaderEpoch : -1;
  return { partitionIndex: asked.partitionIndex, errorCode: ErrorCode.NONE, oldStyleOffsets: [], timestamp, offset, leaderEpoch: epoch };
}

function failed(asked: ListOffsetsPartition, errorCode: number): ListOffsetsPartitionResponse {
  return { partitionIndex: asked.partitionIndex, errorCode, oldStyleOffsets: [], timestamp: -1, offset: -1, leaderEpoch: -1 };
}

type Answer = ListOffsetsPartitionResponse | Promise<ListOffsetsPartitionResponse>;

function find(asked: ListOffsetsPartition, partition: Partition | undefined, isolation: Isolation, version: number): Answer {
  if (version < (SPECIAL_SINCE.get(asked.timestamp) ?? 0)) return failed(asked, ErrorCode.UNSUPPORTED_VERSION);
  if (partition === undefined) return failed(asked, ErrorCode.UNKNOWN_TOPIC_OR_PARTITION);
  const refused = partition.accessError(asked.currentLeaderEpoch);
  if (refused !== ErrorCode.NONE) return failed(asked, refused);
  const log = partition.log!;
  return lookUp(asked, partition, log, partition.readLimit(log, isolation), version);
}

function lookUp(asked: ListOffsetsPartition, partition: Partition, log: Log, limit: number, version: number): Answer {
  switch (asked.timestamp) {
    case Special.latest:
      return found(asked, -1, limit, partition.leaderEpoch, version);
    case Special.earliest:
    case Special.earliestLocal:
      return found(asked, -1, log.logStartOffset, log.epochForOffset(log.logStartOffset), version);
    case Special.latestTiered:
    case Special.earliestPendingUpload:
      // Nothing is tiered.
      return found(asked, -1, -1, -1, version);
    case Special.maxTimestamp:
      return byTime(asked, () => log.offsetOfMaxTimestamp(limit), limit, version);
    default:
      // Nothing is later than what cannot be counted in safe integers.
      if (!isSafeInt64(asked.timestamp)) return (asked.timestamp as number) > 0 ? failed(asked, ErrorCode.NONE) : failed(asked, ErrorCode.INVALID_REQUEST);
      return byTime(asked, () => log.offsetForTimestamp(asked.timestamp, limit), limit, version);
  }
}

async function byTime(asked: ListOffsetsPartition, search: () => Promise<TimestampOffset>, limit: number, version: number): Promise<ListOffsetsPartitionResponse> {
  try {
    const { offset, timestampMs, leaderEpoch } = await search();
    return offset < 0 || offset >= limit ? failed(asked, ErrorCode.NONE) : found(asked, timestampMs, offset, leaderEpoch, version);
  } catch (error) {
    const code = errorCodeOf(error);
    if (code === ErrorCode.UNKNOWN_SERVER_ERROR) throw error;
    return failed(asked, code);
  }
}
