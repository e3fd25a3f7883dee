/** Floods of groups and members, and what they bring along. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ErrorCode } from '../../src/protocol/errors.ts';
import { makeFindCoordinatorRequest } from '../../src/protocol/generated/findCoordinator.ts';
import { makeHeartbeatRequest } from '../../src/protocol/generated/heartbeat.ts';
import { makeJoinGroupRequest, makeJoinGroupRequestProtocol } from '../../src/protocol/generated/joinGroup.ts';
import { makeListGroupsRequest } from '../../src/protocol/generated/listGroups.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic } from '../../src/protocol/generated/offsetCommit.ts';
import { makeSyncGroupRequest, makeSyncGroupRequestAssignment } from '../../src/protocol/generated/syncGroup.ts';
import { FindCoordinator, OffsetCommit } from '../broker/support/apis.ts';
import { Arena } from './support/arena.ts';
import { Heartbeat, JoinGroup, ListGroups, SyncGroup } from './support/apis.ts';
import type { RawClient } from './support/rawClient.ts';

const { COORDINATOR_NOT_AVAILABLE, GROUP_MAX_SIZE_REACHED, ILLEGAL_GENERATION, INCONSISTENT_GROUP_PROTOCOL, INVALID_GROUP_ID, INVALID_REQUEST, INVALID_SESSION_TIMEOUT, MEMBER_ID_REQUIRED, NONE, OFFSET_METADATA_TOO_LARGE, UNKNOWN_MEMBER_ID } = ErrorCode;
const MEBIBYTE = 2 ** 20;
const MEMBERS_MAX = 20;

let arena: Arena;
beforeAll(async () => {
  arena = await Arena.open({ overrides: { 'group.max.size': MEMBERS_MAX, 'group.min.session.timeout.ms': 1000, 'offsets.topic.num.partitions': 50 } });
  const client = await arena.connect();
  await client.call(FindCoordinator, 1, makeFindCoordinatorRequest({ key: 'first' }));
  while ((await commit(client, 'first', 1)) !== NONE) await new Promise((resolve) => setTimeout(resolve, 20));
  await client.close();
});
afterAll(() => arena.close());

const joining = (groupId: string, fields: Partial<Parameters<typeof makeJoinGroupRequest>[0]> = {}, metadata: Buffer = Buffer.alloc(0)) =>
  makeJoinGroupRequest({
    groupId, sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 1000, protocolType: 'consumer', protocols: [makeJoinGroupRequestProtocol({ name: 'range', metadata })], ...fields,
  });

/** Version 3 takes a new member at once. */
const join = async (client: RawClient, ...asked: Parameters<typeof joining>) => client.call(JoinGroup, 3, joining(...asked));

async function commit(client: RawClient, groupId: string, offset: number, metadata = ''): Promise<number> {
  const partition = makeOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset: offset, committedMetadata: metadata });
  const request = makeOffsetCommitRequest({ groupId, generationIdOrMemberEpoch: -1, topics: [makeOffsetCommitRequestTopic({ name: 'calm', partitions: [partition] })] });
  return (await client.call(OffsetCommit, 7, request)).topics[0]!.partitions[0]!.errorCode;
}

test('a join that cannot be is refused', async () => {
  await arena.attack(async () => {
    const client = await arena.connect();
    expect((await join(client, '')).errorCode).toBe(INVALID_GROUP_ID);
    for (const sessionTimeoutMs of [0, -1, 999, 2 ** 31 - 1]) expect((await join(client, 'odd', { sessionTimeoutMs })).errorCode).toBe(INVALID_SESSION_TIMEOUT);
    expect((await join(client, 'odd', { memberId: 'nobody' })).errorCode).toBe(UNKNOWN_MEMBER_ID);
    expect((await join(client, 'odd', { protocols: [] })).errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL);
    expect((await join(client, 'odd', { protocolType: '' })).errorCode).toBe(INCONSISTENT_GROUP_PROTOCOL);
    expect((await client.call(Heartbeat, 3, makeHeartbeatRequest({ groupId: 'odd', memberId: 'nobody', generationId: -7 }))).errorCode).toBe(UNKNOWN_MEMBER_ID);
    expect((await client.call(SyncGroup, 3, makeSyncGroupRequest({ groupId: 'odd', memberId: 'nobody', generationId: 2 ** 31 - 1 }))).errorCode).toBe(UNKNOWN_MEMBER_ID);
  });
});

test('a member may say 4 MB of itself, and no more', async () => {
  await arena.attack(async () => {
    const client = await arena.connect();
    expect((await join(client, 'heavy', {}, Buffer.alloc(40 * MEBIBYTE, 7))).errorCode).toBe(INVALID_REQUEST);
    // The group works in memory; what it cannot do is to be written to the log.
    const { errorCode, memberId, generationId } = await join(client, 'heavy', {}, Buffer.alloc(3_900_000, 7));
    expect(errorCode).toBe(NONE);
    const assignments = [makeSyncGroupRequestAssignment({ memberId, assignment: Buffer.alloc(40 * MEBIBYTE) })];
    expect((await client.call(SyncGroup, 3, makeSyncGroupRequest({ groupId: 'heavy', memberId, generationId, assignments }))).errorCode).toBe(ErrorCode.UNKNOWN_SERVER_ERROR);
    expect(await commit(client, 'light', 1)).toBe(NONE);
  }, { growthMibMax: 320 });
});

