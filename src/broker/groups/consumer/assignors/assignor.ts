import type { Uuid } from '../../../../protocol/types.ts';
import type { Assignment } from '../../modern/assignment.ts';

/** A member as assignors see it. */
export interface AssignedMember {
  readonly memberId: string;
  readonly instanceId: string | null;
  readonly topicIds: ReadonlySet<Uuid>;
  /** What it was to get so far. */
  readonly target: Assignment;
}

export interface AssignorInput {
  readonly members: readonly AssignedMember[];
  readonly partitionCountOf: (topicId: Uuid) => number;
}

/** Shares all partitions of the topics out among the members that are subscribed to them. Pure: the same input gives the same output. */
export type Assignor = (input: AssignorInput) => Map<string, Assignment>;

/** By code unit, as Java compares strings. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
