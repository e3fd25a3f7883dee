/** The group coordinator and the APIs of classic groups and committed offsets. */
import type { BrokerConfig } from '../../config/types.ts';
import type { ApiHandler } from '../contract.ts';
import { GroupCoordinator } from './groupCoordinator.ts';
import type { GroupCoordinatorOptions } from './groupCoordinator.ts';
import { checkAssignors } from './consumer/settings.ts';
import { checkModernSettings } from './modern/settings.ts';
import { consumerGroupDescribeHandler } from './handlers/consumerGroupDescribe.ts';
import { consumerGroupHeartbeatHandler } from './handlers/consumerGroupHeartbeat.ts';
import { deleteGroupsHandler } from './handlers/deleteGroups.ts';
import { describeGroupsHandler } from './handlers/describeGroups.ts';
import { heartbeatHandler } from './handlers/heartbeat.ts';
import { joinGroupHandler } from './handlers/joinGroup.ts';
import { leaveGroupHandler } from './handlers/leaveGroup.ts';
import { listGroupsHandler } from './handlers/listGroups.ts';
import { offsetCommitHandler } from './handlers/offsetCommit.ts';
import { offsetDeleteHandler } from './handlers/offsetDelete.ts';
import { offsetFetchHandler } from './handlers/offsetFetch.ts';
import { streamsGroupDescribeHandler } from './handlers/streamsGroupDescribe.ts';
import { streamsGroupHeartbeatHandler } from './handlers/streamsGroupHeartbeat.ts';
import { syncGroupHandler } from './handlers/syncGroup.ts';
import type { GroupServices } from './services.ts';
import { liveGroupSettings } from './settings.ts';

// each handler has its own request and response types; the list of them can name none
// eslint-disable-next-line typescript/no-explicit-any
export const groupHandlers: readonly ApiHandler<GroupServices, any, any>[] = [
  offsetCommitHandler,
  offsetFetchHandler,
  joinGroupHandler,
  heartbeatHandler,
  leaveGroupHandler,
  syncGroupHandler,
  describeGroupsHandler,
  listGroupsHandler,
  deleteGroupsHandler,
  offsetDeleteHandler,
  consumerGroupHeartbeatHandler,
  consumerGroupDescribeHandler,
  streamsGroupHeartbeatHandler,
  streamsGroupDescribeHandler,
];

/**
 * `log` is `__consumer_offsets`. The broker calls `onElected` and `onResigned` as leadership of its partitions comes and goes, `onTopicsDeleted` when
 * topics have gone, and `close` at the end. Throws ConfigError when the settings of groups contradict each other.
 */
export function createGroupCoordinator(options: Omit<GroupCoordinatorOptions, 'settings'> & { readonly config: () => BrokerConfig }): GroupCoordinator {
  const config = options.config();
  checkModernSettings(config);
  checkAssignors(config);
  return new GroupCoordinator({ ...options, settings: liveGroupSettings(options.config) });
}

export { GroupCoordinator } from './groupCoordinator.ts';
export type { ClusterView, TopicIds } from './cluster.ts';
export type { GroupCoordinatorOptions } from './groupCoordinator.ts';
export { partitionFor } from './partition.ts';
export type { GroupServices } from './services.ts';
