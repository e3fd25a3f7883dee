import type { StreamsGroupCurrentMemberAssignmentValue } from '../../../protocol/generated/records/streamsGroupCurrentMemberAssignment.ts';
import type { StreamsGroupMemberMetadataValue } from '../../../protocol/generated/records/streamsGroupMemberMetadata.ts';
import type { EpochAssignment } from '../modern/assignment.ts';
import { isSameOwnedTasks, NO_OWNED_TASKS, taskList } from './tasks.ts';
import type { OwnedTasks } from './tasks.ts';

/** Kafka's numbers, as records keep them. */
export const StreamsMemberState = { stable: 1, unrevokedTasks: 2, unreleasedTasks: 3 } as const;

export const LEAVE_EPOCH = -1;
export const STATIC_LEAVE_EPOCH = -2;

export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** A thread of a Streams application; never changed, only replaced. */
export interface StreamsMember {
  readonly memberId: string;
  readonly rackId: string | null;
  readonly clientId: string;
  readonly clientHost: string;
  readonly rebalanceTimeoutMs: number;
  readonly topologyEpoch: number;
  /** The application instance: its members share a state directory. */
  readonly processId: string;
  /** Where others reach it for interactive queries. */
  readonly endpoint: Endpoint | null;
  /** Sorted by key. */
  readonly clientTags: readonly { readonly key: string; readonly value: string }[];

  readonly epoch: number;
  readonly previousEpoch: number;
  readonly state: number;
  readonly assigned: OwnedTasks;
  readonly revoking: OwnedTasks;
}

export function newStreamsMember(memberId: string): StreamsMember {
  return {
    memberId, rackId: null, clientId: '', clientHost: '', rebalanceTimeoutMs: -1, topologyEpoch: -1, processId: '', endpoint: null, clientTags: [],
    epoch: 0, previousEpoch: 0, state: StreamsMemberState.stable, assigned: NO_OWNED_TASKS, revoking: NO_OWNED_TASKS,
  };
}

export function isReconciledTo({ state, epoch }: StreamsMember, targetEpoch: number): boolean {
  return state === StreamsMemberState.stable && epoch === targetEpoch;
}

export function hasSameFacts(a: StreamsMember, b: StreamsMember): boolean {
  return JSON.stringify(memberRecord(a)) === JSON.stringify(memberRecord(b));
}

export function hasSameProgress(a: StreamsMember, b: StreamsMember): boolean {
  return a.epoch === b.epoch && a.previousEpoch === b.previousEpoch && a.state === b.state && isSameOwnedTasks(a.assigned, b.assigned) && isSameOwnedTasks(a.revoking, b.revoking);
}

export function memberRecord(member: StreamsMember): StreamsGroupMemberMetadataValue {
  return {
    instanceId: null,
    rackId: member.rackId,
    clientId: member.clientId,
    clientHost: member.clientHost,
    rebalanceTimeoutMs: member.rebalanceTimeoutMs,
    topologyEpoch: member.topologyEpoch,
    processId: member.processId,
    userEndpoint: member.endpoint === null ? null : { host: member.endpoint.host, port: member.endpoint.port },
    clientTags: member.clientTags.map(({ key, value }) => ({ key, value })),
  };
}

const MEMBER_OVERHEAD_BYTES = 800;

/** Memory that a member takes, about. */
export function memberBytes(member: StreamsMember): number {
  return MEMBER_OVERHEAD_BYTES + JSON.stringify(memberRecord(member)).length;
}

export function withFacts(before: StreamsMember, value: StreamsGroupMemberMetadataValue): StreamsMember {
  return {
    ...before,
    rackId: value.rackId,
    clientId: value.clientId,
    clientHost: value.clientHost,
    rebalanceTimeoutMs: value.rebalanceTimeoutMs,
    topologyEpoch: value.topologyEpoch,
    processId: value.processId,
    endpoint: value.userEndpoint,
    clientTags: value.clientTags,
  };
}

type TaskIds = StreamsGroupCurrentMemberAssignmentValue['activeTasks'];

/** Active tasks are kept with their epochs, the others without. */
function withEpochs(tasks: EpochAssignment): TaskIds {
  return taskList(tasks).map(({ subtopologyId, partitions }) => ({
    subtopologyId, partitions, assignmentEpochs: partitions.map((partition) => tasks.get(subtopologyId)!.get(partition)!),
  }));
}

function withoutEpochs(tasks: EpochAssignment): TaskIds {
  return taskList(tasks).map((ids) => ({ ...ids, assignmentEpochs: null }));
}

export function progressRecord({ epoch, previousEpoch, state, assigned, revoking }: StreamsMember): StreamsGroupCurrentMemberAssignmentValue {
  return {
    memberEpoch: epoch,
    previousMemberEpoch: previousEpoch,
    state,
    activeTasks: withEpochs(assigned.active),
    standbyTasks: withoutEpochs(assigned.standby),
    warmupTasks: withoutEpochs(assigned.warmup),
    activeTasksPendingRevocation: withEpochs(revoking.active),
    standbyTasksPendingRevocation: withoutEpochs(revoking.standby),
    warmupTasksPendingRevocation: withoutEpochs(revoking.warmup),
  };
}

/** Null: it has nothing, and is on its way out. */
export function withProgress(before: StreamsMember, value: StreamsGroupCurrentMemberAssignmentValue | null): StreamsMember {
  if (value === null) return { ...before, epoch: LEAVE_EPOCH, previousEpoch: LEAVE_EPOCH, state: StreamsMemberState.stable, assigned: NO_OWNED_TASKS, revoking: NO_OWNED_TASKS };
  const { memberEpoch } = value;
  return {
    ...before,
    epoch: memberEpoch,
    previousEpoch: value.previousMemberEpoch,
    state: value.state,
    assigned: { active: fromIds(value.activeTasks, memberEpoch), standby: fromIds(value.standbyTasks, 0), warmup: fromIds(value.warmupTasks, 0) },
    revoking: {
      active: fromIds(value.activeTasksPendingRevocation, memberEpoch),
      standby: fromIds(value.standbyTasksPendingRevocation, 0),
      warmup: fromIds(value.warmupTasksPendingRevocation, 0),
    },
  };
}

function fromIds(tasks: TaskIds, epoch: number): EpochAssignment {
  return new Map(tasks.map(({ subtopologyId, partitions, assignmentEpochs }) =>
    [subtopologyId, new Map(partitions.map((partition, index) => [partition, assignmentEpochs?.[index] ?? epoch]))]));
}
