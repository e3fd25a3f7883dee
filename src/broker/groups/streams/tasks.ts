/** Tasks of a Streams application, by subtopology: what shares the partitions of one number out in each of its topics. */
import { assignmentOf, hasSamePartitions, isSameAssignment, isSameOwnership, listOf, NOTHING_ASSIGNED, NOTHING_OWNED } from '../modern/assignment.ts';
import type { Assignment, EpochAssignment } from '../modern/assignment.ts';

export const ROLES = ['active', 'standby', 'warmup'] as const;
export type Role = (typeof ROLES)[number];

/** Partition numbers by subtopology id. */
export type TasksByRole = Readonly<Record<Role, Assignment>>;
/** The same with the epoch at which each was assigned; 0 where that is of no matter. */
export type OwnedTasks = Readonly<Record<Role, EpochAssignment>>;

export interface TaskIdList {
  readonly subtopologyId: string;
  readonly partitions: readonly number[];
}

export const NO_TASKS: TasksByRole = { active: NOTHING_ASSIGNED, standby: NOTHING_ASSIGNED, warmup: NOTHING_ASSIGNED };
export const NO_OWNED_TASKS: OwnedTasks = { active: NOTHING_OWNED, standby: NOTHING_OWNED, warmup: NOTHING_OWNED };

export function tasksOf(list: readonly TaskIdList[]): Assignment {
  return assignmentOf(list.map(({ subtopologyId, partitions }) => ({ topicId: subtopologyId, partitions })));
}

export function taskList(tasks: Assignment | EpochAssignment): { subtopologyId: string; partitions: number[] }[] {
  return listOf(tasks).map(({ topicId, partitions }) => ({ subtopologyId: topicId, partitions }));
}

export function isEmptyOfTasks(tasks: TasksByRole | OwnedTasks): boolean {
  return ROLES.every((role) => tasks[role].size === 0);
}

export function hasSameTasks(a: OwnedTasks, b: OwnedTasks): boolean {
  return ROLES.every((role) => hasSamePartitions(a[role], b[role]));
}

export function isSameOwnedTasks(a: OwnedTasks, b: OwnedTasks): boolean {
  return ROLES.every((role) => isSameOwnership(a[role], b[role]));
}

export function isSameTarget(a: TasksByRole, b: TasksByRole): boolean {
  return ROLES.every((role) => isSameAssignment(a[role], b[role]));
}

/** Whether `owned` has some task of `given`, in the same role. */
export function hasAnyOf(owned: TasksByRole, given: OwnedTasks): boolean {
  return ROLES.some((role) => [...owned[role]].some(([subtopologyId, partitions]) => {
    const others = given[role].get(subtopologyId);
    return others !== undefined && [...partitions].some((partition) => others.has(partition));
  }));
}

/** Whether all tasks of `owned` are of `assigned`, in the same role. */
export function isWithin(owned: TasksByRole, assigned: OwnedTasks): boolean {
  return ROLES.every((role) => [...owned[role]].every(([subtopologyId, partitions]) => {
    const given = assigned[role].get(subtopologyId);
    return given !== undefined && [...partitions].every((partition) => given.has(partition));
  }));
}
