/** DescribeLogDirs (35), versions 1 to 5. */
import { ErrorCode } from '../../protocol/errors.ts';
import { ApiKey } from '../../protocol/generated/apis.ts';
import { makeDescribeLogDirsResponse, makeDescribeLogDirsResult, readDescribeLogDirsRequest, writeDescribeLogDirsResponse } from '../../protocol/generated/describeLogDirs.ts';
import type { DescribeLogDirsRequest, DescribeLogDirsResponse, DescribeLogDirsResult, DescribeLogDirsTopic } from '../../protocol/generated/describeLogDirs.ts';
import type { Log } from '../../storage/types.ts';
import type { ApiHandler } from '../contract.ts';
import type { BrokerServices } from '../services.ts';
import { spanOf } from '../spec.ts';

const UNKNOWN_BYTES = -1;
const FIRST_VERSION_WITH_ERROR = 3;

export const describeLogDirsHandler: ApiHandler<BrokerServices, DescribeLogDirsRequest, DescribeLogDirsResponse> = {
  ...spanOf(ApiKey.DescribeLogDirs),
  read: readDescribeLogDirsRequest,
  write: writeDescribeLogDirsResponse,
  async handle(request, context, services) {
    const logs = askedLogs(request, services);
    const results = await Promise.all(services.logs.directories.map(({ path, online }) =>
      online ? describeDirectory(path, logs.filter((log) => log.logDirectory === path), services) : failed(path, ErrorCode.KAFKA_STORAGE_ERROR)));
    context.reply(makeDescribeLogDirsResponse({ results }));
  },
  errorResponse: (_request, errorCode, _message, version) => makeDescribeLogDirsResponse({ errorCode: version >= FIRST_VERSION_WITH_ERROR ? errorCode : ErrorCode.NONE }),
};

function askedLogs(request: DescribeLogDirsRequest, services: BrokerServices): Log[] {
  if (request.topics === null) return [...services.logs.logs()];
  const logs = new Set<Log>();
  for (const { topic, partitions } of request.topics) {
    for (const partition of partitions) {
      const log = services.logs.get(topic, partition);
      if (log !== undefined) logs.add(log);
    }
  }
  return [...logs];
}

const failed = (logDir: string, errorCode: number): DescribeLogDirsResult => makeDescribeLogDirsResult({ logDir, errorCode });

async function describeDirectory(logDir: string, logs: readonly Log[], services: BrokerServices): Promise<DescribeLogDirsResult> {
  const topics = new Map<string, DescribeLogDirsTopic>();
  for (const log of logs) {
    const topic = topics.get(log.topic) ?? { name: log.topic, partitions: [] };
    topics.set(log.topic, topic);
    // A leader's lag: how far readers are behind its end.
    const offsetLag = Math.max(log.logEndOffset - log.highWatermark, 0);
    topic.partitions.push({ partitionIndex: log.partition, partitionSize: log.sizeBytes, offsetLag, isFutureKey: false });
  }
  for (const { topic, partition, logDirectory, sizeBytes, logEndOffset } of services.logs.inMove()) {
    const source = logs.find((log) => log.topic === topic && log.partition === partition) ?? services.logs.get(topic, partition);
    if (logDirectory !== logDir || source === undefined) continue;
    const results = topics.get(topic) ?? { name: topic, partitions: [] };
    topics.set(topic, results);
    results.partitions.push({ partitionIndex: partition, partitionSize: sizeBytes, offsetLag: Math.max(source.logEndOffset - logEndOffset, 0), isFutureKey: true });
  }
  return makeDescribeLogDirsResult({ logDir, topics: [...topics.values()], totalBytes: await spaceOf(logDir, services, 'totalBytes'), usableBytes: await spaceOf(logDir, services, 'freeBytes') });
}

async function spaceOf(path: string, services: BrokerServices, which: 'totalBytes' | 'freeBytes'): Promise<number> {
  try {
    return await services.disk[which](path);
  } catch (error) {
    services.logger.warn('the space of a log directory is not known', { path, reason: String(error) });
    return UNKNOWN_BYTES;
  }
}
