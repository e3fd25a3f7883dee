/** Share groups (KIP-932): records handed out to the members of a group one by one, and what became of each. */
import type { Ports } from '../../base/ports.ts';
import { ConfigError } from '../../config/configError.ts';
import { brokerValue } from '../../config/layers.ts';
import type { BrokerConfig } from '../../config/types.ts';
import { SHARE_GROUP_STATE_TOPIC } from '../../metadata/topicNames.ts';
import { ConfigResourceType } from '../../metadata/types.ts';
import type { ClusterMetadata } from '../../metadata/types.ts';
import type { ApiHandler } from '../contract.ts';
import type { GroupCoordinator } from '../groups/groupCoordinator.ts';
import { ShareGroups } from '../groups/share/shareGroups.ts';
import type { PartitionTable } from '../partition/partitions.ts';
import type { BrokerServices } from '../services.ts';
import type { TopicCreation } from '../topicCreation.ts';
import type { Waiting } from '../waiting.ts';
import { LiveShareConfig } from './config.ts';
import { ShareCoordinator } from './coordinator/shareCoordinator.ts';
import type { ShareCoordinatorSettings } from './coordinator/shareCoordinator.ts';
import { ShareStateLog } from './coordinator/stateLog.ts';
import { alterShareGroupOffsetsHandler } from './handlers/alterShareGroupOffsets.ts';
import { deleteShareGroupOffsetsHandler } from './handlers/deleteShareGroupOffsets.ts';
import { deleteShareGroupStateHandler } from './handlers/deleteShareGroupState.ts';
import { describeShareGroupOffsetsHandler } from './handlers/describeShareGroupOffsets.ts';
import { whileEnabled } from './handlers/featureGuard.ts';
import { initializeShareGroupStateHandler } from './handlers/initializeShareGroupState.ts';
import { readShareGroupStateHandler } from './handlers/readShareGroupState.ts';
import { readShareGroupStateSummaryHandler } from './handlers/readShareGroupStateSummary.ts';
import { shareAcknowledgeHandler } from './handlers/shareAcknowledge.ts';
import { shareFetchHandler } from './handlers/shareFetch.ts';
import { shareGroupDescribeHandler } from './handlers/shareGroupDescribe.ts';
import { shareGroupHeartbeatHandler } from './handlers/shareGroupHeartbeat.ts';
import { writeShareGroupStateHandler } from './handlers/writeShareGroupState.ts';
import { LocalSharePersister } from './persister.ts';
import { Share } from './share.ts';

// each handler has its own request and response types; the list of them can name none
// eslint-disable-next-line typescript/no-explicit-any
export const shareHandlers: readonly ApiHandler<BrokerServices, any, any>[] = [
  whileEnabled(shareGroupHeartbeatHandler),
  whileEnabled(shareGroupDescribeHandler),
  whileEnabled(shareFetchHandler),
  whileEnabled(shareAcknowledgeHandler),
  initializeShareGroupStateHandler,
  readShareGroupStateHandler,
  writeShareGroupStateHandler,
  deleteShareGroupStateHandler,
  readShareGroupStateSummaryHandler,
  whileEnabled(describeShareGroupOffsetsHandler),
  whileEnabled(alterShareGroupOffsetsHandler),
  whileEnabled(deleteShareGroupOffsetsHandler),
];

export interface ShareComposition {
  readonly config: () => BrokerConfig;
  readonly ports: Ports;
  readonly metadata: ClusterMetadata;
  readonly partitions: PartitionTable;
  readonly topicCreation: TopicCreation;
  readonly waiting: Waiting;
  /** Runs a task when the present turn is over; the next microtask if not given. */
  readonly defer?: (task: () => void) => void;
}

/** Throws ConfigError. The broker calls `coordinator.onElected` and `onResigned` as leadership of the state's partitions comes and goes, `onTopicsDeleted`, and `close` at the end. */
export function createShare({ config, ports, metadata, partitions, topicCreation, waiting, defer = queueMicrotask }: ShareComposition): Share {
  const { clock, logger } = ports;
  checkAssignors(config());
  const log = new ShareStateLog({ partitions, topicCreation, clock, partitionCountWanted: () => stateNumber(config(), 'share.coordinator.state.topic.num.partitions') });
  const coordinator = new ShareCoordinator({
    log,
    settings: coordinatorSettings(config),
    ports,
    hasPartition: (topicId, partition) => partition < (metadata.image.topicsById.get(topicId)?.partitions.length ?? 0),
    defer,
  });
  const persister = new LocalSharePersister(coordinator, () => partitions.topic(SHARE_GROUP_STATE_TOPIC) !== undefined, clock);
  const shareConfig = new LiveShareConfig(config, (groupId) => metadata.image.configsOf(ConfigResourceType.group, groupId));
  return new Share({ clock, logger, waiting, partitions, config: shareConfig, coordinator, persister });
}

/** Share groups of the group coordinator, with the share coordinator beside it. */
export function createShareGroups(share: Share, groups: GroupCoordinator): ShareGroups {
  const shareGroups = new ShareGroups({
    shardOf: (groupId) => groups.shardOf(groupId),
    cluster: groups.cluster,
    times: (groupId) => share.config.group(groupId),
    membersMax: () => share.config.broker.membersMax,
    states: share.persister,
    onOffsetsChanged: (groupId) => share.onOffsetsChanged(groupId),
  });
  groups.serveShareGroups(shareGroups);
  return shareGroups;
}

const ASSIGNORS: ReadonlySet<string> = new Set(['simple', 'org.apache.kafka.coordinator.group.assignor.SimpleAssignor']);

/** Throws ConfigError. */
function checkAssignors(config: BrokerConfig): void {
  const key = 'group.share.assignors';
  const unknown = (brokerValue(config.layers, key) as readonly string[]).filter((name) => !ASSIGNORS.has(name));
  if (unknown.length > 0) throw new ConfigError([{ key, value: unknown.join(','), origin: '', message: 'simple is the only assignor of share groups here' }]);
}

const stateNumber = (config: BrokerConfig, name: string): number => brokerValue(config.layers, name) as number;

/** Its buffer may change while running. */
function coordinatorSettings(live: () => BrokerConfig): ShareCoordinatorSettings {
  const config = live();
  return {
    updatesPerSnapshot: stateNumber(config, 'share.coordinator.snapshot.update.records.per.snapshot'),
    writeTimeoutMs: stateNumber(config, 'share.coordinator.write.timeout.ms'),
    pruneIntervalMs: stateNumber(config, 'share.coordinator.state.topic.prune.interval.ms'),
    get batchBytesMax(): number {
      return stateNumber(live(), 'share.coordinator.cached.buffer.max.bytes');
    },
  };
}

export type { Share } from './share.ts';
