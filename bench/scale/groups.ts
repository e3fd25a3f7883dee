/** Ten thousand groups with five members each: what a member costs in memory, and what its heartbeats cost. */
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConsumerGroupHeartbeatRequest, ConsumerGroupHeartbeatResponse } from '../../src/protocol/generated/consumerGroupHeartbeat.ts';
import { cpuSeconds, residentMegabytes } from '../broker/processStats.ts';
import type { RunningBroker } from '../broker/process.ts';
import { createTopics, createTopicsRequest } from '../broker/load/calls.ts';
import { LoadConnection } from '../broker/load/connection.ts';
import { quantile } from '../report/statistics.ts';
import { commitRequest, consumerHeartbeat, consumerHeartbeatRequest, describeGroups, findCoordinator, heartbeat, joinGroup, joinRequest, offsetCommit, syncGroup, syncRequest } from './calls.ts';

const MEMBERS_PER_GROUP = 5;
const LANES = 200;
const MEMBER_ID_REQUIRED = 79;
/** Coordinator loading, not available, not this one. */
const NOT_READY = new Set([14, 15, 16]);
const RETRY_MS = 20;
const BEATS_TO_SETTLE_MAX = 500;
/** So many names of groups fall on every partition of __consumer_offsets. */
const COORDINATORS_ASKED = 1000;

export interface GroupFigures {
  readonly protocol: 'classic' | 'consumer';
  readonly groups: number;
  readonly members: number;
  readonly joinSeconds: number;
  readonly residentKilobytesPerMember: number;
  readonly commitCpuMicroseconds: number;
  readonly heartbeatCpuMicroseconds: number;
  readonly heartbeatP50Milliseconds: number;
  readonly heartbeatP99Milliseconds: number;
  readonly heartbeatsPerSecond: number;
}

interface Member {
  readonly groupId: string;
  readonly memberId: string;
  readonly epoch: number;
}

export async function measureGroups(broker: RunningBroker, protocol: 'classic' | 'consumer', groups: number): Promise<GroupFigures> {
  const connections = await Promise.all(Array.from({ length: LANES * MEMBERS_PER_GROUP }, () => LoadConnection.open(broker.host, broker.port)));
  const topic = await (connections[0] as LoadConnection).call(createTopics, createTopicsRequest('scale', MEMBERS_PER_GROUP, {}));
  if (![0, 36].includes(topic.topics[0]?.errorCode ?? -1)) throw new Error(`the topic was not made: error ${topic.topics[0]?.errorCode}`);
  await findCoordinators(connections[0] as LoadConnection, [`warm-${protocol}`, `scale-${protocol}`], groups);
  await join(connections, `warm-${protocol}`, protocol, Math.min(LANES, groups));
  const before = residentMegabytes(broker.pid, 'anonymous');
  const startedAt = performance.now();
  const members = await join(connections, `scale-${protocol}`, protocol, groups);
  const joinSeconds = (performance.now() - startedAt) / 1000;
  const commits = await measure(broker, connections, members, async (connection, member, index) => {
    const answer = await connection.call(offsetCommit, commitRequest(member.groupId, member.epoch, member.memberId, index % MEMBERS_PER_GROUP));
    return answer.topics[0]?.partitions[0]?.errorCode ?? -1;
  });
  const after = residentMegabytes(broker.pid, 'anonymous');
  const beats = await measure(broker, connections, members, async (connection, { groupId, memberId, epoch }) => {
    if (protocol === 'consumer') return (await connection.call(consumerHeartbeat, consumerHeartbeatRequest(groupId, memberId, epoch))).errorCode;
    return (await connection.call(heartbeat, { groupId, generationId: epoch, memberId, groupInstanceId: null })).errorCode;
  });
  for (const connection of connections) connection.close();
  return {
    protocol,
    groups,
    members: members.length,
    joinSeconds,
    residentKilobytesPerMember: ((after - before) * 1024) / members.length,
    commitCpuMicroseconds: commits.cpuMicroseconds,
    heartbeatCpuMicroseconds: beats.cpuMicroseconds,
    heartbeatP50Milliseconds: quantile(beats.latencies, 0.5),
    heartbeatP99Milliseconds: quantile(beats.latencies, 0.99),
    heartbeatsPerSecond: beats.perSecond,
  };
}

/** The first question makes __consumer_offsets; each of its partitions is then loaded once. */
async function findCoordinators(connection: LoadConnection, prefixes: readonly string[], groups: number): Promise<void> {
  for (const prefix of prefixes) {
    for (let group = 0; group < groups; group++) {
      const key = `${prefix}-${group}`;
      for (;;) {
        const answer = await connection.call(findCoordinator, { key, keyType: 0, coordinatorKeys: [] });
        const described = await connection.call(describeGroups, { groups: [key], includeAuthorizedOperations: false });
        if (answer.errorCode === 0 && !NOT_READY.has(described.groups[0]?.errorCode ?? 0)) break;
        await sleep(RETRY_MS);
      }
      if (group >= COORDINATORS_ASKED) break;
    }
  }
}

