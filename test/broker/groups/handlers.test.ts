import { describe, expect, it } from 'vitest';
import type { ApiHandler, ClientConnection, RequestContext } from '../../../src/broker/contract.ts';
import { groupHandlers } from '../../../src/broker/groups/index.ts';
import type { GroupServices } from '../../../src/broker/groups/index.ts';
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { makeConsumerGroupHeartbeatRequest, readConsumerGroupHeartbeatResponse, writeConsumerGroupHeartbeatRequest } from '../../../src/protocol/generated/consumerGroupHeartbeat.ts';
import { makeDeleteGroupsRequest, readDeleteGroupsResponse, writeDeleteGroupsRequest } from '../../../src/protocol/generated/deleteGroups.ts';
import { makeDescribeGroupsRequest, readDescribeGroupsResponse, writeDescribeGroupsRequest } from '../../../src/protocol/generated/describeGroups.ts';
import { makeHeartbeatRequest, readHeartbeatResponse, writeHeartbeatRequest } from '../../../src/protocol/generated/heartbeat.ts';
import { makeJoinGroupRequest, readJoinGroupResponse, writeJoinGroupRequest } from '../../../src/protocol/generated/joinGroup.ts';
import { makeLeaveGroupRequest, makeMemberIdentity, readLeaveGroupResponse, writeLeaveGroupRequest } from '../../../src/protocol/generated/leaveGroup.ts';
import { makeListGroupsRequest, readListGroupsResponse, writeListGroupsRequest } from '../../../src/protocol/generated/listGroups.ts';
import { makeOffsetCommitRequest, makeOffsetCommitRequestPartition, makeOffsetCommitRequestTopic, readOffsetCommitResponse, writeOffsetCommitRequest } from '../../../src/protocol/generated/offsetCommit.ts';
import { makeOffsetDeleteRequest, readOffsetDeleteResponse, writeOffsetDeleteRequest } from '../../../src/protocol/generated/offsetDelete.ts';
import { makeOffsetFetchRequest, makeOffsetFetchRequestGroup, makeOffsetFetchRequestTopics, readOffsetFetchResponse, writeOffsetFetchRequest } from '../../../src/protocol/generated/offsetFetch.ts';
import { makeSyncGroupRequest, readSyncGroupResponse, writeSyncGroupRequest } from '../../../src/protocol/generated/syncGroup.ts';
import { Reader } from '../../../src/protocol/reader.ts';
import { zeroUuid } from '../../../src/protocol/types.ts';
import { Writer } from '../../../src/protocol/writer.ts';
import { Harness, subscription } from './support.ts';

type AnyHandler = ApiHandler<GroupServices, unknown, unknown>;
const handlerOf = (name: string): AnyHandler => groupHandlers.find((handler) => handler.name === name) as AnyHandler;

interface Codec<Request, Response> {
  readonly name: string;
  readonly writeRequest: (writer: Writer, request: Request, version: number) => void;
  readonly readResponse: (reader: Reader, version: number) => Response;
}

const join = { name: 'JoinGroup', writeRequest: writeJoinGroupRequest, readResponse: readJoinGroupResponse };
const sync = { name: 'SyncGroup', writeRequest: writeSyncGroupRequest, readResponse: readSyncGroupResponse };
const heartbeat = { name: 'Heartbeat', writeRequest: writeHeartbeatRequest, readResponse: readHeartbeatResponse };
const leave = { name: 'LeaveGroup', writeRequest: writeLeaveGroupRequest, readResponse: readLeaveGroupResponse };
const commit = { name: 'OffsetCommit', writeRequest: writeOffsetCommitRequest, readResponse: readOffsetCommitResponse };
const fetch = { name: 'OffsetFetch', writeRequest: writeOffsetFetchRequest, readResponse: readOffsetFetchResponse };
const list = { name: 'ListGroups', writeRequest: writeListGroupsRequest, readResponse: readListGroupsResponse };
const describeGroups = { name: 'DescribeGroups', writeRequest: writeDescribeGroupsRequest, readResponse: readDescribeGroupsResponse };
const deleteGroups = { name: 'DeleteGroups', writeRequest: writeDeleteGroupsRequest, readResponse: readDeleteGroupsResponse };
const consumerHeartbeat = { name: 'ConsumerGroupHeartbeat', writeRequest: writeConsumerGroupHeartbeatRequest, readResponse: readConsumerGroupHeartbeatResponse };
const offsetDelete = { name: 'OffsetDelete', writeRequest: writeOffsetDeleteRequest, readResponse: readOffsetDeleteResponse };

