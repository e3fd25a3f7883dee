import type { Draft } from '../draft.ts';
import { metadataHash } from '../modern/metadataHash.ts';
import type { ConsumerGroup } from './group.ts';

/** Raises the group's epoch when `mustRaise`, or when the topics that it consumes are no longer what they were. */
export function raiseEpoch(draft: Draft, group: ConsumerGroup, mustRaise: boolean): void {
  const { cluster } = draft.state;
  if (!mustRaise && group.checkedVersion === cluster.version) return;
  const hash = metadataHash(group.subscribedTopics, cluster);
  if (mustRaise || hash !== group.metadataHash) {
    draft.put('consumerGroup', group.groupId, '', { epoch: group.epoch + 1, metadataHash: hash });
    if (group.hasPartitionsRecord) draft.put('consumerPartitions', group.groupId, '', null);
  }
  group.checkedVersion = cluster.version;
  draft.onUndo(() => {
    group.checkedVersion = -1;
  });
}