test('all members of a coordinator together may say so much of themselves', async () => {
  await arena.attack(async () => {
    const clients = await Promise.all(Array.from({ length: 15 }, () => arena.connect()));
    const answers = await Promise.all(clients.map((client) => join(client, 'hogs', { rebalanceTimeoutMs: 500 }, Buffer.alloc(3_900_000, 7))));
    const codes = answers.map(({ errorCode }) => errorCode);
    expect(codes.filter((code) => code === COORDINATOR_NOT_AVAILABLE).length).toBeGreaterThanOrEqual(10);
    expect(codes.every((code) => code === COORDINATOR_NOT_AVAILABLE || code === NONE)).toBe(true);
  }, { growthMibMax: 320 });
});

test('committed metadata is held to its limit', async () => {
  await arena.attack(async () => {
    const client = await arena.connect();
    expect(await commit(client, 'notes', 1, 'x'.repeat(4096))).toBe(NONE);
    expect(await commit(client, 'notes', 1, 'x'.repeat(4097))).toBe(OFFSET_METADATA_TOO_LARGE);
    expect(await commit(client, 'notes', 1, 'x'.repeat(32_767))).toBe(OFFSET_METADATA_TOO_LARGE);
  });
});

test('a group takes no more members than group.max.size', async () => {
  await arena.attack(async () => {
    const clients = await Promise.all(Array.from({ length: 3 * MEMBERS_MAX }, () => arena.connect()));
    const answers = await Promise.all(clients.map((client) => join(client, 'crowd', { rebalanceTimeoutMs: 500 })));
    const codes = answers.map(({ errorCode }) => errorCode);
    expect(codes.filter((code) => code === GROUP_MAX_SIZE_REACHED).length).toBeGreaterThanOrEqual(MEMBERS_MAX);
    // who is too slow to join again makes room for the next generation
    const sizes = new Map<number, number>();
    for (const { errorCode, generationId } of answers) if (errorCode === NONE) sizes.set(generationId, (sizes.get(generationId) ?? 0) + 1);
    expect(Math.max(...sizes.values())).toBeLessThanOrEqual(MEMBERS_MAX);
  });
});

test('20,000 joins without an id, each of another group, stay small and are forgotten', async () => {
  await arena.attack(async () => {
    const client = await arena.connect();
    const codes = new Map<number, number>();
    for (let from = 0; from < 20_000; from += 500) {
      const asked = Array.from({ length: 500 }, (_none, index) => client.call(JoinGroup, 5, joining(`flood-${from + index}`, { sessionTimeoutMs: 1000 })));
      for (const { errorCode } of await Promise.all(asked)) codes.set(errorCode, (codes.get(errorCode) ?? 0) + 1);
    }
    expect([...codes.keys()].every((code) => code === MEMBER_ID_REQUIRED || code === COORDINATOR_NOT_AVAILABLE)).toBe(true);
  }, { growthMibMax: 128, acksDuringMin: 20 });
  const client = await arena.connect();
  const groupsLeft = async () => (await client.call(ListGroups, 4, makeListGroupsRequest())).groups.filter(({ groupId }) => groupId.startsWith('flood-')).length;
  await expect.poll(groupsLeft, { timeout: 25_000, interval: 200 }).toBe(0);
});

test('5,000 groups with offsets are kept, and take a few hundred bytes each', async () => {
  await arena.attack(async () => {
    const client = await arena.connect();
    for (let from = 0; from < 5000; from += 500) {
      const codes = await Promise.all(Array.from({ length: 500 }, (_none, index) => commit(client, `kept-${from + index}`, index)));
      expect(new Set(codes)).toEqual(new Set([NONE]));
    }
    expect(await commitAs(client, 'kept-0', 'nobody', 3)).toBe(UNKNOWN_MEMBER_ID);
    expect(await commitAs(client, 'never-was', 'nobody', 3)).toBe(ILLEGAL_GENERATION);
  }, { growthMibMax: 96, acksDuringMin: 20 });
});

async function commitAs(client: RawClient, groupId: string, memberId: string, generation: number): Promise<number> {
  const partition = makeOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset: 1 });
  const request = makeOffsetCommitRequest({ groupId, memberId, generationIdOrMemberEpoch: generation, topics: [makeOffsetCommitRequestTopic({ name: 'calm', partitions: [partition] })] });
  return (await client.call(OffsetCommit, 7, request)).topics[0]!.partitions[0]!.errorCode;
}
