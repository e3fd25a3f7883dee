import { ErrorCode } from '../../../protocol/errors.ts';
import { makeDescribedGroup } from '../../../protocol/generated/streamsGroupDescribe.ts';
import type { Assignment, DescribedGroup, Member, Topology } from '../../../protocol/generated/streamsGroupDescribe.ts';
import type { StreamsGroupTopologyValue } from '../../../protocol/generated/records/streamsGroupTopology.ts';
import type { GroupState } from '../state.ts';
import { streamsGroupOf } from './apply.ts';
import type { StreamsGroup } from './group.ts';
import type { StreamsMember } from './member.ts';
import { taskList } from './tasks.ts';
import type { OwnedTasks, TasksByRole } from './tasks.ts';

/** An unknown group, and one of another kind, is told to be unknown. */
export function describeStreamsGroup(state: GroupState, groupId: string): DescribedGroup {
  const group = streamsGroupOf(state, groupId);
  if (group === undefined) {
    const errorMessage = state.groups.has(groupId) ? `Group ${groupId} is not a streams group.` : `Group ${groupId} not found.`;
    return makeDescribedGroup({ groupId, errorCode: ErrorCode.GROUP_ID_NOT_FOUND, errorMessage });
  }
  return makeDescribedGroup({
    groupId,
    groupState: group.state,
    groupEpoch: group.epoch,
    assignmentEpoch: group.assignmentEpoch,
    topology: group.topology === null ? null : describeTopology(group.topology),
    members: [...group.members.values()].map((member) => describeMember(group, member)),
  });
}

function describeTopology({ epoch, subtopologies }: StreamsGroupTopologyValue): Topology {
  return {
    epoch,
    subtopologies: subtopologies.map(({ subtopologyId, sourceTopics, repartitionSinkTopics, stateChangelogTopics, repartitionSourceTopics }) =>
      ({ subtopologyId, sourceTopics, repartitionSinkTopics, stateChangelogTopics, repartitionSourceTopics })),
  };
}

function describeMember(group: StreamsGroup, member: StreamsMember): Member {
  return {
    memberId: member.memberId,
    memberEpoch: member.epoch,
    instanceId: null,
    rackId: member.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    topologyEpoch: member.topologyEpoch,
    processId: member.processId,
    userEndpoint: member.endpoint === null ? null : { host: member.endpoint.host, port: member.endpoint.port },
    clientTags: member.clientTags.map(({ key, value }) => ({ key, value })),
    taskOffsets: [],
    taskEndOffsets: [],
    assignment: describeTasks(member.assigned),
    targetAssignment: describeTasks(group.targetOf(member.memberId)),
    isClassic: false,
  };
}

function describeTasks({ active, standby, warmup }: TasksByRole | OwnedTasks): Assignment {
  return { activeTasks: taskList(active), standbyTasks: taskList(standby), warmupTasks: taskList(warmup) };
}
