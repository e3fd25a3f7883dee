import type { Draft } from '../draft.ts';
import { decideAlone } from '../modern/decide.ts';
import { mayAssign, valueFor } from '../modern/settings.ts';
import type { GroupState } from '../state.ts';
import { assignTasks } from './assignor.ts';
import type { StreamsGroup } from './group.ts';
import { initialDelayMsOf } from './settings.ts';
import { isSameTarget, NO_TASKS, taskList } from './tasks.ts';

/** Whether tasks were shared out as the group is now; `delayed` says why not. */
export type TargetUpdate = 'done' | 'initialDelay' | 'interval';

/** Shares the tasks out anew when the group has changed, and not more often than `assignment.interval.ms`; not while the first members wait for more. */
export function updateStreamsTarget(draft: Draft, group: StreamsGroup): TargetUpdate {
  const { state } = draft;
  if (group.initialDelay?.isSet === true) return 'initialDelay';
  if (group.assignmentEpoch >= group.epoch) return 'done';
  const intervalMs = valueFor(state.settings.streams, 'assignmentIntervalMs', 'streams', state.cluster.groupConfigOf(group.groupId));
  if (!mayAssign(state.now(), group.assignmentTimestampMs, intervalMs)) return 'interval';
  computeTarget(draft, group);
  return 'done';
}

function computeTarget(draft: Draft, group: StreamsGroup): void {
  const { state } = draft;
  const { groupId, topology } = group;
  const { taskCounts, problem } = group.configured(state.cluster);
  const members = [...group.members.values()].map(({ memberId, processId }) => ({ memberId, processId, target: group.targetOf(memberId) }));
  const stateful = new Set(topology?.subtopologies.filter(({ stateChangelogTopics }) => stateChangelogTopics.length > 0).map(({ subtopologyId }) => subtopologyId));
  // while topics are missing nobody has a task
  const targets = assignTasks({
    members,
    taskCounts: problem === null && taskCounts !== null ? taskCounts : new Map(),
    isStateful: (subtopologyId) => stateful.has(subtopologyId),
    standbyReplicas: Number(group.lastConfigs?.get('num.standby.replicas') ?? 0),
  });
  for (const { memberId } of members) {
    const target = targets.get(memberId) ?? NO_TASKS;
    if (group.targets.has(memberId) && isSameTarget(group.targetOf(memberId), target)) continue;
    const ids = (role: 'active' | 'standby' | 'warmup') => taskList(target[role]).map((one) => ({ ...one, assignmentEpochs: null }));
    draft.put('streamsMemberTarget', groupId, memberId, { activeTasks: ids('active'), standbyTasks: ids('standby'), warmupTasks: ids('warmup') });
  }
  draft.put('streamsTarget', groupId, '', { assignmentEpoch: group.epoch, assignmentTimestamp: state.now() });
  state.host.logger.debug('a group has a new target assignment', { groupId, epoch: group.epoch, assignor: 'sticky', memberCount: members.length });
}

/** The first members of a group wait for more, so that tasks need not move at once. */
export function beginInitialDelay(state: GroupState, group: StreamsGroup): void {
  const delayMs = initialDelayMsOf(state.settings.streams, state.cluster.groupConfigOf(group.groupId));
  if (delayMs <= 0 || group.initialDelay?.isSet === true) return;
  const timer = state.host.timers.create(() => {
    if (state.groups.get(group.groupId) !== group || group.isEmpty) return;
    decideAlone(state, `the first assignment of ${group.groupId}`, (draft) => void updateStreamsTarget(draft, group));
  });
  group.initialDelay = timer;
  timer.set(delayMs);
}
