/** Share groups as clients speak them. */
import { ErrorCode } from '../../../src/protocol/errors.ts';
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import * as alterOffsets from '../../../src/protocol/generated/alterShareGroupOffsets.ts';
import * as deleteGroups from '../../../src/protocol/generated/deleteGroups.ts';
import * as deleteOffsets from '../../../src/protocol/generated/deleteShareGroupOffsets.ts';
import * as describeOffsets from '../../../src/protocol/generated/describeShareGroupOffsets.ts';
import * as shareAcknowledge from '../../../src/protocol/generated/shareAcknowledge.ts';
import * as shareFetch from '../../../src/protocol/generated/shareFetch.ts';
import * as describe from '../../../src/protocol/generated/shareGroupDescribe.ts';
import * as heartbeat from '../../../src/protocol/generated/shareGroupHeartbeat.ts';
import { TestConnection, send, settle } from '../support/node.ts';
import type { ClientApi, Pending, TestNode } from '../support/node.ts';
import { valuesIn } from '../support/work.ts';

const api = <Request, Response>(apiKey: number, write: ClientApi<Request, Response>['write'], read: ClientApi<Request, Response>['read']): ClientApi<Request, Response> =>
  ({ apiKey, write, read });

export const ShareFetch = api(ApiKey.ShareFetch, shareFetch.writeShareFetchRequest, shareFetch.readShareFetchResponse);
export const ShareAcknowledge = api(ApiKey.ShareAcknowledge, shareAcknowledge.writeShareAcknowledgeRequest, shareAcknowledge.readShareAcknowledgeResponse);
export const ShareGroupHeartbeat = api(ApiKey.ShareGroupHeartbeat, heartbeat.writeShareGroupHeartbeatRequest, heartbeat.readShareGroupHeartbeatResponse);
export const ShareGroupDescribe = api(ApiKey.ShareGroupDescribe, describe.writeShareGroupDescribeRequest, describe.readShareGroupDescribeResponse);
export const DescribeShareGroupOffsets = api(ApiKey.DescribeShareGroupOffsets, describeOffsets.writeDescribeShareGroupOffsetsRequest, describeOffsets.readDescribeShareGroupOffsetsResponse);
export const AlterShareGroupOffsets = api(ApiKey.AlterShareGroupOffsets, alterOffsets.writeAlterShareGroupOffsetsRequest, alterOffsets.readAlterShareGroupOffsetsResponse);
export const DeleteShareGroupOffsets = api(ApiKey.DeleteShareGroupOffsets, deleteOffsets.writeDeleteShareGroupOffsetsRequest, deleteOffsets.readDeleteShareGroupOffsetsResponse);
export const DeleteGroups = api(ApiKey.DeleteGroups, deleteGroups.writeDeleteGroupsRequest, deleteGroups.readDeleteGroupsResponse);

export const Type = { gap: 0, accept: 1, release: 2, reject: 3, renew: 4 } as const;
export const GROUP = 'sharers';
/** Earliest, so that what was produced before is read. */
export const SETTINGS = { 'share.coordinator.state.topic.num.partitions': '2' };

/** Waits for the reply while a little time passes: coordinators load and persisters try again. */
export async function reply<Response>(node: TestNode, pending: Pending<Response>): Promise<Response> {
  for (let turn = 0; turn < 60; turn++) {
    await settle();
    const response = pending.response();
    if (response !== null) return response;
    if (pending.outcome.closed !== null) break;
    await node.ports.clock.advance(5);
  }
  throw new Error(`no reply: ${JSON.stringify(pending.outcome)}`);
}

export const ask = <Request, Response>(node: TestNode, client: ClientApi<Request, Response>, version: number, body: Request, connection?: TestConnection): Promise<Response> =>
  reply(node, send(node, client, version, body, connection));

export interface Acquired {
  readonly firstOffset: number;
  readonly lastOffset: number;
  readonly deliveryCount: number;
}

/** One member with its connection and share session. */
export class Sharer {
  readonly node: TestNode;
  readonly memberId: string;
  readonly topicId: string;
  readonly connection = new TestConnection();
  groupId = GROUP;
  memberEpoch = 0;
  sessionEpoch = 0;

  constructor(node: TestNode, memberId: string, topicId: string) {
    this.node = node;
    this.memberId = memberId;
    this.topicId = topicId;
  }

