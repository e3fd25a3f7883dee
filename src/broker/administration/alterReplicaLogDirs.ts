/** AlterReplicaLogDirs (34), versions 1 and 2: partitions go to other log directories of this broker, in the background. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { readAlterReplicaLogDirsRequest, writeAlterReplicaLogDirsResponse } from '../../protocol/generated/alterReplicaLogDirs.ts';
import type { AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse, AlterReplicaLogDirTopicResult } from '../../protocol/generated/alterReplicaLogDirs.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

export const alterReplicaLogDirsHandler: ApiHandler<BrokerServices, AlterReplicaLogDirsRequest, AlterReplicaLogDirsResponse> = {
  ...spanOf(ApiKey.AlterReplicaLogDirs),
  read: readAlterReplicaLogDirsRequest,
  write: writeAlterReplicaLogDirsResponse,
  handle(request, context, services) {
    context.reply(answer(request, (path, topic, partition) => begin(path, topic, partition, services)));
  },
  errorResponse: (request, errorCode) => answer(request, () => errorCode),
};

/** Results by topic, whichever directories its partitions go to. */
function answer(request: AlterReplicaLogDirsRequest, codeOf: (path: string, topic: string, partition: number) => number): AlterReplicaLogDirsResponse {
  const results = new Map<string, AlterReplicaLogDirTopicResult>();
  for (const { path, topics } of request.dirs) {
    for (const { name, partitions } of topics) {
      const result = results.get(name) ?? { topicName: name, partitions: [] };
      results.set(name, result);
      for (const partitionIndex of partitions) result.partitions.push({ partitionIndex, errorCode: codeOf(path, name, partitionIndex) });
    }
  }
  return { throttleTimeMs: 0, results: [...results.values()] };
}

function begin(path: string, topic: string, index: number, { logs, partitions, logger }: BrokerServices): number {
  const directory = logs.directories.find((candidate) => candidate.path === path);
  if (directory === undefined) return ErrorCode.LOG_DIR_NOT_FOUND;
  if (!directory.online) return ErrorCode.KAFKA_STORAGE_ERROR;
  const partition = partitions.find(topic, index);
  if (partition === undefined) return ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
  if (partition.onlineLog === null) return partition.isOffline ? ErrorCode.KAFKA_STORAGE_ERROR : ErrorCode.REPLICA_NOT_AVAILABLE;
  const { topicId } = partition.onlineLog;
  logs.move(topic, index, path, (moved) => moved.topicId === topicId && partition.attach(moved)).then(
    () => logger.info('a partition is in its log directory', { topic, partition: index, path }),
    (error: unknown) => logger.warn('a partition could not be moved', { topic, partition: index, path, reason: String(error) }),
  );
  return ErrorCode.NONE;
}