const connection = { remoteAddress: '10.0.0.1' } as ClientConnection;

/** Over the wire and back; null while the reply waits. */
function ask<Request, Response>(harness: Harness, codec: Codec<Request, Response>, request: Request, apiVersion: number): Response | null {
  const handler = handlerOf(codec.name);
  const writer = new Writer();
  codec.writeRequest(writer, request, apiVersion);
  const reader = new Reader(writer.takeBuffer());
  const received = handler.read(reader, apiVersion);
  reader.finish();
  let response: Response | null = null;
  const reply = (value: unknown): void => {
    response = readBack(handler, codec, value, apiVersion);
  };
  const context = { apiKey: handler.apiKey, apiVersion, clientId: 'client', connection, reply } as RequestContext<unknown>;
  void handler.handle(received, context, { groupCoordinator: harness.coordinator });
  harness.turn();
  expect(readBack(handler, codec, handler.errorResponse(received, ErrorCode.UNKNOWN_SERVER_ERROR, null, apiVersion), apiVersion)).toBeTruthy();
  return response;
}

function readBack<Response>(handler: AnyHandler, codec: Codec<never, Response>, value: unknown, version: number): Response {
  const writer = new Writer();
  handler.write(writer, value, version);
  const reader = new Reader(writer.takeBuffer());
  const response = codec.readResponse(reader, version);
  reader.finish();
  return response;
}

const versionsOf = (name: string): number[] => {
  const { minVersion, maxVersion } = handlerOf(name);
  return Array.from({ length: maxVersion - minVersion + 1 }, (_, index) => minVersion + index);
};

const joinFields = { groupId: 'g', sessionTimeoutMs: 10_000, rebalanceTimeoutMs: 30_000, protocolType: 'consumer', protocols: [{ name: 'range', metadata: subscription('a') }] };
const topic = (name: string, topicId: string) => makeOffsetCommitRequestTopic({ name, topicId, partitions: [makeOffsetCommitRequestPartition({ partitionIndex: 0, committedOffset: 5, committedMetadata: null })] });

describe('the versions that Kafka serves', () => {
  it('are served', () => {
    const spans = groupHandlers.map(({ apiKey, name, minVersion, maxVersion }) => `${apiKey} ${name} ${minVersion}-${maxVersion}`);
    expect(spans).toEqual([
      '8 OffsetCommit 2-10', '9 OffsetFetch 1-10', '11 JoinGroup 0-9', '12 Heartbeat 0-4', '13 LeaveGroup 0-5', '14 SyncGroup 0-5',
      '15 DescribeGroups 0-6', '16 ListGroups 0-5', '42 DeleteGroups 0-2', '47 OffsetDelete 0-0',
      '68 ConsumerGroupHeartbeat 0-1', '69 ConsumerGroupDescribe 0-1', '88 StreamsGroupHeartbeat 0-0', '89 StreamsGroupDescribe 0-0',
    ]);
  });
});

