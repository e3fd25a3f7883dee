import type { GroupChange } from './records.ts';

export type GroupType = 'classic' | 'consumer' | 'share' | 'streams';

/** Who commits offsets. */
export interface Committer {
  readonly memberId: string;
  readonly instanceId: string | null;
  /** Generation of a classic member, epoch of the others; negative: somebody outside of the group's management. */
  readonly epoch: number;
  readonly apiVersion: number;
  /** TxnOffsetCommit. */
  readonly isTransactional: boolean;
}

/**
 * From when the retention of a group's offsets counts: each one's commit, a time since which all of them are unused (milliseconds since the epoch), or
 * null: nothing expires now.
 */
export type RetentionBase = 'commit' | number | null;

/** What every kind of group answers; what only one kind knows is in its folder. */
export interface Group {
  readonly groupId: string;
  readonly type: GroupType;
  /** As ListGroups tells it: `Stable`. */
  readonly state: string;
  /** As ListGroups tells it; null: nobody ever joined. */
  readonly protocolType: string | null;
  /** Nobody is a member. */
  readonly isEmpty: boolean;
  /** Whether the log has a record of it, so that its end needs a tombstone. */
  readonly isPersisted: boolean;
  /** Nothing else keeps it once its offsets have gone. */
  readonly mayEnd: boolean;
  readonly retentionBase: RetentionBase;
  isSubscribedTo(topic: string): boolean;
  /** Whether `committer` may commit offsets: 0, or a Kafka error code. */
  commitError(committer: Committer): number;
  /** The same for one partition, after `commitError` gave 0. */
  partitionCommitError(committer: Committer, topicId: string, partition: number, topic: string): number;
  /** Whether a member may read its offsets; negative epoch: anybody. */
  fetchError(memberId: string | null, memberEpoch: number): number;
  /** DeleteGroups: why the group must stay, or 0. */
  deleteError(): number;
  /** OffsetDelete: why its offsets must stay, or 0. */
  offsetDeleteError(): number;
  /** With which it goes, offsets aside. */
  tombstones(): GroupChange[];
  /** Memory that its members take, about; missing where that is bounded otherwise. */
  heldBytes?(): number;
  /** The shard is given up: tells `errorCode` to whoever waits in it. */
  abandon(errorCode: number, nowMs: number): void;
}
