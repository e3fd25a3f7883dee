/** The APIs of groups as clients speak them; the others are in test/broker/support/apis.ts. */
import { ApiKey } from '../../../src/protocol/generated/apis.ts';
import * as deleteGroups from '../../../src/protocol/generated/deleteGroups.ts';
import * as describeGroups from '../../../src/protocol/generated/describeGroups.ts';
import * as heartbeat from '../../../src/protocol/generated/heartbeat.ts';
import * as joinGroup from '../../../src/protocol/generated/joinGroup.ts';
import * as listGroups from '../../../src/protocol/generated/listGroups.ts';
import * as syncGroup from '../../../src/protocol/generated/syncGroup.ts';
import type { ClientApi } from '../../broker/support/node.ts';

const api = <Request, Response>(apiKey: number, write: ClientApi<Request, Response>['write'], read: ClientApi<Request, Response>['read']): ClientApi<Request, Response> =>
  ({ apiKey, write, read });

export const JoinGroup = api(ApiKey.JoinGroup, joinGroup.writeJoinGroupRequest, joinGroup.readJoinGroupResponse);
export const SyncGroup = api(ApiKey.SyncGroup, syncGroup.writeSyncGroupRequest, syncGroup.readSyncGroupResponse);
export const Heartbeat = api(ApiKey.Heartbeat, heartbeat.writeHeartbeatRequest, heartbeat.readHeartbeatResponse);
export const ListGroups = api(ApiKey.ListGroups, listGroups.writeListGroupsRequest, listGroups.readListGroupsResponse);
export const DescribeGroups = api(ApiKey.DescribeGroups, describeGroups.writeDescribeGroupsRequest, describeGroups.readDescribeGroupsResponse);
export const DeleteGroups = api(ApiKey.DeleteGroups, deleteGroups.writeDeleteGroupsRequest, deleteGroups.readDeleteGroupsResponse);