/** Each lane has a connection a member: a join may wait for the other members. */
async function join(connections: readonly LoadConnection[], prefix: string, protocol: 'classic' | 'consumer', groups: number): Promise<Member[]> {
  const members: Member[] = [];
  let next = 0;
  const lane = async (first: number): Promise<void> => {
    const own = connections.slice(first, first + MEMBERS_PER_GROUP);
    for (let group = next++; group < groups; group = next++) {
      const groupId = `${prefix}-${group}`;
      members.push(...(protocol === 'classic' ? await joinClassic(own, groupId) : await joinConsumers(own, groupId)));
    }
  };
  await Promise.all(Array.from({ length: LANES }, (_, index) => lane(index * MEMBERS_PER_GROUP)));
  return members;
}

async function joinClassic(connections: readonly LoadConnection[], groupId: string): Promise<Member[]> {
  const joined = await Promise.all(connections.map(async (connection) => {
    const first = await connection.call(joinGroup, joinRequest(groupId, ''));
    return first.errorCode === MEMBER_ID_REQUIRED ? connection.call(joinGroup, joinRequest(groupId, first.memberId)) : first;
  }));
  for (const { errorCode, generationId } of joined) {
    if (errorCode !== 0 || generationId !== joined[0]?.generationId) throw new Error(`group ${groupId} did not gather: error ${errorCode}, generation ${generationId}`);
  }
  const ids = joined.map(({ memberId }) => memberId);
  await Promise.all(joined.map(async ({ memberId, leader, generationId }, index) => {
    const answer = await (connections[index] as LoadConnection).call(syncGroup, syncRequest(groupId, generationId, memberId, memberId === leader ? ids : []));
    if (answer.errorCode !== 0) throw new Error(`group ${groupId} did not sync: error ${answer.errorCode}`);
  }));
  return joined.map(({ memberId, generationId }) => ({ groupId, memberId, epoch: generationId }));
}

/** Every member beats until it has the epoch that the last one's joining made. */
async function joinConsumers(connections: readonly LoadConnection[], groupId: string): Promise<Member[]> {
  const joined: { memberId: string; epoch: number }[] = [];
  for (const connection of connections) {
    const answer = await connection.call(consumerHeartbeat, consumerHeartbeatRequest(groupId, '', 0));
    if (answer.errorCode !== 0 || answer.memberId === null) throw new Error(`a member did not join ${groupId}: error ${answer.errorCode} ${answer.errorMessage ?? ''}`);
    joined.push({ memberId: answer.memberId, epoch: answer.memberEpoch });
  }
  const lastEpoch = joined.at(-1)?.epoch ?? 0;
  await Promise.all(joined.map(({ memberId, epoch }, index) => settle(connections[index] as LoadConnection, { groupId, memberId, epoch }, lastEpoch)));
  return joined.map(({ memberId }) => ({ groupId, memberId, epoch: lastEpoch }));
}

/** What the group assigns or revokes is acknowledged at once, as by a member without work. */
async function settle(connection: LoadConnection, { groupId, memberId, epoch }: Member, lastEpoch: number): Promise<void> {
  let current = epoch;
  let owned: ConsumerGroupHeartbeatRequest['topicPartitions'] = null;
  for (let beats = 0; beats < BEATS_TO_SETTLE_MAX; beats++) {
    const answer: ConsumerGroupHeartbeatResponse = await connection.call(consumerHeartbeat, { ...consumerHeartbeatRequest(groupId, memberId, current), topicPartitions: owned });
    if (answer.errorCode !== 0) throw new Error(`a member of ${groupId} did not settle: error ${answer.errorCode} ${answer.errorMessage ?? ''}`);
    current = answer.memberEpoch;
    owned = answer.assignment === null ? null : answer.assignment.topicPartitions.map(({ topicId, partitions }) => ({ topicId, partitions }));
    if (owned === null && current === lastEpoch) return;
    if (beats > 0 && owned === null) await sleep(RETRY_MS);
  }
  throw new Error(`a member of ${groupId} has epoch ${current}, not ${lastEpoch}`);
}

/** One request of every member, as quickly as the connections take them. */
async function measure(
  broker: RunningBroker,
  connections: readonly LoadConnection[],
  members: readonly Member[],
  ask: (connection: LoadConnection, member: Member, index: number) => Promise<number>,
): Promise<{ readonly latencies: Float64Array; readonly cpuMicroseconds: number; readonly perSecond: number }> {
  const latencies = new Float64Array(members.length);
  let next = 0;
  const cpuBefore = cpuSeconds(broker.pid);
  const startedAt = performance.now();
  await Promise.all(connections.map(async (connection) => {
    for (let index = next++; index < members.length; index = next++) {
      const askedAt = performance.now();
      const errorCode = await ask(connection, members[index] as Member, index);
      latencies[index] = performance.now() - askedAt;
      if (errorCode !== 0) throw new Error(`a request of ${(members[index] as Member).groupId} was answered with error ${errorCode}`);
    }
  }));
  const seconds = (performance.now() - startedAt) / 1000;
  return { latencies: latencies.sort(), cpuMicroseconds: ((cpuSeconds(broker.pid) - cpuBefore) * 1e6) / members.length, perSecond: members.length / seconds };
}
