/** How a member comes from the tasks that it has to those that it shall have: it gives up first, and gets only what no other run of the task is left of. */
import type { Assignment, EpochAssignment } from '../modern/assignment.ts';
import { isReconciledTo, StreamsMemberState } from './member.ts';
import type { StreamsMember } from './member.ts';
import { hasAnyOf, isEmptyOfTasks, NO_OWNED_TASKS, ROLES } from './tasks.ts';
import type { OwnedTasks, Role, TasksByRole } from './tasks.ts';

export interface TaskReconciliation {
  readonly target: { readonly epoch: number; readonly tasks: TasksByRole };
  /** What the member says it has; null: it does not say. */
  readonly owned: TasksByRole | null;
  /** Whether the task cannot run here in this role yet: an active one runs somewhere, or its state is in use by the same process. */
  readonly isHeld: (role: Role, subtopologyId: string, partition: number) => boolean;
}

/** The member one step further; the same when there is nothing to do. */
export function reconcileTasks(member: StreamsMember, step: TaskReconciliation): StreamsMember {
  if (isReconciledTo(member, step.target.epoch)) return member;
  if (member.state !== StreamsMemberState.unrevokedTasks) return advance(member, member.epoch, step);
  if (step.owned === null || hasAnyOf(step.owned, member.revoking)) return member;
  return advance(member, member.epoch + 1, step);
}

function advance(member: StreamsMember, epoch: number, step: TaskReconciliation): StreamsMember {
  const plans = { active: planOf('active', member, step), standby: planOf('standby', member, step), warmup: planOf('warmup', member, step) };
  const kept = byRole((role) => plans[role].kept);
  const revoking = byRole((role) => plans[role].revoked);
  const mustRevoke = !isEmptyOfTasks(revoking) && (step.owned === null || hasAnyOf(step.owned, revoking));
  if (mustRevoke) return { ...member, state: StreamsMemberState.unrevokedTasks, previousEpoch: member.epoch, epoch, assigned: kept, revoking };
  const assigned = byRole((role) => merged(plans[role].kept, plans[role].added));
  const state = ROLES.some((role) => plans[role].isHeld) ? StreamsMemberState.unreleasedTasks : StreamsMemberState.stable;
  return { ...member, state, previousEpoch: member.epoch, epoch: step.target.epoch, assigned, revoking: NO_OWNED_TASKS };
}

function byRole(of: (role: Role) => EpochAssignment): OwnedTasks {
  return { active: of('active'), standby: of('standby'), warmup: of('warmup') };
}

interface Plan {
  readonly kept: EpochAssignment;
  readonly revoked: EpochAssignment;
  readonly added: EpochAssignment;
  readonly isHeld: boolean;
}

function planOf(role: Role, member: StreamsMember, { target, isHeld }: TaskReconciliation): Plan {
  const current = member.assigned[role];
  const goal: Assignment = target.tasks[role];
  const kept = new Map<string, Map<number, number>>();
  const revoked = new Map<string, Map<number, number>>();
  const added = new Map<string, Map<number, number>>();
  let hasHeld = false;
  for (const [subtopologyId, partitions] of current) {
    for (const [partition, epoch] of partitions) put(goal.get(subtopologyId)?.has(partition) === true ? kept : revoked, subtopologyId, partition, epoch);
  }
  for (const [subtopologyId, partitions] of goal) {
    for (const partition of partitions) {
      if (current.get(subtopologyId)?.has(partition) === true) continue;
      if (isHeld(role, subtopologyId, partition)) hasHeld = true;
      else put(added, subtopologyId, partition, role === 'active' ? target.epoch : 0);
    }
  }
  return { kept, revoked, added, isHeld: hasHeld };
}

function put(into: Map<string, Map<number, number>>, subtopologyId: string, partition: number, epoch: number): void {
  const partitions = into.get(subtopologyId);
  if (partitions === undefined) into.set(subtopologyId, new Map([[partition, epoch]]));
  else partitions.set(partition, epoch);
}

function merged(a: EpochAssignment, b: EpochAssignment): EpochAssignment {
  const all = new Map(a);
  for (const [subtopologyId, partitions] of b) all.set(subtopologyId, new Map([...(a.get(subtopologyId) ?? []), ...partitions]));
  return all;
}
