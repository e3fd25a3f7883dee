import type { Draft } from '../draft.ts';
import { metadataHash } from '../modern/metadataHash.ts';
import type { GroupState } from '../state.ts';
import type { StreamsGroup } from './group.ts';
import { standbyReplicasOf } from './settings.ts';
import { requiredTopics } from './topology.ts';

/** What an assignment depends on beside topics and members. */
export function assignmentConfigs({ settings, cluster }: GroupState, groupId: string): ReadonlyMap<string, string> {
  return new Map([['num.standby.replicas', String(standbyReplicasOf(settings.streams, cluster.groupConfigOf(groupId)))]]);
}

/** Raises the group's epoch when `mustRaise`, or when its topics or what it is assigned by have changed. */
export function raiseStreamsEpoch(draft: Draft, group: StreamsGroup, mustRaise: boolean): void {
  const { state } = draft;
  const { cluster } = state;
  const { topology } = group;
  if (topology === null) return;
  const isReady = group.configured(cluster).taskCounts !== null && group.configured(cluster).problem === null;
  const validatedEpoch = isReady ? topology.epoch : -1;
  const configs = assignmentConfigs(state, group.groupId);
  const hash = group.checkedVersion === cluster.version ? group.metadataHash : metadataHash(requiredTopics(topology), cluster);
  const hasOtherConfigs = group.lastConfigs === null || [...configs].some(([key, value]) => group.lastConfigs?.get(key) !== value);
  const hasNews = hash !== group.metadataHash || validatedEpoch !== group.validatedEpoch || hasOtherConfigs;
  if (mustRaise || hasNews) putEpoch(draft, group, hash, validatedEpoch, configs);
  group.checkedVersion = cluster.version;
  draft.onUndo(() => {
    group.checkedVersion = -1;
  });
}

export function putEpoch(draft: Draft, group: StreamsGroup, hash: number, validatedEpoch: number, configs: ReadonlyMap<string, string>): void {
  draft.put('streamsGroup', group.groupId, '', {
    epoch: group.epoch + 1,
    metadataHash: hash,
    validatedTopologyEpoch: validatedEpoch,
    lastAssignmentConfigs: [...configs].map(([key, value]) => ({ key, value })),
    storedDescriptionTopologyEpoch: -1,
    failedDescriptionTopologyEpoch: -1,
  });
}
