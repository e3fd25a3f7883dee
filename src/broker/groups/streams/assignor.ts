/** The sticky task assignor: tasks stay where they are, then go where a standby of them is, then to whoever has least. */
import type { Assignment } from '../modern/assignment.ts';
import type { TasksByRole } from './tasks.ts';

export interface TaskMember {
  readonly memberId: string;
  readonly processId: string;
  /** What it was to get so far. */
  readonly target: TasksByRole;
}

export interface TaskAssignorInput {
  readonly members: readonly TaskMember[];
  /** Tasks by subtopology. */
  readonly taskCounts: ReadonlyMap<string, number>;
  readonly isStateful: (subtopologyId: string) => boolean;
  readonly standbyReplicas: number;
}

interface Task {
  readonly subtopologyId: string;
  readonly partition: number;
  readonly key: string;
}

/** A member while tasks are dealt. */
interface Hand {
  readonly memberId: string;
  readonly process: Process;
  readonly active: Map<string, Task>;
  readonly standby: Map<string, Task>;
}

interface Process {
  readonly hands: Hand[];
  readonly keys: Set<string>;
  /** Tasks by subtopology. */
  readonly kin: Map<string, number>;
  taskCount: number;
}

const loadOf = ({ taskCount, hands }: Process): number => taskCount / hands.length;

/** Pure: the same input gives the same output. */
export function assignTasks(input: TaskAssignorInput): Map<string, TasksByRole> {
  const hands = dealOut(input.members);
  if (hands.length === 0) return new Map();
  const tasks = tasksOfAll(input);
  assignActive(hands, tasks, input);
  assignStandby(hands, tasks.filter(({ subtopologyId }) => input.isStateful(subtopologyId)), input);
  return new Map(hands.map(({ memberId, active, standby }) => [memberId, { active: grouped(active), standby: grouped(standby), warmup: new Map() }]));
}

function dealOut(members: readonly TaskMember[]): Hand[] {
  const processes = new Map<string, Process>();
  return members.toSorted((a, b) => (a.memberId < b.memberId ? -1 : 1)).map(({ memberId, processId }) => {
    let process = processes.get(processId);
    if (process === undefined) processes.set(processId, (process = { hands: [], keys: new Set(), kin: new Map(), taskCount: 0 }));
    const hand: Hand = { memberId, process, active: new Map(), standby: new Map() };
    process.hands.push(hand);
    return hand;
  });
}

const keyOf = (subtopologyId: string, partition: number): string => `${partition}/${subtopologyId}`;

/** Partition by partition, so that a member which gives half of its tasks up keeps some of each subtopology. */
function tasksOfAll({ taskCounts }: TaskAssignorInput): Task[] {
  const tasks = [...taskCounts].flatMap(([subtopologyId, count]) =>
    Array.from({ length: count }, (_, partition) => ({ subtopologyId, partition, key: keyOf(subtopologyId, partition) })));
  return tasks.toSorted((a, b) => a.partition - b.partition);
}

function give(hand: Hand, task: Task, role: 'active' | 'standby'): void {
  hand[role].set(task.key, task);
  hand.process.keys.add(task.key);
  hand.process.kin.set(task.subtopologyId, kinOf(hand, task) + 1);
  hand.process.taskCount++;
}

/** Who was to have a task so far, in a role. */
function previousHands({ members }: TaskAssignorInput, hands: readonly Hand[], role: 'active' | 'standby'): Map<string, Hand[]> {
  const byId = new Map(hands.map((hand) => [hand.memberId, hand]));
  const previous = new Map<string, Hand[]>();
  for (const { memberId, target } of members) {
    for (const [subtopologyId, partitions] of target[role]) {
      for (const partition of partitions) {
        const key = keyOf(subtopologyId, partition);
        previous.set(key, [...(previous.get(key) ?? []), byId.get(memberId)!]);
      }
    }
  }
  return previous;
}

function assignActive(hands: readonly Hand[], tasks: readonly Task[], input: TaskAssignorInput): void {
  const quota = Math.floor(tasks.length / hands.length);
  let extras = tasks.length % hands.length;
  const take = (hand: Hand | undefined, task: Task): boolean => {
    if (hand === undefined || hand.active.size > quota || (hand.active.size === quota && extras === 0)) return false;
    if (hand.active.size === quota) extras--;
    give(hand, task, 'active');
    return true;
  };
  const actives = previousHands(input, hands, 'active');
  const standbys = previousHands(input, hands, 'standby');
  const left = tasks.filter((task) => !take(actives.get(task.key)?.[0], task));
  const others = left.filter((task) => !take(leastLoaded(standbys.get(task.key) ?? [], task), task));
  // least by load of the process, then by own tasks: any with room has room for one more
  for (const task of others) {
    const open = hands.filter(({ active }) => active.size < quota || (active.size === quota && extras > 0));
    take(leastLoaded(open, task), task);
  }
}

/** By load of the process, then by own tasks, then by those of the same subtopology. */
function leastLoaded(hands: readonly Hand[], task: Task): Hand | undefined {
  let best: Hand | undefined;
  for (const hand of hands) {
    if (best === undefined) best = hand;
    else {
      const difference = loadOf(hand.process) - loadOf(best.process) || sizeOf(hand) - sizeOf(best) || kinOf(hand, task) - kinOf(best, task);
      if (difference < 0) best = hand;
    }
  }
  return best;
}

const sizeOf = ({ active, standby }: Hand): number => active.size + standby.size;

/** How many tasks of its subtopology the process has. */
const kinOf = ({ process }: Hand, { subtopologyId }: Task): number => process.kin.get(subtopologyId) ?? 0;

/** No process has a task twice: they would share its state directory. */
function assignStandby(hands: readonly Hand[], tasks: readonly Task[], input: TaskAssignorInput): void {
  if (input.standbyReplicas === 0) return;
  const actives = previousHands(input, hands, 'active');
  const standbys = previousHands(input, hands, 'standby');
  for (const task of tasks) {
    for (let replica = 0; replica < input.standbyReplicas; replica++) {
      const open = hands.filter(({ process }) => !process.keys.has(task.key));
      if (open.length === 0) break;
      const least = leastLoaded(open, task)!;
      const isFair = (hand: Hand): boolean => open.includes(hand) && loadOf(hand.process) <= loadOf(least.process);
      const before = [...(actives.get(task.key) ?? []), ...(standbys.get(task.key) ?? [])].find(isFair);
      give(before ?? least, task, 'standby');
    }
  }
}

function grouped(tasks: ReadonlyMap<string, Task>): Assignment {
  const bySubtopology = new Map<string, Set<number>>();
  for (const { subtopologyId, partition } of tasks.values()) {
    const partitions = bySubtopology.get(subtopologyId);
    if (partitions === undefined) bySubtopology.set(subtopologyId, new Set([partition]));
    else partitions.add(partition);
  }
  return bySubtopology;
}
