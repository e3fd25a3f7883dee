/** What transactions do to committed offsets: TxnOffsetCommit keeps them until the transaction's marker, which lets them take effect or forgets them. */
import type { TxnOffsetCommitRequest } from '../../../protocol/generated/txnOffsetCommit.ts';
import type { Undo } from '../../coordinator.ts';
import type { GroupChange } from '../records.ts';
import type { GroupState } from '../state.ts';
import { applyOffset, createForOffset } from './apply.ts';
import { commitOffsets } from './commit.ts';
import type { OffsetCommit } from './commit.ts';

const NO_TIMESTAMP = -1;
const NO_RETENTION = -1;

/** As `commitOffsets`, whose topics must be known, and carry their ids. */
export function commitTransactionalOffsets(state: GroupState, request: TxnOffsetCommitRequest, apiVersion: number): OffsetCommit {
  const topics = request.topics.map(({ name, topicId, partitions }) => ({
    name,
    topicId,
    partitions: partitions.map((partition) => ({ ...partition, commitTimestamp: NO_TIMESTAMP })),
  }));
  return commitOffsets(state, { ...request, retentionTimeMs: NO_RETENTION, topics }, apiVersion, true);
}

/** CoordinatorMachine.applyPending. A transaction commits offsets and nothing else. */
export function applyPending(state: GroupState, producerId: number, change: GroupChange, undo: Undo | null): void {
  if (change.kind !== 'offset' || change.value === null) return;
  createForOffset(state, change.groupId, undo);
  state.pending.put(producerId, change.groupId, change.topic, change.partition, change.value, undo);
}

/** CoordinatorMachine.endTransaction. */
export function endTransaction(state: GroupState, producerId: number, isCommit: boolean, undo: Undo | null): void {
  const ended = state.pending.take(producerId, undo);
  if (ended === undefined) return;
  for (const groupId of ended.groupIds()) {
    for (const [topic, partitions] of ended.topicsOf(groupId) ?? []) {
      for (const [partition, { value, order, isOvertaken }] of partitions) {
        if (isCommit && !isOvertaken) applyOffset(state, { kind: 'offset', groupId, topic, partition, value }, undo, order);
      }
    }
    if (undo === null) dropGroupIfUnused(state, groupId);
  }
}

/** Live it stays until the marker is kept, and goes with the next look at what is of age. */
function dropGroupIfUnused(state: GroupState, groupId: string): void {
  const group = state.groups.get(groupId);
  if (group !== undefined) state.dropIfUnused(group);
}
