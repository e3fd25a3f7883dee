import type { Logger } from '../../../base/ports.ts';
import type { ClusterMetadata } from '../../../metadata/types.ts';
import { ErrorCode, errorName } from '../../../protocol/errors.ts';
import type { GroupClient } from '../classic/join.ts';
import type { StreamsHeartbeat } from './heartbeat.ts';
import { StreamsStatus } from './topology.ts';
import type { InternalTopic } from './topology.ts';

export type MakeTopics = (topics: readonly InternalTopic[]) => void;

/** Whether the client may have all of the group's missing topics made; if not, it is told which ones it may not. */
export function mayMakeAll({ response, missingTopics }: StreamsHeartbeat, { topicAccess }: GroupClient): boolean {
  const denied = topicAccess === undefined ? [] : missingTopics.filter(({ name }) => !topicAccess.mayCreate(name)).map(({ name }) => name);
  if (denied.length === 0) return true;
  const told = `Unauthorized to CREATE on topics ${denied.join(', ')}.`;
  const status = (response.status ??= []);
  const missing = status.find(({ statusCode }) => statusCode === StreamsStatus.missingInternalTopics);
  if (missing === undefined) status.push({ statusCode: StreamsStatus.missingInternalTopics, statusDetail: told });
  else missing.statusDetail = `${missing.statusDetail}; ${told}`;
  return false;
}

/** Makes topics of Streams applications; each once at a time. Members learn from the metadata that they are there, and from the log here when they cannot be made. */
export function internalTopicMaker(metadata: ClusterMetadata, logger: Logger): MakeTopics {
  const running = new Set<string>();
  return (topics) => {
    const wanted = topics.filter(({ name }) => !running.has(name));
    if (wanted.length === 0) return;
    for (const { name } of wanted) running.add(name);
    void make(metadata, logger, wanted).finally(() => {
      for (const { name } of wanted) running.delete(name);
    });
  };
}

async function make(metadata: ClusterMetadata, logger: Logger, topics: readonly InternalTopic[]): Promise<void> {
  try {
    const outcomes = await metadata.controller.createTopics(topics.map(({ name, partitions, replicationFactor, configs }) =>
      ({ name, partitions, replicationFactor, assignments: new Map(), configs })), false);
    outcomes.forEach(({ code, message }, index) => {
      if (code === ErrorCode.NONE || code === ErrorCode.TOPIC_ALREADY_EXISTS) return;
      logger.warn('an internal topic of a Streams application cannot be made', { topic: topics[index]?.name, error: errorName(code), message });
    });
  } catch (error) {
    logger.warn('internal topics of a Streams application cannot be made', { topics: topics.map(({ name }) => name), reason: String(error) });
  }
}