describe('membership', () => {
  it.each(versionsOf('JoinGroup'))('JoinGroup v%i', async (version) => {
    const harness = await Harness.start();
    const request = makeJoinGroupRequest(joinFields);
    const first = ask(harness, join, request, version);
    const id = first?.memberId ?? '';
    expect(first?.errorCode ?? 0).toBe(version >= 4 ? ErrorCode.MEMBER_ID_REQUIRED : 0);
    if (version >= 4) ask(harness, join, makeJoinGroupRequest({ ...joinFields, memberId: id }), version);
    harness.advance(3_000);
    const described = harness.coordinator.describe('g');
    expect(described).toMatchObject({ groupState: 'CompletingRebalance', members: [{ clientId: 'client', clientHost: '/10.0.0.1' }] });
    expect(ask(harness, join, makeJoinGroupRequest({ ...joinFields, sessionTimeoutMs: 1 }), version)).toMatchObject({ errorCode: ErrorCode.INVALID_SESSION_TIMEOUT, protocolName: version >= 7 ? null : '' });
  });

  it('JoinGroup v0 takes the session timeout for the rebalance timeout', async () => {
    const harness = await Harness.start();
    ask(harness, join, makeJoinGroupRequest({ ...joinFields, rebalanceTimeoutMs: 1 }), 0);
    harness.advance(3_000);
    harness.advance(9_000);
    expect(harness.state()).toBe('CompletingRebalance');
  });

  it.each([0, 1, 2, 3, 4, 5])('SyncGroup, Heartbeat and LeaveGroup v%i', async (version) => {
    const harness = await Harness.start();
    const { memberId } = harness.joinAsNew();
    harness.advance(3_000);
    const names = version >= 5 ? { protocolType: 'consumer', protocolName: 'range' } : {};
    const assignments = [{ memberId, assignment: Buffer.from('work') }];
    const synced = ask(harness, sync, makeSyncGroupRequest({ groupId: 'g', memberId, generationId: 1, assignments, ...names }), version);
    expect(synced).toMatchObject({ errorCode: 0, assignment: Buffer.from('work') });
    const beat = makeHeartbeatRequest({ groupId: 'g', memberId, generationId: 1 });
    if (version <= 4) expect(ask(harness, heartbeat, beat, version)).toMatchObject({ errorCode: 0 });
    const gone = ask(harness, leave, makeLeaveGroupRequest(version >= 3 ? { groupId: 'g', members: [makeMemberIdentity({ memberId: 'nobody' })] } : { groupId: 'g', memberId: 'nobody' }), version)!;
    expect(version >= 3 ? gone.members[0]!.errorCode : gone.errorCode).toBe(ErrorCode.UNKNOWN_MEMBER_ID);
    const left = ask(harness, leave, makeLeaveGroupRequest(version >= 3 ? { groupId: 'g', members: [makeMemberIdentity({ memberId })] } : { groupId: 'g', memberId }), version)!;
    expect(left.errorCode).toBe(0);
    expect(harness.state()).toBe('Empty');
  });

  it('a reply that cannot be written closes its connection and harms nobody else', async () => {
    const harness = await Harness.start();
    let closed: string | null = null;
    const reply = (): void => {
      throw new Error('too long');
    };
    const context = { apiVersion: 3, clientId: 'bad', connection, reply, closeConnection: (reason: string) => (closed = reason) };
    void handlerOf('JoinGroup').handle(makeJoinGroupRequest(joinFields), context as unknown as RequestContext<unknown>, { groupCoordinator: harness.coordinator });
    const other = harness.join({}, 3);
    harness.advance(6_000);
    expect(closed).toContain('too long');
    expect(other.value).toMatchObject({ errorCode: 0, generationId: 1 });
  });

  it('SyncGroup v5 has to name type and protocol', async () => {
    const harness = await Harness.start();
    expect(ask(harness, sync, makeSyncGroupRequest({ groupId: 'g', memberId: 'm', generationId: 1 }), 5)).toMatchObject({ errorCode: ErrorCode.INCONSISTENT_GROUP_PROTOCOL });
  });
});

