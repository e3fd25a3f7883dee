import type { GroupIdentity } from '../producer/transaction.ts';
import type { Assignment } from './assignor.ts';
import type { OffsetToCommit } from './groupOffsets.ts';

export interface GroupOptions {
  readonly groupId: string;
  /** Static membership (KIP-345): the member keeps its place over restarts and does not leave when it closes. */
  readonly instanceId?: string;
  readonly sessionTimeoutMs: number;
  readonly heartbeatIntervalMs: number;
  /** Without a poll for this long the member leaves; also how long a rebalance waits for it. */
  readonly maxPollIntervalMs: number;
}

/** What a membership needs of its consumer. Every call is awaited before the group goes on. */
export interface AssignmentHost {
  /** What the consumer has now. */
  owned(): Assignment;
  /** These are given up in order: the application hears of it, offsets are committed. */
  revoke(partitions: Assignment): Promise<void>;
  /** These belong to somebody else already. */
  lose(partitions: Assignment): Promise<void>;
  /** These are new. */
  assign(partitions: Assignment): Promise<void>;
  partitionCounts(topics: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** One member of one group, by either protocol. */
export interface Membership {
  /** Something must be agreed on with the group before more records are handed out. */
  readonly needsWork: boolean;
  /** This member decides who reads what: it must know when topics grow. */
  readonly isLeader: boolean;
  readonly identity: GroupIdentity;
  /** The application is alive. */
  onPoll(): void;
  /** The topics wanted have changed, or a rebalance is wanted. */
  requestRejoin(): void;
  /** Does what there is to do, one try. Throws ClientError and KafkaError. */
  work(topics: readonly string[], host: AssignmentHost): Promise<void>;
  commit(offsets: readonly OffsetToCommit[]): Promise<void>;
  committed(assignment: Assignment, isStable: boolean): Promise<Map<string, { readonly offset: number; readonly metadata: string }>>;
  leave(): Promise<void>;
  /** Calls back when there is work, so that a poll that waits looks. */
  onWork: (() => void) | null;
}

/** Partitions of `from` that `without` lacks. */
export function difference(from: Assignment, without: Assignment): Map<string, number[]> {
  const rest = new Map<string, number[]>();
  for (const [topic, partitions] of from) {
    const others = new Set(without.get(topic));
    const left = partitions.filter((partition) => !others.has(partition));
    if (left.length > 0) rest.set(topic, left);
  }
  return rest;
}

export function isEmptyAssignment(assignment: Assignment): boolean {
  for (const partitions of assignment.values()) if (partitions.length > 0) return false;
  return true;
}