  async join(topics: string[]): Promise<heartbeat.ShareGroupHeartbeatResponse> {
    let response = await this.heartbeat({ memberEpoch: 0, subscribedTopicNames: topics });
    for (let i = 0; i < 10 && response.errorCode === ErrorCode.COORDINATOR_LOAD_IN_PROGRESS; i++) {
      await this.node.ports.clock.advance(10);
      response = await this.heartbeat({ memberEpoch: 0, subscribedTopicNames: topics });
    }
    if (response.errorCode !== 0) throw new Error(`${response.errorCode} ${response.errorMessage}`);
    return response;
  }

  async heartbeat(fields: Partial<heartbeat.ShareGroupHeartbeatRequest> = {}): Promise<heartbeat.ShareGroupHeartbeatResponse> {
    const body = { groupId: this.groupId, memberId: this.memberId, memberEpoch: this.memberEpoch, rackId: null, subscribedTopicNames: null, ...fields };
    const response = await ask(this.node, ShareGroupHeartbeat, 1, body, this.connection);
    if (response.errorCode === 0) this.memberEpoch = response.memberEpoch;
    return response;
  }

  fetchBody(fields: Partial<shareFetch.ShareFetchRequest> = {}, index = 0, acknowledgements: shareFetch.AcknowledgementBatch[] = []): shareFetch.ShareFetchRequest {
    const isFirst = this.sessionEpoch === 0;
    return shareFetch.makeShareFetchRequest({
      groupId: this.groupId, memberId: this.memberId, shareSessionEpoch: this.sessionEpoch, maxWaitMs: 0, minBytes: 1, maxBytes: 1 << 20, maxRecords: 500, batchSize: 500,
      topics: isFirst || acknowledgements.length > 0 ? [{ topicId: this.topicId, partitions: [{ partitionIndex: index, partitionMaxBytes: 0, acknowledgementBatches: acknowledgements }] }] : [],
      ...fields,
    });
  }

  send(fields: Partial<shareFetch.ShareFetchRequest> = {}, acknowledgements: shareFetch.AcknowledgementBatch[] = []): Pending<shareFetch.ShareFetchResponse> {
    const pending = send(this.node, ShareFetch, 2, this.fetchBody(fields, 0, acknowledgements), this.connection);
    this.sessionEpoch++;
    return pending;
  }

  /** What it was given; asks again until its share partition is loaded. */
  async fetch(fields: Partial<shareFetch.ShareFetchRequest> = {}, acknowledgements: shareFetch.AcknowledgementBatch[] = []): Promise<{ acquired: Acquired[]; values: string[]; response: shareFetch.ShareFetchResponse }> {
    const response = await reply(this.node, this.send({ maxWaitMs: 50, ...fields }, acknowledgements));
    const data = response.responses[0]?.partitions[0];
    if (response.errorCode !== 0 || (data?.errorCode ?? 0) !== 0) throw new Error(`${response.errorCode} ${data?.errorCode} ${response.errorMessage}`);
    const acquired = (data?.acquiredRecords ?? []).map(({ firstOffset, lastOffset, deliveryCount }) => ({ firstOffset, lastOffset, deliveryCount }));
    return { acquired, values: data === undefined ? [] : valuesIn(data.records), response };
  }

  /** The error code of the partition, or of the whole request. */
  async acknowledge(firstOffset: number, lastOffset: number, types: number[], fields: Partial<shareAcknowledge.ShareAcknowledgeRequest> = {}): Promise<number> {
    const body = shareAcknowledge.makeShareAcknowledgeRequest({
      groupId: this.groupId, memberId: this.memberId, shareSessionEpoch: this.sessionEpoch,
      topics: [{ topicId: this.topicId, partitions: [{ partitionIndex: 0, acknowledgementBatches: [{ firstOffset, lastOffset, acknowledgeTypes: types }] }] }],
      ...fields,
    });
    const response = await ask(this.node, ShareAcknowledge, 2, body, this.connection);
    if (response.errorCode !== 0) return response.errorCode;
    this.sessionEpoch++;
    return response.responses[0]!.partitions[0]!.errorCode;
  }
}

export async function offsetsOf(node: TestNode, topicName: string, groupId = GROUP): Promise<{ startOffset: number; lag: number; errorCode: number }> {
  const response = await ask(node, DescribeShareGroupOffsets, 1, { groups: [{ groupId, topics: [{ topicName, partitions: [0] }] }] });
  const group = response.groups[0]!;
  const partition = group.topics[0]?.partitions[0];
  return { startOffset: partition?.startOffset ?? -2, lag: partition?.lag ?? -2, errorCode: group.errorCode };
}