describe('offsets', () => {
  it.each(versionsOf('OffsetCommit'))('OffsetCommit v%i', async (version) => {
    const harness = await Harness.start();
    const id = version >= 10 ? harness.topics.get('a')! : zeroUuid;
    const unknownId = version >= 10 ? 'AAAAAAAAAAAAAAAAAAAAzw' : zeroUuid;
    const request = makeOffsetCommitRequest({ groupId: 'g', topics: [topic('a', id), topic('gone', unknownId)] });
    const response = ask(harness, commit, request, version)!;
    expect(response.topics.map(({ partitions }) => partitions[0]!.errorCode)).toEqual([0, version >= 10 ? ErrorCode.UNKNOWN_TOPIC_ID : ErrorCode.UNKNOWN_TOPIC_OR_PARTITION]);
    expect(response.topics.map(({ topicId }) => topicId)).toEqual([id, unknownId]);
    expect(harness.offset('a')).toBe(5);
    const refused = ask(harness, commit, makeOffsetCommitRequest({ groupId: 'x', generationIdOrMemberEpoch: 3, memberId: 'm', topics: [topic('a', id)] }), version)!;
    expect(refused.topics[0]!.partitions[0]!.errorCode).toBe(version >= 9 ? ErrorCode.GROUP_ID_NOT_FOUND : ErrorCode.ILLEGAL_GENERATION);
    expect(ask(harness, commit, makeOffsetCommitRequest({ groupId: 'g', topics: [] }), version)).toMatchObject({ topics: [] });
  });

  it.each(versionsOf('OffsetFetch'))('OffsetFetch v%i', async (version) => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 5 } }, metadata: 'note' });
    harness.commit({ groupId: 'h', offsets: { b: { 1: 6 } } });
    const topicId = version >= 10 ? harness.topics.get('a')! : zeroUuid;
    if (version < 8) {
      const response = ask(harness, fetch, makeOffsetFetchRequest({ groupId: 'g', topics: [{ name: 'a', partitionIndexes: [0, 1] }] }), version)!;
      expect(response.topics[0]!.partitions.map(({ committedOffset, metadata }) => [committedOffset, metadata])).toEqual([[5, 'note'], [-1, '']]);
      if (version >= 2) expect(ask(harness, fetch, makeOffsetFetchRequest({ groupId: 'g', topics: null }), version)!.topics).toHaveLength(1);
      return;
    }
    const groups = [
      makeOffsetFetchRequestGroup({ groupId: 'g', topics: [makeOffsetFetchRequestTopics({ name: 'a', topicId, partitionIndexes: [0, 1] })] }),
      makeOffsetFetchRequestGroup({ groupId: 'h', topics: null }),
    ];
    const response = ask(harness, fetch, makeOffsetFetchRequest({ groups }), version)!;
    expect(response.groups.map(({ groupId }) => groupId)).toEqual(['g', 'h']);
    expect(response.groups[0]!.topics[0]!.partitions.map(({ committedOffset }) => committedOffset)).toEqual([5, -1]);
    expect(response.groups[1]!.topics[0]).toMatchObject(version >= 10 ? { topicId: harness.topics.get('b') } : { name: 'b' });
    if (version < 10) return;
    const unknown = [makeOffsetFetchRequestGroup({ groupId: 'g', topics: [makeOffsetFetchRequestTopics({ topicId: 'AAAAAAAAAAAAAAAAAAAAzw', partitionIndexes: [0] })] })];
    expect(ask(harness, fetch, makeOffsetFetchRequest({ groups: unknown }), version)!.groups[0]!.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.UNKNOWN_TOPIC_ID);
  });

  it('OffsetFetch says where the coordinator is missing', async () => {
    const harness = await Harness.start();
    harness.log.led.clear();
    harness.coordinator.onResigned(0);
    const request = makeOffsetFetchRequest({ groupId: 'g', topics: [{ name: 'a', partitionIndexes: [0] }] });
    expect(ask(harness, fetch, request, 1)!.topics[0]!.partitions[0]!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
    expect(ask(harness, fetch, request, 7)!.errorCode).toBe(ErrorCode.NOT_COORDINATOR);
  });

  it('OffsetDelete v0', async () => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 5, 1: 5 } } });
    const topics = [{ name: 'a', partitions: [{ partitionIndex: 0 }] }, { name: 'gone', partitions: [{ partitionIndex: 0 }] }];
    const response = ask(harness, offsetDelete, makeOffsetDeleteRequest({ groupId: 'g', topics }), 0)!;
    expect(response.topics.map(({ partitions }) => partitions[0]!.errorCode)).toEqual([ErrorCode.UNKNOWN_TOPIC_OR_PARTITION, 0]);
    expect([harness.offset('a', 0), harness.offset('a', 1)]).toEqual([-1, 5]);
  });

  it('OffsetDelete refuses partitions that there are not, and says so first', async () => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 5 } } });
    const indexesOf = (indexes: number[]) => indexes.map((partitionIndex) => ({ partitionIndex }));
    const topics = [{ name: 'a', partitions: indexesOf([0, 99, -1]) }, { name: 'gone', partitions: indexesOf([0]) }];
    const unknown = ErrorCode.UNKNOWN_TOPIC_OR_PARTITION;
    const response = ask(harness, offsetDelete, makeOffsetDeleteRequest({ groupId: 'g', topics }), 0)!;
    expect(response.topics.map(({ name, partitions }) => [name, ...partitions.map(({ partitionIndex, errorCode }) => [partitionIndex, errorCode])]))
      .toEqual([['a', [99, unknown], [-1, unknown], [0, 0]], ['gone', [0, unknown]]]);
    expect(harness.offset('a', 0)).toBe(-1);
  });
});

describe('a refused heartbeat', () => {
  it('says in words why, without the name of its code', async () => {
    const harness = await Harness.start();
    const refuse = (groupId: string, memberId: string) => ask(harness, consumerHeartbeat, makeConsumerGroupHeartbeatRequest({ groupId, memberId, memberEpoch: 5 }), 1)!;
    expect(refuse('', 'm')).toMatchObject({ errorCode: ErrorCode.INVALID_REQUEST, errorMessage: "GroupId can't be empty." });
    expect(refuse('none', 'm').errorMessage).not.toMatch(/^[A-Z_]+:/);
  });
});

describe('administration', () => {
  it.each(versionsOf('ListGroups'))('ListGroups v%i', async (version) => {
    const harness = await Harness.start();
    harness.stableGroup(1);
    harness.commit({ groupId: 'simple', offsets: { a: { 0: 1 } } });
    const all = ask(harness, list, makeListGroupsRequest(), version)!;
    expect(all.groups.map(({ groupId, protocolType }) => [groupId, protocolType])).toEqual([['g', 'consumer'], ['simple', '']]);
    if (version >= 4) {
      const stable = ask(harness, list, makeListGroupsRequest({ statesFilter: ['stABLE'] }), version)!;
      expect(stable.groups).toMatchObject([{ groupId: 'g', groupState: 'Stable', groupType: version >= 5 ? 'classic' : '' }]);
    }
    if (version >= 5) {
      expect(ask(harness, list, makeListGroupsRequest({ typesFilter: ['Consumer'] }), version)!.groups).toEqual([]);
      expect(ask(harness, list, makeListGroupsRequest({ typesFilter: ['Classic'], statesFilter: ['Empty'] }), version)!.groups).toHaveLength(1);
    }
  });

  it.each(versionsOf('DescribeGroups'))('DescribeGroups v%i', async (version) => {
    const harness = await Harness.start();
    const { memberIds: [leader] } = harness.stableGroup(1);
    const { groups: [known, unknown] } = ask(harness, describeGroups, makeDescribeGroupsRequest({ groups: ['g', 'none'], includeAuthorizedOperations: version >= 3 }), version)!;
    expect(known).toMatchObject({ errorCode: 0, groupState: 'Stable', protocolType: 'consumer', protocolData: 'range', members: [{ memberId: leader, memberMetadata: subscription('a'), memberAssignment: Buffer.from(leader!) }] });
    expect(known!.authorizedOperations).toBe(version >= 3 ? 3_400 : -0x80000000);
    expect(unknown).toMatchObject({ groupState: 'Dead', errorCode: version >= 6 ? ErrorCode.GROUP_ID_NOT_FOUND : 0 });
  });

  it.each(versionsOf('DeleteGroups'))('DeleteGroups v%i', async (version) => {
    const harness = await Harness.start();
    harness.commit({ offsets: { a: { 0: 1 } } });
    const response = ask(harness, deleteGroups, makeDeleteGroupsRequest({ groupsNames: ['none', 'g', 'g'] }), version)!;
    expect(response.results.map(({ groupId, errorCode }) => [groupId, errorCode])).toEqual([['none', ErrorCode.GROUP_ID_NOT_FOUND], ['g', 0]]);
    expect(ask(harness, deleteGroups, makeDeleteGroupsRequest({ groupsNames: [] }), version)!.results).toEqual([]);
  });
});
